//! What is answered to who asks about a transaction.

use std::sync::Mutex as Locked;

use futures::FutureExt;
use transaction::Standing;
use transaction_journal::{AppendError, CompactError, Journal, Json, Keep, Position};

use super::*;

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

/// Agents who keep what they were sent.
#[derive(Default)]
struct Heard(Locked<Vec<Request<Change>>>);

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

    fn look(&self, _device: DeviceId, _paths: Vec<String>) -> BoxFuture<'_, Option<HashMap<String, Content>>> {
        futures::future::ready(None).boxed()
    }
}

impl Gates for Heard {
    fn before(&self, _transaction: TransactionId, _track: Arc<Track>) -> BoxFuture<'static, ()> {
        futures::future::ready(()).boxed()
    }

    fn ask(&self, _: TransactionId, _wave: u16, _: Arc<Track>) -> BoxFuture<'static, Result<(), String>> {
        futures::future::ready(Ok(())).boxed()
    }
}

#[tokio::test]
async fn who_is_led_but_not_heard_is_told_nothing() {
    let heard = Arc::new(Heard::default());
    let (outcomes, _outcomes) = mpsc::channel(1);
    let ground = Ground {
        journal: Arc::new(Unwritten),
        epoch: Epoch(1),
        agents: heard.clone(),
        gates: heard.clone(),
        mute: Arc::default(),
        outcomes,
        restored: None,
    };
    let hub = Hub::start(ground, Vec::new()).await;
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
