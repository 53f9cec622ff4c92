//! Reading an inventory: every fault with its line and column, all at once, unknown keys refused.

use super::{
    Channel, Device, DeviceId, End, Group, Guarantee, Host, Inventory, Link, Place, Platform, Prefixes, Protocol,
};
use crate::document::{self, Content, Fault, Faults, Fields, Mark, Node, nearest};
use crate::schema::Schema;
use std::collections::{BTreeMap, BTreeSet};

/// Where the names of an inventory stand in its file, for faults that are found when all is read.
#[derive(Default)]
pub(super) struct Marks {
    pub(super) devices: Vec<Mark>,
    pub(super) hosts: Vec<Mark>,
    pub(super) groups: BTreeMap<String, Mark>,
    pub(super) prefixes: BTreeMap<String, Mark>,
    pub(super) links: Vec<Mark>,
}

impl Inventory {
    /// Reads YAML.
    pub fn read(text: &str, schema: &Schema) -> Result<Self, Vec<Fault>> {
        let document = document::read(text)?;
        let faults = Faults::default();
        let mut marks = Marks::default();
        let inventory = Reader {
            faults: &faults,
            schema,
        }
        .inventory(&document, &mut marks);
        if let Some(inventory) = &inventory {
            inventory.check(&marks, &faults);
        }
        faults.settle(inventory)
    }
}

struct Reader<'a> {
    faults: &'a Faults,
    schema: &'a Schema,
}

