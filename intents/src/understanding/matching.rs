//! Finds phrases in a sentence.

use super::chain::parts_clauses;
use super::entity::{Entity, Matter};
use super::index::Spoken;
use super::lexicon::Lexicon;
use super::pattern::{Entry, Part};
use super::scan::Lattice;
use super::text::{Shape, Text};
use crate::words::{Kind, SpokenSlot};
use serde_json::json;

/// How many words may stand between the parts of a phrase without being named.
const PASSED: usize = 4;
/// How many words a gap skips.
const GAP: usize = 9;
/// Words that relate others and name nothing.
const RELATIONS: &[&str] = &[
    "to", "of", "at", "on", "in", "from", "with", "by", "for", "as", "backup", "snapshot",
];
/// How much work one phrase may make.
const STEPS: usize = 1_500;

/// A sentence, ready to be compared.
#[derive(Debug, Clone, Copy)]
pub struct Sentence<'a> {
    /// Its words.
    pub text: &'a Text,
    /// Its values.
    pub lattice: &'a Lattice,
    /// The words between.
    pub lexicon: &'a Lexicon,
    /// Which tokens stand in quotes.
    pub quoted: &'a [bool],
}

/// A phrase that was found.
#[derive(Debug, Clone)]
pub struct Match<'a> {
    /// The phrase.
    pub entry: &'a Entry,
    /// The first token.
    pub begin: usize,
    /// The token behind the last one.
    pub end: usize,
    /// The tokens that are its words.
    pub literals: Vec<usize>,
    /// What its slots hold.
    pub captures: Vec<(&'a str, Capture)>,
}

/// A value in a slot of a phrase.
#[derive(Debug, Clone, PartialEq)]
pub enum Capture {
    /// One of the lattice.
    Entity(usize),
    /// Words as they stand.
    Words(Entity),
}

/// Every place in `begin..end` where a phrase stands.
pub fn find<'a>(sentence: Sentence<'_>, class: &'a Spoken, entry: &'a Entry, span: (usize, usize)) -> Vec<Match<'a>> {
    let mut found = Vec::new();
    for begin in span.0..span.1 {
        let token = &sentence.text.tokens[begin];
        if entry.first.as_ref().is_some_and(|first| !first.contains(&token.stem)) {
            continue;
        }
        let mut search = Search {
            sentence,
            class,
            end: span.1,
            literals: Vec::new(),
            captures: Vec::new(),
            stop: 0,
            steps: 0,
        };
        let frame = Frame {
            parts: &entry.parts,
            next: None,
        };
        if search.go(Some(&frame), begin, true) {
            let Search {
                literals,
                captures,
                stop,
                ..
            } = search;
            if breaks_word(sentence, &literals) || breaks_name(sentence, &literals) || breaks_list(sentence, &captures)
            {
                continue;
            }
            found.push(Match {
                entry,
                begin,
                end: stop,
                literals,
                captures,
            });
        }
    }
    found
}

/// Whether a phrase takes a part out of a longer word: the 开 of 开销.
fn breaks_word(sentence: Sentence<'_>, literals: &[usize]) -> bool {
    let tokens = &sentence.text.tokens;
    literals.iter().filter(|at| tokens[**at].shape == Shape::Han).any(|at| {
        (at.saturating_sub(2)..=*at).any(|begin| {
            let compound = sentence
                .lexicon
                .compounds
                .longest(tokens, begin)
                .filter(|(end, ())| end > at);
            compound.is_some_and(|(end, ())| (begin..end).any(|it| !literals.contains(&it)))
        })
    })
}

/// Whether a phrase takes a part out of a name: the 监控 of 监控网, the limit of guest-limit.
fn breaks_name(sentence: Sentence<'_>, literals: &[usize]) -> bool {
    let name = |it: &&Entity| {
        let named = matches!(
            it.kind,
            Kind::Device
                | Kind::Host
                | Kind::Site
                | Kind::Devices
                | Kind::Hosts
                | Kind::Tag
                | Kind::Network
                | Kind::Intent
        );
        named && it.end > it.begin + 1 && !it.faint && matches!(it.matter, Matter::Plain(_))
    };
    let broken = |it: &Entity| {
        let inside = literals.iter().filter(|at| (it.begin..it.end).contains(at)).count();
        inside > 0 && inside < it.end - it.begin
    };
    sentence.lattice.entities.iter().filter(name).any(broken)
}

