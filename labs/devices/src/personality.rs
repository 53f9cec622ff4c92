//! What a simulated device is: which protocols it speaks and what each can do.

use std::str::FromStr;

/// A kind of device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Personality {
    /// Its name, as the command line and the control port write it.
    pub name: &'static str,
    /// What it offers over NETCONF, if it speaks it.
    pub netconf: Option<Traits>,
    /// How its terminal talks, if it has one.
    pub dialect: Option<Dialect>,
}

/// What a device offers over NETCONF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traits {
    /// The framings that it offers.
    pub base: Base,
    /// Whether edits go to a candidate.
    pub candidate: bool,
    /// Which confirmed commit it has.
    pub confirmed: Confirmed,
    /// Whether edits may go to running.
    pub writable_running: bool,
    /// Whether running and startup are two.
    pub startup: bool,
    /// Whether a failed edit leaves nothing behind on demand.
    pub rollback_on_error: bool,
    /// Whether it has validate and test-option.
    pub validate: bool,
}

/// The versions of NETCONF's base that a device offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// Only 1.0, with the end-of-message mark.
    Old,
    /// Both 1.0 and 1.1, chunked once both sides know 1.1.
    Both,
}

/// The confirmed commit of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmed {
    /// None.
    No,
    /// 1.0: the same session throughout, no cancel.
    V10,
    /// 1.1: persist ids and cancel-commit.
    V11,
}

/// How a terminal talks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Like FRR's vtysh: every line takes effect at once.
    Frr,
    /// Like Huawei's VRP 8: a candidate, `commit`, `commit trial`.
    Vrp,
    /// Like Cisco's IOS: every line at once, with a revert timer on demand.
    Ios,
}

const CONFIRMED: Traits = Traits {
    base: Base::Both,
    candidate: true,
    confirmed: Confirmed::V11,
    writable_running: false,
    startup: false,
    rollback_on_error: true,
    validate: true,
};

const RUNNING: Traits = Traits {
    candidate: false,
    confirmed: Confirmed::No,
    writable_running: true,
    validate: false,
    ..CONFIRMED
};

const fn netconf(name: &'static str, traits: Traits) -> Personality {
    Personality {
        name,
        netconf: Some(traits),
        dialect: None,
    }
}

const fn cli(name: &'static str, dialect: Dialect) -> Personality {
    Personality {
        name,
        netconf: None,
        dialect: Some(dialect),
    }
}

/// All personalities.
pub const PERSONALITIES: &[Personality] = &[
    netconf("confirmed", CONFIRMED),
    netconf(
        "confirmed-1.0",
        Traits {
            confirmed: Confirmed::V10,
            ..CONFIRMED
        },
    ),
    netconf(
        "candidate",
        Traits {
            confirmed: Confirmed::No,
            ..CONFIRMED
        },
    ),
    netconf("running", RUNNING),
    netconf(
        "running-startup",
        Traits {
            startup: true,
            ..RUNNING
        },
    ),
    netconf(
        "running-bare",
        Traits {
            rollback_on_error: false,
            ..RUNNING
        },
    ),
    netconf(
        "base-1.0",
        Traits {
            base: Base::Old,
            ..CONFIRMED
        },
    ),
    cli("frr", Dialect::Frr),
    cli("vrp", Dialect::Vrp),
    cli("ios", Dialect::Ios),
    Personality {
        name: "dual",
        netconf: Some(CONFIRMED),
        dialect: Some(Dialect::Frr),
    },
    Personality {
        name: "dual-vrp",
        netconf: Some(CONFIRMED),
        dialect: Some(Dialect::Vrp),
    },
    Personality {
        name: "dual-ios",
        netconf: Some(RUNNING),
        dialect: Some(Dialect::Ios),
    },
];

/// No personality has this name.
#[derive(Debug, thiserror::Error)]
#[error("no personality is named {0}; there are {list}", list = names())]
pub struct UnknownPersonality(String);

fn names() -> String {
    PERSONALITIES.iter().map(|one| one.name).collect::<Vec<_>>().join(", ")
}

impl FromStr for Personality {
    type Err = UnknownPersonality;

    fn from_str(name: &str) -> Result<Personality, UnknownPersonality> {
        let known = PERSONALITIES.iter().find(|one| one.name == name);
        known.copied().ok_or_else(|| UnknownPersonality(name.to_owned()))
    }
}

impl Traits {
    /// The capabilities that hello names, modules aside.
    pub fn capabilities(&self) -> Vec<String> {
        let confirmed10 = self.confirmed == Confirmed::V10;
        let confirmed11 = self.confirmed == Confirmed::V11;
        let offered = [
            (true, "urn:ietf:params:netconf:base:1.0"),
            (self.base == Base::Both, "urn:ietf:params:netconf:base:1.1"),
            (self.candidate, "urn:ietf:params:netconf:capability:candidate:1.0"),
            (
                confirmed10 || confirmed11,
                "urn:ietf:params:netconf:capability:confirmed-commit:1.0",
            ),
            (confirmed11, "urn:ietf:params:netconf:capability:confirmed-commit:1.1"),
            (
                self.writable_running,
                "urn:ietf:params:netconf:capability:writable-running:1.0",
            ),
            (self.startup, "urn:ietf:params:netconf:capability:startup:1.0"),
            (
                self.rollback_on_error,
                "urn:ietf:params:netconf:capability:rollback-on-error:1.0",
            ),
            (self.validate, "urn:ietf:params:netconf:capability:validate:1.0"),
            (self.validate, "urn:ietf:params:netconf:capability:validate:1.1"),
        ];
        offered
            .iter()
            .filter(|(has, _)| *has)
            .map(|(_, uri)| (*uri).to_owned())
            .collect()
    }
}
