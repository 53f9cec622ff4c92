//! A policy for what a BGP peer tells or is told: the session, and lists that recognise the routes that are meant.

use super::names::end;
use super::session::{one_device, own_as, peer_address};
use super::{Asked, Row, Rows, Unresolved, World, gather};
use crate::line::short;
use crate::net::Net;

/// What a row of a policy has.
pub(super) const GIVES: &[&str] = &[
    "address",
    "family",
    "action",
    "list4",
    "list6",
    "communities",
    "prepend",
    "list",
    "list_family",
    "sequence",
    "prefix",
    "community_list",
    "community",
];

/// The rules of the policy, and the lists that they refer to.
pub(super) fn find(asked: &Asked<'_>, world: &World<'_>) -> Rows {
    let device = one_device(asked, world)?;
    let peer = asked.word("peer").ok_or_else(|| "`peer` is not said".to_owned())?;
    let matched = asked.slot("match");
    let named = matched.map_or(&[][..], |it| it.under("prefix"));
    let ends = gather(
        named
            .iter()
            .map(|it| end(it, world.inventory).map_err(Unresolved::from)),
    )?;
    let nets: Vec<Net> = ends.into_iter().flat_map(|it| it.nets).collect();
    let communities = matched.map_or(&[][..], |it| it.under("community"));
    let address = peer_address(&device, peer, true, world)?;
    let tree = world.holds(&device)?;
    let neighbour = knowledge_model::Path::root().child("bgp").keyed("neighbor", [&address]);
    if !tree.contains(&neighbour) {
        return Err(format!("{device} has no BGP session with {address}: make one first (routing.bgp.session)").into());
    }
    let prepend = prepend(asked.word("prepend"), own_as(tree), &device)?;
    let mut rows = lists(&device, &nets, communities);
    for ipv4 in families(&address, &nets) {
        let family = if ipv4 { "ipv4-unicast" } else { "ipv6-unicast" };
        let list = nets
            .iter()
            .any(|it| it.is_ipv4() == ipv4)
            .then(|| list_name(&nets, ipv4));
        let rule = Row::new(
            &device,
            rows.len(),
            [
                ("address", Some(address.clone())),
                ("family", Some(family.to_owned())),
                (
                    "action",
                    Some(
                        if asked.word("filter") == Some("deny") {
                            "deny"
                        } else {
                            "permit"
                        }
                        .to_owned(),
                    ),
                ),
                ("list4", list.clone().filter(|_| ipv4)),
                ("list6", list.filter(|_| !ipv4)),
                (
                    "communities",
                    (!communities.is_empty()).then(|| community_name(communities)),
                ),
                ("prepend", prepend.clone()),
            ],
        );
        rows.push(rule);
        if asked.word("filter") == Some("permit-only") {
            let values = [
                ("address", Some(address.clone())),
                ("family", Some(family.to_owned())),
                ("action", Some("deny".to_owned())),
            ];
            rows.push(Row::new(&device, rows.len(), values));
        }
    }
    Ok(rows)
}

fn prepend(times: Option<&str>, own: Option<String>, device: &str) -> Result<Option<String>, Unresolved> {
    let Some(times) = times.and_then(|it| it.parse::<usize>().ok()) else {
        return Ok(None);
    };
    let own = own.ok_or_else(|| format!("{device} is in no AS that it could prepend"))?;
    Ok(Some(vec![own; times].join(" ")))
}

/// The families of the routes that are meant: those of the networks, else that of the session.
fn families(address: &str, nets: &[Net]) -> Vec<bool> {
    let mut families: Vec<bool> = nets.iter().map(Net::is_ipv4).collect();
    families.sort_unstable();
    families.dedup();
    if families.is_empty() {
        vec![!address.contains(':')]
    } else {
        families
    }
}

/// Equal networks have one list, whoever asks.
fn list_name(nets: &[Net], ipv4: bool) -> String {
    let these: Vec<String> = nets
        .iter()
        .filter(|it| it.is_ipv4() == ipv4)
        .map(ToString::to_string)
        .collect();
    short("prefixes", &these.join(" "))
}

fn community_name(communities: &[String]) -> String {
    short("communities", &communities.join(" "))
}

fn lists(device: &str, nets: &[Net], communities: &[String]) -> Vec<Row> {
    let mut rows = Vec::new();
    for (index, net) in nets.iter().enumerate() {
        let values = [
            ("list", Some(list_name(nets, net.is_ipv4()))),
            (
                "list_family",
                Some(if net.is_ipv4() { "ipv4" } else { "ipv6" }.to_owned()),
            ),
            ("sequence", Some(((index + 1) * 10).to_string())),
            ("prefix", Some(net.to_string())),
        ];
        rows.push(Row::new(device, rows.len(), values));
    }
    for (index, community) in communities.iter().enumerate() {
        let values = [
            ("community_list", Some(community_name(communities))),
            ("sequence", Some(((index + 1) * 10).to_string())),
            ("community", Some(community.clone())),
        ];
        rows.push(Row::new(device, rows.len(), values));
    }
    rows
}
