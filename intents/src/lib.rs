//! What an operator wants: the library of intent classes, and from words to an intent.
//!
//! A class is data: its slots, the configuration that it contributes, its risk. An intent is a class with its slots
//! filled and checked. What an intent contributes to a device is a tree of the canonical model; who else wants the same
//! entries is not decided here.

mod call;
mod check;
mod class;
mod compile;
mod conflict;
mod envelope;
mod example;
mod learning;
mod library;
mod line;
mod net;
mod phrase;
mod resolve;
mod schema;
mod shared;
mod slot;
mod stirs;
mod traffic;
mod understanding;
mod value;
mod words;

pub use call::{Call, CallKind, ConfigurationCall, Diagnosis, IntentCall, Query, Watch};
pub use check::{CHECKS, Check, Checks, checks};
pub use class::{Class, Risk, Titles};
pub use compile::{CompileError, Compiled, Contribution, compile};
pub use conflict::{AccessRule, Clash, Named, Odds, Relation, clashes, relation};
pub use envelope::{Envelope, Scope, read_file, read_one};
pub use example::Example;
pub use learning::{Changed, Correction, LearnError, Lesson, Rule, own_lessons, own_names, read_right, regress};
pub use library::{Library, LibraryFault};
pub use net::Net;
pub use phrase::{Element, Phrase, PhraseError};
pub use resolve::{Meaning, Resolver, World, devices, meaning};
pub use schema::{class_schema, schema};
pub use shared::shared_slots;
pub use slot::{Slot, SlotKind, SlotValue};
pub use stirs::Stirs;
pub use understanding::{
    Answer, Conversation, Evidence, LENGTH, Language, Names, Origin, Question, Reader, Reading, Reason, Refusal,
    TextError,
};
pub use words::{Group, Kind, SpokenSlot, Words};
