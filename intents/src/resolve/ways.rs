//! Ways that packets are to take, and the devices where they leave the usual one.

use std::collections::{BTreeMap, BTreeSet};

use knowledge_model::inventory::End as Port;
use knowledge_model::topology::{Apart, Avoid, Route};

use super::hops::{one_end, pairs};
use super::names::{End, behind, devices, end, far_address, members};
use super::{Asked, Row, Rows, Unresolved, World, gather};
use crate::traffic::{Selector, Traffic};

/// What a row of a way has.
pub(super) const GIVES: &[&str] = &[
    "interface",
    "source",
    "destination",
    "protocol",
    "ports",
    "dscp",
    "next_hop",
    "weight",
    "leave",
];

/// How many combinations of places on the way are tried.
const TRIES: usize = 256;

/// Where packets come in, and where they go on with which share.
type Turns = BTreeMap<(String, String), BTreeMap<(Port, Port), u64>>;

/// The way through or around something.
pub(super) fn steering(asked: &Asked<'_>, world: &World<'_>) -> Rows {
    let matched = asked.slot("match");
    let (src, dst) = ends(asked, world)?;
    let avoid = avoided(asked.values("avoid"), world)?;
    let mut turns = Turns::new();
    for (a, b) in pairs(&src, &dst, world)? {
        let route = through(&a, asked.values("via"), &b, &avoid, world)?;
        follow(&mut turns, &route, 1, &src, world)?;
    }
    leave_usual(&mut turns, &dst, world)?;
    let traffic = Traffic::read(asked.values("src"), asked.values("dst"), matched, world.inventory);
    let traffic = traffic.map_err(Unresolved::Faults)?;
    let mut rows = left_out(asked.values("exceptions"), &traffic, &turns, world)?;
    rows.extend(written(&turns, &traffic, rows.len(), world)?);
    Ok(rows)
}

/// The two ends, from the slots or from `match`.
fn ends(asked: &Asked<'_>, world: &World<'_>) -> Result<(End, End), Unresolved> {
    let side = |name: &str| -> Result<End, Unresolved> {
        match asked.slot("match").map(|it| it.under(name)) {
            Some([one]) if asked.values(name).is_empty() => end(one, world.inventory).map_err(Unresolved::from),
            Some(_) | None => one_end(asked, name, world),
        }
    };
    Ok((side("src")?, side("dst")?))
}

fn avoided(names: &[String], world: &World<'_>) -> Result<Avoid, Unresolved> {
    let mut avoid = Avoid::default();
    for name in names {
        let port = name
            .split_once(':')
            .filter(|(device, _)| world.inventory.device(device).is_some());
        if let Some((node, interface)) = port {
            let (node, interface) = (node.to_owned(), interface.to_owned());
            avoid.interfaces.insert(Port { node, interface });
        } else {
            avoid
                .nodes
                .extend(devices([name], world.inventory).map_err(Unresolved::Faults)?);
        }
    }
    Ok(avoid)
}

/// The cheapest route through one member of each place, in their order.
fn through(a: &str, via: &[String], b: &str, avoid: &Avoid, world: &World<'_>) -> Result<Route, Unresolved> {
    let topology = world.topology();
    let mut choices: Vec<Vec<String>> = vec![Vec::new()];
    for place in via {
        let plain = place.split_once(':').map_or(place.as_str(), |(device, _)| device);
        let name = if world.inventory.device(plain).is_some() {
            plain
        } else {
            place
        };
        let members = members(name, world.inventory).map_err(Unresolved::from)?;
        let members: Vec<_> = members.into_iter().filter(|it| it != a && it != b).collect();
        if members.is_empty() {
            // The way begins or ends there anyhow.
            continue;
        }
        choices = choices
            .iter()
            .flat_map(|choice| {
                members
                    .iter()
                    .map(move |it| [&choice[..], std::slice::from_ref(it)].concat())
            })
            .take(TRIES)
            .collect();
    }
    let routes = choices.iter().filter_map(|choice| {
        let stops: Vec<&str> = choice.iter().map(String::as_str).collect();
        topology.through(a, &stops, b, avoid)
    });
    routes
        .min_by_key(|route| (route.cost, route.hops.len()))
        .ok_or_else(|| {
            let around = avoid.nodes.iter().cloned().collect::<Vec<_>>().join(", ");
            let through = if via.is_empty() {
                String::new()
            } else {
                format!(" through {}", via.join(", "))
            };
            let around = if around.is_empty() {
                String::new()
            } else {
                format!(" around {around}")
            };
            format!("no way leads from {a} to {b}{through}{around}").into()
        })
}

/// Notes where each device of a route takes packets in and sends them on.
fn follow(turns: &mut Turns, route: &Route, share: u64, src: &End, world: &World<'_>) -> Result<(), Unresolved> {
    let mut entered: Option<&Port> = None;
    for (near, far) in &route.hops {
        if world.inventory.device(&near.node).is_some() {
            let interface = match entered {
                Some(port) => port.interface.clone(),
                None => behind(&near.node, src, world)?.ok_or_else(|| {
                    Unresolved::from(format!(
                        "nobody knows on which interface of {} {} is",
                        near.node, src.name
                    ))
                })?,
            };
            let turn = turns.entry((near.node.clone(), interface)).or_default();
            *turn.entry((near.clone(), far.clone())).or_default() += share;
        }
        entered = Some(far);
    }
    Ok(())
}

