//! A configuration as a terminal shows it: blocks of lines, and how they stand in the tree of entries.

use crate::personality::Dialect;
use crate::schema::{ROOT, SCHEMA};
use crate::store::Entry;

use super::grammar::{mask, net4, prefix4};

/// Lines below a path of headers; the lines outside all blocks have the empty path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The headers, outermost first.
    pub path: Vec<String>,
    /// The lines in order.
    pub lines: Vec<String>,
}

/// All blocks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Doc {
    /// In the order in which they are shown.
    pub blocks: Vec<Block>,
}

/// Between the headers of a path, where the tree keeps it as one text.
const BETWEEN: &str = " > ";

impl Doc {
    /// The block at a path, made when it is missing.
    pub fn block(&mut self, path: &[String]) -> &mut Block {
        let at = match self.blocks.iter().position(|block| block.path == path) {
            Some(at) => at,
            None => {
                self.blocks.push(Block {
                    path: path.to_vec(),
                    lines: Vec::new(),
                });
                self.blocks.len() - 1
            }
        };
        &mut self.blocks[at]
    }

    /// Gives the block below a path whose header is meant another header.
    pub fn rename(&mut self, path: &[String], meant: impl Fn(&str) -> bool, header: &str) {
        let depth = path.len();
        for block in self
            .blocks
            .iter_mut()
            .filter(|block| block.path.len() > depth && block.path.starts_with(path))
        {
            if meant(&block.path[depth]) {
                header.clone_into(&mut block.path[depth]);
            }
        }
    }

    /// Drops a block and what is inside it; says whether there was one.
    pub fn drop_block(&mut self, path: &[String]) -> bool {
        let before = self.blocks.len();
        self.blocks.retain(|block| !block.path.starts_with(path));
        self.blocks.len() < before
    }

    /// Reads the tree in the words of a dialect.
    pub fn read(tree: &Entry, dialect: Dialect) -> Doc {
        let mut doc = Doc::default();
        let globals = doc.block(&[]);
        if let Some(name) = tree.at(&["system", "hostname"]) {
            globals.lines.push(format!("{} {}", hostname_word(dialect), name.value));
        }
        globals
            .lines
            .extend(routes(tree).filter_map(|route| route_line(dialect, route)));
        for interface in tree.at(&["interfaces"]).into_iter().flat_map(|it| it.each("interface")) {
            let header = format!("interface {}", interface.text("name").unwrap_or_default());
            doc.block(&[header]).lines = interface_lines(dialect, interface);
        }
        for kept in tree.at(&["lines"]).into_iter().flat_map(|it| it.each("block")) {
            let header = kept.text("header").unwrap_or_default();
            let path: Vec<String> = header
                .split(BETWEEN)
                .filter(|it| !it.is_empty())
                .map(str::to_owned)
                .collect();
            let lines = kept.each("line").map(|line| line.value.clone());
            doc.block(&path).lines.extend(lines);
        }
        doc
    }

    /// Writes the blocks into the tree; what no line of this dialect speaks of stays as it is.
    pub fn write(&self, tree: &mut Entry, dialect: Dialect) {
        tree.children.retain(|child| SCHEMA.node(child.node).name != "lines");
        forget_mapped(tree, self);
        for block in &self.blocks {
            let rest: Vec<&String> = block
                .lines
                .iter()
                .filter(|line| !map_line(tree, dialect, block, line))
                .collect();
            let shown_by_tree = matches!(block.path.as_slice(), [one] if one.starts_with("interface "));
            if let [header] = block.path.as_slice()
                && let Some(name) = header.strip_prefix("interface ")
            {
                interface(tree, name);
            }
            if !rest.is_empty() || !block.path.is_empty() && !shown_by_tree {
                keep_lines(tree, &block.path.join(BETWEEN), &rest);
            }
        }
        tree.prune();
    }
}

fn hostname_word(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Frr | Dialect::Ios => "hostname",
        Dialect::Vrp => "sysname",
    }
}

fn routes(tree: &Entry) -> impl Iterator<Item = &Entry> {
    let protocols = tree
        .at(&["routing", "control-plane-protocols"])
        .into_iter()
        .flat_map(|it| &it.children);
    protocols
        .filter_map(|it| it.at(&["static-routes", "ipv4"]))
        .flat_map(|it| it.each("route"))
}

