//! The device steps, one file each.

mod apply;
mod confirm;
mod revert;
mod stage;
