//! What happened before, and finding it again.
//!
//! A [`Case`] is one failure: what was tried, what came in the way, in whose words, and what an operator found to be the
//! cure. A [`Shelf`] holds many and finds those that are like a plan, or that speak of what somebody asks for, in English
//! and in Chinese. Everything else is referred to by id or name; nothing here reads a file or a clock.

mod case;
mod index;
mod shelf;
mod words;

pub use case::{Case, Cure, Kind};
pub use shelf::{Attempt, Shelf};
pub use words::words;
