//! Configurations of any size.

use knowledge_model::{Path, Tree, Value};
use std::net::Ipv6Addr;

/// How many lists the rules are spread over.
const LISTS: u32 = 100;

/// Prefix lists with so many rules of four leaves each, as libyang counts; `differ` rules, spread evenly, have another
/// action than in the configuration where none do.
///
/// Rules rather than interfaces: libyang finds an entry inside another at once, and one at the top by looking at all.
pub fn rules(count: u32, differ: u32) -> Tree {
    let every = count.checked_div(differ).unwrap_or(0);
    let name = |list: u32| Path::root().keyed("prefix-list", ["ipv4", &format!("customer-{list}")]);
    let lists = (0..LISTS).map(|list| (name(list), Value::Present));
    let rules = (0..count).flat_map(|index| {
        let here = name(index % LISTS).keyed("rule", [((index / LISTS + 1) * 10).to_string()]);
        rule(&here, index, every > 0 && index.is_multiple_of(every))
    });
    lists.chain(rules).collect()
}

fn rule(here: &Path, index: u32, differs: bool) -> [(Path, Value); 4] {
    let [_, b, c, d] = index.to_be_bytes();
    [
        (here.clone(), Value::Present),
        (
            here.child("action"),
            Value::from(if differs { "deny" } else { "permit" }),
        ),
        (here.child("prefix"), Value::scalar(format!("{b}.{c}.{d}.0/24"))),
        (here.child("le"), Value::from("32")),
    ]
}

/// A device with so many interfaces of ten leaves each.
pub fn interfaces(count: u32) -> Tree {
    (0..count).flat_map(interface).collect()
}

fn interface(index: u32) -> [(Path, Value); 10] {
    let here = Path::root().keyed("interface", [format!("ethernet-{}/{}", index / 64, index % 64)]);
    let [_, b, c, d] = index.to_be_bytes();
    let six = Ipv6Addr::new(0x2001, 0xdb8, b.into(), c.into(), 0, 0, 0, u16::from(d) + 1);
    let addresses = [format!("10.{b}.{c}.{d}/32"), format!("{six}/128")];
    let rate = |direction| here.keyed("rate-limit", [direction]);
    let enabled = if index.is_multiple_of(7) { "false" } else { "true" };
    [
        (here.clone(), Value::Present),
        (here.keyed("address", [&addresses[0]]), Value::Present),
        (here.keyed("address", [&addresses[1]]), Value::Present),
        (
            here.child("description"),
            Value::scalar(format!("link {index} to the rest of the network")),
        ),
        (here.child("enabled"), Value::from(enabled)),
        (here.child("mtu"), Value::from("9000")),
        (rate("in"), Value::Present),
        (rate("in").child("rate"), Value::from("1000000000")),
        (rate("out"), Value::Present),
        (rate("out").child("rate"), Value::from("2000000000")),
    ]
}
