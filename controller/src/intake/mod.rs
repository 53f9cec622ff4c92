//! The doors through which people and programs come in. Every door yields the same envelopes and the same checks.

mod again;
mod agents;
mod approval;
mod ask;
mod beside;
mod caller;
mod case;
mod describe;
mod device;
mod drift;
mod events;
mod learn;
pub mod listen;
mod measure;
mod operate;
mod pages;
mod problem;
pub mod rest;
pub mod roles;
mod say;
pub mod view;
mod watch;
