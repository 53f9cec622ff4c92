//! Kills, outages and the operator.

use super::scenario::TOUCHED;
use super::{Event, World};
use crate::change::Path;
use crate::device::Who;
use crate::respect::STRANGERS;

impl World {
    /// Whether somebody dies here and now.
    pub(super) fn is_killed_at(&mut self, point: &'static str) -> bool {
        let passed = self.passes.entry(point).or_insert(0);
        *passed += 1;
        let passed = *passed;
        let killed = self
            .weather
            .kills
            .iter()
            .any(|it| it.point == point && it.visit == passed);
        if killed {
            *self.visits.entry(point).or_insert(0) += 1;
            self.say(|| format!("killed at: {point}"));
        }
        killed
    }

    pub(super) fn outage_begins(&mut self, device: usize, of_agent: bool) {
        self.say(|| format!("d{device} goes away{}", if of_agent { ", its agent does" } else { "" }));
        if of_agent {
            self.agents[device].gone = true;
            if self.agents[device].alive {
                self.kill_agent(device);
            }
        } else {
            self.devices[device].up = false;
            let sessions: Vec<u32> = self.devices[device].sessions.iter().copied().collect();
            for session in sessions {
                self.devices[device].close(session);
            }
        }
    }

    pub(super) fn outage_ends(&mut self, device: usize, of_agent: bool) {
        self.say(|| format!("d{device} is back"));
        if of_agent {
            self.agents[device].gone = false;
            self.restart_agent(device);
        } else {
            self.devices[device].up = true;
            // Its own timer ran on while nobody could reach it.
            let armed = self.devices[device].pending.as_ref().map(|it| it.armed);
            if let Some(armed) = armed {
                self.device_timer(device, armed);
            }
        }
    }

    /// Where an agent died the lock dies with its session: the operator uses the moment.
    pub(super) fn operator_sees_it_free(&mut self, at: usize) {
        let path = Path::try_from(TOUCHED + self.chance.below(3)).unwrap_or(0);
        self.values += 1;
        let value = STRANGERS + self.values;
        let device = &mut self.devices[at];
        if self.now >= self.weather.end || !device.up || device.lock.is_some() {
            return;
        }
        if device.has_candidate() && self.chance.permille(600) {
            device.candidate.insert(path, (value, Who::Operator));
            self.say(|| format!("operator edits the candidate of d{at}, path {path}"));
        } else {
            self.operator_edits(at, path, value);
        }
    }

    /// The operator does something to a device.
    pub(super) fn operator_acts(&mut self) {
        let at = usize::try_from(self.chance.below(self.devices.len() as u64)).unwrap_or(0);
        let path = Path::try_from(self.chance.below(TOUCHED + 3)).unwrap_or(0);
        self.values += 1;
        let value = STRANGERS + self.values;
        let device = &mut self.devices[at];
        let free = device.lock.is_none_or(|it| it == Who::Operator);
        if !device.up || !free {
            return;
        }
        let choice = self.chance.below(6);
        match choice {
            0 | 1 if device.has_candidate() => {
                device.candidate.insert(path, (value, Who::Operator));
                self.say(|| format!("operator edits the candidate of d{at}, path {path}"));
            }
            0..=2 => self.operator_edits(at, path, value),
            3 => self.operator_commits(at),
            4 => {
                device.candidate.retain(|_, (_, who)| *who != Who::Operator);
                self.say(|| format!("operator discards on d{at}"));
            }
            _ if device.has_lock() => {
                device.lock = Some(Who::Operator);
                self.say(|| format!("operator locks d{at}"));
                let after = self.chance.between(100, 20_000);
                self.schedule(after, Event::OperatorUnlocks(at));
            }
            _ => {}
        }
    }

    fn operator_edits(&mut self, at: usize, path: Path, value: u64) {
        self.devices[at].running.insert(path, value);
        self.say(|| format!("operator edits running of d{at}, path {path}"));
        if u64::from(path) < TOUCHED {
            let id = self.agents[at].device;
            self.ledger.edited.push((id, path, self.now));
        }
    }

    fn operator_commits(&mut self, at: usize) {
        let candidate = &mut self.devices[at].candidate;
        let mine: Vec<(Path, u64)> = candidate
            .iter()
            .filter(|(_, (_, who))| *who == Who::Operator)
            .map(|(path, (it, _))| (*path, *it))
            .collect();
        candidate.retain(|_, (_, who)| *who != Who::Operator);
        for (path, value) in mine {
            self.operator_edits(at, path, value);
        }
    }

    pub(super) fn operator_unlocks(&mut self, at: usize) {
        let device = &mut self.devices[at];
        if device.lock == Some(Who::Operator) {
            device.lock = None;
        }
    }

    /// From now on nothing goes wrong: the operator cleans up behind himself.
    pub(super) fn faults_end(&mut self) {
        self.say(|| "the faults end".to_owned());
        self.weather.kills.clear();
        for at in 0..self.devices.len() {
            self.operator_unlocks(at);
            self.devices[at].candidate.retain(|_, (_, who)| *who != Who::Operator);
        }
    }
}
