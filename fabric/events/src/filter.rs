//! What a receiver wants to hear: by type, object and gravity, as topics at the broker and once more at its own door.

use crate::event::{Event, Severity};
use std::collections::BTreeSet;

/// The root of all topics of events.
pub const ROOT: &str = "entente/v1/event";

/// What a receiver wants to hear. Nothing named: everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// These types.
    pub kinds: BTreeSet<String>,
    /// These devices.
    pub devices: BTreeSet<String>,
    /// At least so grave.
    pub at_least: Option<Severity>,
}

impl Filter {
    /// Whether a receiver wants to hear an event.
    pub fn wants(&self, event: &Event) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(&event.kind))
            && (self.devices.is_empty() || self.devices.contains(&event.subject))
            && self.at_least.is_none_or(|it| event.severity >= it)
    }

    /// The topics to subscribe to, so that the broker sends nothing else.
    pub fn topics(&self) -> Vec<String> {
        let any = || BTreeSet::from(["+".to_owned()]);
        let kinds = if self.kinds.is_empty() {
            any()
        } else {
            self.kinds.clone()
        };
        let levels = match self.at_least {
            None => any(),
            Some(least) => Severity::ALL
                .iter()
                .filter(|it| **it >= least)
                .map(|it| it.word().into())
                .collect(),
        };
        let devices: BTreeSet<String> = self.devices.iter().map(|it| level(it)).collect();
        let devices = if devices.is_empty() { any() } else { devices };
        let mut topics = Vec::new();
        for kind in &kinds {
            for severity in &levels {
                topics.extend(
                    devices
                        .iter()
                        .map(|device| format!("{ROOT}/{kind}/{severity}/{device}")),
                );
            }
        }
        topics
    }
}

/// The topic that an event is published on.
pub fn topic(event: &Event) -> String {
    format!(
        "{ROOT}/{}/{}/{}",
        event.kind,
        event.severity.word(),
        level(&event.subject)
    )
}

/// The device that a level of a topic names; empty for none. Nothing for what no device is written as.
pub(crate) fn named(level: &str) -> Option<String> {
    if level == "_" {
        return Some(String::new());
    }
    let mut bytes = Vec::with_capacity(level.len());
    let mut rest = level.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        if *first == b'%' {
            let (digits, more) = more.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = more;
        } else {
            bytes.push(*first);
            rest = more;
        }
    }
    let device = String::from_utf8(bytes).ok()?;
    (self::level(&device) == level).then_some(device)
}

/// A device as one level of a topic; what has a meaning there is written as a percent sign and two digits.
pub fn level(device: &str) -> String {
    if device.is_empty() {
        return "_".into();
    }
    device.bytes().fold(String::new(), |text, it| match it {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b':' => text + char::from(it).encode_utf8(&mut [0; 4]),
        it => format!("{text}%{it:02x}"),
    })
}
