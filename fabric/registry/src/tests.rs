//! The registry's promises, told as small stories with a clock of their own.

use super::*;
use fabric_identity::{Identity, KeyKind};
use std::time::SystemTime;

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

fn certificate(of: &str, role: Role) -> Certificate {
    Certificate {
        identity: Identity {
            name: name(of),
            role,
            devices: BTreeSet::new(),
            may: BTreeSet::new(),
        },
        serial: format!("serial-of-{of}"),
        not_before: SystemTime::UNIX_EPOCH,
        not_after: SystemTime::UNIX_EPOCH,
        kind: KeyKind::Ed25519,
        key: Vec::new(),
    }
}

fn registration(of: &str) -> Registration {
    let words = |it: &[&str]| it.iter().map(|it| (*it).to_owned()).collect();
    Registration {
        name: name(of),
        description: "speaks for the edge".into(),
        capabilities: words(&["configure", "netconf"]),
        unverified: BTreeSet::new(),
        protocols: words(&["entente.v1"]),
        languages: words(&["en", "zh"]),
        address: "192.0.2.1:7000".into(),
        attributes: [("site".to_owned(), "north".to_owned())].into(),
    }
}

fn registry() -> (Registry, ResourceId) {
    let mut registry = Registry::new(Terms::default());
    let joined = registry.register(
        registration("edge-1"),
        &certificate("edge-1", Role::Agent),
        ResourceId(1),
        at(0),
    );
    let changes = vec![
        Change::Joined(ResourceId(1)),
        Change::Became(ResourceId(1), Presence::Online),
    ];
    assert_eq!(joined, Ok((ResourceId(1), changes)));
    (registry, ResourceId(1))
}

#[test]
fn a_resource_id_is_written_as_a_uuid_and_reads_the_same_again() {
    let it = ResourceId(0x0193_0000_0000_7000_8000_0000_0000_0001);
    assert_eq!(it.to_string(), "01930000-0000-7000-8000-000000000001");
    let json = serde_json::to_string(&it).expect("it is written");
    assert_eq!(serde_json::from_str::<ResourceId>(&json).expect("it is read"), it);
    assert!("01930000".parse::<ResourceId>().is_err() && "+".repeat(36).parse::<ResourceId>().is_err());
    let (registry, resource) = registry();
    let json = serde_json::to_string(registry.profile(resource).expect("a profile")).expect("it is written");
    assert_eq!(
        serde_json::from_str::<Profile>(&json).expect("it is read").resource,
        resource
    );
}

#[test]
fn refusals_name_their_reason() {
    let mut registry = Registry::new(Terms::default());
    let mut refusal = |registration, certificate: &Certificate| {
        registry
            .register(registration, certificate, ResourceId(1), at(0))
            .expect_err("refused")
            .to_string()
    };
    let agent = certificate("edge-1", Role::Agent);
    let other = refusal(registration("edge-2"), &agent);
    assert_eq!(
        other,
        "failed identity verification: the certificate is another agent's"
    );
    let role = refusal(registration("edge-1"), &certificate("edge-1", Role::Controller));
    assert_eq!(role, "failed identity verification: the certificate is not an agent's");
    let silent = Registration {
        description: " ".into(),
        languages: BTreeSet::new(),
        ..registration("edge-1")
    };
    assert_eq!(refusal(silent, &agent), "missing information: description, languages");
    let tricky = Registration {
        address: "192.0.2.1\u{1b}[2J".into(),
        ..registration("edge-1")
    };
    assert_eq!(refusal(tricky, &agent), "information that is not taken: address");
}

#[test]
fn an_agent_that_falls_silent_goes_offline_step_by_step_and_comes_back() {
    let (mut registry, it) = registry();
    assert_eq!(registry.passed(at(45)), []);
    assert_eq!(
        registry.passed(at(46)),
        [Change::Became(it, Presence::TemporarilyOffline)]
    );
    assert_eq!(registry.passed(at(300)), []);
    assert_eq!(registry.passed(at(347)), [Change::Became(it, Presence::Offline)]);
    assert_eq!(
        registry.heard(&name("edge-1"), at(400)),
        [Change::Became(it, Presence::Online)]
    );
    assert_eq!(registry.passed(at(440)), []);
}

