//! Types of leaves: which words a value may be, and its canonical form.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use super::statement::Statement;

/// An identity: namespace of its module, name.
pub type Identity = (Arc<str>, String);

/// What a leaf may hold.
#[derive(Debug, Clone)]
pub enum Type {
    /// Any text, with bounds of its length.
    Text {
        /// The fewest letters.
        least: usize,
        /// The most letters.
        most: usize,
    },
    /// `true` or `false`.
    Boolean,
    /// A number between bounds.
    Integer {
        /// The lowest.
        low: i128,
        /// The highest.
        high: i128,
    },
    /// One of these words.
    Enumeration(Vec<String>),
    /// One of the identities that the modules know.
    Identity,
    /// An address of this family (4, 6, or 0 for both).
    Address(u8),
    /// An address with a prefix length, host bits set to zero.
    Prefix(u8),
    /// Nothing.
    Empty,
    /// One of several types.
    Union(Vec<Type>),
}

impl Type {
    /// Compiles a `type` statement.
    pub fn compile(statement: &Statement) -> Type {
        let name = statement.argument.rsplit(':').next().unwrap_or_default();
        match name {
            "boolean" => Type::Boolean,
            "empty" => Type::Empty,
            "enumeration" => Type::Enumeration(statement.all("enum").map(|it| it.argument.clone()).collect()),
            "identityref" => Type::Identity,
            "union" => Type::Union(statement.all("type").map(Type::compile).collect()),
            "ip-address" | "ip-address-no-zone" => Type::Address(0),
            "ipv4-address" | "ipv4-address-no-zone" => Type::Address(4),
            "ipv6-address" | "ipv6-address-no-zone" => Type::Address(6),
            "ip-prefix" => Type::Prefix(0),
            "ipv4-prefix" => Type::Prefix(4),
            "ipv6-prefix" => Type::Prefix(6),
            "port-number" => Type::Integer { low: 0, high: 65_535 },
            number if number.contains("int") || number.starts_with("counter") || number.starts_with("gauge") => {
                integer(number, statement.argument_of("range"))
            }
            _ => {
                let (least, most) = bounds(statement.argument_of("length"), 0, 65_535);
                Type::Text {
                    least: usize::try_from(least).unwrap_or(0),
                    most: usize::try_from(most).unwrap_or(65_535),
                }
            }
        }
    }

    /// The canonical form of a value, or `None` when the type refuses it.
    ///
    /// `text_ns` is the namespace of the prefix that the value carries, `identities` what the modules know.
    pub fn canonical(&self, value: &str, text_ns: Option<&str>, identities: &[Identity]) -> Option<String> {
        match self {
            Type::Text { least, most } => {
                let length = value.chars().count();
                (*least <= length && length <= *most).then(|| value.to_owned())
            }
            Type::Boolean => matches!(value.trim(), "true" | "false").then(|| value.trim().to_owned()),
            Type::Integer { low, high } => {
                let number: i128 = value.trim().parse().ok()?;
                (*low <= number && number <= *high).then(|| number.to_string())
            }
            Type::Enumeration(words) => words.iter().find(|word| *word == value.trim()).cloned(),
            Type::Identity => identity(value.trim(), text_ns, identities),
            Type::Address(family) => address(value.trim(), *family).map(|it| it.to_string()),
            Type::Prefix(family) => prefix(value.trim(), *family),
            Type::Empty => value.trim().is_empty().then(String::new),
            Type::Union(types) => types.iter().find_map(|one| one.canonical(value, text_ns, identities)),
        }
    }
}

fn integer(name: &str, range: Option<&str>) -> Type {
    let (low, high) = match name {
        "int8" => (i128::from(i8::MIN), i128::from(i8::MAX)),
        "int16" => (i128::from(i16::MIN), i128::from(i16::MAX)),
        "int32" => (i128::from(i32::MIN), i128::from(i32::MAX)),
        "int64" => (i128::from(i64::MIN), i128::from(i64::MAX)),
        "uint8" => (0, i128::from(u8::MAX)),
        "uint16" => (0, i128::from(u16::MAX)),
        "uint32" | "counter32" | "gauge32" => (0, i128::from(u32::MAX)),
        _ => (0, i128::from(u64::MAX)),
    };
    let (low, high) = bounds(range, low, high);
    Type::Integer { low, high }
}

fn bounds(range: Option<&str>, low: i128, high: i128) -> (i128, i128) {
    let Some(range) = range else { return (low, high) };
    let (from, to) = range.split_once("..").unwrap_or((range, range));
    (from.trim().parse().unwrap_or(low), to.trim().parse().unwrap_or(high))
}

fn identity(value: &str, text_ns: Option<&str>, identities: &[Identity]) -> Option<String> {
    let name = value.rsplit(':').next()?;
    identities
        .iter()
        .find(|(ns, known)| known == name && text_ns.is_none_or(|wanted| wanted == &**ns))
        .filter(|_| value.contains(':') == text_ns.is_some())
        .map(|(ns, known)| format!("{ns}|{known}"))
}

fn address(value: &str, family: u8) -> Option<IpAddr> {
    let address: IpAddr = value.parse().ok()?;
    (family == 0 || (family == 4) == address.is_ipv4()).then_some(address)
}

fn prefix(value: &str, family: u8) -> Option<String> {
    let (host, length) = value.split_once('/')?;
    let length: u32 = length.parse().ok()?;
    match address(host, family)? {
        IpAddr::V4(v4) if length <= 32 => {
            let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
            Some(format!("{}/{length}", Ipv4Addr::from(u32::from(v4) & mask)))
        }
        IpAddr::V6(v6) if length <= 128 => {
            let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
            Some(format!("{}/{length}", Ipv6Addr::from(u128::from(v6) & mask)))
        }
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    }
}
