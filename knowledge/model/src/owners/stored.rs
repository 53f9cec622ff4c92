//! How an ownership is kept: a form of its own with a version, so that the types in memory may change.

use super::compose::{Composed, Foreign, Place};
use super::{Ownership, Wish};
use crate::path::Path;
use crate::tree::{Tree, Value};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The version that is written.
const VERSION: u32 = 1;

/// Why a text is no stored ownership.
#[derive(Debug, thiserror::Error)]
pub enum StoredError {
    /// It was written by a newer program.
    #[error("version {0} of a stored ownership is newer than {VERSION}, the newest this program reads")]
    Newer(u32),
    /// It is no JSON of this form.
    #[error("a stored ownership cannot be read")]
    Form(#[source] serde_json::Error),
    /// A path in it is none.
    #[error("a stored ownership has {0:?} for a path")]
    Path(String, #[source] crate::path::PathError),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    /// The revision of the model that the paths belong to.
    model: String,
    wishes: Vec<StoredWish>,
    found: BTreeMap<String, StoredValue>,
    places: Vec<StoredPlace>,
}

/// Only the version, which is looked at before all else.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredWish {
    intent: String,
    priority: i32,
    entries: BTreeMap<String, StoredValue>,
    composed: Vec<StoredShare>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredShare {
    at: String,
    rules: Vec<BTreeMap<String, StoredValue>>,
    last: BTreeMap<String, StoredValue>,
    adopt: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredPlace {
    at: String,
    list: String,
    foreign: Option<StoredForeign>,
    adopted: bool,
    numbers: Vec<(i32, String, usize, u32)>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredForeign {
    list: String,
    rules: BTreeMap<u32, BTreeMap<String, StoredValue>>,
    moved: Vec<u32>,
    shared: Option<String>,
}

/// `null` for absence, `true` for an entry without a value, text for a scalar.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum StoredValue {
    Absent(()),
    Present(bool),
    Scalar(Box<str>),
}

impl Ownership {
    /// As JSON, for keeping.
    pub fn to_stored(&self, model: &str) -> Result<String, StoredError> {
        let stored = Stored {
            version: VERSION,
            model: model.to_owned(),
            wishes: self.wishes.values().map(StoredWish::from).collect(),
            found: self
                .found
                .iter()
                .map(|(path, value)| (path.to_string(), value.clone().into()))
                .collect(),
            places: self.places.iter().map(|(at, place)| stored_place(at, place)).collect(),
        };
        serde_json::to_string(&stored).map_err(StoredError::Form)
    }

    /// From what was kept, with the revision of the model that it belongs to.
    pub fn from_stored(text: &str) -> Result<(Self, String), StoredError> {
        let Versioned { version } = serde_json::from_str(text).map_err(StoredError::Form)?;
        if version > VERSION {
            return Err(StoredError::Newer(version));
        }
        let stored: Stored = serde_json::from_str(text).map_err(StoredError::Form)?;
        let wishes = stored
            .wishes
            .into_iter()
            .map(|it| it.read().map(|it| (it.intent.clone(), it)));
        let places = stored.places.into_iter().map(StoredPlace::read);
        let owners = Self {
            wishes: wishes.collect::<Result<_, _>>()?,
            found: entries(stored.found)?,
            places: places.collect::<Result<_, _>>()?,
        };
        Ok((owners, stored.model))
    }
}

impl From<&Wish> for StoredWish {
    fn from(wish: &Wish) -> Self {
        let share = |it: &Composed| StoredShare {
            at: it.at.to_string(),
            rules: it.rules.iter().map(stored_tree).collect(),
            last: stored_tree(&it.last),
            adopt: it.adopt,
        };
        Self {
            intent: wish.intent.to_string(),
            priority: wish.priority,
            entries: wish
                .entries
                .iter()
                .map(|(path, value)| (path.to_string(), value.clone().into()))
                .collect(),
            composed: wish.composed.iter().map(share).collect(),
        }
    }
}

impl StoredWish {
    fn read(self) -> Result<Wish, StoredError> {
        let share = |it: StoredShare| {
            Ok(Composed {
                at: path(&it.at)?,
                rules: it.rules.into_iter().map(tree).collect::<Result<_, _>>()?,
                last: tree(it.last)?,
                adopt: it.adopt,
            })
        };
        Ok(Wish {
            intent: self.intent.into(),
            priority: self.priority,
            entries: entries(self.entries)?,
            composed: self
                .composed
                .into_iter()
                .map(share)
                .collect::<Result<_, StoredError>>()?,
        })
    }
}

fn stored_place(at: &Path, place: &Place) -> StoredPlace {
    let foreign = place.foreign.as_ref().map(|it| StoredForeign {
        list: it.list.to_string(),
        rules: it
            .rules
            .iter()
            .map(|(number, rule)| (*number, stored_tree(rule)))
            .collect(),
        moved: it.moved.clone(),
        shared: it.shared.as_ref().map(Path::to_string),
    });
    let numbers = place
        .numbers
        .iter()
        .map(|((Reverse(priority), intent, index), number)| (*priority, intent.to_string(), *index, *number));
    StoredPlace {
        at: at.to_string(),
        list: place.list.to_string(),
        foreign,
        adopted: place.adopted,
        numbers: numbers.collect(),
    }
}

impl StoredPlace {
    fn read(self) -> Result<(Path, Place), StoredError> {
        let foreign = self.foreign.map(|it| {
            let rules = it.rules.into_iter().map(|(number, rule)| Ok((number, tree(rule)?)));
            Ok(Foreign {
                list: path(&it.list)?,
                rules: rules.collect::<Result<_, StoredError>>()?,
                moved: it.moved,
                shared: it.shared.as_deref().map(path).transpose()?,
            })
        });
        let numbers = self
            .numbers
            .into_iter()
            .map(|(priority, intent, index, number)| ((Reverse(priority), intent.into_boxed_str(), index), number));
        let place = Place {
            list: path(&self.list)?,
            foreign: foreign.transpose()?,
            adopted: self.adopted,
            numbers: numbers.collect(),
        };
        Ok((path(&self.at)?, place))
    }
}

impl From<Option<Value>> for StoredValue {
    fn from(value: Option<Value>) -> Self {
        match value {
            None => Self::Absent(()),
            Some(Value::Present) => Self::Present(true),
            Some(Value::Scalar(text)) => Self::Scalar(text),
        }
    }
}

impl From<StoredValue> for Option<Value> {
    fn from(value: StoredValue) -> Self {
        match value {
            StoredValue::Absent(()) => None,
            StoredValue::Present(_) => Some(Value::Present),
            StoredValue::Scalar(text) => Some(Value::Scalar(text)),
        }
    }
}

fn stored_tree(tree: &Tree) -> BTreeMap<String, StoredValue> {
    tree.iter()
        .map(|(path, value)| (path.to_string(), Some(value.clone()).into()))
        .collect()
}

fn tree(stored: BTreeMap<String, StoredValue>) -> Result<Tree, StoredError> {
    Ok(entries(stored)?
        .into_iter()
        .filter_map(|(path, value)| Some((path, value?)))
        .collect())
}

fn entries(stored: BTreeMap<String, StoredValue>) -> Result<BTreeMap<Path, Option<Value>>, StoredError> {
    stored
        .into_iter()
        .map(|(text, value)| Ok((path(&text)?, value.into())))
        .collect()
}

fn path(text: &str) -> Result<Path, StoredError> {
    text.parse()
        .map_err(|source| StoredError::Path(text.to_owned(), source))
}
