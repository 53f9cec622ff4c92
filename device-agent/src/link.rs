//! The seam between the devices' drivers and whatever carries their words: two bounded channels.

use std::time::Duration;

use adapters_port::{Protocol, Receipt};
use knowledge_model::{Path, Tree};
use tokio::sync::mpsc;
use tokio::time::Instant;
use transaction::{DeviceId, Inquiry, Reply, Request, Step, TransactionId};

use crate::check::{Finding, Task};
use crate::failure::Failure;
use crate::part::Part;

/// How many messages wait in each direction.
const WAITING: usize = 8_192;

/// What comes from the controller.
#[derive(Debug, Clone)]
pub enum Downward {
    /// A coordinator speaks to a participant.
    Request(Request<Part>),
    /// Look at a device's health.
    Gate(Gate),
    /// Read a device's running configuration.
    Query(Query),
    /// Tell again and again what stands on a device.
    Watch(Watch),
    /// Tell it no longer.
    Unwatch(Unwatch),
}

/// What a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The running configuration.
    Running,
    /// The running configuration in the device's own words, with secrets hidden.
    Native,
    /// What the device says of itself.
    State,
    /// How it is reached.
    Ways,
}

/// A question about a device.
#[derive(Debug, Clone)]
pub struct Query {
    /// About what of it.
    pub source: Source,
    /// Names the question in its answer; zero outside of a transaction.
    pub transaction: TransactionId,
    /// Which device.
    pub device: DeviceId,
    /// Tells it from other questions about the device.
    pub attempt: u32,
    /// What is wanted, with all that is below; nothing means everything.
    pub paths: Vec<Path>,
    /// The answer is given by then.
    pub within: Duration,
}

/// A question about a device that is answered again and again.
#[derive(Debug, Clone)]
pub struct Watch {
    /// Names the watch in its samples.
    pub name: [u8; 16],
    /// Which request it is.
    pub asked: Asked,
    /// Which device.
    pub device: DeviceId,
    /// About what of it.
    pub source: Source,
    /// What is wanted, with all that is below; nothing means everything.
    pub paths: Vec<Path>,
    /// How often it is looked.
    pub every: Duration,
    /// After which time it ends by itself.
    pub lease: Duration,
    /// Whether only what has changed is told.
    pub changes_only: bool,
}

/// The end of a watch.
#[derive(Debug, Clone)]
pub struct Unwatch {
    /// Which watch.
    pub name: [u8; 16],
    /// Which request it is.
    pub asked: Asked,
    /// Which device.
    pub device: DeviceId,
}

/// What tells a request about a watch from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Its transaction; zero outside of one.
    pub transaction: TransactionId,
    /// Its attempt.
    pub attempt: u32,
}

/// How far a step on a device has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// In which transaction.
    pub transaction: TransactionId,
    /// On which device.
    pub device: DeviceId,
    /// Which step.
    pub step: Step,
    /// What is going on, for a person.
    pub words: String,
}

/// What a watch has seen.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Which watch.
    pub watch: [u8; 16],
    /// Which device.
    pub device: DeviceId,
    /// Counts from 1.
    pub count: u64,
    /// When it was looked.
    pub looked: Instant,
    /// What stands there.
    pub entries: Tree,
    /// What was there before and is no more.
    pub gone: Vec<Path>,
}

/// What was read.
#[derive(Debug, Clone)]
pub enum Reading {
    /// In the canonical model.
    Canonical(Tree),
    /// In the device's own words, with secrets hidden.
    Native(String),
}

/// A question about a device's health.
#[derive(Debug, Clone)]
pub struct Gate {
    /// Names the question in its answer.
    pub transaction: TransactionId,
    /// Whose health.
    pub device: DeviceId,
    /// What is looked at.
    pub checks: Vec<Task>,
    /// The answer is given by then.
    pub within: Duration,
    /// How long every check must hold without a break.
    pub steady: Duration,
}

/// What goes to the controller.
#[derive(Debug, Clone)]
pub enum Upward {
    /// A participant answers.
    Reply(Reply),
    /// A participant asks what was decided.
    Inquiry(Inquiry),
    /// What a device was asked and what it said.
    Receipt {
        /// In which transaction.
        transaction: TransactionId,
        /// Which device.
        device: DeviceId,
        /// Its words.
        receipt: Receipt,
        /// Where somebody else had written meanwhile.
        foreign: Vec<Path>,
    },
    /// Why a step was not done, in full; its answer follows.
    Failure {
        /// In which transaction.
        transaction: TransactionId,
        /// Which device.
        device: DeviceId,
        /// Why.
        failure: Failure,
    },
    /// A device is spoken to over another protocol from now on.
    Switched(Switch),
    /// What was read.
    Reading {
        /// The transaction of the question.
        transaction: TransactionId,
        /// The device of the question.
        device: DeviceId,
        /// Which question.
        attempt: u32,
        /// What stands there, or why it cannot be said.
        reading: Result<Reading, Failure>,
    },
    /// A watch is kept, or has ended; or why not.
    Watching {
        /// Which request.
        asked: Asked,
        /// The device of the request.
        device: DeviceId,
        /// Whether it was done.
        done: Result<(), Failure>,
    },
    /// How far a step has come.
    Progress(Progress),
    /// What a watch has seen.
    Sample(Sample),
    /// What the checks found.
    Health {
        /// The transaction of the question.
        transaction: TransactionId,
        /// The device of the question.
        device: DeviceId,
        /// One finding a check.
        findings: Vec<Finding>,
    },
}

/// A switch of protocol, as operators hear of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switch {
    /// The device.
    pub device: DeviceId,
    /// The protocol that was used.
    pub from: Protocol,
    /// The protocol that is used now.
    pub to: Protocol,
    /// Why, in one line.
    pub because: String,
}

/// The agent's end.
#[derive(Debug)]
pub struct Link {
    /// What the controller says. It ends when the wire is given up.
    pub down: mpsc::Receiver<Downward>,
    /// What the controller is told.
    pub up: mpsc::Sender<Upward>,
}

/// The wire's end.
#[derive(Debug)]
pub struct Wire {
    /// Where the controller's words go in.
    pub down: mpsc::Sender<Downward>,
    /// Where the agent's words come out.
    pub up: mpsc::Receiver<Upward>,
}

/// Two ends that belong together.
#[must_use]
pub fn pair() -> (Link, Wire) {
    let (to_agent, down) = mpsc::channel(WAITING);
    let (up, to_wire) = mpsc::channel(WAITING);
    (
        Link { down, up },
        Wire {
            down: to_agent,
            up: to_wire,
        },
    )
}
