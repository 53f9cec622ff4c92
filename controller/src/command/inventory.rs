//! `entente inventory`: the file that names devices and links.

use std::path::Path;

use anyhow::Result;
use knowledge_model::Schema;
use knowledge_model::inventory::Inventory;

use super::{faulty, read, say};

/// Checks an inventory and names every fault.
pub fn check(file: &Path) -> Result<()> {
    let inventory = Inventory::read(&read(file)?, Schema::canonical()).map_err(|faults| faulty(file, &faults))?;
    say(format!(
        "{} is good: {} devices",
        file.display(),
        inventory.devices.len()
    ));
    Ok(())
}
