//! The ends of a BGP session: addresses and AS numbers that nobody had to look up.

use std::net::IpAddr;

use knowledge_model::{Path, Tree};

use super::names::far_address;
use super::{Asked, Row, Rows, Unresolved, World};

/// The AS number that a device is in.
pub(super) fn own_as(tree: &Tree) -> Option<String> {
    tree.text(&Path::root().child("bgp").child("as")).map(str::to_owned)
}

/// The device that a slot names.
pub(super) fn one_device(asked: &Asked<'_>, world: &World<'_>) -> Result<String, Unresolved> {
    match asked.values("device") {
        [one] if world.inventory.device(one).is_some() => Ok(one.clone()),
        [one] => {
            let known = super::devices([one], world.inventory).map_err(Unresolved::Faults)?;
            match &known[..] {
                [one] => Ok(one.clone()),
                several => Err(format!("{one} is {} devices, a session has one", several.len()).into()),
            }
        }
        values => Err(format!("a session is of one device, found {}", values.len()).into()),
    }
}

/// The address of a peer as `device` reaches it: an address as given, or that of a device at the far end of a link.
pub(super) fn peer_address(device: &str, peer: &str, ipv4: bool, world: &World<'_>) -> Result<String, Unresolved> {
    if peer.parse::<IpAddr>().is_ok() {
        return Ok(peer.to_owned());
    }
    super::meaning(peer, world.inventory).map_err(Unresolved::from)?;
    let link = world.topology().between(device, peer).into_iter().next();
    let (near, far) = link.ok_or_else(|| format!("{device} and {peer} share no link: name the peer by its address"))?;
    far_address(&near, &far, ipv4, world)
}

/// Both ends of the session where the peer is a device, else the one end.
pub(super) fn find(asked: &Asked<'_>, world: &World<'_>) -> Rows {
    let device = one_device(asked, world)?;
    let peer = match asked.values("peer") {
        [one] => one.clone(),
        values => return Err(format!("a session is with one peer, found {}", values.len()).into()),
    };
    let families = asked.values("families");
    let ipv4 = families != ["ipv6-unicast"];
    let address = peer_address(&device, &peer, ipv4, world)?;
    let far = world.inventory.device(&peer).map(|it| it.name.clone());
    let number = |slot: &str, device: Option<&str>| -> Result<String, Unresolved> {
        let said = asked.word(slot).map(str::to_owned);
        let held = device.map(|it| world.holds(it)).transpose()?.and_then(own_as);
        match (said, held) {
            (Some(said), Some(held)) if said != held => {
                let device = device.unwrap_or_default();
                Err(format!("{device} is in AS {held}, the intent says {said}").into())
            }
            (Some(number), _) | (None, Some(number)) => Ok(number),
            (None, None) => Err(format!("`{slot}` is not said, and no device tells it").into()),
        }
    };
    let (own, remote) = (number("local_as", Some(&device))?, number("remote_as", far.as_deref())?);
    let families: Vec<String> = match families {
        [] if address.contains(':') => vec!["ipv6-unicast".to_owned()],
        [] => vec!["ipv4-unicast".to_owned()],
        said => said.to_vec(),
    };
    let end = |device: &str, own: &str, remote: &str, address: &str| -> Vec<Row> {
        let row = |family: &String| {
            let values = [
                ("as", Some(own.to_owned())),
                ("address", Some(address.to_owned())),
                ("remote_as", Some(remote.to_owned())),
                ("family", Some(family.clone())),
            ];
            Row::new(device, 0, values)
        };
        families.iter().map(row).collect()
    };
    let mut rows = end(&device, &own, &remote, &address);
    if let Some(far) = far {
        let back = peer_address(&far, &device, ipv4, world)?;
        rows.extend(end(&far, &remote, &own, &back));
    }
    Ok(rows)
}
