//! What went wrong on a device, in full: beside the sentence that the participant keeps stands what a fault on the wire
//! says too.

use std::error::Error;

use adapters_port::{DeviceWords, Protocol, SessionError, masked_lines, masked_words};
use knowledge_model::Path;
use transaction::Guarantee;

use crate::desk;

/// How much of one text of a device is looked at, in characters: less than that travels.
const LONGEST: usize = 8_192;

/// Whether the same may succeed when it is asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// It will fail in the same way.
    Never,
    /// It may.
    Later,
}

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The sentence that the participant answers with, without secrets: by it the answer and this find each other.
    pub reason: String,
    /// The code, as docs/wire.md lists it.
    pub code: &'static str,
    /// Over which protocol, where one was spoken.
    pub protocol: Option<Protocol>,
    /// What the device itself said: without control characters and without secrets.
    pub said: String,
    /// Whether to ask again.
    pub again: Again,
    /// What happened, in the agent's words.
    pub detail: String,
    /// What it is about.
    pub paths: Vec<Path>,
}

impl Failure {
    /// What a session's error says.
    pub fn of(error: &SessionError) -> Self {
        let (code, again) = kind(error);
        let detail = match error {
            SessionError::Refused { place, .. } => format!("refused by {place}"),
            SessionError::Foreign { place, .. } => format!("foreign change on {place}"),
            SessionError::Unreachable { .. } | SessionError::Unknown { .. } | SessionError::Malformed { .. } => {
                with_cause(error)
            }
            SessionError::Stale { .. }
            | SessionError::Busy { .. }
            | SessionError::Denied { .. }
            | SessionError::Unsupported { .. } => error.to_string(),
        };
        let said = match error {
            SessionError::Refused { words, .. }
            | SessionError::Busy { words, .. }
            | SessionError::Denied { words, .. } => said(words),
            SessionError::Foreign { changes, .. } => cleaned(changes),
            SessionError::Unreachable { .. }
            | SessionError::Unknown { .. }
            | SessionError::Malformed { .. }
            | SessionError::Stale { .. }
            | SessionError::Unsupported { .. } => String::new(),
        };
        let paths = if let SessionError::Stale { paths, .. } = error {
            paths.clone()
        } else {
            Vec::new()
        };
        let reason = match error {
            SessionError::Refused { words, .. } => format!("{detail}: {}", cleaned(&[words.to_string()])),
            SessionError::Foreign { changes, .. } => format!("{detail}: {}", cleaned(&[changes.join(", ")])),
            SessionError::Unreachable { .. }
            | SessionError::Unknown { .. }
            | SessionError::Malformed { .. }
            | SessionError::Stale { .. }
            | SessionError::Busy { .. }
            | SessionError::Denied { .. }
            | SessionError::Unsupported { .. } => detail.clone(),
        };
        Self {
            reason,
            code,
            protocol: Some(error.place().protocol),
            said,
            again,
            detail,
            paths,
        }
    }

    /// One that no device has a word in.
    pub fn own(code: &'static str, again: Again, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self {
            reason: detail.clone(),
            code,
            protocol: None,
            said: String::new(),
            again,
            detail,
            paths: Vec::new(),
        }
    }

    /// Nothing came back in time: whether it was done is not known.
    pub fn late(what: &str) -> Self {
        Self::own("unknown", Again::Later, format!("{what} did not end in time"))
    }

    /// Somebody asks about a device that this agent does not speak for.
    pub fn not_ours() -> Self {
        Self::own("out-of-scope", Again::Never, "this agent does not speak for the device")
    }

    /// The session promises less than was demanded.
    pub fn too_weak(guarantee: Guarantee) -> Self {
        let detail = format!("this session gives only {guarantee}");
        Self::own("unsupported", Again::Never, detail)
    }
}

fn kind(error: &SessionError) -> (&'static str, Again) {
    match error {
        SessionError::Unreachable { .. } => ("unreachable", Again::Later),
        SessionError::Refused { .. } => ("refused", Again::Never),
        SessionError::Unknown { .. } => ("unknown", Again::Later),
        SessionError::Stale { .. } => ("stale", Again::Never),
        SessionError::Busy { .. } => ("busy", Again::Later),
        SessionError::Foreign { .. } => ("foreign", Again::Never),
        SessionError::Denied { .. } => ("denied", Again::Never),
        SessionError::Unsupported { .. } => ("unsupported", Again::Never),
        SessionError::Malformed { .. } => ("malformed", Again::Later),
    }
}

