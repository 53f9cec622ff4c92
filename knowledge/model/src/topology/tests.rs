//! Routes through small networks.

use super::*;
use crate::Schema;

/// `a-b:cost` separated by white space; names that begin with h are hosts.
fn inventory(links: &str) -> Inventory {
    let mut yaml = String::from("version: 1\nlinks:\n");
    let mut names = BTreeSet::new();
    for (index, link) in links.split_whitespace().enumerate() {
        let (ends, cost) = link.split_once(':').unwrap();
        let (a, b) = ends.split_once('-').unwrap();
        names.extend([a, b]);
        yaml.push_str(&format!(
            "  - {{ends: [\"{a}:e{index}\", \"{b}:e{index}\"], cost: {cost}}}\n"
        ));
    }
    let (hosts, devices): (Vec<_>, Vec<_>) = names.into_iter().partition(|it| it.starts_with('h'));
    yaml.push_str("devices:\n");
    for (index, name) in devices.iter().enumerate() {
        let id = format!("0193a5b0-0000-7000-8000-{index:012}");
        yaml.push_str(&format!(
            "  - {{id: {id}, name: {name}, address: a, platforms: [frr], protocols: [cli]}}\n"
        ));
    }
    yaml.push_str("hosts:\n");
    hosts.iter().for_each(|it| yaml.push_str(&format!("  - name: {it}\n")));
    Inventory::read(&yaml, Schema::canonical()).unwrap()
}

fn shown(routes: &[Route]) -> Vec<String> {
    routes
        .iter()
        .map(|it| format!("{}={}", it.nodes().join("-"), it.cost))
        .collect()
}

const RING: &str = "a-b:1 b-c:1 c-d:1 d-a:1 ha-a:1 hc-c:1";

#[test]
fn cheapest_routes_in_the_order_of_names() {
    let inventory = inventory(RING);
    let topology = Topology::new(&inventory);
    let all = Avoid::default();
    assert_eq!(
        shown(&topology.cheapest("ha", "hc", &all, 9)),
        ["ha-a-b-c-hc=4", "ha-a-d-c-hc=4"]
    );
    assert_eq!(topology.cheapest("ha", "hc", &all, 1).len(), 1);
    let avoid = Avoid {
        nodes: ["b".to_owned()].into(),
        ..Avoid::default()
    };
    assert_eq!(shown(&topology.cheapest("a", "c", &avoid, 9)), ["a-d-c=2"]);
    let interface = End {
        node: "d".into(),
        interface: "e2".into(),
    };
    let avoid = Avoid {
        interfaces: [interface].into(),
        ..Avoid::default()
    };
    assert_eq!(shown(&topology.cheapest("a", "d", &avoid, 9)), ["a-d=1"]);
    assert_eq!(shown(&topology.cheapest("c", "d", &avoid, 9)), ["c-b-a-d=3"]);
    assert_eq!(topology.shortest("a", "nobody", &all), None);
    assert_eq!(topology.shortest("a", "a", &all).unwrap().cost, 0);
}

#[test]
fn hosts_do_not_forward() {
    let inventory = inventory("a-h:1 h-b:1 a-c:5 c-b:5");
    let topology = Topology::new(&inventory);
    assert_eq!(shown(&topology.cheapest("a", "b", &Avoid::default(), 9)), ["a-c-b=10"]);
    assert_eq!(shown(&topology.disjoint("a", "b", Apart::Links, 9)), ["a-c-b=10"]);
    assert_eq!(topology.neighbours("h"), ["a", "b"].into());
}

#[test]
fn routes_through_named_devices_pass_none_twice() {
    let inventory = inventory("a-b:1 b-c:1 a-c:5 c-d:1 b-d:1");
    let topology = Topology::new(&inventory);
    assert_eq!(
        shown(&[topology.through("a", &["c"], "d", &Avoid::default()).unwrap()]),
        ["a-b-c-d=3"]
    );
    assert_eq!(
        shown(&[topology.through("a", &["c", "b"], "d", &Avoid::default()).unwrap()]),
        ["a-c-b-d=7"]
    );
    assert_eq!(
        topology.through(
            "b",
            &["a"],
            "d",
            &Avoid {
                nodes: ["c".to_owned()].into(),
                ..Avoid::default()
            }
        ),
        None
    );
}

#[test]
fn disjoint_routes_are_cheapest_together() {
    // the cheapest single route, a-b-c-d, stands in the way of two
    let trap = inventory("a-b:1 b-c:1 c-d:1 a-c:3 b-d:3");
    let topology = Topology::new(&trap);
    assert_eq!(
        shown(&topology.disjoint("a", "d", Apart::Nodes, 2)),
        ["a-b-d=4", "a-c-d=4"]
    );
    assert_eq!(shown(&topology.disjoint("a", "d", Apart::Nodes, 1)), ["a-b-c-d=3"]);
    let waist = inventory("a-b:1 a-c:1 b-m:1 c-m:1 m-d:1 m-e:1 d-z:1 e-z:1");
    let topology = Topology::new(&waist);
    assert_eq!(topology.disjoint("a", "z", Apart::Nodes, 2).len(), 1);
    let routes = topology.disjoint("a", "z", Apart::Links, 5);
    assert_eq!(routes.iter().map(|it| it.cost).collect::<Vec<_>>(), [4, 4]);
    let mut links: Vec<_> = routes.iter().flat_map(|it| &it.hops).collect();
    links.sort();
    links.dedup();
    assert_eq!(links.len(), 8);
    assert!(topology.disjoint("a", "a", Apart::Links, 2).is_empty());
}

#[test]
fn parallel_links_are_told_apart() {
    let inventory = inventory("a-b:2 a-b:1");
    let topology = Topology::new(&inventory);
    let ends: Vec<_> = topology
        .between("b", "a")
        .into_iter()
        .map(|(b, a)| (b.node, b.interface, a.node))
        .collect();
    assert_eq!(
        ends,
        [("b", "e1", "a"), ("b", "e0", "a")].map(|(a, b, c)| (a.into(), b.into(), c.into()))
    );
    assert_eq!(shown(&topology.cheapest("a", "b", &Avoid::default(), 9)), ["a-b=1"]);
    assert_eq!(topology.disjoint("a", "b", Apart::Nodes, 9).len(), 2);
}
