//! What is believed and what is not: every way to cheat is refused for its own reason and changes nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod cast;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use cast::{Cast, at, event, reheaded};
use fabric_events::{
    Event, Filter, Hearing, Memory, MemoryFile, Outbox, OutboxError, Reason, Severity, Terms, Unheard, Verifier, topic,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

fn verifier(cast: &Cast) -> Verifier {
    Verifier::new(
        cast.authority.certificate().to_vec(),
        Terms::default(),
        Memory::new(1_000, 100),
    )
}

fn refused(cast: &Cast, bytes: &[u8]) -> Reason {
    let mut verifier = verifier(cast);
    let reason = verifier.verify(bytes, &BTreeSet::new(), at(0)).expect_err("refused");
    assert_eq!(verifier.counts().refused.get(&reason), Some(&1), "it is counted");
    assert_eq!(verifier.counts().believed, 0);
    reason
}

fn edited(sealed: &[u8], change: impl Fn(&mut Value)) -> Vec<u8> {
    let mut event = serde_json::from_slice(sealed).unwrap();
    change(&mut event);
    event.to_string().into_bytes()
}

#[test]
fn a_signed_event_is_believed_once_whatever_the_order_of_its_members() {
    let cast = Cast::new();
    for holder in ["edge-1", "controller-1"] {
        let mut verifier = verifier(&cast);
        let sealed = cast.signer(holder).seal(&event(holder, "1", "pe1"), at(0)).unwrap();
        let reordered: serde_json::Map<String, Value> = serde_json::from_slice(&sealed).unwrap();
        let reordered: serde_json::Map<String, Value> = reordered.into_iter().rev().collect();
        let believed = verifier.verify(&serde_json::to_vec(&reordered).unwrap(), &BTreeSet::new(), at(10));
        let written = |it: Event| it.canonical().unwrap();
        assert_eq!(believed.map(written), Ok(written(event(holder, "1", "pe1"))));
        assert_eq!(
            verifier.verify(&sealed, &BTreeSet::new(), at(11)),
            Err(Reason::Replayed)
        );
    }
}

#[test]
fn every_way_to_cheat_has_its_reason() {
    let cast = Cast::new();
    assert_eq!(cast::verdicts(&cast, &cast::lies(&cast), at(0)), []);
    let good = cast.signer("edge-1").seal(&event("edge-1", "1", "pe1"), at(0)).unwrap();
    assert_eq!(
        refused(
            &cast,
            &edited(&good, |it| drop(it.as_object_mut().unwrap().remove("signature")))
        ),
        Reason::Unsigned
    );
    assert_eq!(
        refused(&cast, &edited(&good, |it| it["data"]["link"] = json!("up"))),
        Reason::Altered
    );
    assert_eq!(
        refused(&cast, &edited(&good, |it| it["time"] = json!("2001-01-01T00:00:00Z"))),
        Reason::Altered
    );
    assert_eq!(
        refused(&cast, &edited(&good, |it| it["more"] = json!(1))),
        Reason::Malformed
    );
    assert_eq!(
        refused(&cast, &reheaded(&good, |it| it["alg"] = json!("none"))),
        Reason::Algorithm
    );
    assert_eq!(
        refused(&cast, &reheaded(&good, |it| it["alg"] = json!("HS256"))),
        Reason::Algorithm
    );
    assert_eq!(
        refused(&cast, &reheaded(&good, |it| it["alg"] = json!("ES256"))),
        Reason::Algorithm
    );
    assert_eq!(
        refused(&cast, &reheaded(&good, |it| it["jwk"] = json!({"kty": "OKP"}))),
        Reason::EmbeddedKey
    );
    assert_eq!(
        refused(&cast, &reheaded(&good, |it| it["iat"] = json!(cast::EPOCH + 1))),
        Reason::Altered
    );
    assert_eq!(
        refused(&cast, &reheaded(&good, |it| it["crit"] = json!(["b64"]))),
        Reason::Malformed
    );
    let others = cast.signer("edge-2").seal(&event("edge-1", "1", "pe1"), at(0)).unwrap();
    assert_eq!(refused(&cast, &others), Reason::OtherName);
    let beyond = cast.signer("edge-1").seal(&event("edge-1", "1", "ce1"), at(0)).unwrap();
    assert_eq!(refused(&cast, &beyond), Reason::OutOfScope);
    let foreign = Cast::new()
        .signer("edge-1")
        .seal(&event("edge-1", "1", "pe1"), at(0))
        .unwrap();
    assert_eq!(refused(&cast, &foreign), Reason::ForeignKey);
    let swapped = reheaded(&good, |it| {
        it["x5c"] = json!([BASE64_STANDARD.encode(&cast.holder("edge-2").0.certificate)])
    });
    assert_eq!(refused(&cast, &swapped), Reason::Altered);
    assert_eq!(refused(&cast, &vec![b' '; 70_000]), Reason::Malformed);
    assert_eq!(refused(&cast, b"\xff\x00{"), Reason::Malformed);
}

#[test]
fn what_is_stale_early_revoked_or_run_out_is_refused() {
    let cast = Cast::new();
    let seal = |signed| {
        cast.signer("edge-1")
            .seal(&event("edge-1", "1", "pe1"), signed)
            .unwrap()
    };
    assert_eq!(refused(&cast, &seal(at(0) - Duration::from_secs(121))), Reason::Stale);
    assert_eq!(refused(&cast, &seal(at(3_600))), Reason::Stale, "a clock an hour ahead");
    let revoked = BTreeSet::from([cast.serial("edge-1")]);
    assert_eq!(
        verifier(&cast).verify(&seal(at(0)), &revoked, at(0)),
        Err(Reason::Revoked)
    );
    let late = at(0) + Duration::from_secs(25 * 3_600);
    assert_eq!(
        verifier(&cast).verify(&seal(late), &BTreeSet::new(), late),
        Err(Reason::Expired)
    );
}

#[test]
fn a_flood_of_one_sender_leaves_room_for_the_others() {
    let cast = Cast::new();
    let mut verifier = verifier(&cast);
    let (one, other) = (cast.signer("edge-1"), cast.signer("edge-2"));
    for number in 0..150 {
        let sealed = one.seal(&event("edge-1", &number.to_string(), "pe1"), at(0)).unwrap();
        let verified = verifier.verify(&sealed, &BTreeSet::new(), at(0));
        assert_eq!(verified.is_ok(), number < 100, "{number}: {verified:?}");
    }
    assert_eq!(verifier.counts().refused.get(&Reason::Flooded), Some(&50));
    let sealed = other.seal(&event("edge-2", "1", "ce1"), at(0)).unwrap();
    assert!(verifier.verify(&sealed, &BTreeSet::new(), at(0)).is_ok());
    let later = one.seal(&event("edge-1", "later", "pe1"), at(600)).unwrap();
    assert!(
        verifier.verify(&later, &BTreeSet::new(), at(600)).is_ok(),
        "what is stale anyway is forgotten"
    );
}

#[test]
fn the_memory_of_what_was_believed_survives_a_restart() {
    let (cast, folder) = (Cast::new(), tempfile::tempdir().unwrap());
    let path = folder.path().join("memory");
    let open = || {
        let authority = cast.authority.certificate().to_vec();
        Hearing::open(
            authority,
            Filter::default(),
            (&path, Memory::new(100, 100)),
            Terms::default(),
            at(0),
        )
        .unwrap()
    };
    let sealed = cast.signer("edge-1").seal(&event("edge-1", "1", "pe1"), at(0)).unwrap();
    assert!(open().hear(&sealed, &BTreeSet::new(), at(0)).is_ok());
    let again = open().hear(&sealed, &BTreeSet::new(), at(1));
    assert!(matches!(again, Err(Unheard::Refused(Reason::Replayed))), "{again:?}");
}

#[test]
fn a_filter_wants_only_its_own_and_asks_the_broker_for_no_more() {
    let filter = Filter {
        kinds: ["link-fault".into()].into(),
        devices: ["pe1".into()].into(),
        at_least: Some(Severity::Error),
    };
    assert!(filter.wants(&event("edge-1", "1", "pe1")));
    assert!(!filter.wants(&event("edge-1", "1", "pe2")));
    assert!(!filter.wants(&Event {
        severity: Severity::Info,
        ..event("edge-1", "1", "pe1")
    }));
    assert_eq!(
        filter.topics(),
        [
            "entente/v1/event/link-fault/critical/pe1",
            "entente/v1/event/link-fault/error/pe1"
        ]
    );
    assert_eq!(
        topic(&event("edge-1", "1", "a/#+")),
        "entente/v1/event/link-fault/error/a%2f%23%2b"
    );
}

#[test]
fn a_receiver_passes_over_what_it_did_not_want_whatever_the_broker_sends() {
    let (cast, folder) = (Cast::new(), tempfile::tempdir().unwrap());
    let wanted = Filter {
        devices: ["pe1".into()].into(),
        ..Filter::default()
    };
    let authority = cast.authority.certificate().to_vec();
    let memory = (folder.path().join("memory"), Memory::new(100, 100));
    let mut hearing = Hearing::open(authority, wanted, (&memory.0, memory.1), Terms::default(), at(0)).unwrap();
    let sealed = |id, device| cast.signer("edge-1").seal(&event("edge-1", id, device), at(0)).unwrap();
    let (own, other) = (sealed("1", "pe1"), sealed("2", "pe2"));
    let verdicts = hearing.hear_all(&[&other, &own], &BTreeSet::new(), at(0));
    assert!(matches!(verdicts[..], [Err(Unheard::Unwanted), Ok(_)]), "{verdicts:?}");
}

#[test]
fn the_outbox_is_bounded_durable_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outbox");
    let mut outbox = Outbox::open(&path, 3).unwrap();
    for id in ["1", "2", "3"] {
        outbox.offer(event("edge-1", id, "pe1")).unwrap();
    }
    assert!(matches!(
        outbox.offer(event("edge-1", "4", "pe1")),
        Err(OutboxError::Full { bound: 3 })
    ));
    assert_eq!(outbox.lost(), 1);
    outbox.published().unwrap();
    drop(outbox);
    assert_eq!(Outbox::open(&path, 3).unwrap().lost(), 1, "what was lost stays counted");
    std::fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .map(|mut it| std::io::Write::write_all(&mut it, b"{\"cut of").unwrap())
        .unwrap();
    let mut outbox = Outbox::open(&path, 3).unwrap();
    let ids: Vec<_> = (0..outbox.len())
        .map(|at| outbox.event(at).unwrap().id.clone())
        .collect();
    assert_eq!(ids, ["2", "3"]);
    for round in 0..500 {
        outbox.published().unwrap();
        outbox.offer(event("edge-1", &round.to_string(), "pe1")).unwrap();
    }
    assert!(
        std::fs::metadata(&path).unwrap().len() < 60_000,
        "the file does not grow for ever"
    );
}

