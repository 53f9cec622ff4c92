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

/// Fills a tree.
pub(super) struct Receiver<'input, 'a> {
    loader: YamlLoader<'input, MarkedYaml<'input>>,
    faults: &'a Faults,
    open: Vec<Open>,
}

impl<'input, 'a> Receiver<'input, 'a> {
    pub(super) fn new(faults: &'a Faults) -> Self {
        let mut loader = YamlLoader::default();
        loader.allow_duplicate_keys(true);
        Self {
            loader,
            faults,
            open: Vec::new(),
        }
    }

    /// What was read.
    pub(super) fn documents(self) -> Result<Vec<MarkedYaml<'input>>, ScanError> {
        match self.loader.error() {
            Some(error) => Err(error.clone()),
            None => Ok(self.loader.into_documents()),
        }
    }

    /// A node begins; a scalar is given with its text.
    fn begins(&mut self, text: Option<&str>, span: Span) {
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
        }
    }
}

impl<'input> SpannedEventReceiver<'input> for Receiver<'input, '_> {
    fn on_event(&mut self, event: Event<'input>, span: Span) {
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
        self.loader.on_event(event, span);
    }
}
