//! The driver against a device with two protocols over one datastore, each of which can be killed at any step.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

#[path = "driver/device.rs"]
mod device;

use adapters_failover::{Failover, Memory, Policy, Terms};
use adapters_port::{
    Access, Capabilities, ConfigureSession, Deadline, Demand, Denial, Guarantee, Keeper, Protocol, SessionError,
    Standing,
};
use device::{Device, Dies, Told, change, soon};
use futures::future::BoxFuture;
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn failover(device: &Device, told: &Arc<Told>) -> Failover {
    let routes: Vec<Arc<dyn Access>> = vec![
        Arc::new(device.access(Protocol::Netconf)),
        Arc::new(device.access(Protocol::Cli)),
    ];
    Failover::new(
        "pe1",
        routes,
        Policy::default(),
        Duration::from_secs(5),
        Arc::clone(told) as _,
    )
}

#[tokio::test(start_paused = true)]
async fn before_stage_the_switch_is_transparent_and_told() {
    let (device, told) = (Device::new(Guarantee::Confirmed), Arc::new(Told::default()));
    device.dies(Protocol::Netconf, Dies::Connecting);
    let mut session = failover(&device, &told).configure(soon()).await.unwrap();
    let staged = session.stage(&change(), soon()).await.unwrap();
    assert_eq!(staged.record().protocol, Protocol::Cli);
    let remark = &staged.receipt().remarks[0];
    assert!(
        remark.starts_with("switched from NETCONF to CLI: lost pe1 over NETCONF"),
        "{remark}"
    );
    assert_eq!(told.switches(), [(Protocol::Netconf, Protocol::Cli)]);
    let applied = session.apply(staged, soon()).await.unwrap();
    session.confirm(&applied, soon()).await.unwrap();
    assert!(device.holds_change());
}

#[tokio::test(start_paused = true)]
async fn below_the_demanded_guarantee_the_vote_is_no() {
    let (device, told) = (Device::new(Guarantee::Confirmed), Arc::new(Told::default()));
    device.dies(Protocol::Netconf, Dies::Connecting);
    let mut session = failover(&device, &told).session();
    let vote = session.stage_on(&TakenBack, &change(), soon()).await;
    assert!(matches!(&vote, Err(SessionError::Unsupported { .. })), "{vote:?}");
    assert_eq!(device.writes(Protocol::Cli), 0);
}

