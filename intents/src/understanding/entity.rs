//! A value that stands somewhere in a sentence.

use serde_json::{Value, json};

use crate::words::Kind;

/// A value and the tokens that say it. Several may stand at one place: which one is meant depends on who asks.
#[derive(Debug, Clone, PartialEq)]
pub struct Entity {
    /// The first token.
    pub begin: usize,
    /// The token behind the last one.
    pub end: usize,
    /// What kind of value it is.
    pub kind: Kind,
    /// The value.
    pub matter: Matter,
    /// Whether it may be passed over: a small number that is perhaps no value at all.
    pub faint: bool,
}

/// What is said.
#[derive(Debug, Clone, PartialEq)]
pub enum Matter {
    /// A value in canonical form.
    Plain(Value),
    /// A protocol, ports, or both.
    Service {
        /// `tcp`, `udp`, `icmp`.
        protocol: Option<String>,
        /// `22`, `8000-8080`.
        ports: Vec<String>,
    },
    /// An interface, with its device where that is said in one word.
    Interface {
        /// The device.
        device: Option<String>,
        /// Its name.
        name: String,
    },
    /// A name that does not exist.
    Unknown {
        /// As it was said.
        said: String,
        /// Names that are like it.
        near: Vec<String>,
    },
    /// One of several, and nobody says which.
    Ambiguous {
        /// As it was said.
        said: String,
        /// What it could be.
        candidates: Vec<String>,
    },
    /// What cannot be a value.
    Invalid {
        /// As it was said.
        said: String,
    },
    /// What was named before.
    Pronoun,
    /// Several values.
    List(Vec<Matter>),
}

impl Matter {
    /// The values, one or several.
    #[must_use]
    pub fn items(&self) -> &[Matter] {
        if let Self::List(items) = self {
            return items;
        }
        std::slice::from_ref(self)
    }

    /// The text that it is.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        if let Self::Plain(value) = self {
            value.as_str()
        } else {
            None
        }
    }

    /// The value as a reading holds it; none for what is no value.
    #[must_use]
    pub fn json(&self) -> Option<Value> {
        match self {
            Self::Plain(value) => Some(value.clone()),
            Self::Service { protocol, ports } => Some(service(protocol.as_deref(), ports)),
            Self::Interface {
                device: Some(device),
                name,
            } => Some(json!(format!("{device}:{name}"))),
            Self::Interface { device: None, name } => Some(json!(name)),
            Self::List(items) => items
                .iter()
                .map(Self::json)
                .collect::<Option<Vec<Value>>>()
                .map(Value::Array),
            Self::Unknown { .. } | Self::Ambiguous { .. } | Self::Invalid { .. } | Self::Pronoun => None,
        }
    }

    /// The number that it is.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        if let Self::Plain(value) = self {
            value.as_f64()
        } else {
            None
        }
    }
}

/// A service in one word: `tcp/443`, `icmp`.
fn service(protocol: Option<&str>, ports: &[String]) -> Value {
    let one = |port: &String| match protocol {
        Some(protocol) => format!("{protocol}/{port}"),
        // What is not said is TCP: that is what people mean by a port.
        None => format!("tcp/{port}"),
    };
    match (protocol, ports) {
        (Some(protocol), []) => json!(protocol),
        (_, [port]) => json!(one(port)),
        (_, ports) => ports.iter().map(one).collect(),
    }
}

/// A number without a fraction is written without one.
#[must_use]
pub fn number(value: f64) -> Value {
    let rounded = value.round();
    if (value - rounded).abs() < 1e-9 && rounded.abs() < 9e15 {
        json!(rounded as i64)
    } else {
        json!((value * 1e9).round() / 1e9)
    }
}
