//! The checks at the door: which version both speak, and whether the hello says what the certificate says.

use crate::v1::{Fault, Hello, Refused, Retry};
use crate::{Limits, Peer, VERSIONS};
use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

/// The longest id of a device, in bytes.
pub const LONGEST_ID: usize = 128;

/// How far an agent's clock may be from the controller's: what it signs is not believed beyond that.
pub const CLOCKS_APART: Duration = Duration::from_secs(120);

/// The word in a hello's `capabilities` of an agent that holds a device to what has to stand there: entries of a change that
/// are the same before and after are compared when it is staged.
pub const STANDS: &str = "stands";

/// The word of an agent that lets go by itself of a device on which nothing changes: it gives way to whatever comes next, and
/// whatever it is told of the end, it is at that end.
pub const LOOKS_ON: &str = "looks-on";

/// What a program keeps to when devices agree: said in a hello like a skill, and none that an operator verifies.
pub const KEEPS_TO: [&str; 2] = [STANDS, LOOKS_ON];

/// Whether a text can be the id of a device or the name of an agent.
pub fn is_id(text: &str) -> bool {
    (1..=LONGEST_ID).contains(&text.len()) && !text.chars().any(char::is_control)
}

/// The version that a stream will speak, or the refusal to send.
pub fn admit(hello: &Hello, peer: &Peer, limits: &Limits) -> Result<u32, Box<Refused>> {
    check_identity(hello, peer)?;
    check_devices(hello, peer, limits)?;
    agree(hello.lowest_version, hello.highest_version)
}

/// Whether the agent's clock is right enough. Who does not say what it shows is not judged by it.
pub fn on_time(hello: &Hello, now: SystemTime) -> Result<(), Box<Fault>> {
    let apart = Duration::from_millis(hello.clock.abs_diff(shown(now)));
    if hello.clock == 0 || apart <= CLOCKS_APART {
        return Ok(());
    }
    let side = if hello.clock > shown(now) { "ahead of" } else { "behind" };
    Err(Box::new(Fault {
        code: "clock".into(),
        retry: Retry::Later.into(),
        detail: format!(
            "the agent's clock is {} s {side} the controller's, 120 s are tolerated: set the one that is wrong",
            apart.as_secs()
        ),
        ..Fault::default()
    }))
}