#[test]
fn heartbeats_keep_an_agent_online() {
    let (mut registry, _) = registry();
    for beat in 1..100 {
        assert_eq!(registry.heard(&name("edge-1"), at(beat * 30)), []);
        assert_eq!(registry.passed(at(beat * 30 + 29)), []);
    }
}

#[test]
fn a_lost_stream_is_told_at_once() {
    let (mut registry, it) = registry();
    assert_eq!(
        registry.lost(&name("edge-1"), at(1)),
        [Change::Became(it, Presence::TemporarilyOffline)]
    );
    assert_eq!(registry.lost(&name("edge-1"), at(2)), []);
}

#[test]
fn a_restart_of_the_controller_takes_nobody_for_offline() {
    let (before, it) = registry();
    let mut after = Registry::restored(Terms::default(), before.profiles().cloned(), at(1_000_000));
    assert_eq!(after.passed(at(1_000_105)), [], "everybody has time to come back");
    assert_eq!(
        after.passed(at(1_000_106)),
        [Change::Became(it, Presence::TemporarilyOffline)]
    );
    let back = after.register(
        registration("edge-1"),
        &certificate("edge-1", Role::Agent),
        ResourceId(9),
        at(1_000_107),
    );
    assert_eq!(
        back,
        Ok((it, vec![Change::Became(it, Presence::Online)])),
        "it keeps its resource id"
    );
}

#[test]
fn who_has_deregistered_is_not_found_and_not_brought_back_by_a_heartbeat() {
    let (mut registry, it) = registry();
    assert!(registry.deregister(it, &name("edge-2"), at(1)).is_err());
    assert_eq!(
        registry.deregister(it, &name("edge-1"), at(1)),
        Ok(vec![Change::Became(it, Presence::Deregistered)])
    );
    assert_eq!(registry.heard(&name("edge-1"), at(2)), []);
    let everybody = Query {
        presence: [Presence::Online, Presence::Offline, Presence::Deregistered].into(),
        ..Query::default()
    };
    assert!(registry.discover(&everybody).is_empty());
    let agent = certificate("edge-1", Role::Agent);
    assert_eq!(
        registry.update(it, registration("edge-1"), at(3)),
        Err(Refusal::Deregistered)
    );
    let again = registry
        .register(registration("edge-1"), &agent, ResourceId(2), at(3))
        .expect("it may come again");
    assert_eq!(again.1[0], Change::Joined(it));
}

