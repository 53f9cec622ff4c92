//! Interfaces: those that are named, and those that join devices.

use std::collections::BTreeSet;

use super::names::{addresses, devices, end};
use super::{Asked, Row, Rows, Unresolved, World, gather};

/// The named interfaces of the named devices.
pub(super) fn named(asked: &Asked<'_>, world: &World<'_>) -> Rows {
    let names: Vec<&String> = asked.values("device").iter().chain(asked.values("target")).collect();
    let ports = ports(&names, asked.values("interface"), world)?;
    Ok(ports
        .into_iter()
        .map(|(device, interface)| Row::new(&device, 0, [("interface", Some(interface))]))
        .collect())
}

/// Pairs of device and interface: `r1:eth1` says both, `eth1` is one of each device that is named.
pub(super) fn ports(
    places: &[&String],
    interfaces: &[String],
    world: &World<'_>,
) -> Result<Vec<(String, String)>, Unresolved> {
    let mut ports = BTreeSet::new();
    let qualified = |text: &str| {
        let (device, interface) = text.split_once(':')?;
        world.inventory.device(device)?;
        (!interface.is_empty()).then(|| (device.to_owned(), interface.to_owned()))
    };
    ports.extend(interfaces.iter().filter_map(|it| qualified(it)));
    ports.extend(places.iter().filter_map(|it| qualified(it)));
    let plain: Vec<&String> = interfaces.iter().filter(|it| qualified(it).is_none()).collect();
    let wide: Vec<&String> = places.iter().copied().filter(|it| qualified(it).is_none()).collect();
    if !plain.is_empty() {
        let bearers: Vec<&String> = if wide.is_empty() { places.to_vec() } else { wide };
        if bearers.is_empty() {
            return Err(format!("of which device is {}? Name it as device:interface", plain[0]).into());
        }
        let devices = devices(bearers, world.inventory).map_err(Unresolved::Faults)?;
        for device in devices {
            ports.extend(plain.iter().map(|interface| (device.clone(), (*interface).clone())));
        }
    }
    if ports.is_empty() {
        return Err("no interface is named".to_owned().into());
    }
    Ok(ports.into_iter().collect())
}

/// Every interface of a device that a link of the inventory ends at.
pub(super) fn linked(device: &str, world: &World<'_>) -> BTreeSet<String> {
    let ends = world.inventory.links.iter().flat_map(|link| &link.ends);
    ends.filter(|end| end.node == device)
        .map(|end| end.interface.clone())
        .collect()
}

/// The interfaces that join the named devices, with those that are named or inside the prefixes.
pub(super) fn between(asked: &Asked<'_>, world: &World<'_>) -> Rows {
    let (named, interfaces, prefixes) = (
        asked.values("devices"),
        asked.values("interfaces"),
        asked.values("prefixes"),
    );
    let places: Vec<&String> = named.iter().chain(asked.values("target")).collect();
    if !interfaces.is_empty() {
        let rows = ports(&places, interfaces, world)?;
        return Ok(rows
            .into_iter()
            .map(|(device, it)| Row::new(&device, 0, [("interface", Some(it))]))
            .collect());
    }
    let devices = devices(places, world.inventory).map_err(Unresolved::Faults)?;
    let mut found: BTreeSet<(String, String)> = BTreeSet::new();
    if prefixes.is_empty() {
        for link in &world.inventory.links {
            if link.ends.iter().all(|end| devices.contains(&end.node)) {
                found.extend(link.ends.iter().map(|end| (end.node.clone(), end.interface.clone())));
            }
        }
    } else {
        let ends = prefixes
            .iter()
            .map(|it| end(it, world.inventory).map_err(Unresolved::from));
        let nets: Vec<_> = gather(ends)?.into_iter().flat_map(|it| it.nets).collect();
        let held = gather(devices.iter().map(|it| Ok((it, world.holds(it)?))))?;
        for (device, tree) in held {
            let inside = addresses(tree).filter(|(_, address)| nets.iter().any(|net| net.contains(address)));
            found.extend(inside.map(|(interface, _)| (device.clone(), interface)));
        }
    }
    if found.is_empty() {
        let names = devices.join(", ");
        return Err(format!("no interface joins {names}: name some under `interfaces`").into());
    }
    let alone: Vec<&str> = devices
        .iter()
        .filter(|device| found.iter().all(|(it, _)| it != *device))
        .map(String::as_str)
        .collect();
    if !alone.is_empty() {
        return Err(format!(
            "{} has no interface among them: name one under `interfaces`",
            alone.join(", ")
        )
        .into());
    }
    Ok(found
        .into_iter()
        .map(|(device, it)| Row::new(&device, 0, [("interface", Some(it))]))
        .collect())
}
