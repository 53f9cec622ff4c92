//! Whatever a client of the broker sends: cut into packets and read, never beyond its bounds.
#![no_main]

use fabric_events::broker::{Packet, framed, read};
use libfuzzer_sys::fuzz_target;

const LARGEST: usize = 68 << 10;

fuzz_target!(|data: &[u8]| {
    let mut rest = data;
    while let Ok(Some((head, whole))) = framed(rest, LARGEST) {
        assert!((2..=5).contains(&head) && head <= whole && whole <= LARGEST);
        let Some(body) = rest.get(head..whole) else { break };
        match read(rest[0], body) {
            Ok(Packet::Publish(it)) => {
                assert!(it.topic.len() + it.properties.len() + it.payload.len() <= body.len());
                assert!(it.number != Some(0) && !it.topic.chars().any(char::is_control));
            }
            Ok(Packet::Connect(it)) => assert!(it.receive > 0 && it.largest > 0 && it.client.len() <= body.len()),
            Ok(Packet::Subscribe(_, filters)) => assert!(filters.iter().all(|it| it.1 <= 1)),
            Ok(_) | Err(_) => {}
        }
        rest = &rest[whole..];
    }
});
