//! What a name of the inventory means: devices, networks, places where a way may begin.

use std::collections::BTreeSet;

use knowledge_model::Tree;
use knowledge_model::document::nearest;
use knowledge_model::inventory::{End as Port, Inventory};

use super::{Unresolved, World, gather};
use crate::net::Net;

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// Everything.
    All,
    /// A device.
    Device,
    /// A host.
    Host,
    /// Prefixes under one name.
    Prefixes,
    /// A group.
    Group,
    /// A site.
    Site,
    /// A tag.
    Tag,
    /// No name: an address or a network.
    Net(Net),
}

/// One end of a way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// What the operator calls it.
    pub name: String,
    /// Its networks.
    pub nets: Vec<Net>,
}

/// What a name means; of several things under one name the narrowest.
///
/// # Errors
/// That nothing has it, with the nearest name that there is.
pub fn meaning(name: &str, inventory: &Inventory) -> Result<Meaning, String> {
    if name == "all" || name == "any" {
        return Ok(Meaning::All);
    }
    let tagged = || !inventory.with_tag(name).is_empty();
    if inventory.device(name).is_some() {
        Ok(Meaning::Device)
    } else if inventory.hosts.iter().any(|it| it.name == name) {
        Ok(Meaning::Host)
    } else if inventory.prefixes.contains_key(name) {
        Ok(Meaning::Prefixes)
    } else if inventory.groups.contains_key(name) {
        Ok(Meaning::Group)
    } else if inventory.sites.contains_key(name) {
        Ok(Meaning::Site)
    } else if tagged() {
        Ok(Meaning::Tag)
    } else if let Some(net) = Net::parse(name) {
        Ok(Meaning::Net(net.masked()))
    } else {
        let known = known(inventory);
        let near = nearest(name, known.iter().copied()).map(|it| format!(" (did you mean {it}?)"));
        Err(format!("nothing is named {name}{}", near.unwrap_or_default()))
    }
}

fn known(inventory: &Inventory) -> Vec<&str> {
    let tags = inventory.devices.iter().flat_map(|it| &it.tags);
    let tags = tags.chain(inventory.hosts.iter().flat_map(|it| &it.tags));
    let named = inventory
        .prefixes
        .keys()
        .chain(inventory.groups.keys())
        .chain(inventory.sites.keys());
    inventory.nodes().chain(named.chain(tags).map(String::as_str)).collect()
}

/// The devices and hosts that a name stands for.
pub(super) fn members(name: &str, inventory: &Inventory) -> Result<BTreeSet<String>, String> {
    let owned = |names: BTreeSet<&str>| names.into_iter().map(str::to_owned).collect();
    Ok(match meaning(name, inventory)? {
        Meaning::All => owned(inventory.nodes().collect()),
        Meaning::Device | Meaning::Host => BTreeSet::from([name.to_owned()]),
        Meaning::Group => owned(inventory.in_group(name).unwrap_or_default()),
        Meaning::Site => owned(inventory.at_site(name).unwrap_or_default()),
        Meaning::Tag => owned(inventory.with_tag(name)),
        Meaning::Prefixes => inventory.prefixes.get(name).map(|it| it.at.clone()).unwrap_or_default(),
        Meaning::Net(net) => {
            let at = inventory
                .hosts
                .iter()
                .filter(|host| host_net(host).is_some_and(|it| net.contains(&it)));
            at.map(|host| host.name.clone()).collect()
        }
    })
}

