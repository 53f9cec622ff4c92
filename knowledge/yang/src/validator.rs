//! The validator: what a configuration must be beyond its types, and every reason why it is not.

use crate::faults::{named, nowhere, refused, torn, twice};
use crate::glance::{Glance, glance};
use crate::libyang::{Compiled, Complaints, Data, Format, LoadError};
use knowledge_model::data::{Fault, Invalid, Reading};
use knowledge_model::{Limits, Path, Schema, Tree};
use std::collections::BTreeSet;
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
        let (data, left_out) = Data::plant(&self.compiled, tree, &complaints);
        let faults = left_out.iter().map(|it| refused(it, tree)).collect();
        self.judge(data, complaints, tree, faults)
    }

    /// Reads a document into a map and checks it, in one go.
    ///
    /// # Errors
    /// Every fault, as for [`Validator::check`], in the order of the text, with line and column.
    pub fn read(&self, text: &[u8], format: Format) -> Result<Tree, Invalid> {
        let read = match format {
            Format::Json => self.read_json(text),
            Format::Xml => self.explain(Reading::of_xml(text, Schema::canonical(), &self.limits)),
        };
        read.map_err(|invalid| self.placed(invalid, text, format))
    }

    /// libyang reads first: where nothing is wrong, that is the only reading.
    fn read_json(&self, text: &[u8]) -> Result<Tree, Invalid> {
        let readable =
            text.len() <= self.limits.bytes && !text.trim_ascii().is_empty() && std::str::from_utf8(text).is_ok();
        let glance = glance(if readable { text } else { b"" }, &self.limits);
        if let Glance::TooMany(at) = glance {
            return Err(too_many(text, at, &self.limits));
        }
        let terminated = (readable && glance == Glance::Once)
            .then(|| CString::new(text).ok())
            .flatten();
        let complaints = Complaints::listen(self.limits.faults);
        let parsed = terminated.and_then(|text| Data::parse(&self.compiled, &text));
        let tree = parsed.as_ref().and_then(Data::tree);
        match parsed.zip(tree) {
            Some((data, tree)) if tree.len() <= self.limits.entries => {
                self.judge(data, complaints, &tree, Vec::new())?;
                Ok(tree)
            }
            Some(_) | None => {
                drop(complaints);
                self.explain(Reading::of_json(text, Schema::canonical(), &self.limits))
            }
        }
    }

    /// Says why a document was not taken: what our own reader finds, which knows every type and place, and what is wrong
    /// beyond with what it could read. A document with which it finds nothing wrong is checked as a map: XML, as libyang's
    /// reader of it does not survive a list whose key stands twice, and what only libyang's reader of JSON does not take.
    fn explain(&self, reading: Reading) -> Result<Tree, Invalid> {
        let Reading { tree, ended, invalid } = reading;
        match invalid {
            None => self.check(&tree).map(|()| tree),
            // What stands behind the end is not known, and what would be missing may stand there.
            Some(invalid) if ended => Err(self.joined(invalid, twice(&tree).take(self.limits.faults).collect())),
            Some(invalid) => {
                let beyond = self.check(&tree).err();
                Err(self.joined(invalid, beyond.map_or_else(Vec::new, |it| it.faults)))
            }
        }
    }

    /// Holds entries to the rules: what libyang says of them, and what goes beyond one entry at the top, which libyang is
    /// not asked.
    fn judge(
        &self,
        mut data: Data<'_>,
        complaints: Complaints,
        tree: &Tree,
        mut faults: Vec<Fault>,
    ) -> Result<(), Invalid> {
        let before = complaints.count();
        let valid = data.validate();
        let (heard, more) = complaints.heard();
        if !valid {
            let (cases, others): (Vec<_>, Vec<_>) = heard.iter().skip(before).partition(|it| it.is_of_cases());
            faults.extend(others.into_iter().map(|it| named(it, tree)));
            if !cases.is_empty() {
                faults.extend(torn(tree));
            }
        }
        let (lost, more) = more_than(nowhere(tree), self.limits.faults, more);
        let (twice, more) = more_than(twice(tree), self.limits.faults, more);
        let listed: BTreeSet<_> = faults.iter().map(|it| it.path.clone()).collect();
        faults.extend(lost.into_iter().filter(|it| !listed.contains(&it.path)));
        faults.extend(twice);
        if faults.is_empty() && more == 0 {
            return Ok(());
        }
        faults.sort();
        faults.dedup();
        Err(self.cut(faults, more))
    }

    /// The faults of a text and those of its rules. What is bad at a place is missing there for the rules.
    fn joined(&self, invalid: Invalid, beyond: Vec<Fault>) -> Invalid {
        let Invalid {
            mut faults,
            more,
            unread,
        } = invalid;
        let listed: BTreeSet<_> = faults.iter().map(|it| it.path.clone()).collect();
        faults.extend(beyond.into_iter().filter(|it| !listed.contains(&it.path)));
        Invalid {
            unread,
            ..self.cut(faults, more)
        }
    }

    /// As many faults as are listed; the others are counted.
    fn cut(&self, mut faults: Vec<Fault>, mut more: usize) -> Invalid {
        more += faults.len().saturating_sub(self.limits.faults);
        faults.truncate(self.limits.faults);
        Invalid {
            faults,
            more,
            unread: false,
        }
    }

    /// Gives a line and a column to what has none: those of the entry, or of the one around it. In the order of the text.
    fn placed(&self, mut invalid: Invalid, text: &[u8], format: Format) -> Invalid {
        let around = |fault: &Fault| -> Vec<Path> {
            let path: Option<Path> = fault.path.parse().ok().filter(|_| fault.line == 0);
            path.map_or_else(Vec::new, |it| {
                std::iter::once(it.clone()).chain(it.ancestors()).collect()
            })
        };
        let sought: BTreeSet<Path> = invalid.faults.iter().flat_map(around).collect();
        if !sought.is_empty() {
            let of = match format {
                Format::Json => Reading::places_in_json,
                Format::Xml => Reading::places_in_xml,
            };
            let places = of(text, Schema::canonical(), &self.limits, &sought);
            for fault in &mut invalid.faults {
                let mut place = around(fault).into_iter().filter_map(|it| places.get(&it));
                (fault.line, fault.column) = place.next().copied().unwrap_or((fault.line, fault.column));
            }
        }
        invalid.faults.sort_by_key(|it| (it.line, it.column));
        invalid
    }
}

/// As many faults as are listed; the others are counted.
fn more_than(faults: impl Iterator<Item = Fault>, most: usize, more: usize) -> (Vec<Fault>, usize) {
    let mut faults = faults;
    let listed = faults.by_ref().take(most).collect();
    (listed, more + faults.count())
}

/// More entries than are read, told before any is made.
fn too_many(text: &[u8], at: usize, limits: &Limits) -> Invalid {
    let fault = Fault {
        path: String::new(),
        line: 1 + text[..at].iter().filter(|it| **it == b'\n').count(),
        column: 1 + text[..at]
            .iter()
            .rev()
            .take_while(|it| **it != b'\n')
            .filter(|it| **it & 0xc0 != 0x80)
            .count(),
        found: "one entry more".to_owned(),
        expected: format!("at most {} entries", limits.entries),
        hint: String::new(),
    };
    Invalid {
        faults: vec![fault],
        more: 0,
        unread: true,
    }
}
