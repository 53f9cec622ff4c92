//! The types of leaves: what is a value, and what its canonical form is.
//!
//! Two texts that mean the same value have the same canonical form, so that comparing values is comparing texts.

mod address;
mod number;

use crate::schema::words::{Attributes, split, take, words};
use regex::Regex;
use std::fmt;

/// Alternatives of lowest and highest, both included; empty where all is allowed.
pub type Ranges<T> = Vec<(T, T)>;

/// The type of a leaf.
#[derive(Debug)]
pub enum Type {
    /// `true` or `false`.
    Boolean,
    /// No value: the leaf is there or not.
    Empty,
    /// A whole number of 8 to 64 bits.
    Integer {
        /// The range of the base type.
        whole: (i128, i128),
        /// The ranges allowed.
        ranges: Ranges<i128>,
        /// True for 64 bits, which JSON carries as text.
        wide: bool,
    },
    /// A number with a fixed count of decimal places, kept as a whole number of the last place.
    Decimal {
        /// The decimal places.
        digits: u8,
        /// The ranges allowed, in the last place.
        ranges: Ranges<i128>,
    },
    /// Text without control characters other than new lines and tabs, which a banner may have.
    Text {
        /// How many characters.
        lengths: Ranges<i128>,
        /// Every one of them matches the whole text.
        patterns: Vec<Regex>,
    },
    /// Base64.
    Binary {
        /// How many bytes.
        lengths: Ranges<i128>,
    },
    /// One of these names.
    Enumeration(Vec<Box<str>>),
    /// An address, alone or with a prefix length.
    Address {
        /// Which families.
        family: Family,
        /// What follows the address.
        form: Form,
    },
    /// Six octets.
    Mac,
    /// The first member that takes the text decides its form.
    Union(Vec<Type>),
}

/// Families of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// IPv4 alone.
    V4,
    /// IPv6 alone.
    V6,
    /// Either.
    Both,
}

/// What an address is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// An address alone.
    Host,
    /// A prefix: host bits are zero.
    Prefix,
    /// An address with the length of its prefix: host bits are kept.
    Interface,
}

/// How a value is written in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonForm {
    /// `true` or `false`.
    Boolean,
    /// A number.
    Number,
    /// A string.
    Text,
    /// `[null]`.
    Null,
}

impl Type {
    /// Reads `type=` and its facets out of the attributes of a line of the schema table.
    pub(crate) fn read(attributes: &mut Attributes) -> Result<Self, String> {
        let name = take(attributes, "type").ok_or("a leaf has a type")?;
        Self::named(&name, attributes)
    }

    fn named(name: &str, facets: &mut Attributes) -> Result<Self, String> {
        Ok(match name {
            "boolean" => Self::Boolean,
            "empty" => Self::Empty,
            "int8" | "int16" | "int32" | "int64" | "uint8" | "uint16" | "uint32" | "uint64" => {
                number::integer(name, facets)?
            }
            "decimal64" => number::decimal(facets)?,
            "string" => Self::Text {
                lengths: number::ranges(facets, "length", 0)?,
                patterns: patterns(facets)?,
            },
            "binary" => Self::Binary {
                lengths: number::ranges(facets, "length", 0)?,
            },
            "enumeration" => {
                let names = take(facets, "names").ok_or("an enumeration has names")?;
                Self::Enumeration(names.split(',').map(Box::from).collect())
            }
            "mac-address" => Self::Mac,
            "union" => Self::Union(members(facets)?),
            other => address::named(other).ok_or_else(|| format!("{other} is no type"))?,
        })
    }

