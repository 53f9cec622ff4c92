//! Vendors as data: rendering the canonical model for a device, and reading it back.
//!
//! A platform is a file. Its rules are bidirectional: one rule gives the command, its undo and the pattern that reads it
//! back, so that `read(show(tree)) == normal(tree)` holds for every platform and is tested for every platform. Nothing
//! here opens a connection: the planner uses it for previews, the adapters for what they send.

pub mod builtin;
mod check;
mod form;
mod instance;
mod laws;
mod load;
mod native;
mod net;
mod pattern;
mod platform;
mod play;
mod read;
mod render;
mod rule;
mod sample;
mod script;
mod session;
mod show;
mod slot;
mod state;
mod template;
mod text;

pub use check::{Findings, Summary, check};
pub use laws::{Broken, Coverage};
pub use native::{Native, NativeError};
pub use platform::{Facts, Keeper, Platform, Verified};
pub use play::Refused;
pub use read::{ReadError, Reading, Stray};
pub use render::{RenderError, is_typed_as_it_is};
pub use sample::Dice;
pub use script::{Line, Role, Script};
pub use session::{Answer, Commit, Mode, Question, Session};
pub use state::{Ask, ENTITIES, Entity, Measure, Seen, State};
pub use text::{Secret, Text, UnknownSecret, is_reference};
