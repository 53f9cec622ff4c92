//! A device that misbehaves at every step: an error of the right kind, in time, and no lock left.

use crate::subject::{Simulated, delta, within};
use adapters_port::{Change, ChangeId, ConfigureSession, Deadline, Denial, PersistId, Record, SessionError};
use labs_devices::{Act, Armed, Fault, Moment, Store};
use std::time::Duration;

/// How long who says nothing, or is busy, is waited for.
const PATIENCE: Duration = Duration::from_millis(1500);
/// How long an answer may take that does come.
const ANSWERED: Duration = Duration::from_secs(15);

fn change() -> Change {
    let (id, persist, window) = (ChangeId(1), PersistId::new(77), Duration::from_secs(60));
    Change {
        id,
        delta: delta("1400"),
        stands: Default::default(),
        window,
        persist,
        comment: String::new(),
    }
}

/// One change as far as it comes, with what would be on disk by then.
async fn attempt(subject: &Simulated, by: Deadline) -> (Result<(), SessionError>, Option<Record>) {
    let mut session = match subject.access.session(by).await {
        Ok(session) => session,
        Err(error) => return (Err(error), None),
    };
    let staged = match session.stage(&change(), by).await {
        Ok(staged) => staged,
        Err(error) => return (Err(error), None),
    };
    let record = staged.record().clone();
    let applied = match session.apply(staged, by).await {
        Ok(applied) => applied,
        Err(error) => return (Err(error), Some(record)),
    };
    (session.confirm(&applied, by).await.map(drop), Some(record))
}