    /// The canonical form of a text; the error says what was expected instead.
    pub fn canonical(&self, text: &str) -> Result<String, String> {
        let found = match self {
            Self::Boolean => matches!(text, "true" | "false").then(|| text.to_owned()),
            Self::Empty => text.is_empty().then(String::new),
            Self::Integer { whole, ranges, .. } => number::canonical_integer(text, *whole, ranges),
            Self::Decimal { digits, ranges } => number::canonical_decimal(text, *digits, ranges),
            Self::Text { lengths, patterns } => {
                let fits = number::within(lengths, text.chars().count() as i128)
                    && !text.chars().any(|it| it.is_control() && !matches!(it, '\n' | '\t'))
                    && patterns.iter().all(|it| it.is_match(text));
                fits.then(|| text.to_owned())
            }
            Self::Binary { lengths } => number::canonical_base64(text, lengths),
            Self::Enumeration(names) => names.iter().any(|it| **it == *text).then(|| text.to_owned()),
            Self::Address { family, form } => address::canonical(text, *family, *form),
            Self::Mac => address::canonical_mac(text),
            Self::Union(members) => members.iter().find_map(|it| it.canonical(text).ok()),
        };
        found.ok_or_else(|| self.to_string())
    }

    /// True for unions.
    pub fn is_union(&self) -> bool {
        matches!(self, Self::Union(_))
    }

    /// How JSON writes this value of the type.
    pub fn json_form(&self, text: &str) -> JsonForm {
        match self {
            Self::Boolean => JsonForm::Boolean,
            Self::Empty => JsonForm::Null,
            Self::Integer { wide: false, .. } => JsonForm::Number,
            Self::Union(members) => members
                .iter()
                .find(|it| it.canonical(text).is_ok())
                .map_or(JsonForm::Text, |it| it.json_form(text)),
            Self::Integer { wide: true, .. }
            | Self::Decimal { .. }
            | Self::Text { .. }
            | Self::Binary { .. }
            | Self::Enumeration(_)
            | Self::Address { .. }
            | Self::Mac => JsonForm::Text,
        }
    }
}

/// The canonical form of a prefix of either family.
pub fn canonical_prefix(text: &str) -> Option<String> {
    address::canonical(text, Family::Both, Form::Prefix)
}

fn patterns(facets: &mut Attributes) -> Result<Vec<Regex>, String> {
    let mut patterns = Vec::new();
    while let Some(pattern) = take(facets, "pattern") {
        patterns.push(Regex::new(&format!("^(?:{pattern})$")).map_err(|error| error.to_string())?);
    }
    Ok(patterns)
}

fn members(facets: &mut Attributes) -> Result<Vec<Type>, String> {
    let mut members = Vec::new();
    while let Some(member) = take(facets, "member") {
        let mut words = words(&member)?.into_iter();
        let name = words.next().ok_or("a member has a type")?;
        members.push(Type::named(&name, &mut words.map(|it| split(&it)).collect())?);
    }
    if members.is_empty() {
        Err("a union has members".to_owned())
    } else {
        Ok(members)
    }
}

/// Says what is expected, in words that end a sentence "expected …".
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean => f.write_str("true or false"),
            Self::Empty => f.write_str("no value"),
            Self::Integer { whole, ranges, .. } => {
                let ranges = if ranges.is_empty() { &vec![*whole] } else { ranges };
                write!(f, "a whole number {}", number::shown(ranges, |it| it.to_string()))
            }
            Self::Decimal { digits, ranges } => {
                write!(f, "a number with at most {digits} decimal places")?;
                let shown = number::shown(ranges, |it| number::decimal_text(it, *digits));
                if ranges.is_empty() {
                    Ok(())
                } else {
                    write!(f, " {shown}")
                }
            }
            Self::Text { lengths, patterns } => {
                f.write_str("text")?;
                if !lengths.is_empty() {
                    write!(
                        f,
                        " of {} characters",
                        number::shown(lengths, |it| it.to_string()).replace("from ", "")
                    )?;
                }
                patterns.iter().try_for_each(|it| write!(f, " that matches {it}"))
            }
            Self::Binary { .. } => f.write_str("base64"),
            Self::Enumeration(names) => write!(f, "one of {}", names.join(", ")),
            Self::Address { family, form } => address::describe(f, *family, *form),
            Self::Mac => f.write_str("a MAC address such as 02:00:5e:00:53:01"),
            Self::Union(members) => {
                let shown: Vec<_> = members.iter().map(Self::to_string).collect();
                f.write_str(&shown.join(", or "))
            }
        }
    }
}

#[cfg(test)]
mod tests;
