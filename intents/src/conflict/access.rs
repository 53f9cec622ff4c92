//! How two rules about packets stand to each other: the one tried first, and the one behind it.

use crate::net::Net;
use crate::traffic::Selector;

/// How a rule stands to one that is tried before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    /// All of its packets are decided before it, the other way: it has no effect.
    Shadowing,
    /// It decides nothing that is not decided alike without it.
    Redundancy,
    /// It decides more than the one before it, the other way: that one is its exception.
    Generalisation,
    /// Some of its packets are decided before it, the other way, and some of the other's would be by it: their order
    /// decides.
    Correlation,
}

impl Relation {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Shadowing => "shadowing",
            Self::Redundancy => "redundancy",
            Self::Generalisation => "generalisation",
            Self::Correlation => "correlation",
        }
    }
}

/// A rule: which packets, and whether they pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessRule {
    /// Whether they pass.
    pub permit: bool,
    /// Where they come from; anywhere where it is none.
    pub source: Option<Net>,
    /// Where they go; anywhere where it is none.
    pub destination: Option<Net>,
    /// What carries them: `tcp`, `udp`, `icmp`, …; anything where it is none.
    pub protocol: Option<String>,
    /// The first and the last port that they go to; any, and also none, where it is none.
    pub ports: Option<(u16, u16)>,
}

impl AccessRule {
    /// The rule for a selector.
    pub(crate) fn new(permit: bool, selector: &Selector) -> Self {
        let ports = selector.ports.as_deref().and_then(|text| {
            let (first, last) = text.split_once('-').unwrap_or((text, text));
            Some((first.parse().ok()?, last.parse().ok()?))
        });
        Self {
            permit,
            source: selector.source,
            destination: selector.destination,
            protocol: selector.protocol.clone(),
            ports,
        }
    }

    /// The family that its networks leave it; none for both.
    fn family(&self) -> Option<bool> {
        self.source.or(self.destination).map(|net| net.is_ipv4())
    }

    /// The ports that it leaves; none where packets without ports match too.
    fn span(&self) -> Option<(u16, u16)> {
        let whole = matches!(self.protocol.as_deref(), Some("tcp" | "udp" | "sctp")).then_some((0, u16::MAX));
        self.ports.or(whole)
    }

    /// Whether every packet of `other` is one of its own.
    fn covers(&self, other: &Self) -> bool {
        let net = |own: Option<Net>, its: Option<Net>| match (own, its) {
            (None, _) => true,
            (Some(own), Some(its)) => own.contains(&its),
            (Some(_), None) => false,
        };
        let protocol = self.protocol.is_none() || self.protocol == other.protocol;
        let ports = match (self.ports, other.span()) {
            (None, _) => true,
            (Some(own), Some(its)) => own.0 <= its.0 && its.1 <= own.1,
            (Some(_), None) => false,
        };
        // Networks of one side leave one family on the other: there everything is 0.0.0.0/0 or ::/0, not less.
        let family = self.family().is_none_or(|own| other.family() == Some(own));
        family && protocol && ports && net(self.source, other.source) && net(self.destination, other.destination)
    }

    /// Whether some packet is of both.
    fn meets(&self, other: &Self) -> bool {
        let net = |own: Option<Net>, its: Option<Net>| match (own, its) {
            (Some(own), Some(its)) => own.overlaps(&its),
            (None, _) | (_, None) => true,
        };
        let family = match (self.family(), other.family()) {
            (Some(own), Some(its)) => own == its,
            (None, _) | (_, None) => true,
        };
        let protocol = match (&self.protocol, &other.protocol) {
            (Some(own), Some(its)) => own == its,
            (None, _) | (_, None) => true,
        };
        let ports = match (self.span(), other.span()) {
            (Some(own), Some(its)) => own.0 <= its.1 && its.0 <= own.1,
            (None, _) | (_, None) => true,
        };
        family && protocol && ports && net(self.source, other.source) && net(self.destination, other.destination)
    }
}

/// How `second` stands to `first`, which is tried before it; none where they have nothing to do with each other.
#[must_use]
pub fn relation(first: &AccessRule, second: &AccessRule) -> Option<Relation> {
    if !first.meets(second) {
        return None;
    }
    let (inside, around) = (first.covers(second), second.covers(first));
    match (first.permit == second.permit, inside, around) {
        (true, true, _) | (true, _, true) => Some(Relation::Redundancy),
        (true, false, false) => None,
        (false, true, _) => Some(Relation::Shadowing),
        (false, false, true) => Some(Relation::Generalisation),
        (false, false, false) => Some(Relation::Correlation),
    }
}