/// After the fault is over, what was begun is brought back, and nothing is left: no change, no lock, no session.
async fn ends_clean(subject: &Simulated, initial: &str, record: Option<Record>, fault: &str) {
    subject.device.clear_faults();
    let by = within(Duration::from_secs(60));
    if let Some(record) = record {
        let mut session = subject.access.session(by).await.unwrap();
        session
            .revert(&record, by)
            .await
            .unwrap_or_else(|it| panic!("{fault}: {it}: {it:?}"));
    }
    let gone = || {
        let held = [Store::Running, Store::Candidate]
            .iter()
            .any(|it| subject.device.lock_holder(*it).is_some());
        !held && !subject.device.is_pending() && subject.device.sessions() == 0
    };
    while !gone() {
        assert!(
            by.remaining(tokio::time::Instant::now().into_std()) > Duration::ZERO,
            "{fault} leaves a lock or a session"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(
        subject.device.content(Store::Running),
        initial,
        "{fault} leaves something in running"
    );
}

async fn check(fault: Fault, expected: impl Fn(&SessionError) -> bool) {
    for personality in ["confirmed", "running"] {
        let name = format!("{fault:?} on {personality}");
        let subject = Simulated::start(personality).await;
        let initial = subject.device.content(Store::Running);
        subject.device.inject(Armed {
            fault: fault.clone(),
            protocol: None,
            times: None,
        });
        let begun = tokio::time::Instant::now();
        let patience = patience(&fault);
        let (result, record) = attempt(&subject, within(patience)).await;
        assert!(begun.elapsed() < patience * 10, "{name} took {:?}", begun.elapsed());
        match result {
            Ok(()) => assert!(
                personality == "running" && is_about_commits(&fault),
                "{name} went through"
            ),
            Err(error) => assert!(expected(&error), "{name}: {error}: {error:?}"),
        }
        if !(personality == "running" && is_about_commits(&fault)) {
            ends_clean(&subject, &initial, record, &name).await;
        }
    }
}

fn patience(fault: &Fault) -> Duration {
    let silent = [Fault::Refuse, Fault::Mute, Fault::NoHello, Fault::NoAnswer].contains(fault);
    let busy = matches!(fault, Fault::Reject { operation, .. } if operation == "lock");
    if silent || busy { PATIENCE } else { ANSWERED }
}

fn is_about_commits(fault: &Fault) -> bool {
    let about = |operation: &str| operation == "commit" || operation == "validate";
    let (Fault::Drop { operation, .. } | Fault::Reject { operation, .. }) = fault else {
        return *fault == Fault::LoseCommit;
    };
    about(operation)
}

fn is_lost(error: &SessionError) -> bool {
    matches!(error, SessionError::Unreachable { .. } | SessionError::Unknown { .. })
}

#[tokio::test]
async fn silence_costs_no_more_than_the_deadline() {
    for fault in [Fault::Refuse, Fault::Mute, Fault::NoHello, Fault::NoAnswer] {
        check(fault, is_lost).await;
    }
}

#[tokio::test]
async fn nonsense_is_called_so() {
    let malformed = |it: &SessionError| matches!(it, SessionError::Malformed { .. });
    check(Fault::OversizedFrame, malformed).await;
    check(Fault::Garbage, malformed).await;
    check(Fault::TruncatedFrame, |it| is_lost(it) || malformed(it)).await;
    check(Fault::Banner { bytes: 1 << 20 }, |it| is_lost(it) || malformed(it)).await;
}

#[tokio::test]
async fn a_session_may_end_at_any_byte() {
    for byte in (0..2600).step_by(131) {
        check(Fault::CloseAtByte { byte }, |it| {
            is_lost(it) || matches!(it, SessionError::Malformed { .. })
        })
        .await;
    }
}

#[tokio::test]
async fn a_session_may_end_at_any_operation() {
    for operation in ["lock", "get-config", "edit-config", "validate", "commit"] {
        for moment in [Moment::Before, Moment::After] {
            check(
                Fault::Drop {
                    operation: operation.to_owned(),
                    moment,
                },
                is_lost,
            )
            .await;
        }
    }
}

#[tokio::test]
async fn ok_alone_is_not_believed() {
    check(
        Fault::LoseCommit,
        |it| matches!(it, SessionError::Refused { words, .. } if words.message.contains("said ok")),
    )
    .await;
}

#[tokio::test]
async fn a_refused_login_is_denied() {
    check(Fault::RefuseLogin, |it| {
        matches!(
            it,
            SessionError::Denied {
                denial: Denial::Login,
                ..
            }
        )
    })
    .await;
}

#[tokio::test]
async fn an_error_of_every_tag_is_told_apart() {
    const TAGS: [&str; 19] = [
        "in-use",
        "invalid-value",
        "too-big",
        "missing-attribute",
        "bad-attribute",
        "unknown-attribute",
        "missing-element",
        "bad-element",
        "unknown-element",
        "unknown-namespace",
        "access-denied",
        "lock-denied",
        "resource-denied",
        "rollback-failed",
        "data-exists",
        "data-missing",
        "operation-not-supported",
        "operation-failed",
        "malformed-message",
    ];
    for tag in TAGS {
        for operation in ["lock", "edit-config", "commit"] {
            let fault = Fault::Reject {
                operation: operation.to_owned(),
                tag: tag.to_owned(),
            };
            check(fault, |error| match error {
                SessionError::Busy { words, .. } => {
                    operation == "lock"
                        || matches!(words.tag.as_deref(), Some("in-use" | "lock-denied" | "resource-denied"))
                }
                SessionError::Denied { denial, .. } => tag == "access-denied" && *denial == Denial::AccessControl,
                SessionError::Unsupported { .. } => tag == "operation-not-supported",
                SessionError::Refused { words, .. } => words.tag.as_deref() == Some(tag),
                SessionError::Unreachable { .. }
                | SessionError::Unknown { .. }
                | SessionError::Stale { .. }
                | SessionError::Foreign { .. }
                | SessionError::Malformed { .. } => false,
            })
            .await;
        }
    }
}

#[tokio::test]
async fn a_restart_in_the_middle_is_found_out() {
    let subject = Simulated::start("confirmed").await;
    let initial = subject.device.content(Store::Running);
    let by = within(Duration::from_secs(60));
    let mut session = subject.access.session(by).await.unwrap();
    let staged = session.stage(&change(), by).await.unwrap();
    let record = staged.record().clone();
    let applied = session.apply(staged, by).await.unwrap();
    subject.device.act(&Act::Restart { down_millis: 0 }).unwrap();
    assert!(session.confirm(&applied, by).await.is_err_and(|it| is_lost(&it)));
    let mut next = subject.access.session(by).await.unwrap();
    assert!(matches!(
        next.confirm(&applied, by).await,
        Err(SessionError::Refused { .. })
    ));
    drop((session, next));
    ends_clean(&subject, &initial, Some(record), "a restart").await;
}

#[tokio::test]
async fn a_refused_confirm_is_none_while_the_change_is_pending() {
    for (personality, tag) in [
        ("confirmed", "operation-failed"),
        ("confirmed", "invalid-value"),
        ("confirmed-1.0", "invalid-value"),
    ] {
        let subject = Simulated::start(personality).await;
        let by = within(Duration::from_secs(60));
        let mut session = subject.access.session(by).await.unwrap();
        let staged = session.stage(&change(), by).await.unwrap();
        let applied = session.apply(staged, by).await.unwrap();
        subject.device.inject(Armed {
            fault: Fault::Reject {
                operation: "commit".to_owned(),
                tag: tag.to_owned(),
            },
            protocol: None,
            times: None,
        });
        let refused = session.confirm(&applied, by).await;
        assert!(
            matches!(&refused, Err(SessionError::Refused { .. })),
            "{personality} {tag}: {refused:?}"
        );
        assert!(
            subject.device.is_pending(),
            "{personality} {tag}: the change is neither kept nor taken back"
        );
        subject.device.clear_faults();
        // Asked again it is kept, and a repeat is answered as the first was.
        session.confirm(&applied, by).await.unwrap();
        assert!(!subject.device.is_pending(), "{personality} {tag}");
        session.confirm(&applied, by).await.unwrap();
    }
}
