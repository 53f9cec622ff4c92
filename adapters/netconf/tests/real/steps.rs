//! Every column of the device steps, from stage to the end, on a real server that has it.

use crate::ietf::{between, described};
use crate::netconfd::{Netconfd, change, soon, windowed};
use adapters_netconf::rpc::{Datastore, Operation};
use adapters_port::{Access, ConfigureSession, Guarantee, Observer, Save, Saved, SessionError, Standing};
use knowledge_model::Path;
use std::time::Duration;
use tokio::time::Instant;

const BEFORE: &[(&str, &str)] = &[];
const AFTER: &[(&str, &str)] = &[("eth1", "to pe2"), ("eth2", "to <pe3> & on")];
const JUDGED: &str = "eth1 description to pe2\neth2 description to <pe3> & on\n";

async fn there_and_back(flags: &[&str], guarantee: Guarantee) {
    let device = Netconfd::start(flags);
    let access = device.access();
    let capabilities = access.capabilities(soon()).await.unwrap();
    assert_eq!(capabilities.guarantee, guarantee);

    // There, confirmed.
    let mut session = access.session(soon()).await.unwrap();
    let there = change(1, between(BEFORE, AFTER));
    let staged = session.stage(&there, soon()).await.unwrap();
    assert_eq!(device.judged("running"), "", "staging has no effect");
    let applied = session.apply(staged, soon()).await.unwrap();
    let confirmed = session.confirm(&applied, soon()).await.unwrap();
    let saved = if capabilities.save == Save::AtConfirm {
        Saved::Yes
    } else {
        Saved::Itself
    };
    assert_eq!(confirmed.saved, saved);
    assert_eq!(device.judged("running"), JUDGED);
    // A repeated confirm is answered like the first.
    session.confirm(&applied, soon()).await.unwrap();
    drop(session);

    // Another one, applied and reverted: the judge sees no trace.
    let mut session = access.session(soon()).await.unwrap();
    let other = change(2, between(AFTER, &[("eth1", "elsewhere"), ("eth3", "new")]));
    let staged = session.stage(&other, soon()).await.unwrap();
    let applied = session.apply(staged, soon()).await.unwrap();
    assert_eq!(
        device.judged("running"),
        "eth1 description elsewhere\neth3 description new\n"
    );
    let record = applied.record().clone();
    let reverted = session.revert(&record, soon()).await.unwrap();
    assert!(reverted.foreign.is_empty(), "{reverted:?}");
    assert_eq!(device.judged("running"), JUDGED);
    session.revert(&record, soon()).await.unwrap();
    drop(session);

    // And one that is only staged, then dropped: nothing stays behind, locks neither.
    let mut session = access.session(soon()).await.unwrap();
    let staged = session.stage(&change(3, between(AFTER, BEFORE)), soon()).await.unwrap();
    session.revert(staged.record(), soon()).await.unwrap();
    let mut next = access.session(soon()).await.unwrap();
    let staged = next.stage(&change(4, between(AFTER, BEFORE)), soon()).await.unwrap();
    let applied = next.apply(staged, soon()).await.unwrap();
    next.confirm(&applied, soon()).await.unwrap();
    assert_eq!(device.judged("running"), "");
}

#[tokio::test]
async fn with_a_confirmed_commit_that_persists() {
    if tests_real::wanted("netconf::with_a_confirmed_commit_that_persists") {
        there_and_back(&[], Guarantee::Confirmed).await;
    }
}

#[tokio::test]
async fn with_end_of_message_framing_and_a_confirmed_commit_by_session() {
    if tests_real::wanted("netconf::with_end_of_message_framing_and_a_confirmed_commit_by_session") {
        there_and_back(&["--protocols=netconf1.0"], Guarantee::Session).await;
    }
}

#[tokio::test]
async fn with_running_alone_and_a_startup() {
    if tests_real::wanted("netconf::with_running_alone_and_a_startup") {
        there_and_back(&["--target=running", "--with-startup=true"], Guarantee::Whole).await;
    }
}

// Without validate this server refuses every edit, for an element that nobody sent. It is a refusal like any other.
#[tokio::test]
async fn without_validate() {
    if !tests_real::wanted("netconf::without_validate") {
        return;
    }
    let device = Netconfd::start(&["--with-validate=false"]);
    let mut session = device.access().session(soon()).await.unwrap();
    match session.stage(&change(1, between(BEFORE, AFTER)), soon()).await {
        Err(SessionError::Refused { words, .. }) => assert_eq!(words.tag.as_deref(), Some("unknown-element")),
        other => panic!("{other:?}"),
    }
    let mut stranger = device.stranger().await;
    assert!(
        stranger.does(Operation::lock(Datastore::Candidate)).await.is_ok(),
        "the locks were given back"
    );
}

