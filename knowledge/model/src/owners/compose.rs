//! Lists that several intents share: one list at one place of attachment, such as `interface[eth1]/access-list-in`.
//!
//! Each intent gives rules without numbers. They stand in the order of (priority, intent, index), and the last action is
//! a rule of its own, so that nothing depends on what a platform does without one. Numbers leave gaps and stay as long
//! as they can, so that a new rule is one edit.

use super::conflict::{Bidder, Conflict, Reason};
use super::{Wish, above};
use crate::data::Fault;
use crate::path::Path;
use crate::schema::Schema;
use crate::tree::{Tree, Value};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// The number of the last rule; below it there is room for the others on every platform.
const LAST: u32 = 65_000;
/// The gap between two numbers.
const GAP: u32 = 10;
/// The list of rules inside every list that is composed.
const RULE: &str = "rule";

/// The share of one intent in a composed list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composed {
    /// The leaf that attaches the list; it refers to the list's name.
    pub at: Path,
    /// Rules in order, each with paths relative to the rule: `action`, `source`, ….
    pub rules: Vec<Tree>,
    /// What is done where no rule matches, relative to a rule too; empty for lists whose rules have no action, such as
    /// those of queues.
    pub last: Tree,
    /// A list that is attached there already is taken over, its rules behind those of the intents; else it is a
    /// conflict.
    pub adopt: bool,
}

/// The order of rules: highest priority first.
pub(super) type Rank = (Reverse<i32>, Box<str>, usize);

/// One place of attachment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The list that is composed where none was attached.
    pub(super) list: Path,
    /// The list that was attached when the place was first touched.
    pub(super) foreign: Option<Foreign>,
    /// That list was taken over, and stays so as long as the place is composed.
    pub(super) adopted: bool,
    /// The numbers of the intents' rules.
    pub(super) numbers: BTreeMap<Rank, u32>,
}

/// A list that no intent made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Foreign {
    pub(super) list: Path,
    /// Its rules, with paths relative to the rule, by the number that they were found with.
    pub(super) rules: BTreeMap<u32, Tree>,
    /// The numbers that they have in the composed list, in the same order; empty where they keep their own.
    pub(super) moved: Vec<u32>,
    /// Another place where it is attached.
    pub(super) shared: Option<Path>,
}

impl Composed {
    /// With the place and all rules in canonical form, or every fault.
    pub(super) fn checked(self, schema: &Schema) -> Result<Self, Vec<Fault>> {
        let at = schema.check_path(&self.at).map_err(|it| vec![it])?;
        let Some(list) = list_of(&at, schema) else {
            return Err(vec![Fault {
                path: at.to_string(),
                line: 0,
                column: 0,
                found: "a leaf that attaches no list with rules".to_owned(),
                expected: "a place such as interface[eth1]/access-list-in".to_owned(),
                hint: String::new(),
            }]);
        };
        let rule = rule_path(&list, 1);
        let mut faults = Vec::new();
        let mut canonical = |tree: &Tree| -> Tree {
            let checked = tree.iter().map(|(path, value)| schema.check(&rule.inside(path), value));
            let kept = checked.filter_map(|it| it.map_err(|fault| faults.push(fault)).ok());
            kept.map(|(path, value)| (path.relative(&rule), value)).collect()
        };
        let rules = self.rules.iter().map(&mut canonical).collect();
        let last = canonical(&self.last);
        if faults.is_empty() {
            Ok(Self {
                at,
                rules,
                last,
                adopt: self.adopt,
            })
        } else {
            Err(faults)
        }
    }
}

impl Place {
    /// What stands at a place that is touched for the first time.
    pub(super) fn touched(at: &Path, device: &Tree, schema: &Schema) -> Self {
        let list = list_of(at, schema).unwrap_or_else(Path::root);
        let attached = device.text(at).map(|name| Path::root().keyed(list.name(), [name]));
        let there = attached.or_else(|| device.contains(&list).then(|| list.clone()));
        let foreign = there.map(|list| Foreign {
            rules: rules_of(&list, device),
            moved: Vec::new(),
            shared: other_use(at, &list, device, schema),
            list,
        });
        Self {
            list,
            foreign,
            adopted: false,
            numbers: BTreeMap::new(),
        }
    }

