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
    /// Others configure all of its devices.
    #[error("{holder} configures the device already: one agent configures a device, others may observe it")]
    Taken {
        /// One of the devices.
        device: DeviceId,
        /// Who.
        holder: String,
    },
}

/// A device that an agent would configure, and that another one keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withheld {
    /// The device.
    pub device: DeviceId,
    /// Who keeps it.
    pub keeper: String,
}

/// Whether an agent that is away is waited for: what it keeps is given to nobody else meanwhile.
pub type Expected<'a> = &'a dyn Fn(&str) -> bool;

/// All seats.
#[derive(Debug)]
pub struct Seats<Way> {
    seats: BTreeMap<String, Seat<Way>>,
    /// Who configures a device, or was the last one that did.
    keepers: HashMap<DeviceId, String>,
}

impl<Way> Default for Seats<Way> {
    fn default() -> Self {
        Self::kept_by(HashMap::new())
    }
}

impl<Way> Seats<Way> {
    /// Nobody sits; these are the keepers of devices from before.
    pub fn kept_by(keepers: HashMap<DeviceId, String>) -> Self {
        let seats = BTreeMap::new();
        Self { seats, keepers }
    }

    /// Whether an agent that may configure these devices may have a seat beside those who sit: one of them must be left
    /// for it.
    pub fn admits(
        &self,
        name: &str,
        rights: Rights,
        devices: impl IntoIterator<Item = DeviceId>,
        expected: Expected<'_>,
    ) -> Result<(), Unseated> {
        let mut first = None;
        for device in devices {
            match self.holder(device, name, expected) {
                Some(holder) if rights.configures => first = first.or(Some((device, holder))),
                Some(_) | None => return Ok(()),
            }
        }
        first.map_or(Ok(()), |(device, holder)| {
            let holder = holder.to_owned();
            Err(Unseated::Taken { device, holder })
        })
    }

    /// Seats an agent. An earlier seat of its own is given up; a later one stays.
    pub fn sit(&mut self, seat: Seat<Way>, expected: Expected<'_>) -> Result<(), Unseated> {
        self.offers(&seat, expected)?;
        self.seats.insert(seat.agent.name.clone(), seat);
        Ok(())
    }

    /// Whether an agent would get this seat, and the devices that it may configure and another kept, or nobody, who is not
    /// waited for: it would be their keeper.
    pub fn offers(&self, seat: &Seat<Way>, expected: Expected<'_>) -> Result<Vec<DeviceId>, Unseated> {
        let name = &seat.agent.name;
        if self.seats.get(name).is_some_and(|it| it.number > seat.number) {
            return Err(Unseated::Older);
        }
        self.admits(name, seat.rights, seat.devices.iter().copied(), expected)?;
        Ok(self.free(seat, expected))
    }

    /// The devices that an agent who sits could keep, and does not.
    pub fn free_for(&self, name: &str, expected: Expected<'_>) -> Vec<DeviceId> {
        let seat = self.seats.get(name);
        seat.map_or_else(Vec::new, |seat| self.free(seat, expected))
    }

    fn free(&self, seat: &Seat<Way>, expected: Expected<'_>) -> Vec<DeviceId> {
        let name = &seat.agent.name;
        let free = |device: &&DeviceId| !self.keeps(**device, name) && self.holder(**device, name, expected).is_none();
        let may = seat.devices.iter().filter(|_| seat.rights.configures);
        may.filter(free).copied().collect()
    }

    /// An agent keeps these devices from now on.
    pub fn keep(&mut self, name: &str, devices: &[DeviceId]) {
        let kept = devices.iter().map(|it| (*it, name.to_owned()));
        self.keepers.extend(kept);
    }

    /// The devices that an agent who sits would configure, and others keep.
    pub fn withheld(&self, name: &str) -> Vec<Withheld> {
        let seat = self.seats.get(name).filter(|it| it.rights.configures);
        let devices = seat.iter().flat_map(|it| &it.agent.devices);
        let withheld = devices.filter_map(|it| {
            let keeper = self.keepers.get(&it.id).filter(|it| *it != name)?.clone();
            Some(Withheld { device: it.id, keeper })
        });
        withheld.collect()
    }

