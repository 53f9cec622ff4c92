//! An agent on a bench: started, killed and started again over the same records, with the test as its controller.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use adapters_port::Access;
use device_agent::app::{Agent, Left, Served, Surroundings};
use device_agent::link::{self, Downward, Upward, Wire};
use device_agent::part::Part;
use knowledge_model::{Delta, Edit, Value};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use transaction::{
    Answer, Demand, DeviceId, Epoch, Inquiry, Lease, Moment, Order, Reply, Request, Step, TransactionId,
};

use crate::device::Device;

pub const R1: DeviceId = DeviceId(0x0192_0000_0000_7000_8000_0000_0000_0001);
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Bench {
    pub folder: TempDir,
    pub device: Device,
    ways: Vec<Device>,
    running: Option<Running>,
}

struct Running {
    wire: Wire,
    stop: CancellationToken,
    task: JoinHandle<Left>,
}

impl Bench {
    pub async fn with(device: Device) -> Self {
        Self::with_ways(vec![device]).await
    }

    pub async fn with_ways(ways: Vec<Device>) -> Self {
        device(&ways)
            .now()
            .running
            .insert("system/hostname".parse().unwrap(), Value::scalar("old"));
        let device = device(&ways);
        let mut bench = Self {
            folder: tempfile::tempdir().unwrap(),
            device,
            ways,
            running: None,
        };
        bench.start().await;
        bench
    }

    pub async fn start(&mut self) {
        self.start_in(surroundings()).await;
    }

    /// Starts anew an agent that waits this long for the steps under way.
    pub async fn restart_draining(&mut self, drain_within: Duration) {
        if self.running.is_some() {
            self.stop().await;
        }
        let surroundings = Surroundings {
            drain_within,
            ..surroundings()
        };
        self.start_in(surroundings).await;
    }

    async fn start_in(&mut self, surroundings: Surroundings) {
        let (link, wire) = link::pair();
        let stop = CancellationToken::new();
        let ways = self
            .ways
            .iter()
            .map(|way| Arc::new(way.clone()) as Arc<dyn Access>)
            .collect();
        let served = vec![Served {
            id: R1,
            name: "r1".to_owned(),
            ways,
        }];
        let agent = Agent::start(self.folder.path(), served, link, surroundings, stop.clone())
            .await
            .unwrap();
        let task = tokio::spawn(async move { agent.serve().await.unwrap() });
        self.running = Some(Running { wire, stop, task });
    }

    /// Ends the agent without a word: what it had in hand is gone, what is on its disk stays.
    pub async fn kill(&mut self) {
        let running = self.running.take().unwrap();
        running.task.abort();
        assert!(running.task.await.unwrap_err().is_cancelled());
        let free =
            || device_agent::ledger::Ledger::open(&self.folder.path().join("records"), Default::default()).is_ok();
        until("the records are free again", free).await;
        until("the session is closed", || self.device.now().locked_by.is_none()).await;
    }

    /// Gives the wire's end away, to what carries it to a controller.
    pub fn take_wire(&mut self) -> Wire {
        let (_, empty) = link::pair();
        std::mem::replace(&mut self.running.as_mut().unwrap().wire, empty)
    }

    pub async fn stop(&mut self) -> Left {
        let running = self.running.take().unwrap();
        running.stop.cancel();
        tokio::time::timeout(PATIENCE, running.task).await.unwrap().unwrap()
    }

    pub async fn say(&mut self, transaction: u128, epoch: u64, order: Order<Part>) {
        let (transaction, epoch) = (TransactionId(transaction), Epoch(epoch));
        self.send(Downward::Request(Request {
            transaction,
            epoch,
            device: R1,
            order,
        }))
        .await;
    }

    pub async fn send(&mut self, word: Downward) {
        self.running.as_ref().unwrap().wire.down.send(word).await.unwrap();
    }

    /// The next word; how far a step has come, and why it fails, is passed over.
    pub async fn next(&mut self) -> Upward {
        let up = &mut self.running.as_mut().unwrap().wire.up;
        loop {
            let word = tokio::time::timeout(PATIENCE, up.recv()).await;
            let word = word.expect("a word in time").unwrap();
            if !matches!(word, Upward::Progress(_) | Upward::Failure { .. }) {
                return word;
            }
        }
    }

    /// The answer to a step; receipts and questions on the way are passed over.
    pub async fn answer(&mut self, step: Step) -> Answer {
        loop {
            if let Upward::Reply(Reply {
                step: answered, answer, ..
            }) = self.next().await
            {
                assert_eq!(answered, step, "{answer:?}");
                return answer;
            }
        }
    }

    pub async fn inquiry(&mut self) -> Inquiry {
        loop {
            match self.next().await {
                Upward::Inquiry(inquiry) => return inquiry,
                Upward::Reply(reply) => panic!("{reply:?}"),
                Upward::Receipt { .. } | Upward::Health { .. } | Upward::Reading { .. } | Upward::Switched(_) => {}
                Upward::Watching { .. } | Upward::Sample(_) | Upward::Progress(_) | Upward::Failure { .. } => {}
            }
        }
    }

    pub async fn ask(&mut self, transaction: u128, order: Order<Part>) -> Answer {
        let step = order.step();
        self.say(transaction, 1, order).await;
        self.answer(step).await
    }

    pub async fn staged(&mut self, transaction: u128, part: Part) {
        let answer = self.ask(transaction, stage(part)).await;
        assert!(matches!(answer, Answer::Staged { .. }), "{answer:?}");
    }
}

fn device(ways: &[Device]) -> Device {
    ways[0].clone()
}

pub fn surroundings() -> Surroundings {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    Surroundings {
        random: || NEXT.fetch_add(1, Ordering::Relaxed).into(),
        now: || Moment(0),
        step_within: Duration::from_millis(300),
        switching: adapters_failover::Policy::default(),
        drain_within: PATIENCE,
    }
}

pub fn hostname(before: &str, after: &str) -> Part {
    let mut delta = Delta::new();
    let edit = Edit {
        before: Some(Value::scalar(before)),
        after: Some(Value::scalar(after)),
    };
    delta.insert("system/hostname".parse().unwrap(), edit);
    Part {
        revision: "test".to_owned(),
        delta,
        stands: Default::default(),
    }
}

pub fn stage(part: Part) -> Order<Part> {
    stage_for(part, Duration::from_secs(30), Duration::from_secs(25))
}

pub fn stage_for(change: Part, lease: Duration, in_doubt: Duration) -> Order<Part> {
    let lease = Lease {
        renewed: lease,
        whole: lease,
        in_doubt,
        ask_every: Duration::from_millis(50),
    };
    Order::Stage {
        looks_on: change.delta.is_empty(),
        change,
        demand: Demand::Any,
        lease,
        comment: "for the test".to_owned(),
        waived: Default::default(),
    }
}

pub async fn until(what: &str, condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait)
        .await
        .unwrap_or_else(|_| panic!("waited in vain: {what}"));
}

/// Whether any file of the agent's records holds this text.
pub fn on_record(folder: &Path, text: &str) -> bool {
    let files = std::fs::read_dir(folder.join("records")).unwrap();
    files.flatten().any(|file| {
        let bytes = std::fs::read(file.path()).unwrap();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}
