//! Rates of some traffic: where it passes, and a class that recognises it.

use super::filters::{Gate, between_gates};
use super::interfaces::ports;
use super::{Asked, Row, Rows, Unresolved, World};
use crate::line::short;
use crate::traffic::{Selector, Traffic};

/// What a row of a share has.
pub(super) const GIVES: &[&str] = &[
    "interface",
    "direction",
    "rate",
    "class",
    "treated",
    "maximum",
    "guaranteed",
    "sequence",
    "source",
    "destination",
    "protocol",
    "ports",
    "dscp",
];

/// A rate of an interface where no traffic is named, else a class of traffic with its share of the interfaces.
pub(super) fn find(asked: &Asked<'_>, world: &World<'_>) -> Rows {
    let direction = match asked.word("direction") {
        Some("in") => "in",
        Some(_) | None => "out",
    };
    let matched = asked.slot("match");
    let traffic = Traffic::read(&[], &[], matched, world.inventory).map_err(Unresolved::Faults)?;
    let (most, least) = (asked.word("max"), asked.word("min"));
    if least.is_some() && direction == "in" {
        return Err(
            "what comes in can be limited, not guaranteed: guarantee it where it goes out"
                .to_owned()
                .into(),
        );
    }
    if least.is_some() && traffic.is_everything() {
        return Err("a guarantee is for some of the traffic: say which with `match`"
            .to_owned()
            .into());
    }
    let gates = gates(asked, direction, world)?;
    if traffic.is_everything() {
        let row = |gate: &Gate| {
            let values = [
                ("interface", Some(gate.interface.clone())),
                ("direction", Some(gate.direction.to_owned())),
                ("rate", most.map(str::to_owned)),
            ];
            Row::new(&gate.device, 0, values)
        };
        return Ok(gates.iter().map(row).collect());
    }
    let selectors = traffic.selectors();
    let class = short("traffic", &format!("{selectors:?}"));
    let mut rows = Vec::new();
    for gate in &gates {
        for (index, selector) in selectors.iter().enumerate() {
            let mut row = recognised(&gate.device, &class, (index + 1) * 10, selector);
            row.rule = rows.len();
            rows.push(row);
        }
        let values = [
            ("interface", Some(gate.interface.clone())),
            ("direction", Some(gate.direction.to_owned())),
            ("treated", Some(class.clone())),
            ("maximum", most.map(str::to_owned)),
            ("guaranteed", least.map(str::to_owned)),
        ];
        rows.push(Row::new(&gate.device, rows.len(), values));
    }
    Ok(rows)
}

fn recognised(device: &str, class: &str, sequence: usize, selector: &Selector) -> Row {
    let values = [
        ("class", Some(class.to_owned())),
        ("sequence", Some(sequence.to_string())),
        ("source", Selector::written(selector.source)),
        ("destination", Selector::written(selector.destination)),
        ("protocol", selector.protocol.clone()),
        ("ports", selector.ports.clone()),
        ("dscp", selector.dscp.clone()),
    ];
    Row::new(device, 0, values)
}

/// The named interfaces, else those beside the ends of the traffic.
fn gates(asked: &Asked<'_>, direction: &'static str, world: &World<'_>) -> Result<Vec<Gate>, Unresolved> {
    let matched = asked.slot("match");
    let under = |name: &str| matched.map_or(&[][..], |it| it.under(name));
    let interfaces = [asked.values("interface"), under("interface")].concat();
    let places: Vec<&String> = asked.values("target").iter().collect();
    let qualified = places.iter().any(|it| it.contains(':'));
    if !interfaces.is_empty() || qualified {
        let ports = ports(&places, &interfaces, world)?;
        let gate = |(device, interface)| Gate {
            device,
            interface,
            direction,
        };
        return Ok(ports.into_iter().map(gate).collect());
    }
    let (src, dst) = (under("src"), under("dst"));
    if src.is_empty() && dst.is_empty() {
        return Err(
            "which interface? Name it as device:interface, or say whose traffic with `match`"
                .to_owned()
                .into(),
        );
    }
    // Traffic is limited where it enters or leaves the network, so that no way leads around.
    between_gates(src, dst, asked.word("direction").map(|_| direction), world).map(|gates| {
        let devices = super::devices(places.iter().copied(), world.inventory).unwrap_or_default();
        gates
            .into_iter()
            .filter(|gate| devices.is_empty() || devices.contains(&gate.device))
            .collect()
    })
}
