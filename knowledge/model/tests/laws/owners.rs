//! Owners: in any order, there and back, and never on a path that nobody owns.

use crate::sample::{PLACES, attached, entry, entry_nodes, shares, tree, trees};
use knowledge_model::owners::{Conflict, Planned, Reason, Turn, plan};
use knowledge_model::schema::{Node, Schema};
use knowledge_model::{Ownership, Path, Tree, Value, Wish};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use std::collections::{BTreeMap, BTreeSet};

fn schema() -> &'static Schema {
    Schema::canonical()
}

fn owners(device: &Tree, wishes: &[Wish]) -> Ownership {
    let mut owners = Ownership::new();
    for wish in wishes {
        owners.contribute(wish.clone(), device, schema()).unwrap();
    }
    owners
}

fn planned(before: &Ownership, after: &Ownership, device: &Tree) -> Result<Planned, Vec<Conflict>> {
    plan(&Turn::new(before, after), device, schema(), &Tree::clone)
}

fn asked(turn: &Turn<'_>, device: &Tree) -> Result<Planned, Vec<Conflict>> {
    plan(turn, device, schema(), &Tree::clone)
}

/// Configurations that a device can have: one case of each choice, nothing twice that is to be unique.
fn devices() -> impl Strategy<Value = Tree> {
    trees(8).prop_filter("two cases of one choice", |device| {
        let whole = owners(&Tree::new(), &[Wish::new("whole", 0, device.clone())]);
        planned(&Ownership::new(), &whole, &Tree::new()).is_ok()
    })
}

/// Devices that often have a list attached where a wish may compose one, and that list at another place too.
fn with_lists() -> impl Strategy<Value = Tree> {
    (devices(), 0..6_u8).prop_map(|(device, how)| {
        let place = |key: u8| (entry(PLACES[0], &[key]).0, Value::from("edge"));
        let list = Path::root().keyed(attached(PLACES[0]), ["edge"]);
        let mut entries: Vec<_> = device.clone().into_iter().collect();
        match how {
            0 => entries.extend([(list, Value::Present), place(0), place(1)]),
            1 => entries.extend([(list, Value::Present), place(0)]),
            _ => {}
        }
        tree(entries)
    })
}

/// Entries that others want too, with other values or in other cases of a choice.
fn contested() -> impl Strategy<Value = (Path, Value)> {
    let nodes = entry_nodes().into_iter().filter(|it| !it.state);
    let (chosen, plain): (Vec<&Node>, Vec<&Node>) = nodes.partition(|it| !it.choices.is_empty());
    let leaves: Vec<_> = plain
        .into_iter()
        .filter(|it| it.is_leaf() && it.key_count() == 0)
        .take(3)
        .collect();
    let one_of = |nodes: Vec<&'static Node>| (0..nodes.len(), 0..3_u8).prop_map(move |(at, last)| (nodes[at], last));
    prop_oneof![one_of(chosen), one_of(leaves)].prop_map(|(node, last)| {
        let path = entry(node, &[0]).0;
        (path, entry(node, &[last]).1)
    })
}

/// Up to three wishes with priorities that are often equal; some of what the device has is wanted absent, some have a
/// share of a composed list.
fn wishes() -> impl Strategy<Value = (Tree, Vec<Wish>)> {
    let composed = prop::option::weighted(0.3, shares());
    let contested = prop::option::weighted(0.3, contested());
    let one = (trees(3), contested).prop_map(|(some, contested)| tree(some.into_iter().chain(contested)));
    let one = (one, 0..3, prop::option::of(any::<prop::sample::Index>()), composed);
    (with_lists(), prop::collection::vec(one, 1..=3)).prop_map(|(device, shares)| {
        let wishes = shares
            .into_iter()
            .enumerate()
            .map(|(index, (tree, priority, absent, composed))| {
                let mut wish = Wish::new(format!("intent-{index}"), priority, tree);
                if let Some(absent) = absent.filter(|_| !device.is_empty()) {
                    let path = device.iter().nth(absent.index(device.len())).unwrap().0.clone();
                    wish.entries.entry(path).or_insert(None);
                }
                wish.composed.extend(composed);
                wish
            });
        let wishes = wishes.collect();
        (device, wishes)
    })
}

/// What wishes may have changed, from the wishes alone: their entries and the entries above, and where they have a share
/// of a composed list the place, the list that was attached there and the one that is.
struct Reach {
    paths: BTreeSet<Path>,
    lists: BTreeSet<Path>,
    /// Kinds of lists that are composed: what was not there before all is made for it.
    kinds: BTreeSet<String>,
    before: Tree,
}

