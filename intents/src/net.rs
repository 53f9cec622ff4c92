//! Networks of either family, as far as intents compare them.

use std::fmt;
use std::net::IpAddr;

/// An IP network; host bits are kept where it is an interface's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Net {
    /// The address.
    pub address: IpAddr,
    /// How many bits of it name the network.
    pub length: u8,
}

impl Net {
    /// Reads `10.0.0.0/8`; an address alone is a network of one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (address, length) = text
            .split_once('/')
            .map_or((text, None), |(address, length)| (address, Some(length)));
        let address: IpAddr = address.parse().ok()?;
        let most = bits(&address);
        let length = match length {
            Some(length) => length.parse().ok().filter(|it| *it <= most)?,
            None => most,
        };
        Some(Self { address, length })
    }

    /// The network of one address.
    #[must_use]
    pub fn host(address: IpAddr) -> Self {
        Self {
            length: bits(&address),
            address,
        }
    }

    /// With zero host bits.
    #[must_use]
    pub fn masked(self) -> Self {
        let address = match self.address {
            IpAddr::V4(it) => {
                IpAddr::V4((it.to_bits() & !u32::MAX.checked_shr(self.length.into()).unwrap_or(0)).into())
            }
            IpAddr::V6(it) => {
                IpAddr::V6((it.to_bits() & !u128::MAX.checked_shr(self.length.into()).unwrap_or(0)).into())
            }
        };
        Self { address, ..self }
    }

    /// Whether all of `other` is inside.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        let same = self.address.is_ipv4() == other.address.is_ipv4() && self.length <= other.length;
        let cut = Self {
            length: self.length,
            ..*other
        };
        same && cut.masked() == self.masked()
    }

    /// Whether some address is in both.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.contains(other) || other.contains(self)
    }

    /// Whether it is everything there is of its family.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.length == 0
    }

    /// Whether it is of IPv4.
    #[must_use]
    pub fn is_ipv4(&self) -> bool {
        self.address.is_ipv4()
    }
}

fn bits(address: &IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

impl fmt::Display for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_inside_each_other_or_apart() {
        let net = |text| Net::parse(text).unwrap();
        assert!(net("10.0.0.0/8").contains(&net("10.255.0.1")));
        assert!(net("0.0.0.0/0").contains(&net("10.0.0.0/8")) && !net("10.0.0.0/8").contains(&net("0.0.0.0/0")));
        assert!(!net("::/0").overlaps(&net("0.0.0.0/0")));
        assert!(net("10.0.0.0/8").overlaps(&net("0.0.0.0/0")) && !net("10.0.0.0/9").overlaps(&net("10.128.0.0/9")));
        assert_eq!(net("10.1.2.3/16").masked().to_string(), "10.1.0.0/16");
        assert_eq!(Net::parse("10.0.0.0/33"), None);
    }
}
