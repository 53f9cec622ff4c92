//! What operators hear of a switch of protocol: a line in the log, and a word to the controller.

use adapters_failover::{Switch, Tell};
use tokio::sync::mpsc;
use transaction::DeviceId;

use crate::link::{self, Upward};

/// Tells of one device.
pub(crate) struct Teller {
    /// Which one.
    pub device: DeviceId,
    /// Where its words go.
    pub up: mpsc::Sender<Upward>,
}

impl Tell for Teller {
    fn switched(&self, switch: &Switch) {
        tracing::warn!(
            device = switch.device,
            from = %switch.from,
            to = %switch.to,
            because = switch.because,
            "switched to another protocol"
        );
        let word = link::Switch {
            device: self.device,
            from: switch.from,
            to: switch.to,
            because: switch.because.clone(),
        };
        if self.up.try_send(Upward::Switched(word)).is_err() {
            tracing::warn!(
                device = switch.device,
                "the queue to the controller is full or closed: a switch was not told"
            );
        }
    }
}
