//! The agent behind the real stream, with the controller's end of it in the test's hand.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use adapters_port::Guarantee;
use device_agent::link::{self, Upward};
use device_agent::wire::{self, Dial, DialError, Joiner, Parting, Stream};
use fabric_identity::Permission;
use fabric_wire::v1::{self, answer, downward, upward, vote};
use fabric_wire::{Connection, ControllerLink, Door, Limits, Peer};
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::io::DuplexStream;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use transaction::{Answer, Epoch, Reply, Step, TransactionId};

use crate::bench::{Bench, R1, until};
use crate::device::Device;

const PATIENCE: Duration = Duration::from_secs(30);

/// Dials the door of the test. Each connection can be cut.
struct Doorbell {
    forbidden: Option<Permission>,
    /// Whether the next call is taken and not answered, as a machine does that has just died; the one after that is.
    deaf: std::sync::atomic::AtomicBool,
    incoming: mpsc::Sender<io::Result<Connection<DuplexStream>>>,
    cut: Arc<std::sync::Mutex<CancellationToken>>,
}

impl Dial for Doorbell {
    fn dial(&self) -> BoxFuture<'_, Result<Box<dyn Stream>, DialError>> {
        let dial = async {
            if self.deaf.swap(false, Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            let (ours, theirs) = tokio::io::duplex(1 << 16);
            let cut = CancellationToken::new();
            *self.cut.lock().unwrap() = cut.clone();
            let peer = Peer::new("agent-1", |_| true, cut);
            let lost = |_| DialError {
                address: "the test".to_owned(),
                source: "closed".into(),
            };
            self.incoming
                .send(Ok(Connection::new(theirs, peer)))
                .await
                .map_err(lost)?;
            Ok(Box::new(ours) as Box<dyn Stream>)
        };
        dial.boxed()
    }

    fn permits(&self, device: &str, what: Permission) -> bool {
        device == R1.to_string() && self.forbidden != Some(what)
    }
}

fn joiner() -> Joiner {
    let device = v1::Device {
        id: R1.to_string(),
        ..v1::Device::default()
    };
    Joiner {
        name: "agent-1".to_owned(),
        session: [7; 16],
        devices: vec![device],
        capabilities: vec!["gate".to_owned()],
        model_revision: "test".to_owned(),
        description: "an agent of the test".to_owned(),
        attributes: std::collections::BTreeMap::new(),
        clock: || std::time::SystemTime::UNIX_EPOCH,
        leave_within: PATIENCE * 3,
    }
}

pub struct Controller {
    door: Door,
    link: ControllerLink,
    progress: Vec<(v1::Step, String)>,
    cut: Arc<std::sync::Mutex<CancellationToken>>,
    /// Tells the agent's end how to part.
    parting: watch::Sender<Option<Parting>>,
    carrying: tokio::task::JoinHandle<()>,
    _closed: tokio_util::sync::DropGuard,
}

impl Controller {
    pub async fn meet(bench: &mut Bench) -> Self {
        Self::met(bench, None, false).await
    }

    /// Meets an agent whose certificate does not let it do something.
    async fn forbidding(bench: &mut Bench, forbidden: Option<Permission>) -> Self {
        Self::met(bench, forbidden, false).await
    }

    async fn met(bench: &mut Bench, forbidden: Option<Permission>, deaf: bool) -> Self {
        Self::over(bench.take_wire(), forbidden, deaf).await
    }

    async fn over(carried: link::Wire, forbidden: Option<Permission>, deaf: bool) -> Self {
        let (incoming, connections) = mpsc::channel(4);
        let mut door = Door::new("controller-1", Limits::default(), 4);
        let (parting, closed) = (watch::Sender::new(None), CancellationToken::new());
        tokio::spawn(door.serve(ReceiverStream::new(connections), closed.clone()));
        let cut = Arc::default();
        let bell = Doorbell {
            incoming,
            cut: Arc::clone(&cut),
            forbidden,
            deaf: deaf.into(),
        };
        let told = parting.subscribe();
        let carrying = tokio::spawn(async move { wire::carry(joiner(), &bell, carried, None, told).await });
        let link = tokio::time::timeout(PATIENCE * 2, door.next())
            .await
            .expect("an agent in time")
            .unwrap();
        Self {
            door,
            link,
            progress: Vec::new(),
            cut,
            parting,
            carrying,
            _closed: closed.drop_guard(),
        }
    }

    fn ask(&self, step: v1::Step, body: downward::Body) -> u64 {
        let scope = v1::Scope {
            transaction: vec![1; 16],
            epoch: 3,
            device: R1.to_string(),
            step: step.into(),
            attempt: 0,
        };
        self.link.offer(Some(scope), body).unwrap()
    }

