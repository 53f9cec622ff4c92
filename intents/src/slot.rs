//! The elements of an intent: typed values with one canonical form each.

use std::fmt;
use std::net::IpAddr;

use knowledge_model::document::{Content, Faults, Node};

/// What kind of value a slot takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SlotKind {
    /// The name of a device of the inventory.
    Device,
    /// The name of an interface.
    Interface,
    /// An IPv4 or IPv6 address.
    Address,
    /// An address of an interface with its prefix length; host bits are kept.
    InterfaceAddress,
    /// An IPv4 or IPv6 prefix; host bits must be zero.
    Prefix,
    /// A whole number within bounds.
    Integer {
        /// The least value.
        least: i64,
        /// The greatest value.
        greatest: i64,
    },
    /// A rate in bit/s, written as a number or with a unit: `100M`, `2.5 Gbit/s`.
    Rate,
    /// One of the words of a list.
    Choice(Vec<String>),
    /// Text of one line.
    Text {
        /// The most characters.
        longest: usize,
    },
    /// True or false.
    Truth,
    /// A reference to a secret, `secret:NAME` or `secret:NAME@VERSION`.
    Secret,
}

/// One slot of a class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Its name in intents.
    pub name: String,
    /// What it takes.
    pub kind: SlotKind,
    /// Whether it takes a list of values.
    pub many: bool,
    /// Whether an intent must fill it.
    pub required: bool,
    /// What it holds when an intent leaves it out.
    pub default: Option<SlotValue>,
    /// What it means, in English.
    pub description: String,
}

/// A checked value in canonical form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SlotValue {
    /// One value.
    One(String),
    /// Several values in the order in which they were given.
    Many(Vec<String>),
}

impl SlotValue {
    /// The values, one or many.
    #[must_use]
    pub fn values(&self) -> &[String] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }
}

impl fmt::Display for SlotValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.values().join(", "))
    }
}

impl Slot {
    /// Reads and checks the value of this slot; every fault goes on the list.
    pub fn read(&self, node: &Node, faults: &Faults) -> Option<SlotValue> {
        match &node.value {
            Content::List(items) if self.many => {
                if items.is_empty() {
                    faults.add(
                        node.at,
                        format!("slot `{}` is an empty list", self.name),
                        "leave it out or fill it",
                    );
                }
                let values: Vec<String> = items.iter().filter_map(|item| self.read_one(item, faults)).collect();
                (values.len() == items.len() && !items.is_empty()).then_some(SlotValue::Many(values))
            }
            Content::List(_) => {
                faults.add(
                    node.at,
                    format!("slot `{}` takes one value, found a list", self.name),
                    "",
                );
                None
            }
            Content::Null
            | Content::Bool(_)
            | Content::Integer(_)
            | Content::Float(_)
            | Content::Text(_)
            | Content::Map(_) => self.read_one(node, faults).map(SlotValue::One),
        }
    }

    fn read_one(&self, node: &Node, faults: &Faults) -> Option<String> {
        let text = node.text(faults)?;
        match self.kind.canonical(&text) {
            Ok(value) => Some(value),
            Err(expected) => {
                let what = format!("slot `{}`: expected {expected}, found {text:?}", self.name);
                faults.add(node.at, what, self.kind.example());
                None
            }
        }
    }
}

impl SlotKind {
    /// The canonical form of `text`, or what was expected instead.
    ///
    /// # Errors
    /// A phrase that completes "expected …".
    pub fn canonical(&self, text: &str) -> Result<String, String> {
        let text = text.trim();
        match self {
            Self::Device | Self::Interface => {
                let name = !text.is_empty()
                    && text.len() <= 255
                    && !text.chars().any(|it| it.is_control() || it.is_whitespace());
                name.then(|| text.to_owned())
                    .ok_or_else(|| "a name without spaces".to_owned())
            }
            Self::Address => text
                .parse::<IpAddr>()
                .map(|it| it.to_string())
                .map_err(|_| "an IP address".to_owned()),
            Self::InterfaceAddress => prefix(text).map(|(address, length)| format!("{address}/{length}")),
            Self::Prefix => network(text),
            Self::Integer { least, greatest } => {
                let number = text
                    .parse::<i64>()
                    .ok()
                    .filter(|number| (*least..=*greatest).contains(number));
                number
                    .map(|it| it.to_string())
                    .ok_or_else(|| format!("a whole number from {least} to {greatest}"))
            }
            Self::Rate => rate(text)
                .map(|it| it.to_string())
                .ok_or_else(|| "a rate above zero".to_owned()),
            Self::Choice(words) => {
                let found = words.iter().find(|word| word.eq_ignore_ascii_case(text)).cloned();
                found.ok_or_else(|| format!("one of {}", words.join(", ")))
            }
            Self::Text { longest } => {
                let fits = text.chars().count() <= *longest && !text.chars().any(char::is_control);
                fits.then(|| text.to_owned())
                    .ok_or_else(|| format!("one line of at most {longest} characters"))
            }
            Self::Truth => {
                let truth = matches!(text, "true" | "false");
                truth.then(|| text.to_owned()).ok_or_else(|| "true or false".to_owned())
            }
            Self::Secret => {
                let name = text
                    .strip_prefix("secret:")
                    .filter(|name| !name.is_empty() && !name.contains(char::is_whitespace));
                // The text itself may be the secret, so it is not repeated by the caller for this kind.
                name.map(|_| text.to_owned())
                    .ok_or_else(|| "a reference such as secret:NAME".to_owned())
            }
        }
    }

