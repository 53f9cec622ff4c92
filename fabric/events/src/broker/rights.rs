//! What a client may publish and hear: what its certificate says, and nothing beside the topics of events.

use fabric_identity::{Identity, Permission, Role};

use crate::filter::{ROOT, named};

/// What a client may do, by its certificate.
#[derive(Debug, Clone)]
pub(super) struct Rights(pub(super) Identity);

impl Rights {
    /// Whether the client may publish on a topic: an event about a device within its scope, or about none.
    pub(super) fn publishes(&self, topic: &str) -> bool {
        self.0.may.contains(&Permission::Publish) && parts(topic).is_some_and(|device| self.covers(device))
    }

    /// Whether the client is sent what comes on a topic.
    pub(super) fn hears(&self, topic: &str) -> bool {
        parts(topic).is_some_and(|device| self.covers(device))
    }

    /// Whether the client may subscribe so at all. A wildcard is given; what comes is looked at one by one.
    pub(super) fn asks(&self, filter: &str) -> bool {
        let Some(rest) = filter.strip_prefix(ROOT).and_then(|it| it.strip_prefix('/')) else {
            return false;
        };
        match rest.split('/').nth(2) {
            Some("+" | "#") | None => self.0.role != Role::Broker,
            Some(device) => self.covers(device),
        }
    }

    fn covers(&self, level: &str) -> bool {
        let Some(device) = named(level) else { return false };
        match self.0.role {
            Role::Controller => true,
            Role::Agent => device.is_empty() || self.0.covers(&device),
            Role::Broker => false, // it carries events elsewhere
        }
    }
}

/// The level of the device in a topic of events.
fn parts(topic: &str) -> Option<&str> {
    let rest = topic.strip_prefix(ROOT)?.strip_prefix('/')?;
    let mut levels = rest.split('/');
    let (kind, severity, device) = (levels.next()?, levels.next()?, levels.next()?);
    let plain = |it: &str| !it.is_empty() && !it.contains(['+', '#']);
    (levels.next().is_none() && [kind, severity, device].into_iter().all(plain)).then_some(device)
}

/// Whether a filter is one: wildcards stand alone in their level, `#` at the end.
pub(super) fn is_filter(filter: &str) -> bool {
    let levels: Vec<&str> = filter.split('/').collect();
    let last = levels.len() - 1;
    let sound = |(at, level): (usize, &&str)| match *level {
        "+" => true,
        "#" => at == last,
        other => !other.contains(['+', '#']),
    };
    !filter.is_empty() && levels.iter().enumerate().all(sound)
}

/// Whether a topic is one that a filter asks for.
pub(super) fn matches(filter: &str, topic: &str) -> bool {
    let (mut filter, mut topic) = (filter.split('/'), topic.split('/'));
    loop {
        match (filter.next(), topic.next()) {
            (Some("#"), _) | (None, None) => return true,
            (Some("+"), Some(_)) => {}
            (Some(asked), Some(level)) if asked == level => {}
            (None | Some(_), None | Some(_)) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rights(devices: &[&str], may: &[Permission]) -> Rights {
        Rights(Identity {
            name: "edge-1".parse().expect("a name"),
            role: Role::Agent,
            devices: devices.iter().map(|it| it.parse().expect("a pattern")).collect(),
            may: may.iter().copied().collect(),
        })
    }

    #[test]
    fn an_agent_publishes_and_hears_what_is_its_own() {
        let edge = rights(&["pe*"], &Permission::ALL);
        assert!(edge.publishes("entente/v1/event/link-fault/error/pe1"));
        assert!(edge.publishes("entente/v1/event/agent-joined/info/_"));
        for strange in [
            "entente/v1/event/link-fault/error/ce1",
            "entente/v1/event/link-fault/error/+",
            "entente/v1/event/link-fault/error",
            "entente/v1/event/link-fault/error/pe1/more",
            "entente/v1/event//error/pe1",
            "entente/v1/event/link-fault/error/%zz",
            "$SYS/broker",
            "pe1",
        ] {
            assert!(!edge.publishes(strange) && !edge.hears(strange), "{strange}");
        }
        assert!(edge.asks("entente/v1/event/#") && edge.asks("entente/v1/event/+/+/pe7"));
        assert!(!edge.asks("entente/v1/event/+/+/ce7") && !edge.asks("#") && !edge.asks("$SYS/#"));
        let mute = rights(&["pe*"], &[Permission::Observe]);
        assert!(!mute.publishes("entente/v1/event/link-fault/error/pe1"));
        assert!(mute.hears("entente/v1/event/link-fault/error/pe1"));
    }

    #[test]
    fn filters_match_as_the_standard_says() {
        for (filter, topic, expected) in [
            ("a/b/c", "a/b/c", true),
            ("a/+/c", "a/b/c", true),
            ("a/#", "a/b/c", true),
            ("a/#", "a", true),
            ("a/+", "a", false),
            ("a/+", "a/b/c", false),
            ("a/b", "a/b/c", false),
            ("+/+", "a/b", true),
        ] {
            assert_eq!(matches(filter, topic), expected, "{filter} {topic}");
        }
        for filter in ["a/#/b", "a/b#", "a+/b", ""] {
            assert!(!is_filter(filter), "{filter}");
        }
        assert!(is_filter("#") && is_filter("+/a/#"));
    }
}
