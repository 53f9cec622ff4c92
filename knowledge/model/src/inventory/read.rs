//! Reading an inventory: every fault with its line and column, all at once, unknown keys refused.

use super::hidden::{Hidden, hidden, misspelt};
use super::{
    Channel, Device, DeviceId, End, Group, Guarantee, Host, Inventory, Link, Place, Platform, Prefixes, Protocol,
};
use crate::document::{self, Content, Fault, Faults, Fields, Mark, Node, nearest};
use crate::schema::Schema;
use std::collections::{BTreeMap, BTreeSet};

/// What stands in a file and where, whole or not, for faults that are found when all is read.
#[derive(Default)]
pub(super) struct Marks {
    pub(super) devices: Vec<Draft>,
    pub(super) hosts: Vec<Draft>,
    pub(super) sites: BTreeMap<String, Mark>,
    pub(super) groups: BTreeMap<String, Mark>,
    /// Whom groups have as members.
    pub(super) members: Vec<Named>,
    /// Behind whom prefixes are.
    pub(super) holders: Vec<Named>,
    pub(super) ends: Vec<(Mark, End)>,
    pub(super) hidden: Hidden,
}

/// A name that stands in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) at: Mark,
    pub(super) name: String,
}

/// As much of a device or host as could be read.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) at: Mark,
    pub(super) name: Option<String>,
    pub(super) id: Option<DeviceId>,
    pub(super) site: Option<Named>,
    pub(super) platforms: Vec<Platform>,
    pub(super) protocols: Vec<Channel>,
}

impl Inventory {
    /// Reads YAML.
    ///
    /// # Errors
    /// Every fault of the file.
    pub fn read(text: &str, schema: &Schema) -> Result<Self, Vec<Fault>> {
        Self::reading(text, schema, None)
    }

    /// Reads YAML whose platforms are among these: another is a fault like every other.
    ///
    /// # Errors
    /// Every fault of the file.
    pub fn read_for(text: &str, schema: &Schema, platforms: &[&str]) -> Result<Self, Vec<Fault>> {
        Self::reading(text, schema, Some(platforms))
    }

    fn reading(text: &str, schema: &Schema, platforms: Option<&[&str]>) -> Result<Self, Vec<Fault>> {
        let (document, faults) = document::open(text)?;
        let mut marks = Marks::default();
        let inventory = Reader {
            faults: &faults,
            schema,
            platforms,
        }
        .inventory(&document, &mut marks);
        if let Some(inventory) = &inventory {
            inventory.check(&marks, &faults);
        }
        faults.settle(inventory)
    }
}

pub(super) struct Reader<'a> {
    pub(super) faults: &'a Faults,
    schema: &'a Schema,
    /// The platforms that there are, where that is known.
    platforms: Option<&'a [&'a str]>,
}

