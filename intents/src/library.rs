//! The classes that the program knows: its own, and those of the user's directory.

use std::collections::BTreeMap;
use std::fmt;

use knowledge_model::document::{Fault, Mark, nearest};

use crate::class::Class;
use crate::example::read_file;
use crate::learning::{LearnError, Rule};
use crate::line::short;

/// The files of these classes.
macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$((
            concat!($name, ".yaml"),
            include_str!(concat!("../library/", $name, ".yaml")),
            include_str!(concat!("../library/examples/", $name, ".yaml")),
        )),*]
    };
}

/// The files that come with the program: a name, the class, and its examples.
const OWN: &[(&str, &str, &str)] = files![
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
    files: BTreeMap<String, String>,
    revision: String,
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
        let own = OWN
            .iter()
            .map(|(name, text, _)| ((*name).to_owned(), (*text).to_owned()));
        let mut library = Self::default();
        let mut all: Vec<LibraryFault> = Vec::new();
        let mut texts = String::new();
        let examples = |index: usize| OWN.get(index).map(|(_, _, examples)| *examples);
        for (index, (file, text)) in own.chain(files.iter().cloned()).enumerate() {
            texts.push_str(&text);
            match Class::read(&text) {
                Ok(class) if index >= OWN.len() => {
                    if let Some(other) = library.files.insert(class.name.clone(), file.clone()) {
                        let fault = Fault {
                            at: Mark { line: 1, column: 1 },
                            what: format!("the class {} stands in {other} already", class.name),
                            hint: "one file a class".to_owned(),
                        };
                        all.push(LibraryFault { file, fault });
                    }
                    library.classes.insert(class.name.clone(), class);
                }
                Ok(mut class) => {
                    match read_file(examples(index).unwrap_or_default(), &class.slots) {
                        Ok(examples) => class.examples.extend(examples),
                        Err(faults) => all.extend(faults.into_iter().map(|fault| LibraryFault {
                            file: format!("examples/{file}"),
                            fault,
                        })),
                    }
                    library.classes.insert(class.name.clone(), class);
                }
                Err(faults) => all.extend(faults.into_iter().map(|fault| LibraryFault {
                    file: file.clone(),
                    fault,
                })),
            }
        }
        library.revision = short("r", &texts);
        if all.is_empty() { Ok(library) } else { Err(all) }
    }

    /// Adds what was learned; the same rules in the same order make the same library.
    ///
    /// # Errors
    /// Where its class is not there, or its phrase is none of that class.
    pub fn teach(&mut self, rule: &Rule) -> Result<(), LearnError> {
        let name = rule.correction.class(self)?.name.clone();
        if let Some(class) = self.classes.get_mut(&name) {
            let group = rule.group(class)?;
            class.words.groups.push(group);
        }
        self.revision = short("r", &format!("{}\n{}", self.revision, rule.json()));
        Ok(())
    }

    /// Tells this library from every other: the same files, the same revision.
    #[must_use]
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// The user's file that a class stands in; none for those that come with the program.
    #[must_use]
    pub fn file(&self, class: &str) -> Option<&str> {
        self.files.get(class).map(String::as_str)
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