    /// Gives numbers to the rules of the wishes: those that have one keep it, new ones go into the gaps, and where a gap
    /// is too small all are numbered anew.
    pub(super) fn number(&mut self, at: &Path, wishes: &BTreeMap<Box<str>, Wish>) {
        self.adopted |= shares(at, wishes).any(|(_, it)| it.adopt);
        let ranks = shares(at, wishes).flat_map(|(wish, it)| {
            (0..it.rules.len()).map(|index| (Reverse(wish.priority), wish.intent.clone(), index))
        });
        let mut ranks: Vec<Rank> = ranks.collect();
        ranks.sort();
        let end = self.kept().map(|it| it.0).chain([LAST]).min().unwrap_or(LAST);
        let old = std::mem::take(&mut self.numbers);
        if let Some(numbers) = placed(&ranks, &old, end) {
            self.numbers = numbers;
            return;
        }
        let behind = self.foreign.as_ref().map_or(0, |it| it.rules.len());
        let gap = u32::try_from(LAST as usize / (ranks.len() + behind + 1))
            .unwrap_or(0)
            .clamp(1, GAP);
        let mut next = (1..).map(|it: u32| it.saturating_mul(gap));
        self.numbers = ranks.into_iter().zip(&mut next).collect();
        if let Some(foreign) = &mut self.foreign {
            foreign.moved = next.take(behind).collect();
        }
    }

    /// The rules of an adopted list with the numbers that they have now.
    fn kept(&self) -> impl Iterator<Item = (u32, &Tree)> {
        let foreign = self.foreign.iter().filter(|_| self.adopted);
        foreign.flat_map(|it| {
            it.rules
                .iter()
                .enumerate()
                .map(|(index, (own, rule))| (it.moved.get(index).copied().unwrap_or(*own), rule))
        })
    }

    /// What stands in the way of composing this list.
    pub(super) fn conflicts(&self, at: &Path, wishes: &BTreeMap<Box<str>, Wish>) -> Vec<Conflict> {
        let bidder = |wish: &Wish| Bidder::Intent {
            name: wish.intent.clone(),
            priority: wish.priority,
        };
        let mut bidders: Vec<_> = shares(at, wishes).map(|(wish, _)| bidder(wish)).collect();
        bidders.sort();
        let one = bidders.first().cloned().unwrap_or(Bidder::Found);
        let other = bidders.last().cloned().unwrap_or(Bidder::Found);
        let mut conflicts = Vec::new();
        let mut add = |reason, other| {
            conflicts.push(Conflict {
                path: at.clone(),
                reason,
                one: one.clone(),
                other,
            });
        };
        match &self.foreign {
            Some(Foreign { list, .. }) if !self.adopted => add(Reason::Attached { list: list.clone() }, Bidder::Found),
            Some(Foreign { shared: Some(with), .. }) => add(Reason::Shared { with: with.clone() }, Bidder::Found),
            Some(_) | None => {}
        }
        if self
            .numbers
            .values()
            .copied()
            .chain(self.kept().map(|it| it.0))
            .any(|it| it >= LAST)
        {
            add(Reason::Full, other);
        }
        conflicts
    }

    /// The entries of the composed list, with who wants each: the place, the list, the rules, the last action.
    pub(super) fn entries(&self, at: &Path, wishes: &BTreeMap<Box<str>, Wish>, schema: &Schema) -> Vec<Entry> {
        let list = self.foreign.as_ref().map_or(&self.list, |it| &it.list);
        let name = list
            .last()
            .and_then(|it| it.keys.first().map(|it| Value::from(*it)))
            .unwrap_or(Value::Present);
        let mut entries = Vec::new();
        for (wish, share) in shares(at, wishes) {
            let mut add = |path: Path, value: Value| {
                entries.push(Entry {
                    path,
                    value: Some(value),
                    wish: wish.intent.clone(),
                })
            };
            above(at, schema).for_each(|it| add(it, Value::Present));
            add(at.clone(), name.clone());
            add(list.clone(), Value::Present);
            let numbered = share.rules.iter().enumerate().filter_map(|(index, rule)| {
                let number = self
                    .numbers
                    .get(&(Reverse(wish.priority), wish.intent.clone(), index))?;
                Some((*number, rule))
            });
            let last = (!share.last.is_empty()).then_some((LAST, &share.last));
            for (number, rule) in numbered.chain(self.kept()).chain(last) {
                let place = rule_path(list, number);
                for (path, value) in rule.iter() {
                    add(place.inside(path), value.clone());
                }
                add(place, Value::Present);
            }
        }
        entries.extend(self.left(at, wishes, &entries));
        entries
    }

    /// What an adopted list had where nothing stands any more since its rules were moved: wanted absent.
    fn left(&self, at: &Path, wishes: &BTreeMap<Box<str>, Wish>, entries: &[Entry]) -> Vec<Entry> {
        let Some(foreign) = self.foreign.as_ref().filter(|it| self.adopted && !it.moved.is_empty()) else {
            return Vec::new();
        };
        let made: BTreeSet<&Path> = entries.iter().map(|it| &it.path).collect();
        let had = foreign.rules.iter().flat_map(|(number, rule)| {
            let place = rule_path(&foreign.list, *number);
            rule.iter()
                .map(|(path, _)| place.inside(path))
                .chain([place.clone()])
                .collect::<Vec<_>>()
        });
        let left: Vec<_> = had.filter(|it| !made.contains(it)).collect();
        let entry = |path: &Path, wish: &Wish| Entry {
            path: path.clone(),
            value: None,
            wish: wish.intent.clone(),
        };
        shares(at, wishes)
            .flat_map(|(wish, _)| left.iter().map(move |path| entry(path, wish)))
            .collect()
    }
}

