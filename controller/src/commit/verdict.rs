//! What became of a transaction that a backup knows nothing certain of, judged from what its devices say.

use std::collections::BTreeMap;

use transaction::DeviceId;

/// What one device says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// It was confirmed: so the decision was to confirm.
    Confirmed,
    /// It has heard of the transaction and has not been told to keep it.
    Undecided,
    /// It no longer remembers the transaction, and holds exactly what was to be.
    Forgotten,
    /// It never heard of the transaction, or forgot it, and holds what was there before.
    Before,
    /// It no longer remembers the transaction, and holds neither.
    Neither,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Somebody has not answered, and could say something else.
    Wait,
    /// Everybody keeps the change.
    Confirm,
    /// Nobody was told to keep it: everybody goes back.
    Revert,
    /// These devices do not fit the rest: a person has to look, nothing is sent.
    Look(Vec<DeviceId>),
}

/// Judges what was found. Nobody is sent back while somebody who has not answered may have been told to keep the change;
/// `patient` says whether to wait for him, or to let a person look.
pub fn judge(found: &BTreeMap<DeviceId, Option<Found>>, patient: bool) -> Verdict {
    let any = |wanted: Found| found.values().any(|it| *it == Some(wanted));
    let silent = found.values().any(Option::is_none);
    if patient && silent {
        return Verdict::Wait;
    }
    let confirmed = any(Found::Confirmed);
    // Who forgot the change and does not hold it may hold something newer: that is not overwritten.
    let odd = any(Found::Neither) || (confirmed && any(Found::Before));
    let mixed = any(Found::Forgotten) && !confirmed && (any(Found::Before) || any(Found::Undecided));
    if odd || mixed || (silent && !confirmed) {
        let kept = |it: &Option<Found>| matches!(it, Some(Found::Confirmed | Found::Forgotten));
        let unsure = found.iter().filter(|(_, it)| !kept(it));
        return Verdict::Look(unsure.map(|(device, _)| *device).collect());
    }
    if confirmed || any(Found::Forgotten) {
        Verdict::Confirm
    } else {
        Verdict::Revert
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Found::{Before, Confirmed, Forgotten, Neither, Undecided};

    #[test]
    fn one_confirmed_device_decides_and_nothing_newer_is_overwritten() {
        let check = |said: &[Option<Found>], expected: Verdict| {
            let found = said.iter().zip(1..).map(|(it, device)| (DeviceId(device), *it));
            assert_eq!(judge(&found.collect(), true), expected, "{said:?}");
        };
        let look = |devices: &[u128]| Verdict::Look(devices.iter().map(|it| DeviceId(*it)).collect());
        check(&[Some(Confirmed), Some(Undecided)], Verdict::Confirm);
        check(&[Some(Confirmed), None], Verdict::Wait);
        check(&[Some(Undecided), Some(Undecided)], Verdict::Revert);
        check(&[Some(Undecided), None], Verdict::Wait);
        check(&[Some(Undecided), Some(Before)], Verdict::Revert);
        check(&[Some(Confirmed), Some(Before)], look(&[2]));
        check(&[Some(Confirmed), Some(Neither)], look(&[2]));
        check(&[Some(Forgotten), Some(Forgotten)], Verdict::Confirm);
        check(&[Some(Forgotten), Some(Confirmed)], Verdict::Confirm);
        check(&[Some(Forgotten), Some(Undecided)], look(&[2]));
        check(&[Some(Neither), Some(Before)], look(&[1, 2]));
        check(&[Some(Before), Some(Before)], Verdict::Revert);
    }

    #[test]
    fn who_stays_silent_is_neither_waited_for_without_end_nor_overruled() {
        let check = |first: Found, expected: Verdict| {
            let found = [(DeviceId(1), Some(first)), (DeviceId(2), None)];
            assert_eq!(judge(&found.into_iter().collect(), false), expected, "{first:?}");
        };
        check(Confirmed, Verdict::Confirm);
        check(Undecided, Verdict::Look(vec![DeviceId(1), DeviceId(2)]));
        check(Forgotten, Verdict::Look(vec![DeviceId(2)]));
    }
}
