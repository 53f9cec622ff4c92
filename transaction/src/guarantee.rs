//! What a device can promise about a change: is it taken whole, and who takes it back when everybody else dies.

use serde::{Deserialize, Serialize};
use std::fmt;

/// How a device takes a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Taken {
    /// All of it or none.
    Whole,
    /// Line after line: a failure leaves the lines before it.
    ByLines,
}

/// Who takes an unconfirmed change back when everybody else dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TakenBack {
    /// The device, by a timer of its own.
    ByDevice,
    /// The device, when the session ends.
    BySession,
    /// Only the agent, from its own record.
    ByAgent,
}

/// The promise of one device, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Guarantee {
    /// Whole, taken back by the device's timer.
    Confirmed,
    /// Whole, taken back by the device when the session ends.
    Session,
    /// By lines, taken back by the device's timer.
    Timed,
    /// Whole, taken back by the agent.
    Whole,
    /// By lines, taken back by the agent.
    Plain,
}

impl Guarantee {
    /// All of them, strongest first.
    pub const ALL: [Guarantee; 5] = [Self::Confirmed, Self::Session, Self::Timed, Self::Whole, Self::Plain];

    /// The promise that two facts make. Lines that only a session guards are no better than `Plain`.
    pub fn from_facts(taken: Taken, back: TakenBack) -> Self {
        match (taken, back) {
            (Taken::Whole, TakenBack::ByDevice) => Self::Confirmed,
            (Taken::Whole, TakenBack::BySession) => Self::Session,
            (Taken::Whole, TakenBack::ByAgent) => Self::Whole,
            (Taken::ByLines, TakenBack::ByDevice) => Self::Timed,
            (Taken::ByLines, TakenBack::BySession | TakenBack::ByAgent) => Self::Plain,
        }
    }

    /// The first fact.
    pub fn taken(self) -> Taken {
        match self {
            Self::Confirmed | Self::Session | Self::Whole => Taken::Whole,
            Self::Timed | Self::Plain => Taken::ByLines,
        }
    }

    /// The second fact.
    pub fn taken_back(self) -> TakenBack {
        match self {
            Self::Confirmed | Self::Timed => TakenBack::ByDevice,
            Self::Session => TakenBack::BySession,
            Self::Whole | Self::Plain => TakenBack::ByAgent,
        }
    }

    /// What a device composed of parts can promise: the weaker of each fact.
    pub fn with(self, other: Self) -> Self {
        let taken = if self.taken() == Taken::Whole {
            other.taken()
        } else {
            Taken::ByLines
        };
        let back = if self.taken_back() as u8 >= other.taken_back() as u8 {
            self
        } else {
            other
        };
        Self::from_facts(taken, back.taken_back())
    }
}

impl fmt::Display for Guarantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Confirmed => "confirmed",
            Self::Session => "session",
            Self::Timed => "timed",
            Self::Whole => "whole",
            Self::Plain => "plain",
        })
    }
}

/// What a caller insists on: nothing, a class or better, or one of the two facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Demand {
    /// Whatever the device can give.
    #[default]
    Any,
    /// Exactly this class, or one that is at least as good in both facts.
    Class(Guarantee),
    /// The change is taken whole.
    Whole,
    /// The device takes the change back by itself, by timer or by session.
    TakenBackByDevice,
}

impl Demand {
    /// Whether a device that promises `guarantee` will do.
    pub fn is_met_by(self, guarantee: Guarantee) -> bool {
        match self {
            Self::Any => true,
            Self::Class(class) => guarantee.with(class) == class,
            Self::Whole => guarantee.taken() == Taken::Whole,
            Self::TakenBackByDevice => guarantee.taken_back() != TakenBack::ByAgent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_facts_make_the_class() {
        for class in Guarantee::ALL {
            assert_eq!(Guarantee::from_facts(class.taken(), class.taken_back()), class);
        }
    }

    #[test]
    fn a_composed_device_promises_the_weaker_of_each_fact() {
        assert_eq!(Guarantee::Whole.with(Guarantee::Timed), Guarantee::Plain);
        assert_eq!(Guarantee::Confirmed.with(Guarantee::Session), Guarantee::Session);
        assert_eq!(Guarantee::Confirmed.with(Guarantee::Confirmed), Guarantee::Confirmed);
    }

    #[test]
    fn a_demand_is_met_by_what_is_at_least_as_good() {
        assert!(Demand::Class(Guarantee::Whole).is_met_by(Guarantee::Session));
        assert!(!Demand::Class(Guarantee::Whole).is_met_by(Guarantee::Timed));
        assert!(Demand::TakenBackByDevice.is_met_by(Guarantee::Timed));
        assert!(!Demand::Whole.is_met_by(Guarantee::Plain));
    }
}
