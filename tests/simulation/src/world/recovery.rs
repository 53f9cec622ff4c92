//! Controllers that die, come back, and take over.

use super::controllers::Controller;
use super::{Event, World, is_confirm};
use crate::change::Change;
use std::collections::{BTreeMap, BTreeSet};
use transaction::admission::Input;
use transaction::{Cleared, Coordinator, CoordinatorRecord, Decision, DeviceId, Ending, Epoch, Moment, TransactionId};

type Records = BTreeMap<TransactionId, Vec<CoordinatorRecord<Change>>>;

impl World {
    pub(super) fn kill_controller(&mut self, at: usize) {
        self.say(|| format!("controller {at} is killed"));
        let controller = &mut self.controllers[at];
        controller.alive = false;
        controller.life += 1;
        controller.coordinators.clear();
        controller.timers.clear();
        self.maybe_cut();
        let after = self.chance.between(200, 30_000);
        self.schedule(after, Event::RestartController(at));
    }

    /// Half of those who die take the power of their disk with them. Where two controllers share the journal it stands on
    /// a machine of its own, which comes up again by itself before anybody goes on: the other may be leading.
    fn maybe_cut(&mut self) {
        if self.weather.take_over.is_none() {
            if self.chance.permille(500) {
                self.journal.cut(&mut self.chance);
            }
        } else if self.luck.permille(500) {
            self.journal.cut(&mut self.luck);
            self.journal.open();
            self.cuts_beside += 1;
        }
    }

    /// A controller starts, or takes over: it raises the epoch and finishes what it finds.
    pub(super) fn restart_controller(&mut self, at: usize) {
        if self.controllers[at].alive {
            return;
        }
        self.lease = Epoch(self.lease.0 + 1);
        let epoch = self.lease;
        self.say(|| format!("controller {at} leads ({epoch})"));
        self.journal.open();
        let life = self.controllers[at].life;
        self.controllers[at] = Controller {
            alive: true,
            life,
            epoch,
            ..Controller::new(self.limits.clone())
        };
        let mut records = Records::new();
        for record in self.journal.records() {
            self.note_record(&record);
            self.note_durable(&record);
            records.entry(record.transaction()).or_default().push(record);
        }
        for (transaction, records) in records {
            if self.controllers[at].life == life {
                self.recover(at, transaction, &records);
            }
        }
        for transaction in self.submitted.clone() {
            // Who dies over one of them asks for the others when it is back, and for none twice.
            if self.controllers[at].life == life && !self.is_seen_to(transaction) {
                self.submit(transaction);
            }
        }
    }

    fn recover(&mut self, at: usize, transaction: TransactionId, records: &[CoordinatorRecord<Change>]) {
        let (epoch, now): (Epoch, Moment) = (self.controllers[at].epoch, self.moment());
        let Some((coordinator, effects)) = Coordinator::recover(records, epoch, now) else {
            let _ = self.controllers[at].forgotten.insert(transaction);
            return self.note_told(transaction, records);
        };
        self.note_told(transaction, records);
        let settled = coordinator.ending().is_some();
        if settled {
            for device in owed(records) {
                self.admit(at, Input::Owed { device, transaction });
            }
        } else {
            let devices = coordinator.seats().iter().map(|it| it.device).collect();
            let tickets = self.tickets(transaction);
            self.admit(at, Input::Held { tickets, devices });
        }
        self.controllers[at].coordinators.insert(transaction, coordinator);
        for input in self.controller_acts(at, transaction, effects) {
            self.coordinate(at, transaction, input);
        }
    }

    /// An ending that is on record is told, whether or not it was told before the crash.
    fn note_told(&mut self, transaction: TransactionId, records: &[CoordinatorRecord<Change>]) {
        for record in records {
            if let CoordinatorRecord::Settled { ending, .. } = record {
                self.ledger.settles(transaction, ending);
            }
        }
    }

    /// Whether the journal would lose this Confirm in a crash.
    pub(super) fn keeps_confirm(&self, transaction: TransactionId) -> bool {
        self.journal.is_durable(|it| is_confirm(it, transaction))
    }
}

/// Who is owed something by these records.
fn owed(records: &[CoordinatorRecord<Change>]) -> BTreeSet<DeviceId> {
    let mut owed = BTreeSet::new();
    for record in records {
        match record {
            CoordinatorRecord::Settled {
                ending: Ending::Torn { devices, .. },
                ..
            } => {
                owed.extend(devices.iter().map(|it| it.device));
            }
            CoordinatorRecord::Cleared {
                device,
                how: Cleared::Repaired | Cleared::Waived,
                ..
            } => {
                owed.remove(device);
            }
            CoordinatorRecord::Settled {
                ending: Ending::Committed | Ending::RolledBack { .. },
                ..
            }
            | CoordinatorRecord::Decided {
                decision: Decision::Confirm | Decision::Revert { .. },
                ..
            }
            | CoordinatorRecord::Began { .. } => {}
        }
    }
    owed
}
