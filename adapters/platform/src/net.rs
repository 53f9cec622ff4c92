//! Addresses with a length, and the masks that vendors write instead of it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Which addresses a form takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// IPv4 alone.
    V4,
    /// IPv6 alone.
    V6,
    /// Both.
    Any,
}

impl Family {
    /// A pattern that is wider than the family: what it finds is parsed afterwards.
    pub(crate) fn pattern(self) -> &'static str {
        match self {
            Self::V4 => r"[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+",
            Self::V6 => r"[0-9A-Fa-f]*:[0-9A-Fa-f:.]*",
            Self::Any => r"[0-9A-Fa-f:.]+",
        }
    }
}

/// An address and how many of its first bits are the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network {
    host: IpAddr,
    length: u8,
}

/// The piece of a network that stands in a template as `{slot.piece}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    /// The address.
    Host,
    /// The length in bits.
    Length,
    /// The IPv4 mask, `255.255.255.0`.
    Mask,
    /// The inverse IPv4 mask, `0.0.0.255`.
    Wildcard,
}

impl Piece {
    /// The piece that has this name in a template.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "host" => Self::Host,
            "length" => Self::Length,
            "mask" => Self::Mask,
            "wildcard" => Self::Wildcard,
            _ => return None,
        })
    }
}

impl Network {
    /// Reads `address/length`.
    pub fn parse(text: &str, family: Family) -> Option<Self> {
        let (host, length) = text.split_once('/')?;
        if length.is_empty() || !length.bytes().all(|it| it.is_ascii_digit()) {
            return None;
        }
        Self::new(host.parse().ok()?, length.parse().ok()?, family)
    }

    fn new(host: IpAddr, length: u8, family: Family) -> Option<Self> {
        let (fits, bits) = match host {
            IpAddr::V4(_) => (family != Family::V6, 32),
            IpAddr::V6(_) => (family != Family::V4, 128),
        };
        (fits && length <= bits).then_some(Self { host, length })
    }

    /// Reads an IPv4 address with an inverse mask.
    pub fn from_wildcard(host: &str, wildcard: &str) -> Option<Self> {
        let wildcard: Ipv4Addr = wildcard.parse().ok()?;
        Self::from_bits(host, !u32::from(wildcard))
    }

    /// Reads an IPv4 address with a mask.
    pub fn from_mask(host: &str, mask: &str) -> Option<Self> {
        let mask: Ipv4Addr = mask.parse().ok()?;
        Self::from_bits(host, u32::from(mask))
    }

    fn from_bits(host: &str, mask: u32) -> Option<Self> {
        let length = mask.leading_ones();
        let whole = mask.checked_shl(length).unwrap_or(0) == 0;
        let length = u8::try_from(length).ok()?;
        whole.then(|| Self::new(IpAddr::V4(host.parse().ok()?), length, Family::V4))?
    }

    /// The address.
    pub fn host(&self) -> IpAddr {
        self.host
    }

    /// The length in bits.
    pub fn length(&self) -> u8 {
        self.length
    }

    /// The same network with the bits behind the length at zero.
    pub fn masked(self) -> Self {
        let host = match self.host {
            IpAddr::V4(it) => IpAddr::V4(Ipv4Addr::from(u32::from(it) & mask4(self.length))),
            IpAddr::V6(it) => IpAddr::V6(Ipv6Addr::from(u128::from(it) & mask6(self.length))),
        };
        Self { host, ..self }
    }

    /// The inverse IPv4 mask.
    pub fn wildcard(&self) -> Ipv4Addr {
        Ipv4Addr::from(!mask4(self.length))
    }

    /// One piece as the vendor writes it.
    pub fn piece(&self, piece: Piece) -> String {
        match piece {
            Piece::Host => self.host.to_string(),
            Piece::Length => self.length.to_string(),
            Piece::Mask => Ipv4Addr::from(mask4(self.length)).to_string(),
            Piece::Wildcard => self.wildcard().to_string(),
        }
    }
}

fn mask4(length: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(length.min(32))).unwrap_or(0)
}

fn mask6(length: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(length.min(128))).unwrap_or(0)
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.length)
    }
}

/// Puts an address together again from what was read of its pieces.
pub(crate) fn join(pieces: &[(Piece, &str)]) -> Option<String> {
    let find = |wanted| pieces.iter().find(|(piece, _)| *piece == wanted).map(|(_, text)| *text);
    let host = find(Piece::Host)?;
    if let Some(length) = find(Piece::Length) {
        return Some(format!("{host}/{length}"));
    }
    if let Some(mask) = find(Piece::Mask) {
        return Network::from_mask(host, mask).map(|it| it.to_string());
    }
    Network::from_wildcard(host, find(Piece::Wildcard)?).map(|it| it.to_string())
}