#[test]
fn who_has_filled_his_part_of_the_memory_leaves_others_theirs() {
    let mut memory = Memory::new(1_000, 1_000);
    let mut flood = |source: &str| {
        let believed = |it: &usize| memory.remember(source, &it.to_string(), at(240), at(0)).is_ok();
        (0..1_000).filter(believed).count()
    };
    let taken: Vec<usize> = ["one", "two", "three", "four"].into_iter().map(&mut flood).collect();
    assert_eq!(taken, [500, 250, 125, 63]);
    assert!(memory.remember("quiet", "1", at(240), at(0)).is_ok());
}

#[test]
fn an_event_that_is_signed_anew_after_a_long_while_is_not_believed_twice() {
    let (cast, folder) = (Cast::new(), tempfile::tempdir().unwrap());
    let path = folder.path().join("memory");
    let open = |now| {
        let authority = cast.authority.certificate().to_vec();
        let memory = (&*path, Memory::new(100, 100));
        Hearing::open(authority, Filter::default(), memory, Terms::default(), now).unwrap()
    };
    let signer = cast.signer("edge-1");
    let said = |id: usize, now| signer.seal(&event("edge-1", &id.to_string(), "pe1"), now).unwrap();
    let mut hearing = open(at(0));
    assert!(hearing.hear(&said(1, at(0)), &BTreeSet::new(), at(0)).is_ok());
    for restarted in [false, true] {
        if restarted {
            hearing = open(at(3_000));
        }
        let again = hearing.hear(&said(1, at(3_000)), &BTreeSet::new(), at(3_000));
        assert!(matches!(again, Err(Unheard::Refused(Reason::Replayed))), "{again:?}");
    }
    // It is bounded all the same: a quarter of what must be remembered.
    for id in 2..60 {
        let now = at(3_000 + id as u64 * 300);
        assert!(hearing.hear(&said(id, now), &BTreeSet::new(), now).is_ok());
    }
    assert!(hearing.hear(&said(1, at(40_000)), &BTreeSet::new(), at(40_000)).is_ok());
    assert!(std::fs::metadata(&path).unwrap().len() > 32 * 50);
    drop(open(at(40_001)));
    assert!(
        std::fs::metadata(&path).unwrap().len() <= 32 * 26,
        "what is forgotten is not kept"
    );
}

