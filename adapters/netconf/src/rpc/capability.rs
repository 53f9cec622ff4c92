//! What a server announced in its hello, as the facts that steps are decided by.

use std::collections::BTreeSet;

const BASE_CAPABILITY: &str = "urn:ietf:params:netconf:base:";
const CAPABILITY: &str = "urn:ietf:params:netconf:capability:";

/// Which kind of confirmed commit a server has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfirmedCommit {
    /// None.
    No,
    /// 1.0: bound to the session, without persist and cancel-commit.
    BySession,
    /// 1.1: may persist beyond the session, and be cancelled.
    Persistent,
}

/// The capabilities of a server.
#[derive(Clone, Debug, Default)]
pub struct Features {
    announced: BTreeSet<String>,
}

impl Features {
    /// From the URIs of a hello.
    pub fn new(announced: impl IntoIterator<Item = String>) -> Self {
        Self {
            announced: announced.into_iter().collect(),
        }
    }

    /// The URIs as they were announced.
    pub fn announced(&self) -> impl Iterator<Item = &str> {
        self.announced.iter().map(String::as_str)
    }

    /// Does it speak this version of the protocol (`1.0`, `1.1`)?
    pub fn has_base(&self, version: &str) -> bool {
        self.announced
            .iter()
            .any(|it| it.strip_prefix(BASE_CAPABILITY).is_some_and(|it| bare(it) == version))
    }

    /// Does it have this standard capability in this version or a later one of the same major number?
    pub fn has(&self, name: &str, at_least: &str) -> bool {
        self.version(name).is_some_and(|it| it >= at_least)
    }

    /// Which kind of confirmed commit it has.
    pub fn confirmed_commit(&self) -> ConfirmedCommit {
        match self.version("confirmed-commit") {
            None => ConfirmedCommit::No,
            Some(version) if version >= "1.1" => ConfirmedCommit::Persistent,
            Some(_) => ConfirmedCommit::BySession,
        }
    }

    /// Has it a candidate datastore?
    pub fn candidate(&self) -> bool {
        self.has("candidate", "1.0")
    }

    /// May running be edited directly?
    pub fn writable_running(&self) -> bool {
        self.has("writable-running", "1.0")
    }

    /// Has it a startup datastore of its own?
    pub fn startup(&self) -> bool {
        self.has("startup", "1.0")
    }

    /// Does it validate on demand?
    pub fn validate(&self) -> bool {
        self.has("validate", "1.0")
    }

    /// Does it take `test-only` edits?
    pub fn test_only(&self) -> bool {
        self.has("validate", "1.1")
    }

    /// Does it undo a failed edit by itself?
    pub fn rollback_on_error(&self) -> bool {
        self.has("rollback-on-error", "1.0")
    }

    /// Does it send notifications?
    pub fn notification(&self) -> bool {
        self.has("notification", "1.0")
    }

    /// Does it take RPCs on a session with a subscription?
    pub fn interleave(&self) -> bool {
        self.has("interleave", "1.0")
    }

    /// Was a capability announced whose URI holds this text?
    pub fn mentions(&self, text: &str) -> bool {
        self.announced.iter().any(|it| it.contains(text))
    }

    fn version(&self, name: &str) -> Option<&str> {
        self.announced
            .iter()
            .filter_map(|it| it.strip_prefix(CAPABILITY)?.strip_prefix(name)?.strip_prefix(':'))
            .map(bare)
            .max()
    }
}

fn bare(version: &str) -> &str {
    version.split('?').next().unwrap_or(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(uris: &[&str]) -> Features {
        Features::new(uris.iter().map(ToString::to_string))
    }

    #[test]
    fn versions_and_parameters_are_told_apart() {
        let both = features(&[
            "urn:ietf:params:netconf:capability:confirmed-commit:1.0",
            "urn:ietf:params:netconf:capability:confirmed-commit:1.1",
            "urn:ietf:params:netconf:capability:url:1.0?scheme=file",
            "urn:ietf:params:netconf:base:1.1",
        ]);
        assert_eq!(both.confirmed_commit(), ConfirmedCommit::Persistent);
        assert!(both.has("url", "1.0") && both.has_base("1.1") && !both.has_base("1.0"));
        let old = features(&["urn:ietf:params:netconf:capability:confirmed-commit:1.0"]);
        assert_eq!(old.confirmed_commit(), ConfirmedCommit::BySession);
        assert!(!old.candidate() && !old.has("confirmed", "1.0"));
    }
}
