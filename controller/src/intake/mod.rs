//! The doors through which people and programs come in. Every door yields the same envelopes and the same checks.

mod operate;
mod problem;
pub mod rest;
pub mod view;