#[test]
fn the_file_of_the_memory_is_no_longer_than_a_few_times_what_it_remembers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memory");
    let (mut file, mut memory) = MemoryFile::open(&path, Memory::new(1_000, 1_000), at(0)).unwrap();
    for second in 0..400 {
        for number in 0..100 {
            let id = format!("{second}-{number}");
            memory.remember("one", &id, at(second + 2), at(second)).unwrap();
        }
        file.keep(&mut memory).unwrap();
    }
    let length = std::fs::metadata(&path).unwrap().len();
    assert!(length < 512 << 10, "{length} of the 1,280,000 that were written");
    let (_, mut memory) = MemoryFile::open(&path, Memory::new(1_000, 1_000), at(400)).unwrap();
    assert_eq!(
        memory.remember("one", "399-99", at(402), at(400)),
        Err(Reason::Replayed),
        "and what it must remember is in it"
    );
}

/// The rest of a test that runs with a small limit on the size of files: as on a full disk.
fn on_a_full_disk(name: &str, folder: &std::path::Path) {
    let output = std::process::Command::new("sh")
        .args([
            "-c",
            "trap '' XFSZ; ulimit -f 8; exec \"$0\" --exact \"$1\" --nocapture",
        ])
        .arg(std::env::current_exe().unwrap())
        .arg(name)
        .env("ENTENTE_FULL", folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn a_full_disk_spoils_neither_outbox_nor_memory() {
    let name = "a_full_disk_spoils_neither_outbox_nor_memory";
    let (cast, folder) = (Cast::new(), tempfile::tempdir().unwrap());
    let full = std::env::var_os("ENTENTE_FULL").map(std::path::PathBuf::from);
    let folder_of = full.clone().unwrap_or_else(|| folder.path().to_owned());
    let (outbox, memory) = (folder_of.join("outbox"), folder_of.join("memory"));
    let padded = |id: &str, length| Event {
        data: Value::from("x".repeat(length)),
        ..event("edge-1", id, "pe1")
    };
    if full.is_none() {
        on_a_full_disk(name, folder.path());
        let outbox = Outbox::open(&outbox, 100).unwrap();
        let ids: Vec<_> = (0..outbox.len()).map(|at| &outbox.event(at).unwrap().id).collect();
        assert_eq!(ids, ["1", "3"], "what was said to be kept is there, and nothing else");
        return;
    }
    let mut outbox = Outbox::open(&outbox, 100).unwrap();
    outbox.offer(padded("1", 100)).unwrap();
    assert!(matches!(
        outbox.offer(padded("2", 9_000)),
        Err(OutboxError::Disk { .. })
    ));
    outbox.offer(padded("3", 100)).unwrap();

    // 8 times 512 or 1,024 bytes: 128 or 256 records. What does not fit is not believed, until it does.
    let authority = cast.authority.certificate().to_vec();
    let kept = (&*memory, Memory::new(10_000, 10_000));
    let mut hearing = Hearing::open(authority, Filter::default(), kept, Terms::default(), at(0)).unwrap();
    let signer = cast.signer("edge-1");
    let sealed = |id: usize| signer.seal(&event("edge-1", &id.to_string(), "pe1"), at(0)).unwrap();
    let three: Vec<Vec<u8>> = (0..300).map(sealed).collect();
    let mut last = 0;
    for chunk in three.chunks(3) {
        let chunk: Vec<&[u8]> = chunk.iter().map(Vec::as_slice).collect();
        let heard = hearing.hear_all(&chunk, &BTreeSet::new(), at(0));
        if heard.iter().all(Result::is_ok) {
            last += 3;
            continue;
        }
        assert!(
            heard.iter().all(|it| matches!(it, Err(Unheard::Disk(_)))),
            "all or none of a batch"
        );
        break;
    }
    assert!(last == 126 || last == 255, "{last}");
    assert_eq!(
        std::fs::metadata(&memory).unwrap().len(),
        32 * last as u64,
        "no part of a record stays"
    );
    let again = hearing.hear(&three[last], &BTreeSet::new(), at(0));
    assert!(
        again.is_ok(),
        "what could not be kept is new when it comes again: {again:?}"
    );
}

static CAST: LazyLock<Cast> = LazyLock::new(Cast::new);

proptest! {
    #[test]
    fn any_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(verifier(&CAST).verify(&bytes, &BTreeSet::new(), at(0)).is_err());
    }

    #[test]
    fn a_spoilt_byte_is_never_believed_as_something_else(place in 0usize..3_000, to in 32u8..127) {
        let said = event("edge-1", "1", "pe1");
        let mut sealed = CAST.signer("edge-1").seal(&said, at(0)).unwrap();
        let place = place % sealed.len();
        sealed[place] = to;
        if let Ok(believed) = verifier(&CAST).verify(&sealed, &BTreeSet::new(), at(0)) {
            prop_assert_eq!(believed.canonical().unwrap(), said.canonical().unwrap());
        }
    }
}