    /// The next word; how far a step has come is kept apart.
    async fn next(&mut self) -> upward::Body {
        loop {
            let word = tokio::time::timeout(PATIENCE, self.link.next()).await;
            let word = word.expect("a word in time").unwrap();
            let body = word.body.unwrap();
            let upward::Body::Progress(it) = body else { return body };
            self.progress.push((word.scope.unwrap().step(), it.words));
        }
    }

    pub async fn answer(&mut self, step: v1::Step, body: downward::Body) -> v1::Answer {
        let sequence = self.ask(step, body);
        let upward::Body::Answer(answer) = self.next().await else {
            panic!("no answer")
        };
        assert_eq!(answer.to, sequence);
        answer
    }
}

fn scalar(text: &str) -> Option<v1::Value> {
    Some(v1::Value {
        kind: Some(v1::value::Kind::Scalar(text.to_owned())),
    })
}

pub fn stage(path: &str) -> downward::Body {
    let entry = v1::Entry {
        path: path.to_owned(),
        before: scalar("old"),
        after: scalar("new"),
    };
    let change = v1::Change {
        model_revision: "test".to_owned(),
        entries: vec![entry],
        baseline: Vec::new(),
    };
    let lease = v1::Lease {
        renewed_milliseconds: 30_000,
        whole_milliseconds: 30_000,
        in_doubt_milliseconds: 25_000,
        ask_every_milliseconds: 100,
    };
    downward::Body::Stage(v1::Stage {
        change: Some(change),
        lease: Some(lease),
        ..v1::Stage::default()
    })
}

#[tokio::test]
async fn a_transaction_goes_over_the_wire_and_goes_on_after_a_loss() {
    let mut bench = Bench::with(Device::new(Guarantee::Confirmed)).await;
    let mut controller = Controller::meet(&mut bench).await;
    assert_eq!(controller.link.hello().agent, "agent-1");
    let voted = controller.answer(v1::Step::Stage, stage("system/hostname")).await;
    let Some(answer::Outcome::Vote(v1::Vote {
        choice: Some(vote::Choice::Yes(yes)),
    })) = voted.outcome
    else {
        panic!("{voted:?}")
    };
    assert_eq!((yes.guarantee(), yes.renews), (v1::Guarantee::Confirmed, true));
    assert!(voted.receipt.is_some(), "the device's words come along");
    let applied = controller
        .answer(v1::Step::Apply, downward::Body::Apply(v1::Apply::default()))
        .await;
    assert_eq!(applied.standing(), v1::Standing::Applied);
    assert_eq!(bench.device.text("system/hostname").unwrap(), "new");

    controller.cut.lock().unwrap().cancel();
    controller.link = tokio::time::timeout(PATIENCE, controller.door.next())
        .await
        .expect("it comes back")
        .unwrap();
    assert!(controller.link.is_resumed());
    let confirmed = controller
        .answer(v1::Step::Confirm, downward::Body::Confirm(v1::Confirm::default()))
        .await;
    assert_eq!(confirmed.standing(), v1::Standing::Confirmed);
    until("the device has it for good", || bench.device.now().pending.is_none()).await;
    for step in [v1::Step::Stage, v1::Step::Apply, v1::Step::Confirm] {
        assert!(
            controller.progress.contains(&(step, "at work on 1 entry".to_owned())),
            "{step:?} is told of: {:?}",
            controller.progress
        );
    }
}

#[tokio::test]
async fn a_controller_that_takes_the_call_and_says_nothing_is_called_again() {
    let mut bench = Bench::with(Device::new(Guarantee::Confirmed)).await;
    let mut controller = Controller::met(&mut bench, None, true).await;
    let voted = controller.answer(v1::Step::Stage, stage("system/hostname")).await;
    assert_eq!(voted.standing(), v1::Standing::Staged);
}

#[tokio::test]
async fn who_is_told_to_stop_does_not_wait_for_an_answer_to_its_call() {
    let mut bench = Bench::with(Device::new(Guarantee::Confirmed)).await;
    let (incoming, _connections) = mpsc::channel(4);
    let bell = Doorbell {
        incoming,
        cut: Arc::default(),
        forbidden: None,
        deaf: true.into(),
    };
    let (parting, told) = watch::channel(None);
    let wire = bench.take_wire();
    let carrying = tokio::spawn(async move { wire::carry(joiner(), &bell, wire, None, told).await });
    tokio::task::yield_now().await;
    parting.send_replace(Some(Parting::Leave));
    let stopped = tokio::time::timeout(Duration::from_secs(5), carrying).await;
    assert!(stopped.is_ok(), "it stops while it calls");
}