/// Our sentence as it is, and the causes below it, which may quote the device.
fn with_cause(error: &SessionError) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", cleaned(&[desk::chain(cause)])),
        None => error.to_string(),
    }
}

fn said(words: &DeviceWords) -> String {
    // Over a terminal the path is the line that was typed.
    let path = words.path.as_ref().map(|it| typed(&[it]));
    let named = [&words.tag, &words.app_tag, &path].into_iter().flatten();
    let all: Vec<&String> = std::iter::once(&words.message)
        .chain(named)
        .chain(&words.more)
        .collect();
    cleaned(&all)
}

/// A device's texts as one line: no control characters, no secrets.
pub fn cleaned<T: AsRef<str>>(texts: &[T]) -> String {
    line(texts, masked_words)
}

/// The same of what was typed into a device: all that follows the name of a secret is one.
pub fn typed<T: AsRef<str>>(texts: &[T]) -> String {
    line(texts, masked_lines)
}

fn line<T: AsRef<str>>(texts: &[T], masked: fn(&str) -> String) -> String {
    let one = |text: &T| {
        let begin: String = text.as_ref().chars().take(LONGEST).collect();
        let plain: String = masked(&begin)
            .chars()
            .map(|it| if it.is_control() { ' ' } else { it })
            .collect();
        plain.trim().to_owned()
    };
    let all: Vec<String> = texts.iter().map(one).filter(|it| !it.is_empty()).collect();
    all.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use adapters_port::{Place, Step};

    fn place() -> Place {
        Place {
            device: "pe1".to_owned(),
            protocol: Protocol::Cli,
            step: Step::Apply,
        }
    }

    #[test]
    fn what_a_device_says_is_kept_apart_and_cleaned() {
        let words = DeviceWords {
            message: "% Invalid\u{1b}[2J input\r\n".to_owned(),
            tag: Some("invalid-value".to_owned()),
            more: vec!["neighbor 192.0.2.1 password s3cret".to_owned()],
            ..DeviceWords::default()
        };
        let error = SessionError::Refused {
            place: place(),
            words: Box::new(words),
        };
        let failure = Failure::of(&error);
        assert_eq!(
            failure.said,
            "% Invalid [2J input; invalid-value; neighbor 192.0.2.1 password ***"
        );
        assert_eq!(failure.detail, "refused by pe1 over CLI during apply");
        assert_eq!((failure.code, failure.again), ("refused", Again::Never));
        assert_eq!(failure.protocol, Some(Protocol::Cli));
        assert_eq!(
            failure.reason,
            "refused by pe1 over CLI during apply: % Invalid [2J input   (invalid-value)"
        );
    }

    #[test]
    fn no_secret_of_a_device_stands_in_the_reason_either() {
        let words = DeviceWords {
            message: "% Bad line: neighbor 192.0.2.1 password s3cret".to_owned(),
            tag: Some("psk=s3cret".to_owned()),
            ..DeviceWords::default()
        };
        let error = SessionError::Refused {
            place: place(),
            words: Box::new(words),
        };
        let failure = Failure::of(&error);
        let told = format!("{} {} {}", failure.reason, failure.said, failure.detail);
        assert!(!told.contains("s3cret"), "{told}");
        assert!(
            failure.reason.contains("% Bad line: neighbor 192.0.2.1 password ***"),
            "{told}"
        );
        assert!(failure.said.contains("psk=***"), "{told}");
    }

    #[test]
    fn a_cause_that_quotes_the_device_hides_its_secrets() {
        let error = SessionError::Unknown {
            place: place(),
            source: "no prompt after `enable secret s3cret`".into(),
        };
        let failure = Failure::of(&error);
        assert!(!failure.detail.contains("s3cret"), "{}", failure.detail);
        assert!(failure.detail.contains("no prompt after"), "{}", failure.detail);
        assert_eq!((failure.code, failure.again), ("unknown", Again::Later));
    }
}