#[tokio::test(start_paused = true)]
async fn who_is_not_let_in_does_not_try_the_window() {
    for denial in [Denial::HostKeyChanged, Denial::Login, Denial::AccessControl] {
        let (device, told) = (Device::new(Guarantee::Confirmed), Arc::new(Told::default()));
        device.dies(Protocol::Netconf, Dies::Denying(denial));
        let mut session = failover(&device, &told).configure(soon()).await.unwrap();
        let vote = session.stage(&change(), soon()).await;
        assert!(matches!(&vote, Err(SessionError::Denied { .. })), "{vote:?}");
        assert!(told.switches().is_empty() && device.writes(Protocol::Cli) == 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_half_staged_change_is_left_only_with_proof() {
    let (device, told) = (Device::new(Guarantee::Confirmed), Arc::new(Told::default()));
    device.dies(Protocol::Netconf, Dies::Staging);
    let mut session = failover(&device, &told).configure(soon()).await.unwrap();
    let vote = session.stage(&change(), soon()).await;
    assert!(matches!(&vote, Err(SessionError::Unreachable { .. })), "{vote:?}");
    assert_eq!(device.writes(Protocol::Cli), 0);

    // Also the next session, of the same change or another one, is held to what this one may have left behind.
    let failover = failover(&device, &told);
    let mut session = failover.session();
    assert!(session.stage(&change(), soon()).await.is_err());
    drop(session);
    device.dies(Protocol::Netconf, Dies::Connecting);
    let vote = failover.session().stage(&change(), soon()).await;
    assert!(vote.is_err() && device.writes(Protocol::Cli) == 0, "{vote:?}");
    // A terminal whose stage takes the locks of all is let in only when nothing is left: that is the proof.
    device.exclusive(true);
    let staged = failover.session().stage(&change(), soon()).await.unwrap();
    assert_eq!(staged.record().protocol, Protocol::Cli);
}

/// What outlives a process, in memory.
#[derive(Default)]
struct Kept(Mutex<Option<Protocol>>);

impl Memory for Kept {
    fn recall(&self) -> Option<Protocol> {
        *self.0.lock().unwrap()
    }

    fn keep(&self, protocol: Option<Protocol>) -> BoxFuture<'_, std::io::Result<()>> {
        *self.0.lock().unwrap() = protocol;
        Box::pin(std::future::ready(Ok(())))
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_process_left_half_staged_is_known_to_the_next() {
    let (device, told) = (Device::new(Guarantee::Confirmed), Arc::new(Told::default()));
    let kept = Arc::new(Kept::default());
    let started = || failover(&device, &told).remembering(Arc::clone(&kept) as _);
    device.dies(Protocol::Netconf, Dies::Staging);
    assert!(started().session().stage(&change(), soon()).await.is_err());
    assert_eq!(kept.recall(), Some(Protocol::Netconf));
    device.dies(Protocol::Netconf, Dies::Connecting);
    let vote = started().session().stage(&change(), soon()).await;
    assert!(vote.is_err() && device.writes(Protocol::Cli) == 0, "{vote:?}");
    // Over the same protocol it goes on, and what has ended is forgotten.
    device.dies(Protocol::Netconf, Dies::Never);
    let mut session = started().session();
    let staged = session.stage(&change(), soon()).await.unwrap();
    let applied = session.apply(staged, soon()).await.unwrap();
    assert_eq!(kept.recall(), Some(Protocol::Netconf));
    session.confirm(&applied, soon()).await.unwrap();
    assert_eq!(kept.recall(), None);
    device.dies(Protocol::Netconf, Dies::Connecting);
    let staged = started().session().stage(&change(), soon()).await.unwrap();
    assert_eq!(staged.record().protocol, Protocol::Cli);
}

/// A protocol that never answers leaves time for another one, also of a short deadline.
#[tokio::test(start_paused = true)]
async fn a_short_read_reaches_the_second_protocol() {
    let (device, told) = (Device::new(Guarantee::Confirmed), Arc::new(Told::default()));
    device.dies(Protocol::Netconf, Dies::Silent);
    let failover = failover(&device, &told);
    let brief = || Deadline::after(tokio::time::Instant::now().into_std(), Duration::from_secs(2));
    let mut observer = failover.observe(brief()).await.unwrap();
    observer.read(&[], brief()).await.unwrap();
    assert_eq!(failover.protocol(), Protocol::Cli);
    assert_eq!(failover.capabilities(brief()).await.unwrap().protocol, Protocol::Cli);
}

/// Insists that the device takes it back by itself.
struct TakenBack;

impl Terms for TakenBack {
    fn window(&self, _capabilities: &Capabilities) -> Option<Duration> {
        None
    }

    fn demand(&self) -> Option<Demand> {
        Some(Demand::TakenBackBy(Keeper::Device))
    }
}

#[tokio::test(start_paused = true)]
async fn a_pending_commit_is_nobody_elses_until_its_window_is_over() {
    for reverted in [true, false] {
        let (device, told) = (Device::new(Guarantee::Confirmed), Arc::new(Told::default()));
        let mut session = failover(&device, &told).configure(soon()).await.unwrap();
        let staged = session.stage(&change(), soon()).await.unwrap();
        let applied = session.apply(staged, soon()).await.unwrap();
        device.dies(Protocol::Netconf, Dies::Confirming);
        let early = session.confirm(&applied, soon()).await;
        assert!(
            matches!(
                &early,
                Err(SessionError::Unknown { .. } | SessionError::Unreachable { .. })
            ),
            "{early:?}"
        );
        device.dies(Protocol::Netconf, Dies::Connecting);
        let early = session.revert(applied.record(), soon()).await;
        assert!(early.is_err() && device.writes(Protocol::Cli) == 0, "{early:?}");
        // Others may read all the while.
        let mut observer = failover(&device, &told).observe(soon()).await.unwrap();
        assert!(matches!(
            observer.resume(applied.record(), soon()).await.unwrap(),
            Standing::Applied(_)
        ));

        tokio::time::advance(applied.record().window + Duration::from_secs(10)).await;
        if reverted {
            device.takes_back();
            let late = session.confirm(&applied, soon()).await;
            assert!(matches!(&late, Err(SessionError::Refused { .. })), "{late:?}");
            assert!(!device.holds_change() && device.writes(Protocol::Cli) == 0);
        } else {
            // The confirm that nobody answered had arrived.
            let late = session.confirm(&applied, soon()).await.unwrap();
            assert!(
                late.receipt
                    .remarks
                    .iter()
                    .any(|it| it == "applied over NETCONF, confirmed over CLI"),
                "{late:?}"
            );
            assert!(device.holds_change());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_apply_that_nobody_answered_counts_as_pending() {
    let (device, told) = (Device::new(Guarantee::Confirmed), Arc::new(Told::default()));
    let mut session = failover(&device, &told).configure(soon()).await.unwrap();
    let staged = session.stage(&change(), soon()).await.unwrap();
    let record = staged.record().clone();
    device.dies(Protocol::Netconf, Dies::Applying);
    let unknown = session.apply(staged, soon()).await;
    assert!(matches!(&unknown, Err(SessionError::Unknown { .. })), "{unknown:?}");
    device.dies(Protocol::Netconf, Dies::Connecting);
    assert!(session.revert(&record, soon()).await.is_err() && device.writes(Protocol::Cli) == 0);
    tokio::time::advance(record.window + Duration::from_secs(10)).await;
    session.revert(&record, soon()).await.unwrap();
    assert!(!device.holds_change());
}

#[tokio::test(start_paused = true)]
async fn an_apply_may_arrive_as_late_as_its_session_was_closed() {
    for guarantee in [Guarantee::Confirmed, Guarantee::Whole] {
        let (device, told) = (Device::new(guarantee), Arc::new(Told::default()));
        let mut session = failover(&device, &told).configure(soon()).await.unwrap();
        let staged = session.stage(&change(), soon()).await.unwrap();
        let record = staged.record().clone();
        device.dies(Protocol::Netconf, Dies::Late);
        let unknown = session.apply(staged, soon()).await;
        assert!(matches!(&unknown, Err(SessionError::Unknown { .. })), "{unknown:?}");
        device.dies(Protocol::Netconf, Dies::Connecting);
        // The device counts from then: this is not over when the window after the first byte is.
        let pending = match guarantee.keeper() {
            Keeper::Device => record.window,
            Keeper::Session | Keeper::Agent => Duration::ZERO,
        };
        tokio::time::advance(pending).await;
        let early = session.revert(&record, soon()).await;
        assert!(
            early.is_err() && device.writes(Protocol::Cli) == 0,
            "{guarantee}: {early:?}"
        );
        tokio::time::advance(Duration::from_secs(6)).await;
        session.revert(&record, soon()).await.unwrap();
        assert!(!device.holds_change());
    }
}

#[tokio::test(start_paused = true)]
async fn what_only_we_can_take_back_is_ended_over_what_answers() {
    for confirm in [true, false] {
        let (device, told) = (Device::new(Guarantee::Whole), Arc::new(Told::default()));
        let mut session = failover(&device, &told).configure(soon()).await.unwrap();
        let staged = session.stage(&change(), soon()).await.unwrap();
        let applied = session.apply(staged, soon()).await.unwrap();
        device.dies(Protocol::Netconf, Dies::Connecting);
        device.cut(Protocol::Netconf);
        if confirm {
            session.confirm(&applied, soon()).await.unwrap();
        } else {
            session.revert(applied.record(), soon()).await.unwrap();
        }
        assert_eq!(device.holds_change(), confirm);
        assert_eq!(told.switches(), [(Protocol::Netconf, Protocol::Cli)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_renewal_goes_nowhere_else() {
    let (device, told) = (Device::new(Guarantee::Confirmed), Arc::new(Told::default()));
    let mut session = failover(&device, &told).configure(soon()).await.unwrap();
    let staged = session.stage(&change(), soon()).await.unwrap();
    let applied = session.apply(staged, soon()).await.unwrap();
    session.renew(&applied, soon()).await.unwrap();
    device.cut(Protocol::Netconf);
    device.dies(Protocol::Netconf, Dies::Connecting);
    assert!(session.renew(&applied, soon()).await.is_err() && device.writes(Protocol::Cli) == 0);
}

#[tokio::test(start_paused = true)]
async fn it_goes_back_when_the_better_one_has_been_well_for_a_while() {
    let (device, told) = (Device::new(Guarantee::Whole), Arc::new(Told::default()));
    let failover = failover(&device, &told);
    device.dies(Protocol::Netconf, Dies::Connecting);
    let read = async || {
        let mut observer = failover.observe(soon()).await.unwrap();
        observer.read(&[], soon()).await.unwrap();
        failover.protocol()
    };
    assert_eq!(read().await, Protocol::Cli);
    device.dies(Protocol::Netconf, Dies::Never);
    tokio::time::advance(Duration::from_secs(6)).await;
    failover.probe(soon()).await;
    assert_eq!(read().await, Protocol::Cli, "not at once");
    tokio::time::advance(Policy::default().well_for).await;
    assert_eq!(read().await, Protocol::Netconf);
    assert_eq!(
        told.switches(),
        [(Protocol::Netconf, Protocol::Cli), (Protocol::Cli, Protocol::Netconf)]
    );
}