#[tokio::test]
async fn who_is_told_to_stop_takes_its_leave_and_waits_until_that_is_heard() {
    let mut bench = Bench::with(Device::new(Guarantee::Confirmed)).await;
    let mut controller = Controller::meet(&mut bench).await;
    controller.answer(v1::Step::Stage, stage("system/hostname")).await;
    controller.parting.send_replace(Some(Parting::Leave));
    let last = controller.next().await;
    assert!(matches!(last, upward::Body::Leave(_)), "{last:?}");
    let early = tokio::time::timeout(Duration::from_millis(300), &mut controller.carrying).await;
    assert!(early.is_err(), "it waits until that is heard");
    let registered = downward::Body::Registered(v1::Registered::default());
    controller.link.offer(None, registered).unwrap();
    let ended = tokio::time::timeout(PATIENCE, controller.carrying).await;
    assert!(ended.is_ok(), "it ends once the leave is taken in");
}

#[tokio::test]
async fn who_pauses_says_all_that_was_answered_and_takes_no_leave() {
    let (agent, wire) = link::pair();
    let mut controller = Controller::over(wire, None, false).await;
    let reply = |transaction: u128| Reply {
        transaction: TransactionId(transaction),
        epoch: Epoch(3),
        device: R1,
        step: Step::Confirm,
        answer: Answer::Confirmed,
    };
    for transaction in 1..=200 {
        agent.up.try_send(Upward::Reply(reply(transaction))).unwrap();
    }
    controller.parting.send_replace(Some(Parting::Pause));
    for _ in 1..=200 {
        let word = controller.next().await;
        assert!(matches!(word, upward::Body::Answer(_)), "{word:?}");
    }
    // Nothing but the end comes behind them, well before anybody would be taken for silent or late.
    let ended = tokio::time::timeout(PATIENCE, controller.link.next()).await;
    assert!(ended.is_ok_and(|it| it.is_err()), "it keeps its place");
    controller.carrying.await.unwrap();
}

fn watched(message: upward::Body) -> v1::Sample {
    let upward::Body::Sample(sample) = message else {
        panic!("{message:?}")
    };
    sample
}

#[tokio::test]
async fn a_watch_tells_what_it_sees_until_it_is_ended_or_forgotten() {
    let mut bench = Bench::with(Device::new(Guarantee::Confirmed)).await;
    let mut controller = Controller::meet(&mut bench).await;
    let asked = |name: u8, lease: u64| v1::Watch {
        watch: vec![name; 16],
        source: v1::Source::Running.into(),
        paths: vec!["system/hostname".to_owned()],
        every_milliseconds: 200,
        lease_milliseconds: lease,
        changes_only: true,
    };
    let done = |answer: v1::Answer| assert!(matches!(answer.outcome, Some(answer::Outcome::Done(_))), "{answer:?}");
    done(
        controller
            .answer(v1::Step::Watch, downward::Body::Watch(asked(1, 60_000)))
            .await,
    );
    let first = watched(controller.next().await);
    assert_eq!((first.watch, first.count), (vec![1; 16], 1));
    assert_eq!(first.entries[0].value, scalar("old"));
    bench.device.now().running.insert(
        "system/hostname".parse().unwrap(),
        knowledge_model::Value::scalar("moved"),
    );
    let second = watched(controller.next().await);
    assert_eq!((second.count, &second.entries[0].value), (2, &scalar("moved")));
    bench.device.now().running.remove(&"system/hostname".parse().unwrap());
    let third = watched(controller.next().await);
    assert_eq!((third.count, third.gone), (3, vec!["system/hostname".to_owned()]));

    // Ended, it says nothing more; another one whose lease runs out neither.
    let unwatch = v1::Unwatch { watch: vec![1; 16] };
    done(
        controller
            .answer(v1::Step::Watch, downward::Body::Unwatch(unwatch))
            .await,
    );
    done(
        controller
            .answer(v1::Step::Watch, downward::Body::Watch(asked(2, 2_000)))
            .await,
    );
    assert_eq!(watched(controller.next().await).watch, [2; 16]);
    tokio::time::timeout(Duration::from_millis(2_500), controller.next())
        .await
        .expect_err("nothing has changed");
    bench.device.now().running.insert(
        "system/hostname".parse().unwrap(),
        knowledge_model::Value::scalar("late"),
    );
    tokio::time::timeout(Duration::from_millis(800), controller.next())
        .await
        .expect_err("nobody watches any more");
}

#[tokio::test]
async fn who_wrote_meanwhile_is_named_with_the_revert() {
    let mut bench = Bench::with(Device::new(Guarantee::Confirmed)).await;
    let mut controller = Controller::meet(&mut bench).await;
    controller.answer(v1::Step::Stage, stage("system/hostname")).await;
    controller
        .answer(v1::Step::Apply, downward::Body::Apply(v1::Apply::default()))
        .await;
    bench.device.now().noticed = vec!["system/hostname".parse().unwrap()];
    let reverted = controller
        .answer(v1::Step::Revert, downward::Body::Revert(v1::Revert::default()))
        .await;
    assert_eq!(reverted.standing(), v1::Standing::Untouched);
    assert_eq!(reverted.receipt.unwrap().foreign, ["system/hostname"]);
}

