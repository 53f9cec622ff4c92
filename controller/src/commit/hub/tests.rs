//! What is answered to who asks about a transaction.

use std::sync::Mutex as Locked;

use futures::FutureExt;
use transaction::{Answer, Demand, Ending, Gate, Guarantee, Order, Standing, Step, Terms};
use transaction_journal::{AppendError, CompactError, Journal, Json, Keep, Position};

use super::super::change::Entry;
use super::super::merge::Ride;
use super::*;
use transaction::TicketId;

mod looking;
mod riding;

/// A journal that no test writes to.
struct Unwritten;

impl Journal<Json<CoordinatorRecord<Change>>> for Unwritten {
    fn append(
        &self,
        _epoch: Epoch,
        _records: Vec<Json<CoordinatorRecord<Change>>>,
    ) -> BoxFuture<'_, Result<Position, AppendError>> {
        futures::future::pending().boxed()
    }

    fn compact(&self, _keep: Keep<Json<CoordinatorRecord<Change>>>) -> BoxFuture<'_, Result<(), CompactError>> {
        futures::future::pending().boxed()
    }
}

/// A journal that takes everything but what is too long for it.
struct Picky;

impl Journal<Json<CoordinatorRecord<Change>>> for Picky {
    fn append(
        &self,
        _epoch: Epoch,
        records: Vec<Json<CoordinatorRecord<Change>>>,
    ) -> BoxFuture<'_, Result<Position, AppendError>> {
        let too_long = records.iter().any(|it| match &it.0 {
            CoordinatorRecord::Began { charge, .. } => charge.comment == "too long",
            CoordinatorRecord::Decided { .. }
            | CoordinatorRecord::Settled { .. }
            | CoordinatorRecord::Cleared { .. } => false,
        });
        let answer = if too_long {
            Err(AppendError::TooLarge { bytes: 9, limit: 8 })
        } else {
            Ok(Position(1))
        };
        futures::future::ready(answer).boxed()
    }

    fn compact(&self, _keep: Keep<Json<CoordinatorRecord<Change>>>) -> BoxFuture<'_, Result<(), CompactError>> {
        futures::future::pending().boxed()
    }
}

/// A journal that another writes to from some moment on.
#[derive(Default)]
struct Taken(AtomicBool);

impl Journal<Json<CoordinatorRecord<Change>>> for Taken {
    fn append(
        &self,
        _epoch: Epoch,
        _records: Vec<Json<CoordinatorRecord<Change>>>,
    ) -> BoxFuture<'_, Result<Position, AppendError>> {
        let taken = self.0.load(Ordering::Acquire);
        let answer = if taken {
            Err(AppendError::Fenced { current: Epoch(2) })
        } else {
            Ok(Position(1))
        };
        futures::future::ready(answer).boxed()
    }

    fn compact(&self, _keep: Keep<Json<CoordinatorRecord<Change>>>) -> BoxFuture<'_, Result<(), CompactError>> {
        futures::future::pending().boxed()
    }
}

/// A transaction that was asked for in time, and may not begin any more.
const FROZEN: TransactionId = TransactionId(404);

/// A transaction whose devices do not answer when they are looked at before it begins.
const UNSEEN: TransactionId = TransactionId(405);

/// Agents who keep what they were sent.
#[derive(Default)]
struct Heard(Locked<Vec<Request<Change>>>, Older);

/// Whether their programs are from before anybody only looked on.
type Older = AtomicBool;

impl Agents for Heard {
    fn offer(&self, request: Request<Change>) -> bool {
        self.0.lock().unwrap().push(request);
        true
    }

    fn name(&self, device: DeviceId) -> String {
        device.to_string()
    }

    fn devices(&self) -> Vec<DeviceId> {
        Vec::new()
    }

    fn lets_go(&self, _device: DeviceId) -> bool {
        !self.1.load(Ordering::Acquire)
    }

    fn look(&self, _device: DeviceId, _paths: Vec<String>) -> BoxFuture<'_, Option<HashMap<String, Content>>> {
        futures::future::ready(None).boxed()
    }
}

impl Gates for Heard {
    fn before(
        &self,
        transaction: TransactionId,
        riders: Vec<TransactionId>,
        _track: Arc<Track>,
    ) -> BoxFuture<'static, Result<(), String>> {
        if transaction == UNSEEN {
            return futures::future::pending().boxed();
        }
        let frozen = transaction == FROZEN || riders.contains(&FROZEN);
        futures::future::ready(if frozen { Err("is frozen".to_owned()) } else { Ok(()) }).boxed()
    }

    fn ask(&self, _: TransactionId, _wave: u16, _: Arc<Track>) -> BoxFuture<'static, Result<(), String>> {
        futures::future::ready(Ok(())).boxed()
    }
}

