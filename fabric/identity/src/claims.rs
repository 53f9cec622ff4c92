//! What an application says about whoever stands behind it, and what it asks for. Nobody has verified it yet.
//!
//! It stands among the alternative names that the request asks for, in the form in which certificates say such things:
//! `entente://device/…`, `entente://may/…`, and beside them `entente://developer/…`, `entente://function/…` and
//! `entente://skill/…`, whose texts are percent-encoded.

use crate::identity::{IdentityError, MOST_PATTERNS, Pattern, Permission};
use crate::roll::Grant;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt::Write;

/// The most skills of one application.
pub const MOST_SKILLS: usize = 64;
/// The longest text, in bytes.
pub const LONGEST_TEXT: usize = 128;

/// What an application says beside its name, its organisation and its key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Claims {
    /// Who made the agent.
    pub developer: String,
    /// What it is for.
    pub function: String,
    /// What it can do.
    pub skills: BTreeSet<String>,
    /// The devices that it wants to speak for; none: whatever it is given.
    pub devices: BTreeSet<Pattern>,
    /// What it wants to do; nothing: whatever it is given.
    pub may: BTreeSet<Permission>,
}

impl Claims {
    /// The claims as uniform resource identifiers, the way they stand in a request.
    pub fn uris(&self) -> Vec<String> {
        let text =
            |kind: &str, text: &String| (!text.is_empty()).then(|| format!("entente://{kind}/{}", escaped(text)));
        let mut uris: Vec<String> = self.devices.iter().map(|it| format!("entente://device/{it}")).collect();
        uris.extend(self.may.iter().map(|it| format!("entente://may/{}", it.word())));
        uris.extend(text("developer", &self.developer));
        uris.extend(text("function", &self.function));
        uris.extend(self.skills.iter().filter_map(|it| text("skill", it)));
        uris
    }

    /// Reads claims back; a name of ours that is not understood is refused, others are none of our business.
    pub fn from_uris<'a>(uris: impl IntoIterator<Item = &'a str>) -> Result<Self, IdentityError> {
        let mut claims = Self::default();
        for uri in uris {
            let Some(ours) = uri.strip_prefix("entente://") else {
                continue;
            };
            let (kind, said) = ours.split_once('/').ok_or(IdentityError::Uri)?;
            match kind {
                "device" => drop(claims.devices.insert(said.parse()?)),
                "may" => drop(claims.may.insert(permission(said)?)),
                "developer" => claims.developer = plain(said)?,
                "function" => claims.function = plain(said)?,
                "skill" => drop(claims.skills.insert(plain(said)?)),
                _ => return Err(IdentityError::Uri),
            }
            if claims.devices.len() > MOST_PATTERNS || claims.skills.len() > MOST_SKILLS {
                let count = claims.devices.len().max(claims.skills.len());
                return Err(IdentityError::TooMany { count });
            }
        }
        Ok(claims)
    }

    /// What is asked for and was not allowed, if anything is. What it is for and what it can do are words: the certificate
    /// carries those of whoever verified them, and words beside these give nothing.
    pub fn beyond(&self, grant: &Grant) -> Option<String> {
        let allowed = &grant.identity;
        let device = |it: &&Pattern| !allowed.devices.iter().any(|pattern| pattern.includes(it));
        let devices = self.devices.iter().filter(device).map(|it| format!("the device {it}"));
        let may = self.may.difference(&allowed.may).map(|it| format!("to {}", it.word()));
        devices.chain(may).next()
    }
}

fn permission(word: &str) -> Result<Permission, IdentityError> {
    let known = Permission::ALL.into_iter().find(|it| it.word() == word);
    known.ok_or(IdentityError::Uri)
}

fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut text, it| {
        if it.is_ascii_alphanumeric() || b"-._~".contains(&it) {
            text.push(char::from(it));
        } else {
            let _ = write!(text, "%{it:02X}"); // a string takes whatever is written
        }
        text
    })
}

