//! The agent's own lock, for devices that have none: one change at a time in one device, by anybody in this process.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// The devices that a change is going on in. Clones are the same set.
#[derive(Debug, Clone, Default)]
pub struct Locks(Arc<Mutex<BTreeSet<String>>>);

/// A device that is held. Dropping it lets go.
#[derive(Debug)]
pub(crate) struct Held {
    locks: Locks,
    device: String,
}

impl Locks {
    /// No device is held.
    pub fn new() -> Self {
        Self::default()
    }

    /// The locks of the other command lines of the same devices: a change holds both.
    pub fn beside(&self) -> Self {
        Self::new()
    }

    /// Takes a device; none if it is held.
    pub(crate) fn take(&self, device: &str) -> Option<Held> {
        let mut devices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        devices.insert(device.to_owned()).then(|| Held {
            locks: self.clone(),
            device: device.to_owned(),
        })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut devices = self.locks.0.lock().unwrap_or_else(PoisonError::into_inner);
        devices.remove(&self.device);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_held_once_and_let_go() {
        let locks = Locks::new();
        let held = locks.take("r1").unwrap();
        assert!(locks.clone().take("r1").is_none() && locks.take("r2").is_some());
        drop(held);
        assert!(locks.take("r1").is_some());
    }
}
