//! Where a value stands: an instance path such as `interface[eth1]/mtu`.
//!
//! A path is kept as one boxed string with low separator bytes, so that comparing two paths is comparing bytes, an
//! entry comes before what is inside it, and a subtree is one contiguous range of a sorted map. Keys that are whole
//! numbers sort by value: `rule[9]` comes before `rule[10]`.

use std::fmt;
use std::str::FromStr;

/// Between two steps.
const STEP: char = '\u{1}';
/// Before each key of a step.
const KEY: char = '\u{2}';
/// Above every separator and below everything that a name or key begins with: closes the range of a subtree.
const END: char = '\u{3}';
/// The longest whole number that is sorted by value; its marker is the highest below the printable characters.
const DIGITS: usize = 27;
/// The longest text that is taken for a path.
const LENGTH: usize = 16 * 1024;

/// The place of one entry in a configuration. The root is the empty path.
///
/// `interface[eth1]/mtu` is written with one bracket for each key in the order of the schema; a value of a leaf-list is
/// one bracket too. Inside brackets `]` and `\` are escaped with `\`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(Box<str>);

/// One step of a path: the name of a node and the keys of its instance.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Step<'a> {
    /// The name in the schema.
    pub name: &'a str,
    /// The keys in the order of the schema; empty for containers and leaves.
    pub keys: Vec<&'a str>,
}

/// Why a text is no path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// A step has no name, or the name has a character that no YANG identifier has.
    #[error("{name:?} at character {at} is not a name")]
    Name {
        /// What stood where a name belongs.
        name: String,
        /// Where it begins, counted in bytes.
        at: usize,
    },
    /// A bracket is opened and not closed.
    #[error("the bracket opened at character {at} is not closed")]
    Open {
        /// Where the bracket opens.
        at: usize,
    },
    /// Something other than `[`, `/` or the end follows a bracket.
    #[error("expected '[', '/' or the end at character {at}")]
    After {
        /// Where it stands.
        at: usize,
    },
    /// A backslash before something other than `]` or `\`.
    #[error("'\\' at character {at} escapes neither ']' nor '\\'")]
    Escape {
        /// Where the backslash stands.
        at: usize,
    },
    /// A control character in a name or key.
    #[error("control character in {text:?}")]
    Control {
        /// The name or key.
        text: String,
    },
    /// The text is too long to be a path.
    #[error("a path of {length} bytes is longer than {LENGTH}")]
    Length {
        /// How long it is.
        length: usize,
    },
}

impl Path {
    /// The path of the whole configuration.
    pub fn root() -> Self {
        Self(Box::default())
    }

    /// True for the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The node `name` inside this one. Characters that no name has become U+FFFD, so that nothing can forge a step;
    /// where the name comes from outside, parse instead.
    pub fn child(&self, name: &str) -> Self {
        self.keyed(name, [] as [&str; 0])
    }

    /// The instance of the list or leaf-list `name` inside this node that has these keys. Control characters become
    /// U+FFFD; [`Path::try_keyed`] refuses them instead.
    pub fn keyed<K: AsRef<str>>(&self, name: &str, keys: impl IntoIterator<Item = K>) -> Self {
        let mut text = self.opened(name.len() + 16);
        text.extend(
            name.chars()
                .map(|it| if is_name(it) { it } else { char::REPLACEMENT_CHARACTER }),
        );
        for key in keys {
            let key = key.as_ref();
            if key.chars().any(char::is_control) {
                push_key(&mut text, &key.replace(char::is_control, "\u{fffd}"));
            } else {
                push_key(&mut text, key);
            }
        }
        Self(text.into_boxed_str())
    }

    /// As [`Path::keyed`], for names and keys that come from outside: what cannot stand in a path is refused.
    pub fn try_keyed<K: AsRef<str>>(&self, name: &str, keys: impl IntoIterator<Item = K>) -> Result<Self, PathError> {
        check_name(name, 0)?;
        let mut text = self.opened(name.len() + 16);
        text.push_str(name);
        for key in keys {
            let key = key.as_ref();
            if key.chars().any(char::is_control) {
                return Err(PathError::Control { text: key.to_owned() });
            }
            push_key(&mut text, key);
        }
        Ok(Self(text.into_boxed_str()))
    }

