//! The schema of the canonical model, compiled from the committed table `schema.table`.
//!
//! The table is made from the YANG modules in `yang/` by the crate that links libyang, so that nothing here needs a C
//! library. It is text, one line for each thing, so that a change of the model can be read in a diff:
//!
//! ```text
//! # a comment; empty lines are allowed
//! revision 2026-01-31
//! module entente-interfaces urn:entente:interfaces
//! interface                 list keys=name in=entente-interfaces about="A port or logical interface."
//! interface/name            leaf type=string length=1..64
//! interface/mtu             leaf type=uint16 range=68..65535 units=bytes
//! interface/enabled         leaf type=boolean default=true
//! interface/address         list keys=prefix
//! interface/address/prefix  leaf type=ip-address-and-prefix
//! interface/state           container state
//! interface/state/in-octets leaf type=uint64 state
//! ```
//!
//! - **Lines.** `revision DATE` once, first. `module NAME NAMESPACE` for each module. Every other line is a schema node:
//!   its path (names from the root with `/` between, without keys, without module names, without choices and cases), its
//!   kind, then attributes. A node comes after its parent; siblings stand in the order of the YANG modules.
//! - **Kinds.** `container`, `presence` (a presence container), `list`, `leaf`, `leaf-list`. Key leaves have lines too.
//! - **Attributes** are separated by white space, in any order: words (`state`, `mandatory`, `secret`) or `name=value`.
//!   A value with white space or `"` stands in double quotes, where `\"` and `\\` are escapes.
//!
//! | attribute | on | means |
//! |---|---|---|
//! | `in=MODULE` | any | the module whose namespace the node has; where it is missing, the parent's |
//! | `keys=a,b` | list | the key leaves in order; needed, a list without keys has no place in a sorted map |
//! | `unique="a b/c"` | list | leaves whose values together are unique among the entries; may be repeated |
//! | `type=TYPE` | leaf, leaf-list | the base type, below; needed |
//! | `default=VALUE` | leaf, leaf-list | the value where none is set; repeated for a leaf-list |
//! | `mandatory` | leaf, choice member | must be there where its parent is |
//! | `min=N`, `max=N` | list, leaf-list | how many entries |
//! | `choice=NAME:CASE` | any | the case that the node belongs to; in nested choices the outermost first, `a:x,b:y` |
//! | `state` | any | `config false`; said on every such node |
//! | `secret` | leaf | holds the name of a secret, never the secret |
//! | `distinct=value`, `distinct=address` | key leaf | on one device only once, wherever it stands: the whole value, or the address before the slash |
//! | `ref=PATH` | leaf, leaf-list | a leafref; `type` is that of the leaf referred to |
//! | `units=TEXT`, `about=TEXT` | any | units and description, as in YANG |
//!
//! **Types** with their facets, also attributes: `boolean`, `empty`, `int8` … `uint64` (`range=68..9216|65535`),
//! `decimal64` (`digits=2`, `range=`), `string` (`length=1..64`, `pattern=` repeated: only such as mean the same to
//! the `regex` crate; others are left out and left to libyang), `enumeration` (`names=permit,deny`), `binary`
//! (`length=`), `ipv4-address`, `ipv6-address`, `ip-address` (no zone), `ipv4-prefix`, `ipv6-prefix`, `ip-prefix` (host
//! bits are zero in the canonical form), `ipv4-address-and-prefix`, `ipv6-address-and-prefix`, `ip-address-and-prefix`
//! (host bits are kept), `mac-address`, and `union` with one `member="TYPE facets"` for each member in order.
//! `min` and `max` in ranges are written as numbers. There is no identityref, bits, instance-identifier or anydata: the
//! canonical model needs none.

mod check;
mod node;
mod table;
pub(crate) mod words;

pub use node::{Choice, Kind, Module, Node, Part};
pub use table::TableError;

use crate::path::Path;
use std::collections::HashMap;
use std::sync::LazyLock;

/// The nodes that a configuration may have.
#[derive(Debug)]
pub struct Schema {
    revision: Box<str>,
    modules: Vec<Module>,
    nodes: Vec<Node>,
    by_path: HashMap<Box<str>, usize>,
    top: Vec<usize>,
}

static CANONICAL: LazyLock<Schema> = LazyLock::new(|| {
    #[expect(
        clippy::expect_used,
        reason = "the table is committed and compiled by a test of this crate"
    )]
    Schema::compile(include_str!("../schema.table")).expect("the committed schema table compiles")
});

impl Schema {
    /// The canonical model: a constant, compiled at first use.
    pub fn canonical() -> &'static Self {
        &CANONICAL
    }

    /// Compiles a table. The first fault ends it: tables are made by a program.
    pub fn compile(table: &str) -> Result<Self, TableError> {
        table::compile(table)
    }

    /// The revision of the model.
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// The modules, in the order of the table.
    pub fn modules(&self) -> &[Module] {
        &self.modules
    }

    /// The module that a node stands in.
    pub fn module(&self, node: &Node) -> &Module {
        &self.modules[node.module]
    }

    /// The schema node of an instance path; none if a name is unknown or a step has another number of keys than its
    /// node. The values of the keys are not checked: [`Schema::check`] does that.
    pub fn node(&self, path: &Path) -> Option<&Node> {
        let mut node = None;
        for step in path.steps() {
            let next = self.child(node, step.name)?;
            (step.keys.len() == next.key_count()).then_some(())?;
            node = Some(next);
        }
        node
    }

    /// The node at a path of names, such as `interface/mtu`.
    pub fn at(&self, names: &str) -> Option<&Node> {
        self.by_path.get(names).map(|it| &self.nodes[*it])
    }

    /// A child by name; of the root where no parent is given.
    pub fn child(&self, parent: Option<&Node>, name: &str) -> Option<&Node> {
        let children = parent.map_or(&self.top, |it| &it.children);
        children.iter().map(|it| &self.nodes[*it]).find(|it| it.name() == name)
    }

    /// The children in the order of the YANG modules; of the root where no parent is given.
    pub fn children<'a>(&'a self, parent: Option<&'a Node>) -> impl Iterator<Item = &'a Node> {
        parent
            .map_or(&self.top, |it| &it.children)
            .iter()
            .map(|it| &self.nodes[*it])
    }

    /// All nodes; a parent comes before its children.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter()
    }
}

#[cfg(test)]
mod tests;