    /// Who else keeps a device from this agent: who sits there and configures it, or is away and waited for.
    fn holder(&self, device: DeviceId, name: &str, expected: Expected<'_>) -> Option<&str> {
        let keeper = self.keepers.get(&device).filter(|it| *it != name)?;
        let holds = match self.seats.get(keeper) {
            Some(seat) => seat.configures(device),
            None => expected(keeper),
        };
        holds.then_some(keeper)
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

    /// Who configured a device last, and has no seat now.
    pub fn absent(&self, device: DeviceId) -> Option<&str> {
        let keeper = self.keepers.get(&device)?;
        (!self.seats.contains_key(keeper)).then_some(keeper)
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
    use std::collections::BTreeSet;

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
            abilities: BTreeSet::new(),
            devices: devices.iter().map(spoken).collect(),
        };
        Seat::new(agent, rights, number, ())
    }

    /// Seats an agent and gives it what is free; who is away is not waited for.
    fn sit(seats: &mut Seats<()>, seat: Seat<()>) -> Result<(), Unseated> {
        let name = seat.agent.name.clone();
        seats.sit(seat, &|_| false)?;
        claim(seats, &name, &|_| false);
        Ok(())
    }

    /// Gives an agent what is free.
    fn claim(seats: &mut Seats<()>, name: &str, expected: Expected<'_>) -> Vec<DeviceId> {
        let free = seats.free_for(name, expected);
        seats.keep(name, &free);
        free
    }

    fn name(seat: Option<&Seat<()>>) -> Option<&str> {
        seat.map(|it| it.agent.name.as_str())
    }

    #[test]
    fn who_may_only_observe_is_never_told_to_configure_nor_heard_about_it() {
        let mut seats = Seats::default();
        sit(&mut seats, seat("monitor", OBSERVES, 1, &[1])).expect("a seat");
        assert_eq!(name(seats.configuring(device(1))), None);
        assert_eq!(name(seats.way_back(device(1))), None);
        assert_eq!(name(seats.observing(device(1))), Some("monitor"));
        sit(&mut seats, seat("edge", ALL, 2, &[1])).expect("a seat beside the monitor");
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
        assert_eq!((seats.absent(device(1)), seats.absent(device(2))), (Some("edge"), None));
        sit(&mut seats, seat("edge", ALL, 3, &[1])).expect("it is back");
        assert_eq!(seats.absent(device(1)), None);
    }

    #[test]
    fn who_may_not_observe_is_not_asked() {
        let mut seats = Seats::default();
        sit(&mut seats, seat("edge", CONFIGURES, 1, &[1])).expect("a seat");
        assert_eq!(name(seats.observing(device(1))), None);
        assert_eq!(name(seats.speaking(device(1))), Some("edge"));
        sit(&mut seats, seat("monitor", OBSERVES, 2, &[1, 2])).expect("a seat");
        assert_eq!(name(seats.observing(device(1))), Some("monitor"));
    }

    #[test]
    fn one_agent_configures_a_device_and_a_second_is_refused_by_name() {
        let mut seats = Seats::default();
        sit(&mut seats, seat("edge", ALL, 1, &[1, 2])).expect("a seat");
        let taken = Unseated::Taken {
            device: device(2),
            holder: "edge".to_owned(),
        };
        assert_eq!(seats.admits("other", ALL, [device(2)], &|_| false), Err(taken.clone()));
        assert_eq!(sit(&mut seats, seat("other", ALL, 2, &[2])), Err(taken));
        assert_eq!(
            seats.admits("edge", ALL, [device(2)], &|_| false),
            Ok(()),
            "it may come again"
        );
        assert!(seats.rise("edge", 1));
        sit(&mut seats, seat("other", ALL, 3, &[2])).expect("edge is away");
        assert!(seats.keeps(device(2), "other") && seats.keeps(device(1), "edge"));
    }

