//! Confirmed commits and their habits, without a socket or a clock.

use std::time::Duration;

use super::{Commit, Datastores, Entry, Store};
use crate::fault::Quirk;
use crate::netconf::edit;
use crate::xml;

fn named(name: &str) -> Entry {
    let text = format!(
        "<config><system xmlns=\"urn:ietf:params:xml:ns:yang:ietf-system\"><hostname>{name}</hostname></system></config>"
    );
    edit::read(&xml::parse(&text).unwrap()).unwrap()
}

fn hostname(stores: &Datastores, store: Store) -> String {
    stores
        .content(store)
        .at(&["system", "hostname"])
        .map_or_else(String::new, |it| it.value.clone())
}

fn begun() -> Datastores {
    Datastores::new(None, named("old"))
}

fn commit(stores: &mut Datastores, name: &str, commit: Commit) -> u64 {
    stores.set(Store::Candidate, named(name));
    stores.commit(&commit).unwrap().map_or(0, |timer| timer.generation)
}

fn tentative(persist: Option<&str>, persist_id: Option<&str>) -> Commit {
    Commit {
        session: 1,
        confirmed: Some(Duration::from_secs(60)),
        persist: persist.map(str::to_owned),
        persist_id: persist_id.map(str::to_owned),
    }
}

#[test]
fn a_commit_that_runs_out_is_taken_back_once() {
    let mut stores = begun();
    let generation = commit(&mut stores, "new", tentative(Some("p"), None));
    assert_eq!(hostname(&stores, Store::Running), "new");
    assert!(stores.expire(generation));
    assert!(!stores.expire(generation));
    assert_eq!(hostname(&stores, Store::Running), "old");
}

#[test]
fn a_renewal_keeps_the_point_to_return_to_and_outdates_the_first_timer() {
    let mut stores = begun();
    let first = commit(&mut stores, "new", tentative(Some("p"), None));
    let second = commit(&mut stores, "newer", tentative(Some("p"), Some("p")));
    assert!(!stores.expire(first));
    assert!(stores.expire(second));
    assert_eq!(hostname(&stores, Store::Running), "old");
}

#[test]
fn a_renewal_that_moves_back_returns_to_the_first_commit() {
    let mut stores = begun();
    stores.quirks.push(Quirk::RenewalMovesBack);
    commit(&mut stores, "new", tentative(Some("p"), None));
    let second = commit(&mut stores, "newer", tentative(Some("p"), Some("p")));
    stores.expire(second);
    assert_eq!(hostname(&stores, Store::Running), "new");
}

#[test]
fn a_session_takes_its_own_commit_and_locks_along_and_nothing_else() {
    let mut stores = begun();
    commit(&mut stores, "new", tentative(None, None));
    stores.lock(Store::Candidate, 2).unwrap();
    stores.end_session(3);
    assert_eq!(hostname(&stores, Store::Running), "new");
    stores.end_session(1);
    assert_eq!(hostname(&stores, Store::Running), "old");
    assert_eq!(stores.holder(Store::Candidate), Some(2));
}

#[test]
fn a_restart_keeps_startup_only() {
    let mut stores = begun();
    commit(&mut stores, "new", tentative(Some("p"), None));
    stores.lock(Store::Running, 1).unwrap();
    stores.restart();
    assert_eq!(hostname(&stores, Store::Running), "old");
    assert!(stores.pending.is_none() && stores.holder(Store::Running).is_none());
}

#[test]
fn a_stranger_in_the_candidate_keeps_the_lock_away_and_survives_an_expiry() {
    let mut stores = begun();
    let generation = commit(&mut stores, "new", tentative(Some("p"), None));
    stores.set(Store::Candidate, named("stranger"));
    assert_eq!(stores.lock(Store::Candidate, 1).unwrap_err().tag, "lock-denied");
    stores.expire(generation);
    assert_eq!(hostname(&stores, Store::Candidate), "stranger");
}
