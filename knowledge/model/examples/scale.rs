//! A configuration of a million leaves: how long reading, printing and diff take, and how much memory a leaf takes.
//!
//! `cargo run --release -p knowledge-model --example scale [INTERFACES]`; nine entries an interface, eight of them leaves
//! or values.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "an example measures and prints"
)]

use knowledge_model::{Limits, Schema, Tree, diff};
use std::time::Instant;

fn main() {
    let count: usize = std::env::args()
        .nth(1)
        .and_then(|it| it.parse().ok())
        .unwrap_or(125_000);
    let schema = Schema::canonical();
    let json = text(count);
    let start = Instant::now();
    let before = resident();
    let tree = Tree::from_json(json.as_bytes(), schema, &Limits::default()).expect("the text is sound");
    println!("entries {}, json {} MB", tree.len(), json.len() >> 20);
    println!("read    {:?}", start.elapsed());
    println!(
        "memory  {} MB, {} bytes an entry",
        (resident() - before) >> 20,
        (resident() - before) / tree.len()
    );
    let start = Instant::now();
    let mut other = tree.clone();
    println!("clone   {:?}", start.elapsed());
    for index in (0..count).step_by((count / 100).max(1)) {
        let path = format!("interface[eth{index}]/mtu").parse().expect("a path");
        other.insert(path, "1400".into());
    }
    let start = Instant::now();
    let delta = diff(&tree, &other);
    println!("diff    {:?}, {} edits", start.elapsed(), delta.len());
    let start = Instant::now();
    let printed = tree.to_json(schema).expect("the tree is of the schema");
    println!("print   {:?}, {} MB", start.elapsed(), printed.len() >> 20);
}

fn text(count: usize) -> String {
    let mut json = String::from("{\"entente-interfaces:interface\":[");
    for index in 0..count {
        let (high, low) = (index / 250, index % 250);
        json.push_str(if index == 0 { "" } else { "," });
        json.push_str(&format!(
            "{{\"name\":\"eth{index}\",\"enabled\":true,\"description\":\"customer {index}\",\"mtu\":9000,\
             \"address\":[{{\"prefix\":\"10.{}.{}.{low}/24\"}},{{\"prefix\":\"2001:db8:{high:x}::{low:x}/64\"}}],\
             \"entente-qos:rate-limit\":[{{\"direction\":\"in\",\"rate\":\"100000000\"}}]}}",
            high / 250,
            high % 250,
        ));
    }
    json.push_str("]}");
    json
}

/// Resident memory of this process in bytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    status
        .split(' ')
        .nth(1)
        .and_then(|it| it.parse::<usize>().ok())
        .unwrap_or(0)
        * 4096
}
