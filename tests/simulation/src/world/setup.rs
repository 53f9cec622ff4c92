//! How a world begins.

use super::agents::Agent;
use super::controllers::Controller;
use super::{Event, Scenario, World};
use crate::chance::Chance;
use crate::change::Path;
use crate::device::Device;
use crate::disk::Journal;
use crate::ledger::Ledger;
use crate::weather::Weather;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::time::Duration;
use transaction::admission::Limits;
use transaction::{DeviceId, Epoch, Guarantee, TakenBack};

impl World {
    /// The world of this seed.
    pub fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let weather = Weather::of(seed, &mut chance);
        let mut scenario = Scenario::draw(&mut chance, weather.outage.map(|(_, until)| until + 5_000));
        let mut luck = Chance::new(seed ^ 0x0dd5);
        let limits = if weather.must_commit {
            Limits::default()
        } else {
            limits(&mut luck)
        };
        let (tongue, liar) = tongue(seed, &mut scenario);
        let devices: Vec<Device> = (0..scenario.devices)
            .map(|_| device(&mut chance, weather.candidates))
            .collect();
        scenario.demand(weather.must_commit, &mut luck, |it| devices[it].class);
        // Drawn apart as well, for the same reason.
        if seed % 10 != 7 {
            scenario.look_on(&mut Chance::new(seed ^ 0xe7e5));
        }
        let agents = (0..devices.len())
            .map(|it| Agent::new(DeviceId(it as u128 + 1)))
            .collect();
        let controllers = (0..2).map(|_| Controller::new(limits.clone())).collect();
        let mut world = Self {
            seed,
            now: 0,
            weather,
            ledger: Ledger::default(),
            transcript: None,
            visits: BTreeMap::new(),
            mishaps: BTreeSet::new(),
            chance,
            luck,
            tongue,
            liar,
            withdrawn: BTreeSet::new(),
            events: BinaryHeap::new(),
            bodies: BTreeMap::new(),
            sequence: 0,
            scenario,
            submitted: BTreeSet::new(),
            devices,
            agents,
            controllers,
            journal: Journal::default(),
            changes: BTreeMap::new(),
            lease: Epoch(0),
            passes: BTreeMap::new(),
            values: 1_000,
            dirty: Vec::new(),
            merged: 0,
            cuts_beside: 0,
            limits,
            judged: 0,
        };
        world.dirty.resize(world.devices.len(), None);
        world.ledger.liar = liar.map(|at| world.agents[at].device);
        world.plan();
        world
    }

    /// Puts into the calendar what does not depend on what happens.
    fn plan(&mut self) {
        for wish in self.scenario.wishes.clone() {
            self.schedule(wish.at + 1, Event::Submit(wish.transaction));
            if let Some(at) = wish.cancelled {
                self.schedule(at + 1, Event::Cancel(wish.transaction));
            }
        }
        let end = self.weather.end;
        for _ in 0..self.weather.operator {
            let at = self.chance.below(end.min(40_000));
            self.schedule(at, Event::OperatorActs);
        }
        if let Some((from, until)) = self.weather.outage {
            let device = usize::try_from(self.chance.below(self.devices.len() as u64)).unwrap_or(0);
            let of_agent = self.chance.permille(500);
            let id = self.agents[device].device;
            self.ledger.barred.push((id, from, until));
            self.schedule(from, Event::OutageBegins { device, of_agent });
            self.schedule(until, Event::OutageEnds { device, of_agent });
            self.weather.end = end.max(until + 30_000);
        }
        self.restart_controller(0);
        if let Some(at) = self.weather.take_over {
            self.schedule(at, Event::RestartController(1));
        }
        if !self.weather.must_commit {
            self.plan_compactions();
        }
        self.schedule(self.weather.end, Event::FaultsEnd);
    }

    fn plan_compactions(&mut self) {
        for at in 0..self.devices.len() {
            let after = self.chance.between(100, 60_000);
            self.schedule(after, Event::CompactAgent(at));
        }
        for _ in 0..4 {
            let after = self.chance.between(100, 30_000);
            self.schedule(after, Event::CompactController(0));
        }
    }
}

/// In some worlds somebody lies, and of those that ride together one withdraws. One kind of weather stays what it was before
/// there were liars: one of its worlds is a test by name.
fn tongue(seed: u64, scenario: &mut Scenario) -> (Chance, Option<usize>) {
    let mut tongue = Chance::new(seed ^ 0x11e5);
    if seed % 10 == 7 {
        return (tongue, None);
    }
    for wish in scenario.wishes.iter_mut().filter(|it| it.mergeable) {
        let after = tongue.below(4_000);
        wish.cancelled = tongue.permille(150).then_some(wish.at + after);
    }
    let lies = tongue.permille(150);
    let who = usize::try_from(tongue.below(scenario.devices as u64)).unwrap_or(0);
    (tongue, lies.then_some(who))
}

/// In some worlds few may wait, or not for long.
fn limits(luck: &mut Chance) -> Limits {
    let calm = Limits {
        wait_within: Duration::from_secs(1_000_000),
        ..Limits::default()
    };
    match luck.below(20) {
        0 => Limits { waiting: 1, ..calm },
        1 => Limits {
            wait_within: Duration::from_millis(luck.between(500, 30_000)),
            ..calm
        },
        2 => Limits {
            waiting: 2,
            wait_within: Duration::from_millis(luck.between(500, 30_000)),
            ..calm
        },
        _ => calm,
    }
}

fn device(chance: &mut Chance, candidates: bool) -> Device {
    let class = if candidates && chance.permille(700) {
        Guarantee::Confirmed
    } else {
        chance.pick(&Guarantee::ALL)
    };
    let renews = class.taken_back() != TakenBack::ByAgent && chance.permille(700);
    let running = (0..8).map(|it: Path| (it, u64::from(it) + 1)).collect();
    Device::new(class, renews, running)
}
