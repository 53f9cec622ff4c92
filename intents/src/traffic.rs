//! Which packets are meant: networks, protocols, ports and marks, as the rules of lists say it.

use knowledge_model::Inventory;

use crate::net::Net;
use crate::resolve::names;
use crate::slot::SlotValue;

/// The packets that an intent speaks of; an empty list stands for any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Traffic {
    pub(crate) sources: Vec<Net>,
    pub(crate) destinations: Vec<Net>,
    pub(crate) protocols: Vec<String>,
    pub(crate) ports: Vec<String>,
    pub(crate) dscp: Vec<String>,
}

/// One rule's worth of packets; what is absent is any.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Selector {
    pub(crate) source: Option<Net>,
    pub(crate) destination: Option<Net>,
    pub(crate) protocol: Option<String>,
    pub(crate) ports: Option<String>,
    pub(crate) dscp: Option<String>,
}

impl Selector {
    /// The same packets on their way back.
    pub(crate) fn turned(&self) -> Self {
        Self {
            source: self.destination,
            destination: self.source,
            ..self.clone()
        }
    }

    /// The network as rules write it; nothing for everything.
    pub(crate) fn written(net: Option<Net>) -> Option<String> {
        net.map(|it| it.to_string())
    }
}

impl Traffic {
    /// From slots `src`, `dst` and a `match`; what both say must be said once.
    pub(crate) fn read(
        src: &[String],
        dst: &[String],
        matched: Option<&SlotValue>,
        inventory: &Inventory,
    ) -> Result<Self, Vec<String>> {
        let more = |name: &str| matched.map_or(&[][..], |it| it.under(name));
        let mut faults = Vec::new();
        let mut nets = |own: &[String], name: &str| {
            let names = if own.is_empty() { more(name) } else { own };
            let mut nets = Vec::new();
            for name in names {
                match names::end(name, inventory) {
                    Ok(end) => nets.extend(end.nets),
                    Err(fault) => faults.push(fault),
                }
            }
            nets.sort();
            nets.dedup();
            nets
        };
        let (sources, destinations) = (nets(src, "src"), nets(dst, "dst"));
        let mut dscp = Vec::new();
        for word in more("dscp") {
            match mark(word) {
                Some(mark) => dscp.push(mark.to_string()),
                None => faults.push(format!("{word} is no mark: a number up to 63, or EF, AF11, CS3")),
            }
        }
        let traffic = Self {
            sources,
            destinations,
            protocols: more("protocol").to_vec(),
            ports: more("ports").to_vec(),
            dscp,
        };
        if faults.is_empty() { Ok(traffic) } else { Err(faults) }
    }

    /// Whether nothing is said.
    pub(crate) fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    /// As rules: every pair of networks of one family, with every protocol, ports and mark.
    pub(crate) fn selectors(&self) -> Vec<Selector> {
        let mut selectors = Vec::new();
        for (source, destination) in self.pairs() {
            for (protocol, ports) in self.carried() {
                for dscp in any(&self.dscp) {
                    selectors.push(Selector {
                        source,
                        destination,
                        protocol: protocol.clone(),
                        ports: ports.clone(),
                        dscp,
                    });
                }
            }
        }
        let mut seen = std::collections::BTreeSet::new();
        selectors.retain(|it| seen.insert(it.clone()));
        selectors
    }

    fn pairs(&self) -> Vec<(Option<Net>, Option<Net>)> {
        let some = |nets: &[Net]| -> Vec<Option<Net>> {
            if nets.is_empty() {
                vec![None]
            } else {
                nets.iter().copied().map(Some).collect()
            }
        };
        let mut pairs = Vec::new();
        for source in some(&self.sources) {
            for destination in some(&self.destinations) {
                let same = match (source, destination) {
                    (Some(a), Some(b)) => a.is_ipv4() == b.is_ipv4(),
                    (Some(_) | None, None) | (None, Some(_)) => true,
                };
                // Everything of a family is said by the other side, or by leaving it out.
                let narrow = |net: Option<Net>| net.filter(|it| !it.is_everything());
                if same {
                    pairs.push((narrow(source), narrow(destination)));
                }
            }
        }
        pairs
    }

    /// Protocols with their ports; ports without a protocol are those of TCP and UDP.
    fn carried(&self) -> Vec<(Option<String>, Option<String>)> {
        let both = ["tcp".to_owned(), "udp".to_owned()];
        let protocols = if self.protocols.is_empty() && !self.ports.is_empty() {
            &both[..]
        } else {
            &self.protocols
        };
        let mut carried = Vec::new();
        for protocol in any(protocols) {
            let has_ports = matches!(protocol.as_deref(), Some("tcp" | "udp" | "sctp"));
            let ports = if has_ports { any(&self.ports) } else { vec![None] };
            carried.extend(ports.into_iter().map(|ports| (protocol.clone(), ports)));
        }
        carried
    }
}

fn any(values: &[String]) -> Vec<Option<String>> {
    if values.is_empty() {
        vec![None]
    } else {
        values.iter().cloned().map(Some).collect()
    }
}

/// A mark by its name or number.
fn mark(word: &str) -> Option<u8> {
    let word = word.to_ascii_lowercase();
    if let Ok(number) = word.parse::<u8>() {
        return Some(number).filter(|it| *it < 64);
    }
    let digits = |text: &str| -> Option<Vec<u8>> {
        text.chars()
            .map(|it| it.to_digit(10).and_then(|it| u8::try_from(it).ok()))
            .collect()
    };
    if word == "ef" {
        return Some(46);
    }
    if word == "be" || word == "default" {
        return Some(0);
    }
    if let Some(class) = word.strip_prefix("cs").and_then(digits) {
        return class.first().filter(|it| class.len() == 1 && **it < 8).map(|it| it * 8);
    }
    let (class, drop) = match word.strip_prefix("af").and_then(digits)?[..] {
        [class, drop] => (class, drop),
        _ => return None,
    };
    ((1..=4).contains(&class) && (1..=3).contains(&drop)).then(|| class * 8 + drop * 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_have_names() {
        for (word, expected) in [
            ("EF", Some(46)),
            ("af41", Some(34)),
            ("CS3", Some(24)),
            ("12", Some(12)),
            ("64", None),
            ("af51", None),
        ] {
            assert_eq!(mark(word), expected, "{word}");
        }
    }

    #[test]
    fn families_do_not_mix_and_ports_have_protocols() {
        let net = |text| Net::parse(text).unwrap();
        let traffic = Traffic {
            sources: vec![net("10.0.0.0/8")],
            destinations: vec![net("0.0.0.0/0"), net("::/0")],
            ports: vec!["53".into()],
            ..Traffic::default()
        };
        let selectors = traffic.selectors();
        assert_eq!(selectors.len(), 2, "{selectors:?}");
        assert!(
            selectors
                .iter()
                .all(|it| it.destination.is_none() && it.source.is_some())
        );
        assert_eq!(selectors[1].protocol.as_deref(), Some("udp"));
    }
}
