//! Which changes may ride one transaction, and what that transaction is.

use std::collections::{BTreeMap, HashMap};

use knowledge_model::Path;
use transaction::{Charge, CoordinatorRecord, Demand, Ending, Gate, Member, TransactionId};

use super::change::{Change, Content, Entry, Stand};
use crate::plan::once_together;

/// How many entries of a device one transaction of several changes at most.
const MOST: usize = 1_000;

/// Whether the caller lets a change ride together with others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ride {
    /// It goes by itself: it needs somebody's approval, or was made for a purpose of its own.
    Alone,
    /// It may ride along.
    Along,
}

impl Ride {
    /// Whether this charge may ride with others: one device, no gate that one could fail for all, nothing insisted on,
    /// nothing owed.
    pub fn fits(self, charge: &Charge<Change>) -> bool {
        let [member] = charge.members.as_slice() else {
            return false;
        };
        let plain = member.demand == Demand::Any
            && member.debts.is_empty()
            && member.change.entries.len() + member.change.stands.len() <= MOST;
        self == Self::Along && charge.gate == Gate::None && plain
    }
}

/// The transaction that carries all of these, under a name of its own. Nothing where they do not go together.
pub fn carrier(transaction: TransactionId, riders: &[&Charge<Change>]) -> Option<Charge<Change>> {
    let first = riders.first()?;
    let device = first.members.first()?.device;
    let changes = riders.iter().map(|it| match it.members.as_slice() {
        [member] if member.device == device => Some(&member.change),
        [..] => None,
    });
    let change = together(&changes.collect::<Option<Vec<_>>>()?)?;
    // Each by itself brings what may stand there once; together they may bring it twice.
    if !once_together(&change.delta()?) {
        return None;
    }
    let member = Member {
        looks_on: change.entries.is_empty(),
        change,
        ..first.members.first()?.clone()
    };
    Some(Charge {
        transaction,
        intents: riders.iter().flat_map(|it| it.intents.iter().copied()).collect(),
        riders: riders.iter().map(|it| it.transaction).collect(),
        comment: comment(transaction, riders),
        members: vec![member],
        gate: Gate::None,
        terms: first.terms.clone(),
    })
}

/// What all of these change on one device. Nothing where two of them want different things in one place, where one takes
/// away what another's stands in, or where it comes to too much.
pub fn together(changes: &[&Change]) -> Option<Change> {
    if let [alone] = changes {
        return Some((*alone).clone());
    }
    let mut entries: BTreeMap<Path, (usize, Entry)> = BTreeMap::new();
    for (by, change) in changes.iter().enumerate() {
        for entry in &change.entries {
            let (_, there) = entries
                .entry(entry.path.parse().ok()?)
                .or_insert_with(|| (by, entry.clone()));
            if there != entry {
                return None;
            }
        }
    }
    let stands = stand_together(changes, &entries)?;
    if entries.len() + stands.len() > MOST || takes_ground(&entries) {
        return None;
    }
    let stand = |(path, there): (Path, Option<Content>)| Stand {
        path: path.to_string(),
        there,
    };
    Some(Change {
        plan: String::new(),
        entries: entries.into_values().map(|(_, entry)| entry).collect(),
        stands: stands.into_iter().map(stand).collect(),
    })
}

/// What has to stand for all of these. Nothing where one changes what has to stand for another, or takes away what it stands
/// in.
fn stand_together(
    changes: &[&Change],
    entries: &BTreeMap<Path, (usize, Entry)>,
) -> Option<BTreeMap<Path, Option<Content>>> {
    let mut stands = BTreeMap::new();
    for stand in changes.iter().flat_map(|change| &change.stands) {
        let path: Path = stand.path.parse().ok()?;
        let gone = |it: &Path| entries.get(it).is_some_and(|(_, above)| above.after.is_none());
        if entries.contains_key(&path) || (stand.there.is_some() && path.ancestors().any(|it| gone(&it))) {
            return None;
        }
        if stands.entry(path).or_insert_with(|| stand.there.clone()) != &stand.there {
            return None;
        }
    }
    Some(stands)
}

