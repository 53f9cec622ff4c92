//! Identities and the two ordinals that travel with them: an epoch orders leaders, a moment stamps records.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A text that is no identity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read {text:?} as an identity: 32 hexadecimal digits, with or without dashes, are expected")]
pub struct IdError {
    /// What was given.
    pub text: String,
}

fn dashed(value: u128, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let [a, b, c, d] = [
        value >> 96,
        value >> 80 & 0xffff,
        value >> 64 & 0xffff,
        value >> 48 & 0xffff,
    ];
    write!(f, "{a:08x}-{b:04x}-{c:04x}-{d:04x}-{:012x}", value & 0xffff_ffff_ffff)
}

fn undashed(text: &str) -> Result<u128, IdError> {
    let digits: String = text.chars().filter(|it| *it != '-').collect();
    let valid = digits.len() == 32 && digits.bytes().all(|it| it.is_ascii_hexdigit());
    let error = || IdError {
        text: text.chars().take(64).collect(),
    };
    if valid {
        u128::from_str_radix(&digits, 16).map_err(|_| error())
    } else {
        Err(error())
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(pub u128);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                dashed(self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                undashed(text).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.to_string()
            }
        }
    };
}

id!(
    /// One attempt to make a plan true everywhere.
    TransactionId
);
id!(
    /// One device, whatever its name is today.
    DeviceId
);
id!(
    /// One agent: the program that speaks for one or more devices.
    AgentId
);
id!(
    /// One intent that rides a transaction.
    IntentId
);
id!(
    /// One submission that asks admission for its devices.
    TicketId
);

/// Which leader speaks: a take-over raises it, a lower one is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Epoch(pub u64);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "epoch {}", self.0)
    }
}

impl Epoch {
    /// What is told under this epoch is numbered above this: above everything that was told under an earlier one,
    /// whatever of it was lost. An epoch counts the restores in its upper half, in seconds since 1970 or more, and in its
    /// lower half the starts since; both lift the numbers, and four thousand millions may be told in each run.
    pub fn told_above(self) -> u64 {
        let (restored, started) = (self.0 >> 32, self.0 & u64::from(u32::MAX));
        (restored + started).saturating_mul(1 << 32)
    }
}

/// Wall time in milliseconds since 1970, to stamp records with. Nothing is decided by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Moment(pub u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_what_it_prints() {
        let id = DeviceId(0x0192_f0c1_2233_7abc_8def_0123_4567_89ab);
        assert_eq!(id.to_string(), "0192f0c1-2233-7abc-8def-0123456789ab");
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn numbers_rise_with_every_start_and_every_restore() {
        let restored = |seconds: u64, starts: u64| Epoch(seconds << 32 | starts).told_above();
        let numbers = [
            restored(0, 0),
            restored(0, 1),
            restored(0, 4_000),
            restored(1_763_000_000, 0),
            restored(1_763_000_000, 1),
            restored(1_763_000_009, 0),
            restored(2_000_000_000, 7),
        ];
        assert!(numbers.windows(2).all(|it| it[0] < it[1]), "{numbers:?}");
        assert_eq!(Epoch(u64::MAX).told_above(), u64::MAX, "never back to the beginning");
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in [
            "",
            "0",
            "zz92f0c1-2233-7abc-8def-0123456789ab",
            "+192f0c1-2233-7abc-8def-0123456789ab",
        ] {
            assert!(text.parse::<DeviceId>().is_err(), "{text}");
        }
    }
}
