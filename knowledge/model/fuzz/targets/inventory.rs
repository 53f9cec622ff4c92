//! An inventory is refused or reads back from what is written of it.
#![no_main]

use knowledge_model::{Inventory, Schema};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let whole = format!("version: 1\n{text}");
    for text in [text, &whole] {
        if let Ok(inventory) = Inventory::read(text, Schema::canonical()) {
            assert_eq!(
                Inventory::read(&inventory.to_yaml(), Schema::canonical()).as_ref(),
                Ok(&inventory)
            );
        }
    }
});
