//! Where traffic between two ends can be held back, and the rules that do it.

use std::collections::BTreeSet;

use super::interfaces::linked;
use super::names::{End, behind, devices, end, nodes};
use super::{Asked, Row, Rows, Unresolved, World, gather};
use crate::traffic::{Selector, Traffic};

/// What a row of a filter has.
pub(super) const GIVES: &[&str] = &[
    "interface",
    "direction",
    "action",
    "source",
    "destination",
    "protocol",
    "ports",
    "source_ports",
];

/// A place where packets can be held back: an interface and the direction in which they pass it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Gate {
    pub(super) device: String,
    pub(super) interface: String,
    pub(super) direction: &'static str,
}

/// One rule of a filter as a row.
pub(super) fn rule_row(gate: &Gate, rule: usize, action: &str, selector: &Selector) -> Row {
    let values = [
        ("interface", Some(gate.interface.clone())),
        ("direction", Some(gate.direction.to_owned())),
        ("action", Some(action.to_owned())),
        ("source", Selector::written(selector.source)),
        ("destination", Selector::written(selector.destination)),
        ("protocol", selector.protocol.clone()),
        ("ports", selector.ports.clone()),
    ];
    Row::new(&gate.device, rule, values)
}

/// The places and the rules at each of them.
pub(super) fn find(asked: &Asked<'_>, world: &World<'_>) -> Rows {
    let rules = rules(
        asked.word("action").unwrap_or("deny"),
        [asked.values("src"), asked.values("dst"), asked.values("exceptions")],
        [asked.values("protocol"), asked.values("ports")],
        world,
    )
    .map_err(Unresolved::Faults)?;
    let gates = gates(asked, world)?;
    let rows = gates.iter().flat_map(|gate| {
        rules
            .iter()
            .enumerate()
            .map(|(rule, (action, selector))| rule_row(gate, rule, action, selector))
    });
    Ok(rows.collect())
}

/// The rules in their order: exceptions first, then what is allowed, then what is not.
pub(crate) fn rules(
    action: &str,
    [src, dst, exceptions]: [&[String]; 3],
    [protocols, ports]: [&[String]; 2],
    world: &World<'_>,
) -> Result<Vec<(&'static str, Selector)>, Vec<String>> {
    let traffic = |src: &[String], dst: &[String]| -> Result<Traffic, Vec<String>> {
        let mut traffic = Traffic::read(src, dst, None, world.inventory)?;
        traffic.protocols = protocols.iter().map(|it| it.to_ascii_lowercase()).collect();
        traffic.ports = ports.to_vec();
        Ok(traffic)
    };
    let (named, other) = match action {
        "allow" | "allow-only" => ("permit", "deny"),
        _ => ("deny", "permit"),
    };
    let mut rules = Vec::new();
    for exception in exceptions {
        // An exception is a part of the destination where it lies inside it, else it is a source.
        let one = std::slice::from_ref(exception);
        let inside = {
            let (part, whole) = (traffic(&[], one)?, traffic(&[], dst)?);
            let around = |net| whole.destinations.iter().any(|it: &crate::net::Net| it.contains(net));
            part.destinations.iter().all(around) && !dst.is_empty() && exception != &dst[0]
        };
        let left = if inside { traffic(src, one)? } else { traffic(one, dst)? };
        rules.extend(left.selectors().into_iter().map(|it| (other, it)));
    }
    rules.extend(traffic(src, dst)?.selectors().into_iter().map(|it| (named, it)));
    if action == "allow-only" {
        let rest = Traffic::read(&[], dst, None, world.inventory)?;
        rules.extend(rest.selectors().into_iter().map(|it| ("deny", it)));
    }
    Ok(rules)
}

fn way(word: Option<&str>) -> Option<&'static str> {
    match word {
        Some("in") => Some("in"),
        Some("out") => Some("out"),
        Some(_) | None => None,
    }
}

