//! How a device is reached: over which protocols, what each of them can do, and how well it is.

use knowledge_model::{Path, Tree};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::{App, AppError};

/// A device and its protocols, as its agent found them just now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Probe {
    /// The device, by name.
    pub device: String,
    /// The agent that speaks for it.
    pub agent: Option<String>,
    /// Its protocols, the preferred first.
    pub protocols: Vec<Way>,
}

/// One protocol of a device.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Way {
    /// Which.
    pub protocol: String,
    /// Its place in the order of preference, from 1.
    pub rank: u32,
    /// Whether the device is spoken to over it now.
    pub used: bool,
    /// Whether it answered.
    pub answers: bool,
    /// Why not, where it did not.
    pub because: Option<String>,
    /// What it promises about a change.
    pub guarantee: Option<String>,
    /// Whether the device's own timer can be put off.
    pub renews: bool,
    /// Whether its locks keep everybody else out.
    pub locks: bool,
    /// How a change comes to survive a restart: `by itself` or `at confirm`.
    pub saves: Option<String>,
    /// Whether the device tells by itself what happens to it.
    pub reports: bool,
    /// How long it takes to get a session, smoothed.
    pub connect_microseconds: Option<u64>,
    /// How long a request takes, smoothed.
    pub request_microseconds: Option<u64>,
    /// Attempts that failed since the agent started.
    pub failures: u64,
    /// Attempts that succeeded since then.
    pub successes: u64,
    /// Whether it failed so often that it is left alone for a while.
    pub left_alone: bool,
    /// What the device announced over it, in its own words.
    pub capabilities: Vec<String>,
}

impl App {
    /// Asks a device over each of its protocols how it is.
    pub async fn probe(&self, device: &str) -> Result<Probe, AppError> {
        let known = self.device(device).await?;
        let ways = self.agents.ways(known.id).await?;
        Ok(Probe {
            device: device.to_owned(),
            agent: self.agents.spoken(known.id).map(|(agent, _)| agent),
            protocols: protocols(&ways),
        })
    }
}

/// The entries that the wire carries, protocol by protocol. What is new to us is left out.
fn protocols(tree: &Tree) -> Vec<Way> {
    let mut ways: Vec<Way> = Vec::new();
    for (path, value) in tree.iter() {
        let Some((protocol, name, key)) = parts(path) else {
            continue;
        };
        let at = ways.iter().position(|it| it.protocol == protocol).unwrap_or_else(|| {
            ways.push(Way {
                protocol,
                ..Way::default()
            });
            ways.len() - 1
        });
        let text = value.text().unwrap_or_default();
        match key {
            Some(key) if name == "capability" => ways[at].capabilities.push(key),
            Some(_) => {}
            None => said(&mut ways[at], &name, text),
        }
    }
    ways.sort_by_key(|it| it.rank);
    ways
}

/// `protocol[NETCONF]/capability[base]` in its parts.
fn parts(path: &Path) -> Option<(String, String, Option<String>)> {
    let mut steps = path.steps();
    let (list, inside) = (steps.next()?, steps.next());
    let protocol = list.keys.first().filter(|_| list.name == "protocol")?.to_string();
    let name = inside.as_ref().map(|it| it.name.to_owned()).unwrap_or_default();
    let key = inside.and_then(|it| it.keys.first().map(ToString::to_string));
    Some((protocol, name, key))
}

fn said(way: &mut Way, name: &str, text: &str) {
    let is = text == "true";
    match name {
        "rank" => way.rank = text.parse().unwrap_or_default(),
        "used" => way.used = is,
        "answers" => way.answers = is,
        "because" => way.because = Some(text.to_owned()),
        "guarantee" => way.guarantee = Some(text.to_owned()),
        "renews" => way.renews = is,
        "locks" => way.locks = is,
        "saves" => way.saves = Some(text.to_owned()),
        "reports" => way.reports = is,
        "connect-microseconds" => way.connect_microseconds = text.parse().ok(),
        "request-microseconds" => way.request_microseconds = text.parse().ok(),
        "failures" => way.failures = text.parse().unwrap_or_default(),
        "successes" => way.successes = text.parse().unwrap_or_default(),
        "left-alone" => way.left_alone = is,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use knowledge_model::Value;

    #[test]
    fn entries_become_protocols_in_the_order_of_preference() {
        let mut tree = Tree::new();
        for (path, text) in [
            ("protocol[CLI]/rank", "2"),
            ("protocol[CLI]/answers", "false"),
            ("protocol[CLI]/because", "nobody listens"),
            ("protocol[NETCONF]/rank", "1"),
            ("protocol[NETCONF]/used", "true"),
            ("protocol[NETCONF]/connect-microseconds", "1200"),
            ("protocol[NETCONF]/of-tomorrow", "1"),
        ] {
            tree.insert(path.parse().unwrap(), Value::scalar(text));
        }
        let base = "urn:ietf:params:netconf:base:1.1";
        let netconf = Path::root().keyed("protocol", ["NETCONF"]);
        tree.insert(netconf.keyed("capability", [base]), Value::Present);
        let ways = protocols(&tree);
        assert_eq!(ways.len(), 2);
        assert_eq!((ways[0].protocol.as_str(), ways[0].used), ("NETCONF", true));
        assert_eq!(ways[0].capabilities, [base]);
        assert_eq!(ways[0].connect_microseconds, Some(1200));
        assert_eq!(ways[1].because.as_deref(), Some("nobody listens"));
        assert!(!ways[1].answers);
    }
}
