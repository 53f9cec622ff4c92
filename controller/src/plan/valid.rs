//! Whether what a device would hold after a change is what the model allows: references, conditions, what is unique.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use knowledge_model::{Delta, Limits, Tree};
use knowledge_yang::{LoadError, Validator};

use crate::network::Known;

/// How many faults of a device are compared. What is cut off cannot be compared, so that this is more than a report lists.
const COMPARED: usize = 20_000;
/// How many of those that a change brings are listed.
const LISTED: usize = 200;

/// Compiled once: the modules are part of the program.
static VALIDATOR: LazyLock<Result<Validator, LoadError>> = LazyLock::new(|| comparing(COMPARED));

fn comparing(faults: usize) -> Result<Validator, LoadError> {
    Validator::within(Limits {
        faults,
        ..Limits::default()
    })
}

/// Every fault that a change brings to a device. What was wrong before is not held against it.
pub fn unfit(device: &Known, there: &Tree, delta: &Delta) -> Vec<String> {
    let brought = match &*VALIDATOR {
        Ok(validator) => brought(validator, there, delta),
        Err(error) => vec![format!("the model cannot be loaded: {error}")],
    };
    brought.iter().map(|it| format!("{}: {it}", device.name)).collect()
}

fn brought(validator: &Validator, there: &Tree, delta: &Delta) -> Vec<String> {
    let mut aim = there.clone();
    if delta.is_empty() || aim.apply(delta).is_err() {
        return Vec::new();
    }
    let Err(after) = validator.check(&aim) else {
        return Vec::new();
    };
    let before = validator.check(there).err();
    let (old, cut) = before.map_or_else(Default::default, |it| (BTreeSet::from_iter(it.faults), it.more));
    if after.more + cut > 0 {
        let found = after.faults.len().max(old.len());
        return vec![format!(
            "more than {found} faults: what a change brings cannot be told from what is there: mend them first"
        )];
    }
    let new: Vec<_> = after.faults.iter().filter(|it| !old.contains(it)).collect();
    let more = new.len().saturating_sub(LISTED);
    let listed = new.iter().take(LISTED).map(ToString::to_string);
    listed.chain((more > 0).then(|| format!("and {more} more"))).collect()
}

#[cfg(test)]
mod tests {
    use knowledge_model::{Value, diff};

    use super::*;

    /// A device with as many references that lead nowhere, and one more where that is asked for.
    fn device(faults: usize, more: bool) -> Tree {
        let mut tree = Tree::new();
        let names = (0..faults).map(|it| format!("eth{it}"));
        for name in names.chain(more.then(|| "zeth".to_owned())) {
            let path = format!("interface[{name}]/access-list-in").parse().unwrap();
            tree.plant(path, Value::from("none"));
        }
        tree
    }

    fn told(validator: &Validator, before: &Tree, after: &Tree) -> Vec<String> {
        brought(validator, before, &diff(before, after))
    }

    #[test]
    fn old_faults_hide_no_new_one_and_are_none() {
        let validator = VALIDATOR.as_ref().unwrap();
        let (before, after) = (device(250, false), device(250, true));
        let new = "interface[zeth]/access-list-in: found \"none\", expected the name of an existing access-list";
        assert_eq!(told(validator, &before, &after), [new]);
        let mut mended = before.clone();
        mended.remove(&"interface[eth0]/access-list-in".parse().unwrap());
        assert_eq!(told(validator, &before, &mended), [""; 0], "one less is nothing new");
    }

    #[test]
    fn what_a_change_brings_is_listed_up_to_a_bound() {
        let told = told(VALIDATOR.as_ref().unwrap(), &Tree::new(), &device(250, false));
        assert_eq!((told.len(), told[LISTED].as_str()), (LISTED + 1, "and 50 more"));
    }

    #[test]
    fn a_change_is_refused_where_faults_cannot_be_compared() {
        let validator = comparing(20).unwrap();
        for (before, after) in [
            (device(25, false), device(25, true)),
            (device(20, false), device(20, true)),
            (device(21, false), device(20, false)),
        ] {
            let told = told(&validator, &before, &after);
            assert!(
                told.len() == 1 && told[0].starts_with("more than 20 faults: "),
                "{told:?}"
            );
        }
        assert_eq!(
            told(&validator, &device(20, true), &Tree::new()),
            [""; 0],
            "none are left"
        );
    }
}
