//! The validator: what a configuration must be beyond its types, and every reason why it is not.

use crate::faults::{named, refused, torn, twice};
use crate::libyang::{Compiled, Complaint, Complaints, Data, Format, LoadError};
use crate::once::names_stand_once;
use knowledge_model::data::{Fault, Invalid, Reading};
use knowledge_model::{Limits, Schema, Tree};
use std::ffi::CString;

/// Checks configurations against the YANG modules of the canonical model. It is made once and serves all threads.
///
/// A large configuration takes a while; an async program calls it on a thread for blocking work.
pub struct Validator {
    compiled: Compiled,
    limits: Limits,
}

impl Validator {
    /// Compiles the modules.
    ///
    /// # Errors
    /// If libyang does not take them.
    pub fn new() -> Result<Self, LoadError> {
        Self::within(Limits::default())
    }

    /// As [`Validator::new`], with other limits on what is read and reported.
    ///
    /// # Errors
    /// If libyang does not take the modules.
    pub fn within(limits: Limits) -> Result<Self, LoadError> {
        let compiled = Compiled::load()?.refine(Schema::canonical());
        Ok(Self { compiled, limits })
    }

    /// Checks a whole configuration: types, mandatory nodes, references, conditions, choices, what is unique.
    ///
    /// # Errors
    /// Every fault, with the path of the entry, what was found and what was expected, in the order of the paths.
    pub fn check(&self, tree: &Tree) -> Result<(), Invalid> {
        let complaints = Complaints::listen(self.limits.faults);
        let (mut data, left_out) = Data::plant(&self.compiled, tree, &complaints);
        let planting = complaints.count();
        let valid = data.validate();
        let (heard, more) = complaints.heard();
        let mut faults: Vec<_> = left_out.iter().map(|it| refused(it, tree)).collect();
        if !valid {
            let (cases, others): (Vec<_>, Vec<_>) = heard.iter().skip(planting).partition(|it| it.is_of_cases());
            faults.extend(others.into_iter().map(|it| named(it, Some(tree))));
            if !cases.is_empty() {
                faults.extend(torn(tree));
            }
        }
        self.settle(faults, more, tree)
    }

    /// Reads a document into a map and checks it, in one go.
    ///
    /// # Errors
    /// Every fault, as for [`Validator::check`], with the lines where they are known.
    pub fn read(&self, text: &[u8], format: Format) -> Result<Tree, Invalid> {
        match format {
            Format::Json => self.read_json(text),
            Format::Xml => self.read_xml(text),
        }
    }

    /// libyang reads first: where nothing is wrong, that is the only reading.
    fn read_json(&self, text: &[u8]) -> Result<Tree, Invalid> {
        let readable =
            text.len() <= self.limits.bytes && !text.trim_ascii().is_empty() && std::str::from_utf8(text).is_ok();
        let terminated = (readable && names_stand_once(text))
            .then(|| CString::new(text).ok())
            .flatten();
        let complaints = Complaints::listen(self.limits.faults);
        let parsed = terminated.and_then(|text| Data::parse(&self.compiled, &text));
        let tree = parsed.as_ref().and_then(Data::tree);
        let (heard, _) = complaints.heard();
        match tree {
            Some(tree) if tree.len() <= self.limits.entries => {
                self.settle(Vec::new(), 0, &tree)?;
                Ok(tree)
            }
            Some(_) | None => self.explain(text, &heard),
        }
    }

    /// Our own reader reads, and libyang judges the map: its reader of XML does not survive a list whose key stands twice.
    fn read_xml(&self, text: &[u8]) -> Result<Tree, Invalid> {
        let Reading { tree, ended, invalid } = Reading::of_xml(text, Schema::canonical(), &self.limits);
        match invalid {
            None => self.check(&tree).map(|()| tree),
            // What stands behind the end is not known, and what would be missing may stand there.
            Some(invalid) if ended => Err(self.joined(invalid, twice(&tree))),
            Some(invalid) => {
                let beyond = self.check(&tree).err();
                Err(self.joined(invalid, beyond.map_or_else(Vec::new, |it| it.faults)))
            }
        }
    }

    /// Says why a document was not taken: what our own reader finds, which knows every type and line, what stands twice in
    /// what it could read, and what libyang finds beyond. A document that only libyang's reader does not take is checked
    /// as a map.
    fn explain(&self, text: &[u8], heard: &[Complaint]) -> Result<Tree, Invalid> {
        let Reading { tree, invalid, .. } = Reading::of_json(text, Schema::canonical(), &self.limits);
        let Some(invalid) = invalid else {
            return self.check(&tree).map(|()| tree);
        };
        let beyond = heard.iter().filter(|it| it.is_of_rules()).map(|it| named(it, None));
        let beyond = beyond.chain(twice(&tree)).collect();
        Err(self.joined(invalid, beyond))
    }

    /// The faults of a text and those of its rules. What is bad at a place is missing there for the rules.
    fn joined(&self, invalid: Invalid, beyond: Vec<Fault>) -> Invalid {
        let Invalid { mut faults, more } = invalid;
        let listed = |fault: &Fault| faults.iter().any(|it| it.path == fault.path);
        let beyond: Vec<_> = beyond.into_iter().filter(|it| !listed(it)).collect();
        faults.extend(beyond);
        self.cut(faults, more)
    }

    /// Adds what libyang does not know of and ends with the faults, if there are any.
    fn settle(&self, mut faults: Vec<Fault>, more: usize, tree: &Tree) -> Result<(), Invalid> {
        faults.extend(twice(tree));
        if faults.is_empty() && more == 0 {
            return Ok(());
        }
        faults.sort();
        faults.dedup();
        Err(self.cut(faults, more))
    }

    /// As many faults as are listed; the others are counted.
    fn cut(&self, mut faults: Vec<Fault>, mut more: usize) -> Invalid {
        more += faults.len().saturating_sub(self.limits.faults);
        faults.truncate(self.limits.faults);
        Invalid { faults, more }
    }
}
