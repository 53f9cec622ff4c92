//! Who may end torn: judged from what befell the device, in the lifetime of the transaction and on the places that it
//! writes, with none of the code that decides.

use crate::ledger::{Ledger, Part};
use transaction::Ending;

/// What excuses that a device ended torn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Excuse {
    /// Somebody else's value came to stand where the transaction writes.
    Written,
    /// Nobody could get at the device for longer than anybody waits.
    Barred,
}

/// What excuses that this device ended torn in this transaction, if anything does.
pub fn excuse(ledger: &Ledger, part: Part, patience: u64) -> Option<Excuse> {
    if ledger.onlookers.contains(&part) {
        None // nothing was ever to become of it
    } else if was_written(ledger, part) {
        Some(Excuse::Written)
    } else {
        was_barred(ledger, part, patience).then_some(Excuse::Barred)
    }
}

fn life(ledger: &Ledger, part: Part) -> (u64, u64) {
    let from = ledger.planned.get(&part.0).copied().unwrap_or(0);
    let until = ledger.over.get(&part.0).copied().unwrap_or(ledger.now);
    (from, until)
}

/// What came to stand on these places without being saved counts when it is written, and once more when a reboot takes it
/// away again: an edit of the operator, or what an earlier torn transaction left.
fn was_written(ledger: &Ledger, part: Part) -> bool {
    let (from, until) = life(ledger, part);
    let within = |at: u64| (from..=until).contains(&at);
    let rebooted = ledger
        .rebooted
        .iter()
        .any(|(device, at)| *device == part.1 && within(*at));
    let here = |path| ledger.touched.get(&part).is_some_and(|it| it.contains(path));
    let edits = ledger
        .edited
        .iter()
        .filter(|(device, path, _)| *device == part.1 && here(path));
    let mut times = edits.map(|(_, _, at)| *at);
    times.any(|at| within(at) || rebooted && at < from) || rebooted && leaves_unsaved(ledger, part, from)
}

/// Whether an earlier transaction ended torn on this device, on places that this one writes too.
fn leaves_unsaved(ledger: &Ledger, part: Part, from: u64) -> bool {
    let names = |ending: &Ending| match ending {
        Ending::Torn { devices, .. } => devices.iter().any(|it| it.device == part.1),
        Ending::Committed | Ending::RolledBack { .. } => false,
    };
    let mine = ledger.touched.get(&part);
    ledger.endings.iter().any(|(earlier, ending)| {
        let theirs = ledger.touched.get(&(*earlier, part.1));
        let shared = mine.zip(theirs).is_some_and(|(mine, theirs)| !mine.is_disjoint(theirs));
        names(ending) && shared && ledger.over.get(earlier).is_some_and(|at| *at <= from)
    })
}

fn was_barred(ledger: &Ledger, part: Part, patience: u64) -> bool {
    let (from, until) = life(ledger, part);
    let overlap = |begin: u64, end: u64| end.min(until).saturating_sub(begin.max(from));
    ledger
        .barred
        .iter()
        .any(|(device, begin, end)| *device == part.1 && overlap(*begin, *end) >= patience)
}

/// Every torn part, and what excuses it.
pub fn torn(ledger: &Ledger, patience: u64) -> Vec<(Part, Option<Excuse>)> {
    let torn = ledger.endings.iter().flat_map(|(transaction, ending)| match ending {
        Ending::Torn { devices, .. } => devices.iter().map(|it| (*transaction, it.device)).collect::<Vec<_>>(),
        Ending::Committed | Ending::RolledBack { .. } => Vec::new(),
    });
    torn.map(|it| (it, excuse(ledger, it, patience))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use transaction::{DeviceId, TransactionId};

    const PART: Part = (TransactionId(1), DeviceId(1));

    /// A transaction from 100 to 1,000 that writes path 3 of device 1.
    fn ledger() -> Ledger {
        let mut ledger = Ledger::default();
        ledger.touched.insert(PART, BTreeSet::from([3]));
        ledger.planned.insert(PART.0, 100);
        ledger.over.insert(PART.0, 1_000);
        ledger
    }

    fn check(expected: bool, change: impl FnOnce(&mut Ledger)) {
        let mut ledger = ledger();
        change(&mut ledger);
        assert_eq!(excuse(&ledger, PART, 500).is_some(), expected, "{ledger:?}");
    }

    #[test]
    fn an_edit_excuses_its_own_place_device_and_time_only() {
        check(false, |_| {});
        check(true, |it| it.edited.push((DeviceId(1), 3, 500)));
        check(false, |it| it.edited.push((DeviceId(1), 4, 500)));
        check(false, |it| it.edited.push((DeviceId(2), 3, 500)));
        check(false, |it| it.edited.push((DeviceId(1), 3, 50)));
        check(false, |it| it.edited.push((DeviceId(1), 3, 1_001)));
        check(true, |it| {
            it.edited.push((DeviceId(1), 3, 50));
            it.rebooted.push((DeviceId(1), 500));
        });
    }

    #[test]
    fn who_only_looked_on_is_never_excused() {
        check(false, |it| {
            it.onlookers.insert(PART);
            it.edited.push((DeviceId(1), 3, 500));
            it.barred.push((DeviceId(1), 0, 5_000));
        });
    }

    #[test]
    fn who_was_away_is_excused_only_by_the_time_that_fell_into_the_transaction() {
        check(true, |it| it.barred.push((DeviceId(1), 0, 600)));
        check(false, |it| it.barred.push((DeviceId(1), 0, 599)));
        check(false, |it| it.barred.push((DeviceId(1), 600, 5_000)));
        check(false, |it| it.barred.push((DeviceId(2), 0, 5_000)));
    }
}
