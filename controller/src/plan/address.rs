//! Addresses and the prefixes that hold them.

use std::net::IpAddr;

/// An address with the length behind it, as paths write both prefixes and addresses of interfaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefix {
    /// The address.
    pub address: IpAddr,
    /// How many of its bits are the network's.
    pub length: u8,
}

impl Prefix {
    /// Reads `192.0.2.1/24`.
    pub fn read(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/')?;
        let (address, length): (IpAddr, u8) = (address.parse().ok()?, length.parse().ok()?);
        let most = if address.is_ipv4() { 32 } else { 128 };
        (length <= most).then_some(Self { address, length })
    }

    /// Whether an address is of this network.
    pub fn holds(self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.length)).unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.length)).unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_holds_what_is_of_its_network() {
        let holds = |prefix: &str, address: &str| Prefix::read(prefix).unwrap().holds(address.parse().unwrap());
        assert!(holds("192.0.2.1/24", "192.0.2.200"));
        assert!(!holds("192.0.2.1/30", "192.0.2.200"));
        assert!(holds("0.0.0.0/0", "203.0.113.1") && holds("10.0.0.1/32", "10.0.0.1"));
        assert!(holds("2001:db8::/32", "2001:db8:1::1") && !holds("::/0", "10.0.0.1"));
        assert_eq!(Prefix::read("10.0.0.0/33"), None);
    }
}
