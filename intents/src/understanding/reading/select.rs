//! Which of the phrases that were found are meant: what is quoted, named or outdone by a longer phrase says nothing.

use std::collections::BTreeMap;

use super::{Grounds, NAMELESS};
use crate::understanding::entity::Entity;
use crate::understanding::matching::{Capture, Match};
use crate::words::Kind;

/// Phrases that mean nothing where another phrase fills a slot: a list of intents beside the name of one.
pub fn not_void(matches: Vec<Match<'_>>) -> Vec<Match<'_>> {
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

/// Phrases that take a word of a longer phrase for a name: the group `access` in `needs access to`.
pub fn without_words_as_names<'a>(matches: Vec<Match<'a>>, grounds: Grounds<'_>) -> Vec<Match<'a>> {
    let mut longest: BTreeMap<usize, usize> = BTreeMap::new();
    for one in &matches {
        for at in &one.literals {
            let length = longest.entry(*at).or_default();
            *length = one.literals.len().max(*length);
        }
    }
    let entities = &grounds.sentence.lattice.entities;
    let name = |capture: &Capture| match capture {
        Capture::Entity(index) if entities[*index].end == entities[*index].begin + 1 => Some(&entities[*index]),
        Capture::Entity(_) | Capture::Words(_) => None,
    };
    let word = |it: &Entity, length: usize| {
        let place = matches!(
            it.kind,
            Kind::Devices | Kind::Hosts | Kind::Network | Kind::Tag | Kind::Site
        );
        place && longest.get(&it.begin).is_some_and(|far| *far > length.max(NAMELESS))
    };
    let keeps = |one: &Match<'_>| {
        let length = one.literals.len();
        !one.captures
            .iter()
            .filter_map(|(_, it)| name(it))
            .any(|it| word(it, length))
    };
    matches.into_iter().filter(keeps).collect()
}

/// Where a phrase finds quoted text, free text is none.
pub fn unquoted<'a>(matches: Vec<Match<'a>>, grounds: Grounds<'_>) -> Vec<Match<'a>> {
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
pub fn outside_text(matches: Vec<Match<'_>>) -> Vec<Match<'_>> {
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
pub fn ranked(mut matches: Vec<Match<'_>>) -> Vec<Match<'_>> {
    let size = |it: &Match<'_>| (it.literals.len(), it.captures.len(), it.entry.sets.len());
    matches.sort_by(|a, b| size(b).cmp(&size(a)).then(a.begin.cmp(&b.begin)));
    matches
}

/// Whether a longer phrase around the same words says something else of a slot: `do not block` is no `block`.
pub fn outdone(one: &Match<'_>, slot: &str, others: &[Match<'_>], turned: &dyn Fn(&Match<'_>) -> bool) -> bool {
    let turns = turned(one);
    others.iter().any(|it| {
        let shares = one.literals.iter().any(|token| it.literals.contains(token));
        let more = it.literals.len() > one.literals.len() || !turns && turned(it);
        shares && more && it.entry.sets.iter().any(|(name, _)| name == slot)
    })
}
