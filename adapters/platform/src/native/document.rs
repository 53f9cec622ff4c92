//! XML to send: elements that are merged as they are asked for, and written with the namespaces that they need.

use super::{Name, Native};
use quick_xml::escape::escape;

/// The namespace of the protocol's own attributes.
const BASE: &str = "urn:ietf:params:xml:ns:netconf:base:1.0";

/// What is to become of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Operation {
    /// It is merged.
    #[default]
    Merge,
    /// It goes, if it is there.
    Remove,
}

/// An element to write.
#[derive(Debug, Clone, Default)]
pub(super) struct Outgoing {
    pub name: Option<Name>,
    pub keys: Vec<(Name, String)>,
    pub text: Option<String>,
    pub operation: Operation,
    pub children: Vec<Outgoing>,
}

impl Outgoing {
    /// The child of this name and these keys, made where it is missing.
    pub fn child(&mut self, name: &Name, keys: Vec<(Name, String)>) -> &mut Self {
        let found = self
            .children
            .iter()
            .position(|it| it.name.as_ref() == Some(name) && it.keys == keys);
        let at = found.unwrap_or_else(|| {
            self.children.push(Self {
                name: Some(name.clone()),
                keys,
                ..Self::default()
            });
            self.children.len() - 1
        });
        &mut self.children[at]
    }

    /// The text of the children.
    pub fn write(&self, native: &Native) -> String {
        let mut text = String::new();
        for child in &self.children {
            child.write_in("", native, &mut text);
        }
        text
    }

    fn write_in(&self, around: &str, native: &Native, text: &mut String) {
        let Some(name) = &self.name else { return };
        let namespace = native.namespaces.get(&name.prefix).map_or("", String::as_str);
        text.push('<');
        text.push_str(&name.local);
        if namespace != around {
            text.push_str(&format!(" xmlns=\"{}\"", escape(namespace)));
        }
        if self.operation == Operation::Remove {
            text.push_str(&format!(" xmlns:nc=\"{BASE}\" nc:operation=\"remove\""));
        }
        if let Some((prefix, namespace)) = self.text.as_deref().and_then(|it| identity(it, native)) {
            text.push_str(&format!(" xmlns:{prefix}=\"{}\"", escape(namespace)));
        }
        if self.keys.is_empty() && self.children.is_empty() && self.text.is_none() {
            text.push_str("/>");
            return;
        }
        text.push('>');
        for (key, value) in &self.keys {
            let leaf = Self {
                name: Some(key.clone()),
                text: Some(value.clone()),
                ..Self::default()
            };
            leaf.write_in(namespace, native, text);
        }
        if let Some(value) = &self.text {
            text.push_str(&escape(value.as_str()));
        }
        for child in &self.children {
            child.write_in(namespace, native, text);
        }
        text.push_str(&format!("</{}>", name.local));
    }
}

/// The prefix of an identity and its namespace: `rt:static`.
fn identity<'a>(text: &'a str, native: &'a Native) -> Option<(&'a str, &'a str)> {
    let (prefix, rest) = text.split_once(':')?;
    let name = !rest.is_empty() && rest.chars().all(|it| it.is_ascii_alphanumeric() || it == '-');
    let namespace = native.namespaces.get(prefix)?;
    name.then_some((prefix, namespace.as_str()))
}