impl Reader<'_> {
    fn inventory(&self, node: &Node, marks: &mut Marks) -> Option<Inventory> {
        let fields = node.fields(self.faults)?;
        if let Some(version) = fields.required("version")
            && version.integer(self.faults).is_some_and(|it| it != 1)
        {
            self.faults.add(
                version.at,
                "this program reads version 1",
                "use a program that is as new as the file",
            );
        }
        let devices = self.items(&fields, "devices", &mut marks.devices, |it| self.device(it));
        let hosts = self.items(&fields, "hosts", &mut marks.hosts, |it| self.host(it));
        let links = self.items(&fields, "links", &mut marks.links, |it| self.link(it));
        let sites = self.named(&fields, "sites", &mut BTreeMap::new(), |it| self.place(it));
        let groups = self.named(&fields, "groups", &mut marks.groups, |it| self.group(it));
        let prefixes = self.named(&fields, "prefixes", &mut marks.prefixes, |it| self.prefixes(it));
        fields.end();
        Some(Inventory {
            devices,
            hosts,
            sites,
            groups,
            prefixes,
            links,
        })
    }

    /// The items of a list that may be missing, with their places.
    fn items<T>(
        &self,
        fields: &Fields<'_>,
        name: &'static str,
        marks: &mut Vec<Mark>,
        read: impl Fn(&Node) -> Option<T>,
    ) -> Vec<T> {
        let nodes = fields
            .optional(name)
            .and_then(|it| it.list(self.faults))
            .unwrap_or_default();
        let read = nodes.iter().filter_map(|it| Some((it.at, read(it)?)));
        let (places, items): (Vec<_>, Vec<_>) = read.unzip();
        marks.extend(places);
        items
    }

    /// The entries of a mapping from names that may be missing, with their places.
    fn named<T: Default>(
        &self,
        fields: &Fields<'_>,
        name: &'static str,
        marks: &mut BTreeMap<String, Mark>,
        read: impl Fn(&Node) -> Option<T>,
    ) -> BTreeMap<String, T> {
        let entries = fields
            .optional(name)
            .and_then(|it| it.entries(self.faults))
            .unwrap_or_default();
        let mut named = BTreeMap::new();
        for (key, node) in entries {
            self.checked_name(key, node.at);
            marks.insert(key.clone(), node.at);
            let value = if node.value == Content::Null {
                Some(T::default())
            } else {
                read(node)
            };
            named.extend(value.map(|it| (key.clone(), it)));
        }
        named
    }

    fn device(&self, node: &Node) -> Option<Device> {
        let fields = node.fields(self.faults)?;
        let id = fields.required("id").and_then(|it| self.id(it));
        let name = fields.required("name").and_then(|it| self.name(it));
        let address = fields.required("address").and_then(|it| self.text(it));
        let port = fields.optional("port").and_then(|it| self.port(it));
        let platforms = fields
            .required("platforms")
            .and_then(|it| it.list(self.faults))
            .unwrap_or_default();
        let platforms = platforms.iter().filter_map(|it| self.platform(it)).collect();
        let protocols = fields
            .required("protocols")
            .and_then(|it| it.list(self.faults))
            .unwrap_or_default();
        let protocols = protocols.iter().filter_map(|it| self.channel(it, port)).collect();
        let credentials = fields.optional("credentials").and_then(|it| self.name(it));
        let guarantee = fields
            .optional("guarantee")
            .and_then(|it| self.word(it, &Guarantee::ALL.map(|it| (it.word(), it))));
        let (site, tags) = self.whereabouts(&fields);
        fields.end();
        let (id, name, address) = (id?, name?, address?);
        Some(Device {
            id,
            name,
            address,
            platforms,
            protocols,
            credentials,
            guarantee,
            site,
            tags,
        })
    }

    fn host(&self, node: &Node) -> Option<Host> {
        let fields = node.fields(self.faults)?;
        let name = fields.required("name").and_then(|it| self.name(it));
        let address = fields.optional("address").and_then(|it| self.text(it));
        let (site, tags) = self.whereabouts(&fields);
        fields.end();
        Some(Host {
            name: name?,
            address,
            site,
            tags,
        })
    }

    fn whereabouts(&self, fields: &Fields<'_>) -> (Option<String>, BTreeSet<String>) {
        (
            fields.optional("site").and_then(|it| self.name(it)),
            self.names(fields, "tags"),
        )
    }

    fn id(&self, node: &Node) -> Option<DeviceId> {
        let text = node.text(self.faults)?;
        let id = text.parse().map_err(|error: super::IdError| {
            self.faults.add(
                node.at,
                error.to_string(),
                "a new one comes from `uuidgen`; it never changes afterwards",
            );
        });
        id.ok()
    }

    fn platform(&self, node: &Node) -> Option<Platform> {
        if matches!(node.value, Content::Text(_)) {
            return Some(Platform {
                name: self.name(node)?,
                owns: Vec::new(),
            });
        }
        let fields = node.fields(self.faults)?;
        let name = fields.required("name").and_then(|it| self.name(it));
        let owns = fields
            .optional("owns")
            .and_then(|it| it.list(self.faults))
            .unwrap_or_default();
        let owns = owns.iter().filter_map(|it| self.subtree(it)).collect();
        fields.end();
        Some(Platform { name: name?, owns })
    }

    fn subtree(&self, node: &Node) -> Option<String> {
        let text = node.text(self.faults)?;
        if self.schema.at(&text).is_some() {
            return Some(text);
        }
        let near = nearest(&text, self.schema.nodes().map(|it| it.path()));
        let hint = near.map_or_else(
            || "a path of names, such as interface/rate-limit".to_owned(),
            |it| format!("did you mean {it}?"),
        );
        self.faults
            .add(node.at, format!("{text:?} is no node of the model"), hint);
        None
    }

    fn channel(&self, node: &Node, port: Option<u16>) -> Option<Channel> {
        let words = Protocol::ALL.map(|it| (it.word(), it));
        let usual = |protocol: Protocol| Channel {
            protocol,
            port: port.unwrap_or(protocol.usual_port()),
        };
        if matches!(node.value, Content::Text(_)) {
            return self.word(node, &words).map(usual);
        }
        let fields = node.fields(self.faults)?;
        let protocol = fields.required("name").and_then(|it| self.word(it, &words));
        let port = fields.optional("port").and_then(|it| self.port(it));
        fields.end();
        let channel = usual(protocol?);
        Some(Channel {
            port: port.unwrap_or(channel.port),
            ..channel
        })
    }

    fn place(&self, node: &Node) -> Option<Place> {
        let fields = node.fields(self.faults)?;
        let about = fields.optional("about").and_then(|it| it.text(self.faults));
        fields.end();
        Some(Place { about })
    }

    fn group(&self, node: &Node) -> Option<Group> {
        if let Content::List(_) = node.value {
            return Some(Group {
                about: None,
                members: self.set(node),
            });
        }
        let fields = node.fields(self.faults)?;
        let about = fields.optional("about").and_then(|it| it.text(self.faults));
        let members = self.names(&fields, "members");
        fields.end();
        Some(Group { about, members })
    }

    fn prefixes(&self, node: &Node) -> Option<Prefixes> {
        if let Content::List(items) = &node.value {
            let prefixes = items.iter().filter_map(|it| self.prefix(it)).collect();
            return Some(Prefixes {
                prefixes,
                at: BTreeSet::new(),
            });
        }
        let fields = node.fields(self.faults)?;
        let items = fields
            .required("prefixes")
            .and_then(|it| it.list(self.faults))
            .unwrap_or_default();
        let prefixes = items.iter().filter_map(|it| self.prefix(it)).collect();
        let at = self.names(&fields, "at");
        fields.end();
        Some(Prefixes { prefixes, at })
    }

    fn prefix(&self, node: &Node) -> Option<String> {
        let text = node.text(self.faults)?;
        match crate::types::canonical_prefix(&text) {
            Some(prefix) => Some(prefix),
            None => {
                self.faults.add(
                    node.at,
                    format!("{text:?} is no prefix"),
                    "write it as 192.0.2.0/24 or 2001:db8::/32",
                );
                None
            }
        }
    }

    fn link(&self, node: &Node) -> Option<Link> {
        let fields = node.fields(self.faults)?;
        let ends = fields
            .required("ends")
            .and_then(|it| Some((it.at, it.list(self.faults)?)));
        let ends = ends.and_then(|(at, items)| match items {
            [a, b] => Some([self.end(a)?, self.end(b)?]),
            _ => {
                self.faults.add(
                    at,
                    format!("a link with {} ends", items.len()),
                    "a link has two: [r1:eth1, r2:eth1]",
                );
                None
            }
        });
        let cost = fields.optional("cost").and_then(|it| self.number(it, 1, u32::MAX));
        let capacity = fields.optional("capacity").and_then(|it| self.positive(it));
        let tags = self.names(&fields, "tags");
        fields.end();
        Some(Link {
            ends: ends?,
            cost: cost.unwrap_or(1),
            capacity,
            tags,
        })
    }

    fn end(&self, node: &Node) -> Option<End> {
        let text = node.text(self.faults)?;
        match text.split_once(':') {
            Some((name, interface)) if !name.is_empty() && !interface.is_empty() => Some(End {
                node: name.to_owned(),
                interface: interface.to_owned(),
            }),
            Some(_) | None => {
                self.faults.add(
                    node.at,
                    format!("{text:?} is no end of a link"),
                    "write it as device:interface",
                );
                None
            }
        }
    }

    fn port(&self, node: &Node) -> Option<u16> {
        self.number(node, 1, u32::from(u16::MAX))
            .and_then(|it| u16::try_from(it).ok())
    }

    fn positive(&self, node: &Node) -> Option<u64> {
        let number = node.integer(self.faults)?;
        let fitting = u64::try_from(number).ok().filter(|it| *it > 0);
        if fitting.is_none() {
            self.faults
                .add(node.at, format!("{number} is no capacity"), "in bit/s: 1000000000");
        }
        fitting
    }

    fn number(&self, node: &Node, least: u32, most: u32) -> Option<u32> {
        let number = node.integer(self.faults)?;
        let fitting = u32::try_from(number).ok().filter(|it| (least..=most).contains(it));
        if fitting.is_none() {
            self.faults.add(
                node.at,
                format!("{number} is out of range"),
                format!("from {least} to {most}"),
            );
        }
        fitting
    }

    fn word<T: Copy>(&self, node: &Node, words: &[(&'static str, T)]) -> Option<T> {
        let text = node.text(self.faults)?;
        let found = words.iter().find(|it| it.0 == text).map(|it| it.1);
        if found.is_none() {
            let known: Vec<_> = words.iter().map(|it| it.0).collect();
            self.faults.add(
                node.at,
                format!("{text:?} is not known here"),
                format!("one of {}", known.join(", ")),
            );
        }
        found
    }

    fn text(&self, node: &Node) -> Option<String> {
        let text = node.text(self.faults)?;
        if text.is_empty() || text.len() > 255 || text.chars().any(|it| it.is_control() || it.is_whitespace()) {
            self.faults.add(
                node.at,
                "not a name or address",
                "up to 255 characters without white space",
            );
            return None;
        }
        Some(text)
    }

    fn name(&self, node: &Node) -> Option<String> {
        let text = node.text(self.faults)?;
        self.checked_name(&text, node.at).then_some(text)
    }

    fn checked_name(&self, text: &str, at: Mark) -> bool {
        let letters = text
            .chars()
            .all(|it| it.is_alphanumeric() || matches!(it, '-' | '_' | '.' | '/'));
        let sound = letters && text.starts_with(char::is_alphanumeric) && text.chars().count() <= 63;
        if !sound {
            let hint = "a name begins with a letter or digit and has letters, digits, '-', '_', '.' and '/', up to 63";
            self.faults.add(at, format!("{text:?} is no name"), hint);
        }
        sound
    }

    fn names(&self, fields: &Fields<'_>, name: &'static str) -> BTreeSet<String> {
        fields.optional(name).map(|it| self.set(it)).unwrap_or_default()
    }

    fn set(&self, node: &Node) -> BTreeSet<String> {
        node.list(self.faults)
            .unwrap_or_default()
            .iter()
            .filter_map(|it| self.name(it))
            .collect()
    }
}