/// The places: those that are named, else before the destination, else behind the source.
fn gates(asked: &Asked<'_>, world: &World<'_>) -> Result<Vec<Gate>, Unresolved> {
    let named = asked.values("where");
    let direction = way(asked.word("direction"));
    if !named.is_empty() {
        return named_gates(named, direction.unwrap_or("in"), world);
    }
    let (dst, src) = (asked.values("dst"), asked.values("src"));
    between_gates(src, dst, direction, world)
}

fn named_gates(named: &[String], direction: &'static str, world: &World<'_>) -> Result<Vec<Gate>, Unresolved> {
    let mut gates = BTreeSet::new();
    for name in named {
        let qualified = name
            .split_once(':')
            .filter(|(device, _)| world.inventory.device(device).is_some());
        if let Some((device, interface)) = qualified {
            gates.insert(Gate {
                device: device.to_owned(),
                interface: interface.to_owned(),
                direction,
            });
            continue;
        }
        for device in devices([name], world.inventory).map_err(Unresolved::Faults)? {
            let all = linked(&device, world).into_iter();
            gates.extend(all.map(|interface| Gate {
                device: device.clone(),
                interface,
                direction,
            }));
        }
    }
    if gates.is_empty() {
        return Err(format!(
            "{} has no link in the inventory: name an interface of it",
            named.join(", ")
        )
        .into());
    }
    Ok(gates.into_iter().collect())
}

/// The last interfaces before the destination; where nobody knows them, the first ones behind the source.
pub(super) fn between_gates(
    src: &[String],
    dst: &[String],
    direction: Option<&'static str>,
    world: &World<'_>,
) -> Result<Vec<Gate>, Unresolved> {
    let mut tried = Vec::new();
    for (names, usual) in [(dst, "out"), (src, "in")] {
        let wanted = direction.is_none_or(|it| it == usual);
        if names.is_empty() || !wanted {
            continue;
        }
        let ends = gather(
            names
                .iter()
                .map(|it| end(it, world.inventory).map_err(Unresolved::from)),
        )?;
        let found = gather(ends.iter().map(|end| beside(end, usual, world)))?;
        if found.iter().all(|gates| !gates.is_empty()) {
            let gates: BTreeSet<Gate> = found.into_iter().flatten().collect();
            return Ok(gates.into_iter().collect());
        }
        tried.push(names.join(", "));
    }
    Err(format!(
        "nobody knows behind which interface {} is: say where, for example `where: r1:eth1`",
        tried.join(" or ")
    )
    .into())
}

/// The interfaces of devices right beside an end; none where one of them is not known.
fn beside(end: &End, direction: &'static str, world: &World<'_>) -> Result<Vec<Gate>, Unresolved> {
    if end.nets.iter().all(crate::net::Net::is_everything) {
        return outward(end, direction, world);
    }
    let topology = world.topology();
    let mut gates = Vec::new();
    for node in nodes(end, world)? {
        if world.inventory.device(&node).is_some() {
            match behind(&node, end, world)? {
                Some(interface) => gates.push(Gate {
                    device: node,
                    interface,
                    direction,
                }),
                None => return Ok(Vec::new()),
            }
            continue;
        }
        // A host: the devices that it hangs on.
        for neighbour in topology.neighbours(&node) {
            let links = topology.between(neighbour, &node);
            let links = links
                .into_iter()
                .filter(|_| world.inventory.device(neighbour).is_some());
            gates.extend(links.map(|(here, _)| Gate {
                device: here.node,
                interface: here.interface,
                direction,
            }));
        }
    }
    Ok(gates)
}

/// Where everything else is: the interfaces over which the devices that lead there send by default.
fn outward(end: &End, direction: &'static str, world: &World<'_>) -> Result<Vec<Gate>, Unresolved> {
    let Some(at) = world.inventory.prefixes.get(&end.name).map(|it| &it.at) else {
        return Ok(Vec::new());
    };
    let mut gates = Vec::new();
    for device in at.iter().filter(|it| world.inventory.device(it).is_some()) {
        match behind(device, end, world)? {
            Some(interface) => gates.push(Gate {
                device: device.clone(),
                interface,
                direction,
            }),
            None => return Ok(Vec::new()),
        }
    }
    Ok(gates)
}