fn ground(journal: Arc<Decisions>, heard: &Arc<Heard>, outcomes: mpsc::Sender<Outcome>) -> Ground {
    Ground {
        journal,
        epoch: Epoch(1),
        agents: heard.clone(),
        gates: heard.clone(),
        look_within: Duration::from_secs(60),
        mute: Arc::default(),
        outcomes,
        restored: None,
    }
}

fn charge(number: u128, device: u128, comment: &str) -> Charge<Change> {
    let change = Change {
        plan: String::new(),
        entries: Vec::new(),
        stands: Vec::new(),
    };
    Charge {
        transaction: TransactionId(number),
        intents: Vec::new(),
        riders: Vec::new(),
        comment: comment.to_owned(),
        members: vec![Member {
            device: DeviceId(device),
            change,
            demand: Demand::Any,
            wave: 0,
            debts: Vec::new(),
            looks_on: false,
            lingers: false,
        }],
        gate: Gate::None,
        terms: Terms::default(),
    }
}

/// The transaction that was refused next, and why.
async fn refused(outcomes: &mut mpsc::Receiver<Outcome>) -> (TransactionId, String) {
    match outcomes.recv().await {
        Some(Outcome::Refused {
            transaction, reason, ..
        }) => (transaction, reason),
        other => panic!("{other:?}"),
    }
}

/// Waits until it holds.
async fn until(holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.unwrap();
}

/// Waits until somebody heard of this transaction.
async fn heard_of(heard: &Heard, number: u128) {
    let of = TransactionId(number);
    until(|| heard.0.lock().unwrap().iter().any(|it| it.transaction == of)).await;
}

/// Admission lets it in before it hears of the withdrawal, for the two are on their way together.
#[tokio::test]
async fn who_cancels_while_admission_lets_him_in_never_begins() {
    let heard = Arc::new(Heard::default());
    let (outcomes, mut told) = mpsc::channel(4);
    let hub = Hub::start(ground(Arc::new(Picky), &heard, outcomes), Vec::new()).await;
    hub.submit(charge(1, 7, ""), Ride::Alone, Arc::default()).await;
    assert!(hub.cancel(TransactionId(1)).await, "it is known, so it is answered");
    let (transaction, reason) = refused(&mut told).await;
    assert_eq!(transaction, TransactionId(1));
    assert!(reason.contains("withdrawn"), "{reason}");
    assert!(heard.0.lock().unwrap().is_empty(), "nobody heard of it");
    assert!(!hub.cancel(TransactionId(1)).await, "it is over");
    // Its device is free again.
    hub.submit(charge(2, 7, ""), Ride::Alone, Arc::default()).await;
    heard_of(&heard, 2).await;
}

/// It was let in as its devices became free; meanwhile somebody froze them.
#[tokio::test]
async fn what_may_not_begin_any_more_begins_nothing_and_frees_its_devices() {
    let heard = Arc::new(Heard::default());
    let (outcomes, mut told) = mpsc::channel(4);
    let hub = Hub::start(ground(Arc::new(Picky), &heard, outcomes), Vec::new()).await;
    hub.submit(charge(FROZEN.0, 7, ""), Ride::Alone, Arc::default()).await;
    assert_eq!(refused(&mut told).await, (FROZEN, "is frozen".to_owned()));
    assert!(heard.0.lock().unwrap().is_empty(), "nobody heard of it");
    hub.submit(charge(2, 7, ""), Ride::Alone, Arc::default()).await;
    heard_of(&heard, 2).await;
}

/// What comes of this, in time.
async fn in_time<T>(waiting: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), waiting).await.unwrap()
}

#[tokio::test]
async fn who_waits_is_shown_with_whom_he_waits_for_and_can_withdraw() {
    let heard = Arc::new(Heard::default());
    let (outcomes, mut told) = mpsc::channel(4);
    let hub = Hub::start(ground(Arc::new(Picky), &heard, outcomes), Vec::new()).await;
    hub.submit(charge(1, 7, ""), Ride::Alone, Arc::default()).await;
    heard_of(&heard, 1).await;
    hub.submit(charge(2, 7, ""), Ride::Alone, Arc::default()).await;
    until(|| hub.waits(TransactionId(2)).is_some()).await;
    let waits = hub.waits(TransactionId(2)).unwrap();
    assert_eq!((waits.before, waits.behind), (0, vec![TicketId(1)]));
    assert!(hub.waits(TransactionId(1)).is_none(), "it runs");
    assert!(hub.cancel(TransactionId(2)).await);
    assert_eq!(refused(&mut told).await.0, TransactionId(2));
    assert!(hub.waits(TransactionId(2)).is_none());
}

