//! One part of a sentence, read as one class: which value goes into which slot, and what is left over.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use super::entity::{Entity, Matter};
use super::index::{Entry, Index, Spoken};
use super::matching::{Capture, Match, Sentence, find};
use super::text::Shape;
use super::world::Names;
use crate::words::Kind;

/// What one slot got, and from where.
#[derive(Debug, Clone)]
pub struct Filled {
    /// The value.
    pub matter: Matter,
    /// The kind of the value.
    pub kind: Kind,
    /// The tokens that say it; none where a phrase or an earlier part says it.
    pub tokens: Option<(usize, usize)>,
}

/// Two values that cannot both hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Contradiction {
    /// The slot.
    pub slot: String,
    /// The values.
    pub between: Vec<Value>,
}

/// A part of a sentence as one class would have it.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The class, as the index numbers it.
    pub class: usize,
    /// The tokens that were read.
    pub span: (usize, usize),
    /// The slots.
    pub slots: BTreeMap<String, Filled>,
    /// What contradicts itself.
    pub contradictions: Vec<Contradiction>,
    /// Words that turn a meaning round (not, only, except) and were not understood.
    pub ignored: usize,
    /// How often phrases say different things of a slot, of which the longer one counts.
    pub clashes: usize,
    /// How much phrases speak for the class.
    pub weight: f64,
    /// How many words mean nothing.
    pub unknown: f64,
    /// How many words mean something.
    pub covered: f64,
    /// Values that found no slot.
    pub loose: Vec<usize>,
    /// The literal words that spoke for the class.
    pub keys: Vec<usize>,
    /// Slots filled without a cue.
    pub guessed: usize,
    /// Whether no phrase speaks for the class here: it goes on with the one before.
    pub again: bool,
    /// Slots that are still empty, by need.
    pub missing: Vec<Vec<String>>,
}

/// What reading needs.
#[derive(Debug, Clone, Copy)]
pub struct Grounds<'a> {
    /// The sentence.
    pub sentence: Sentence<'a>,
    /// The classes.
    pub index: &'a Index,
    /// The names.
    pub world: &'a Names,
    /// The words of the sentence.
    pub words: &'a HashSet<&'a str>,
}

impl Draft {
    /// How good a reading it is.
    #[must_use]
    pub fn score(&self) -> f64 {
        let filled = self.slots.values().filter(|it| it.tokens.is_some()).count() as f64;
        let guessed = self.guessed as f64;
        let weight = if self.again { -0.8 } else { self.weight };
        weight + 0.6 * filled
            - 0.2 * guessed
            - 1.5 * self.loose.len() as f64
            - if self.slots.contains_key("_else") && !self.slots.contains_key("exceptions") {
                3.0
            } else {
                0.0
            }
            - 0.8 * self.unknown
            - 1.6 * self.missing.len() as f64
            - 0.8 * self.contradictions.len() as f64
            - 1.5 * self.clashes as f64
            - 1.2 * self.ignored as f64
    }
}

/// Reads the tokens of `span` as a class; `keys` are the phrases that speak for it.
pub fn read(grounds: Grounds<'_>, class: usize, keys: &[Match<'_>], span: (usize, usize)) -> Option<Draft> {
    let spoken = grounds.index.classes.get(class)?;
    let mut matches: Vec<Match<'_>> = keys
        .iter()
        .filter(|it| it.begin >= span.0 && it.end <= span.1)
        .cloned()
        .collect();
    let cues = spoken
        .cues
        .iter()
        .chain(&grounds.index.shared)
        .filter(|entry| entry.may_match(grounds.words));
    for entry in cues {
        matches.extend(find(grounds.sentence, spoken, entry, span));
    }
    let matches = not_void(outside_text(unquoted(matches, grounds)));
    let mut reader = Reader {
        grounds,
        spoken,
        span,
        used: vec![false; grounds.sentence.text.tokens.len()],
        literal: vec![false; grounds.sentence.text.tokens.len()],
        draft: Draft {
            class,
            span,
            slots: BTreeMap::new(),
            contradictions: Vec::new(),
            clashes: 0,
            ignored: 0,
            weight: 0.0,
            unknown: 0.0,
            covered: 0.0,
            loose: Vec::new(),
            keys: Vec::new(),
            guessed: 0,
            again: false,
            missing: Vec::new(),
        },
    };
    reader.weigh(&matches);
    let kept = ranked(matches);
    reader.fill(&kept);
    reader.guess();
    reader.loose();
    reader.unknown();
    super::finish::settle(&mut reader.draft, spoken, grounds.world);
    Some(reader.draft)
}

