//! What no phrase asked for: values that go to the first slot that takes them, values without a slot, and words without a
//! meaning.

use serde_json::Value;

use super::fill::merges;
use super::{Filled, NUMBER, Reader};
use crate::understanding::entity::{Entity, Matter};
use crate::understanding::index::Spoken;
use crate::understanding::text::{Shape, Token};
use crate::words::{Kind, SpokenSlot};

impl Reader<'_> {
    /// Values that no phrase asked for go to the first slot that takes them.
    pub(super) fn guess(&mut self) {
        let mut at = self.span.0;
        while at < self.span.1 {
            at = self.guess_at(at).unwrap_or(at + 1);
        }
    }

    fn guess_at(&mut self, at: usize) -> Option<usize> {
        if self.used[at] || self.displaced.contains(&at) {
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
            for slot in spoken.slots.iter().filter(|it| {
                !it.cued && it.takes.contains(&entity.kind) && !own_duration(spoken, &it.name, entity.kind)
            }) {
                let free = self.draft.slots.get(&slot.name).is_none_or(|old| merges(old, entity));
                if free && self.give(&slot.name, entity) {
                    self.draft.guessed += 1;
                    self.draft.orphans += usize::from(self.is_led(entity.begin));
                    return Some(entity.end);
                }
            }
        }
        None
    }

    /// Whether a word that leads a value stands before it, and no phrase took it up.
    fn is_led(&self, at: usize) -> bool {
        let Some(before) = at.checked_sub(1).filter(|before| *before >= self.span.0) else {
            return false;
        };
        let leads = self
            .grounds
            .sentence
            .lexicon
            .leading
            .contains(&self.tokens()[before].text);
        leads && !self.explained[before]
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
    pub(super) fn loose(&mut self) {
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
                    self.explained[entity.begin..entity.end].fill(true);
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

    /// Whether the number at a token is that of a ticket.
    fn ticket_at(&self, at: usize) -> bool {
        let number = self
            .grounds
            .sentence
            .lattice
            .at(at)
            .map(|(_, it)| it)
            .find(|it| it.kind == Kind::Number);
        number.is_some_and(|it| self.ticket(it))
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

    pub(super) fn unknown(&mut self) {
        let aside = self.asides();
        let mut at = self.span.0;
        while at < self.span.1 {
            if aside[at] {
                self.draft.aside += size(&self.tokens()[at]);
                at += 1;
                continue;
            }
            let token = &self.tokens()[at];
            let size = size(token);
            if self.used[at] || self.explained[at] {
                self.draft.covered += size;
                at += 1;
                continue;
            }
            let sentence = self.grounds.sentence;
            let filler = sentence.lexicon.fillers.longest(self.tokens(), at);
            // A whole saying such as `nothing else should change` turns nothing round.
            let turn = sentence.lexicon.turns.longest(self.tokens(), at).map(|(end, ())| end);
            let saying = filler.zip(turn).is_some_and(|((end, ()), turn)| end > turn + 1);
            self.draft.ignored += usize::from(turn.is_some() && !saying);
            let filler = filler.or_else(|| sentence.lexicon.nouns.longest(self.tokens(), at));
            let filler = filler.or_else(|| sentence.lexicon.idle.longest(self.tokens(), at));
            let timely = || {
                sentence
                    .lexicon
                    .timely
                    .longest(self.tokens(), at)
                    .filter(|_| self.timed())
            };
            let filler = filler.or_else(timely);
            if let Some((end, ())) = filler {
                self.draft.passed += size;
                if sentence.lexicon.leading.contains(&token.text) {
                    self.draft.hanging += size;
                }
                at = end.min(self.span.1);
                continue;
            }
            if sentence.lexicon.weighty.longest(self.tokens(), at).is_some() {
                self.draft.unknown += NUMBER - size.min(NUMBER);
            }
            let number = sentence
                .lattice
                .at(at)
                .any(|(_, it)| it.faint && it.matter.number().is_some_and(|it| it > 1.0));
            if number && !self.ticket_at(at) {
                self.draft.unknown += NUMBER;
            }
            let faint = sentence
                .lattice
                .at(at)
                .any(|(_, it)| it.faint || it.kind == Kind::Quoted && it.end <= self.span.1);
            if token.shape != Shape::Sign && !faint && !self.is_noise(&token.text) {
                self.draft.unknown += size;
                self.draft.strange.push(at);
            }
            at += 1;
        }
    }

    /// Which tokens stand in a clause that speaks of nothing here: no value, no phrase, nothing that turns a meaning round.
    /// Such a clause is a reason or a remark: `we are replacing the PSU`.
    fn asides(&self) -> Vec<bool> {
        let sentence = self.grounds.sentence;
        let mut aside = vec![false; self.tokens().len()];
        let mut begin = self.span.0;
        while begin < self.span.1 {
            let end = (begin..self.span.1)
                .find(|at| super::super::chain::parts_clauses(self.tokens(), *at))
                .unwrap_or(self.span.1);
            let speaks = |at: usize| {
                let small = sentence.lexicon.turns.longest(self.tokens(), at).is_some()
                    || sentence.lexicon.weighty.longest(self.tokens(), at).is_some();
                self.used[at] || self.explained[at] || self.literal[at] || small
            };
            let value = |at: usize| {
                let here = sentence.lattice.at(at).map(|(_, it)| it);
                here.into_iter().any(|it| !it.faint && it.matter != Matter::Pronoun)
            };
            let whole = begin == self.span.0 && end == self.span.1;
            let long = end > begin + 1;
            if !whole && long && (begin..end).all(|at| !speaks(at) && !value(at)) {
                aside[begin..end].fill(true);
            }
            begin = end + 1;
        }
        aside
    }

    /// Whether the draft says when or for how long.
    fn timed(&self) -> bool {
        let time = |it: &Filled| matches!(it.kind, Kind::Time | Kind::Past | Kind::Duration);
        self.draft.slots.values().any(time)
    }

    /// `CHG0031337`
    fn is_noise(&self, word: &str) -> bool {
        let letters = word.trim_end_matches(|it: char| it.is_ascii_digit());
        self.grounds.sentence.lexicon.noise.contains(letters) || self.grounds.sentence.lexicon.light.contains(word)
    }
}

/// Whether a duration that merely stands there could be meant for a slot of the class itself.
fn own_duration(spoken: &Spoken, slot: &str, kind: Kind) -> bool {
    let own = |it: &SpokenSlot| it.takes.contains(&Kind::Duration) && !it.name.starts_with("validity");
    kind == Kind::Duration && slot == "validity.for" && spoken.slots.iter().any(own)
}

/// How much a token counts among words.
fn size(token: &Token) -> f64 {
    match token.shape {
        Shape::Han => 0.5,
        Shape::Word | Shape::Sign => 1.0,
    }
}