impl Reader<'_> {
    fn inventory(&self, node: &Node, marks: &mut Marks) -> Option<Inventory> {
        let fields = node.fields(self.faults)?;
        if let Some(version) = fields.needed("version", "add `version: 1`")
            && version.integer(self.faults).is_some_and(|it| it != 1)
        {
            self.faults.add(
                version.at,
                "this program reads version 1",
                "use a program that is as new as the file",
            );
        }
        let devices = self.items(&fields, "devices", |it| self.device(it, &mut marks.devices));
        let hosts = self.items(&fields, "hosts", |it| self.host(it, &mut marks.hosts));
        let links = self.items(&fields, "links", |it| self.link(it, &mut marks.ends));
        let sites = self.named(&fields, "sites", &mut marks.sites, |it| self.place(it));
        let (members, holders) = (&mut marks.members, &mut marks.holders);
        let groups = self.named(&fields, "groups", &mut marks.groups, |it| self.group(it, members));
        let prefixes = self.named(&fields, "prefixes", &mut BTreeMap::new(), |it| {
            self.prefixes(it, holders)
        });
        fields.end();
        marks.hidden = hidden(node);
        Some(Inventory {
            devices,
            hosts,
            sites,
            groups,
            prefixes,
            links,
        })
    }

    /// The items of a list that may be missing.
    fn items<T>(&self, fields: &Fields<'_>, name: &'static str, read: impl FnMut(&Node) -> Option<T>) -> Vec<T> {
        let nodes = fields.optional(name).and_then(|it| it.list(self.faults));
        nodes.unwrap_or_default().iter().filter_map(read).collect()
    }

    /// The entries of a mapping from names that may be missing, with their places.
    fn named<T: Default>(
        &self,
        fields: &Fields<'_>,
        name: &'static str,
        marks: &mut BTreeMap<String, Mark>,
        mut read: impl FnMut(&Node) -> Option<T>,
    ) -> BTreeMap<String, T> {
        let entries = fields
            .optional(name)
            .and_then(|it| it.entries(self.faults))
            .unwrap_or_default();
        let mut named = BTreeMap::new();
        for (key, node) in entries {
            self.checked_name(key, node.named);
            marks.insert(key.clone(), node.named);
            let value = if node.value == Content::Null {
                Some(T::default())
            } else {
                read(node)
            };
            named.extend(value.map(|it| (key.clone(), it)));
        }
        named
    }

    fn device(&self, node: &Node, drafts: &mut Vec<Draft>) -> Option<Device> {
        let fields = self.drafted(node, drafts)?;
        let id = fields.needed("id", "add `id: UUID`, a new one from `uuidgen`");
        let id = id.and_then(|it| self.id(it));
        let name = fields.needed("name", "add `name: r1`").and_then(|it| self.name(it));
        let address = fields.needed("address", "add `address: 192.0.2.1`");
        let address = address.and_then(|it| self.address(it));
        let port = fields.optional("port").and_then(|it| self.port(it));
        let platforms = self.several(&fields, ("platforms", "add `platforms: [frr]`"), |it| self.platform(it));
        let protocols = self.several(&fields, ("protocols", "add `protocols: [netconf, cli]`"), |it| {
            self.channel(it, port)
        });
        let credentials = fields.optional("credentials").and_then(|it| self.name(it));
        let guarantee = fields
            .optional("guarantee")
            .and_then(|it| self.word(it, &Guarantee::ALL.map(|it| (it.word(), it))));
        let (site, tags) = self.whereabouts(&fields);
        drafts.push(Draft {
            at: node.at,
            name: name.clone().or_else(|| misspelt(&fields)),
            id,
            site: site.clone(),
            platforms: platforms.clone(),
            protocols: protocols.clone(),
        });
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
            site: site.map(|it| it.name),
            tags,
        })
    }

    /// The items of a list that must be there and name something.
    fn several<T>(
        &self,
        fields: &Fields<'_>,
        (name, hint): (&'static str, &str),
        read: impl Fn(&Node) -> Option<T>,
    ) -> Vec<T> {
        let list = fields
            .needed(name, hint)
            .and_then(|it| Some((it.at, it.list(self.faults)?)));
        let Some((at, items)) = list else {
            return Vec::new();
        };
        if items.is_empty() {
            self.faults
                .add(at, format!("`{name}` is empty"), "a device has one at least");
        }
        items.iter().filter_map(read).collect()
    }

    fn host(&self, node: &Node, drafts: &mut Vec<Draft>) -> Option<Host> {
        let fields = self.drafted(node, drafts)?;
        let name = fields.needed("name", "add `name: h1`").and_then(|it| self.name(it));
        let address = fields.optional("address").and_then(|it| self.address(it));
        let (site, tags) = self.whereabouts(&fields);
        drafts.push(Draft {
            at: node.at,
            name: name.clone().or_else(|| misspelt(&fields)),
            site: site.clone(),
            ..Draft::default()
        });
        fields.end();
        Some(Host {
            name: name?,
            address,
            site: site.map(|it| it.name),
            tags,
        })
    }

    /// The fields of a device or host. What stands there instead, a name perhaps, is drafted.
    fn drafted<'n>(&'n self, node: &'n Node, drafts: &mut Vec<Draft>) -> Option<Fields<'n>> {
        let fields = node.fields(self.faults);
        if let (None, Content::Text(name)) = (&fields, &node.value) {
            drafts.push(Draft {
                at: node.at,
                name: Some(name.clone()),
                ..Draft::default()
            });
        }
        fields
    }

    fn whereabouts(&self, fields: &Fields<'_>) -> (Option<Named>, BTreeSet<String>) {
        let site = fields.optional("site").and_then(|it| self.marked(it));
        (site, self.names(fields, "tags"))
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
                name: self.platform_name(node)?,
                owns: Vec::new(),
            });
        }
        let fields = node.fields(self.faults)?;
        let name = fields
            .needed("name", "add `name: frr`")
            .and_then(|it| self.platform_name(it));
        let owns = fields.optional("owns").and_then(|it| it.list(self.faults));
        let owns = owns.unwrap_or_default().iter();
        let owns = owns.filter_map(|it| self.subtree(it)).collect();
        fields.end();
        Some(Platform { name: name?, owns })
    }

    fn platform_name(&self, node: &Node) -> Option<String> {
        let name = self.name(node)?;
        if let Some(known) = self.platforms
            && !known.contains(&&*name)
        {
            let near = nearest(&name, known.iter().copied());
            let near = near.map_or(String::new(), |it| format!("did you mean {it}? "));
            let hint = format!("{near}there are {}", known.join(", "));
            self.faults
                .add(node.at, format!("no platform is called {name:?}"), hint);
        }
        Some(name)
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
        Some(text)
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
        let protocol = fields.needed("name", "add `name: netconf`");
        let protocol = protocol.and_then(|it| self.word(it, &words));
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

    fn group(&self, node: &Node, marked: &mut Vec<Named>) -> Option<Group> {
        if let Content::List(_) = node.value {
            return Some(Group {
                about: None,
                members: self.referred(Some(node), marked),
            });
        }
        let fields = node.fields(self.faults)?;
        let about = fields.optional("about").and_then(|it| it.text(self.faults));
        let members = self.referred(fields.optional("members"), marked);
        fields.end();
        Some(Group { about, members })
    }

    /// Names that are to be found elsewhere.
    fn referred(&self, list: Option<&Node>, marked: &mut Vec<Named>) -> BTreeSet<String> {
        let items = list.and_then(|it| it.list(self.faults)).unwrap_or_default();
        let names: Vec<Named> = items.iter().filter_map(|it| self.marked(it)).collect();
        marked.extend(names.iter().cloned());
        names.into_iter().map(|it| it.name).collect()
    }

    /// A name and its place.
    fn marked(&self, node: &Node) -> Option<Named> {
        let name = self.name(node)?;
        Some(Named { at: node.at, name })
    }

    fn prefixes(&self, node: &Node, marked: &mut Vec<Named>) -> Option<Prefixes> {
        if let Content::List(items) = &node.value {
            let prefixes = items.iter().filter_map(|it| self.prefix(it)).collect();
            return Some(Prefixes {
                prefixes,
                at: BTreeSet::new(),
            });
        }
        let fields = node.fields(self.faults)?;
        let items = fields
            .needed("prefixes", "add `prefixes: [192.0.2.0/24]`")
            .and_then(|it| it.list(self.faults))
            .unwrap_or_default();
        let prefixes = items.iter().filter_map(|it| self.prefix(it)).collect();
        let at = self.referred(fields.optional("at"), marked);
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

    fn link(&self, node: &Node, marked: &mut Vec<(Mark, End)>) -> Option<Link> {
        let fields = node.fields(self.faults)?;
        let list = fields
            .needed("ends", "add `ends: [r1:eth1, r2:eth1]`")
            .and_then(|it| Some((it.at, it.list(self.faults)?)));
        let (at, items) = list.unwrap_or((node.at, &[]));
        if list.is_some() && items.len() != 2 {
            let what = format!("a link with {} ends", items.len());
            self.faults.add(at, what, "a link has two: [r1:eth1, r2:eth1]");
        }
        let ends: Vec<(Mark, End)> = items.iter().filter_map(|it| Some((it.at, self.end(it)?))).collect();
        marked.extend(ends.iter().cloned());
        let ends: Vec<End> = ends.into_iter().map(|it| it.1).collect();
        let cost = fields.optional("cost").and_then(|it| self.number(it, 1, u32::MAX));
        let capacity = fields.optional("capacity").and_then(|it| self.positive(it));
        let tags = self.names(&fields, "tags");
        fields.end();
        Some(Link {
            ends: <[End; 2]>::try_from(ends).ok()?,
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
}