#[tokio::test]
async fn what_is_saved_survives_a_restart() {
    if !tests_real::wanted("netconf::what_is_saved_survives_a_restart") {
        return;
    }
    let device = Netconfd::start(&["--target=running", "--with-startup=true"]);
    let mut session = device.access().session(soon()).await.unwrap();
    let staged = session.stage(&change(1, between(BEFORE, AFTER)), soon()).await.unwrap();
    let applied = session.apply(staged, soon()).await.unwrap();
    assert_eq!(session.confirm(&applied, soon()).await.unwrap().saved, Saved::Yes);
    device.restart();
    assert_eq!(device.judged("running"), JUDGED);
}

#[tokio::test]
async fn a_plan_from_yesterday_is_stale() {
    if !tests_real::wanted("netconf::a_plan_from_yesterday_is_stale") {
        return;
    }
    let device = Netconfd::start(&[]);
    let access = device.access();
    let mut session = access.session(soon()).await.unwrap();
    let wrong = change(1, between(&[("eth1", "as it was")], &[("eth1", "as we want it")]));
    match session.stage(&wrong, soon()).await {
        Err(SessionError::Stale { paths, .. }) => assert_eq!(paths.len(), 1, "{paths:?}"),
        other => panic!("{other:?}"),
    }
    // The locks are free, and nothing of it lies in the candidate.
    assert_eq!(device.judged("candidate"), "");
    let mut next = access.session(soon()).await.unwrap();
    let staged = next.stage(&change(2, between(BEFORE, AFTER)), soon()).await.unwrap();
    next.revert(staged.record(), soon()).await.unwrap();
}

#[tokio::test]
async fn what_somebody_put_inside_is_not_removed_along() {
    if !tests_real::wanted("netconf::what_somebody_put_inside_is_not_removed_along") {
        return;
    }
    let device = Netconfd::start(&[]);
    let access = device.access();
    let mut session = access.session(soon()).await.unwrap();
    let staged = session
        .stage(&change(1, between(BEFORE, &[("eth1", "a")])), soon())
        .await
        .unwrap();
    let applied = session.apply(staged, soon()).await.unwrap();
    session.confirm(&applied, soon()).await.unwrap();
    // The plan knows of the interface and not of its description.
    let mut known = knowledge_model::Tree::new();
    known.insert(
        Path::root().keyed("interface", ["eth1"]),
        knowledge_model::Value::Present,
    );
    let removal = change(2, knowledge_model::diff(&known, &knowledge_model::Tree::new()));
    match session.stage(&removal, soon()).await {
        Err(SessionError::Stale { paths, .. }) => assert_eq!(paths[0].to_string(), "interface[eth1]/description"),
        other => panic!("{other:?}"),
    }
    assert_eq!(device.judged("running"), "eth1 description a\n");
}

#[tokio::test]
async fn a_change_that_the_device_refuses_leaves_nothing() {
    if !tests_real::wanted("netconf::a_change_that_the_device_refuses_leaves_nothing") {
        return;
    }
    for flags in [&[][..], &["--target=running", "--with-startup=true"]] {
        let device = Netconfd::start(flags);
        let mut session = device.access().session(soon()).await.unwrap();
        let mut after = described(AFTER);
        let path = Path::root().keyed("interface", ["eth2"]).child("enabled");
        after.insert(path, knowledge_model::Value::scalar("perhaps"));
        let bad = change(1, knowledge_model::diff(&described(BEFORE), &after));
        let refusal = match session.stage(&bad, soon()).await {
            Ok(staged) => session.apply(staged, soon()).await.map(drop),
            Err(refusal) => Err(refusal),
        };
        match refusal {
            Err(SessionError::Refused { words, .. }) => assert!(words.tag.is_some(), "{words:?}"),
            other => panic!("{other:?}"),
        }
        assert_eq!(device.judged("running"), "");
        drop(session);
        let mut next = device.access().session(soon()).await.unwrap();
        let staged = next.stage(&change(2, between(BEFORE, AFTER)), soon()).await.unwrap();
        next.revert(staged.record(), soon()).await.unwrap();
    }
}

#[tokio::test]
async fn renew_expire_and_the_old_state_is_back() {
    const WINDOW: Duration = Duration::from_secs(6);
    if !tests_real::wanted("netconf::renew_expire_and_the_old_state_is_back") {
        return;
    }
    let device = Netconfd::start(&[]);
    let access = device.access();
    assert!(access.capabilities(soon()).await.unwrap().renew);
    let mut session = access.session(soon()).await.unwrap();
    let mut id = 0;
    let (applied, renewed) = loop {
        id += 1;
        assert!(id < 10, "the machine is too busy to do anything within six seconds");
        let change = windowed(id, between(BEFORE, AFTER), 6);
        let staged = session.stage(&change, soon()).await.unwrap();
        let record = staged.record().clone();
        let begun = Instant::now();
        let applied = session.apply(staged, soon()).await.unwrap();
        let started = Instant::now();
        tokio::time::sleep(Duration::from_secs(2)).await;
        let renewing = Instant::now();
        let renewed = session.renew(&applied, soon()).await;
        let in_time = begun.elapsed() < WINDOW;
        assert!(renewed.is_ok() || !in_time, "{renewed:?}");
        // Past the first window it is still there.
        tokio::time::sleep_until(started + WINDOW + Duration::from_millis(500)).await;
        let mut observer = access.observer(soon()).await.unwrap();
        let standing = observer.resume(&record, soon()).await.unwrap();
        if in_time && renewing.elapsed() < WINDOW {
            assert!(matches!(standing, Standing::Applied(_)), "{standing:?}");
            break (applied, Instant::now());
        }
        // A window was over before anybody has looked, which shows nothing: once more.
        session.revert(&record, soon()).await.unwrap();
    };
    // This server's timers run only while nobody asks for a second, so we ask rarely.
    let end = renewed + Duration::from_secs(120);
    while !device.judged("running").is_empty() {
        assert!(Instant::now() < end, "the device never takes the change back");
        tokio::time::sleep(Duration::from_millis(2500)).await;
    }
    // Too late to confirm, and it is said so.
    let late = session.confirm(&applied, soon()).await;
    assert!(matches!(late, Err(SessionError::Refused { .. })), "{late:?}");
    assert_eq!(device.judged("running"), "");
}