/// How transactions ended by these records, each with the name under which its devices know it: its own, or that of the one
/// that it rode. Of one that was rolled back its riders are not told: they went on by themselves.
pub fn endings<'a>(
    records: impl Iterator<Item = &'a CoordinatorRecord<Change>>,
) -> HashMap<TransactionId, (TransactionId, Ending)> {
    let (mut riders, mut endings) = (HashMap::new(), HashMap::new());
    for record in records {
        match record {
            CoordinatorRecord::Began { charge, .. } if !charge.riders.is_empty() => {
                riders.insert(charge.transaction, charge.riders.clone());
            }
            CoordinatorRecord::Settled {
                transaction, ending, ..
            } => {
                let of = riders.remove(transaction);
                let ended = |it| (it, (*transaction, ending.clone()));
                match (of, ending) {
                    (None, _) => endings.extend([ended(*transaction)]),
                    (Some(of), Ending::Committed | Ending::Torn { .. }) => endings.extend(of.into_iter().map(ended)),
                    (Some(_), Ending::RolledBack { .. }) => {}
                }
            }
            CoordinatorRecord::Began { .. } | CoordinatorRecord::Decided { .. } | CoordinatorRecord::Cleared { .. } => {
            }
        }
    }
    endings
}

/// Whether one rider takes away an entry under which another has one.
fn takes_ground(entries: &BTreeMap<Path, (usize, Entry)>) -> bool {
    let stands_in_gone = |path: &Path, rider: usize| {
        path.ancestors()
            .filter_map(|it| entries.get(&it))
            .any(|(by, above)| *by != rider && above.after.is_none())
    };
    entries.iter().any(|(path, (rider, _))| stands_in_gone(path, *rider))
}

