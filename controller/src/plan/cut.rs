//! Whether a change touches the way between a device and its agent: it could not be taken back over that way.

use std::net::IpAddr;

use knowledge_model::{Delta, Edit, Path, Tree, Value};

use super::address::Prefix;

/// The way to a device, as the inventory and its agent's connection show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way {
    /// Where the device is reached.
    pub device: IpAddr,
    /// Where its agent is, as far as the controller sees.
    pub agent: Option<IpAddr>,
}

impl Way {
    /// Whether the agent sits on the device: then no way lies between the two.
    pub fn is_short(self) -> bool {
        self.agent == Some(self.device)
    }

    /// What of a change touches this way, in words; `there` is what the device holds before it.
    pub fn touched(self, delta: &Delta, there: &Tree) -> Vec<String> {
        if self.is_short() {
            return Vec::new();
        }
        let mut touched: Vec<String> = Vec::new();
        let carrier = self.carrier(there);
        if let Some((interface, address)) = &carrier {
            let inside = delta.iter().filter(|(path, _)| path.starts_with(interface));
            let said = inside.filter_map(|(path, edit)| self.said(interface, address, path, edit));
            touched.extend(said);
            touched.extend(self.beneath(interface, delta, there));
            touched.extend(filters(interface, delta, there));
        }
        let connected = carrier.and_then(|(_, address)| Prefix::read(address.last()?.keys.first()?));
        let routes = delta.iter().filter_map(|(path, _)| self.route(path, connected));
        touched.extend(routes);
        touched.sort();
        touched.dedup();
        touched
    }

    /// The interface with the device's address, and the entry of that address.
    fn carrier(self, there: &Tree) -> Option<(Path, Path)> {
        there.iter().find_map(|(path, _)| {
            let mut steps = path.steps();
            let (interface, address) = (steps.next()?, steps.next()?);
            let fits = interface.name == "interface" && address.name == "address" && steps.next().is_none();
            let own = Prefix::read(address.keys.first()?)?.address;
            (fits && own == self.device).then(|| Some((path.parent()?, path.clone())))?
        })
    }

    /// What becomes of the interfaces under the one that carries the way: the one that a VLAN's is named after, and where the
    /// carrier is made of others, every one that may be a part of it, for the model does not say which are.
    fn beneath(self, carrier: &Path, delta: &Delta, there: &Tree) -> Vec<String> {
        let Some(name) = key(carrier) else { return Vec::new() };
        let own = self.device;
        let trunk = name.rsplit_once('.').map(|(trunk, _)| trunk);
        let made = [Some(name.as_str()), trunk]
            .into_iter()
            .flatten()
            .any(is_made_of_others);
        let mut said = Vec::new();
        for (path, edit) in delta.iter() {
            let Some(interface) = owner(path).filter(|it| it != carrier) else {
                continue;
            };
            let Some(under) = key(&interface) else { continue };
            let part = made && !there.iter().any(|(it, _)| it.starts_with(&interface.child("address")));
            let how = match trunk == Some(&*under) {
                true => format!("under {name}, which carries {own}"),
                false if part => format!("which may be a part of {name}, which carries {own}"),
                false => continue,
            };
            if *path == interface && edit.after.is_none() {
                said.push(format!("it removes {under}, {how}"));
            } else if path.name() == "enabled" && edit.after.as_ref().and_then(Value::text) == Some("false") {
                said.push(format!("it shuts {under}, {how}"));
            }
        }
        said
    }

    fn said(self, interface: &Path, address: &Path, path: &Path, edit: &Edit) -> Option<String> {
        let (carrier, own) = (interface.last()?.keys.first()?.to_string(), self.device);
        let carries = format!("{carrier}, which carries {own}");
        if path == interface && edit.after.is_none() {
            return Some(format!("it removes the interface {carries}"));
        }
        if path == address && edit.after.is_none() {
            return Some(format!("it takes {own} from {carrier}"));
        }
        match path.name() {
            "enabled" if edit.after.as_ref().and_then(Value::text) == Some("false") => {
                Some(format!("it shuts {carries}"))
            }
            "mtu" => Some(format!("it changes the MTU of {carries}")),
            "access-list-in" | "access-list-out" => Some(format!("it changes what may pass {carries}")),
            _ => None,
        }
    }