/// What a clock shows, as it is said: in milliseconds since 1970.
pub fn shown(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The highest version that both know.
pub fn agree(lowest: u32, highest: u32) -> Result<u32, Box<Refused>> {
    let version = highest.min(*VERSIONS.end());
    if version >= lowest.max(*VERSIONS.start()) && lowest <= highest {
        return Ok(version);
    }
    let ours = format!("{} to {}", VERSIONS.start(), VERSIONS.end());
    Err(refuse(
        "version",
        "",
        format!("the agent speaks versions {lowest} to {highest}, the controller {ours}"),
    ))
}

fn check_identity(hello: &Hello, peer: &Peer) -> Result<(), Box<Refused>> {
    if hello.agent != peer.name {
        let said: String = hello
            .agent
            .chars()
            .filter(|it| !it.is_control())
            .take(LONGEST_ID)
            .collect();
        return Err(refuse(
            "denied",
            "",
            format!("the agent says {said:?}, its certificate says {:?}", peer.name),
        ));
    }
    if hello.session.len() != 16 {
        return Err(refuse(
            "malformed",
            "",
            format!("a session has 16 bytes, not {}", hello.session.len()),
        ));
    }
    Ok(())
}

fn check_devices(hello: &Hello, peer: &Peer, limits: &Limits) -> Result<(), Box<Refused>> {
    if hello.devices.len() > limits.devices {
        let detail = format!("{} devices, at most {} are taken", hello.devices.len(), limits.devices);
        return Err(refuse("too-large", "", detail));
    }
    let mut seen = BTreeSet::new();
    for device in &hello.devices {
        if !is_id(&device.id) {
            return Err(refuse(
                "malformed",
                "",
                "the id of a device is empty, too long or has control characters".into(),
            ));
        }
        if !seen.insert(&device.id) {
            return Err(refuse("malformed", &device.id, "the device is named twice".into()));
        }
        if !(peer.allows)(&device.id) {
            return Err(refuse(
                "out-of-scope",
                &device.id,
                "the certificate does not cover the device".into(),
            ));
        }
    }
    Ok(())
}

fn refuse(code: &str, device: &str, detail: String) -> Box<Refused> {
    refused(Fault {
        code: code.into(),
        device: device.into(),
        retry: Retry::Never.into(),
        detail,
        ..Fault::default()
    })
}

/// The refusal for a reason.
pub(crate) fn refused(fault: Fault) -> Box<Refused> {
    let (lowest_version, highest_version) = (*VERSIONS.start(), *VERSIONS.end());
    Box::new(Refused {
        fault: Some(fault),
        lowest_version,
        highest_version,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1::Device;

    fn peer() -> Peer {
        let cut = tokio_util::sync::CancellationToken::new();
        Peer::new("edge-1", |it| it.starts_with("pe"), cut)
    }

    fn hello() -> Hello {
        Hello {
            lowest_version: 1,
            highest_version: 1,
            agent: "edge-1".into(),
            session: vec![7; 16],
            devices: vec![Device {
                id: "pe1".into(),
                ..Device::default()
            }],
            ..Hello::default()
        }
    }

    fn code(hello: &Hello) -> String {
        let limits = Limits {
            devices: 2,
            ..Limits::default()
        };
        admit(hello, &peer(), &limits)
            .expect_err("refused")
            .fault
            .expect("with a reason")
            .code
    }

    #[test]
    fn a_good_hello_is_admitted() {
        assert_eq!(admit(&hello(), &peer(), &Limits::default()), Ok(1));
    }

    #[test]
    fn an_agent_one_version_newer_that_still_speaks_ours_is_admitted() {
        assert_eq!(agree(1, 2), Ok(1));
        assert_eq!(agree(0, 1), Ok(1));
    }

    #[test]
    fn versions_that_do_not_meet_are_refused_by_name() {
        for (lowest, highest) in [(2, 3), (0, 0), (2, 1)] {
            let refused = agree(lowest, highest).expect_err("refused");
            assert_eq!(refused.fault.expect("with a reason").code, "version");
            assert_eq!((refused.lowest_version, refused.highest_version), (1, 1));
        }
    }

    #[test]
    fn what_contradicts_the_certificate_is_refused() {
        assert_eq!(
            code(&Hello {
                agent: "edge-2\u{1b}[2J".into(),
                ..hello()
            }),
            "denied"
        );
        let stranger = Device {
            id: "ce9".into(),
            ..Device::default()
        };
        assert_eq!(
            code(&Hello {
                devices: vec![stranger],
                ..hello()
            }),
            "out-of-scope"
        );
    }

    #[test]
    fn a_clock_that_is_off_is_told_by_how_much() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let at = |clock| on_time(&Hello { clock, ..hello() }, now).map_err(|it| (it.code, it.detail));
        let right = 1_800_000_000_000;
        for good in [0, right, right - 120_000, right + 120_000] {
            assert_eq!(at(good), Ok(()));
        }
        for (clock, words) in [
            (right + 3_600_000, "3600 s ahead of"),
            (right - 3_600_000, "3600 s behind"),
            (right + 121_000, "121 s ahead of"),
            (u64::MAX, "s ahead of"),
            (1, "1799999999 s behind"),
        ] {
            let (code, detail) = at(clock).expect_err("refused");
            assert!(code == "clock" && detail.contains(words), "{detail}");
        }
    }

    #[test]
    fn what_is_malformed_is_refused() {
        let device = |id: &str| Device {
            id: id.into(),
            ..Device::default()
        };
        assert_eq!(
            code(&Hello {
                session: vec![],
                ..hello()
            }),
            "malformed"
        );
        assert_eq!(
            code(&Hello {
                devices: vec![device("pe\n1")],
                ..hello()
            }),
            "malformed"
        );
        assert_eq!(
            code(&Hello {
                devices: vec![device(&"p".repeat(129))],
                ..hello()
            }),
            "malformed"
        );
        assert_eq!(
            code(&Hello {
                devices: vec![device("pe1"), device("pe1")],
                ..hello()
            }),
            "malformed"
        );
        assert_eq!(
            code(&Hello {
                devices: vec![device("pe1"), device("pe2"), device("pe3")],
                ..hello()
            }),
            "too-large"
        );
    }
}
