//! Who sits where: which agent speaks for which device, and what its certificate lets it do there.
//!
//! Pure. One agent at a time configures a device, and it alone is heard about the transactions of that device; others
//! may observe it. The way back stays open to whoever has configured a device, whatever it may do by now.

use std::collections::{BTreeMap, HashMap, HashSet};

use fabric_wire::Rights;
use transaction::DeviceId;

use super::Joined;

/// An agent that has joined, and the way to it.
#[derive(Debug)]
pub struct Seat<Way> {
    /// Who sits there.
    pub agent: Joined,
    /// What its certificate lets it do.
    pub rights: Rights,
    /// Counts the streams of all agents: of two of one agent the higher one is the later one.
    pub number: u64,
    /// How it is reached.
    pub way: Way,
    devices: HashSet<DeviceId>,
}

impl<Way> Seat<Way> {
    /// A seat for an agent.
    pub fn new(agent: Joined, rights: Rights, number: u64, way: Way) -> Self {
        let devices = agent.devices.iter().map(|it| it.id).collect();
        Self {
            agent,
            rights,
            number,
            way,
            devices,
        }
    }

    fn configures(&self, device: DeviceId) -> bool {
        self.rights.configures && self.devices.contains(&device)
    }

    fn observes(&self, device: DeviceId) -> bool {
        self.rights.observes && self.devices.contains(&device)
    }
}

/// Why an agent gets no seat.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unseated {
    /// A later stream of the same agent has it.
    #[error("the agent has joined again meanwhile")]
    Older,
    /// Somebody else configures one of its devices.
    #[error("{holder} configures the device already: one agent configures a device, others may observe it")]
    Taken {
        /// The device.
        device: DeviceId,
        /// Who.
        holder: String,
    },
}

/// All seats.
#[derive(Debug)]
pub struct Seats<Way> {
    seats: BTreeMap<String, Seat<Way>>,
    /// Who configures a device, or was the last one that did.
    keepers: HashMap<DeviceId, String>,
}

impl<Way> Default for Seats<Way> {
    fn default() -> Self {
        Self {
            seats: BTreeMap::new(),
            keepers: HashMap::new(),
        }
    }
}

impl<Way> Seats<Way> {
    /// Whether an agent that may configure these devices may have a seat beside those who sit.
    pub fn admits(
        &self,
        name: &str,
        rights: Rights,
        devices: impl IntoIterator<Item = DeviceId>,
    ) -> Result<(), Unseated> {
        if !rights.configures {
            return Ok(());
        }
        let taken = |device| {
            let holder = self.configuring(device).map(|it| &it.agent.name);
            let holder = holder.filter(|it| *it != name)?.clone();
            Some(Unseated::Taken { device, holder })
        };
        devices.into_iter().find_map(taken).map_or(Ok(()), Err)
    }

    /// Seats an agent. An earlier seat of its own is given up; a later one stays.
    pub fn sit(&mut self, seat: Seat<Way>) -> Result<(), Unseated> {
        let name = seat.agent.name.clone();
        if self.seats.get(&name).is_some_and(|it| it.number > seat.number) {
            return Err(Unseated::Older);
        }
        self.admits(&name, seat.rights, seat.devices.iter().copied())?;
        if seat.rights.configures {
            let kept = seat.devices.iter().map(|it| (*it, name.clone()));
            self.keepers.extend(kept);
        }
        self.seats.insert(name, seat);
        Ok(())
    }

    /// A stream has ended; whether the seat was that stream's, which is free now.
    pub fn rise(&mut self, name: &str, number: u64) -> bool {
        let own = self.seats.get(name).is_some_and(|it| it.number == number);
        own && self.seats.remove(name).is_some()
    }

    /// Who configures a device.
    pub fn configuring(&self, device: DeviceId) -> Option<&Seat<Way>> {
        let keeper = self.seats.get(self.keepers.get(&device)?)?;
        keeper.configures(device).then_some(keeper)
    }

    /// Who takes a device back, or says how it stands: who configures it, or did so last.
    pub fn way_back(&self, device: DeviceId) -> Option<&Seat<Way>> {
        let keeper = self.seats.get(self.keepers.get(&device)?)?;
        keeper.devices.contains(&device).then_some(keeper)
    }

    /// Who is asked how a device is: who configures it, if that one may observe it, else another who may.
    pub fn observing(&self, device: DeviceId) -> Option<&Seat<Way>> {
        let keeper = self.configuring(device).filter(|it| it.observes(device));
        keeper.or_else(|| self.seats.values().find(|it| it.observes(device)))
    }

    /// Who is shown as the one that speaks for a device.
    pub fn speaking(&self, device: DeviceId) -> Option<&Seat<Way>> {
        self.configuring(device).or_else(|| self.observing(device))
    }

    /// Whether an agent is heard about the transactions of a device, also while its stream is away.
    pub fn keeps(&self, device: DeviceId, name: &str) -> bool {
        self.keepers.get(&device).is_some_and(|it| it == name)
    }

