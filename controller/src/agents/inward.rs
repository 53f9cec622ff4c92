//! From what agents say to what the machines understand. Everything that comes is data: what makes no sense is none.

use fabric_wire::v1::{self, Scope, answer::Outcome, vote::Choice};
use knowledge_model::{Path, Value};
use transaction::{Answer, DeviceId, Epoch, Guarantee, Inquiry, Reply, Report, Standing, Step, TransactionId};

use super::seats::Unseated;
use super::{Joined, Spoken};
use crate::commit::DeviceFault;

/// The longest that the paths of one fault are together, in bytes.
const PATHS: usize = 4 << 10;

/// An agent's first words.
pub fn joined(hello: &v1::Hello) -> Joined {
    let spoken = |device: &v1::Device| {
        let id = device.id.parse().ok()?;
        let protocols = device.protocols.iter().filter_map(|it| protocol(*it)).collect();
        let platforms = device.platforms.iter().map(|it| plain(it)).collect();
        Some(Spoken {
            id,
            platforms,
            protocols,
            guarantee: guarantee(device.guarantee),
        })
    };
    Joined {
        name: hello.agent.clone(),
        program: plain(&hello.program),
        abilities: hello.capabilities.iter().cloned().collect(),
        devices: hello.devices.iter().filter_map(spoken).collect(),
    }
}

/// Why an agent gets no seat, in the words of the wire.
pub fn unseated(unseated: &Unseated) -> v1::Fault {
    let device = match unseated {
        Unseated::Taken { device, .. } => device.to_string(),
        Unseated::Older => String::new(),
    };
    v1::Fault {
        code: "busy".to_owned(),
        device,
        retry: v1::Retry::Later.into(),
        detail: unseated.to_string(),
        ..v1::Fault::default()
    }
}

/// The device that a message is about.
pub fn device(scope: &Scope) -> Option<DeviceId> {
    scope.device.parse().ok()
}

fn transaction(scope: &Scope) -> Option<TransactionId> {
    let bytes: [u8; 16] = scope.transaction.as_slice().try_into().ok()?;
    Some(TransactionId(u128::from_be_bytes(bytes)))
}

fn step(scope: &Scope) -> Option<Step> {
    match v1::Step::try_from(scope.step).ok()? {
        v1::Step::Stage => Some(Step::Stage),
        v1::Step::Apply => Some(Step::Apply),
        v1::Step::Renew => Some(Step::Renew { round: scope.attempt }),
        v1::Step::Confirm => Some(Step::Confirm),
        v1::Step::Revert => Some(Step::Revert),
        v1::Step::Inquire => Some(Step::Inquire),
        v1::Step::Unspecified | v1::Step::Gate | v1::Step::Query | v1::Step::Watch => None,
    }
}

/// An answer to a request of a transaction.
pub fn reply(scope: &Scope, device: DeviceId, answer: v1::Answer) -> Option<Reply> {
    let step = step(scope)?;
    let stands = standing(answer.standing);
    let answer = match answer.outcome? {
        Outcome::Done(_) => done(step, stands),
        Outcome::Fault(fault) => failed(step, &fault),
        Outcome::Vote(vote) => voted(vote.choice?)?,
        Outcome::Deferred(deferred) => Answer::Deferred {
            reason: deferred.fault.as_ref().map(words).unwrap_or_default(),
        },
        Outcome::Lapsed(_) => Answer::Lapsed,
        Outcome::Foreign(foreign) => Answer::Foreign {
            what: plain(&foreign.words),
        },
        Outcome::Superseded(superseded) => Answer::Superseded {
            by: Epoch(superseded.by),
        },
        Outcome::Unheard(_) => Answer::Unknown,
        Outcome::Health(_) | Outcome::Reading(_) => return None,
    };
    Some(Reply {
        transaction: transaction(scope)?,
        epoch: Epoch(scope.epoch),
        device,
        step,
        answer,
    })
}

/// The paths on which somebody else had written, as the agent names them.
pub fn foreign(answer: &v1::Answer) -> String {
    let receipt = answer.receipt.as_ref();
    let paths = receipt.map(|it| it.foreign.as_slice()).unwrap_or_default();
    paths.iter().take(64).map(|it| plain(it)).collect::<Vec<_>>().join(", ")
}