impl Reach {
    /// Of these wishes, on a device that had the first of these states before all.
    fn of(wishes: &[Wish], states: &[&Tree]) -> Self {
        let (mut paths, mut lists, mut kinds) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let above = |it: &Path| {
            let entries = it
                .ancestors()
                .filter(|it| schema().node(it).is_some_and(Node::is_entry));
            entries.collect::<Vec<_>>()
        };
        for wish in wishes {
            for (path, value) in &wish.entries {
                paths.insert(path.clone());
                paths.extend(value.iter().flat_map(|_| above(path)));
            }
            for at in wish.composed.iter().map(|it| &it.at) {
                paths.insert(at.clone());
                paths.extend(above(at));
                let kind = attached(schema().node(at).unwrap());
                kinds.insert(kind.to_owned());
                let names = states.iter().filter_map(|it| it.text(at));
                lists.extend(names.map(|it| Path::root().keyed(kind, [it])));
            }
        }
        let before = states[0].clone();
        Self {
            paths,
            lists,
            kinds,
            before,
        }
    }

    fn beyond(&self, planned: &Planned) -> Vec<String> {
        let paths = planned.delta.iter().map(|it| it.0);
        let made = |it: &Path| {
            let list = it.steps().next().unwrap();
            let path = Path::root().keyed(list.name, &list.keys);
            self.kinds.contains(list.name) && !self.before.contains(&path)
        };
        let inside =
            |it: &&Path| self.paths.contains(it) || made(it) || self.lists.iter().any(|list| it.starts_with(list));
        paths.filter(|it| !inside(it)).map(Path::to_string).collect()
    }
}

fn changed(tree: &Tree, planned: &Planned) -> Tree {
    let mut tree = tree.clone();
    tree.apply(&planned.delta).unwrap();
    tree
}

/// What is wanted to stand and what is wanted gone, whatever the numbers of rules, and whether all agree.
fn wanted(owners: &Ownership) -> (Tree, Tree, bool) {
    let desired = owners.desired(schema());
    let (mut there, mut gone) = (Tree::new(), Tree::new());
    for (path, bid) in desired.entries {
        match bid.value {
            Some(value) => there.insert(path, value),
            None => gone.insert(path, Value::Present),
        };
    }
    (numbered(&there), numbered(&gone), desired.conflicts.is_empty())
}