fn route_line(dialect: Dialect, route: &Entry) -> Option<String> {
    let prefix = route.text("destination-prefix")?;
    let hop = &route.at(&["next-hop", "next-hop-address"])?.value;
    let (net, length) = prefix4(prefix)?;
    Some(match dialect {
        Dialect::Frr => format!("ip route {prefix} {hop}"),
        Dialect::Ios => format!("ip route {net} {} {hop}", mask(length)),
        Dialect::Vrp => format!("ip route-static {net} {} {hop}", mask(length)),
    })
}

fn interface_lines(dialect: Dialect, interface: &Entry) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(text) = interface.text("description") {
        lines.push(format!("description {text}"));
    }
    if interface.text("enabled") == Some("false") {
        lines.push("shutdown".to_owned());
    }
    for (at, address) in interface
        .at(&["ipv4"])
        .into_iter()
        .flat_map(|it| it.each("address"))
        .enumerate()
    {
        let ip = address.text("ip").unwrap_or_default();
        let length = address
            .text("prefix-length")
            .and_then(|it| it.parse().ok())
            .unwrap_or(32);
        lines.push(match (dialect, at) {
            (Dialect::Frr, _) => format!("ip address {ip}/{length}"),
            (Dialect::Ios | Dialect::Vrp, 0) => format!("ip address {ip} {}", mask(length)),
            (Dialect::Ios, _) => format!("ip address {ip} {} secondary", mask(length)),
            (Dialect::Vrp, _) => format!("ip address {ip} {} sub", mask(length)),
        });
    }
    for address in interface.at(&["ipv6"]).into_iter().flat_map(|it| it.each("address")) {
        let (ip, length) = (
            address.text("ip").unwrap_or_default(),
            address.text("prefix-length").unwrap_or("128"),
        );
        lines.push(format!("ipv6 address {ip}/{length}"));
    }
    lines
}

/// Takes away what lines say, so that writing them anew leaves only what they say now.
fn forget_mapped(tree: &mut Entry, doc: &Doc) {
    for top in &mut tree.children {
        match SCHEMA.node(top.node).name.as_str() {
            "system" => top.children.retain(|it| SCHEMA.node(it.node).name != "hostname"),
            "interfaces" => {
                let named = |it: &Entry| format!("interface {}", it.text("name").unwrap_or_default());
                top.children
                    .retain(|it| doc.blocks.iter().any(|block| block.path == [named(it)]));
                top.children.iter_mut().for_each(forget_interface);
            }
            "routing" => forget_routes(top),
            _ => {}
        }
    }
}

fn forget_interface(interface: &mut Entry) {
    interface
        .children
        .retain(|it| !matches!(SCHEMA.node(it.node).name.as_str(), "description" | "enabled"));
    for family in &mut interface.children {
        let is_family = matches!(SCHEMA.node(family.node).name.as_str(), "ipv4" | "ipv6");
        if is_family {
            family.children.retain(|it| SCHEMA.node(it.node).name != "address");
        }
    }
    let empty = |it: &Entry| it.children.is_empty() && matches!(SCHEMA.node(it.node).name.as_str(), "ipv4" | "ipv6");
    interface.children.retain(|it| !empty(it));
}

fn forget_routes(entry: &mut Entry) {
    let simple = |it: &Entry| it.at(&["next-hop", "next-hop-address"]).is_some();
    let is_route = |it: &Entry| {
        SCHEMA.node(it.node).name == "route" && it.text("destination-prefix").is_some_and(|p| !p.contains(':'))
    };
    entry.children.retain(|it| !(is_route(it) && simple(it)));
    entry.children.iter_mut().for_each(forget_routes);
    let bare = |it: &Entry| {
        SCHEMA.node(it.node).name == "control-plane-protocol" && it.named("static-routes").is_some_and(is_bare)
    };
    entry.children.retain(|it| !bare(it));
}

fn is_bare(entry: &Entry) -> bool {
    entry.value.is_empty() && entry.children.iter().all(is_bare)
}

/// Puts a line into the modelled part of the tree; says whether the model has a place for it.
fn map_line(tree: &mut Entry, dialect: Dialect, block: &Block, line: &str) -> bool {
    let words: Vec<&str> = line.split(' ').collect();
    match block.path.as_slice() {
        [] => map_global(tree, dialect, &words),
        [header] => match header.strip_prefix("interface ") {
            Some(name) => map_interface(interface(tree, name), line, &words),
            None => false,
        },
        _ => false,
    }
}

