//! The id of a device: a UUID that is given once.

use std::fmt;
use std::str::FromStr;

/// The immutable id of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(pub u128);

/// A text is no UUID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no UUID")]
pub struct IdError(pub String);

impl FromStr for DeviceId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let error = || IdError(text.chars().take(60).collect());
        let groups: Vec<_> = text.split('-').collect();
        let lengths: Vec<_> = groups.iter().map(|it| it.len()).collect();
        let hex = groups.concat();
        if lengths != [8, 4, 4, 4, 12] || !hex.bytes().all(|it| it.is_ascii_hexdigit()) {
            return Err(error());
        }
        u128::from_str_radix(&hex, 16).map(Self).map_err(|_| error())
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = format!("{:032x}", self.0);
        write!(
            f,
            "{}-{}-{}-{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..]
        )
    }
}