    /// A route to where the agent is; to anywhere, where nobody knows that.
    fn route(self, path: &Path, connected: Option<Prefix>) -> Option<String> {
        let first = path.steps().next().filter(|step| step.name == "static-route")?;
        let prefix = Prefix::read(first.keys.first()?)?;
        // From loopback the controller sees where it is itself, not where the device sees its agent.
        match self.agent.filter(|it| !it.is_loopback()) {
            Some(agent) => {
                let nearer = connected.is_some_and(|it| it.holds(agent) && it.length >= prefix.length);
                (prefix.holds(agent) && !nearer)
                    .then(|| format!("it changes the route {} to its agent at {agent}", first.keys[0]))
            }
            None => (prefix.length == 0).then(|| format!("it changes the default route {}", first.keys[0])),
        }
    }
}

/// The interface that a path is of.
fn owner(path: &Path) -> Option<Path> {
    let interface = |it: &Path| it.steps().count() == 1 && it.name() == "interface";
    std::iter::once(path.clone()).chain(path.ancestors()).find(interface)
}

fn key(interface: &Path) -> Option<String> {
    Some((*interface.last()?.keys.first()?).to_owned())
}

/// Whether an interface of this name is made of others: a bond, a bridge, a VLAN's own.
fn is_made_of_others(name: &str) -> bool {
    const KINDS: &[&str] = &[
        "bond",
        "team",
        "lag",
        "ae",
        "po",
        "port-channel",
        "eth-trunk",
        "br",
        "bridge",
        "irb",
        "vlan",
        "vlanif",
    ];
    let name = name.to_ascii_lowercase();
    let kind = name.trim_end_matches(|it: char| it.is_ascii_digit() || matches!(it, '/' | '-' | '.'));
    KINDS.contains(&kind)
}

