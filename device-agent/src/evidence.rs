//! What a session needs to find a change again, as the text that the participant keeps for it.

use adapters_port::Record;

/// The record as text.
pub fn write(record: &Record) -> String {
    // a record is made of text and numbers: it always has a form; were there none, reading it back would say so
    serde_json::to_string(record).unwrap_or_default()
}

/// The record that was written.
pub fn read(text: &str) -> Result<Record, serde_json::Error> {
    serde_json::from_str(text)
}
