//! Terminals as devices show them: prompts, modes, failure marks, the pager.

mod console;
mod doc;
mod frr;
mod grammar;
mod ios;
mod keys;
mod print;
mod rules;
mod senses;
mod session;
#[cfg(test)]
mod tests;
mod vrp;

pub use session::serve;