#[tokio::test]
async fn a_record_that_is_too_long_is_its_own_transactions_misfortune() {
    let heard = Arc::new(Heard::default());
    let (outcomes, mut told) = mpsc::channel(4);
    let hub = Hub::start(ground(Arc::new(Picky), &heard, outcomes), Vec::new()).await;
    hub.submit(charge(1, 7, "too long"), Ride::Alone, Arc::default()).await;
    let (transaction, reason) = refused(&mut told).await;
    assert_eq!(transaction, TransactionId(1));
    assert!(reason.contains("longer than 8"), "{reason}");
    assert!(!hub.is_mute(), "the others are led on");
    hub.submit(charge(2, 7, ""), Ride::Alone, Arc::default()).await;
    heard_of(&heard, 2).await;
    assert!(
        heard
            .0
            .lock()
            .unwrap()
            .iter()
            .all(|it| it.transaction != TransactionId(1))
    );
}

fn says(number: u128, step: Step, answer: Answer) -> Reply {
    Reply {
        transaction: TransactionId(number),
        epoch: Epoch(1),
        device: DeviceId(7),
        step,
        answer,
    }
}

/// Waits until somebody heard this step of a transaction.
async fn heard_step(heard: &Heard, number: u128, step: Step) {
    let of = TransactionId(number);
    let is = |it: &Request<Change>| it.transaction == of && it.order.step() == step;
    until(|| heard.0.lock().unwrap().iter().any(is)).await;
}

async fn settled(outcomes: &mut mpsc::Receiver<Outcome>) -> Ending {
    match tokio::time::timeout(Duration::from_secs(20), outcomes.recv()).await {
        Ok(Some(Outcome::Settled(settlement, _))) => settlement.ending,
        other => panic!("{other:?}"),
    }
}

const HIGHEST: Answer = Answer::Superseded { by: Epoch(u64::MAX) };

/// The journal knows who leads; an agent that says otherwise fails its own part, and stops nobody.
#[tokio::test]
async fn an_agent_that_says_that_another_leads_stops_nobody() {
    let heard = Arc::new(Heard::default());
    let (outcomes, mut told) = mpsc::channel(4);
    let hub = Hub::start(ground(Arc::new(Picky), &heard, outcomes), Vec::new()).await;
    let staged = || Answer::Staged {
        guarantee: Guarantee::Confirmed,
        renews: true,
    };
    // Before the decision: it is taken back, and the device is free for the next.
    hub.submit(charge(1, 7, ""), Ride::Alone, Arc::default()).await;
    heard_step(&heard, 1, Step::Stage).await;
    hub.reply(says(1, Step::Stage, HIGHEST));
    heard_step(&heard, 1, Step::Revert).await;
    hub.reply(says(1, Step::Revert, Answer::Reverted));
    let ending = settled(&mut told).await;
    assert!(
        matches!(&ending, Ending::RolledBack { reason } if reason.to_string().contains("none does")),
        "{ending:?}"
    );
    // After it: it is asked again, and can still say that it has confirmed. Its questions stop nobody either.
    hub.submit(charge(2, 7, ""), Ride::Alone, Arc::default()).await;
    heard_step(&heard, 2, Step::Stage).await;
    hub.reply(says(2, Step::Stage, staged()));
    heard_step(&heard, 2, Step::Apply).await;
    hub.asked(Inquiry {
        transaction: TransactionId(2),
        epoch: Epoch(u64::MAX),
        device: DeviceId(7),
        standing: Standing::Applied,
    });
    hub.reply(says(2, Step::Apply, Answer::Applied));
    heard_step(&heard, 2, Step::Confirm).await;
    let confirms = || {
        let sent = heard.0.lock().unwrap();
        sent.iter()
            .filter(|it| matches!(it.order, Order::Confirm { .. }))
            .count()
    };
    hub.reply(says(2, Step::Confirm, HIGHEST));
    assert_eq!(confirms(), 1);
    hub.reply(says(2, Step::Confirm, Answer::Confirmed));
    assert_eq!(settled(&mut told).await, Ending::Committed);
    assert!(!hub.is_mute());
}

#[tokio::test]
async fn a_charge_that_no_coordinator_takes_is_refused() {
    let heard = Arc::new(Heard::default());
    let (outcomes, mut told) = mpsc::channel(4);
    let hub = Hub::start(ground(Arc::new(Picky), &heard, outcomes), Vec::new()).await;
    let mut twice = charge(1, 7, "");
    twice.members.push(twice.members[0].clone());
    hub.submit(twice, Ride::Alone, Arc::default()).await;
    let (_, reason) = refused(&mut told).await;
    assert!(reason.contains("takes part twice"), "{reason}");
    hub.submit(charge(2, 7, ""), Ride::Alone, Arc::default()).await;
    heard_of(&heard, 2).await;
}