#[tokio::test]
async fn after_a_crash_a_new_session_finds_and_ends_it() {
    if !tests_real::wanted("netconf::after_a_crash_a_new_session_finds_and_ends_it") {
        return;
    }
    let device = Netconfd::start(&[]);
    let access = device.access();
    for confirm in [false, true] {
        let mut session = access.session(soon()).await.unwrap();
        let staged = session
            .stage(&change(7 + u128::from(confirm), between(BEFORE, AFTER)), soon())
            .await
            .unwrap();
        let stored = serde_json::to_string(staged.record()).unwrap();
        let mut observer = access.observer(soon()).await.unwrap();
        assert!(matches!(
            observer.resume(staged.record(), soon()).await.unwrap(),
            Standing::Untouched
        ));
        drop(session.apply(staged, soon()).await.unwrap());
        drop(session); // the agent dies here

        let record: adapters_port::Record = serde_json::from_str(&stored).unwrap();
        let standing = observer.resume(&record, soon()).await.unwrap();
        let Standing::Applied(applied) = standing else {
            panic!("{standing:?}")
        };
        let mut next = access.session(soon()).await.unwrap();
        if confirm {
            next.confirm(&applied, soon()).await.unwrap();
            assert_eq!(device.judged("running"), JUDGED);
            next.confirm(&applied, soon()).await.unwrap();
        } else {
            next.revert(applied.record(), soon()).await.unwrap();
            assert_eq!(device.judged("running"), "");
            assert!(matches!(
                observer.resume(&record, soon()).await.unwrap(),
                Standing::Untouched
            ));
        }
    }
}

#[tokio::test]
async fn after_a_restart_of_the_device_the_change_is_gone_and_that_is_found_out() {
    if !tests_real::wanted("netconf::after_a_restart_of_the_device_the_change_is_gone_and_that_is_found_out") {
        return;
    }
    let device = Netconfd::start(&[]);
    let access = device.access();
    let mut session = access.session(soon()).await.unwrap();
    let staged = session.stage(&change(1, between(BEFORE, AFTER)), soon()).await.unwrap();
    let applied = session.apply(staged, soon()).await.unwrap();
    device.restart();
    let lost = session.renew(&applied, soon()).await;
    assert!(
        matches!(
            lost,
            Err(SessionError::Unknown { .. } | SessionError::Unreachable { .. })
        ),
        "{lost:?}"
    );
    let mut observer = access.observer(soon()).await.unwrap();
    assert!(matches!(
        observer.resume(applied.record(), soon()).await.unwrap(),
        Standing::Untouched
    ));
    let mut next = access.session(soon()).await.unwrap();
    assert!(matches!(
        next.confirm(&applied, soon()).await,
        Err(SessionError::Refused { .. })
    ));
    next.revert(applied.record(), soon()).await.unwrap();
}

#[tokio::test]
async fn a_secret_goes_to_the_device_and_nowhere_else() {
    if !tests_real::wanted("netconf::a_secret_goes_to_the_device_and_nowhere_else") {
        return;
    }
    let device = Netconfd::start(&[]);
    let access = device.access();
    let mut session = access.session(soon()).await.unwrap();
    let secret = [("eth1", "secret:core@3")];
    let staged = session
        .stage(&change(1, between(BEFORE, &secret)), soon())
        .await
        .unwrap();
    let applied = session.apply(staged, soon()).await.unwrap();
    let confirmed = session.confirm(&applied, soon()).await.unwrap();
    assert_eq!(device.judged("running"), "eth1 description hunter2\n");
    let kept = format!(
        "{:?}{confirmed:?}{}",
        applied,
        serde_json::to_string(applied.record()).unwrap()
    );
    assert!(!kept.contains("hunter2"), "{kept}");
    for unknown in ["secret:nobody@1", "secret:broken@1"] {
        let refused = session
            .stage(&change(2, between(&secret, &[("eth1", unknown)])), soon())
            .await;
        assert!(matches!(refused, Err(SessionError::Refused { .. })), "{refused:?}");
    }
}