fn map_global(tree: &mut Entry, dialect: Dialect, words: &[&str]) -> bool {
    match words {
        [word, name] if *word == hostname_word(dialect) => {
            put(descend(tree, &["system"]), "hostname", name);
            true
        }
        ["ip", "route", prefix, hop] if prefix.contains('/') => map_route(tree, prefix, hop),
        ["ip", "route" | "route-static", net, mask, hop] => {
            let length = mask
                .parse::<std::net::Ipv4Addr>()
                .map(|it| u32::from(it).leading_ones());
            match (net.parse(), length) {
                (Ok(net), Ok(length)) => map_route(tree, &format!("{}/{length}", net4(net, length)), hop),
                (Err(_), _) | (_, Err(_)) => false,
            }
        }
        _ => false,
    }
}

fn map_route(tree: &mut Entry, prefix: &str, hop: &str) -> bool {
    let known = routes(tree).any(|it| it.text("destination-prefix") == Some(prefix));
    if known || hop.parse::<std::net::Ipv4Addr>().is_err() {
        return false;
    }
    let protocols = descend(tree, &["routing", "control-plane-protocols"]);
    let rt = "urn:ietf:params:xml:ns:yang:ietf-routing|static";
    let at = protocols.children.iter().position(|it| it.text("type") == Some(rt));
    let at = at.unwrap_or_else(|| {
        let protocol = add(protocols, "control-plane-protocol");
        put(protocol, "type", rt);
        put(protocol, "name", "static");
        protocols.children.len() - 1
    });
    let routes = descend(&mut protocols.children[at], &["static-routes", "ipv4"]);
    let route = add(routes, "route");
    put(route, "destination-prefix", prefix);
    put(descend(route, &["next-hop"]), "next-hop-address", hop);
    true
}

fn map_interface(interface: &mut Entry, line: &str, words: &[&str]) -> bool {
    match words {
        ["description", ..] => {
            put(interface, "description", line.trim_start_matches("description "));
            true
        }
        ["shutdown"] => {
            put(interface, "enabled", "false");
            true
        }
        ["ip", "address", host] => map_address(interface, "ipv4", host),
        ["ip", "address", ip, mask, ..] => {
            let Ok(mask) = mask.parse::<std::net::Ipv4Addr>() else {
                return false;
            };
            map_address(interface, "ipv4", &format!("{ip}/{}", u32::from(mask).leading_ones()))
        }
        ["ipv6", "address", host] => map_address(interface, "ipv6", host),
        _ => false,
    }
}

fn map_address(interface: &mut Entry, family: &str, host: &str) -> bool {
    let Some((ip, length)) = host.split_once('/') else {
        return false;
    };
    let family = descend(interface, &[family]);
    if family.each("address").any(|it| it.text("ip") == Some(ip)) {
        return false;
    }
    let address = add(family, "address");
    put(address, "ip", ip);
    put(address, "prefix-length", length);
    true
}

fn interface<'a>(tree: &'a mut Entry, name: &str) -> &'a mut Entry {
    let interfaces = descend(tree, &["interfaces"]);
    let at = interfaces.children.iter().position(|it| it.text("name") == Some(name));
    let at = at.unwrap_or_else(|| {
        let loopback = name.to_ascii_lowercase().starts_with("lo");
        let kind = if loopback { "softwareLoopback" } else { "ethernetCsmacd" };
        let added = add(interfaces, "interface");
        put(added, "name", name);
        put(
            added,
            "type",
            &format!("urn:ietf:params:xml:ns:yang:iana-if-type|{kind}"),
        );
        interfaces.children.len() - 1
    });
    &mut interfaces.children[at]
}

fn keep_lines(tree: &mut Entry, header: &str, lines: &[&String]) {
    let block = add(descend(tree, &["lines"]), "block");
    put(block, "header", header);
    if let Some(node) = SCHEMA.named(block.node, "line") {
        block
            .children
            .extend(lines.iter().map(|line| Entry::leaf(node, (*line).clone())));
    }
}

fn descend<'a>(entry: &'a mut Entry, path: &[&str]) -> &'a mut Entry {
    path.iter().fold(entry, |entry, name| {
        let node = SCHEMA.named(entry.node, name).unwrap_or(ROOT);
        entry.ensure(node)
    })
}

fn add<'a>(entry: &'a mut Entry, name: &str) -> &'a mut Entry {
    entry
        .children
        .push(Entry::new(SCHEMA.named(entry.node, name).unwrap_or(ROOT)));
    let last = entry.children.len() - 1;
    &mut entry.children[last]
}

fn put(entry: &mut Entry, name: &str, value: &str) {
    if let Some(node) = SCHEMA.named(entry.node, name) {
        entry.ensure(node).value = value.to_owned();
    }
}