/// For the device's own log: who asked, each once.
fn comment(transaction: TransactionId, riders: &[&Charge<Change>]) -> String {
    let mut who: Vec<&str> = Vec::new();
    for rider in riders {
        let asked = rider
            .comment
            .split_once(" by ")
            .map_or(rider.comment.as_str(), |(_, who)| who);
        if !who.contains(&asked) {
            who.push(asked);
        }
    }
    let name = transaction.to_string();
    format!("entente {} by {}", name.get(..8).unwrap_or(&name), who.join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::change::Content;
    use super::*;
    use transaction::{DeviceId, IntentId, Moment, Reason, Terms};

    fn scalar(text: &str) -> Option<Content> {
        Some(Content::Scalar(text.to_owned()))
    }

    fn charge(number: u128, entries: &[(&str, Option<Content>, Option<Content>)]) -> Charge<Change> {
        let entry = |(path, before, after): &(&str, Option<Content>, Option<Content>)| Entry {
            path: (*path).to_owned(),
            before: before.clone(),
            after: after.clone(),
        };
        Charge {
            transaction: TransactionId(number),
            intents: vec![IntentId(number)],
            riders: Vec::new(),
            comment: format!("entente 0000000{number} by {}", if number < 3 { "ana" } else { "bo" }),
            members: vec![Member {
                device: DeviceId(7),
                change: Change {
                    plan: "aa".to_owned(),
                    entries: entries.iter().map(entry).collect(),
                    stands: Vec::new(),
                },
                demand: Demand::Any,
                wave: 0,
                debts: Vec::new(),
                looks_on: entries.is_empty(),
                lingers: false,
            }],
            gate: Gate::None,
            terms: Terms::default(),
        }
    }

    #[test]
    fn what_is_small_and_of_one_device_rides_along() {
        let one = charge(1, &[]);
        assert!(Ride::Along.fits(&one) && !Ride::Alone.fits(&one));
        let with = |change: &dyn Fn(&mut Charge<Change>)| {
            let mut other = one.clone();
            change(&mut other);
            Ride::Along.fits(&other)
        };
        assert!(!with(&|it| it.gate = Gate::Last));
        assert!(!with(&|it| it.members[0].demand = Demand::Whole));
        assert!(!with(&|it| it.members.push(it.members[0].clone())));
        assert!(!with(&|it| it.members.clear()));
    }

    #[test]
    fn a_carrier_has_what_all_of_them_change_and_names_them() {
        let one = charge(1, &[("interface[b]/mtu", scalar("1500"), scalar("9000"))]);
        let two = charge(2, &[("interface[a]/description", None, scalar("up"))]);
        let three = charge(3, &[("interface[b]/mtu", scalar("1500"), scalar("9000"))]);
        let carrier = carrier(TransactionId(9 << 96), &[&one, &two, &three]).unwrap();
        assert_eq!(carrier.check(), Ok(()));
        assert_eq!(carrier.riders, [1, 2, 3].map(TransactionId));
        assert_eq!(carrier.intents, [1, 2, 3].map(IntentId));
        assert_eq!(carrier.comment, "entente 00000009 by ana, bo");
        let paths: Vec<&str> = carrier.members[0]
            .change
            .entries
            .iter()
            .map(|it| it.path.as_str())
            .collect();
        assert_eq!(
            paths,
            ["interface[a]/description", "interface[b]/mtu"],
            "what two want alike stands there once"
        );
    }

    #[test]
    fn what_contradicts_itself_does_not_ride_together() {
        let check = |a: &Charge<Change>, b: &Charge<Change>, rides: bool| {
            assert_eq!(carrier(TransactionId(9), &[a, b]).is_some(), rides, "{a:?} {b:?}");
            assert_eq!(carrier(TransactionId(9), &[b, a]).is_some(), rides, "{b:?} {a:?}");
        };
        let high = charge(1, &[("interface[b]/mtu", scalar("1500"), scalar("9000"))]);
        check(
            &high,
            &charge(2, &[("interface[b]/mtu", scalar("1500"), scalar("4000"))]),
            false,
        );
        check(
            &high,
            &charge(2, &[("interface[b]/mtu", scalar("1400"), scalar("9000"))]),
            false,
        );
        let gone = charge(2, &[("interface[b]", Some(Content::Present), None)]);
        check(&high, &gone, false);
        check(&charge(1, &[("interface[c]/mtu", None, scalar("9000"))]), &gone, true);
        // What has to stand for one is not changed by another, nor what it stands in.
        let stands = |number: u128, path: &str, there: Option<Content>| {
            let mut it = charge(number, &[]);
            it.members[0].change.stands = vec![Stand {
                path: path.to_owned(),
                there,
            }];
            it
        };
        let firm = stands(2, "interface[b]/mtu", scalar("1500"));
        check(&high, &firm, false);
        check(&firm, &stands(1, "interface[b]/mtu", scalar("1400")), false);
        check(&firm, &stands(1, "interface[b]/mtu", scalar("1500")), true);
        check(&stands(1, "interface[b]/enabled", scalar("true")), &gone, false);
        check(&high, &stands(2, "interface[b]/enabled", None), true);
        // What may stand on a device once: an address, wherever it stands.
        let address = |number: u128, path: &str| charge(number, &[(path, None, Some(Content::Present))]);
        let here = address(1, "interface[b]/address[192.0.2.1/24]");
        check(&here, &address(2, "interface[c]/address[192.0.2.1/25]"), false);
        check(&here, &address(2, "interface[c]/address[192.0.2.2/24]"), true);
        check(&here, &address(2, "interface[b]/address[192.0.2.1/24]"), true);
        let gone = charge(
            2,
            &[("interface[c]/address[192.0.2.1/24]", Some(Content::Present), None)],
        );
        check(&here, &gone, true);
        let mut elsewhere = charge(2, &[]);
        elsewhere.members[0].device = DeviceId(8);
        check(&high, &elsewhere, false);
    }

    #[test]
    fn who_rode_is_told_how_that_ended_unless_it_was_rolled_back() {
        let at = Moment(0);
        let began = |number: u128, riders: &[u128]| CoordinatorRecord::Began {
            charge: Charge {
                riders: riders.iter().copied().map(TransactionId).collect(),
                ..charge(number, &[])
            },
            at,
        };
        let settled = |number: u128, ending: Ending| CoordinatorRecord::Settled {
            transaction: TransactionId(number),
            ending,
            at,
        };
        let reason = Reason::Cancelled;
        let records = [
            began(9, &[1, 2]),
            began(3, &[]),
            began(8, &[4, 5]),
            began(7, &[6]),
            settled(9, Ending::Committed),
            settled(3, Ending::RolledBack { reason: reason.clone() }),
            settled(8, Ending::RolledBack { reason: reason.clone() }),
            began(4, &[]),
            settled(4, Ending::Committed),
        ];
        let told = endings(records.iter());
        let of = |number: u128| told.get(&TransactionId(number)).cloned();
        assert_eq!(of(1), Some((TransactionId(9), Ending::Committed)));
        assert_eq!(of(2), of(1));
        assert_eq!(of(3), Some((TransactionId(3), Ending::RolledBack { reason })));
        assert_eq!(of(4), Some((TransactionId(4), Ending::Committed)));
        assert_eq!((of(5), of(6), of(9), of(8)), (None, None, None, None));
    }
}
