//! A whole sentence: where it is cut, which class reads each part, and what a part takes over from the one before.

use std::collections::BTreeMap;

use super::carry::{go_on, point_inside, take_over};
use super::entity::Matter;
use super::index::Spoken;
use super::matching::{Match, find};
use super::reading::{Draft, Grounds, read};
use crate::words::Kind;

/// The most places at which a sentence is cut.
const CUTS: usize = 12;
/// What a further part costs.
const PART: f64 = 1.6;
/// From which weight on a phrase of another class must not be passed over.
const LOUD: f64 = 2.0;
/// What it counts among the words that mean nothing if it is.
const FOREIGN: f64 = 0.9;
/// What it costs to cut where a word rather joins than parts.
const WEAK: f64 = 0.7;
/// What it costs to cut between the values of a list.
const TORN: f64 = 1.5;
/// How many classes are tried for one part.
const TRIED: usize = 5;

/// The parts of a sentence with the classes that read them, and the runner-up of each.
#[derive(Debug, Clone, Default)]
pub struct Chain {
    /// The parts.
    pub drafts: Vec<Draft>,
    /// The score of all.
    pub score: f64,
    /// Words outside all parts that mean nothing.
    pub unknown: f64,
    /// Values outside all parts.
    pub loose: Vec<usize>,
    /// For each part the best score of another class over the same words.
    pub rivals: Vec<Option<(usize, f64)>>,
}

/// Reads a sentence in the best way of cutting it.
#[must_use]
pub fn best(grounds: Grounds<'_>, keys: &BTreeMap<usize, Vec<Match<'_>>>) -> Option<Chain> {
    let length = grounds.sentence.text.tokens.len();
    let cuts = cuts(grounds);
    let mut chains: Vec<Option<Chain>> = vec![None; cuts.len()];
    chains[0] = Some(Chain::default());
    for to in 1..cuts.len() {
        for from in 0..to {
            let Some(before) = chains[from].clone() else { continue };
            let span = (cuts[from], cuts[to]);
            let Some(chain) = extend(grounds, keys, before, span) else {
                continue;
            };
            if chains[to].as_ref().is_none_or(|best| chain.score > best.score) {
                chains[to] = Some(chain);
            }
        }
    }
    debug_assert_eq!(cuts.last(), Some(&length));
    chains.pop().flatten().filter(|chain| !chain.drafts.is_empty())
}

/// Whether a sign at a token parts clauses.
#[must_use]
pub fn parts_clauses(tokens: &[super::text::Token], at: usize) -> bool {
    let token = &tokens[at];
    let glued = |at: usize| tokens.get(at).is_some_and(|it| it.glued);
    match token.text.as_str() {
        ";" | "!" | "?" => true,
        // Inside a number or a name they part nothing.
        "," | "." | ":" => token.clause || !token.glued || !glued(at + 1),
        "-" => !token.glued && !glued(at + 1),
        "(" | ")" => true,
        _ => false,
    }
}

/// The places at which a sentence may be cut, its ends among them.
fn cuts(grounds: Grounds<'_>) -> Vec<usize> {
    let tokens = &grounds.sentence.text.tokens;
    let mut cuts = vec![0];
    for (at, token) in tokens.iter().enumerate().skip(1) {
        let sign = matches!(
            token.text.as_str(),
            "," | "、"
                | ";"
                | "."
                | "!"
                | "?"
                | "and"
                | "but"
                | "then"
                | "while"
                | "plus"
                | "并"
                | "但"
                | "再"
                | "另"
                | "还"
                | "然"
                | "同"
                | "而"
                | "且"
                | "和"
                | "也"
                | "with"
        );
        let quoted = grounds.sentence.quoted.get(at).copied().unwrap_or(false);
        let inside = token.text == "." && tokens.get(at + 1).is_some_and(|it| it.glued) && token.glued;
        if sign && !quoted && !inside && cuts.len() < CUTS && cuts.last() != Some(&at) {
            cuts.push(at);
        }
    }
    cuts.push(tokens.len());
    cuts
}

/// The best reading of one more part.
fn extend(
    grounds: Grounds<'_>,
    keys: &BTreeMap<usize, Vec<Match<'_>>>,
    before: Chain,
    span: (usize, usize),
) -> Option<Chain> {
    let last = before.drafts.last();
    let mut drafts: Vec<Draft> = candidates(grounds, keys, span, last)
        .into_iter()
        .filter_map(|class| {
            let empty = Vec::new();
            let mut draft = read(grounds, class, keys.get(&class).unwrap_or(&empty), span)?;
            foreign(&mut draft, keys);
            point_inside(&mut draft, grounds);
            take_over(&mut draft, last, grounds);
            if draft.weight < 1.0 && signed(grounds, &grounds.index.classes[class], span, last) {
                draft.weight = 1.0;
            }
            Some(draft)
        })
        .collect();
    let own = |last: &&Draft| !drafts.iter().any(|it| it.class == last.class && it.weight >= 1.0);
    drafts.extend(
        last.filter(own)
            .filter(|_| !splits_list(grounds, span.0))
            .and_then(|last| go_on(grounds, last, span))
            .filter(|again| !stray(again)),
    );
    drafts.sort_by(|a, b| b.score().total_cmp(&a.score()));
    let rival = drafts.first().and_then(|best| {
        let other = drafts.iter().find(|it| it.class != best.class)?;
        Some((other.class, other.score()))
    });
    let Some(best) = (!drafts.is_empty()).then(|| drafts.remove(0)) else {
        return silent(grounds, before, span);
    };
    let mut chain = before;
    chain.score += best.score() - if chain.drafts.is_empty() { 0.0 } else { PART };
    if splits_list(grounds, span.0) {
        chain.score -= TORN;
    }
    if span.0 > 0 && matches!(grounds.sentence.text.tokens[span.0].text.as_str(), "和" | "同" | "with") {
        chain.score -= WEAK;
    }
    chain.drafts.push(best);
    chain.rivals.push(rival);
    Some(chain)
}