/// Whether a phrase takes the first values of a list and leaves the others standing.
fn breaks_list(sentence: Sentence<'_>, captures: &[(&str, Capture)]) -> bool {
    let entities = &sentence.lattice.entities;
    let taken = |at: usize| {
        captures.iter().any(|(_, capture)| match capture {
            Capture::Entity(index) => (entities[*index].begin..entities[*index].end).contains(&at),
            Capture::Words(entity) => (entity.begin..entity.end).contains(&at),
        })
    };
    captures.iter().any(|(_, capture)| {
        let Capture::Entity(index) = capture else { return false };
        let one = &entities[*index];
        entities.iter().any(|list| {
            let around = list.begin <= one.begin && one.end <= list.end && list.end - list.begin > one.end - one.begin;
            let open = || !taken(list.begin) || !taken(list.end - 1);
            around && list.kind == one.kind && matches!(list.matter, Matter::List(_)) && open()
        })
    })
}

/// Whether a number is none that a slot could hold.
fn beyond(slot: &SpokenSlot, entity: &Entity) -> bool {
    let value = entity.matter.number();
    let low = slot.least.zip(value).is_some_and(|(least, value)| value < least as f64);
    let high = slot
        .greatest
        .zip(value)
        .is_some_and(|(greatest, value)| value > greatest as f64);
    low || high
}

struct Frame<'a, 'f> {
    parts: &'a [Part],
    next: Option<&'f Frame<'a, 'f>>,
}

struct Search<'s, 'a> {
    sentence: Sentence<'s>,
    class: &'a Spoken,
    end: usize,
    literals: Vec<usize>,
    captures: Vec<(&'a str, Capture)>,
    stop: usize,
    steps: usize,
}

impl<'a> Search<'_, 'a> {
    /// Whether the frames fit from token `at`; `tight` where nothing may be passed over.
    fn go(&mut self, frame: Option<&Frame<'a, '_>>, at: usize, tight: bool) -> bool {
        self.steps += 1;
        if self.steps > STEPS {
            return false;
        }
        let Some(frame) = frame else {
            self.stop = at;
            return true;
        };
        let Some((part, parts)) = frame.parts.split_first() else {
            return self.go(frame.next, at, tight);
        };
        let rest = Frame {
            parts,
            next: frame.next,
        };
        match part {
            Part::Word(word) => self.places(at, tight).into_iter().any(|at| self.word(word, at, &rest)),
            Part::Slot { name, kind } => self
                .assigned(at, tight)
                .into_iter()
                .any(|place| self.slot((name, *kind), place, self.opens(at, place), &rest)),
            Part::Any(alternatives) => alternatives.iter().any(|parts| {
                let inner = Frame {
                    parts,
                    next: Some(&rest),
                };
                self.go(Some(&inner), at, tight)
            }),
            Part::Maybe(inner) => {
                let with = Frame {
                    parts: inner,
                    next: Some(&rest),
                };
                self.go(Some(&with), at, tight) || self.go(Some(&rest), at, tight)
            }
            Part::Gap => self.gap(at).into_iter().any(|at| self.go(Some(&rest), at, false)),
        }
    }

    /// The tokens at which the next part may stand.
    fn places(&self, at: usize, tight: bool) -> Vec<usize> {
        let mut places = vec![at];
        let tokens = &self.sentence.text.tokens;
        let mut next = at;
        while !tight && next < self.end && next < at + PASSED {
            let light = self.sentence.lexicon.light.contains(&tokens[next].text);
            if !light {
                break;
            }
            next += 1;
            places.push(next);
        }
        places
    }

    /// The tokens at which a value may stand: also behind words that give a value, such as 统一改成 or `should be`.
    fn assigned(&self, at: usize, tight: bool) -> Vec<usize> {
        let mut places = self.places(at, tight);
        let (tokens, assigns) = (&self.sentence.text.tokens, &self.sentence.lexicon.assigns);
        let mut next = at;
        for _ in 0..PASSED {
            let Some((end, ())) = assigns
                .longest(tokens, next)
                .filter(|(end, ())| !tight && *end < self.end)
            else {
                break;
            };
            next = end;
            places.push(next);
        }
        places
    }