/// Keeps the places where packets would go otherwise.
fn leave_usual(turns: &mut Turns, dst: &End, world: &World<'_>) -> Result<(), Unresolved> {
    let topology = world.topology();
    let targets = super::names::nodes(dst, world)?;
    turns.retain(|(device, _), turn| {
        let usual = targets
            .iter()
            .flat_map(|to| topology.cheapest(device, to, &Avoid::default(), 8))
            .filter_map(|route| route.hops.first().cloned())
            .collect::<BTreeSet<_>>();
        turn.len() > 1 || usual != turn.keys().cloned().collect()
    });
    Ok(())
}

fn row(device: &str, rule: usize, interface: &str, selector: &Selector) -> Row {
    Row::new(
        device,
        rule,
        [
            ("interface", Some(interface.to_owned())),
            ("source", Selector::written(selector.source)),
            ("destination", Selector::written(selector.destination)),
            ("protocol", selector.protocol.clone()),
            ("ports", selector.ports.clone()),
            ("dscp", selector.dscp.clone()),
        ],
    )
}

/// What does not take the way: rules before the others that leave it to the routes.
fn left_out(exceptions: &[String], traffic: &Traffic, turns: &Turns, world: &World<'_>) -> Rows {
    if exceptions.is_empty() {
        return Ok(Vec::new());
    }
    let ends = gather(
        exceptions
            .iter()
            .map(|it| end(it, world.inventory).map_err(Unresolved::from)),
    )?;
    let sources = ends.into_iter().flat_map(|it| it.nets).collect();
    let spared = Traffic {
        sources,
        ..traffic.clone()
    };
    let mut rows = Vec::new();
    for (device, interface) in turns.keys() {
        for selector in spared.selectors() {
            let mut row = row(device, rows.len(), interface, &selector);
            row.values.insert("leave", "true".to_owned());
            rows.push(row);
        }
    }
    Ok(rows)
}

fn written(turns: &Turns, traffic: &Traffic, first: usize, world: &World<'_>) -> Rows {
    let (mut rows, mut rule) = (Vec::new(), first);
    for ((device, interface), turn) in turns {
        for selector in traffic.selectors() {
            let ipv4 = [selector.source, selector.destination]
                .into_iter()
                .flatten()
                .all(|net| net.is_ipv4());
            for ((near, far), share) in turn {
                let mut row = row(device, rule, interface, &selector);
                row.values.insert("next_hop", far_address(near, far, ipv4, world)?);
                if turn.len() > 1 {
                    row.values.insert("weight", share.to_string());
                }
                rows.push(row);
            }
            rule += 1;
        }
    }
    Ok(rows)
}

/// Several ways between two ends.
pub(super) fn spread(asked: &Asked<'_>, world: &World<'_>) -> Rows {
    let (src, dst) = (one_end(asked, "src", world)?, one_end(asked, "dst", world)?);
    let (paths, weights) = (asked.values("paths"), asked.values("weights"));
    let mut turns = Turns::new();
    for (a, b) in pairs(&src, &dst, world)? {
        let routes = routes(&a, &b, paths, world)?;
        if !weights.is_empty() && weights.len() != routes.len() {
            return Err(format!("{} weights for {} ways", weights.len(), routes.len()).into());
        }
        for (index, route) in routes.iter().enumerate() {
            let weight = weights.get(index).and_then(|it| it.parse().ok()).unwrap_or(1);
            follow(&mut turns, route, weight, &src, world)?;
        }
    }
    leave_usual(&mut turns, &dst, world)?;
    let traffic = Traffic::read(asked.values("src"), asked.values("dst"), None, world.inventory);
    written(&turns, &traffic.map_err(Unresolved::Faults)?, 0, world)
}

fn routes(a: &str, b: &str, paths: &[String], world: &World<'_>) -> Result<Vec<Route>, Unresolved> {
    let count = match paths {
        [] => Some(2),
        [one] => one.parse::<usize>().ok(),
        _ => None,
    };
    let Some(count) = count else {
        let routes = paths
            .iter()
            .map(|path| through(a, std::slice::from_ref(path), b, &Avoid::default(), world));
        return gather(routes);
    };
    let topology = world.topology();
    let mut routes = topology.disjoint(a, b, Apart::Nodes, count);
    if routes.len() < count {
        // Ends that hang on one link each share it whatever the way.
        routes = between_devices(a, b, count, world);
    }
    if routes.len() < count || count < 2 {
        return Err(format!(
            "{a} and {b} are joined by {} ways that share nothing, not {count}",
            routes.len()
        )
        .into());
    }
    Ok(routes)
}

/// Disjoint ways between the devices on which two hosts hang, with the links to the hosts.
fn between_devices(a: &str, b: &str, count: usize, world: &World<'_>) -> Vec<Route> {
    let topology = world.topology();
    let beside = |node: &str| {
        if world.inventory.device(node).is_some() {
            return Some((node.to_owned(), None));
        }
        let neighbour = topology.neighbours(node).into_iter().next()?;
        Some((
            neighbour.to_owned(),
            topology.between(neighbour, node).into_iter().next(),
        ))
    };
    let (Some((from, first)), Some((to, last))) = (beside(a), beside(b)) else {
        return Vec::new();
    };
    let mut routes = topology.disjoint(&from, &to, Apart::Nodes, count);
    for route in &mut routes {
        if let Some((near, far)) = &first {
            route.hops.insert(0, (far.clone(), near.clone()));
        }
        route.hops.extend(last.clone());
    }
    routes
}