/// The devices that these names stand for, each once; `device:interface` counts for its device.
///
/// # Errors
/// Every name that there is not, and every one that stands for no device.
pub fn devices<'a>(
    names: impl IntoIterator<Item = &'a String>,
    inventory: &Inventory,
) -> Result<Vec<String>, Vec<String>> {
    let (mut found, mut faults) = (BTreeSet::new(), Vec::new());
    for name in names {
        let device = name.split_once(':').map_or(name.as_str(), |(device, _)| device);
        let plain = if inventory.device(device).is_some() {
            device
        } else {
            name
        };
        match members(plain, inventory) {
            Ok(members) => {
                let these: Vec<String> = members
                    .into_iter()
                    .filter(|it| inventory.device(it).is_some())
                    .collect();
                if these.is_empty() {
                    faults.push(format!("{name} stands for no device"));
                }
                found.extend(these);
            }
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() {
        Ok(found.into_iter().collect())
    } else {
        Err(faults)
    }
}

fn host_net(host: &knowledge_model::inventory::Host) -> Option<Net> {
    Net::parse(host.address.as_deref()?)
}

/// The networks that a name stands for.
pub(crate) fn end(name: &str, inventory: &Inventory) -> Result<End, String> {
    let nets = match meaning(name, inventory)? {
        Meaning::All => ["0.0.0.0/0", "::/0"].iter().filter_map(|it| Net::parse(it)).collect(),
        Meaning::Net(net) => vec![net],
        Meaning::Prefixes => prefixes(name, inventory),
        Meaning::Device | Meaning::Host | Meaning::Group | Meaning::Site | Meaning::Tag => {
            nets_of(&members(name, inventory)?, inventory)
        }
    };
    if nets.is_empty() {
        return Err(format!("{name} has no address in the inventory"));
    }
    let name = name.to_owned();
    Ok(End { name, nets })
}

fn prefixes(name: &str, inventory: &Inventory) -> Vec<Net> {
    let named = inventory.prefixes.get(name).into_iter().flat_map(|it| &it.prefixes);
    named.filter_map(|it| Net::parse(it)).collect()
}

/// Hosts and what is behind the devices; the devices themselves where there is nothing else.
fn nets_of(members: &BTreeSet<String>, inventory: &Inventory) -> Vec<Net> {
    let hosts = inventory.hosts.iter().filter(|it| members.contains(&it.name));
    let mut nets: BTreeSet<Net> = hosts.filter_map(host_net).collect();
    let several = members.len() > 1;
    let behind = inventory
        .prefixes
        .iter()
        .filter(|(_, it)| several && it.at.is_subset(members));
    nets.extend(
        behind
            .flat_map(|(name, _)| prefixes(name, inventory))
            .filter(|it| !it.is_everything()),
    );
    if nets.is_empty() {
        let devices = inventory.devices.iter().filter(|it| members.contains(&it.name));
        nets.extend(devices.filter_map(|it| Net::parse(&it.address)));
    }
    nets.into_iter().collect()
}

/// The nodes at which a way to or from `end` ends.
pub(super) fn nodes(end: &End, world: &World<'_>) -> Result<Vec<String>, Unresolved> {
    let inventory = world.inventory;
    let members = members(&end.name, inventory).map_err(Unresolved::from)?;
    if !members.is_empty() && meaning(&end.name, inventory) != Ok(Meaning::All) {
        return Ok(members.into_iter().collect());
    }
    let Some(net) = end.nets.first().filter(|it| !it.is_everything()) else {
        return Err(format!("{} is everywhere: name an end", end.name).into());
    };
    // A network that no name covers: behind the narrowest named one, or where a device has an address in it.
    let covering = inventory.prefixes.iter().flat_map(|(name, it)| {
        let nets = prefixes(name, inventory).into_iter();
        nets.filter(|wide| wide.contains(net) && !wide.is_everything())
            .map(move |wide| (wide.length, &it.at))
    });
    if let Some((_, at)) = covering.max_by_key(|(length, _)| *length) {
        return Ok(at.iter().cloned().collect());
    }
    let held = gather(
        inventory
            .devices
            .iter()
            .map(|it| Ok((&it.name, world.holds(&it.name)?))),
    )?;
    let near: Vec<String> = held
        .into_iter()
        .filter(|(_, tree)| addresses(tree).any(|(_, address)| address.overlaps(net)))
        .map(|(name, _)| name.clone())
        .collect();
    if near.is_empty() {
        return Err(format!("nobody is known to have {net}: name it under `prefixes` in the inventory").into());
    }
    Ok(near)
}

/// Every interface with each of its addresses.
pub(super) fn addresses(tree: &Tree) -> impl Iterator<Item = (String, Net)> + '_ {
    tree.iter().filter_map(|(path, _)| {
        let mut steps = path.steps();
        let interface = steps
            .next()
            .filter(|it| it.name == "interface")?
            .keys
            .first()?
            .to_string();
        let address = steps.next().filter(|it| it.name == "address")?.keys.first().copied()?;
        steps.next().is_none().then_some(())?;
        Some((interface, Net::parse(address)?))
    })
}

/// The address of the far end of a link, as the near end reaches it.
pub(super) fn far_address(near: &Port, far: &Port, ipv4: bool, world: &World<'_>) -> Result<String, Unresolved> {
    if let Some(host) = world.inventory.hosts.iter().find(|it| it.name == far.node) {
        let address = host_net(host).filter(|it| it.is_ipv4() == ipv4);
        return address
            .map(|it| it.address.to_string())
            .ok_or_else(|| format!("{} has no address in the inventory", host.name).into());
    }
    let tree = world.holds(&far.node)?;
    let own: Vec<Net> = match world.configurations.get(&near.node) {
        Some(tree) => addresses(tree)
            .filter(|(name, _)| *name == near.interface)
            .map(|it| it.1)
            .collect(),
        None => Vec::new(),
    };
    let mut theirs: Vec<Net> = addresses(tree)
        .filter(|(name, net)| *name == far.interface && net.is_ipv4() == ipv4)
        .map(|it| it.1)
        .collect();
    theirs.sort_by_key(|net| !own.iter().any(|it| it.overlaps(net)));
    let family = if ipv4 { "IPv4" } else { "IPv6" };
    theirs.first().map(|it| it.address.to_string()).ok_or_else(|| {
        format!(
            "{}:{} has no {family} address: give it one first",
            far.node, far.interface
        )
        .into()
    })
}

/// The interface of `device` behind which `end` is: a link to a host of it, an address in it, or a route to it.
pub(super) fn behind(device: &str, end: &End, world: &World<'_>) -> Result<Option<String>, Unresolved> {
    let members = members(&end.name, world.inventory).map_err(Unresolved::from)?;
    let hosts = members.iter().filter(|it| world.inventory.device(it).is_none());
    let topology = world.topology();
    if let Some((here, _)) = hosts.flat_map(|host| topology.between(device, host)).next() {
        return Ok(Some(here.interface));
    }
    let tree = world.holds(device)?;
    let inside = |address: &Net| end.nets.iter().any(|net| !net.is_everything() && address.overlaps(net));
    if let Some((interface, _)) = addresses(tree).find(|(_, address)| inside(address)) {
        return Ok(Some(interface));
    }
    Ok(routed(tree, end))
}

/// The interface towards the next hop of a static route to a network of `end`.
fn routed(tree: &Tree, end: &End) -> Option<String> {
    let hops = tree.iter().filter_map(|(path, _)| {
        let mut steps = path.steps();
        let prefix = Net::parse(steps.next().filter(|it| it.name == "static-route")?.keys.first()?)?;
        let hop = Net::parse(steps.next().filter(|it| it.name == "next-hop")?.keys.first()?)?;
        Some((prefix, hop))
    });
    let serving = |prefix: &Net| end.nets.iter().any(|net| prefix.contains(net));
    hops.filter(|(prefix, _)| serving(prefix))
        .max_by_key(|(prefix, _)| prefix.length)
        .and_then(|(_, hop)| {
            addresses(tree)
                .find(|(_, address)| address.masked().contains(&hop))
                .map(|it| it.0)
        })
}
