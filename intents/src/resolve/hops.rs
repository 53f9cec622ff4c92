//! The way between two ends: the routes that it lacks, and the filters that stand in it.

use knowledge_model::inventory::End as Port;
use knowledge_model::topology::{Avoid, Route};
use knowledge_model::{Path, Tree};

use super::filters::{Gate, rule_row};
use super::names::{End, addresses, end, far_address, nodes};
use super::{Asked, Row, Rows, Unresolved, World, gather};
use crate::net::Net;
use crate::traffic::{Selector, Traffic};

/// How many pairs of ends one intent may join.
const PAIRS: usize = 64;

/// The two ends that `src` and `dst` name, with every shortest route between their nodes.
pub(super) struct Joined {
    pub(super) src: End,
    pub(super) dst: End,
    pub(super) routes: Vec<Route>,
}

/// The pairs of nodes of two ends.
pub(super) fn pairs(src: &End, dst: &End, world: &World<'_>) -> Result<Vec<(String, String)>, Unresolved> {
    let ends = gather([nodes(src, world), nodes(dst, world)])?;
    let [from, to] = &ends[..] else { return Ok(Vec::new()) };
    let pairs: Vec<_> = from
        .iter()
        .flat_map(|a| to.iter().map(move |b| (a.clone(), b.clone())))
        .filter(|(a, b)| a != b)
        .collect();
    if pairs.len() > PAIRS {
        return Err(format!(
            "{} and {} are {} pairs of ends, more than {PAIRS}",
            src.name,
            dst.name,
            pairs.len()
        )
        .into());
    }
    Ok(pairs)
}

/// One name of a slot as an end.
pub(super) fn one_end(asked: &Asked<'_>, slot: &str, world: &World<'_>) -> Result<End, Unresolved> {
    match asked.values(slot) {
        [one] => end(one, world.inventory).map_err(Unresolved::from),
        [] => Err(format!("`{slot}` is not said").into()),
        several => {
            let names = several.join(", ");
            Err(format!("{names}: one name for `{slot}`; put them in a group, or make an intent of each").into())
        }
    }
}

fn joined(asked: &Asked<'_>, world: &World<'_>) -> Result<Joined, Unresolved> {
    let (src, dst) = (one_end(asked, "src", world)?, one_end(asked, "dst", world)?);
    let topology = world.topology();
    let mut routes = Vec::new();
    for (a, b) in pairs(&src, &dst, world)? {
        match topology.shortest(&a, &b, &Avoid::default()) {
            Some(route) => routes.push(route),
            None => return Err(format!("no way leads from {a} to {b} over the links of the inventory").into()),
        }
    }
    Ok(Joined { src, dst, routes })
}

fn families(asked: &Asked<'_>, src: &End, dst: &End) -> Result<Vec<bool>, Unresolved> {
    let has = |end: &End, ipv4: bool| end.nets.iter().any(|net| net.is_ipv4() == ipv4);
    let wanted = |ipv4: bool| match asked.word("family") {
        Some(word) => (word == "ipv4") == ipv4,
        None => true,
    };
    let families: Vec<bool> = [true, false]
        .into_iter()
        .filter(|ipv4| wanted(*ipv4) && has(src, *ipv4) && has(dst, *ipv4))
        .collect();
    if families.is_empty() {
        return Err(format!("{} and {} have no address of one family", src.name, dst.name).into());
    }
    Ok(families)
}

/// The routes that are missing on the way, there and back.
pub(super) fn missing(asked: &Asked<'_>, world: &World<'_>) -> Rows {
    let Joined { src, dst, routes } = joined(asked, world)?;
    let families = families(asked, &src, &dst)?;
    let mut found = Vec::new();
    for route in &routes {
        for ipv4 in &families {
            for (near, far) in &route.hops {
                found.push(lacking(near, far, &dst, *ipv4, world));
                found.push(lacking(far, near, &src, *ipv4, world));
            }
        }
    }
    let mut rows: Vec<Row> = gather(found)?.into_iter().flatten().collect();
    rows.sort();
    rows.dedup();
    Ok(rows)
}