#[tokio::test]
async fn what_stands_on_a_device_is_read_in_its_own_words() {
    let mut bench = Bench::with(Device::new(Guarantee::Confirmed)).await;
    let mut controller = Controller::meet(&mut bench).await;
    let query = v1::Query {
        source: v1::Source::Native.into(),
        paths: Vec::new(),
        within_milliseconds: 5000,
    };
    let read = controller.answer(v1::Step::Query, downward::Body::Query(query)).await;
    let Some(answer::Outcome::Reading(reading)) = read.outcome else {
        panic!("{read:?}")
    };
    assert!(
        reading.native.contains("system/hostname") && !reading.more,
        "{reading:?}"
    );
    assert!(reading.entries.is_empty());
}

#[tokio::test]
async fn what_cannot_be_understood_is_answered_with_a_fault() {
    let mut bench = Bench::with(Device::new(Guarantee::Confirmed)).await;
    let mut controller = Controller::meet(&mut bench).await;
    let watch = downward::Body::Watch(v1::Watch::default());
    let cases = [
        (stage("interface["), "malformed"),
        (downward::Body::Stage(v1::Stage::default()), "malformed"),
        (watch, "unsupported"),
    ];
    for (body, code) in cases {
        let answer = controller.answer(v1::Step::Stage, body).await;
        let Some(answer::Outcome::Fault(fault)) = answer.outcome else {
            panic!("{answer:?}")
        };
        assert_eq!(fault.code, code, "{}", fault.detail);
    }
    assert_eq!(bench.device.now().locked_by, None);
}

#[tokio::test]
async fn what_the_certificate_does_not_permit_is_refused() {
    let mut bench = Bench::with(Device::new(Guarantee::Confirmed)).await;
    let mut controller = Controller::forbidding(&mut bench, Some(Permission::Configure)).await;
    let apply = downward::Body::Apply(v1::Apply::default());
    for (step, body) in [(v1::Step::Stage, stage("system/hostname")), (v1::Step::Apply, apply)] {
        let answer = controller.answer(step, body).await;
        let Some(answer::Outcome::Fault(fault)) = answer.outcome else {
            panic!("{answer:?}")
        };
        assert_eq!(fault.code, "out-of-scope", "{}", fault.detail);
        assert!(fault.detail.contains("configure"), "{}", fault.detail);
    }
    assert_eq!(bench.device.now().locked_by, None, "nothing was begun");
    let revert = downward::Body::Revert(v1::Revert::default());
    let answer = controller.answer(v1::Step::Revert, revert).await;
    assert!(
        !matches!(&answer.outcome, Some(answer::Outcome::Fault(it)) if it.code == "out-of-scope"),
        "the way back is open: {answer:?}"
    );
}

#[tokio::test]
async fn what_stands_on_a_device_is_read_and_its_health_is_looked_at() {
    let mut bench = Bench::with(Device::new(Guarantee::Confirmed)).await;
    let mut controller = Controller::meet(&mut bench).await;
    let query = v1::Query {
        source: v1::Source::Running.into(),
        paths: vec!["system/hostname".to_owned()],
        within_milliseconds: 5000,
    };
    let read = controller.answer(v1::Step::Query, downward::Body::Query(query)).await;
    let Some(answer::Outcome::Reading(reading)) = read.outcome else {
        panic!("{read:?}")
    };
    let entry = v1::Observed {
        path: "system/hostname".to_owned(),
        value: scalar("old"),
    };
    assert_eq!((reading.entries, reading.more), (vec![entry], false));

    let check = |name: &str, kind| v1::Check {
        name: name.to_owned(),
        kind: Some(kind),
        ..v1::Check::default()
    };
    let gate = v1::Gate {
        checks: vec![
            check("way", v1::check::Kind::Management(v1::Management {})),
            check(
                "link",
                v1::check::Kind::Link(v1::Link {
                    interface: "eth1".to_owned(),
                }),
            ),
        ],
        within_milliseconds: 100,
        steady_milliseconds: 0,
    };
    let looked = controller.answer(v1::Step::Gate, downward::Body::Gate(gate)).await;
    let Some(answer::Outcome::Health(health)) = looked.outcome else {
        panic!("{looked:?}")
    };
    let colors: Vec<_> = health
        .findings
        .iter()
        .map(|it| (it.name.as_str(), it.color()))
        .collect();
    assert_eq!(colors, [("way", v1::Color::Green), ("link", v1::Color::NoData)]);
}