    /// The devices that somebody configures or did, each with his name.
    pub fn kept(&self) -> impl Iterator<Item = (DeviceId, &str)> {
        self.keepers.iter().map(|(device, name)| (*device, name.as_str()))
    }

    /// Everybody, by name.
    pub fn all(&self) -> impl Iterator<Item = &Seat<Way>> {
        self.seats.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agents::Spoken;

    const ALL: Rights = Rights {
        configures: true,
        observes: true,
    };
    const OBSERVES: Rights = Rights {
        configures: false,
        observes: true,
    };
    const CONFIGURES: Rights = Rights {
        configures: true,
        observes: false,
    };

    fn device(number: u128) -> DeviceId {
        DeviceId(number)
    }

    fn seat(name: &str, rights: Rights, number: u64, devices: &[u128]) -> Seat<()> {
        let spoken = |it: &u128| Spoken {
            id: device(*it),
            platforms: Vec::new(),
            protocols: Vec::new(),
            guarantee: None,
        };
        let agent = Joined {
            name: name.to_owned(),
            program: String::new(),
            devices: devices.iter().map(spoken).collect(),
        };
        Seat::new(agent, rights, number, ())
    }

    fn name(seat: Option<&Seat<()>>) -> Option<&str> {
        seat.map(|it| it.agent.name.as_str())
    }

    #[test]
    fn who_may_only_observe_is_never_told_to_configure_nor_heard_about_it() {
        let mut seats = Seats::default();
        seats.sit(seat("monitor", OBSERVES, 1, &[1])).expect("a seat");
        assert_eq!(name(seats.configuring(device(1))), None);
        assert_eq!(name(seats.way_back(device(1))), None);
        assert_eq!(name(seats.observing(device(1))), Some("monitor"));
        seats
            .sit(seat("edge", ALL, 2, &[1]))
            .expect("a seat beside the monitor");
        assert_eq!(name(seats.configuring(device(1))), Some("edge"));
        assert_eq!(name(seats.observing(device(1))), Some("edge"));
        assert!(seats.keeps(device(1), "edge") && !seats.keeps(device(1), "monitor"));
        assert!(seats.rise("edge", 2));
        assert_eq!(
            name(seats.configuring(device(1))),
            None,
            "the monitor takes nobody's place"
        );
        assert_eq!(name(seats.way_back(device(1))), None);
        assert_eq!(name(seats.observing(device(1))), Some("monitor"));
        assert!(seats.keeps(device(1), "edge"), "who is away is heard still");
    }

    #[test]
    fn who_may_not_observe_is_not_asked() {
        let mut seats = Seats::default();
        seats.sit(seat("edge", CONFIGURES, 1, &[1])).expect("a seat");
        assert_eq!(name(seats.observing(device(1))), None);
        assert_eq!(name(seats.speaking(device(1))), Some("edge"));
        seats.sit(seat("monitor", OBSERVES, 2, &[1, 2])).expect("a seat");
        assert_eq!(name(seats.observing(device(1))), Some("monitor"));
    }

    #[test]
    fn one_agent_configures_a_device_and_a_second_is_refused_by_name() {
        let mut seats = Seats::default();
        seats.sit(seat("edge", ALL, 1, &[1, 2])).expect("a seat");
        let taken = Unseated::Taken {
            device: device(2),
            holder: "edge".to_owned(),
        };
        assert_eq!(seats.admits("other", ALL, [device(3), device(2)]), Err(taken.clone()));
        assert_eq!(seats.sit(seat("other", ALL, 2, &[2])), Err(taken));
        assert_eq!(seats.admits("edge", ALL, [device(2)]), Ok(()), "it may come again");
        assert!(seats.rise("edge", 1));
        seats.sit(seat("other", ALL, 3, &[2])).expect("edge is away");
        assert!(seats.keeps(device(2), "other") && seats.keeps(device(1), "edge"));
    }

    #[test]
    fn the_way_back_is_open_to_who_may_configure_no_longer() {
        let mut seats = Seats::default();
        seats.sit(seat("edge", ALL, 1, &[1])).expect("a seat");
        seats.sit(seat("edge", OBSERVES, 2, &[1])).expect("it has joined again");
        assert_eq!(name(seats.configuring(device(1))), None);
        assert_eq!(name(seats.way_back(device(1))), Some("edge"));
        assert!(seats.keeps(device(1), "edge"));
    }

    #[test]
    fn an_older_stream_neither_takes_nor_frees_the_seat_of_a_newer_one() {
        let mut seats = Seats::default();
        seats.sit(seat("edge", ALL, 2, &[1])).expect("the newer one");
        assert_eq!(seats.sit(seat("edge", ALL, 1, &[1])), Err(Unseated::Older));
        assert!(!seats.rise("edge", 1), "it frees nothing");
        assert_eq!(seats.configuring(device(1)).map(|it| it.number), Some(2));
        assert!(seats.rise("edge", 2));
        assert_eq!(name(seats.configuring(device(1))), None);
    }
}