    #[test]
    fn the_way_back_is_open_to_who_may_configure_no_longer() {
        let mut seats = Seats::default();
        sit(&mut seats, seat("edge", ALL, 1, &[1])).expect("a seat");
        sit(&mut seats, seat("edge", OBSERVES, 2, &[1])).expect("it has joined again");
        assert_eq!(name(seats.configuring(device(1))), None);
        assert_eq!(name(seats.way_back(device(1))), Some("edge"));
        assert!(seats.keeps(device(1), "edge"));
    }

    #[test]
    fn an_older_stream_neither_takes_nor_frees_the_seat_of_a_newer_one() {
        let mut seats = Seats::default();
        sit(&mut seats, seat("edge", ALL, 2, &[1])).expect("the newer one");
        assert_eq!(sit(&mut seats, seat("edge", ALL, 1, &[1])), Err(Unseated::Older));
        assert!(!seats.rise("edge", 1), "it frees nothing");
        assert_eq!(seats.configuring(device(1)).map(|it| it.number), Some(2));
        assert!(seats.rise("edge", 2));
        assert_eq!(name(seats.configuring(device(1))), None);
    }

    #[test]
    fn who_overlaps_on_one_device_is_refused_for_that_one_alone_and_gets_it_when_it_is_free() {
        let mut seats = Seats::default();
        sit(&mut seats, seat("edge", ALL, 1, &[1, 2])).expect("a seat");
        sit(&mut seats, seat("other", ALL, 2, &[2, 3])).expect("a seat for what is left");
        assert_eq!(name(seats.configuring(device(2))), Some("edge"));
        assert_eq!(name(seats.configuring(device(3))), Some("other"));
        assert!(seats.keeps(device(3), "other") && !seats.keeps(device(2), "other"));
        let withheld = Withheld {
            device: device(2),
            keeper: "edge".to_owned(),
        };
        assert_eq!(seats.withheld("other"), [withheld]);
        assert_eq!(seats.withheld("edge"), []);
        // A stream that is lost for a moment gives nothing away.
        assert!(seats.rise("edge", 1));
        assert_eq!(claim(&mut seats, "other", &|it| it == "edge"), []);
        assert_eq!(name(seats.configuring(device(2))), None);
        assert!(seats.keeps(device(2), "edge"), "it is heard still");
        sit(&mut seats, seat("edge", ALL, 3, &[1, 2])).expect("it is back");
        assert_eq!(name(seats.configuring(device(2))), Some("edge"));
        // Who is not waited for any longer does.
        assert!(seats.rise("edge", 3));
        assert_eq!(claim(&mut seats, "other", &|_| false), [device(2)]);
        assert_eq!(name(seats.configuring(device(2))), Some("other"));
        assert_eq!(seats.withheld("other"), []);
        assert_eq!(claim(&mut seats, "nobody", &|_| false), []);
    }

    #[test]
    fn who_kept_a_device_before_a_restart_keeps_it() {
        let kept = HashMap::from([(device(1), "edge".to_owned())]);
        let mut seats = Seats::kept_by(kept);
        let waited = |it: &str| it == "edge";
        assert!(seats.keeps(device(1), "edge"), "it is heard before it has joined");
        let taken = Unseated::Taken {
            device: device(1),
            holder: "edge".to_owned(),
        };
        assert_eq!(seats.admits("other", ALL, [device(1)], &waited), Err(taken));
        assert_eq!(seats.admits("other", ALL, [device(1)], &|_| false), Ok(()));
        assert_eq!(seats.admits("monitor", OBSERVES, [device(1)], &waited), Ok(()));
        seats
            .sit(seat("other", ALL, 1, &[1, 2]), &waited)
            .expect("device 2 is left");
        assert_eq!(claim(&mut seats, "other", &waited), [device(2)]);
        seats.sit(seat("edge", ALL, 2, &[1]), &waited).expect("its own");
        assert_eq!(claim(&mut seats, "edge", &waited), [], "it has it already");
        assert_eq!(name(seats.configuring(device(1))), Some("edge"));
    }
}