/// The same tree with the rules of lists that can be composed numbered from zero: which numbers they got depends on who
/// came first, their order does not.
fn numbered(tree: &Tree) -> Tree {
    let kinds: BTreeSet<&str> = PLACES.iter().map(|it| attached(it)).collect();
    let rule = |path: &Path| {
        let steps: Vec<_> = path.steps().collect();
        let [list, rule, ..] = &*steps else { return None };
        let number = rule.keys.first()?.parse::<u32>().ok()?;
        let is_rule = kinds.contains(list.name) && rule.name == "rule";
        is_rule.then(|| (Path::root().keyed(list.name, &list.keys), number))
    };
    let mut numbers: BTreeMap<Path, BTreeSet<u32>> = BTreeMap::new();
    for (list, number) in tree.iter().filter_map(|it| rule(it.0)) {
        numbers.entry(list).or_default().insert(number);
    }
    let renamed = |path: &Path| match rule(path) {
        None => path.clone(),
        Some((list, number)) => {
            let place = numbers[&list].iter().position(|it| *it == number).unwrap();
            let old = list.keyed("rule", [number.to_string()]);
            let new = list.keyed("rule", [place.to_string()]);
            if *path == old {
                new
            } else {
                new.inside(&path.relative(&old))
            }
        }
    };
    tree.iter()
        .map(|(path, value)| (renamed(path), value.clone()))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_wishes_does_not_matter((device, wishes) in wishes()) {
        let forth = owners(&device, &wishes);
        let back = owners(&device, &wishes.iter().rev().cloned().collect::<Vec<_>>());
        prop_assert_eq!(wanted(&forth), wanted(&back));
        if wishes.iter().all(|it| it.composed.is_empty()) {
            prop_assert_eq!(&forth, &back);
            prop_assert_eq!(forth.desired(schema()), back.desired(schema()));
            let nobody = Ownership::new();
            prop_assert_eq!(planned(&nobody, &forth, &device), planned(&nobody, &back, &device));
        }
    }

    #[test]
    fn withdraw_after_contribute_is_as_if_it_had_never_been((device, wishes) in wishes()) {
        for (index, wish) in wishes.iter().enumerate() {
            let mut left = owners(&device, &wishes);
            prop_assert_eq!(left.withdraw(&wish.intent, schema()).map(|it| it.intent), Some(wish.intent.clone()));
            let others: Vec<_> = wishes.iter().enumerate().filter(|it| it.0 != index).map(|it| it.1.clone()).collect();
            let never = owners(&device, &others);
            // a list that is taken over stays so while anybody has a share of it
            if never.desired(schema()).conflicts.is_empty() {
                prop_assert_eq!(wanted(&left), wanted(&never));
            }
            if wishes.iter().all(|it| it.composed.is_empty()) {
                prop_assert_eq!(left, never);
            }
        }
    }

    #[test]
    fn a_plan_keeps_to_owned_paths_is_idempotent_and_leads_back((device, wishes) in wishes()) {
        let (nobody, owned) = (Ownership::new(), owners(&device, &wishes));
        let Ok(change) = planned(&nobody, &owned, &device) else { return Ok(()) };
        let mut there = device.clone();
        there.apply(&change.delta).unwrap();
        let reach = Reach::of(&wishes, &[&device, &there]);
        prop_assert_eq!(reach.beyond(&change), [""; 0], "nobody's");
        for (path, bid) in owned.desired(schema()).entries {
            prop_assert_eq!(there.value(&path), bid.value.as_ref());
        }
        prop_assert!(planned(&nobody, &owned, &there).unwrap().delta.is_empty());
        prop_assert!(planned(&owned, &owned, &there).unwrap().delta.is_empty());
        prop_assert!(knowledge_model::owners::drift(&owned, &there, schema(), &Tree::clone).is_empty());
        let back = planned(&owned, &nobody, &there).unwrap();
        prop_assert_eq!(reach.beyond(&back), [""; 0], "nobody's");
        there.apply(&back.delta).unwrap();
        prop_assert_eq!(there, device);
    }

    /// From A and B to A is the same as A alone would have been.
    #[test]
    fn taking_one_back_leaves_what_the_others_want((device, wishes) in wishes()) {
        let (nobody, all) = (Ownership::new(), owners(&device, &wishes));
        let Ok(forth) = planned(&nobody, &all, &device) else { return Ok(()) };
        let there = changed(&device, &forth);
        for (index, wish) in wishes.iter().enumerate() {
            let others: Vec<_> = wishes.iter().enumerate().filter(|it| it.0 != index).map(|it| it.1.clone()).collect();
            let Ok(alone) = planned(&nobody, &owners(&device, &others), &device) else { continue };
            let mut rest = all.clone();
            rest.withdraw(&wish.intent, schema());
            let back = planned(&all, &rest, &there);
            prop_assert!(back.is_ok(), "{:?} cannot leave: {:?}", wish.intent, back);
            let (back, alone) = (back.unwrap(), changed(&device, &alone));
            let left = changed(&there, &back);
            prop_assert_eq!(numbered(&left), numbered(&alone), "without {:?}", wish.intent);
            let reach = Reach::of(&wishes, &[&device, &there, &left]);
            prop_assert_eq!(reach.beyond(&back), [""; 0], "nobody's");
        }
    }

    /// Each comes to a device that the ones before have changed, and leaves one that the others still hold.
    #[test]
    fn who_comes_later_finds_what_was_there_before_all((device, wishes) in wishes()) {
        let (mut owned, mut there) = (Ownership::new(), device.clone());
        for (index, wish) in wishes.iter().enumerate() {
            let mut next = owned.clone();
            next.contribute(wish.clone(), &there, schema()).unwrap();
            let Ok(change) = planned(&owned, &next, &there) else { return Ok(()) };
            let then = changed(&there, &change);
            let reach = Reach::of(&wishes[..=index], &[&device, &there, &then]);
            prop_assert_eq!(reach.beyond(&change), [""; 0], "nobody's");
            (owned, there) = (next, then);
        }
        if let Ok(at_once) = planned(&Ownership::new(), &owners(&device, &wishes), &device) {
            prop_assert_eq!(numbered(&there), numbered(&changed(&device, &at_once)));
        }
        for wish in &wishes {
            let mut next = owned.clone();
            next.withdraw(&wish.intent, schema());
            let Ok(change) = planned(&owned, &next, &there) else { return Ok(()) };
            (owned, there) = (next, changed(&there, &change));
        }
        prop_assert_eq!(there, device);
    }

    /// Somebody takes away what an intent made, and what hangs on it: asked for again it is there again, and a second time
    /// it is no edit. What stands is looked at whether it has to change or not.
    #[test]
    fn what_is_asked_for_again_is_there_again((device, wishes) in wishes(), torn in any::<prop::sample::Index>()) {
        let owned = owners(&device, &wishes);
        let Ok(change) = planned(&Ownership::new(), &owned, &device) else { return Ok(()) };
        let mut there = changed(&device, &change);
        let made: Vec<Path> = owned.paths().filter(|it| there.contains(it)).cloned().collect();
        if !made.is_empty() {
            let root = &made[torn.index(made.len())];
            let gone: Vec<Path> = there.under(root).map(|it| it.0.clone()).collect();
            gone.iter().for_each(|it| { there.remove(it); });
        }
        for wish in &wishes {
            let names = [&*wish.intent];
            let turn = Turn::new(&owned, &owned).asking(&names);
            let again = match asked(&turn, &there) {
                Ok(again) => again,
                // What the device had twice before all is there once by now: nobody makes it twice.
                Err(conflicts) => {
                    let twice = conflicts.iter().all(|it| matches!(it.reason, Reason::Unique { .. }));
                    prop_assert!(twice, "{:?}", conflicts);
                    continue;
                }
            };
            let then = changed(&there, &again);
            let desired = owned.desired(schema()).entries;
            let own = |path: &Path| wish.entries.contains_key(path);
            for (path, bid) in desired.iter().filter(|it| own(it.0)) {
                let secret = schema().node(path).is_some_and(|it| it.secret);
                prop_assert!(secret || then.value(path) == bid.value.as_ref(), "{path}");
                prop_assert!(secret || again.baseline.get(path) == Some(&there.value(path).cloned()));
            }
            prop_assert!(asked(&turn, &then).unwrap().delta.is_empty());
        }
    }

    #[test]
    fn what_is_kept_comes_back((device, wishes) in wishes()) {
        let owned = owners(&device, &wishes);
        let (kept, model) = Ownership::from_stored(&owned.to_stored(schema().revision()).unwrap()).unwrap();
        prop_assert_eq!(kept, owned);
        prop_assert_eq!(model, schema().revision());
    }
}