    /// The path without its last step; none for the root.
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        let end = self.0.rfind(STEP).unwrap_or(0);
        Some(Self(self.0[..end].into()))
    }

    /// True if `ancestor` is this path or above it. A path with fewer keys stands above all instances that begin with
    /// them: `prefix-list[ipv4]` is above `prefix-list[ipv4][edge]`, and `interface` above every interface.
    pub fn starts_with(&self, ancestor: &Path) -> bool {
        match self.0.strip_prefix(&*ancestor.0) {
            Some(rest) => ancestor.is_root() || rest.is_empty() || rest.starts_with([STEP, KEY]),
            None => false,
        }
    }

    /// The steps from the root.
    pub fn steps(&self) -> impl DoubleEndedIterator<Item = Step<'_>> {
        (!self.is_root())
            .then(|| self.0.split(STEP))
            .into_iter()
            .flatten()
            .map(Step::read)
    }

    /// The last step; none for the root.
    pub fn last(&self) -> Option<Step<'_>> {
        (!self.is_root()).then(|| Step::read(&self.0[self.0.rfind(STEP).map_or(0, |at| at + 1)..]))
    }

    /// The name of the last step; empty for the root.
    pub fn name(&self) -> &str {
        let last = &self.0[self.0.rfind(STEP).map_or(0, |at| at + 1)..];
        &last[..last.find(KEY).unwrap_or(last.len())]
    }

    /// The paths of this entry's ancestors, the nearest first, without the root.
    pub fn ancestors(&self) -> impl Iterator<Item = Path> {
        std::iter::successors(self.parent(), Path::parent).filter(|it| !it.is_root())
    }

    /// The node inside this one whose name is known to be one: it comes from the schema.
    pub(crate) fn joined(&self, name: &str) -> Self {
        let mut text = self.opened(name.len());
        text.push_str(name);
        Self(text.into_boxed_str())
    }

    /// The path that stands at `path` inside this one.
    pub fn inside(&self, path: &Path) -> Self {
        if path.is_root() {
            return self.clone();
        }
        self.joined(&path.0)
    }

    /// This path as seen from `ancestor`; unchanged if that is not above it.
    pub fn relative(&self, ancestor: &Path) -> Self {
        match self.0.strip_prefix(&*ancestor.0) {
            Some(rest) if ancestor.is_root() || rest.is_empty() || rest.starts_with(STEP) => {
                Self(rest.trim_start_matches(STEP).into())
            }
            Some(_) | None => self.clone(),
        }
    }

    /// The first path behind this subtree, which itself can be no entry.
    pub(crate) fn behind(&self) -> Self {
        let mut text = String::with_capacity(self.0.len() + 1);
        text.push_str(&self.0);
        text.push(END);
        Self(text.into_boxed_str())
    }

    /// A copy of this path, open for one more step.
    fn opened(&self, room: usize) -> String {
        let mut text = String::with_capacity(self.0.len() + 1 + room);
        text.push_str(&self.0);
        if !self.is_root() {
            text.push(STEP);
        }
        text
    }
}

impl<'a> Step<'a> {
    fn read(text: &'a str) -> Self {
        let mut parts = text.split(KEY);
        let name = parts.next().unwrap_or_default();
        Self {
            name,
            keys: parts.map(bare).collect(),
        }
    }
}

/// The key without its marker.
fn bare(key: &str) -> &str {
    match key.as_bytes().first() {
        Some(first) if *first < b' ' => &key[1..],
        Some(_) | None => key,
    }
}

/// Appends a key; a whole number gets a marker of its length, which makes byte order the order of numbers.
fn push_key(text: &mut String, key: &str) {
    text.push(KEY);
    let digits = key.bytes().all(|it| it.is_ascii_digit());
    let plain = key.len() == 1 || !key.starts_with('0');
    if digits && plain && (1..=DIGITS).contains(&key.len()) {
        text.push(char::from(END as u8 + key.len() as u8));
    }
    text.push_str(key);
}

/// True for what stands in a YANG identifier.
fn is_name(it: char) -> bool {
    it.is_ascii_alphanumeric() || matches!(it, '-' | '_' | '.')
}

fn check_name(name: &str, at: usize) -> Result<(), PathError> {
    let begins = name.starts_with(|it: char| it.is_ascii_alphabetic() || it == '_');
    if begins && name.chars().all(is_name) {
        Ok(())
    } else {
        Err(PathError::Name {
            name: name.to_owned(),
            at,
        })
    }
}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        if text.len() > LENGTH {
            return Err(PathError::Length { length: text.len() });
        }
        let mut inner = String::with_capacity(text.len() + 8);
        let mut at = 0;
        while at < text.len() || at > 0 {
            at = read_step(text, at, &mut inner)?;
            match text.as_bytes().get(at) {
                None => break,
                Some(_) => at += 1, // a slash: read_step stops nowhere else
            }
            inner.push(STEP);
        }
        Ok(Self(inner.into_boxed_str()))
    }
}

/// Reads `name[key]…` from `at` on and says where the step ends: at a slash or at the end of the text.
fn read_step(text: &str, mut at: usize, inner: &mut String) -> Result<usize, PathError> {
    let rest = &text[at..];
    let name = &rest[..rest.find(['[', '/']).unwrap_or(rest.len())];
    check_name(name, at)?;
    inner.push_str(name);
    at += name.len();
    let mut key = String::new();
    while text.as_bytes().get(at) == Some(&b'[') {
        at = read_key(text, at, &mut key)?;
        push_key(inner, &key);
    }
    match text.as_bytes().get(at) {
        None | Some(b'/') => Ok(at),
        Some(_) => Err(PathError::After { at }),
    }
}

/// Reads one bracket that opens at `at` into `key` and says where the text goes on behind it.
fn read_key(text: &str, at: usize, key: &mut String) -> Result<usize, PathError> {
    key.clear();
    let mut rest = text[at + 1..].char_indices().map(|(offset, it)| (at + 1 + offset, it));
    while let Some((here, it)) = rest.next() {
        match it {
            ']' => return Ok(here + 1),
            '\\' => match rest.next() {
                Some((_, escaped @ (']' | '\\'))) => key.push(escaped),
                Some(_) | None => return Err(PathError::Escape { at: here }),
            },
            it if it.is_control() => return Err(PathError::Control { text: text.to_owned() }),
            it => key.push(it),
        }
    }
    Err(PathError::Open { at })
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.steps().enumerate() {
            if index > 0 {
                f.write_str("/")?;
            }
            step.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        for key in &self.keys {
            f.write_str("[")?;
            for part in key.split_inclusive([']', '\\']) {
                match part.strip_suffix([']', '\\']) {
                    Some(plain) => write!(f, "{plain}\\{}", &part[plain.len()..])?,
                    None => f.write_str(part)?,
                }
            }
            f.write_str("]")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

#[cfg(test)]
mod tests;
