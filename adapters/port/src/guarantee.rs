//! What a device promises about a change, made of two facts: is it taken whole, and who takes it back.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Is a change taken whole, or line by line?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Extent {
    /// Line by line: a refusal in the middle leaves the lines before it.
    Lines,
    /// All of it or nothing.
    Whole,
}

/// Who takes an unconfirmed change back when everybody else is dead. Later is stronger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Keeper {
    /// Only our agent, from its disk and its timer.
    Agent,
    /// The device, when the session that made the change ends.
    Session,
    /// The device, by a timer of its own.
    Device,
}

/// The promise, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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

/// What a caller may insist on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Demand {
    /// Both facts at least as strong as those of this guarantee.
    Class(Guarantee),
    /// Taken whole, whoever takes it back.
    Whole,
    /// Taken back by this keeper or a stronger one.
    TakenBackBy(Keeper),
}

impl Guarantee {
    /// The promise that two facts make. By lines and by session has no name of its own: it counts as plain.
    pub fn of(extent: Extent, keeper: Keeper) -> Self {
        match (extent, keeper) {
            (Extent::Whole, Keeper::Device) => Self::Confirmed,
            (Extent::Whole, Keeper::Session) => Self::Session,
            (Extent::Whole, Keeper::Agent) => Self::Whole,
            (Extent::Lines, Keeper::Device) => Self::Timed,
            (Extent::Lines, Keeper::Session | Keeper::Agent) => Self::Plain,
        }
    }

    /// Is a change taken whole?
    pub fn extent(self) -> Extent {
        match self {
            Self::Confirmed | Self::Session | Self::Whole => Extent::Whole,
            Self::Timed | Self::Plain => Extent::Lines,
        }
    }

    /// Who takes it back when everybody else is dead?
    pub fn keeper(self) -> Keeper {
        match self {
            Self::Confirmed | Self::Timed => Keeper::Device,
            Self::Session => Keeper::Session,
            Self::Whole | Self::Plain => Keeper::Agent,
        }
    }

    /// Does this promise satisfy what the caller insists on?
    pub fn meets(self, demand: Demand) -> bool {
        match demand {
            Demand::Class(class) => self.extent() >= class.extent() && self.keeper() >= class.keeper(),
            Demand::Whole => self.extent() == Extent::Whole,
            Demand::TakenBackBy(keeper) => self.keeper() >= keeper,
        }
    }

    /// The promise of a device composed of several: the weaker of each fact.
    pub fn weakest(self, other: Self) -> Self {
        Self::of(self.extent().min(other.extent()), self.keeper().min(other.keeper()))
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

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Guarantee; 5] = [
        Guarantee::Confirmed,
        Guarantee::Session,
        Guarantee::Timed,
        Guarantee::Whole,
        Guarantee::Plain,
    ];

    #[test]
    fn the_two_facts_make_the_name_again() {
        for guarantee in ALL {
            assert_eq!(Guarantee::of(guarantee.extent(), guarantee.keeper()), guarantee);
        }
    }

    #[test]
    fn a_composed_device_promises_no_more_than_its_parts() {
        for a in ALL {
            for b in ALL {
                let both = a.weakest(b);
                assert_eq!(both, b.weakest(a));
                assert!(
                    a.meets(Demand::Class(both)) && b.meets(Demand::Class(both)),
                    "{a} and {b} make {both}"
                );
            }
        }
        assert_eq!(Guarantee::Timed.weakest(Guarantee::Whole), Guarantee::Plain);
    }

    #[test]
    fn a_demand_may_name_one_fact() {
        assert!(Guarantee::Timed.meets(Demand::TakenBackBy(Keeper::Session)));
        assert!(!Guarantee::Timed.meets(Demand::Whole));
        assert!(!Guarantee::Whole.meets(Demand::Class(Guarantee::Session)));
    }
}
