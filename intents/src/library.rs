//! The classes that the program knows: its own, and those of the user's directory.

use std::collections::BTreeMap;
use std::fmt;

use knowledge_model::document::{Fault, nearest};

use crate::class::Class;

/// The files of these classes.
macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$((concat!($name, ".yaml"), include_str!(concat!("../library/", $name, ".yaml")))),*]
    };
}

/// The files that come with the program.
const OWN: &[(&str, &str)] = files![
    "access.control",
    "config.lifecycle",
    "connectivity.ensure",
    "diagnose",
    "intent.lifecycle",
    "interface.address",
    "interface.set",
    "monitor.query",
    "monitor.watch",
    "path.loadbalance",
    "path.protect",
    "path.steer",
    "qos.rate",
    "routing.bgp.policy",
    "routing.bgp.session",
    "routing.igp",
    "routing.static",
    "system.baseline",
];

/// Every class by its name.
#[derive(Debug, Clone, Default)]
pub struct Library {
    classes: BTreeMap<String, Class>,
}

/// A fault in one of the files of a library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LibraryFault {
    /// The file.
    pub file: String,
    /// What is wrong in it.
    pub fault: Fault,
}

impl fmt::Display for LibraryFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.fault)
    }
}

impl Library {
    /// The program's own classes and those of `files` (name and text); a file replaces an own class of the same name.
    ///
    /// # Errors
    /// Every fault of every file; a library is taken whole or not at all.
    pub fn load(files: &[(String, String)]) -> Result<Self, Vec<LibraryFault>> {
        let own = OWN.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        let mut classes = BTreeMap::new();
        let mut all = Vec::new();
        for (file, text) in own.chain(files.iter().cloned()) {
            match Class::read(&text) {
                Ok(class) => {
                    classes.insert(class.name.clone(), class);
                }
                Err(faults) => all.extend(faults.into_iter().map(|fault| LibraryFault {
                    file: file.clone(),
                    fault,
                })),
            }
        }
        if all.is_empty() { Ok(Self { classes }) } else { Err(all) }
    }

    /// The class of this name.
    #[must_use]
    pub fn class(&self, name: &str) -> Option<&Class> {
        self.classes.get(name)
    }

    /// The class whose name is most like `name`.
    #[must_use]
    pub fn nearest(&self, name: &str) -> Option<&str> {
        nearest(name, self.classes.keys().map(String::as_str))
    }

    /// All classes in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Class> {
        self.classes.values()
    }
}
