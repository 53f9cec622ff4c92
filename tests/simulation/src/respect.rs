//! The eighth invariant, as a look at the device before and after an operation of ours: what a stranger wrote is neither
//! committed, nor overwritten, nor discarded unnamed. Shares nothing with the adapter that it judges.

use crate::change::{Change, Path, Value};
use crate::device::{Device, Who};
use std::collections::BTreeSet;

/// Values from here on are the operator's.
pub const STRANGERS: Value = 1_000_000;

/// What became of a stranger's work that was not named.
pub fn unnamed(before: &Device, after: &Device, change: &Change, named: &BTreeSet<Path>) -> Option<String> {
    in_running(before, after, change, named).or_else(|| in_candidate(before, after, named))
}

fn in_running(before: &Device, after: &Device, change: &Change, named: &BTreeSet<Path>) -> Option<String> {
    let strangers = before.running.iter().filter(|(_, value)| **value >= STRANGERS);
    for (path, value) in strangers.filter(|(path, value)| after.read(**path) != **value) {
        // The plan was made on top of it and says so.
        let planned = change
            .edits
            .get(path)
            .is_some_and(|(was, will)| was == value && *will == after.read(*path));
        if !planned && !named.contains(path) {
            return Some(format!("path {path}: a stranger's {value} was overwritten"));
        }
    }
    None
}

fn in_candidate(before: &Device, after: &Device, named: &BTreeSet<Path>) -> Option<String> {
    let strangers = before.candidate.iter().filter(|(_, (_, who))| *who == Who::Operator);
    for (path, (value, who)) in strangers {
        if after.candidate.get(path) == Some(&(*value, *who)) || named.contains(path) {
            continue;
        }
        let done = if after.read(*path) == *value {
            "committed"
        } else {
            "discarded"
        };
        return Some(format!("path {path}: a stranger's {value} was {done}"));
    }
    None
}
