//! One end of a stream: the bounded way out, the flow that empties it, and the intake that reads the other side.

use crate::ledger::{Admission, Full, Ledger, Outgoing};
use crate::v1::{Heartbeat, Scope};
use crate::{Envelope, Limits};
use futures::task::AtomicWaker;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll};
use tokio::time::{Instant, Interval, MissedTickBehavior};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{Code, Status, Streaming};

/// Why a message was not taken for sending.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OfferError {
    /// The other side is behind: treat it as unreachable.
    #[error("offer a message: the queue is full")]
    Full,
    /// The stream has ended.
    #[error("offer a message: the stream has ended")]
    Ended,
}

/// Why a stream has ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// The same agent has joined again.
    #[error("the agent has joined again")]
    Replaced,
    /// The peer's certificate was revoked or has run out.
    #[error("the certificate of the peer is valid no longer")]
    Revoked,
    /// Nothing was heard for too long.
    #[error("nothing was heard for {milliseconds} ms")]
    Silent {
        /// For how long.
        milliseconds: u128,
    },
    /// The other side broke the protocol.
    #[error("the other side broke the protocol: {what}")]
    Malformed {
        /// How.
        what: String,
    },
    /// The other side ended the stream.
    #[error("the other side ended the stream: {words}")]
    Closed {
        /// In its words.
        words: String,
    },
    /// This side let go.
    #[error("the stream was let go")]
    Dropped,
}

impl From<Lost> for Status {
    fn from(lost: Lost) -> Self {
        let words = lost.to_string();
        match lost {
            Lost::Replaced => Self::aborted(words),
            Lost::Revoked => Self::unauthenticated(words),
            Lost::Malformed { .. } => Self::invalid_argument(words),
            Lost::Silent { .. } | Lost::Closed { .. } | Lost::Dropped => Self::unavailable(words),
        }
    }
}

/// A session's account and the waker of whoever sends from it.
pub(crate) struct Shared<M> {
    ledger: Mutex<Ledger<M>>,
    waker: AtomicWaker,
    /// To be said unless another message says it.
    acknowledge: AtomicBool,
    /// To be said behind all that waits: the other side is asked how far it is.
    pressed: AtomicBool,
}

impl<M: Clone> Shared<M> {
    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        let ledger = Mutex::new(Ledger::new(limits.queue, limits.passing));
        Arc::new(Self {
            ledger,
            waker: AtomicWaker::new(),
            acknowledge: AtomicBool::new(false),
            pressed: AtomicBool::new(false),
        })
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger<M>> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn wake(&self) {
        self.waker.wake();
    }
}

/// One stream's life: ends once, for one reason, for everybody who holds a part of it.
#[derive(Debug, Default)]
pub(crate) struct Life {
    over: CancellationToken,
    reason: OnceLock<Lost>,
    open: AtomicBool,
}

impl Life {
    pub(crate) fn end(&self, reason: Lost) {
        let _ = self.reason.set(reason);
        self.over.cancel();
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over.is_cancelled()
    }

    pub(crate) async fn over(&self) -> Lost {
        self.over.cancelled().await;
        self.reason()
    }

    pub(crate) fn reason(&self) -> Lost {
        self.reason.get().cloned().unwrap_or(Lost::Dropped)
    }

    /// From now on the flow carries what the session holds.
    pub(crate) fn open(&self) {
        self.open.store(true, Ordering::Release);
    }
}

/// The bounded way out: cheap to clone, never waits.
pub struct Outlet<M> {
    pub(crate) shared: Arc<Shared<M>>,
    pub(crate) life: Option<Arc<Life>>,
}

impl<M> Clone for Outlet<M> {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
            life: self.life.clone(),
        }
    }
}

impl<M: Envelope> Outlet<M> {
    /// Queues a message that is kept and sent again until the other side has taken it in; its number comes back.
    pub fn offer(&self, scope: Option<Scope>, body: M::Body) -> Result<u64, OfferError> {
        self.check()?;
        let number = self
            .shared
            .ledger()
            .offer(M::about(scope, body))
            .map_err(|Full(_)| OfferError::Full)?;
        self.shared.waker.wake();
        Ok(number)
    }

    /// Queues a message that may be lost: progress, a sample.
    pub fn pass(&self, scope: Option<Scope>, body: M::Body) -> Result<(), OfferError> {
        self.check()?;
        self.shared
            .ledger()
            .pass(M::about(scope, body))
            .map_err(|Full(_)| OfferError::Full)?;
        self.shared.waker.wake();
        Ok(())
    }

    /// Gives a sign of life behind all that waits to be sent: the other side then says at once what it has taken in.
    pub fn press(&self) {
        self.shared.pressed.store(true, Ordering::Release);
        self.shared.wake();
    }

    /// How many messages the other side has not taken in yet.
    pub fn waiting(&self) -> usize {
        self.shared.ledger().waiting()
    }

    fn check(&self) -> Result<(), OfferError> {
        match &self.life {
            Some(life) if life.is_over() => Err(OfferError::Ended),
            Some(_) | None => Ok(()),
        }
    }
}

/// Whether a message came that is none, rather than none at all: that breaks the protocol.
pub(crate) fn is_unreadable(status: &Status) -> bool {
    status.code() == Code::Internal && status.message().starts_with("failed to decode")
}

