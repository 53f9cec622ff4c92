//! Finds every value in a sentence: a lattice, since one place may be read in several ways.

mod addresses;
mod lists;
mod names;
mod quantities;
mod services;
mod times;

use serde_json::{Value, json};

use super::entity::{Entity, Matter};
use super::lexicon::Lexicon;
use super::text::{Shape, Text, Token};
use super::world::Names;
use crate::words::Kind;

/// Every value of a sentence, by the token at which it begins; longer ones first.
#[derive(Debug, Clone, Default)]
pub struct Lattice {
    /// The values.
    pub entities: Vec<Entity>,
    starts: Vec<Vec<usize>>,
}

impl Lattice {
    /// Adds a value.
    pub fn add(&mut self, entity: Entity) {
        let index = self.entities.len();
        let (begin, end) = (entity.begin, entity.end);
        self.entities.push(entity);
        if let Some(start) = self.starts.get_mut(begin) {
            let place = start
                .iter()
                .position(|it| self.entities[*it].end < end)
                .unwrap_or(start.len());
            start.insert(place, index);
        }
    }

    /// The values that begin at a token, the longest first.
    pub fn at(&self, token: usize) -> impl Iterator<Item = (usize, &Entity)> {
        let here = self.starts.get(token).map(Vec::as_slice).unwrap_or_default();
        here.iter()
            .filter_map(|index| Some((*index, self.entities.get(*index)?)))
    }
}

/// What is needed to find values.
pub(crate) struct Scan<'a> {
    pub text: &'a Text,
    pub lexicon: &'a Lexicon,
    pub world: &'a Names,
    /// Words that classes use, which are no misspelt names.
    pub known: &'a dyn Fn(&Token) -> bool,
    pub found: Vec<Entity>,
}

impl Scan<'_> {
    /// Finds all values.
    pub fn run(mut self) -> Lattice {
        for at in 0..self.text.tokens.len() {
            self.addresses(at);
            self.quantities(at);
            self.services(at);
            self.times(at);
            self.names(at);
            self.texts(at);
        }
        self.misspelt_names();
        self.drop_parts();
        self.lists();
        let mut starts = vec![Vec::new(); self.text.tokens.len()];
        for (index, entity) in self.found.iter().enumerate() {
            starts[entity.begin].push(index);
        }
        for start in &mut starts {
            start.sort_by_key(|index| std::cmp::Reverse(self.found[*index].end));
        }
        Lattice {
            entities: self.found,
            starts,
        }
    }

    /// A value inside a larger one is none of its own: the 7 of `4pm to 7pm`.
    fn drop_parts(&mut self) {
        use Kind::{
            Address, Dscp, Duration, Interface, Number, Past, Percent, Prefix, Rate, Ratio, Service, Time, Volume,
        };
        let rates: Vec<(usize, usize)> = self
            .found
            .iter()
            .filter(|it| matches!(it.kind, Rate | Volume))
            .map(|it| (it.begin, it.end))
            .collect();
        let torn = |it: &Entity| {
            let across = |(begin, end): &(usize, usize)| it.begin < *begin && *begin < it.end && *end > it.end;
            it.kind == Time && rates.iter().any(across)
        };
        let larger: Vec<(usize, usize)> = self
            .found
            .iter()
            .filter(|it| !torn(it) && !it.faint)
            .filter(|it| {
                matches!(
                    it.kind,
                    Time | Past
                        | Ratio
                        | Percent
                        | Rate
                        | Volume
                        | Duration
                        | Service
                        | Prefix
                        | Address
                        | Interface
                        | Dscp
                )
            })
            .map(|it| (it.begin, it.end))
            .collect();
        self.found.retain(|it| {
            let part = matches!(
                it.kind,
                Number | Time | Duration | Rate | Ratio | Percent | Service | Address
            );
            let inside =
                |(begin, end): &(usize, usize)| *begin <= it.begin && it.end <= *end && end - begin > it.end - it.begin;
            !(torn(it) || part && larger.iter().any(inside))
        });
    }

    fn tokens(&self) -> &[Token] {
        &self.text.tokens
    }

    fn word(&self, at: usize) -> &str {
        self.text.tokens.get(at).map_or("", |token| token.text.as_str())
    }

    fn add(&mut self, begin: usize, end: usize, kind: Kind, matter: Matter) {
        self.found.push(Entity {
            begin,
            end,
            kind,
            matter,
            faint: false,
        });
    }

    fn plain(&mut self, begin: usize, end: usize, kind: Kind, value: Value) {
        self.add(begin, end, kind, Matter::Plain(value));
    }

    fn faint(&mut self, begin: usize, end: usize, kind: Kind, value: Value) {
        let matter = Matter::Plain(value);
        self.found.push(Entity {
            begin,
            end,
            kind,
            matter,
            faint: true,
        });
    }

    /// Where a run of letters without a space or a Chinese character ends.
    fn run_end(&self, at: usize) -> usize {
        let mut end = at + 1;
        while self
            .tokens()
            .get(end)
            .is_some_and(|it| it.glued && it.shape != Shape::Han)
            && !self.closes(end)
        {
            end += 1;
        }
        end
    }

    /// Whether a sign ends a run: a comma, a quote, a bracket, or a full stop that nothing follows.
    fn closes(&self, at: usize) -> bool {
        match self.word(at) {
            "," | "\"" | "'" | "(" | ")" | ";" | "、" | "!" | "?" | ">" | "<" | "=" => true,
            "." | ":" => !self
                .tokens()
                .get(at + 1)
                .is_some_and(|it| it.glued && it.shape != Shape::Han),
            _ => false,
        }
    }

    /// Quoted text, words as they stand, where messages go.
    fn texts(&mut self, at: usize) {
        let quote = self.word(at).to_owned();
        if quote == "\"" || (quote == "'" && !self.tokens()[at].glued) {
            let close = (at + 1..self.tokens().len()).find(|it| self.word(*it) == quote);
            if let Some(close) = close.filter(|close| *close > at + 1) {
                let said = self.text.written(at + 1, close);
                self.plain(at, close + 1, Kind::Quoted, json!(said));
            }
            return;
        }
        if self.tokens()[at].shape == Shape::Han {
            return;
        }
        let end = self.run_end(at);
        let said = self.text.said(at, end);
        let mail = said
            .split_once('@')
            .is_some_and(|(user, host)| !user.is_empty() && host.contains('.'));
        let address = said.contains("://");
        let dotted = said.split('.').count() > 1
            && said
                .split('.')
                .all(|part| part.len() > 1 && part.chars().all(|it| it.is_ascii_alphabetic() || it == '-'));
        let channel = quote == "#" && end > at + 1;
        if mail || address || dotted || channel {
            self.plain(at, end, Kind::Sink, json!(said));
        }
    }
}
