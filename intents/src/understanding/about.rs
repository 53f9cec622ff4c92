//! Intents about intents: what would be if, and other values for one that holds.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Conversation;
use super::answer::{Answer, Origin, Reading, judge};
use super::carry::remembered;
use super::catalogue::{Catalogue, Language};
use super::chain;
use super::context::{ABOUT, changes, class_of, modified};
use super::evidence;
use super::matching::Match;
use super::reading::Grounds;
use crate::words::Kind;

/// The operation that phrases name, and how many words they take.
fn operation(class: Option<usize>, keys: &BTreeMap<usize, Vec<Match<'_>>>, name: &str) -> Option<usize> {
    let matches = keys.get(&class?)?;
    let says = |it: &&Match<'_>| {
        let sets = |(slot, value): &(String, Value)| {
            slot == "operation" && value == name || slot == "_probe" && name == "probe"
        };
        it.entry.sets.iter().any(sets)
    };
    matches.iter().filter(says).map(|it| it.literals.len()).max()
}

/// Reads what is only asked about or changes another intent; none where the sentence is about neither.
pub fn read(
    grounds: Grounds<'_>,
    keys: &BTreeMap<usize, Vec<Match<'_>>>,
    conversation: &Conversation,
    voice: (&Catalogue, Language),
) -> Option<Answer> {
    let class = grounds.index.classes.iter().position(|it| it.name == ABOUT);
    if let Some(words) = operation(class, keys, "probe") {
        return probe(grounds, keys, words, voice);
    }
    let words = operation(class, keys, "modify")?;
    let others = ["suspend", "resume", "withdraw", "status", "get", "explain", "report"];
    if others
        .iter()
        .filter_map(|name| operation(class, keys, name))
        .any(|other| other >= words)
    {
        return None;
    }
    let intents = grounds
        .sentence
        .lattice
        .entities
        .iter()
        .filter(|it| it.kind == Kind::Intent && !it.faint);
    let name = intents
        .map(|it| &it.matter)
        .find_map(|it| it.text().map(str::to_owned))?;
    let of = class_of(&name, grounds.world, conversation)?;
    let of = grounds.index.classes.iter().position(|it| it.name == of)?;
    let last = remembered(&Map::new(), &grounds.index.classes[of], of);
    let changes = changes(grounds, of, &last)?;
    Some(Answer::Intents(vec![modified(&name, changes, grounds)]))
}

/// `would 300 Mbit/s from labs to internet be feasible?`
fn probe(
    grounds: Grounds<'_>,
    keys: &BTreeMap<usize, Vec<Match<'_>>>,
    words: usize,
    voice: (&Catalogue, Language),
) -> Option<Answer> {
    let others: BTreeMap<usize, Vec<Match<'_>>> = keys
        .iter()
        .filter(|(class, _)| grounds.index.classes[**class].name != ABOUT)
        .map(|(class, it)| (*class, it.clone()))
        .collect();
    let mut chain = chain::best(grounds, &others)?;
    // The words that ask say nothing else.
    let mut left = words as f64;
    for draft in &mut chain.drafts {
        let less = left.min(draft.unknown);
        draft.unknown -= less;
        draft.ignored = 0;
        left -= less;
    }
    chain.unknown = (chain.unknown - left).max(0.0);
    let evidence = evidence::weigh(&chain, grounds);
    match judge(&chain, grounds, &evidence, voice) {
        Answer::Intents(readings) if readings.len() == 1 => {
            let reading = readings.into_iter().next()?;
            let mut proposal = reading.slots;
            for slot in ["dry_run", "validity"] {
                proposal.remove(slot);
            }
            proposal.insert("class".to_owned(), json!(reading.class));
            let mut slots = Map::new();
            slots.insert("operation".to_owned(), json!("probe"));
            slots.insert("proposal".to_owned(), Value::Object(proposal));
            let origins = reading.origins.into_iter().map(|it| Origin {
                slot: format!("proposal.{}", it.slot),
                ..it
            });
            let origins = origins.collect();
            Some(Answer::Intents(vec![Reading {
                class: ABOUT.to_owned(),
                slots,
                origins,
            }]))
        }
        Answer::Intents(_) | Answer::Refuse(_) => None,
        asked @ Answer::Ask(_) => Some(asked),
    }
}
