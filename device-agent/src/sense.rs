//! From what a device says of itself to green, red, or no data.

use std::sync::Arc;
use std::time::Duration;

use adapters_port::{Deadline, Observation, Query, Reading};
use futures::FutureExt;
use futures::future::BoxFuture;

use crate::check::{Check, Color, Task, Wanted};
use crate::eyes::Eyes;
use crate::part::Part;

type Verdict = (Color, String);

/// A check that looks with somebody's eyes.
pub(crate) struct Sense {
    task: Task,
    eyes: Arc<Eyes>,
}

impl Sense {
    pub(crate) fn new(task: Task, eyes: Arc<Eyes>) -> Self {
        Self { task, eyes }
    }

    async fn sense(&self, by: Deadline) -> Verdict {
        let seen = match &self.task.wanted {
            Wanted::Answers => return self.answers(by).await,
            Wanted::Equal { part } => return self.equal(part, by).await,
            Wanted::Unseen { what } => return (Color::NoData, format!("this agent does not look at {what}")),
            Wanted::Session { protocol, .. } => self.eyes.look(&Query::of(&entity(protocol)), by).await,
            Wanted::Route { prefix, .. } => self.eyes.look(&Query::of("route").about("prefix", prefix), by).await,
            Wanted::Reach { address, .. } => self.eyes.look(&Query::of("reach").about("address", address), by).await,
            Wanted::Link { .. } => self.eyes.look(&Query::of("interface"), by).await,
        };
        match seen {
            Ok(seen) => judge(&self.task.wanted, &seen),
            Err(words) => (Color::NoData, words),
        }
    }

    async fn answers(&self, by: Deadline) -> Verdict {
        match self.eyes.knock(by).await {
            Ok(protocol) => (Color::Green, format!("answers over {protocol}")),
            Err(words) => (Color::Red, words),
        }
    }

    async fn equal(&self, part: &Part, by: Deadline) -> Verdict {
        let seen = match self.eyes.read(&part.paths(), by).await {
            Ok(seen) => seen,
            Err(words) => return (Color::NoData, words),
        };
        let edits = part.delta.iter();
        let differing: Vec<_> = edits
            .filter(|(path, edit)| seen.value(path) != edit.after.as_ref())
            .map(|(path, _)| path)
            .collect();
        match differing.as_slice() {
            [] => (Color::Green, "as it was applied".to_owned()),
            [first, rest @ ..] => (Color::Red, format!("{first} and {} more differ", rest.len())),
        }
    }
}

impl Check for Sense {
    fn name(&self) -> &str {
        &self.task.name
    }

    fn patience(&self) -> Option<Duration> {
        self.task.patience
    }

    fn look(&self, by: Deadline) -> BoxFuture<'_, Verdict> {
        self.sense(by).boxed()
    }
}

/// What observations of a protocol's sessions are called.
fn entity(protocol: &str) -> String {
    match protocol {
        "ospf" => "ospf-neighbor".to_owned(),
        other => format!("{other}-session"),
    }
}

/// What is wanted, held against what was seen.
fn judge(wanted: &Wanted, seen: &[Observation]) -> Verdict {
    match wanted {
        Wanted::Session {
            protocol,
            neighbor,
            family,
            received,
            sent,
        } => session(
            &entity(protocol),
            (neighbor, family.as_deref()),
            (*received, *sent),
            seen,
        ),
        Wanted::Route {
            prefix,
            next_hop,
            absent,
        } => route(prefix, next_hop.as_deref(), *absent, seen),
        Wanted::Reach {
            address,
            lost_per_thousand,
        } => reach(address, *lost_per_thousand, seen),
        Wanted::Link { interface } => link(interface, seen),
        Wanted::Answers | Wanted::Equal { .. } | Wanted::Unseen { .. } => (Color::NoData, String::new()),
    }
}

fn has(observation: &Observation, label: &str, value: &str) -> bool {
    observation.labels.get(label).is_some_and(|it| it == value)
}

fn word(observation: &Observation) -> &str {
    match &observation.reading {
        Reading::Word(word) => word,
        Reading::Number(_) | Reading::Unknown => "",
    }
}

fn session(entity: &str, (neighbor, family): (&str, Option<&str>), least: (u64, u64), seen: &[Observation]) -> Verdict {
    let ours: Vec<&Observation> = seen
        .iter()
        .filter(|it| has(it, "neighbor", neighbor) && family.is_none_or(|family| has(it, "family", family)))
        .collect();
    let state = format!("{entity}/state");
    let states: Vec<&str> = ours.iter().filter(|it| it.name == state).map(|it| word(it)).collect();
    let up = |it: &&str| matches!(*it, "established" | "full" | "up");
    if states.is_empty() {
        return (Color::Red, "there is no such session".to_owned());
    }
    if !states.iter().all(up) {
        return (Color::Red, format!("it is {}", states.join(" and ")));
    }
    let count = |what: &str| {
        let name = format!("{entity}/{what}");
        let numbers = ours.iter().filter(|it| it.name == name).map(|it| match it.reading {
            Reading::Number(number) => Some(number),
            Reading::Word(_) | Reading::Unknown => None,
        });
        numbers.collect::<Option<Vec<f64>>>().filter(|it| !it.is_empty())
    };
    for (what, least) in [("received", least.0), ("sent", least.1)] {
        if least == 0 {
            continue;
        }
        let Some(numbers) = count(what) else {
            return (Color::NoData, format!("it does not say how many prefixes were {what}"));
        };
        let sum: f64 = numbers.iter().sum();
        #[expect(clippy::cast_precision_loss, reason = "a table of routes is far below 2^53")]
        if sum < least as f64 {
            return (Color::Red, format!("it is {}, {sum} prefixes were {what}", states[0]));
        }
    }
    (Color::Green, format!("it is {}", states[0]))
}

