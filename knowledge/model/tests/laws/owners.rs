//! Owners: in any order, there and back, and never on a path that nobody owns.

use crate::sample::trees;
use knowledge_model::owners::{Conflict, Planned, plan};
use knowledge_model::schema::Schema;
use knowledge_model::{Ownership, Tree, Wish};
use proptest::prelude::*;
use proptest::strategy::ValueTree;

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
    plan(before, after, device, schema(), &Tree::clone)
}

/// Up to three wishes with priorities that are often equal; some of what the device has is wanted absent.
fn wishes() -> impl Strategy<Value = (Tree, Vec<Wish>)> {
    let one = (trees(3), 0..3, proptest::option::of(any::<prop::sample::Index>()));
    (trees(8), prop::collection::vec(one, 1..=3)).prop_map(|(device, shares)| {
        let wishes = shares.into_iter().enumerate().map(|(index, (tree, priority, absent))| {
            let mut wish = Wish::new(format!("intent-{index}"), priority, tree);
            if let Some(absent) = absent.filter(|_| !device.is_empty()) {
                let path = device.iter().nth(absent.index(device.len())).unwrap().0.clone();
                wish.entries.entry(path).or_insert(None);
            }
            wish
        });
        let wishes = wishes.collect();
        (device, wishes)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_wishes_does_not_matter((device, wishes) in wishes()) {
        let forth = owners(&device, &wishes);
        let back = owners(&device, &wishes.iter().rev().cloned().collect::<Vec<_>>());
        prop_assert_eq!(&forth, &back);
        prop_assert_eq!(forth.desired(schema()), back.desired(schema()));
    }

    #[test]
    fn withdraw_after_contribute_is_as_if_it_had_never_been((device, wishes) in wishes()) {
        for (index, wish) in wishes.iter().enumerate() {
            let mut left = owners(&device, &wishes);
            prop_assert_eq!(left.withdraw(&wish.intent, schema()).map(|it| it.intent), Some(wish.intent.clone()));
            let others: Vec<_> = wishes.iter().enumerate().filter(|it| it.0 != index).map(|it| it.1.clone()).collect();
            prop_assert_eq!(left, owners(&device, &others));
        }
    }

    #[test]
    fn a_plan_keeps_to_owned_paths_is_idempotent_and_leads_back((device, wishes) in wishes()) {
        let (nobody, owned) = (Ownership::new(), owners(&device, &wishes));
        let Ok(change) = planned(&nobody, &owned, &device) else { return Ok(()) };
        for (path, _) in change.delta.iter() {
            prop_assert!(owned.found(path).is_some(), "{} is nobody's", path);
        }
        let mut there = device.clone();
        there.apply(&change.delta).unwrap();
        for (path, bid) in owned.desired(schema()).entries {
            prop_assert_eq!(there.value(&path), bid.value.as_ref());
        }
        prop_assert!(planned(&nobody, &owned, &there).unwrap().delta.is_empty());
        prop_assert!(planned(&owned, &owned, &there).unwrap().delta.is_empty());
        prop_assert!(knowledge_model::owners::drift(&owned, &there, schema(), &Tree::clone).is_empty());
        let back = planned(&owned, &nobody, &there).unwrap();
        prop_assert!(back.delta.iter().all(|it| owned.found(it.0).is_some()));
        there.apply(&back.delta).unwrap();
        prop_assert_eq!(there, device);
    }

    #[test]
    fn what_is_kept_comes_back((device, wishes) in wishes()) {
        let owned = owners(&device, &wishes);
        let (kept, model) = Ownership::from_stored(&owned.to_stored(schema().revision()).unwrap()).unwrap();
        prop_assert_eq!(kept, owned);
        prop_assert_eq!(model, schema().revision());
    }
}

/// So that the laws above are not about conflicts alone.
#[test]
fn most_generated_wishes_can_be_planned() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = wishes();
    let planned = (0..200).filter(|_| {
        let (device, wishes) = strategy.new_tree(&mut runner).unwrap().current();
        planned(&Ownership::new(), &owners(&device, &wishes), &device).is_ok()
    });
    assert!(planned.count() > 100);
}