/// Whether a part says something that every class has, such as `just as a dry run`.
fn says_of_all(grounds: Grounds<'_>, span: (usize, usize)) -> bool {
    let Some(spoken) = grounds.index.classes.first() else {
        return false;
    };
    let sets = grounds
        .index
        .shared
        .iter()
        .filter(|it| !it.sets.is_empty() && it.may_match(grounds.words));
    sets.into_iter()
        .any(|entry| !find(grounds.sentence, spoken, entry, span).is_empty())
}

/// A part that says nothing of any class: politeness, a reason, or what nobody understands.
fn silent(grounds: Grounds<'_>, mut before: Chain, span: (usize, usize)) -> Option<Chain> {
    let lexicon = grounds.sentence.lexicon;
    let tokens = &grounds.sentence.text.tokens;
    if says_of_all(grounds, span) {
        return None;
    }
    let mut at = span.0;
    let mut unknown = 0.0;
    while at < span.1 {
        // What turns a meaning round is no politeness.
        unknown += f64::from(u8::from(lexicon.turns.longest(tokens, at).is_some()));
        let filler = lexicon
            .fillers
            .longest(tokens, at)
            .or_else(|| lexicon.nouns.longest(tokens, at));
        let value = grounds.sentence.lattice.at(at).find(|(_, it)| !it.faint);
        match (filler, value) {
            (Some((end, ())), _) => at = end,
            (None, Some((_, entity))) => {
                unknown += 1.0;
                before.loose.push(at);
                at = entity.end;
            }
            (None, None) => {
                unknown += match tokens[at].shape {
                    super::text::Shape::Han => 0.5,
                    super::text::Shape::Sign => 0.0,
                    super::text::Shape::Word => 1.0,
                };
                at += 1;
            }
        }
    }
    before.score -= 0.8 * unknown + 0.1;
    before.unknown += unknown;
    Some(before)
}

/// The classes that phrases or values in the span speak for, the loudest first.
fn candidates(
    grounds: Grounds<'_>,
    keys: &BTreeMap<usize, Vec<Match<'_>>>,
    span: (usize, usize),
    last: Option<&Draft>,
) -> Vec<usize> {
    let inside = |it: &&Match<'_>| it.begin >= span.0 && it.end <= span.1;
    let mut found: Vec<(f64, usize)> = keys
        .iter()
        .map(|(class, matches)| (matches.iter().filter(inside).map(|it| it.entry.weight).sum(), *class))
        .filter(|(weight, _)| *weight > 0.0)
        .collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    found.truncate(TRIED);
    let mut classes: Vec<usize> = found.into_iter().map(|(_, class)| class).collect();
    for class in &grounds.index.signed {
        if !classes.contains(class) && signed(grounds, &grounds.index.classes[*class], span, last) {
            classes.push(*class);
        }
    }
    classes
}

/// Whether values of kinds that speak for a class stand together, one of them at least in this part.
fn signed(grounds: Grounds<'_>, spoken: &Spoken, span: (usize, usize), last: Option<&Draft>) -> bool {
    let entities = &grounds.sentence.lattice.entities;
    let here = |kind: &Kind| {
        entities
            .iter()
            .any(|it| it.kind == *kind && it.begin >= span.0 && it.end <= span.1 && !it.faint)
    };
    let before = |kind: &Kind| last.is_some_and(|last| last.slots.values().any(|it| it.kind == *kind));
    let speaks = |sign: &Vec<Kind>| sign.iter().any(here) && sign.iter().all(|kind| here(kind) || before(kind));
    spoken.signs.iter().any(speaks)
}

/// Whether a list of values goes on across a place.
fn splits_list(grounds: Grounds<'_>, at: usize) -> bool {
    let list = |it: &super::entity::Entity| matches!(it.matter, Matter::List(_)) && it.begin < at && at < it.end;
    grounds.sentence.lattice.entities.iter().any(list)
}

/// A whole phrase that speaks loudly for another class, of which no word is explained here: something was passed over.
fn foreign(draft: &mut Draft, keys: &BTreeMap<usize, Vec<Match<'_>>>) {
    let inside = |it: &&Match<'_>| it.begin >= draft.span.0 && it.end <= draft.span.1;
    let passed = |it: &Match<'_>| {
        let open = |at: &usize| !draft.explained.get(*at).copied().unwrap_or(true);
        it.entry.weight >= LOUD && it.literals.len() > 1 && it.literals.iter().all(open)
    };
    let others = keys.iter().filter(|(class, _)| **class != draft.class);
    if others.flat_map(|(_, all)| all).filter(inside).any(passed) {
        draft.unknown += FOREIGN;
    }
}
/// One value that merely stands there is no second intent.
fn stray(again: &Draft) -> bool {
    again.guessed > 0 && again.slots.values().filter(|it| it.tokens.is_some()).count() == 1
}