/// The routes to `to` that the device at `near` lacks, over the node at `far`.
fn lacking(near: &Port, far: &Port, to: &End, ipv4: bool, world: &World<'_>) -> Rows {
    if world.inventory.device(&near.node).is_none() {
        return Ok(Vec::new());
    }
    let tree = world.holds(&near.node)?;
    let nets = to.nets.iter().filter(|net| net.is_ipv4() == ipv4);
    let open: Vec<&Net> = nets.filter(|net| !reached(tree, net)).collect();
    if open.is_empty() {
        return Ok(Vec::new());
    }
    let hop = far_address(near, far, ipv4, world)?;
    let values = |net: &Net| [("prefix", Some(net.to_string())), ("next_hop", Some(hop.clone()))];
    Ok(open
        .into_iter()
        .map(|net| Row::new(&near.node, 0, values(net)))
        .collect())
}

/// Whether a device knows a way to all of a network: its own subnet, or a route that is no guess.
fn reached(tree: &Tree, net: &Net) -> bool {
    let connected = addresses(tree).any(|(_, address)| address.masked().contains(net));
    let routed = tree.iter().filter_map(|(path, _)| {
        let step = path.steps().next()?;
        let key = match step.name {
            "static-route" => step.keys.first()?,
            "route" => step.keys.get(1)?,
            _ => return None,
        };
        Net::parse(key)
    });
    let covers = |known: Net| known.contains(net) && (!known.is_everything() || net.is_everything());
    connected || routed.into_iter().any(covers)
}

/// Rules that let the service pass the filters on the way, there and back.
pub(super) fn permits(asked: &Asked<'_>, world: &World<'_>) -> Rows {
    let Joined { src, dst, routes } = joined(asked, world)?;
    let (protocol, port) = match asked.word("service").map(|it| it.split_once('/').unwrap_or((it, ""))) {
        Some((protocol, port)) => (
            Some(protocol.to_owned()),
            Some(port.to_owned()).filter(|it| !it.is_empty()),
        ),
        None => (None, None),
    };
    let traffic = Traffic {
        sources: src.nets.clone(),
        destinations: dst.nets.clone(),
        protocols: protocol.into_iter().collect(),
        ports: port.into_iter().collect(),
        dscp: Vec::new(),
    };
    let selectors = traffic.selectors();
    let mut rows = Vec::new();
    for route in &routes {
        for (near, far) in &route.hops {
            for (port, there) in [(near, true), (far, false)] {
                rows.extend(passes(port, there, &selectors, rows.len(), world)?);
            }
        }
    }
    rows.sort();
    rows.dedup_by(|a, b| a.device == b.device && a.values == b.values);
    Ok(rows)
}

/// What must pass at a port: out of it on the way there where the port is at the near end, into it where at the far end.
fn passes(port: &Port, near: bool, selectors: &[Selector], first: usize, world: &World<'_>) -> Rows {
    if world.inventory.device(&port.node).is_none() {
        return Ok(Vec::new());
    }
    let tree = world.holds(&port.node)?;
    let mut rows = Vec::new();
    for direction in ["in", "out"] {
        let place = Path::root()
            .keyed("interface", [&port.interface])
            .child(&format!("access-list-{direction}"));
        if !tree.contains(&place) {
            continue;
        }
        let onward = near == (direction == "out");
        let gate = Gate {
            device: port.node.clone(),
            interface: port.interface.clone(),
            direction,
        };
        for selector in selectors {
            let rule = first + rows.len();
            let mut row = if onward {
                rule_row(&gate, rule, "permit", selector)
            } else {
                rule_row(&gate, rule, "permit", &selector.turned())
            };
            if !onward && let Some(ports) = row.values.remove("ports") {
                row.values.insert("source_ports", ports);
            }
            rows.push(row);
        }
    }
    Ok(rows)
}
