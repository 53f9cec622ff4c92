//! What went wrong on a device, part by part, as its agent says it.

use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// How many faults of one transaction are kept.
const MOST: usize = 256;

/// What went wrong on a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeviceFault {
    /// The device, by name.
    pub device: String,
    /// At which step: `stage`, `apply`, `renew 1`, `confirm`, `revert`, `inquire`.
    pub step: String,
    /// What kind of fault, by its stable code.
    pub code: String,
    /// Over which protocol, where one was spoken.
    pub protocol: Option<String>,
    /// What the device itself said, in one line; its agent has hidden the secrets.
    pub device_words: String,
    /// Whether the same may succeed when it is asked again: `later`, `elsewhere` over another protocol, or `never`.
    pub retry: String,
    /// What happened, in the agent's words.
    pub detail: String,
    /// What it is about.
    pub paths: Vec<String>,
}

impl DeviceFault {
    /// The device and the kind of step: every renewal is one kind.
    fn of(&self) -> (&str, Option<&str>) {
        (&self.device, self.step.split(' ').next())
    }
}

/// The faults of one transaction: of each step on each device the last one.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Vec<DeviceFault>>);

impl Faults {
    /// Adds one, in the place of the one before it; where there are too many the oldest goes.
    pub fn add(&self, fault: DeviceFault) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|it| it.of() != fault.of());
        if all.len() >= MOST {
            all.remove(0);
        }
        all.push(fault);
    }

    /// All of them, the latest last.
    pub fn all(&self) -> Vec<DeviceFault> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(device: usize, step: &str, code: &str) -> DeviceFault {
        DeviceFault {
            device: format!("r{device}"),
            step: step.to_owned(),
            code: code.to_owned(),
            protocol: None,
            device_words: String::new(),
            retry: "never".to_owned(),
            detail: String::new(),
            paths: Vec::new(),
        }
    }

    #[test]
    fn the_last_fault_of_each_step_on_each_device_is_kept_within_a_bound() {
        let faults = Faults::default();
        for it in [
            fault(1, "stage", "busy"),
            fault(1, "apply", "refused"),
            fault(1, "stage", "stale"),
        ] {
            faults.add(it);
        }
        let codes: Vec<String> = faults.all().into_iter().map(|it| it.code).collect();
        assert_eq!(codes, ["refused", "stale"]);
        (0..1_000).for_each(|it| faults.add(fault(1, &format!("renew {it}"), "busy")));
        assert_eq!(faults.all().len(), 3, "a renewal takes the place of the one before it");
        (0..1_000).for_each(|it| faults.add(fault(it, "stage", "busy")));
        let all = faults.all();
        assert_eq!(all.len(), MOST);
        assert_eq!(all[MOST - 1].device, "r999", "the latest is there");
    }
}