#[tokio::test]
async fn who_is_led_but_not_heard_is_told_nothing() {
    let heard = Arc::new(Heard::default());
    let (outcomes, _outcomes) = mpsc::channel(1);
    let hub = Hub::start(ground(Arc::new(Unwritten), &heard, outcomes), Vec::new()).await;
    let inquiry = |number| Inquiry {
        transaction: TransactionId(number),
        epoch: Epoch(1),
        device: DeviceId(7),
        standing: Standing::Applied,
    };
    // It runs, and its queue has room for one word alone.
    let (inputs, _busy) = mpsc::channel(1);
    let running = Running {
        devices: BTreeSet::from([DeviceId(7)]),
        inputs,
        task: None,
    };
    hub.running.lock().unwrap().insert(TransactionId(1), running);
    hub.asked(inquiry(1));
    hub.asked(inquiry(1));
    assert!(
        heard.0.lock().unwrap().is_empty(),
        "nothing is presumed of what is led, however busy its leader is"
    );
    // Of a transaction that nobody leads, the revert is presumed.
    hub.asked(inquiry(2));
    let sent = heard.0.lock().unwrap();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].transaction, TransactionId(2));
}

/// An agent's word has the journal asked, and what that says holds: from then on this controller says nothing.
#[tokio::test]
async fn where_the_journal_says_so_too_nothing_more_is_said() {
    let heard = Arc::new(Heard::default());
    let (outcomes, _told) = mpsc::channel(4);
    let taken = Arc::new(Taken::default());
    let hub = Hub::start(ground(taken.clone(), &heard, outcomes), Vec::new()).await;
    hub.submit(charge(1, 7, ""), Ride::Alone, Arc::default()).await;
    heard_step(&heard, 1, Step::Stage).await;
    taken.0.store(true, Ordering::Release);
    hub.reply(says(1, Step::Stage, HIGHEST));
    until(|| hub.is_mute()).await;
    let inquiry = Inquiry {
        transaction: TransactionId(2),
        epoch: Epoch(1),
        device: DeviceId(7),
        standing: Standing::Applied,
    };
    hub.asked(inquiry);
    let said = heard.0.lock().unwrap();
    assert!(said.iter().all(|it| it.order.step() == Step::Stage), "{said:?}");
}

#[tokio::test]
async fn who_is_announced_can_be_withdrawn_and_never_begins() {
    let heard = Arc::new(Heard::default());
    let (outcomes, mut told) = mpsc::channel(4);
    let hub = Hub::start(ground(Arc::new(Picky), &heard, outcomes), Vec::new()).await;
    let track = hub.announce(TransactionId(1));
    assert!(hub.cancel(TransactionId(1)).await, "it is known before it is submitted");
    hub.submit(charge(1, 7, ""), Ride::Alone, track).await;
    let (transaction, reason) = refused(&mut told).await;
    assert!(
        transaction == TransactionId(1) && reason.contains("withdrawn"),
        "{reason}"
    );
    let _track = hub.announce(TransactionId(2));
    assert!(!hub.retract(TransactionId(2)), "nobody withdrew it");
    assert!(!hub.cancel(TransactionId(2)).await, "it is not submitted after all");
    let _track = hub.announce(TransactionId(3));
    assert!(hub.cancel(TransactionId(3)).await && hub.retract(TransactionId(3)));
    assert!(heard.0.lock().unwrap().is_empty() && hub.open().is_empty());
}

#[tokio::test]
async fn who_waits_for_a_device_whose_agent_is_shut_out_is_withdrawn() {
    let heard = Arc::new(Heard::default());
    let (outcomes, mut told) = mpsc::channel(4);
    let hub = Hub::start(ground(Arc::new(Picky), &heard, outcomes), Vec::new()).await;
    for number in [1, 2] {
        hub.submit(charge(number, 7, ""), Ride::Alone, Arc::default()).await;
    }
    hub.submit(charge(3, 8, ""), Ride::Alone, Arc::default()).await;
    heard_step(&heard, 1, Step::Stage).await;
    heard_step(&heard, 3, Step::Stage).await;
    until(|| hub.waits(TransactionId(2)).is_some()).await;
    hub.shut_out(&BTreeSet::from([DeviceId(7)])).await;
    let (transaction, reason) = refused(&mut told).await;
    assert!(
        transaction == TransactionId(2) && reason.contains("withdrawn"),
        "{reason}"
    );
    heard_step(&heard, 1, Step::Revert).await;
    let sent = heard.0.lock().unwrap();
    assert!(
        sent.iter()
            .all(|it| it.transaction.0 != 3 || it.order.step() == Step::Stage),
        "another device"
    );
}
