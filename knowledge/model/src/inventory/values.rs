//! The values of an inventory: names, addresses, numbers and words, each fault with its place.

use super::read::Reader;
use crate::document::{Content, Fields, Mark, Node};
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};

impl Reader<'_> {
    pub(super) fn port(&self, node: &Node) -> Option<u16> {
        self.number(node, 1, u32::from(u16::MAX))
            .and_then(|it| u16::try_from(it).ok())
    }

    pub(super) fn positive(&self, node: &Node) -> Option<u64> {
        let number = node.integer(self.faults)?;
        let fitting = u64::try_from(number).ok().filter(|it| *it > 0);
        if fitting.is_none() {
            self.faults
                .add(node.at, format!("{number} is no capacity"), "in bit/s: 1000000000");
        }
        fitting
    }

    pub(super) fn number(&self, node: &Node, least: u32, most: u32) -> Option<u32> {
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

    pub(super) fn word<T: Copy>(&self, node: &Node, words: &[(&'static str, T)]) -> Option<T> {
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

    /// A name or an address that something is reached at.
    pub(super) fn address(&self, node: &Node) -> Option<String> {
        let text = node.text(self.faults)?;
        // What is a number to YAML has digits and dots alone, or means something else.
        let number = matches!(node.value, Content::Integer(_) | Content::Float(_)).then_some(IPV4);
        let hint = match number.or_else(|| address_fault(&text)) {
            None => return Some(text),
            Some(hint) => hint,
        };
        let shown: String = text.chars().take(60).collect();
        self.faults
            .add(node.at, format!("{shown:?} is no name or address"), hint);
        None
    }

    /// A name as it stands, even if it is none: the file is refused, and what refers to it is not lost besides.
    pub(super) fn name(&self, node: &Node) -> Option<String> {
        let text = node.text(self.faults)?;
        self.checked_name(&text, node.at);
        Some(text)
    }

    pub(super) fn checked_name(&self, text: &str, at: Mark) {
        let letters = text
            .chars()
            .all(|it| it.is_alphanumeric() || matches!(it, '-' | '_' | '.' | '/'));
        let sound = letters && text.starts_with(char::is_alphanumeric) && text.chars().count() <= 63;
        if !sound {
            let hint = "a name begins with a letter or digit and has letters, digits, '-', '_', '.' and '/', up to 63";
            self.faults.add(at, format!("{text:?} is no name"), hint);
        }
    }

    pub(super) fn names(&self, fields: &Fields<'_>, name: &'static str) -> BTreeSet<String> {
        let items = fields.optional(name).and_then(|it| it.list(self.faults));
        items
            .unwrap_or_default()
            .iter()
            .filter_map(|it| self.name(it))
            .collect()
    }
}

const IPV4: &str = "an IPv4 address has four numbers from 0 to 255: 192.0.2.1";

/// How to mend an address that is none. What has digits and dots alone means an IPv4 address, what has a colon an IPv6
/// address; all else is a name.
fn address_fault(text: &str) -> Option<&'static str> {
    let within = text.split_once('%').map_or(text, |it| it.0);
    if text.is_empty() || text.chars().count() > 255 || text.chars().any(|it| it.is_control() || it.is_whitespace()) {
        Some("up to 255 characters without white space")
    } else if text.starts_with('-') {
        Some("an address begins with a letter or digit")
    } else if text.chars().all(|it| it.is_ascii_digit() || it == '.') {
        let sound = text.parse::<Ipv4Addr>().is_ok();
        (!sound).then_some(IPV4)
    } else if text.contains(':') {
        let sound = within.parse::<Ipv6Addr>().is_ok();
        (!sound)
            .then_some("an IPv6 address stands without brackets, and a port under `port` or `protocols`: 2001:db8::1")
    } else {
        None
    }
}
