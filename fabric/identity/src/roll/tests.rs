//! The roll's promises, told as small stories with a clock of their own.

use super::*;
use crate::identity::Role;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

fn grant() -> Grant {
    let identity = Identity {
        name: name("edge-1"),
        role: Role::Agent,
        devices: BTreeSet::new(),
        may: BTreeSet::new(),
    };
    Grant {
        identity,
        evidence: Evidence::default(),
    }
}

fn roll() -> Roll {
    let mut roll = Roll::default();
    roll.enter(Entry::Granted {
        token: "t".into(),
        digest: "d".into(),
        grant: grant(),
        until: at(100),
    });
    roll
}

fn issue(roll: &mut Roll) {
    roll.enter(Entry::Issued {
        serial: "01".into(),
        grant: grant(),
        until: at(1_000),
        token: Some("t".into()),
    });
}

#[test]
fn a_token_is_good_once_in_time_and_for_its_name() {
    let mut roll = roll();
    assert_eq!(roll.redeem("t", "d", &name("edge-1"), at(50)), Ok(&grant()));
    assert_eq!(
        roll.redeem("t", "x", &name("edge-1"), at(50)),
        Err(Refusal::UnknownToken)
    );
    assert_eq!(roll.redeem("t", "d", &name("edge-2"), at(50)), Err(Refusal::OtherName));
    assert_eq!(
        roll.redeem("t", "d", &name("edge-1"), at(101)),
        Err(Refusal::ExpiredToken)
    );
    issue(&mut roll);
    assert_eq!(roll.redeem("t", "d", &name("edge-1"), at(50)), Err(Refusal::UsedToken));
}

#[test]
fn a_renewal_needs_a_certificate_that_is_valid_and_ones_own() {
    let mut roll = roll();
    issue(&mut roll);
    assert_eq!(roll.renew("01", &name("edge-1"), at(500)), Ok(&grant()));
    assert_eq!(roll.renew("01", &name("edge-2"), at(500)), Err(Refusal::OtherName));
    assert_eq!(
        roll.renew("02", &name("edge-1"), at(500)),
        Err(Refusal::UnknownCertificate)
    );
    assert_eq!(
        roll.renew("01", &name("edge-1"), at(1_001)),
        Err(Refusal::Standing("expired"))
    );
    roll.enter(Entry::Became {
        serial: "01".into(),
        status: Status::Held { since: at(5) },
    });
    assert_eq!(
        roll.renew("01", &name("edge-1"), at(500)),
        Err(Refusal::Standing("held"))
    );
    assert_eq!(roll.taken_back().len(), 1);
    roll.enter(Entry::Became {
        serial: "01".into(),
        status: Status::Valid,
    });
    assert!(roll.taken_back().is_empty());
}

fn waits(name_: &str, key: &str, from: Option<IpAddr>, since: SystemTime) -> Entry {
    Entry::Waiting {
        name: name(name_),
        key: key.to_owned(),
        organisation: String::new(),
        claims: crate::Claims::default(),
        since,
        from,
    }
}

fn approves(key: &str, at: SystemTime) -> Entry {
    Entry::Approved {
        name: name("edge-1"),
        key: key.to_owned(),
        grant: grant(),
        at: Some(at),
    }
}

#[test]
fn an_applicant_waits_with_its_key_until_it_is_approved() {
    let (mut roll, edge) = (Roll::default(), name("edge-1"));
    assert_eq!(roll.queue((&edge, "k"), None, at(1)), Ok(None));
    roll.enter(waits("edge-1", "k", None, at(1)));
    assert_eq!(roll.queue((&edge, "other"), None, at(2)), Err(Refusal::OtherKey));
    roll.enter(approves("other", at(2)));
    assert_eq!(
        roll.queue((&edge, "k"), None, at(3)),
        Ok(None),
        "another key was approved"
    );
    roll.enter(approves("k", at(2)));
    assert_eq!(roll.queue((&edge, "k"), None, at(3)), Ok(Some(&grant())));
}