fn done(step: Step, standing: Standing) -> Answer {
    match step {
        Step::Apply => Answer::Applied,
        Step::Renew { .. } => Answer::Renewed,
        Step::Confirm => Answer::Confirmed,
        Step::Revert => Answer::Reverted,
        Step::Inquire => Answer::Stands { standing },
        Step::Stage => Answer::Refused {
            reason: "the agent voted neither yes nor no".to_owned(),
        },
    }
}

fn failed(step: Step, fault: &v1::Fault) -> Answer {
    let reason = words(fault);
    // Nothing has begun there: it is asked again, until its deadline.
    if code(fault) == "overloaded" && fault.retry() == v1::Retry::Later {
        return Answer::Deferred { reason };
    }
    match step {
        Step::Stage => no(fault, ""),
        Step::Apply => Answer::Failed { reason },
        Step::Renew { .. } | Step::Confirm | Step::Revert | Step::Inquire => Answer::Deferred { reason },
    }
}

/// A device cannot take the change: what is to be done about it depends on the code.
fn no(fault: &v1::Fault, holder: &str) -> Answer {
    match code(fault) {
        "busy" if !holder.is_empty() => Answer::Busy { holder: plain(holder) },
        "busy" => Answer::Busy { holder: words(fault) },
        "stale" => Answer::Stale { what: words(fault) },
        _ => Answer::Refused { reason: words(fault) },
    }
}

/// What went wrong, where an answer says so.
pub fn fault(answer: &v1::Answer) -> Option<&v1::Fault> {
    match answer.outcome.as_ref()? {
        Outcome::Fault(fault) => Some(fault),
        Outcome::Deferred(deferred) => deferred.fault.as_ref(),
        Outcome::Vote(vote) => match vote.choice.as_ref()? {
            Choice::No(no) => no.fault.as_ref(),
            Choice::Yes(_) | Choice::Stale(_) => None,
        },
        Outcome::Done(_)
        | Outcome::Health(_)
        | Outcome::Reading(_)
        | Outcome::Lapsed(_)
        | Outcome::Foreign(_)
        | Outcome::Superseded(_)
        | Outcome::Unheard(_) => None,
    }
}

/// What went wrong on a device, part by part, where an answer says that something did; the step is not known here.
pub fn told(device: String, answer: &v1::Answer) -> Option<DeviceFault> {
    let own = |code: &str, words: &str| v1::Fault {
        code: code.to_owned(),
        detail: words.to_owned(),
        ..v1::Fault::default()
    };
    let fault = match (fault(answer), answer.outcome.as_ref()?) {
        (Some(fault), _) => fault.clone(),
        (None, Outcome::Foreign(foreign)) => own("foreign", &foreign.words),
        (None, Outcome::Vote(vote)) => match vote.choice.as_ref()? {
            Choice::Stale(stale) => own("stale", &stale.words),
            Choice::No(no) => own("unknown", &no.holder),
            Choice::Yes(_) => return None,
        },
        (None, Outcome::Deferred(_)) => own("unknown", ""),
        (
            None,
            Outcome::Done(_)
            | Outcome::Fault(_)
            | Outcome::Health(_)
            | Outcome::Reading(_)
            | Outcome::Lapsed(_)
            | Outcome::Superseded(_)
            | Outcome::Unheard(_),
        ) => return None,
    };
    let retry = match fault.retry() {
        v1::Retry::Later => "later",
        v1::Retry::Elsewhere => "elsewhere",
        v1::Retry::Never | v1::Retry::Unspecified => "never",
    };
    Some(DeviceFault {
        device,
        step: String::new(),
        code: code(&fault).to_owned(),
        protocol: protocol(fault.protocol).map(str::to_owned),
        device_words: plain(&fault.device_words),
        retry: retry.to_owned(),
        detail: plain(&fault.detail),
        paths: within(PATHS, fault.paths.iter().take(64).map(|it| plain(it))),
    })
}

/// As many of these as are together no longer than that.
fn within(bytes: usize, texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut left = bytes;
    let fits = |text: &String| {
        let before = left;
        left = left.saturating_sub(text.len());
        text.len() <= before
    };
    texts.take_while(fits).collect()
}

fn voted(choice: Choice) -> Option<Answer> {
    Some(match choice {
        Choice::Yes(yes) => Answer::Staged {
            guarantee: guarantee(yes.guarantee)?,
            renews: yes.renews,
        },
        Choice::No(it) => no(&it.fault.unwrap_or_default(), &it.holder),
        Choice::Stale(stale) => Answer::Stale {
            what: plain(&stale.words),
        },
    })
}

