//! A real device with two protocols over one datastore loses NETCONF in four ways at four points of a change.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

#[path = "dual/device.rs"]
mod device;
#[path = "dual/proxy.rs"]
mod proxy;

use adapters_failover::{Failover, FailoverSession};
use adapters_port::{
    Access, Applied, ConfigureSession, Protocol, Receipt, Record, SessionError, Staged, Standing, Step,
};
use device::{Dual, Loss, Told, change, interface, makes, within};
use knowledge_model::{Path, Tree};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

// Nothing here is held to a time that a busy machine may miss: what must not happen early is asked for at a time that is
// measured, and what must happen in the end is waited for.

/// How long the device waits for a confirm.
const WINDOW: Duration = Duration::from_secs(4);
/// What we wait beyond it before another protocol may write.
const MARGIN: Duration = Duration::from_secs(5);
/// The server's timer runs only in a second in which nobody asks it anything.
const ALONE: Duration = Duration::from_millis(2500);
/// How long an answer is waited for that does not come.
const UNHEARD: Duration = Duration::from_secs(2);
const STEP: Duration = Duration::from_secs(90);
/// Within this time everything ends that ends by itself.
const AT_LAST: Duration = Duration::from_secs(240);

#[tokio::test(flavor = "multi_thread", worker_threads = 12)]
async fn lost_in_four_ways_at_four_points_nothing_is_applied_twice_or_beside() {
    if !tests_real::wanted("failover::lost_in_four_ways_at_four_points") {
        return;
    }
    let runs = Loss::ALL.map(|loss| {
        tokio::spawn(async move {
            let dual = Dual::start().await;
            before_stage(&dual, loss).await;
            after_stage(&dual, loss).await;
            apply_unanswered(&dual, loss).await;
            after_apply(&dual, loss).await;
        })
    });
    let mut failed = Vec::new();
    for (loss, run) in Loss::ALL.into_iter().zip(runs) {
        failed.extend(run.await.err().map(|error| format!("{loss:?}: {error}")));
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// The switch is transparent, told, and stands in the receipt.
async fn before_stage(dual: &Dual, loss: Loss) {
    let (failover, told) = dual.failover();
    dual.loses(loss);
    let mut session = failover.session();
    let staged = session
        .stage(&change(1, makes("eth1"), WINDOW), within(STEP))
        .await
        .unwrap();
    assert_eq!(staged.record().protocol, Protocol::Cli, "{loss:?}");
    let remarks = staged.receipt().remarks.join("\n");
    assert!(
        remarks.contains("switched from NETCONF to CLI: lost pe1 over NETCONF"),
        "{loss:?}: {remarks}"
    );
    let applied = session.apply(staged, within(STEP)).await.unwrap();
    session.confirm(&applied, within(STEP)).await.unwrap();
    assert_eq!(told.switches(), [(Protocol::Netconf, Protocol::Cli)], "{loss:?}");
    dual.heals();
    assert!(dual.judged().contains("eth1 description"), "{loss:?}");
}

/// A change that is staged over NETCONF while that is well: on a busy machine not always at once.
async fn staged(dual: &Dual, id: u128, name: &str) -> (Failover, Arc<Told>, FailoverSession, Staged) {
    let end = Instant::now() + AT_LAST;
    loop {
        let (failover, told) = dual.failover();
        let mut session = failover.session();
        let staged = session.stage(&change(id, makes(name), WINDOW), within(STEP)).await;
        match staged {
            Ok(staged) if staged.record().protocol == Protocol::Netconf => return (failover, told, session, staged),
            Ok(staged) => drop(session.revert(staged.record(), within(STEP)).await.unwrap()),
            Err(error) => assert!(Instant::now() < end, "{error:?}"),
        }
        assert!(Instant::now() < end, "NETCONF is well, and never chosen");
    }
}

/// Staged and lost: the next change goes over the terminal once the old session is gone, and takes nothing along.
async fn after_stage(dual: &Dual, loss: Loss) {
    let (failover, _, session, staged) = staged(dual, 2, "eth2").await;
    let record = staged.record().clone();
    dual.loses(loss);
    drop((staged, session));
    if loss == Loss::Dropped {
        // The server does not know that we are gone: its lock stands, and nobody else writes.
        let busy = failover
            .session()
            .stage(&change(3, makes("eth3"), WINDOW), within(STEP))
            .await;
        assert!(matches!(&busy, Err(SessionError::Busy { .. })), "{busy:?}");
        assert!(!dual.judged().contains("eth3"));
        dual.cuts();
    }
    let reverted = until_free(&failover, &record).await;
    assert!(
        reverted.remarks.join("\n").contains("reverted over CLI"),
        "{loss:?}: {reverted:?}"
    );
    let mut next = failover.session();
    let staged = next
        .stage(&change(4, makes("eth4"), WINDOW), within(STEP))
        .await
        .unwrap();
    assert_eq!(staged.record().protocol, Protocol::Cli, "{loss:?}");
    let applied = next.apply(staged, within(STEP)).await.unwrap();
    next.confirm(&applied, within(STEP)).await.unwrap();
    dual.heals();
    let judged = dual.judged();
    assert!(
        judged.contains("eth4") && !judged.contains("eth2"),
        "{loss:?}: {judged}"
    );
}

/// The confirmed commit arrives and its answer does not: until the window is over nobody else writes.
async fn apply_unanswered(dual: &Dual, loss: Loss) {
    let (failover, told, mut session, staged) = staged(dual, 5, "eth5").await;
    let record = staged.record().clone();
    dual.hears_only();
    let since = Instant::now();
    let unknown = session.apply(staged, within(UNHEARD)).await;
    assert!(
        matches!(&unknown, Err(SessionError::Unknown { .. })),
        "{loss:?}: {unknown:?}"
    );
    drop(session);
    dual.heals();
    dual.loses(loss);
    pending(dual, &failover, (&record, since), loss).await;
    assert!(told.switches().len() <= 1, "{loss:?}: {:?}", told.switches());
    dual.heals();
}

/// Applied, answered, then lost: a confirm waits for NETCONF or for the end of the window, and then says what came of it.
async fn after_apply(dual: &Dual, loss: Loss) {
    let (failover, _, mut session, staged) = staged(dual, 6, "eth6").await;
    let since = Instant::now();
    let applied = session.apply(staged, within(STEP)).await.unwrap();
    dual.loses(loss);
    let lost = session.confirm(&applied, within(Duration::from_secs(3))).await;
    assert!(
        matches!(
            &lost,
            Err(SessionError::Unknown { .. } | SessionError::Unreachable { .. })
        ),
        "{loss:?}: {lost:?}"
    );
    drop(session);
    pending(dual, &failover, (applied.record(), since), loss).await;
    dual.heals();
}

/// While the device may still take it back others read and do not write; then it is classified and brought back. The
/// window began after `since`.
async fn pending(dual: &Dual, failover: &Failover, (record, since): (&Record, Instant), loss: Loss) {
    let brief = Duration::from_secs(2);
    let early = failover.session().revert(record, within(brief)).await;
    // On a busy machine even this may come late, and then it may go through.
    assert!(early.is_err() || over(since), "{loss:?}: {early:?}");
    let found = Applied::found(record.clone(), Receipt::new(Step::Resume, Protocol::Netconf));
    let early = failover.session().confirm(&found, within(brief)).await;
    assert!(early.is_err(), "{loss:?}: {early:?}");
    let read = async { failover.observe(within(STEP)).await?.resume(record, within(STEP)).await };
    let standing = read.await.unwrap();
    assert!(
        matches!(standing, Standing::Applied(_) | Standing::Untouched),
        "{loss:?}: {standing:?}"
    );
    if loss == Loss::Dropped {
        tokio::time::sleep_until(since + WINDOW + MARGIN).await;
        dual.cuts();
    }
    until_taken_back(failover, &found, loss).await;
    assert!(over(since), "{loss:?}: classified before the window was over");
    until_free(failover, record).await;
    let judged = dual.judged();
    let name = record.delta.iter().next().unwrap().0.to_string();
    assert!(
        judged.contains("eth1") && !judged.contains("eth5") && !judged.contains("eth6"),
        "{loss:?} {name}: {judged}"
    );
}

/// May another protocol write by now, if the window began after this?
fn over(since: Instant) -> bool {
    Instant::now() >= since + WINDOW + MARGIN
}

/// Confirms, as often as the agent would ask again while the device is late to take the change back: that is never a
/// confirm that went through, and in the end it is said what came of it.
async fn until_taken_back(failover: &Failover, found: &Applied, loss: Loss) {
    let end = Instant::now() + AT_LAST;
    loop {
        tokio::time::sleep(ALONE).await;
        match failover.session().confirm(found, within(STEP)).await {
            Ok(confirmed) => panic!("{loss:?}: {confirmed:?}"),
            Err(SessionError::Refused { words, .. }) if words.to_string().contains("taken the change back") => return,
            Err(error) => assert!(Instant::now() < end, "{loss:?}: {error:?}"),
        }
    }
}

/// Reverts, as often as the agent would ask again while the device has not yet noticed that a session is gone.
async fn until_free(failover: &Failover, record: &Record) -> Receipt {
    let end = Instant::now() + AT_LAST;
    loop {
        match failover.session().revert(record, within(STEP)).await {
            Ok(reverted) => return reverted.receipt,
            Err(error) => assert!(Instant::now() < end, "never free: {error:?}"),
        }
        tokio::time::sleep(ALONE).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_change_by_both_protocols_reads_back_as_the_same_tree() {
    if !tests_real::wanted("failover::the_same_change_by_both_protocols") {
        return;
    }
    let dual = Dual::start().await;
    let mut seen: Vec<Tree> = Vec::new();
    for (id, by) in [(20, Protocol::Netconf), (22, Protocol::Cli)] {
        make(&dual, by, id, makes("eth7")).await;
        for reader in [Protocol::Netconf, Protocol::Cli] {
            let mut observer = dual.over(reader).observe(within(STEP)).await.unwrap();
            let path = Path::root().keyed("interface", ["eth7"]);
            seen.push(observer.read(&[path], within(STEP)).await.unwrap());
        }
        make(&dual, by, id + 1, makes("eth7").inverse()).await;
        assert!(!dual.judged().contains("eth7"));
    }
    for tree in &seen {
        assert_eq!(*tree, interface("eth7"));
    }
}

async fn make(dual: &Dual, by: Protocol, id: u128, delta: knowledge_model::Delta) {
    let mut session = dual.over(by).configure(within(STEP)).await.unwrap();
    let staged = session.stage(&change(id, delta, STEP), within(STEP)).await.unwrap();
    let applied = session.apply(staged, within(STEP)).await.unwrap();
    session.confirm(&applied, within(STEP)).await.unwrap();
}
