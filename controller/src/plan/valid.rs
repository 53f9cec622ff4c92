//! Whether what a device would hold after a change is what the model allows: references, conditions, what is unique.

use std::sync::LazyLock;

use knowledge_model::data::Fault;
use knowledge_model::{Delta, Tree};
use knowledge_yang::{LoadError, Validator};

use crate::network::Known;

/// Compiled once: the modules are part of the program.
static VALIDATOR: LazyLock<Result<Validator, LoadError>> = LazyLock::new(Validator::new);

/// Every fault that a change brings to a device. What was wrong before is not held against it.
pub fn unfit(device: &Known, there: &Tree, delta: &Delta) -> Vec<String> {
    let mut aim = there.clone();
    if delta.is_empty() || aim.apply(delta).is_err() {
        return Vec::new();
    }
    match &*VALIDATOR {
        Ok(validator) => {
            let mut faults = faults(validator, &aim);
            if !faults.is_empty() {
                let old = self::faults(validator, there);
                faults.retain(|fault| !old.contains(fault));
            }
            faults.iter().map(|fault| format!("{}: {fault}", device.name)).collect()
        }
        Err(error) => vec![format!("{}: the model cannot be loaded: {error}", device.name)],
    }
}

fn faults(validator: &Validator, tree: &Tree) -> Vec<Fault> {
    validator
        .check(tree)
        .map_or_else(|invalid| invalid.faults, |()| Vec::new())
}
