//! Slots: where a value in a line comes from, and the values that an instance of a rule has.

use crate::form::Form;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// A value in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slot {
    pub form: Form,
    pub source: Source,
    /// The value that the device does not print.
    pub hidden: Option<String>,
    /// The value that the device prints where the model has none.
    pub default: Option<String>,
    /// What stands in the line where there is no value.
    pub absent: Option<String>,
    /// The value is a reference to a secret.
    pub secret: bool,
    /// The line is none without this value.
    pub required: bool,
}

/// Where a slot's value stands in the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// It is a key in the path of the entry.
    Key,
    /// It is the value of the entry.
    Own,
    /// It is a leaf inside the entry, at this relative path; `..` leads to the one around it.
    Leaf(String),
    /// It is all values of a leaf-list inside the entry, with a space between them.
    List(String),
}

/// The canonical values of slots.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Bindings(BTreeMap<String, String>);

impl Bindings {
    /// The value of a slot.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Gives a slot its value; none if it has another one already.
    pub fn bind(&mut self, name: &str, value: String) -> Option<()> {
        match self.0.get(name) {
            Some(bound) => (*bound == value).then_some(()),
            None => {
                self.0.insert(name.to_owned(), value);
                Some(())
            }
        }
    }

    /// Takes a value away.
    pub fn unbind(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// Takes over the keys of a header that are keys of a rule too.
    pub fn adopt_keys(&mut self, header: &Self, rule: &crate::rule::Rule) -> Option<()> {
        let names = rule.path.slots().map(|(name, _)| name);
        for name in names {
            if let Some(value) = header.value(name) {
                self.bind(name, value.to_owned())?;
            }
        }
        Some(())
    }

    /// Takes over what another one has and this one has not.
    pub fn adopt(&mut self, other: &Self) -> Option<()> {
        other
            .0
            .iter()
            .try_for_each(|(name, value)| self.bind(name, value.clone()))
    }
}

/// Keys in the order in which people count: numbers by value, else by letters.
pub(crate) fn compare_keys(left: &[String], right: &[String]) -> Ordering {
    let number = |text: &String| text.parse::<u64>().ok();
    for (a, b) in left.iter().zip(right) {
        let order = match (number(a), number(b)) {
            (Some(a), Some(b)) => a.cmp(&b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => a.cmp(b),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    left.len().cmp(&right.len())
}
