//! Configurations that together use every rule of the platform `frr`, in values that a real router takes.

use knowledge_model::{Tree, Value};

/// Each with a name.
pub fn all() -> Vec<(&'static str, Tree)> {
    SAMPLES.iter().map(|(name, lines)| (*name, tree(lines))).collect()
}

/// One entry a line: a path, and behind a space and an equals sign its value.
fn tree(lines: &str) -> Tree {
    let mut tree = Tree::new();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (path, value) = match line.split_once(" = ") {
            Some((path, value)) => (path, Value::scalar(value)),
            None => (line, Value::Present),
        };
        tree.plant(path.parse().unwrap_or_else(|error| panic!("{line}: {error}")), value);
    }
    tree
}

const SAMPLES: [(&str, &str); 5] = [
    (
        "policies",
        "prefix-list[ipv4][x]/description = words of it
        prefix-list[ipv4][x]/rule[10]/action = permit
        prefix-list[ipv4][x]/rule[10]/prefix = 10.0.0.0/8
        prefix-list[ipv4][x]/rule[10]/ge = 16
        prefix-list[ipv4][x]/rule[10]/le = 24
        prefix-list[ipv6][x6]/description = words of it
        prefix-list[ipv6][x6]/rule[5]/action = deny
        prefix-list[ipv6][x6]/rule[5]/prefix = 2001:db8::/32
        as-path-list[ap]/rule[5]/action = permit
        as-path-list[ap]/rule[5]/pattern = ^65001_
        community-list[cl]/rule[5]/action = permit
        community-list[cl]/rule[5]/community[65001:1]
        community-list[cl]/rule[5]/community[65001:2]
        community-list[cl]/rule[10]/action = deny
        community-list[cl]/rule[10]/community[no-export]
        route-map[rm]/rule[10]/action = permit
        route-map[rm]/rule[10]/description = what it does
        route-map[rm]/rule[10]/match/as-path-list = ap
        route-map[rm]/rule[10]/match/community-list = cl
        route-map[rm]/rule[10]/match/interface = eth1
        route-map[rm]/rule[10]/match/ipv4-prefix-list = x
        route-map[rm]/rule[10]/match/ipv6-prefix-list = x6
        route-map[rm]/rule[10]/match/metric = 9
        route-map[rm]/rule[10]/match/source-protocol = static
        route-map[rm]/rule[10]/match/tag = 7
        route-map[rm]/rule[10]/set/as-path-prepend = 65001 65001
        route-map[rm]/rule[10]/set/community[65001:1]
        route-map[rm]/rule[10]/set/community[local-as]
        route-map[rm]/rule[10]/set/community-additive = true
        route-map[rm]/rule[10]/set/next-hop = 192.0.2.5
        route-map[rm]/rule[10]/set/local-preference = 200
        route-map[rm]/rule[10]/set/metric = 100
        route-map[rm]/rule[10]/set/metric-type = type-1
        route-map[rm]/rule[10]/set/origin = igp
        route-map[rm]/rule[10]/set/tag = 11
        route-map[rm]/rule[10]/set/weight = 7
        route-map[rm]/rule[20]/action = deny
        route-map[rm]/rule[30]/action = permit
        route-map[rm]/rule[30]/set/next-hop = 2001:db8::5",
    ),
    (
        "bfd",
        "bfd/profile[fast]/detect-multiplier = 5
        bfd/profile[fast]/transmit-interval = 100
        bfd/profile[fast]/receive-interval = 150
        bfd/peer[192.0.2.2]/interface = eth1
        bfd/peer[192.0.2.2]/profile = fast
        bfd/peer[192.0.2.3]/multihop = true
        bfd/peer[192.0.2.3]/source-address = 192.0.2.1
        bfd/peer[192.0.2.3]/detect-multiplier = 4
        bfd/peer[192.0.2.3]/transmit-interval = 200
        bfd/peer[192.0.2.3]/receive-interval = 250",
    ),
    (
        "ospf",
        "ospf/router-id = 192.0.2.1
        ospf/reference-bandwidth = 1000
        ospf/maximum-paths = 4
        ospf/redistribute[connected]/metric = 5
        ospf/redistribute[connected]/metric-type = type-1
        ospf/redistribute[static]
        ospf/area[0.0.0.0]/range[10.0.0.0/8]/cost = 7
        ospf/area[0.0.0.0]/range[10.64.0.0/10]/advertise = false
        ospf/area[0.0.0.1]/area-type = stub
        ospf/area[0.0.0.1]/summary = false
        ospf/area[0.0.0.2]/area-type = nssa
        ospf/default-originate = always
        ospf/area[0.0.0.0]/interface[eth1]/authentication/key-id = 3
        ospf/area[0.0.0.0]/interface[eth1]/authentication/key = secret:bgp@1
        ospf/area[0.0.0.0]/interface[eth1]/bfd = true
        ospf/area[0.0.0.0]/interface[eth1]/cost = 11
        ospf/area[0.0.0.0]/interface[eth1]/dead-interval = 20
        ospf/area[0.0.0.0]/interface[eth1]/hello-interval = 5
        ospf/area[0.0.0.0]/interface[eth1]/network-type = point-to-point
        ospf/area[0.0.0.0]/interface[eth1]/priority = 7
        ospf/area[0.0.0.1]/interface[eth2]/passive = true
        ospfv3/router-id = 192.0.2.1
        ospfv3/redistribute[connected]
        ospfv3/area[0.0.0.0]/interface[eth1]/bfd = true
        ospfv3/area[0.0.0.0]/interface[eth1]/cost = 12
        ospfv3/area[0.0.0.0]/interface[eth1]/dead-interval = 20
        ospfv3/area[0.0.0.0]/interface[eth1]/hello-interval = 5
        ospfv3/area[0.0.0.0]/interface[eth1]/network-type = point-to-point
        ospfv3/area[0.0.0.0]/interface[eth1]/priority = 7
        ospfv3/area[0.0.0.1]/interface[eth2]/passive = true",
    ),
    (
        "routes and interfaces",
        "interface[eth1]/description = to pe2
        interface[eth1]/address[192.0.2.1/24]
        interface[eth1]/address[2001:db8::1/64]
        interface[eth2]/enabled = false
        static-route[198.51.100.0/24]/next-hop[192.0.2.254]/distance = 5
        static-route[198.51.100.0/24]/next-hop[192.0.2.253]
        static-route[198.51.101.0/24]/next-hop[192.0.2.254]/interface = eth1
        static-route[198.51.102.0/24]/interface[eth1]
        static-route[203.0.113.0/24]/blackhole
        static-route[2001:db8:9::/48]/next-hop[2001:db8::2]
        static-route[2001:db8:a::/48]/interface[eth1]/distance = 9
        static-route[2001:db8:b::/48]/blackhole
        static-route[2001:db8:b::/48]/blackhole/distance = 200",
    ),
    (
        "bgp",
        "bgp/as = 65001
        bgp/router-id = 192.0.2.1
        bgp/network[10.0.0.0/8]
        bgp/network[10.1.0.0/16]/policy = rm
        bgp/network[2001:db8::/32]
        bgp/family[ipv4-unicast]/maximum-paths = 4
        bgp/family[ipv4-unicast]/maximum-paths-internal = 2
        bgp/family[ipv4-unicast]/redistribute[connected]
        bgp/family[ipv4-unicast]/redistribute[static]/metric = 5
        bgp/family[ipv4-unicast]/redistribute[static]/policy = rm
        bgp/family[ipv6-unicast]/maximum-paths = 3
        bgp/family[ipv6-unicast]/maximum-paths-internal = 2
        bgp/family[ipv6-unicast]/redistribute[connected]/metric = 6
        bgp/neighbor[192.0.2.2]/remote-as = 65002
        bgp/neighbor[192.0.2.2]/description = peer two
        bgp/neighbor[192.0.2.2]/local-as = 65009
        bgp/neighbor[192.0.2.2]/enabled = false
        bgp/neighbor[192.0.2.2]/bfd = true
        bgp/neighbor[192.0.2.2]/password = secret:bgp@1
        bgp/neighbor[192.0.2.2]/ebgp-multihop = 3
        bgp/neighbor[192.0.2.2]/update-source = 192.0.2.1
        bgp/neighbor[192.0.2.2]/keepalive = 10
        bgp/neighbor[192.0.2.2]/hold-time = 30
        bgp/neighbor[192.0.2.2]/family[ipv4-unicast]/next-hop-self = true
        bgp/neighbor[192.0.2.2]/family[ipv4-unicast]/default-originate = true
        bgp/neighbor[192.0.2.2]/family[ipv4-unicast]/maximum-prefixes = 100
        bgp/neighbor[192.0.2.2]/family[ipv4-unicast]/weight = 5
        bgp/neighbor[192.0.2.2]/family[ipv4-unicast]/import-policy = rm
        bgp/neighbor[192.0.2.2]/family[ipv4-unicast]/export-policy = rm
        bgp/neighbor[192.0.2.9]/remote-as = 65001
        bgp/neighbor[192.0.2.9]/family[ipv4-unicast]/route-reflector-client = true
        bgp/neighbor[2001:db8::2]/remote-as = 65003
        bgp/neighbor[2001:db8::2]/family[ipv6-unicast]/next-hop-self = true
        bgp/neighbor[2001:db8::2]/family[ipv6-unicast]/default-originate = true
        bgp/neighbor[2001:db8::2]/family[ipv6-unicast]/maximum-prefixes = 100
        bgp/neighbor[2001:db8::2]/family[ipv6-unicast]/weight = 5
        bgp/neighbor[2001:db8::2]/family[ipv6-unicast]/import-policy = rm
        bgp/neighbor[2001:db8::2]/family[ipv6-unicast]/export-policy = rm
        bgp/neighbor[2001:db8::9]/remote-as = 65001
        bgp/neighbor[2001:db8::9]/family[ipv6-unicast]/route-reflector-client = true",
    ),
];