#[test]
fn an_application_and_its_approval_are_forgotten_after_an_hour() {
    let (mut roll, edge) = (Roll::default(), name("edge-1"));
    let (late, later) = (at(1) + APPLIES + Duration::from_secs(1), at(1) + APPLIES * 2);
    roll.enter(waits("edge-1", "k", None, at(1)));
    assert!(roll.applicant(&edge, at(1) + APPLIES).is_ok());
    assert_eq!(
        roll.queue((&edge, "other"), None, late),
        Ok(None),
        "the name is free again"
    );
    assert!(roll.applicant(&edge, late).is_err() && roll.entries(late).is_empty());
    roll.enter(approves("k", at(3_000)));
    assert_eq!(roll.queue((&edge, "k"), None, at(1) + APPLIES), Ok(Some(&grant())));
    let mut again = Roll::default();
    roll.entries(at(3_500)).into_iter().for_each(|it| again.enter(it));
    assert_eq!(again.waiting, roll.waiting, "also over a restart");
    assert_eq!(
        roll.queue((&edge, "k"), None, later),
        Ok(None),
        "nobody has come for it"
    );
}

#[test]
fn one_address_does_not_fill_the_queue_of_all() {
    let mut roll = Roll::default();
    let (one, other) = (Some(IpAddr::from([192, 0, 2, 1])), Some(IpAddr::from([192, 0, 2, 2])));
    let refused = (0..MOST_WAITING).find_map(|number| {
        let applicant = format!("made-up-{number}");
        let queued = roll.queue((&name(&applicant), "k"), one, at(1)).map(|_| ());
        roll.enter(waits(&applicant, "k", one, at(1)));
        queued.err().map(|it| (number, it))
    });
    assert_eq!(refused, Some((MOST_OF_ADDRESS, Refusal::TooManyFromOne)));
    assert_eq!(roll.queue((&name("edge-1"), "k"), other, at(1)), Ok(None));
    assert_eq!(
        roll.queue((&name("edge-1"), "k"), one, at(2) + APPLIES),
        Ok(None),
        "they are forgotten"
    );
    roll.enter(waits("edge-1", "k", one, at(2) + APPLIES));
    assert_eq!(roll.waiting.len(), 1, "nor are they kept");
}

#[test]
fn what_is_voided_lets_nobody_in() {
    let (mut roll, edge) = (roll(), name("edge-1"));
    roll.enter(waits("edge-1", "k", None, at(1)));
    roll.enter(approves("k", at(2)));
    assert_eq!(roll.invitations(&edge, at(50)), 1);
    roll.enter(Entry::Voided { name: name("edge-2") });
    assert_eq!(roll.invitations(&edge, at(50)), 1, "that was another one");
    roll.enter(Entry::Voided { name: edge.clone() });
    assert_eq!(roll.invitations(&edge, at(50)), 0);
    assert_eq!(roll.redeem("t", "d", &edge, at(50)), Err(Refusal::UnknownToken));
    assert_eq!(roll.queue((&edge, "k"), None, at(50)), Ok(None), "it waits anew");
    assert!(roll.entries(at(50)).is_empty());
}

#[test]
fn the_shortest_list_of_entries_makes_the_same_roll() {
    let mut roll = roll();
    issue(&mut roll);
    roll.enter(Entry::Became {
        serial: "01".into(),
        status: Status::Held { since: at(5) },
    });
    let mut again = Roll::default();
    roll.entries(at(500)).into_iter().for_each(|it| again.enter(it));
    assert_eq!(again.records, roll.records);
    assert_eq!(
        again.redeem("t", "d", &name("edge-1"), at(50)),
        Err(Refusal::UnknownToken),
        "used is forgotten"
    );
    assert!(roll.entries(at(1_000) + KEPT_AFTER + Duration::from_secs(1)).is_empty());
}
