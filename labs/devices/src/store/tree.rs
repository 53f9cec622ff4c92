//! A configuration as a tree of entries, each bound to its node of the schema.

use crate::schema::{Kind, ROOT, SCHEMA};
use crate::xml::Element;

/// One entry: a container, a list entry, a leaf or one value of a leaf-list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Position of its node in the schema.
    pub node: usize,
    /// The canonical value of a leaf or leaf-list entry, else empty.
    pub value: String,
    /// What is inside, keys first.
    pub children: Vec<Entry>,
}

impl Entry {
    /// An empty configuration.
    pub fn root() -> Entry {
        Entry::new(ROOT)
    }

    /// An entry without value and children.
    pub fn new(node: usize) -> Entry {
        Entry {
            node,
            value: String::new(),
            children: Vec::new(),
        }
    }

    /// A leaf.
    pub fn leaf(node: usize, value: String) -> Entry {
        Entry {
            node,
            value,
            children: Vec::new(),
        }
    }

    /// The first child that is bound to this node.
    pub fn child(&self, node: usize) -> Option<&Entry> {
        self.children.iter().find(|child| child.node == node)
    }

    /// The first child whose node has this name.
    pub fn named(&self, name: &str) -> Option<&Entry> {
        self.children.iter().find(|child| SCHEMA.node(child.node).name == name)
    }

    /// The value of the child leaf with this name.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.named(name).map(|child| child.value.as_str())
    }

    /// All children whose node has this name.
    pub fn each<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Entry> {
        self.children
            .iter()
            .filter(move |child| SCHEMA.node(child.node).name == name)
    }

    /// The entry at the end of a path of names, without regard to keys.
    pub fn at(&self, path: &[&str]) -> Option<&Entry> {
        path.iter().try_fold(self, |entry, name| entry.named(name))
    }

    /// The values of a list entry's keys, in order.
    pub fn keys(&self) -> Vec<&str> {
        match &SCHEMA.node(self.node).kind {
            Kind::List { keys } => keys.iter().map(|key| self.text(key).unwrap_or_default()).collect(),
            Kind::Container { .. } | Kind::Leaf { .. } | Kind::LeafList { .. } => Vec::new(),
        }
    }

    /// The child bound to this node, made when it is missing.
    pub fn ensure(&mut self, node: usize) -> &mut Entry {
        let at = match self.children.iter().position(|child| child.node == node) {
            Some(at) => at,
            None => {
                self.children.push(Entry::new(node));
                self.children.len() - 1
            }
        };
        &mut self.children[at]
    }

    /// Drops containers without presence that hold nothing; says whether this entry itself holds nothing.
    pub fn prune(&mut self) -> bool {
        self.children.retain_mut(|child| {
            let empty = child.prune();
            !(empty && matches!(SCHEMA.node(child.node).kind, Kind::Container { presence: false }))
        });
        self.children.is_empty()
    }

    /// Drops every node with this name, at any depth.
    pub fn hide(&mut self, name: &str) {
        self.children.retain(|child| SCHEMA.node(child.node).name != name);
        self.children.iter_mut().for_each(|child| child.hide(name));
    }

    /// The entry as XML.
    pub fn element(&self) -> Element {
        let node = SCHEMA.node(self.node);
        Element {
            ns: node.ns.clone(),
            name: node.name.clone(),
            attributes: Vec::new(),
            children: self.children.iter().map(Entry::element).collect(),
            text: self.value.clone(),
            text_ns: None,
        }
    }

    /// Appends the children as XML; identities are written with a prefix of their own.
    pub fn write_children(&self, out: &mut String, outer: &str) {
        self.children.iter().for_each(|child| child.write(out, outer));
    }

    fn write(&self, out: &mut String, outer: &str) {
        let node = SCHEMA.node(self.node);
        out.push('<');
        out.push_str(&node.name);
        if &*node.ns != outer {
            out.push_str(" xmlns=\"");
            out.push_str(&node.ns);
            out.push('"');
        }
        if self.children.is_empty() && self.value.is_empty() {
            return out.push_str("/>");
        }
        match self.value.split_once('|').filter(|_| is_identity(self.node)) {
            Some((ns, name)) => {
                out.push_str(" xmlns:idn=\"");
                out.push_str(ns);
                out.push_str("\">idn:");
                out.push_str(name);
            }
            None => {
                out.push('>');
                crate::xml::escape(out, &self.value);
            }
        }
        self.write_children(out, &node.ns);
        out.push_str("</");
        out.push_str(&node.name);
        out.push('>');
    }
}

fn is_identity(node: usize) -> bool {
    matches!(
        &SCHEMA.node(node).kind,
        Kind::Leaf {
            value: crate::schema::Type::Identity,
            ..
        }
    )
}