    fn gap(&self, at: usize) -> Vec<usize> {
        let tokens = &self.sentence.text.tokens;
        let mut places = vec![at];
        let mut next = at;
        while places.len() <= GAP && next < self.end && !matches!(tokens[next].text.as_str(), ";" | "!" | "?") {
            // A value is one step, however many words it has.
            let value = self
                .sentence
                .lattice
                .at(next)
                .find(|(_, it)| !it.faint && it.end <= self.end);
            next = value.map_or(next + 1, |(_, it)| it.end);
            places.push(next);
        }
        places
    }

    fn word(&mut self, word: &'a str, at: usize, rest: &Frame<'a, '_>) -> bool {
        let Some(token) = self.sentence.text.tokens.get(at).filter(|_| at < self.end) else {
            return false;
        };
        let quoted = self.sentence.quoted.get(at).copied().unwrap_or(false);
        if token.stem != word || quoted {
            return false;
        }
        self.literals.push(at);
        let fits = self.go(Some(rest), at + 1, false);
        if !fits {
            self.literals.pop();
        }
        fits
    }

    /// Whether free text may begin here: nothing but an article or a sign was passed over.
    fn opens(&self, from: usize, at: usize) -> bool {
        let passed = &self.sentence.text.tokens[from.min(at)..at];
        passed.iter().all(|it| {
            it.shape == Shape::Sign || matches!(it.text.as_str(), "the" | "a" | "an" | "is" | "be" | "为" | "是" | "的")
        }) || (from < at && self.assigned(from, false).contains(&at))
    }