fn route(prefix: &str, next_hop: Option<&str>, absent: bool, seen: &[Observation]) -> Verdict {
    let hops: Vec<&str> = seen
        .iter()
        .filter(|it| it.name == "route/state" && has(it, "prefix", prefix))
        .map(|it| it.labels.get("next-hop").map_or("nothing", String::as_str))
        .collect();
    let found = match next_hop {
        Some(hop) => hops.contains(&hop),
        None => !hops.is_empty(),
    };
    let words = match hops.as_slice() {
        [] => "the route is not there".to_owned(),
        hops => format!("the route is there, to {}", hops.join(", ")),
    };
    (if found == absent { Color::Red } else { Color::Green }, words)
}

fn reach(address: &str, lost_per_thousand: u32, seen: &[Observation]) -> Verdict {
    let count = |name: &str| {
        let found = seen.iter().find(|it| it.name == name && has(it, "address", address))?;
        match found.reading {
            Reading::Number(number) => Some(number),
            Reading::Word(_) | Reading::Unknown => None,
        }
    };
    let (Some(sent), Some(received)) = (count("reach/sent"), count("reach/received")) else {
        return (Color::NoData, "the device does not say whether it answers".to_owned());
    };
    let words = format!("{received} of {sent} probes were answered");
    let fits = sent > 0.0 && (sent - received) * 1000.0 <= sent * f64::from(lost_per_thousand);
    (if fits { Color::Green } else { Color::Red }, words)
}

fn link(interface: &str, seen: &[Observation]) -> Verdict {
    let found = seen
        .iter()
        .find(|it| it.name == "interface/oper-status" && has(it, "interface", interface));
    match found.map(word) {
        None => (Color::NoData, "the device does not say whether it is up".to_owned()),
        Some("up") => (Color::Green, "it is up".to_owned()),
        Some(other) => (Color::Red, format!("it is {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(name: &str, labels: &[(&str, &str)], reading: Reading) -> Observation {
        let labels = labels.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned()));
        Observation {
            name: name.to_owned(),
            labels: labels.collect(),
            reading,
        }
    }

    fn session(received: u64, sent: u64) -> Wanted {
        Wanted::Session {
            protocol: "bgp".to_owned(),
            neighbor: "192.0.2.1".to_owned(),
            family: Some("ipv4-unicast".to_owned()),
            received,
            sent,
        }
    }

    #[test]
    fn a_session_must_stand_and_exchange() {
        let labels = [("neighbor", "192.0.2.1"), ("family", "ipv4-unicast")];
        let other = [("neighbor", "192.0.2.1"), ("family", "ipv6-unicast")];
        let at = |state: &str, received: f64, sent: f64| {
            vec![
                seen("bgp-session/state", &labels, Reading::Word(state.to_owned())),
                seen("bgp-session/received", &labels, Reading::Number(received)),
                seen("bgp-session/sent", &labels, Reading::Number(sent)),
                seen("bgp-session/state", &other, Reading::Word("down".to_owned())),
            ]
        };
        let check = |wanted: Wanted, seen: &[Observation], color: Color| {
            let verdict = judge(&wanted, seen);
            assert_eq!(verdict.0, color, "{verdict:?}");
        };
        check(session(1, 1), &at("established", 2.0, 1.0), Color::Green);
        check(session(1, 1), &at("established", 0.0, 1.0), Color::Red);
        check(session(1, 1), &at("established", 2.0, 0.0), Color::Red);
        check(session(0, 0), &at("established", 0.0, 0.0), Color::Green);
        check(session(0, 0), &at("down", 2.0, 1.0), Color::Red);
        check(session(0, 0), &[], Color::Red);
        check(session(1, 0), &at("established", 2.0, 1.0)[..1], Color::NoData);
    }

    #[test]
    fn probes_and_routes_are_counted() {
        let labels = [("address", "192.0.2.9")];
        let probes = |sent: f64, received: f64| {
            vec![
                seen("reach/sent", &labels, Reading::Number(sent)),
                seen("reach/received", &labels, Reading::Number(received)),
            ]
        };
        let reach = |lost_per_thousand| Wanted::Reach {
            address: "192.0.2.9".to_owned(),
            lost_per_thousand,
        };
        assert_eq!(judge(&reach(0), &probes(3.0, 3.0)).0, Color::Green);
        assert_eq!(judge(&reach(0), &probes(3.0, 2.0)).0, Color::Red);
        assert_eq!(judge(&reach(400), &probes(3.0, 2.0)).0, Color::Green);
        assert_eq!(judge(&reach(1000), &probes(0.0, 0.0)).0, Color::Red);
        assert_eq!(judge(&reach(0), &[]).0, Color::NoData);

        let hop = [("prefix", "10.0.0.0/8"), ("next-hop", "192.0.2.1")];
        let there = [seen("route/state", &hop, Reading::Word("installed".to_owned()))];
        let route = |next_hop: Option<&str>, absent| Wanted::Route {
            prefix: "10.0.0.0/8".to_owned(),
            next_hop: next_hop.map(str::to_owned),
            absent,
        };
        assert_eq!(judge(&route(Some("192.0.2.1"), false), &there).0, Color::Green);
        assert_eq!(judge(&route(Some("192.0.2.2"), false), &there).0, Color::Red);
        assert_eq!(judge(&route(None, true), &there).0, Color::Red);
        assert_eq!(judge(&route(None, true), &[]).0, Color::Green);
    }
}
