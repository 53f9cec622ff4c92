//! What a former run of the program left behind is taken up again.

use std::collections::BTreeSet;
use std::sync::Arc;

use transaction::coordinator::Stand;
use transaction::{Coordinator, CoordinatorRecord, DeviceId, TransactionId, admission};

use super::super::change::Change;
use super::super::run::{Start, now};
use super::Hub;
use super::admitting::tickets;

impl Hub {
    pub(super) async fn resume(self: &Arc<Self>, transaction: TransactionId, history: &[CoordinatorRecord<Change>]) {
        let Some((coordinator, effects)) = Coordinator::recover(history, self.ground.epoch, now()) else {
            return;
        };
        if coordinator.ending().is_none() && self.ground.restored.is_some_and(|it| it.covers(transaction)) {
            let decided = history.iter().find_map(|record| match record {
                CoordinatorRecord::Decided { decision, .. } => Some(decision.clone()),
                CoordinatorRecord::Began { .. }
                | CoordinatorRecord::Settled { .. }
                | CoordinatorRecord::Cleared { .. } => None,
            });
            return self.doubt(coordinator.charge().clone(), decided).await;
        }
        tracing::info!(%transaction, "resumed from the journal");
        let members = coordinator.charge().members.iter().map(|member| member.device);
        let settled = coordinator.ending().is_some();
        let owed = |device: &DeviceId| {
            let seat = coordinator.seats().iter().zip(&coordinator.charge().members);
            settled
                && seat
                    .into_iter()
                    .any(|(seat, it)| it.device == *device && seat.stand != Stand::Ended)
        };
        let (owed, held): (BTreeSet<_>, BTreeSet<_>) = members.partition(owed);
        let mut inputs: Vec<_> = owed
            .into_iter()
            .map(|device| admission::Input::Owed { device, transaction })
            .collect();
        if !settled {
            inputs.push(admission::Input::Held {
                tickets: tickets(coordinator.charge()),
                devices: held,
            });
        }
        for input in inputs {
            if self.admission.send(input).await.is_err() {
                return;
            }
        }
        let track = self.led_anew(transaction, &coordinator.charge().riders);
        self.run(coordinator, Start::Resume(effects), track);
    }
}
