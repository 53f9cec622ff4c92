//! Gives what phrases captured and say to the slots of a class.

use serde_json::Value;

use super::select::outdone;
use super::{Contradiction, Filled, Reader};
use crate::understanding::entity::{Entity, Matter};
use crate::understanding::matching::{Capture, Match};
use crate::understanding::text::Shape;
use crate::words::Kind;

impl<'a> Reader<'a> {
    pub(super) fn fill(&mut self, kept: &[Match<'a>]) {
        let sentence = self.grounds.sentence;
        let negative = |it: &Match<'_>| {
            let not = |at: &usize| sentence.lexicon.negations.longest(&sentence.text.tokens, *at).is_some();
            it.literals.iter().any(not)
        };
        let lost = |one: &Match<'_>, slot: &str| {
            let one_of = |name: &str| outdone(one, name, kept, &negative);
            let said = one.entry.sets.iter().map(|(name, _)| name.as_str());
            one_of(slot) || slot.starts_with('_') && said.filter(|it| !it.starts_with('_')).any(one_of)
        };
        for one in kept {
            for (slot, value) in one.entry.sets.iter().filter(|(slot, _)| !lost(one, slot)) {
                let several = value
                    .as_array()
                    .filter(|_| self.spoken.slot(slot).is_some_and(|it| it.list));
                match several {
                    Some(values) => values.iter().for_each(|value| self.set(slot, value)),
                    None => self.set(slot, value),
                }
            }
        }
        // A phrase that speaks for the class knows best, then one that relates two values.
        let mut filling: Vec<&Match<'a>> = kept.iter().collect();
        filling.sort_by_key(|it| (it.entry.weight <= 0.0, std::cmp::Reverse(it.captures.len())));
        for one in filling {
            let entities: Vec<(&str, Entity)> = one
                .captures
                .iter()
                .map(|(slot, it)| (*slot, self.captured(it)))
                .collect();
            // What relates values relates all of them or none: of `{src} and {dst}` no half is left.
            if entities.len() > 1 && entities.iter().any(|(slot, entity)| self.is_taken(slot, entity)) {
                continue;
            }
            for (slot, entity) in &entities {
                self.exclude(one, slot, entity);
                self.give(slot, entity);
            }
        }
    }

    /// The words of phrases that filled or set something are explained, and of those that speak for the class.
    pub(super) fn explain(&mut self, kept: &[Match<'a>]) {
        for one in kept {
            let idle = one.captures.is_empty() && one.entry.sets.is_empty();
            let filled = one.captures.iter().any(|(slot, capture)| {
                let entity = self.captured(capture);
                let tokens = self.draft.slots.get(*slot).and_then(|it| it.tokens);
                slot.starts_with('_') || tokens.is_some_and(|(begin, end)| begin <= entity.begin && entity.end <= end)
            });
            let set = one.entry.sets.iter().any(|(slot, value)| {
                let slot = self.draft.slots.get(slot);
                slot.is_some_and(|it| it.matter.items().iter().any(|it| it.json().as_ref() == Some(value)))
            });
            if idle || filled || set || one.entry.weight > 0.0 {
                for token in &one.literals {
                    self.explained[*token] = true;
                }
            }
        }
    }

    fn captured(&self, capture: &Capture) -> Entity {
        match capture {
            Capture::Entity(index) => self.grounds.sentence.lattice.entities[*index].clone(),
            Capture::Words(entity) => entity.clone(),
        }
    }

    /// Whether a slot holds something else, or another slot this value.
    fn is_taken(&self, name: &str, entity: &Entity) -> bool {
        let gathers = self.spoken.slot(name).is_some_and(|it| it.gathers);
        let full =
            self.draft.slots.get(name).is_some_and(|old| {
                old.tokens.is_some() && !gathers && old.matter != entity.matter && !merges(old, entity)
            });
        let here = Some((entity.begin, entity.end));
        let elsewhere = |(slot, it): (&String, &Filled)| slot != name && it.tokens == here && !name.starts_with('_');
        full || self.draft.slots.iter().any(elsewhere)
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
    pub(super) fn give(&mut self, name: &str, entity: &Entity) -> bool {
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
                self.displaced.push(entity.begin);
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

    /// `via edge2 and off edge2`: what a slot excludes cannot stand in the other.
    fn exclude(&mut self, one: &Match<'_>, name: &str, entity: &Entity) {
        const EXCLUSIVE: [&str; 2] = ["via", "avoid"];
        let others = || EXCLUSIVE.into_iter().filter(|it| *it != name);
        let elsewhere = |it: &str| {
            let filled = self.draft.slots.get(it);
            filled.is_some_and(|it| {
                it.matter == entity.matter && it.tokens.is_some_and(|it| it != (entity.begin, entity.end))
            })
        };
        if EXCLUSIVE.contains(&name) && one.entry.weight > 0.0 && others().any(elsewhere) {
            let between = entity.matter.json().into_iter().collect();
            self.draft.contradictions.push(Contradiction {
                slot: name.to_owned(),
                between,
            });
        }
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
        let exempt = (entity.end..entity.end + 3).any(|at| self.grounds.sentence.lexicon.exempts(self.tokens(), at));
        let group = matches!(entity.kind, Kind::Devices | Kind::Hosts) && !exempt;
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
}

/// Whether a second value can join what a slot holds: days beside hours, a share beside a share.
pub(super) fn merges(old: &Filled, entity: &Entity) -> bool {
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
            let mut items: Vec<Matter> = Vec::new();
            for item in pair.concat() {
                if !items.contains(&item) {
                    items.push(item);
                }
            }
            *one = if items.len() == 1 {
                items.remove(0)
            } else {
                Matter::List(items)
            };
        }
    }
}
