//! Takes what the parser finds in a text: the tree of it, and every key that stands twice.
//!
//! The loader below would end at the first key that stands twice, so it is told to take them, and they are counted here.

use std::collections::BTreeSet;

use saphyr::{MarkedYaml, ScanError, YamlLoader};
use saphyr_parser::{Event, Span, SpannedEventReceiver};

use super::{Faults, place};

/// What is open where the parser stands.
enum Open {
    List,
    /// The keys so far, and whether the next node is one.
    Map(BTreeSet<String>, bool),
}

/// The most values of a document: each takes some hundred bytes, however short it is in the file.
pub(super) const VALUES: usize = 500_000;
/// The most lists and mappings inside each other.
pub(super) const DEPTH: usize = 64;

/// What a parser finds, as trees; keys that stand twice are put on the list.
pub(super) fn documents<'input>(
    parser: impl Iterator<Item = Result<(Event<'input>, Span), ScanError>>,
    faults: &Faults,
) -> Result<Vec<MarkedYaml<'input>>, ScanError> {
    let mut loader = YamlLoader::default();
    loader.allow_duplicate_keys(true);
    loader.early_parse(false);
    let mut receiver = Receiver {
        loader,
        faults,
        open: Vec::new(),
        values: 0,
        again: None,
    };
    for found in parser {
        let (event, span) = found?;
        receiver.take(event, span)?;
    }
    match receiver.loader.error() {
        Some(error) => Err(error.clone()),
        None => Ok(receiver.loader.into_documents()),
    }
}

/// What is said of a text with more values.
pub(super) fn too_many() -> String {
    format!("more than {VALUES} values")
}

/// Fills a tree.
struct Receiver<'input, 'a> {
    loader: YamlLoader<'input, MarkedYaml<'input>>,
    faults: &'a Faults,
    open: Vec<Open>,
    values: usize,
    /// Where a key stands again, which is passed over with its value: how many lists and mappings are open around it. What
    /// stood first stays, so that nothing that refers to it is told to be missing.
    again: Option<usize>,
}

impl<'input> Receiver<'input, '_> {
    /// Takes what comes next, unless it is too much.
    fn take(&mut self, event: Event<'input>, span: Span) -> Result<(), ScanError> {
        let passed = self.again;
        match &event {
            Event::Scalar(text, ..) => self.begins(Some(text), span),
            Event::Alias(_) => self.begins(None, span),
            Event::SequenceStart(..) => {
                self.begins(None, span);
                self.open.push(Open::List);
            }
            Event::MappingStart(..) => {
                self.begins(None, span);
                self.open.push(Open::Map(BTreeSet::new(), true));
            }
            Event::SequenceEnd | Event::MappingEnd => drop(self.open.pop()),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {}
        }
        if self.open.len() > DEPTH {
            return Err(ScanError::new_str(span.start, "recursion without end"));
        }
        if self.values > VALUES {
            return Err(ScanError::new(span.start, too_many()));
        }
        match self.again {
            None => self.loader.on_event(event, span),
            // The value has come to its end.
            Some(around) if passed.is_some() && self.open.len() == around => self.again = None,
            Some(_) => {}
        }
        Ok(())
    }

    /// A node begins; a scalar is given with its text.
    fn begins(&mut self, text: Option<&str>, span: Span) {
        self.values += 1;
        let around = self.open.len();
        let Some(Open::Map(keys, key_is_next)) = self.open.last_mut() else {
            return;
        };
        let is_key = *key_is_next;
        *key_is_next = !is_key;
        if let Some(text) = text.filter(|_| is_key)
            && !keys.insert(text.to_owned())
        {
            let what = format!("the key {text:?} stands twice in one mapping");
            self.faults.add(place(span.start), what, "keep one");
            self.again.get_or_insert(around);
        }
    }
}