/// What is sent over one stream, in order: a first message, then what the session holds, and signs of life.
pub(crate) struct Flow<M> {
    first: Option<M>,
    shared: Arc<Shared<M>>,
    life: Arc<Life>,
    over: Pin<Box<tokio_util::sync::WaitForCancellationFutureOwned>>,
    beats: Interval,
    _end: DropGuard,
}

impl<M: Envelope> Flow<M> {
    pub(crate) fn new(first: M, shared: Arc<Shared<M>>, life: Arc<Life>, limits: &Limits) -> Self {
        let mut beats = tokio::time::interval_at(Instant::now() + limits.heartbeat, limits.heartbeat);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let over = Box::pin(life.over.clone().cancelled_owned());
        let end = life.over.clone().drop_guard();
        Self {
            first: Some(first),
            shared,
            life,
            over,
            beats,
            _end: end,
        }
    }

    fn beat(&self) -> M {
        let seen = self.shared.ledger().seen();
        self.shared.acknowledge.store(false, Ordering::Release);
        let mut message = M::beat(Heartbeat {});
        message.stamp(0, seen);
        message
    }

    fn queued(&self) -> Option<M> {
        let mut ledger = self.shared.ledger();
        let (sequence, mut message) = match ledger.take()? {
            Outgoing::Numbered(sequence, message) => (sequence, message),
            Outgoing::Passing(message) => (0, message),
        };
        message.stamp(sequence, ledger.seen());
        self.shared.acknowledge.store(false, Ordering::Release);
        Some(message)
    }
}

impl<M: Envelope + Unpin> futures::Stream for Flow<M> {
    type Item = M;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<M>> {
        if self.over.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(first));
        }
        self.shared.waker.register(cx.waker());
        if self.life.open.load(Ordering::Acquire)
            && let Some(message) = self.queued()
        {
            return Poll::Ready(Some(message));
        }
        let pressed = self.shared.pressed.swap(false, Ordering::AcqRel);
        if self.beats.poll_tick(cx).is_ready() || pressed || self.shared.acknowledge.load(Ordering::Acquire) {
            return Poll::Ready(Some(self.beat()));
        }
        Poll::Pending
    }
}

/// What comes in over one stream, each message once and in order.
pub(crate) struct Intake<O, I> {
    pub(crate) shared: Arc<Shared<O>>,
    pub(crate) life: Arc<Life>,
    streaming: Streaming<I>,
    heard: Instant,
    silence: std::time::Duration,
    acknowledge_every: u64,
    taken: u64,
}

impl<O: Envelope, I: Envelope> Intake<O, I> {
    pub(crate) fn new(shared: Arc<Shared<O>>, life: Arc<Life>, streaming: Streaming<I>, limits: &Limits) -> Self {
        let acknowledge_every = (limits.queue as u64 / 4).max(1);
        let (heard, silence) = (Instant::now(), limits.silence());
        Self {
            shared,
            life,
            streaming,
            heard,
            silence,
            acknowledge_every,
            taken: 0,
        }
    }

    pub(crate) async fn next(&mut self) -> Result<I, Lost> {
        loop {
            let message = self.receive().await.inspect_err(|lost| self.life.end(lost.clone()))?;
            let (sequence, seen) = message.numbers();
            if message.is_beat() {
                self.shared.ledger().forget(seen);
                // Who asks how far we are is told; a sign of life that says only that is none of what is counted.
                if std::mem::take(&mut self.taken) > 0 {
                    self.shared.acknowledge.store(true, Ordering::Release);
                }
                self.shared.waker.wake();
                continue;
            }
            match self.account(sequence, seen) {
                Admission::Take => return Ok(message),
                Admission::Repeat => {}
                Admission::Gap => {
                    let lost = Lost::Malformed {
                        what: format!("message {sequence} came before its predecessor"),
                    };
                    self.life.end(lost.clone());
                    return Err(lost);
                }
            }
        }
    }

    /// The next message as it comes; waits no longer than a silence may last. What the other side said last is heard
    /// even if the stream is over, so that its reason is known.
    pub(crate) async fn receive(&mut self) -> Result<I, Lost> {
        let silent = Lost::Silent {
            milliseconds: self.silence.as_millis(),
        };
        let received = tokio::select! {
            biased;
            received = tokio::time::timeout_at(self.heard + self.silence, self.streaming.message()) => received,
            lost = self.life.over() => return Err(lost),
        };
        self.heard = Instant::now();
        match received.map_err(|_| silent)? {
            Ok(Some(message)) => Ok(message),
            Ok(None) => Err(Lost::Closed {
                words: "end of stream".into(),
            }),
            Err(status) if is_unreadable(&status) => Err(Lost::Malformed {
                what: status.message().into(),
            }),
            Err(status) => Err(Lost::Closed {
                words: format!("{:?}: {}", status.code(), status.message()),
            }),
        }
    }

    fn account(&mut self, sequence: u64, seen: u64) -> Admission {
        let mut ledger = self.shared.ledger();
        if self.life.is_over() {
            return Admission::Repeat; // a newer stream has the account: it brings this message again
        }
        ledger.forget(seen);
        let admission = ledger.admit(sequence);
        drop(ledger);
        self.taken += u64::from(sequence > 0);
        if self.taken >= self.acknowledge_every {
            self.taken = 0;
            self.shared.acknowledge.store(true, Ordering::Release);
            self.shared.waker.wake();
        }
        admission
    }
}

impl<O, I> Drop for Intake<O, I> {
    fn drop(&mut self) {
        self.life.end(Lost::Dropped);
    }
}
