//! Whatever an agent sends: a message, and the hello in it.
#![no_main]

use fabric_wire::v1::{Upward, upward};
use fabric_wire::{Limits, Peer, hello};
use libfuzzer_sys::fuzz_target;
use prost::Message;

fuzz_target!(|data: &[u8]| {
    let Ok(message) = Upward::decode(data) else { return };
    if let Some(upward::Body::Hello(said)) = message.body {
        let peer = Peer::new("edge-1", |it| it == "pe1", Default::default());
        if hello::admit(&said, &peer, &Limits::default()).is_ok() {
            assert!(said.agent == "edge-1" && said.devices.iter().all(|it| it.id == "pe1"));
        }
    }
});