    /// An example for the hint of a fault.
    #[must_use]
    pub fn example(&self) -> &'static str {
        match self {
            Self::Device => "as in the inventory: r1",
            Self::Interface => "as the device names it: eth1",
            Self::Address => "for example 192.0.2.1",
            Self::InterfaceAddress => "for example 192.0.2.1/24",
            Self::Prefix => "for example 198.51.100.0/24",
            Self::Rate => "for example 100M or 2.5 Gbit/s",
            Self::Truth => "true or false",
            Self::Secret => "the agent resolves it from its own configuration",
            Self::Integer { .. } | Self::Choice(_) | Self::Text { .. } => "",
        }
    }
}

fn prefix(text: &str) -> Result<(IpAddr, u8), String> {
    let wrong = || "an address with a prefix length".to_owned();
    let (address, length) = text.split_once('/').ok_or_else(wrong)?;
    let address: IpAddr = address.parse().map_err(|_| wrong())?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let length: u8 = length.parse().ok().filter(|length| *length <= most).ok_or_else(wrong)?;
    Ok((address, length))
}

fn network(text: &str) -> Result<String, String> {
    let (address, length) = prefix(text)?;
    let masked = match address {
        IpAddr::V4(it) => IpAddr::V4((it.to_bits() & !u32::MAX.checked_shr(length.into()).unwrap_or(0)).into()),
        IpAddr::V6(it) => IpAddr::V6((it.to_bits() & !u128::MAX.checked_shr(length.into()).unwrap_or(0)).into()),
    };
    if masked == address {
        Ok(format!("{address}/{length}"))
    } else {
        Err(format!("no host bits ({masked}/{length})"))
    }
}

/// A rate in bit/s. Units of bits are decimal; `B` means bytes.
fn rate(text: &str) -> Option<u64> {
    let end = text
        .find(|it: char| !(it.is_ascii_digit() || it == '.'))
        .unwrap_or(text.len());
    let (number, unit) = (text[..end].parse::<f64>().ok()?, text[end..].trim());
    let (scale, rest) = match unit.chars().next() {
        Some('k' | 'K') => (1e3, &unit[1..]),
        Some('m' | 'M') => (1e6, &unit[1..]),
        Some('g' | 'G') => (1e9, &unit[1..]),
        Some('t' | 'T') => (1e12, &unit[1..]),
        Some(_) | None => (1.0, unit),
    };
    let bits = match rest {
        "" | "b" | "bit" | "bps" | "b/s" | "bit/s" => 1.0,
        "B" | "B/s" | "Bps" => 8.0,
        _ => return None,
    };
    let rate = number * scale * bits;
    // Beyond 2^53 a double is no longer exact, and no link is that fast.
    (1.0..9e15).contains(&rate).then_some(rate.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: &SlotKind, cases: &[(&str, Option<&str>)]) {
        for (text, expected) in cases {
            assert_eq!(kind.canonical(text).ok().as_deref(), *expected, "{kind:?} of {text:?}");
        }
    }

    #[test]
    fn values_have_one_form() {
        check(
            &SlotKind::Address,
            &[
                ("192.0.2.1", Some("192.0.2.1")),
                ("2001:DB8::0:1", Some("2001:db8::1")),
                ("1.2.3", None),
            ],
        );
        check(
            &SlotKind::Prefix,
            &[
                ("10.0.0.0/8", Some("10.0.0.0/8")),
                ("10.0.0.1/8", None),
                ("::/0", Some("::/0")),
                ("0.0.0.0/0", Some("0.0.0.0/0")),
                ("10.0.0.0/33", None),
            ],
        );
        check(
            &SlotKind::InterfaceAddress,
            &[("10.0.0.1/8", Some("10.0.0.1/8")), ("10.0.0.1", None)],
        );
        check(
            &SlotKind::Integer {
                least: 1,
                greatest: 255,
            },
            &[("1", Some("1")), ("0", None), ("+7", Some("7")), ("x", None)],
        );
        check(
            &SlotKind::Choice(vec!["permit".into(), "deny".into()]),
            &[("Permit", Some("permit")), ("drop", None)],
        );
        check(
            &SlotKind::Text { longest: 3 },
            &[("abc", Some("abc")), ("abcd", None), ("a\nb", None)],
        );
        check(
            &SlotKind::Secret,
            &[("secret:bgp", Some("secret:bgp")), ("hunter2", None), ("secret:", None)],
        );
    }

    #[test]
    fn rates_tell_bits_from_bytes() {
        check(
            &SlotKind::Rate,
            &[
                ("100M", Some("100000000")),
                ("2.5 Gbit/s", Some("2500000000")),
                ("10 MB/s", Some("80000000")),
                ("1500", Some("1500")),
                ("0", None),
                ("-1", None),
                ("1e9", None),
                ("10 apples", None),
            ],
        );
    }
}
