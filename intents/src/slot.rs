//! The elements of an intent: typed values with one canonical form each.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use knowledge_model::document::{Content, Faults, Node, nearest};

use crate::net::Net;
use crate::value;

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
    /// A device, host, site, group, tag or named prefix of the inventory, or an address or prefix.
    Name,
    /// A device, site, group, tag, `all`, or `device:interface`.
    Place,
    /// An address, or `blackhole`.
    NextHop,
    /// A port or a range of ports.
    Port,
    /// A time span in seconds, or one of these words.
    Seconds(Vec<String>),
    /// A time of day.
    Clock,
    /// When something was.
    Moment,
    /// An area of OSPF.
    Area,
    /// A number, a percentage or a rate in bit/s.
    Number,
    /// What is asked of whom: `icmp`, `tcp/443`.
    Service,
    /// A mapping with these fields.
    Object(Vec<Slot>),
    /// Anything; who uses it checks it.
    Free,
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
    /// Values under names.
    Object(BTreeMap<String, SlotValue>),
}

impl SlotValue {
    /// The values, one or many.
    #[must_use]
    pub fn values(&self) -> &[String] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
            Self::Object(_) => &[],
        }
    }

    /// The first value, where there is one.
    #[must_use]
    pub fn first(&self) -> Option<&str> {
        self.values().first().map(String::as_str)
    }

    /// As JSON that reads back as the same value.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::One(value) => value.clone().into(),
            Self::Many(values) => values.clone().into(),
            Self::Object(fields) => {
                serde_json::Value::Object(fields.iter().map(|(name, it)| (name.clone(), it.to_json())).collect())
            }
        }
    }

    /// The value under a name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(fields) => fields.get(name),
            Self::One(_) | Self::Many(_) => None,
        }
    }

    /// The values under a name; none where there is nothing.
    #[must_use]
    pub fn under(&self, name: &str) -> &[String] {
        self.field(name).map_or(&[], Self::values)
    }
}

impl fmt::Display for SlotValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(_) | Self::Many(_) => f.write_str(&self.values().join(", ")),
            Self::Object(fields) => {
                let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name} {value}")).collect();
                write!(f, "{{{}}}", fields.join(", "))
            }
        }
    }
}

impl Slot {
    /// Reads and checks the value of this slot; every fault goes on the list.
    pub fn read(&self, node: &Node, faults: &Faults) -> Option<SlotValue> {
        if let SlotKind::Object(fields) = &self.kind {
            return read_object(&self.name, fields, node, faults);
        }
        if self.kind == SlotKind::Free {
            return read_free(node, faults);
        }
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
                // What stands in the place of a reference to a secret may be the secret.
                let found = if self.kind == SlotKind::Secret {
                    "something else".to_owned()
                } else {
                    format!("{text:?}")
                };
                let what = format!("slot `{}`: expected {expected}, found {found}", self.name);
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
            Self::Integer { least, greatest } => integer(text, *least, *greatest),
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
                name.map(|_| text.to_owned())
                    .ok_or_else(|| "a reference such as secret:NAME".to_owned())
            }
            Self::Name => value::name(text),
            Self::Place => {
                let fits = !text.is_empty() && text.chars().count() <= 255 && !text.chars().any(char::is_control);
                fits.then(|| text.to_owned())
                    .ok_or_else(|| "a name, or device:interface".to_owned())
            }
            Self::NextHop if text == "blackhole" => Ok(text.to_owned()),
            Self::NextHop => text
                .parse::<IpAddr>()
                .map(|it| it.to_string())
                .map_err(|_| "an IP address, or blackhole".to_owned()),
            Self::Port => value::port(text),
            Self::Seconds(words) => match words.iter().find(|word| word.eq_ignore_ascii_case(text)) {
                Some(word) => Ok(word.clone()),
                None => value::seconds(text),
            },
            Self::Clock => value::clock(text),
            Self::Moment => value::moment(text),
            Self::Area => value::area(text),
            Self::Number => value::number(text),
            Self::Service => value::service(text),
            Self::Object(_) => Err("a mapping".to_owned()),
            Self::Free => Ok(text.to_owned()),
        }
    }

    /// An example for the hint of a fault.
    #[must_use]
    pub fn example(&self) -> &'static str {
        match self {
            Self::Device => "as in the inventory: r1",
            Self::Interface => "as the device names it: eth1",
            Self::Address | Self::NextHop => "for example 192.0.2.1",
            Self::InterfaceAddress => "for example 192.0.2.1/24",
            Self::Prefix => "for example 198.51.100.0/24",
            Self::Rate => "for example 100M or 2.5 Gbit/s",
            Self::Truth => "true or false",
            Self::Secret => "the agent resolves it from its own configuration",
            Self::Name => "as in the inventory, or an address: web1, office, 192.0.2.0/24",
            Self::Place => "as in the inventory: r1, berlin, r1:eth1, all",
            Self::Port => "for example 443 or 8000-8080",
            Self::Seconds(_) => "for example 300, 5m or 50ms",
            Self::Area => "for example 0.0.0.0",
            Self::Service => "for example tcp/443",
            Self::Integer { .. }
            | Self::Choice(_)
            | Self::Text { .. }
            | Self::Clock
            | Self::Moment
            | Self::Number
            | Self::Object(_)
            | Self::Free => "",
        }
    }
}

fn integer(text: &str, least: i64, greatest: i64) -> Result<String, String> {
    let number = text.parse::<i64>().ok().filter(|it| (least..=greatest).contains(it));
    number
        .map(|it| it.to_string())
        .ok_or_else(|| format!("a whole number from {least} to {greatest}"))
}

fn read_object(name: &str, known: &[Slot], node: &Node, faults: &Faults) -> Option<SlotValue> {
    let entries = node.entries(faults)?;
    let mut fields = BTreeMap::new();
    for (field, value) in entries {
        match known.iter().find(|slot| slot.name == *field) {
            Some(slot) => fields.extend(slot.read(value, faults).map(|value| (field.clone(), value))),
            None => {
                let names = || known.iter().map(|slot| slot.name.as_str());
                let hint = nearest(field, names()).map(|near| format!("did you mean `{near}`?"));
                let all = || format!("known: {}", names().collect::<Vec<_>>().join(", "));
                faults.add(value.at, format!("`{name}` has no `{field}`"), hint.unwrap_or_else(all));
            }
        }
    }
    if entries.is_empty() {
        faults.add(node.at, format!("slot `{name}` is empty"), "leave it out or fill it");
    }
    (!fields.is_empty()).then_some(SlotValue::Object(fields))
}

fn read_free(node: &Node, faults: &Faults) -> Option<SlotValue> {
    match &node.value {
        Content::Map(entries) => {
            let read = |(name, value): &(String, Node)| Some((name.clone(), read_free(value, faults)?));
            Some(SlotValue::Object(entries.iter().filter_map(read).collect()))
        }
        Content::List(items) => Some(SlotValue::Many(items.iter().filter_map(|it| it.text(faults)).collect())),
        Content::Null | Content::Bool(_) | Content::Integer(_) | Content::Float(_) | Content::Text(_) => {
            node.text(faults).map(SlotValue::One)
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
    let (given, masked) = (Net { address, length }, Net { address, length }.masked());
    if masked == given {
        Ok(masked.to_string())
    } else {
        Err(format!("no host bits ({masked})"))
    }
}

/// A rate in bit/s. Units of bits are decimal; `B` means bytes.
pub(crate) fn rate(text: &str) -> Option<u64> {
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
