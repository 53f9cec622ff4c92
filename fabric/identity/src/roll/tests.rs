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

#[test]
fn an_applicant_waits_with_its_key_until_it_is_approved() {
    let mut roll = Roll::default();
    assert_eq!(roll.queue(&name("edge-1"), "k"), Ok(None));
    let (key, organisation) = ("k".to_owned(), String::new());
    roll.enter(Entry::Waiting {
        name: name("edge-1"),
        key: key.clone(),
        organisation,
        claims: crate::Claims::default(),
        since: at(1),
    });
    assert_eq!(roll.queue(&name("edge-1"), "other"), Err(Refusal::OtherKey));
    roll.enter(Entry::Approved {
        name: name("edge-1"),
        key: "other".into(),
        grant: grant(),
    });
    assert_eq!(roll.queue(&name("edge-1"), "k"), Ok(None), "another key was approved");
    roll.enter(Entry::Approved {
        name: name("edge-1"),
        key,
        grant: grant(),
    });
    assert_eq!(roll.queue(&name("edge-1"), "k"), Ok(Some(&grant())));
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
