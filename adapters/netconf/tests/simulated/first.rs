//! A server that keeps the first RPC until more comes, and one that loses it: the change goes through all the same.

use crate::subject::{Simulated, delta, dialect, within};
use adapters_port::{Change, ChangeId, ConfigureSession, PersistId, SessionError};
use labs_devices::{Armed, Fault, Quirk, Store};
use std::time::Duration;

/// How many RPCs of the device's log have this name.
fn asked(subject: &Simulated, name: &str) -> usize {
    let log = subject.device.log();
    log.iter().filter(|it| it.operation == name).count()
}

/// A whole change, within this time.
async fn changes(subject: &Simulated, wait: Duration) -> Result<(), SessionError> {
    let by = within(wait);
    let change = Change {
        id: ChangeId(1),
        delta: delta("1400"),
        stands: Default::default(),
        window: Duration::from_secs(60),
        persist: PersistId::new(7),
        comment: String::new(),
    };
    let mut session = subject.access.session(by).await?;
    let staged = session.stage(&change, by).await?;
    let applied = session.apply(staged, by).await?;
    session.confirm(&applied, by).await.map(drop)
}

async fn expecting(personality: &str, keeps_first: bool) -> Simulated {
    let mut words = dialect();
    words.keeps_first = keeps_first;
    Simulated::speaking(personality, words).await
}

#[tokio::test]
async fn what_is_kept_is_set_free_by_the_byte_that_begins_the_next_message() {
    for personality in ["confirmed", "base-1.0"] {
        let quirk = Fault::Quirk {
            quirk: Quirk::KeepFirstRpc,
        };
        let subject = expecting(personality, true).await;
        subject.device.inject(quirk.clone());
        changes(&subject, Duration::from_secs(20)).await.unwrap();
        assert!(subject.device.content(Store::Running).contains("1400"), "{personality}");
        assert_eq!(asked(&subject, "get"), 1, "{personality}: one session was enough");

        // Without that byte nothing ever comes: this is no server that answers anyway.
        let subject = expecting(personality, false).await;
        subject.device.inject(quirk);
        let silent = changes(&subject, Duration::from_secs(1)).await;
        assert!(silent.is_err(), "{personality}: {silent:?}");
    }
}

#[tokio::test]
async fn what_is_lost_is_asked_again_in_a_new_session_once() {
    let lost = |times| Armed {
        fault: Fault::NoAnswer,
        protocol: None,
        times: Some(times),
    };
    let subject = expecting("confirmed", true).await;
    subject.device.inject(lost(1));
    changes(&subject, Duration::from_secs(20)).await.unwrap();
    assert_eq!(asked(&subject, "get"), 2, "the second session was answered");
    assert_eq!(
        asked(&subject, "lock"),
        2,
        "nothing but the empty question was asked twice"
    );

    let subject = expecting("confirmed", true).await;
    subject.device.inject(lost(2));
    let silent = changes(&subject, Duration::from_secs(2)).await;
    assert!(matches!(silent, Err(SessionError::Unreachable { .. })), "{silent:?}");
    assert_eq!(asked(&subject, "get"), 2, "no third session");
}
