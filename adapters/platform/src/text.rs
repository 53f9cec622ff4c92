//! Text for a device that may hold secrets: what is shown is never what is sent.

use std::fmt;

/// How a reference to a secret begins.
const REFERENCE: &str = "secret:";

/// A line for a device, or part of one. Printed, it shows references; only [`Text::reveal`] has the secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text(Vec<Fragment>);

/// A stretch of a text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Fragment {
    Plain(String),
    Reference(String),
}

/// A secret that a device printed. It has no way into a log: neither `Debug` nor `Display` show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps what must not be shown.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself, for the wire alone.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// No secret is known under this reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no secret is known as {reference}")]
pub struct UnknownSecret {
    /// The reference, as the model holds it.
    pub reference: String,
}

impl Text {
    /// Appends what may be shown.
    pub fn push(&mut self, text: &str) {
        match self.0.last_mut() {
            Some(Fragment::Plain(last)) => last.push_str(text),
            Some(Fragment::Reference(_)) | None => self.0.push(Fragment::Plain(text.to_owned())),
        }
    }

    /// Appends the value of a leaf that is marked secret: a reference, which is replaced when the text is sent.
    pub fn push_secret(&mut self, reference: &str) {
        self.0.push(Fragment::Reference(reference.to_owned()));
    }

    /// The references in this text.
    pub fn references(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|it| match it {
            Fragment::Plain(_) => None,
            Fragment::Reference(reference) => Some(reference.as_str()),
        })
    }

    /// What is sent: each reference replaced by what `resolve` knows under it.
    pub fn reveal(&self, resolve: &dyn Fn(&str) -> Option<Secret>) -> Result<Secret, UnknownSecret> {
        let mut whole = String::new();
        for fragment in &self.0 {
            match fragment {
                Fragment::Plain(text) => whole.push_str(text),
                Fragment::Reference(reference) => {
                    let secret = resolve(reference).ok_or_else(|| UnknownSecret {
                        reference: reference.clone(),
                    })?;
                    whole.push_str(secret.expose());
                }
            }
        }
        Ok(Secret(whole))
    }
}

/// True for `secret:NAME@VERSION`.
pub fn is_reference(value: &str) -> bool {
    value.strip_prefix(REFERENCE).is_some_and(|it| !it.is_empty())
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(vec![Fragment::Plain(text.to_owned())])
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fragment in &self.0 {
            match fragment {
                Fragment::Plain(text) => f.write_str(text)?,
                Fragment::Reference(reference) => f.write_str(reference)?,
            }
        }
        Ok(())
    }
}
