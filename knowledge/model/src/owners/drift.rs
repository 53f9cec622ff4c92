//! Where a device is not what its owners want.

use super::Ownership;
use crate::delta::{Delta, Edit};
use crate::schema::Schema;
use crate::tree::Tree;

/// What would have to change on the device to be as desired, on owned paths alone, modulo the platform's normal form.
pub fn drift(owners: &Ownership, device: &Tree, schema: &Schema, normal: &dyn Fn(&Tree) -> Tree) -> Delta {
    let desired = owners.desired(schema);
    let mut aim = device.clone();
    for (path, bid) in &desired.entries {
        match &bid.value {
            Some(value) => aim.insert(path.clone(), value.clone()),
            None => aim.remove(path),
        };
    }
    let (there, wanted) = (normal(device), normal(&aim));
    let differs = desired
        .entries
        .into_iter()
        .filter(|(path, _)| there.value(path) != wanted.value(path));
    differs
        .map(|(path, bid)| {
            let edit = Edit {
                before: device.value(&path).cloned(),
                after: bid.value,
            };
            (path, edit)
        })
        .collect()
}
