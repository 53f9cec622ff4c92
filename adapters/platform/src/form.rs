//! Lexical forms: which texts a slot takes, and how a canonical value becomes a vendor's word and back.

use crate::net::{Family, Network};
use std::net::{Ipv4Addr, Ipv6Addr};

/// The well-known communities that have one name everywhere.
const COMMUNITIES: [&str; 4] = ["no-export", "no-advertise", "blackhole", "graceful-shutdown"];
/// The one whose name differs between the model and command lines.
const LOCAL: &str = "local-as";
const LOCAL_WORD: &str = "local-AS";

/// The form of a slot. Every form is a bijection between canonical values and what the vendor prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// One word without spaces.
    Word,
    /// A word that does not begin with a digit.
    Name,
    /// One word of letters, digits and `._:/@-`: nothing in it means anything to a shell.
    Token,
    /// Letters, digits and plain signs, in single quotes where there is a space.
    Quoted,
    /// The rest of the line.
    Text,
    /// The rest of the line, of which the device keeps the words and not the spaces between them.
    Words,
    /// The number of an OSPF area, written as an address or as a number.
    Area,
    /// A whole number between two bounds.
    Number {
        /// The lowest.
        low: u64,
        /// The highest.
        high: u64,
    },
    /// An address.
    Address(Family),
    /// A network: the bits behind the length are zero, and are made so.
    Prefix(Family),
    /// An address with a length: the bits behind the length stay.
    Interface(Family),
    /// One of several values, each with the vendor's word for it.
    Choice(Vec<(String, String)>),
    /// A BGP community: two numbers, or one of the well-known names.
    Community,
    /// A number that the vendor counts in units of so many.
    Scaled(u64),
    /// A prefix as access lists of the industry write it: `any`, `host A`, or address and inverse mask.
    Endpoint,
    /// A port or a range `low-high`, written as `eq P` or `range L H`.
    Ports,
}

impl Form {
    /// The form that has this name in a platform file.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "word" => Self::Word,
            "name" => Self::Name,
            "token" => Self::Token,
            "quoted" => Self::Quoted,
            "words" => Self::Words,
            "area" => Self::Area,
            "community" => Self::Community,
            "text" => Self::Text,
            "u8" => Self::number(0, u64::from(u8::MAX)),
            "u16" => Self::number(0, u64::from(u16::MAX)),
            "u32" => Self::number(0, u64::from(u32::MAX)),
            "u64" => Self::number(0, u64::MAX),
            "ip" => Self::Address(Family::Any),
            "ipv4" => Self::Address(Family::V4),
            "ipv6" => Self::Address(Family::V6),
            "prefix" => Self::Prefix(Family::Any),
            "ipv4-prefix" => Self::Prefix(Family::V4),
            "ipv6-prefix" => Self::Prefix(Family::V6),
            "ipv4-interface" => Self::Interface(Family::V4),
            "ipv6-interface" => Self::Interface(Family::V6),
            "endpoint" => Self::Endpoint,
            "ports" => Self::Ports,
            ranged => return Self::ranged(ranged),
        })
    }

    /// `1..4094` or `x1000`.
    fn ranged(name: &str) -> Option<Self> {
        if let Some(unit) = name.strip_prefix('x') {
            return unit.parse().ok().filter(|it| *it > 0).map(Self::Scaled);
        }
        let (low, high) = name.split_once("..")?;
        Some(Self::number(low.parse().ok()?, high.parse().ok()?))
    }

    fn number(low: u64, high: u64) -> Self {
        Self::Number { low, high }
    }

    /// The canonical form of a canonical value; none if the value is not of this form.
    pub fn canonical(&self, value: &str) -> Option<String> {
        match self {
            Self::Word => (printable(value) && !value.contains(char::is_whitespace)).then(|| value.to_owned()),
            Self::Name => (Self::Word
                .canonical(value)?
                .starts_with(|it: char| !it.is_ascii_digit()))
            .then(|| value.to_owned()),
            Self::Token => (!value.is_empty() && value.chars().all(is_plain)).then(|| value.to_owned()),
            Self::Quoted => quotable(value).then(|| value.to_owned()),
            Self::Text => printable(value).then(|| value.to_owned()),
            Self::Words => printable(value).then(|| value.split_whitespace().collect::<Vec<_>>().join(" ")),
            Self::Area => area(value),
            Self::Community => community(value).then(|| value.to_owned()),
            Self::Number { low, high } => number(value)
                .filter(|it| (low..=high).contains(&it))
                .map(|it| it.to_string()),
            Self::Address(family) => address(value, *family),
            Self::Prefix(family) => Some(Network::parse(value, *family)?.masked().to_string()),
            Self::Interface(family) => Some(Network::parse(value, *family)?.to_string()),
            Self::Choice(pairs) => pairs.iter().find(|(own, _)| own == value).map(|(own, _)| own.clone()),
            Self::Scaled(unit) => number(value).filter(|it| it % unit == 0).map(|it| it.to_string()),
            Self::Endpoint => Some(Network::parse(value, Family::V4)?.masked().to_string()),
            Self::Ports => ports(value).map(|(low, high)| join_ports(low, high)),
        }
    }

    /// What the vendor writes for a canonical value.
    pub fn print(&self, value: &str) -> Option<String> {
        let value = self.canonical(value)?;
        match self {
            Self::Choice(pairs) => pairs
                .iter()
                .find(|(own, _)| *own == value)
                .map(|(_, word)| word.clone()),
            Self::Scaled(unit) => number(&value).map(|it| (it / unit).to_string()),
            Self::Community if value == LOCAL => Some(LOCAL_WORD.to_owned()),
            Self::Endpoint => Some(print_endpoint(Network::parse(&value, Family::V4)?)),
            Self::Ports => ports(&value).map(|(low, high)| match low == high {
                true => format!("eq {low}"),
                false => format!("range {low} {high}"),
            }),
            Self::Quoted if value.contains(' ') => Some(format!("'{value}'")),
            Self::Word
            | Self::Name
            | Self::Token
            | Self::Quoted
            | Self::Text
            | Self::Words
            | Self::Area
            | Self::Community
            | Self::Number { .. }
            | Self::Address(_)
            | Self::Prefix(_)
            | Self::Interface(_) => Some(value),
        }
    }

    /// The canonical value of what the vendor printed.
    pub fn read(&self, text: &str) -> Option<String> {
        match self {
            Self::Choice(pairs) => pairs.iter().find(|(_, word)| word == text).map(|(own, _)| own.clone()),
            Self::Scaled(unit) => number(text)?.checked_mul(*unit).map(|it| it.to_string()),
            Self::Community if text == LOCAL_WORD => Some(LOCAL.to_owned()),
            Self::Endpoint => read_endpoint(text),
            Self::Ports => read_ports(text),
            Self::Quoted => {
                let inner = text.strip_prefix('\'').and_then(|it| it.strip_suffix('\''));
                self.canonical(inner.unwrap_or(text))
            }
            Self::Word
            | Self::Name
            | Self::Token
            | Self::Text
            | Self::Words
            | Self::Area
            | Self::Community
            | Self::Number { .. }
            | Self::Address(_)
            | Self::Prefix(_)
            | Self::Interface(_) => self.canonical(text),
        }
    }

    /// The pattern of what the vendor prints, without groups that capture.
    pub fn pattern(&self) -> String {
        match self {
            Self::Word => r"\S+".to_owned(),
            Self::Name => r"[^0-9\s]\S*".to_owned(),
            Self::Token => r"[A-Za-z0-9._:/@-]+".to_owned(),
            Self::Quoted => r"(?:'[^']+'|[^\s']+)".to_owned(),
            Self::Text | Self::Words => r"\S.*".to_owned(),
            Self::Area => r"[0-9.]+".to_owned(),
            Self::Community => format!("(?:[0-9]+:[0-9]+|{}|{LOCAL_WORD})", COMMUNITIES.join("|")),
            Self::Number { .. } | Self::Scaled(_) => r"[0-9]+".to_owned(),
            Self::Address(family) => family.pattern().to_owned(),
            Self::Prefix(family) | Self::Interface(family) => format!("{}/[0-9]+", family.pattern()),
            Self::Choice(pairs) => {
                let mut words: Vec<String> = pairs.iter().map(|(_, word)| regex::escape(word)).collect();
                words.sort_by_key(|it| std::cmp::Reverse(it.len()));
                format!("(?:{})", words.join("|"))
            }
            Self::Endpoint => r"(?:any|host [0-9.]+|[0-9.]+ [0-9.]+)".to_owned(),
            Self::Ports => r"(?:eq [0-9]+|range [0-9]+ [0-9]+)".to_owned(),
        }
    }
}