/// What becomes of the access lists that packets over an interface pass.
fn filters(interface: &Path, delta: &Delta, there: &Tree) -> Vec<String> {
    let lists = ["access-list-in", "access-list-out"].map(|leaf| there.text(&interface.child(leaf)));
    let touches = |list: &&str| {
        let list = Path::root().keyed("access-list", [*list]);
        delta
            .iter()
            .any(|(path, _)| path.starts_with(&list) && path.name() != "description")
    };
    let lists = lists.into_iter().flatten().filter(touches);
    let name = interface
        .last()
        .and_then(|it| it.keys.first().map(|key| (*key).to_owned()));
    lists
        .map(|list| {
            format!(
                "it changes the access list {list} on {}",
                name.as_deref().unwrap_or_default()
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(lines: &[(&str, Option<&str>)]) -> Tree {
        let mut tree = Tree::new();
        for (path, value) in lines {
            tree.plant(path.parse().unwrap(), value.map_or(Value::Present, Value::from));
        }
        tree
    }

    fn there() -> Tree {
        tree(&[
            ("interface[mgmt0]/address[192.0.2.2/30]", None),
            ("interface[mgmt0]/access-list-in", Some("guard")),
            ("interface[eth1]/address[10.0.0.1/24]", None),
            ("access-list[guard]/rule[10]/action", Some("permit")),
            ("static-route[0.0.0.0/0]/next-hop[192.0.2.1]", None),
        ])
    }

    fn touched(agent: Option<&str>, path: &str, before: Option<&str>, after: Option<&str>) -> Vec<String> {
        let value = |text: &str| {
            if text.is_empty() {
                Value::Present
            } else {
                Value::from(text)
            }
        };
        let edit = Edit {
            before: before.map(value),
            after: after.map(value),
        };
        let delta: Delta = [(path.parse().unwrap(), edit)].into_iter().collect();
        let way = Way {
            device: "192.0.2.2".parse().unwrap(),
            agent: agent.map(|it| it.parse().unwrap()),
        };
        way.touched(&delta, &there())
    }

    #[test]
    fn what_is_under_the_interface_that_carries_the_way_counts() {
        let way = |device: &str| Way {
            device: device.parse().unwrap(),
            agent: Some("203.0.113.9".parse().unwrap()),
        };
        let there = tree(&[
            ("interface[eth0]", None),
            ("interface[eth0.100]/address[192.0.2.2/30]", None),
            ("interface[bond0]/address[192.0.2.6/30]", None),
            ("interface[eth2]", None),
            ("interface[eth3]/address[10.0.0.1/24]", None),
        ]);
        let shuts = |device: &str, interface: &str| {
            let edit = Edit {
                before: None,
                after: Some(Value::from("false")),
            };
            let path = format!("interface[{interface}]/enabled").parse().unwrap();
            let delta: Delta = [(path, edit)].into_iter().collect();
            way(device).touched(&delta, &there).join("; ")
        };
        assert_eq!(
            shuts("192.0.2.2", "eth0"),
            "it shuts eth0, under eth0.100, which carries 192.0.2.2"
        );
        assert_eq!(shuts("192.0.2.2", "eth2"), "");
        assert_eq!(
            shuts("192.0.2.6", "eth2"),
            "it shuts eth2, which may be a part of bond0, which carries 192.0.2.6"
        );
        assert_eq!(shuts("192.0.2.6", "eth3"), "", "it has a way of its own");
    }

    #[test]
    fn the_way_is_an_interface_its_filters_and_its_routes() {
        let far = Some("203.0.113.9");
        let check = |agent, path, before, after, wanted: &str| {
            let said = touched(agent, path, before, after).join("; ");
            match wanted.is_empty() {
                true => assert_eq!(said, "", "{path}"),
                false => assert!(said.contains(wanted), "{path}: {said}"),
            }
        };
        check(
            far,
            "interface[mgmt0]/enabled",
            None,
            Some("false"),
            "shuts mgmt0, which carries 192.0.2.2",
        );
        check(far, "interface[mgmt0]/enabled", Some("false"), Some("true"), "");
        check(far, "interface[mgmt0]/description", None, Some("x"), "");
        check(
            far,
            "interface[mgmt0]/address[192.0.2.2/30]",
            Some(""),
            None,
            "takes 192.0.2.2 from mgmt0",
        );
        check(far, "interface[mgmt0]/address[192.0.2.9/30]", None, Some(""), "");
        check(far, "interface[mgmt0]/mtu", None, Some("600"), "MTU of mgmt0");
        check(far, "interface[eth1]/enabled", None, Some("false"), "");
        check(
            far,
            "access-list[guard]/rule[5]/action",
            None,
            Some("deny"),
            "access list guard on mgmt0",
        );
        check(far, "access-list[other]/rule[5]/action", None, Some("deny"), "");
        check(
            far,
            "static-route[0.0.0.0/0]/next-hop[192.0.2.1]",
            Some(""),
            None,
            "route 0.0.0.0/0 to its agent",
        );
        check(
            far,
            "static-route[203.0.113.0/24]/blackhole",
            None,
            Some(""),
            "route 203.0.113.0/24",
        );
        check(far, "static-route[198.51.100.0/24]/blackhole", None, Some(""), "");
        check(
            None,
            "static-route[0.0.0.0/0]/next-hop[192.0.2.1]",
            Some(""),
            None,
            "default route",
        );
        check(None, "static-route[203.0.113.0/24]/blackhole", None, Some(""), "");
        // next door the default route does not matter, a nearer one does
        let near = Some("192.0.2.1");
        check(near, "static-route[0.0.0.0/0]/next-hop[192.0.2.1]", Some(""), None, "");
        check(
            near,
            "static-route[192.0.2.1/32]/blackhole",
            None,
            Some(""),
            "route 192.0.2.1/32",
        );
        // on the device there is no way
        check(Some("192.0.2.2"), "interface[mgmt0]/enabled", None, Some("false"), "");
    }
}