/// A question about a transaction.
pub fn inquiry(scope: &Scope, device: DeviceId, inquiry: &v1::Inquiry) -> Option<Inquiry> {
    let standing = standing(inquiry.standing);
    Some(Inquiry {
        transaction: transaction(scope)?,
        epoch: Epoch(scope.epoch),
        device,
        standing,
    })
}

/// What an agent is at.
pub fn report(scope: &Scope, device: DeviceId, progress: &v1::Progress) -> Option<(TransactionId, Report)> {
    Some((
        transaction(scope)?,
        Report {
            device,
            step: step(scope)?,
            words: plain(&progress.words),
        },
    ))
}

/// One entry that was read.
pub fn observed(observed: v1::Observed) -> Option<(Path, Value)> {
    let path = observed.path.parse().ok()?;
    let value = match observed.value?.kind? {
        v1::value::Kind::Present(_) => Value::Present,
        v1::value::Kind::Scalar(text) => Value::scalar(text),
        v1::value::Kind::Credential(name) => Value::scalar(format!("secret:{name}")),
    };
    Some((path, value))
}

fn standing(number: i32) -> Standing {
    match v1::Standing::try_from(number).unwrap_or_default() {
        v1::Standing::Untouched => Standing::Untouched,
        v1::Standing::Staged => Standing::Staged,
        v1::Standing::Applied => Standing::Applied,
        v1::Standing::Confirmed => Standing::Confirmed,
        v1::Standing::Unknown | v1::Standing::Unspecified => Standing::Unknown,
    }
}

fn guarantee(number: i32) -> Option<Guarantee> {
    match v1::Guarantee::try_from(number).ok()? {
        v1::Guarantee::Unspecified => None,
        v1::Guarantee::Plain => Some(Guarantee::Plain),
        v1::Guarantee::Whole => Some(Guarantee::Whole),
        v1::Guarantee::Timed => Some(Guarantee::Timed),
        v1::Guarantee::Session => Some(Guarantee::Session),
        v1::Guarantee::Confirmed => Some(Guarantee::Confirmed),
    }
}

fn protocol(number: i32) -> Option<&'static str> {
    match v1::Protocol::try_from(number).ok()? {
        v1::Protocol::Unspecified => None,
        v1::Protocol::Netconf => Some("netconf"),
        v1::Protocol::Cli => Some("cli"),
    }
}

/// The codes that are known, as docs/wire.md lists them.
const CODES: [&str; 15] = [
    "unreachable",
    "refused",
    "stale",
    "busy",
    "denied",
    "unsupported",
    "malformed",
    "unknown",
    "foreign",
    "out-of-scope",
    "too-large",
    "overloaded",
    "version",
    "clock",
    "protocol-switched",
];

/// The code of a fault; one that is not known says as much as `unknown`.
pub fn code(fault: &v1::Fault) -> &'static str {
    CODES.into_iter().find(|it| *it == fault.code).unwrap_or("unknown")
}

/// A fault in one sentence: what happened, what the device said, over which protocol, and whether it may succeed later.
pub fn words(fault: &v1::Fault) -> String {
    let (detail, said) = (plain(&fault.detail), plain(&fault.device_words));
    let mut words = match (detail.is_empty(), said.is_empty()) {
        (false, false) => format!("{detail}: {said}"),
        (false, true) => detail,
        (true, false) => said,
        (true, true) => code(fault).to_owned(),
    };
    let protocol = protocol(fault.protocol).filter(|it| !words.to_lowercase().contains(it));
    if let Some(protocol) = protocol {
        words.push_str(&format!(" (over {protocol})"));
    }
    if fault.retry() == v1::Retry::Later {
        words.push_str("; may succeed later");
    }
    words
}