#[test]
fn agents_are_found_by_all_that_is_asked_for() {
    let (mut registry, _) = registry();
    let found =
        |registry: &Registry, query: &str| registry.discover(&serde_json::from_str(query).expect("a query")).len();
    assert_eq!(found(&registry, "{}"), 1);
    assert_eq!(
        found(
            &registry,
            r#"{"capabilities":["netconf","configure"],"languages":["zh","fr"]}"#
        ),
        1
    );
    assert_eq!(found(&registry, r#"{"capabilities":["netconf","cli"]}"#), 0);
    assert_eq!(found(&registry, r#"{"attributes":{"site":"north"}}"#), 1);
    assert_eq!(found(&registry, r#"{"attributes":{"site":"south"}}"#), 0);
    assert_eq!(found(&registry, r#"{"protocols":["http"]}"#), 0);
    registry.passed(at(100));
    assert_eq!(found(&registry, "{}"), 0);
    assert_eq!(found(&registry, r#"{"presence":["temporarily-offline"]}"#), 1);
}

#[test]
fn what_an_agent_says_about_itself_may_change() {
    let (mut registry, it) = registry();
    let moved = Registration {
        address: "192.0.2.2:7000".into(),
        ..registration("edge-1")
    };
    assert_eq!(registry.update(it, moved.clone(), at(1)), Ok(vec![Change::Updated(it)]));
    assert_eq!(
        registry.update(it, moved.clone(), at(1)),
        Ok(vec![]),
        "the same again changes nothing"
    );
    assert_eq!(
        registry.profile(it).map(|it| it.registration.address.as_str()),
        Some("192.0.2.2:7000")
    );
    let renamed = Registration {
        name: name("edge-2"),
        ..moved.clone()
    };
    let refused = registry.update(it, renamed, at(2)).map_err(|it| it.to_string());
    assert_eq!(
        refused,
        Err("failed identity verification: the resource id is another agent's".to_owned())
    );
    registry.shut_out(["serial-of-edge-1".to_owned()].into(), at(3));
    assert!(
        registry.update(it, moved, at(4)).is_err(),
        "who is shut out says nothing more"
    );
}

#[test]
fn who_changes_what_it_says_again_and_again_is_told_to_come_later() {
    let (mut registry, it) = registry();
    let says = |number: u32| Registration {
        description: format!("speaks for the edge, {number}"),
        ..registration("edge-1")
    };
    let taken = (0..1_000).take_while(|number| registry.update(it, says(*number), at(1)).is_ok());
    assert_eq!(taken.count(), MOST_CHANGES as usize);
    let agent = certificate("edge-1", Role::Agent);
    let hello = registry.register(says(2_000), &agent, ResourceId(2), at(1));
    assert_eq!(hello, Err(Refusal::TooOften), "a hello is no way around it");
    let last = says(MOST_CHANGES - 1);
    assert!(
        registry.register(last, &agent, ResourceId(2), at(1)).is_ok(),
        "who says the same may join"
    );
    assert!(registry.update(it, says(3_000), at(1) + WINDOW).is_ok());
}

#[test]
fn who_has_more_words_than_are_taken_is_refused() {
    let (mut registry, it) = registry();
    let words = |count: usize| (0..count).map(|number| format!("can-{number}")).collect();
    let says = |count| Registration {
        capabilities: words(count),
        ..registration("edge-1")
    };
    assert!(registry.update(it, says(64), at(1)).is_ok());
    assert_eq!(
        registry.update(it, says(65), at(1)),
        Err(Refusal::Malformed("capabilities"))
    );
}

#[test]
fn who_is_shut_out_is_offline_at_once() {
    let (mut registry, it) = registry();
    let out = registry.shut_out(["serial-of-edge-1".to_owned()].into(), at(1));
    assert_eq!(out, [Change::Became(it, Presence::Offline)]);
    let agent = certificate("edge-1", Role::Agent);
    let again = registry.register(registration("edge-1"), &agent, ResourceId(2), at(2));
    assert_eq!(again, Err(Refusal::Identity("the certificate is taken back")));
}

#[test]
fn who_claims_more_than_was_verified_is_not_found_by_that() {
    let said = || registration("edge-1");
    let skills = |words: &[&str]| words.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    assert_eq!(said().verified(&skills(&[])), said(), "nothing was verified");
    assert_eq!(said().verified(&skills(&["netconf", "configure", "gate"])), said());
    for (verified, found) in [(skills(&["configure"]), true), (skills(&["gate"]), false)] {
        let mut registry = Registry::new(Terms::default());
        let agent = certificate("edge-1", Role::Agent);
        let joined = registry.register(said().verified(&verified), &agent, ResourceId(1), at(0));
        assert!(joined.is_ok(), "nobody is refused for a word: {joined:?}");
        let by = |capability: &str| Query {
            capabilities: [capability.to_owned()].into(),
            ..Query::default()
        };
        assert_eq!(registry.discover(&by("netconf")).len(), 0, "nobody has verified that");
        assert_eq!(registry.discover(&by("configure")).len(), usize::from(found));
        let profile = registry.named(&name("edge-1")).expect("it is registered");
        assert!(profile.registration.unverified.contains("netconf"));
    }
}
