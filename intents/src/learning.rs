//! What operators teach: a reading that was corrected becomes a phrase of a class, of the kind that the library's own
//! are, and is believed only where it changes nothing that is read right.

mod corpus;
mod rule;

pub use corpus::{Changed, Lesson, own_lessons, own_names, read_right, regress};
pub use rule::{Correction, LearnError, Rule};