/// A text that was percent-encoded: UTF-8 of bounded length without control characters.
fn plain(said: &str) -> Result<String, IdentityError> {
    let (mut bytes, mut rest) = (Vec::with_capacity(said.len()), said.as_bytes());
    while let Some((first, more)) = rest.split_first() {
        rest = more;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, more) = more.split_at_checked(2).ok_or(IdentityError::Uri)?;
        let digits = std::str::from_utf8(digits).map_err(|_| IdentityError::Uri)?;
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| IdentityError::Uri)?);
        rest = more;
    }
    let text = String::from_utf8(bytes).map_err(|_| IdentityError::Uri)?;
    let sound = (1..=LONGEST_TEXT).contains(&text.len()) && !text.chars().any(char::is_control);
    if sound { Ok(text) } else { Err(IdentityError::Uri) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{Identity, Role};
    use crate::roll::Evidence;
    use proptest::prelude::*;

    fn claims() -> Claims {
        Claims {
            developer: "Ann & Söhne 100%".into(),
            function: "speaks for the edge".into(),
            skills: ["netconf".into(), "cli/frr".into()].into(),
            devices: ["pe1".parse().expect("a pattern"), "ce*".parse().expect("a pattern")].into(),
            may: [Permission::Observe].into(),
        }
    }

    #[test]
    fn claims_read_back_from_their_uris() {
        let uris = claims().uris();
        assert!(uris.contains(&"entente://skill/cli%2Ffrr".to_owned()), "{uris:?}");
        assert_eq!(Claims::from_uris(uris.iter().map(String::as_str)), Ok(claims()));
        assert_eq!(
            Claims::from_uris(["https://example.net/", "urn:x"]),
            Ok(Claims::default())
        );
        for strange in [
            "entente://agent/a",
            "entente://may/fly",
            "entente://skill/%0a",
            "entente://skill/%",
            "entente://x",
        ] {
            assert!(Claims::from_uris([strange]).is_err(), "{strange}");
        }
    }

    #[test]
    fn what_is_asked_for_must_be_allowed() {
        let grant = |devices: &[&str], may: &[Permission]| Grant {
            identity: Identity {
                name: "edge-1".parse().expect("a name"),
                role: Role::Agent,
                devices: devices.iter().map(|it| it.parse().expect("a pattern")).collect(),
                may: may.iter().copied().collect(),
            },
            evidence: Evidence::default(),
        };
        assert_eq!(claims().beyond(&grant(&["pe*", "ce*"], &Permission::ALL)), None);
        let beyond = claims().beyond(&grant(&["pe*", "ce1"], &Permission::ALL));
        assert_eq!(beyond.as_deref(), Some("the device ce*"));
        let beyond = claims().beyond(&grant(&["*"], &[Permission::Publish]));
        assert_eq!(beyond.as_deref(), Some("to observe"));
        assert_eq!(Claims::default().beyond(&grant(&[], &[])), None, "nothing is asked for");
    }

    #[test]
    fn other_words_than_were_verified_refuse_nobody() {
        let verified = |function: &str, skills: &[&str]| Grant {
            identity: Identity {
                name: "edge-1".parse().expect("a name"),
                role: Role::Agent,
                devices: ["*".parse().expect("a pattern")].into(),
                may: Permission::ALL.into(),
            },
            evidence: Evidence {
                function: function.into(),
                skills: skills.iter().map(|it| (*it).into()).collect(),
                ..Evidence::default()
            },
        };
        let beyond = |function, skills: &[&str]| claims().beyond(&verified(function, skills));
        assert_eq!(beyond("", &[]), None, "nothing was verified");
        assert_eq!(
            beyond("monitors", &[]),
            None,
            "an agent of before says what was the default"
        );
        assert_eq!(
            beyond("", &["netconf"]),
            None,
            "it can do more than anybody has looked at"
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(uri in "entente://[a-z]{0,9}/?[ -~%]{0,40}") {
            let _ = Claims::from_uris([uri.as_str()]);
        }

        #[test]
        fn any_plain_text_comes_back(text in "[^\\p{Cc}]{1,30}") {
            let claims = Claims { developer: text, ..Claims::default() };
            prop_assert_eq!(Claims::from_uris(claims.uris().iter().map(String::as_str)), Ok(claims));
        }
    }
}
