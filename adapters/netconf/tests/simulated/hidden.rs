//! Nodes that access control hides are left out without a word: what cannot be seen is never called gone.

use crate::subject::{Simulated, delta, soon};
use adapters_port::{Change, ChangeId, ConfigureSession, Denial, PersistId, SessionError};
use labs_devices::{Act, Armed, Fault, Store};
use std::time::Duration;

fn change() -> Change {
    Change {
        id: ChangeId(1),
        delta: delta("1400"),
        stands: Default::default(),
        window: Duration::from_secs(60),
        persist: PersistId::new(7),
        comment: String::new(),
    }
}

fn hides(subject: &Simulated, name: &str) {
    let name = name.to_owned();
    subject.device.inject(Armed::from(Fault::Hide { name }));
}

/// Nothing of the change is there, and nothing waits for anybody: as the device itself knows it.
async fn is_as_before(subject: &Simulated, initial: &str, what: &str) {
    let end = soon();
    let as_before = || subject.device.content(Store::Running) == initial && !subject.device.is_pending();
    while !as_before() {
        let left = end.remaining(tokio::time::Instant::now().into_std());
        assert!(!left.is_zero(), "{what}: {}", subject.device.content(Store::Running));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn what_could_not_be_read_back_is_not_staged_where_that_shows() {
    for personality in ["confirmed", "confirmed-1.0", "candidate"] {
        for name in ["description", "interface"] {
            let subject = Simulated::start(personality).await;
            let initial = subject.device.content(Store::Running);
            hides(&subject, name);
            let mut session = subject.access.session(soon()).await.unwrap();
            let vote = session.stage(&change(), soon()).await;
            let Err(SessionError::Denied { denial, words, .. }) = &vote else {
                panic!("{personality} {name}: {vote:?}")
            };
            assert_eq!(*denial, Denial::AccessControl);
            assert!(words.to_string().contains("interface[eth1]"), "{words}");
            assert_eq!(subject.device.lock_holder(Store::Candidate), None, "{personality}");
            assert_eq!(subject.device.content(Store::Candidate), initial, "{personality}");
            assert_eq!(subject.device.content(Store::Running), initial, "{personality}");
        }
    }
}

#[tokio::test]
async fn what_is_called_refused_does_not_stand() {
    for personality in ["confirmed", "confirmed-1.0", "candidate", "running", "running-bare"] {
        for name in ["description", "interface"] {
            let what = format!("{personality}, {name} hidden");
            let subject = Simulated::start(personality).await;
            let initial = subject.device.content(Store::Running);
            let mut session = subject.access.session(soon()).await.unwrap();
            let staged = session.stage(&change(), soon()).await.unwrap();
            hides(&subject, name);
            let refused = session.apply(staged, soon()).await;
            assert!(
                matches!(&refused, Err(SessionError::Refused { .. })),
                "{what}: {refused:?}"
            );
            is_as_before(&subject, &initial, &what).await;
        }
    }
}

#[tokio::test]
async fn a_confirm_that_the_device_took_is_not_called_taken_back() {
    for personality in ["confirmed", "confirmed-1.0"] {
        let subject = Simulated::start(personality).await;
        let mut session = subject.access.session(soon()).await.unwrap();
        let staged = session.stage(&change(), soon()).await.unwrap();
        let applied = session.apply(staged, soon()).await.unwrap();
        hides(&subject, "interface");
        let confirmed = session.confirm(&applied, soon()).await;
        assert!(
            matches!(&confirmed, Err(SessionError::Unknown { .. })),
            "{personality}: {confirmed:?}"
        );
        assert!(subject.device.content(Store::Running).contains("eth1") && !subject.device.is_pending());
        // Shown again, it is what it is.
        subject.device.clear_faults();
        session.confirm(&applied, soon()).await.unwrap();
    }
}

#[tokio::test]
async fn a_new_session_takes_back_what_it_cannot_see() {
    let subject = Simulated::start("confirmed").await;
    let initial = subject.device.content(Store::Running);
    let mut session = subject.access.session(soon()).await.unwrap();
    let staged = session.stage(&change(), soon()).await.unwrap();
    let record = staged.record().clone();
    drop(session.apply(staged, soon()).await.unwrap());
    drop(session);
    subject.device.act(&Act::DropSessions).unwrap();
    hides(&subject, "interface");
    let mut next = subject.access.session(soon()).await.unwrap();
    assert!(subject.device.is_pending());
    next.revert(&record, soon()).await.unwrap();
    assert!(!subject.device.is_pending(), "reverted, and nothing waits for a timer");
    is_as_before(&subject, &initial, "a new session").await;
}