/// What a conflict is about; an override is one of its own.
fn kind(conflict: &Conflict) -> &'static str {
    match conflict.reason {
        Reason::Value { .. } => "value",
        Reason::Choice { .. } => "choice",
        Reason::Unique { .. } => "unique",
        Reason::Inside { .. } => "inside",
        Reason::Attached { .. } => "attached",
        Reason::Shared { .. } => "shared",
        Reason::Full => "full",
    }
}

/// The laws hold of conflicts too, so that they must have met them: each kind is counted, by itself and between equals
/// or not. A list is full with 65,000 rules alone, which a test of composed lists makes.
#[test]
fn every_kind_of_conflict_is_generated() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = wishes();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..1000 {
        let (device, wishes) = strategy.new_tree(&mut runner).unwrap().current();
        let owned = owners(&device, &wishes);
        let desired = owned.desired(schema());
        let overridden = desired.overridden.iter().map(|it| match kind(it) {
            "value" => "value overridden",
            "choice" => "choice overridden",
            other => other,
        });
        let unplanned = planned(&Ownership::new(), &owned, &device).err().unwrap_or_default();
        let told: BTreeSet<&str> = overridden.chain(unplanned.iter().map(kind)).collect();
        for it in told {
            *seen.entry(it).or_default() += 1;
        }
    }
    for (kind, least) in [
        ("value", 20),
        ("value overridden", 20),
        ("choice", 5),
        ("choice overridden", 5),
        ("unique", 5),
        ("inside", 20),
        ("attached", 20),
        ("shared", 5),
    ] {
        assert!(seen.get(kind).is_some_and(|it| *it >= least), "{kind} of {seen:?}");
    }
}

/// So that the laws above are not about conflicts alone, nor about lists that nobody shares.
#[test]
fn most_generated_wishes_can_be_planned() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = wishes();
    let (mut sound, mut composed, mut shared) = (0, 0, 0);
    for _ in 0..1000 {
        let (device, wishes) = strategy.new_tree(&mut runner).unwrap().current();
        if planned(&Ownership::new(), &owners(&device, &wishes), &device).is_ok() {
            let mut places: Vec<_> = wishes.iter().flat_map(|it| &it.composed).map(|it| &it.at).collect();
            sound += 1;
            composed += usize::from(!places.is_empty());
            let all = places.len();
            places.sort();
            places.dedup();
            shared += usize::from(places.len() < all);
        }
    }
    assert!(
        sound > 500 && composed > 150 && shared > 20,
        "{sound} {composed} {shared}"
    );
    assert!(PLACES.len() >= 4, "{} places attach a list", PLACES.len());
}