struct Reader<'a> {
    grounds: Grounds<'a>,
    spoken: &'a Spoken,
    span: (usize, usize),
    /// Tokens that say a value that was given to a slot.
    used: Vec<bool>,
    /// Tokens that are words of phrases.
    literal: Vec<bool>,
    draft: Draft,
}

/// Phrases that mean nothing where another phrase fills a slot: a list of intents beside the name of one.
fn not_void(matches: Vec<Match<'_>>) -> Vec<Match<'_>> {
    let captured = matches.iter().flat_map(|it| &it.captures).map(|(name, _)| *name);
    let set = matches
        .iter()
        .flat_map(|it| &it.entry.sets)
        .map(|(name, _)| name.as_str());
    let filled: Vec<&str> = captured.chain(set).collect();
    let void = |it: &Match<'_>| it.entry.unless.iter().any(|slot| filled.contains(&slot.as_str()));
    let void: Vec<bool> = matches.iter().map(void).collect();
    matches
        .into_iter()
        .zip(void)
        .filter(|(_, void)| !void)
        .map(|(it, _)| it)
        .collect()
}

/// Where a phrase finds quoted text, free text is none.
fn unquoted<'a>(matches: Vec<Match<'a>>, grounds: Grounds<'_>) -> Vec<Match<'a>> {
    let entities = &grounds.sentence.lattice.entities;
    let quoted = |capture: &Capture| matches!(capture, Capture::Entity(at) if entities[*at].kind == Kind::Quoted);
    let free = |capture: &Capture| matches!(capture, Capture::Words(_));
    let any = matches
        .iter()
        .flat_map(|it| &it.captures)
        .any(|(_, capture)| quoted(capture));
    let keeps = |it: &Match<'_>| !any || !it.captures.iter().any(|(_, capture)| free(capture));
    matches.into_iter().filter(keeps).collect()
}

/// Phrases whose words stand inside free text say nothing.
fn outside_text(matches: Vec<Match<'_>>) -> Vec<Match<'_>> {
    let text = |it: &Match<'_>| {
        it.captures.iter().find_map(|(_, capture)| match capture {
            Capture::Words(entity) if entity.kind == Kind::Rest => Some((entity.begin, entity.end)),
            Capture::Words(_) | Capture::Entity(_) => None,
        })
    };
    let longest = matches
        .iter()
        .filter_map(|it| Some((it.literals.len(), text(it)?)))
        .max_by_key(|(length, _)| *length);
    let Some((_, (begin, end))) = longest else {
        return matches;
    };
    let inside = |it: &Match<'_>| it.literals.iter().any(|token| (begin..end).contains(token));
    matches.into_iter().filter(|it| !inside(it)).collect()
}

/// The longest phrases first: where two share a word, the longer one is what was said.
fn ranked(mut matches: Vec<Match<'_>>) -> Vec<Match<'_>> {
    let size = |it: &Match<'_>| (it.literals.len(), it.captures.len(), it.entry.sets.len());
    matches.sort_by(|a, b| size(b).cmp(&size(a)).then(a.begin.cmp(&b.begin)));
    matches
}

/// Whether a longer phrase around the same words says something else of a slot: `do not block` is no `block`.
fn outdone(one: &Match<'_>, slot: &str, longer: &[Match<'_>]) -> bool {
    longer.iter().any(|it| {
        let shares = one.literals.iter().any(|token| it.literals.contains(token));
        let more = it.literals.len() > one.literals.len();
        shares && more && it.entry.sets.iter().any(|(name, _)| name == slot)
    })
}

impl<'a> Reader<'a> {
    fn tokens(&self) -> &'a [super::text::Token] {
        &self.grounds.sentence.text.tokens
    }

    /// Every word of a phrase speaks once, with the phrase that speaks loudest.
    fn weigh(&mut self, matches: &[Match<'_>]) {
        let mut speaking: Vec<&Match<'_>> = matches.iter().collect();
        speaking.sort_by(|a, b| {
            b.entry
                .weight
                .total_cmp(&a.entry.weight)
                .then(b.literals.len().cmp(&a.literals.len()))
        });
        let mut counted = vec![false; self.literal.len()];
        for one in speaking {
            let new = one.literals.iter().filter(|it| !counted[**it]).count();
            for token in &one.literals {
                self.literal[*token] = true;
                counted[*token] |= one.entry.weight > 0.0;
            }
            if one.entry.weight > 0.0 && !one.literals.is_empty() {
                self.draft.weight += one.entry.weight * new as f64 / one.literals.len() as f64;
                self.draft.keys.extend(&one.literals);
            }
        }
    }

    fn fill(&mut self, kept: &[Match<'a>]) {
        for (at, one) in kept.iter().enumerate() {
            for (slot, value) in one
                .entry
                .sets
                .iter()
                .filter(|(slot, _)| !outdone(one, slot, &kept[..at]))
            {
                self.set(slot, value);
            }
        }
        // A phrase that speaks for the class knows best, then one that relates two values.
        let mut filling: Vec<&Match<'a>> = kept.iter().collect();
        filling.sort_by_key(|it| (it.entry.weight <= 0.0, std::cmp::Reverse(it.captures.len())));
        for one in filling {
            for (slot, capture) in &one.captures {
                let entity = match capture {
                    Capture::Entity(index) => self.grounds.sentence.lattice.entities[*index].clone(),
                    Capture::Words(entity) => entity.clone(),
                };
                self.give(slot, &entity);
            }
        }
    }

    /// What a phrase says by itself.
    fn set(&mut self, slot: &str, value: &Value) {
        let each = self.spoken.slot(slot).is_some_and(|it| it.each);
        let new = Filled {
            matter: Matter::Plain(value.clone()),
            kind: Kind::Word,
            tokens: None,
        };
        let Some(old) = self.draft.slots.get_mut(slot) else {
            self.draft.slots.insert(slot.to_owned(), new);
            return;
        };
        let known = old.matter.items().contains(&new.matter);
        if known {
            return;
        }
        let wins = |matter: &Matter| {
            let text = matter.text().unwrap_or_default();
            self.spoken
                .slot(slot)
                .is_some_and(|it| it.strongest.iter().any(|strong| strong == text))
        };
        if wins(&old.matter) || wins(&new.matter) {
            if wins(&new.matter) {
                *old = new;
                self.draft.contradictions.retain(|it| it.slot != slot);
            }
            return;
        }
        let more = [old.matter.items(), std::slice::from_ref(&new.matter)].concat();
        if each || self.spoken.slot(slot).is_some_and(|it| it.list) {
            old.matter = Matter::List(more);
        } else if self.spoken.slot(slot).is_some_and(|it| it.contradicts) {
            let between: Vec<Value> = more.iter().filter_map(Matter::json).collect();
            self.draft.contradictions.retain(|it| it.slot != slot);
            self.draft.contradictions.push(Contradiction {
                slot: slot.to_owned(),
                between,
            });
        } else {
            self.draft.clashes += 1;
        }
    }

    /// `yesterday at 22:00` where a phrase found no more than the hour.
    fn widest<'e>(&self, name: &str, entity: &'e Entity) -> &'e Entity
    where
        'a: 'e,
    {
        let around = |it: &&Entity| {
            let takes = self.spoken.slot(name).is_some_and(|slot| slot.takes.contains(&it.kind));
            it.kind == Kind::Past && takes && it.end == entity.end && it.begin < entity.begin
        };
        let wider = self.grounds.sentence.lattice.entities.iter().find(around);
        wider.filter(|_| entity.kind == Kind::Time).unwrap_or(entity)
    }

    /// Gives a value to a slot if both are free.
    fn give(&mut self, name: &str, entity: &Entity) -> bool {
        let entity = self.widest(name, entity);
        let tokens = entity.begin..entity.end;
        if self.used[tokens.clone()].iter().any(|it| *it) {
            return false;
        }
        if self.said_again(name, entity) || self.introduces(entity) {
            self.used[tokens].fill(true);
            return false;
        }
        let gathers = self.spoken.slot(name).is_some_and(|it| it.gathers);
        if let Some(old) = self.draft.slots.get_mut(name) {
            if old.tokens.is_some() && !merges(old, entity) && !gathers {
                return false;
            }
            if old.tokens.is_none() {
                self.draft.slots.remove(name);
            }
        }
        let new = Filled {
            matter: entity.matter.clone(),
            kind: entity.kind,
            tokens: Some((entity.begin, entity.end)),
        };
        match self.draft.slots.get_mut(name) {
            Some(old) => merge(old, new),
            None => {
                self.draft.slots.insert(name.to_owned(), new);
            }
        }
        self.used[tokens].fill(true);
        true
    }

    /// Whether another slot has this place already.
    fn said_again(&self, name: &str, entity: &Entity) -> bool {
        let place = matches!(
            entity.kind,
            Kind::Device | Kind::Host | Kind::Site | Kind::Network | Kind::Devices | Kind::Hosts
        );
        let known = |(slot, it): (&String, &Filled)| slot != name && it.tokens.is_some() && it.matter == entity.matter;
        place && entity.matter != Matter::Pronoun && self.draft.slots.iter().any(known)
    }

    /// 汇聚这边pe2: a group right before its members says nothing more.
    fn introduces(&self, entity: &Entity) -> bool {
        let Matter::Plain(Value::String(name)) = &entity.matter else {
            return false;
        };
        let Some(members) = self.grounds.world.members(name) else {
            return false;
        };
        let member = |it: &Matter| {
            it.json()
                .is_some_and(|it| it.as_str().is_some_and(|it| members.iter().any(|member| member == it)))
        };
        let group = matches!(entity.kind, Kind::Devices | Kind::Hosts);
        let joins = |at: &usize| {
            self.tokens()
                .get(*at)
                .is_some_and(|it| it.shape == Shape::Han || matches!(it.text.as_str(), ":" | "("))
        };
        let between = (entity.end..entity.end + 2).take_while(joins).count();
        let next = (entity.end..=entity.end + between).flat_map(|at| self.grounds.sentence.lattice.at(at));
        group
            && next
                .into_iter()
                .any(|(_, it)| it.end <= self.span.1 && it.matter.items().iter().all(member))
    }

    /// Values that no phrase asked for go to the first slot that takes them.
    fn guess(&mut self) {
        let mut at = self.span.0;
        while at < self.span.1 {
            at = self.guess_at(at).unwrap_or(at + 1);
        }
    }

    fn guess_at(&mut self, at: usize) -> Option<usize> {
        if self.used[at] {
            return None;
        }
        let lattice = self.grounds.sentence.lattice;
        let here: Vec<&Entity> = lattice
            .at(at)
            .map(|(_, it)| it)
            .filter(|it| it.end <= self.span.1)
            .collect();
        let spoken = self.spoken;
        let here: Vec<&Entity> = here
            .into_iter()
            .filter(|it| !it.faint && (self.is_value_anyway(it) || !self.spoken_for(it)))
            .collect();
        for entity in here {
            if self.at_device(entity) {
                return Some(entity.end);
            }
            for slot in spoken
                .slots
                .iter()
                .filter(|it| !it.cued && it.takes.contains(&entity.kind))
            {
                let free = self.draft.slots.get(&slot.name).is_none_or(|old| merges(old, entity));
                if free && self.give(&slot.name, entity) {
                    self.draft.guessed += 1;
                    return Some(entity.end);
                }
            }
        }
        None
    }

    /// An interface beside the device of a slot that takes both.
    fn at_device(&mut self, entity: &Entity) -> bool {
        let place = ["target", "where"].into_iter().find(|name| {
            let takes = self
                .spoken
                .slot(name)
                .is_some_and(|slot| slot.takes.contains(&Kind::Interface));
            takes && self.draft.slots.get(*name).is_some_and(|it| it.kind == Kind::Device)
        });
        entity.kind == Kind::Interface && place.is_some() && self.give("_interface", entity)
    }

    /// A value that is one even where a phrase uses its words: `ssh` in `able to ssh`, 外网 for the internet.
    fn is_value_anyway(&self, entity: &Entity) -> bool {
        let said = self.grounds.sentence.text.said(entity.begin, entity.end);
        let other = entity.kind == Kind::Network
            && said.chars().all(crate::phrase::is_han)
            && entity.matter.text() != Some(&said);
        other || matches!(entity.kind, Kind::Service | Kind::Prefix | Kind::Intent)
    }

    /// Whether phrases use the words of a value, so that it is none.
    fn spoken_for(&self, entity: &Entity) -> bool {
        self.literal[entity.begin..entity.end].iter().all(|it| *it)
    }

    /// Values that found no slot.
    fn loose(&mut self) {
        let lattice = self.grounds.sentence.lattice;
        let mut at = self.span.0;
        while at < self.span.1 {
            let here = lattice.at(at).map(|(_, it)| it).find(|it| {
                let free = !self.used[it.begin..it.end].iter().any(|it| *it);
                it.end <= self.span.1 && !it.faint && free && !self.spoken_for(it) && it.kind != Kind::Sink
            });
            match here {
                Some(entity) => {
                    let again = self.draft.slots.values().any(|it| it.matter == entity.matter);
                    if !again && !self.apposition(entity) && !self.ticket(entity) {
                        self.draft.loose.push(at);
                    }
                    self.literal[entity.begin..entity.end].fill(true);
                    at = entity.end;
                }
                None => at += 1,
            }
        }
    }

    /// 汇聚这边pe2: the group of what is named beside it says nothing more.
    fn apposition(&self, entity: &Entity) -> bool {
        let Matter::Plain(Value::String(name)) = &entity.matter else {
            return false;
        };
        let Some(members) = self.grounds.world.members(name) else {
            return false;
        };
        let named = |filled: &Filled| {
            let near = filled
                .tokens
                .is_some_and(|(begin, end)| begin >= entity.end && begin < entity.end + 5 || end == entity.begin);
            near && filled.matter.items().iter().any(|it| {
                it.json()
                    .is_some_and(|it| it.as_str().is_some_and(|it| members.iter().any(|member| member == it)))
            })
        };
        self.draft.slots.values().any(named)
    }

    /// The number of a ticket.
    fn ticket(&self, entity: &Entity) -> bool {
        let before = (1..4)
            .filter_map(|far| entity.begin.checked_sub(far))
            .map(|at| self.tokens()[at].text.as_str());
        entity.kind == Kind::Number
            && before
                .into_iter()
                .any(|it| self.grounds.sentence.lexicon.noise.contains(it))
    }

    fn unknown(&mut self) {
        let mut at = self.span.0;
        while at < self.span.1 {
            let token = &self.tokens()[at];
            let size = if token.shape == Shape::Han { 0.5 } else { 1.0 };
            if self.used[at] || self.literal[at] {
                self.draft.covered += size;
                at += 1;
                continue;
            }
            let sentence = self.grounds.sentence;
            self.draft.ignored += usize::from(sentence.lexicon.turns.longest(self.tokens(), at).is_some());
            let filler = sentence.lexicon.fillers.longest(self.tokens(), at);
            let filler = filler.or_else(|| sentence.lexicon.nouns.longest(self.tokens(), at));
            if let Some((end, ())) = filler {
                at = end.min(self.span.1);
                continue;
            }
            let faint = sentence
                .lattice
                .at(at)
                .any(|(_, it)| it.faint || it.kind == Kind::Quoted && it.end <= self.span.1);
            if token.shape != Shape::Sign && !faint && !self.is_noise(&token.text) {
                self.draft.unknown += size;
            }
            at += 1;
        }
    }

    /// `CHG0031337`
    fn is_noise(&self, word: &str) -> bool {
        let letters = word.trim_end_matches(|it: char| it.is_ascii_digit());
        self.grounds.sentence.lexicon.noise.contains(letters) || self.grounds.sentence.lexicon.light.contains(word)
    }
}

/// Whether a second value can join what a slot holds: days beside hours, a share beside a share.
fn merges(old: &Filled, entity: &Entity) -> bool {
    match (old.kind, entity.kind) {
        (Kind::Time, Kind::Time) => match (&old.matter, &entity.matter) {
            (Matter::Plain(Value::Object(old)), Matter::Plain(Value::Object(new))) => {
                new.keys().all(|key| !old.contains_key(key))
            }
            _ => false,
        },
        (Kind::Ratio | Kind::Percent, Kind::Ratio | Kind::Percent) => true,
        (Kind::Service, Kind::Service) => complements(&old.matter, &entity.matter),
        _ => false,
    }
}

/// A protocol that is named apart from its ports.
fn complements(a: &Matter, b: &Matter) -> bool {
    let (
        Matter::Service {
            protocol: one,
            ports: few,
        },
        Matter::Service {
            protocol: other,
            ports: more,
        },
    ) = (a, b)
    else {
        return false;
    };
    one.is_some() != other.is_some() && few.is_empty() != more.is_empty() && one.is_some() == few.is_empty()
}

fn merge(old: &mut Filled, new: Filled) {
    let new_tokens = new.tokens;
    match (&mut old.matter, new.matter) {
        (Matter::Plain(Value::Object(object)), Matter::Plain(Value::Object(more))) => object.extend(more),
        (
            Matter::Service { protocol, ports },
            Matter::Service {
                protocol: other,
                ports: more,
            },
        ) => {
            *protocol = protocol.take().or(other);
            ports.extend(more);
        }
        (one, more) => {
            // In the order in which they stand in the sentence.
            let later = old.tokens.zip(new_tokens).is_none_or(|(old, new)| old.0 < new.0);
            let pair = if later {
                [one.items(), more.items()]
            } else {
                [more.items(), one.items()]
            };
            *one = Matter::List(pair.concat());
        }
    }
}

/// The key phrases of a sentence, with the classes that they speak for.
pub fn keys<'a>(grounds: Grounds<'a>, entries: &[(usize, &'a Entry)]) -> BTreeMap<usize, Vec<Match<'a>>> {
    let whole = (0, grounds.sentence.text.tokens.len());
    let mut found: BTreeMap<usize, Vec<Match<'a>>> = BTreeMap::new();
    for (class, entry) in entries {
        if let Some(spoken) = grounds.index.classes.get(*class) {
            let matches = find(grounds.sentence, spoken, entry, whole);
            if !matches.is_empty() {
                found.entry(*class).or_default().extend(matches);
            }
        }
    }
    found
}
