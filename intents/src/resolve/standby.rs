//! One way that stands in for another: who can send by both, and over which next hops.

use std::collections::BTreeSet;

use super::names::{devices, far_address, meaning};
use super::{Asked, Row, Rows, Unresolved, World};

/// The distances of the two ways: the lower one counts.
const DISTANCES: [&str; 2] = ["10", "200"];
/// How many signs of life must be missing before BFD gives a neighbour up.
const SIGNS: f64 = 3.0;

/// Routes to everywhere over the first way, and over the second where the first is gone.
pub(super) fn find(asked: &Asked<'_>, world: &World<'_>) -> Rows {
    let one = |slot: &str| match asked.values(slot) {
        [one] => Ok(one.clone()),
        values => Err(Unresolved::from(format!("`{slot}` is one way, found {}", values.len()))),
    };
    let (primary, backup) = (one("primary")?, one("backup")?);
    let interval = interval(asked.word("detection"), asked.word("switch_time"))?;
    let mut rows = Vec::new();
    for device in senders(&primary, &backup, asked.values("target"), world)? {
        for (rule, (way, distance)) in [&primary, &backup].into_iter().zip(DISTANCES).enumerate() {
            let hop = next_hop(&device, way, world)?;
            let watched = (interval.is_some() && rule == 0).then(|| hop.clone());
            let values = [
                ("prefix", Some("0.0.0.0/0".to_owned())),
                ("next_hop", Some(hop)),
                ("distance", Some(distance.to_owned())),
                ("watched", watched.clone()),
                ("interval", watched.and(interval.clone().flatten())),
            ];
            rows.push(Row::new(&device, rule, values));
        }
    }
    Ok(rows)
}

/// Whether BFD watches the first way, and how often in milliseconds where a time is promised.
fn interval(detection: Option<&str>, switch: Option<&str>) -> Result<Option<Option<String>>, Unresolved> {
    let seconds: Option<f64> = switch.and_then(|it| it.parse().ok());
    match (detection, seconds) {
        (Some("ping"), _) => Err(
            "no platform changes a way by what ping finds: ask for detection by bfd or link"
                .to_owned()
                .into(),
        ),
        (Some("bfd") | None, Some(seconds)) => {
            let interval = seconds * 1000.0 / SIGNS;
            if (10.0..=60000.0).contains(&interval) {
                Ok(Some(Some(format!("{}", interval.floor()))))
            } else {
                Err(format!("BFD cannot switch within {seconds} s: from 0.03 s to 180 s").into())
            }
        }
        (Some("bfd"), None) => Ok(Some(None)),
        (Some(_), Some(seconds)) => {
            Err(format!("a switch within {seconds} s needs detection by bfd, a link alone promises no time").into())
        }
        (Some(_) | None, None) => Ok(None),
    }
}

/// The devices with a link to both ways; of those that are named, all.
fn senders(primary: &str, backup: &str, target: &[String], world: &World<'_>) -> Result<Vec<String>, Unresolved> {
    for way in [primary, backup] {
        let plain = way.split_once(':').map_or(way, |(device, _)| device);
        meaning(plain, world.inventory).map_err(Unresolved::from)?;
    }
    let wanted = devices(target, world.inventory).map_err(Unresolved::Faults)?;
    if !wanted.is_empty() {
        return Ok(wanted);
    }
    let both: BTreeSet<String> = world
        .inventory
        .devices
        .iter()
        .map(|it| it.name.clone())
        .filter(|device| link(device, primary, world).is_some() && link(device, backup, world).is_some())
        .collect();
    if both.is_empty() {
        return Err(format!("no device has a link to both {primary} and {backup}: say for whom with `target`").into());
    }
    Ok(both.into_iter().collect())
}

type Ends = (knowledge_model::inventory::End, knowledge_model::inventory::End);

/// The link of a device to a way: to a node, or over an interface of its own.
fn link(device: &str, way: &str, world: &World<'_>) -> Option<Ends> {
    if let Some((node, interface)) = way
        .split_once(':')
        .filter(|(node, _)| world.inventory.device(node).is_some())
    {
        let ends = world.inventory.links.iter().map(|link| &link.ends);
        let mut both = ends.flat_map(|[a, b]| [(a, b), (b, a)]);
        let (near, far) = both.find(|(near, _)| near.node == node && near.interface == interface)?;
        return if device == node {
            Some((near.clone(), far.clone()))
        } else {
            (far.node == device).then(|| (far.clone(), near.clone()))
        };
    }
    world.topology().between(device, way).into_iter().next()
}

fn next_hop(device: &str, way: &str, world: &World<'_>) -> Result<String, Unresolved> {
    let (near, far) = link(device, way, world).ok_or_else(|| format!("{device} has no link to {way}"))?;
    far_address(&near, &far, true, world)
}