/// An entry that a composed list makes.
pub(super) struct Entry {
    pub(super) path: Path,
    /// None is absence.
    pub(super) value: Option<Value>,
    pub(super) wish: Box<str>,
}

/// The shares in one place, with their wishes.
fn shares<'a>(at: &'a Path, wishes: &'a BTreeMap<Box<str>, Wish>) -> impl Iterator<Item = (&'a Wish, &'a Composed)> {
    wishes.values().flat_map(move |wish| {
        wish.composed
            .iter()
            .filter(move |it| it.at == *at)
            .map(move |it| (wish, it))
    })
}

/// Numbers below `end` for the ranks, old ones kept; none where a gap has no room.
fn placed(ranks: &[Rank], old: &BTreeMap<Rank, u32>, end: u32) -> Option<BTreeMap<Rank, u32>> {
    let (mut numbers, mut before, mut index) = (BTreeMap::new(), 0, 0);
    while index < ranks.len() {
        if let Some(number) = old.get(&ranks[index]).filter(|it| **it > before && **it < end) {
            before = *number;
            numbers.insert(ranks[index].clone(), before);
            index += 1;
            continue;
        }
        let new = ranks[index..]
            .iter()
            .take_while(|it| !old.contains_key(it))
            .count()
            .max(1);
        let next = ranks
            .get(index + new)
            .and_then(|it| old.get(it))
            .copied()
            .unwrap_or(end);
        let gap =
            (next.checked_sub(before + 1)? / u32::try_from(new).ok()?.checked_add(u32::from(next != LAST))?).min(GAP);
        if gap == 0 {
            return None;
        }
        for rank in &ranks[index..index + new] {
            before += gap;
            numbers.insert(rank.clone(), before);
        }
        index += new;
    }
    Some(numbers)
}

fn rule_path(list: &Path, number: u32) -> Path {
    list.keyed(RULE, [number.to_string()])
}

/// The list that is composed at a place: of the kind that the leaf refers to, named after the place. None if the leaf
/// refers to no list with rules.
fn list_of(at: &Path, schema: &Schema) -> Option<Path> {
    let kind = schema.node(at)?.refers.as_deref()?.split('/').next()?;
    // a list that a name alone finds, with rules that a number alone finds
    schema.at(kind).filter(|it| it.key_count() == 1)?;
    schema.at(&format!("{kind}/{RULE}")).filter(|it| it.key_count() == 1)?;
    let words: Vec<_> = at
        .steps()
        .flat_map(|step| step.keys.into_iter().map(str::to_owned))
        .collect();
    let plain = |it: char| if it.is_ascii_alphanumeric() { it } else { '-' };
    let mut name: String = format!("{}-{}", words.join("-"), at.name())
        .chars()
        .map(plain)
        .collect();
    name.truncate(54);
    let exact = name == format!("{}-{}", words.join("-"), at.name());
    if !exact {
        name = format!("{name}-{:08x}", hash(&at.to_string()));
    }
    Some(Path::root().keyed(kind, [name]))
}

/// FNV-1a: the same on every machine and in every version.
fn hash(text: &str) -> u32 {
    text.bytes()
        .fold(0x811c_9dc5, |hash, it| (hash ^ u32::from(it)).wrapping_mul(0x0100_0193))
}

fn rules_of(list: &Path, device: &Tree) -> BTreeMap<u32, Tree> {
    let mut rules: BTreeMap<u32, Tree> = BTreeMap::new();
    let depth = list.steps().count();
    for (path, value) in device.under(&list.joined(RULE)) {
        let number = path.steps().nth(depth).and_then(|it| it.keys.first()?.parse().ok());
        if let Some(number) = number {
            let rule = rules.entry(number).or_default();
            rule.insert(path.relative(&rule_path(list, number)), value.clone());
        }
    }
    rules
}

/// Another leaf that attaches the same list.
fn other_use(at: &Path, list: &Path, device: &Tree, schema: &Schema) -> Option<Path> {
    let name = list.last()?.keys.first().copied()?;
    let refers = format!("{}/", list.name());
    let uses = |path: &Path| {
        schema
            .node(path)
            .and_then(|it| it.refers.as_deref())
            .is_some_and(|it| it.starts_with(&refers))
    };
    device
        .iter()
        .find(|(path, value)| *path != at && value.text() == Some(name) && uses(path))
        .map(|it| it.0.clone())
}
