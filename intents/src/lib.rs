//! What an operator wants: the library of intent classes, and from words to an intent.
//!
//! A class is data: its slots, the configuration that it contributes, its risk. An intent is a class with its slots
//! filled and checked. What an intent contributes to a device is a tree of the canonical model; who else wants the same
//! entries is not decided here.

mod class;
mod contribution;
mod envelope;
mod library;
mod phrase;
mod schema;
mod slot;
mod words;

pub use class::{Class, Risk, Titles};
pub use contribution::{CompileError, Contribution, contribution};
pub use envelope::{Envelope, Scope, read_file, read_one};
pub use library::{Library, LibraryFault};
pub use phrase::{Element, Phrase, PhraseError};
pub use schema::schema;
pub use slot::{Slot, SlotKind, SlotValue};
pub use words::{Group, Kind, SpokenSlot, Words};