fn is_plain(it: char) -> bool {
    it.is_ascii_alphanumeric() || "._:/@-".contains(it)
}

fn quotable(value: &str) -> bool {
    printable(value) && value.chars().all(|it| is_plain(it) || " ,+()#=".contains(it))
}

fn printable(value: &str) -> bool {
    !value.is_empty() && value.trim() == value && !value.contains(char::is_control)
}

fn number(text: &str) -> Option<u64> {
    text.bytes().all(|it| it.is_ascii_digit()).then(|| text.parse().ok())?
}

fn address(value: &str, family: Family) -> Option<String> {
    let v4 = || value.parse::<Ipv4Addr>().ok().map(|it| it.to_string());
    let v6 = || value.parse::<Ipv6Addr>().ok().map(|it| it.to_string());
    match family {
        Family::V4 => v4(),
        Family::V6 => v6(),
        Family::Any => v4().or_else(v6),
    }
}

fn community(value: &str) -> bool {
    let pair = value
        .split_once(':')
        .is_some_and(|(a, b)| a.parse::<u16>().is_ok() && b.parse::<u16>().is_ok());
    pair || value == LOCAL || COMMUNITIES.contains(&value)
}

fn area(value: &str) -> Option<String> {
    let number = || value.parse::<u32>().ok().map(Ipv4Addr::from);
    value.parse::<Ipv4Addr>().ok().or_else(number).map(|it| it.to_string())
}

fn print_endpoint(network: Network) -> String {
    match network.length() {
        0 => "any".to_owned(),
        32 => format!("host {}", network.host()),
        _ => format!("{} {}", network.host(), network.wildcard()),
    }
}

fn read_endpoint(text: &str) -> Option<String> {
    if text == "any" {
        return Some("0.0.0.0/0".to_owned());
    }
    let (first, second) = text.split_once(' ')?;
    match first {
        "host" => Some(format!("{}/32", address(second, Family::V4)?)),
        first => Some(Network::from_wildcard(first, second)?.masked().to_string()),
    }
}

fn ports(value: &str) -> Option<(u16, u16)> {
    let (low, high) = value.split_once('-').unwrap_or((value, value));
    let (low, high) = (low.parse().ok()?, high.parse().ok()?);
    (low <= high).then_some((low, high))
}

fn join_ports(low: u16, high: u16) -> String {
    match low == high {
        true => low.to_string(),
        false => format!("{low}-{high}"),
    }
}

fn read_ports(text: &str) -> Option<String> {
    let mut words = text.split(' ');
    let kind = words.next()?;
    let low: u16 = words.next()?.parse().ok()?;
    let high = match kind {
        "eq" => low,
        _ => words.next()?.parse().ok()?,
    };
    (low <= high).then(|| join_ports(low, high))
}