    fn slot(&mut self, (name, kind): (&'a str, Option<Kind>), at: usize, free: bool, rest: &Frame<'a, '_>) -> bool {
        let slot = self.class.slot(name);
        // A name that begins with an underscore belongs to no class: it only says what must stand there.
        if slot.is_none() && !name.starts_with('_') {
            return false;
        }
        let takes = |it: Kind| match kind {
            // Text in quotes stands for itself wherever free text can stand.
            Some(Kind::Rest) => it == Kind::Rest || it == Kind::Quoted,
            Some(kind) => kind == it,
            None => slot.is_none_or(|slot| slot.takes.contains(&it)),
        };
        let lattice = self.sentence.lattice;
        let here: Vec<(usize, usize)> = lattice
            .at(at)
            .filter(|(_, it)| it.end <= self.end && takes(it.kind))
            .filter(|(_, it)| !((it.faint || it.kind == Kind::Duration) && slot.is_some_and(|slot| beyond(slot, it))))
            .filter(|(_, it)| kind.is_none() || it.matter != Matter::Pronoun)
            .map(|(index, it)| (index, it.end))
            .collect();
        for (index, end) in here {
            if self.capture(name, Capture::Entity(index), end, rest) {
                return true;
            }
        }
        let free = [Kind::Word, Kind::Rest]
            .into_iter()
            .find(|it| free && slot.is_some() && takes(*it));
        match free.and_then(|kind| self.words(kind, at)) {
            Some(entity) => {
                let end = entity.end;
                self.capture(name, Capture::Words(entity), end, rest)
            }
            None => false,
        }
    }

    fn capture(&mut self, name: &'a str, capture: Capture, end: usize, rest: &Frame<'a, '_>) -> bool {
        self.captures.push((name, capture));
        let fits = self.go(Some(rest), end, false);
        if !fits {
            self.captures.pop();
        }
        fits
    }

    /// Whether a word is no name of anything: an article, a preposition.
    fn says_nothing(&self, at: usize) -> bool {
        let tokens = &self.sentence.text.tokens;
        let joined = tokens
            .get(at + 1)
            .is_some_and(|it| it.glued && matches!(it.text.as_str(), "-" | "_" | "." | "/"));
        let lexicon = self.sentence.lexicon;
        let filler = lexicon.light.contains(&tokens[at].text)
            || lexicon.joins.longest(tokens, at).is_some()
            || lexicon.pronouns.longest(tokens, at).is_some()
            || RELATIONS.contains(&tokens[at].text.as_str());
        let value = self.sentence.lattice.at(at).any(|(_, it)| {
            let clock =
                matches!(&it.matter, Matter::Plain(time) if it.kind == Kind::Time && time.get("from").is_some());
            let named = matches!(
                it.kind,
                Kind::Past | Kind::Device | Kind::Interface | Kind::Site | Kind::Devices | Kind::Host
            ) || clock;
            named && !it.faint && !matches!(it.matter, Matter::Pronoun | Matter::Unknown { .. })
        });
        let verb = tokens[at].shape == Shape::Han
            && (lexicon
                .fillers
                .longest(tokens, at)
                .is_some_and(|(end, ())| lexicon.no_name(&self.sentence.text.said(at, end)))
                || lexicon.verbs.longest(tokens, at).is_some());
        let everything = lexicon.everything.longest(tokens, at).is_some();
        let inside = |it: &Entity| it.begin < at && at < it.end && !it.faint && it.kind != Kind::Quoted;
        let inside = self.sentence.lattice.entities.iter().any(inside);
        inside || value || verb || (filler || everything) && !joined && tokens[at].shape == Shape::Word
    }

    /// Whether a token is the rest of a word that gives a value: the 上 of 写上.
    fn inside_assign(&self, at: usize) -> bool {
        let (tokens, assigns) = (&self.sentence.text.tokens, &self.sentence.lexicon.assigns);
        let before = at
            .checked_sub(1)
            .filter(|_| tokens[at].glued && tokens[at].shape == Shape::Han);
        before.is_some_and(|before| assigns.longest(tokens, before).is_some_and(|(end, ())| end > at))
    }

    /// Where free text ends: before a clause that begins with `and also`, 顺便.
    fn rest_end(&self, at: usize) -> usize {
        let (tokens, lexicon) = (&self.sentence.text.tokens, self.sentence.lexicon);
        let goes_on = |it: &usize| parts_clauses(tokens, *it) && lexicon.continues.longest(tokens, it + 1).is_some();
        (at + 1..self.end).find(goes_on).unwrap_or(self.end)
    }

    /// A word of one's own choosing may end in a character: `0601前`, `v2版`.
    fn with_tail(&self, kind: Kind, at: usize, end: usize) -> usize {
        let tokens = &self.sentence.text.tokens;
        let tail = |it: &&super::text::Token| {
            it.glued
                && matches!(
                    it.text.as_str(),
                    "前" | "后" | "版" | "号" | "日" | "月" | "年" | "期" | "点"
                )
        };
        let mut stop = end;
        while kind == Kind::Word
            && tokens[at].shape == Shape::Word
            && tokens.get(stop).filter(|_| stop < self.end).is_some_and(|it| tail(&it))
        {
            stop += 1;
        }
        let ends = |it: &super::text::Token| it.shape == Shape::Sign || !it.glued;
        if tokens.get(stop).is_none_or(ends) { stop } else { end }
    }

    /// Words as they stand: one, or all up to the end.
    fn words(&self, kind: Kind, at: usize) -> Option<Entity> {
        let tokens = &self.sentence.text.tokens;
        let token = tokens.get(at).filter(|_| at < self.end)?;
        if kind == Kind::Rest && self.inside_assign(at) {
            return None;
        }
        let mut end = at + 1;
        if kind == Kind::Rest && (token.shape == Shape::Sign && matches!(token.text.as_str(), "\"" | ":" | ",")) {
            return None;
        }
        if kind == Kind::Rest {
            end = self.rest_end(at);
            while end > at && matches!(tokens[end - 1].text.as_str(), "." | "!") {
                end -= 1;
            }
        } else if token.shape == Shape::Sign || self.says_nothing(at) {
            return None;
        } else {
            let closes = |at: usize| {
                let sign = matches!(
                    tokens[at].text.as_str(),
                    "," | ";" | "\"" | "(" | ")" | "、" | "?" | "!" | ":"
                );
                let last =
                    tokens[at].text == "." && !tokens.get(at + 1).is_some_and(|it| it.glued && it.shape != Shape::Han);
                sign || last
                    || tokens[at].shape != token.shape && (tokens[at].shape == Shape::Han || token.shape == Shape::Han)
            };
            while end < self.end
                && tokens[end].glued
                && !closes(end)
                && self.sentence.lexicon.tails.longest(tokens, end).is_none()
            {
                end += 1;
            }
        }
        end = self.with_tail(kind, at, end);
        let text = self.sentence.text;
        let said = if kind == Kind::Rest {
            text.written(at, end)
        } else {
            text.said(at, end)
        };
        let entity = Entity {
            begin: at,
            end,
            kind,
            matter: Matter::Plain(json!(said)),
            faint: false,
        };
        (end > at).then_some(entity)
    }
}
