//! The canonical model in a device's own YANG: edits, filters and replies as XML.

mod document;
mod edit;
pub(crate) mod load;
mod read;

use crate::form::Form;
use crate::net::{self, Network, Piece};
use crate::pattern::Pattern;
use crate::slot::Bindings;
use knowledge_model::{Delta, Mismatch, Path, Tree};
use std::collections::BTreeMap;

/// The native section of a platform.
#[derive(Debug, Clone)]
pub struct Native {
    pub(crate) namespaces: BTreeMap<String, String>,
    pub(crate) rules: Vec<NativeRule>,
}

/// One canonical entry and the node that it is on the device.
#[derive(Debug, Clone)]
pub(crate) struct NativeRule {
    pub path: Pattern,
    /// From the top of the data tree.
    pub node: Vec<NodeStep>,
    /// Leaves inside the node that the keys of the entry fill.
    pub leaves: Vec<(Name, Place)>,
    /// Leaves that the device needs where it makes the node.
    pub create: Vec<(Name, String)>,
    /// The text of the node, where it is always the same.
    pub fixed: Option<String>,
    /// The form of the leaf's value; none where the entry has no value.
    pub value: Option<Form>,
    /// The value that is the same as none.
    pub default: Option<String>,
}

/// A name in a namespace, by its prefix in the platform file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name {
    pub prefix: String,
    pub local: String,
}

/// One step of a native path.
#[derive(Debug, Clone)]
pub(crate) struct NodeStep {
    pub name: Name,
    pub keys: Vec<(Name, Place)>,
}

/// What stands in a native leaf: text, or a slot, or a piece of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Literal(String),
    Slot(String, Option<Piece>),
}

/// Why a change has no native form, or a reply no canonical one.
#[derive(Debug, thiserror::Error)]
pub enum NativeError {
    /// The platform has no node for an entry.
    #[error("no native node for {path}")]
    Unsupported {
        /// Which entry.
        path: Path,
    },
    /// The value has no form on the device.
    #[error("no native form of {path} with this value")]
    Inexpressible {
        /// Which entry.
        path: Path,
    },
    /// The reply is no XML.
    #[error("the reply is no XML at byte {at}")]
    Malformed {
        /// Where.
        at: u64,
        /// Why.
        source: quick_xml::Error,
    },
    /// The reply is larger or deeper than any configuration.
    #[error("the reply has more than {limit} {what}")]
    Limit {
        /// Of what.
        what: &'static str,
        /// How much is taken.
        limit: usize,
    },
    /// The delta was made from another configuration.
    #[error("the configuration is not what the change was made from")]
    Stale(#[source] Mismatch),
}

impl Native {
    /// True if the device has a node for entries at this path.
    pub fn supports(&self, path: &Path) -> bool {
        self.rule(path).is_some()
    }

    /// The children of an edit's `config` element.
    ///
    /// # Errors
    /// Where an entry has no node on this device.
    pub fn edit(&self, delta: &Delta) -> Result<String, NativeError> {
        edit::edit(self, delta)
    }

    /// The same for a server that knows version 1.0 of the protocol alone, which has no `remove`: what goes must be there.
    ///
    /// # Errors
    /// Where an entry has no node on this device.
    pub fn edit_by_delete(&self, delta: &Delta) -> Result<String, NativeError> {
        // No text holds these words: a quotation mark in it is escaped.
        let edit = self.edit(delta)?;
        Ok(edit.replace(" nc:operation=\"remove\"", " nc:operation=\"delete\""))
    }

    /// The children of a subtree filter that selects these paths. It may select more: what is read is cut to the paths
    /// by whoever asked.
    ///
    /// # Errors
    /// Where a path has no node on this device, nor anything above or inside it.
    pub fn filter(&self, paths: &[Path]) -> Result<String, NativeError> {
        edit::filter(self, paths)
    }

    /// The canonical entries in a reply: the `data` element or what is inside it.
    ///
    /// # Errors
    /// Where the text is no XML, or larger than any configuration. What no rule knows is left out.
    pub fn read(&self, xml: &str) -> Result<Tree, NativeError> {
        read::read(self, xml)
    }

    /// The part of a configuration that the device has nodes for, in its form.
    pub fn normal(&self, tree: &Tree) -> Tree {
        let mut normal = Tree::new();
        for (path, value) in tree.iter() {
            let Some((rule, bindings)) = self.rule(path) else {
                continue;
            };
            let Some(path) = rule.path.path(&bindings) else {
                continue;
            };
            match (&rule.value, value.text()) {
                (Some(form), Some(text)) => {
                    if let Some(text) = form.canonical(text).filter(|it| rule.default.as_ref() != Some(it)) {
                        normal.plant(path, knowledge_model::Value::scalar(text));
                    }
                }
                (None, None) => normal.plant(path, knowledge_model::Value::Present),
                (Some(_), None) | (None, Some(_)) => {}
            }
        }
        normal
    }

    /// Whether a device shows nothing where this value stands: it is what holds there anyway.
    pub fn hides(&self, path: &Path, value: &knowledge_model::Value) -> bool {
        let Some((rule, _)) = self.rule(path) else {
            return false;
        };
        let shown = rule.value.as_ref().zip(value.text());
        let shown = shown.and_then(|(form, text)| form.canonical(text));
        shown.is_some() && shown == rule.default
    }

    pub(crate) fn rule(&self, path: &Path) -> Option<(&NativeRule, Bindings)> {
        self.rules.iter().find_map(|rule| Some((rule, rule.path.bind(path)?)))
    }

    /// The number of rules.
    pub fn rule_count(&self) -> usize {
        self.rules.len()
    }
}

impl Place {
    /// The text of the leaf for these values.
    pub fn print(&self, bindings: &Bindings) -> Option<String> {
        match self {
            Self::Literal(text) => Some(text.clone()),
            Self::Slot(slot, None) => bindings.value(slot).map(str::to_owned),
            Self::Slot(slot, Some(piece)) => {
                let network = Network::parse(bindings.value(slot)?, net::Family::Any)?;
                Some(network.piece(*piece))
            }
        }
    }
}