/// Text from outside without control characters and of bounded length.
pub fn plain(text: &str) -> String {
    text.chars()
        .map(|it| if it.is_control() { ' ' } else { it })
        .take(1024)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(code: &str, retry: v1::Retry) -> v1::Fault {
        v1::Fault {
            code: code.to_owned(),
            protocol: v1::Protocol::Cli.into(),
            device_words: "no\u{1b}room".to_owned(),
            retry: retry.into(),
            detail: "refused by pe1".to_owned(),
            ..v1::Fault::default()
        }
    }

    fn answered(step: v1::Step, outcome: Outcome) -> Answer {
        let scope = Scope {
            transaction: vec![1; 16],
            step: step.into(),
            ..Scope::default()
        };
        let answer = v1::Answer {
            outcome: Some(outcome),
            ..v1::Answer::default()
        };
        reply(&scope, DeviceId(1), answer).unwrap().answer
    }

    #[test]
    fn an_operator_reads_what_happened_what_the_device_said_and_whether_to_try_again() {
        let said = |retry| words(&fault("refused", retry));
        assert_eq!(said(v1::Retry::Never), "refused by pe1: no room (over cli)");
        assert_eq!(
            said(v1::Retry::Later),
            "refused by pe1: no room (over cli); may succeed later"
        );
        let nothing = v1::Fault {
            code: "rm -rf /".to_owned(),
            ..v1::Fault::default()
        };
        assert_eq!(words(&nothing), "unknown", "a code that nobody knows is not repeated");
    }

    #[test]
    fn a_fault_is_told_part_by_part_and_nothing_else_is_one() {
        let of = |outcome: Outcome| {
            let answer = v1::Answer {
                outcome: Some(outcome),
                ..v1::Answer::default()
            };
            told("pe1".to_owned(), &answer)
        };
        let full = v1::Fault {
            paths: vec!["system/hostname".to_owned()],
            ..fault("busy", v1::Retry::Later)
        };
        let no = Choice::No(v1::No {
            fault: Some(full.clone()),
            ..v1::No::default()
        });
        let expected = DeviceFault {
            device: "pe1".to_owned(),
            step: String::new(),
            code: "busy".to_owned(),
            protocol: Some("cli".to_owned()),
            device_words: "no room".to_owned(),
            retry: "later".to_owned(),
            detail: "refused by pe1".to_owned(),
            paths: vec!["system/hostname".to_owned()],
        };
        assert_eq!(of(Outcome::Fault(full.clone())), Some(expected.clone()));
        assert_eq!(of(Outcome::Vote(v1::Vote { choice: Some(no) })), Some(expected.clone()));
        let deferred = v1::Deferred { fault: Some(full) };
        assert_eq!(of(Outcome::Deferred(deferred)), Some(expected));
        let words = "system/hostname".to_owned();
        let stale = Choice::Stale(v1::Stale { words });
        let stale = of(Outcome::Vote(v1::Vote { choice: Some(stale) })).unwrap();
        assert_eq!(
            (stale.code.as_str(), stale.detail.as_str()),
            ("stale", "system/hostname")
        );
        assert_eq!(of(Outcome::Done(v1::Done {})), None);
        let yes = Choice::Yes(v1::Yes::default());
        assert_eq!(of(Outcome::Vote(v1::Vote { choice: Some(yes) })), None);
    }

    #[test]
    fn what_becomes_of_a_step_depends_on_the_code() {
        let vote = |code: &str| {
            let no = v1::No {
                fault: Some(fault(code, v1::Retry::Never)),
                ..v1::No::default()
            };
            let choice = Some(Choice::No(no));
            answered(v1::Step::Stage, Outcome::Vote(v1::Vote { choice }))
        };
        assert!(matches!(vote("refused"), Answer::Refused { reason } if reason.contains("no room")));
        assert!(matches!(vote("stale"), Answer::Stale { what } if what.contains("no room")));
        assert!(matches!(vote("busy"), Answer::Busy { holder } if holder.contains("no room")));
        let failed = |step, code: &str, retry| answered(step, Outcome::Fault(fault(code, retry)));
        let apply = failed(v1::Step::Apply, "refused", v1::Retry::Never);
        assert!(matches!(apply, Answer::Failed { .. }), "{apply:?}");
        // Who had no room has begun nothing: it is asked again, and the transaction does not end for that.
        for step in [v1::Step::Stage, v1::Step::Apply] {
            let later = failed(step, "overloaded", v1::Retry::Later);
            assert!(matches!(later, Answer::Deferred { .. }), "{later:?}");
            let never = failed(step, "overloaded", v1::Retry::Never);
            assert!(!matches!(never, Answer::Deferred { .. }), "{never:?}");
        }
    }

    #[test]
    fn every_code_is_documented() {
        let page = std::path::Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("../docs/wire.md");
        let page = std::fs::read_to_string(page).unwrap();
        let (_, faults) = page.split_once("## Faults").unwrap();
        for code in CODES {
            assert!(faults.contains(&format!("| `{code}` |")), "{code}");
        }
    }
}
