//! One node of the schema.

use crate::types::Type;

/// A YANG module: its name stands in JSON, its namespace in XML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// The name.
    pub name: Box<str>,
    /// The namespace.
    pub namespace: Box<str>,
}

/// What kind of node it is.
#[derive(Debug)]
pub enum Kind {
    /// A container that only orders: never an entry.
    Container,
    /// A container whose presence means something: an entry.
    Presence,
    /// A list; each instance is an entry.
    List {
        /// The key leaves in order.
        keys: Vec<Box<str>>,
        /// Groups of leaves, as paths of names below the list, that are unique among the instances.
        unique: Vec<Vec<Box<str>>>,
    },
    /// A leaf.
    Leaf(Type),
    /// A leaf-list; each value is an entry.
    LeafList(Type),
}

/// A case of a choice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Choice {
    /// The name of the choice, unique within the parent node.
    pub choice: Box<str>,
    /// The name of the case.
    pub case: Box<str>,
}

/// The part of a value that may stand on one device only once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The whole value.
    Value,
    /// The address before the slash; loopback and link-local addresses may repeat.
    Address,
}

/// A node of the schema.
#[derive(Debug)]
pub struct Node {
    pub(super) path: Box<str>,
    pub(super) module: usize,
    pub(super) children: Vec<usize>,
    /// What kind of node it is.
    pub kind: Kind,
    /// True for state, false for configuration.
    pub state: bool,
    /// Must be there where its parent is.
    pub mandatory: bool,
    /// Holds the name of a secret.
    pub secret: bool,
    /// On one device no two instances hold the same, wherever they stand; said of the key of a list.
    pub distinct: Option<Part>,
    /// Is a key of the list it stands in: its value is part of the path and it is no entry.
    pub key: bool,
    /// Canonical values where none is set.
    pub defaults: Vec<Box<str>>,
    /// The cases that it belongs to, the outermost choice first.
    pub choices: Vec<Choice>,
    /// The fewest entries of a list or leaf-list.
    pub min: u32,
    /// The most entries of a list or leaf-list.
    pub max: Option<u32>,
    /// The path of names of the leaf that it refers to.
    pub refers: Option<Box<str>>,
    /// The units of the value.
    pub units: Option<Box<str>>,
    /// What it is, for operators.
    pub about: Option<Box<str>>,
}

impl Node {
    /// The names from the root, with `/` between.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.path[self.path.rfind('/').map_or(0, |at| at + 1)..]
    }

    /// The type of a leaf or leaf-list.
    pub fn value_type(&self) -> Option<&Type> {
        match &self.kind {
            Kind::Leaf(it) | Kind::LeafList(it) => Some(it),
            Kind::Container | Kind::Presence | Kind::List { .. } => None,
        }
    }

    /// The names of the key leaves; empty for all but lists.
    pub fn keys(&self) -> &[Box<str>] {
        match &self.kind {
            Kind::List { keys, .. } => keys,
            Kind::Container | Kind::Presence | Kind::Leaf(_) | Kind::LeafList(_) => &[],
        }
    }

    /// How many brackets a step to an instance of this node has.
    pub fn key_count(&self) -> usize {
        match &self.kind {
            Kind::List { keys, .. } => keys.len(),
            Kind::LeafList(_) => 1,
            Kind::Container | Kind::Presence | Kind::Leaf(_) => 0,
        }
    }

    /// True if instances are entries of a tree: all but plain containers and key leaves.
    pub fn is_entry(&self) -> bool {
        !self.key && !matches!(self.kind, Kind::Container)
    }

    /// True for a node without children by its kind.
    pub fn is_leaf(&self) -> bool {
        self.value_type().is_some()
    }
}
