//! How long a connection may stay over which nobody has joined, or nobody is joined any more.

use futures::task::AtomicWaker;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Context;
use std::time::Duration;
use tokio::time::{Instant, Sleep};

/// How long a connection stays open once its stream is over, so that its last words get through.
const LINGER: Duration = Duration::from_secs(2);

/// How many streams live on one connection.
#[derive(Debug, Default)]
pub(crate) struct Stay {
    streams: AtomicUsize,
    waker: AtomicWaker,
}

/// One living stream of a connection.
pub(crate) struct Staying(Arc<Stay>);

impl Stay {
    /// A stream lives until what comes back is dropped.
    pub(crate) fn begin(self: &Arc<Self>) -> Staying {
        self.streams.fetch_add(1, Ordering::AcqRel);
        Staying(self.clone())
    }
}

impl Drop for Staying {
    fn drop(&mut self) {
        if self.0.streams.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.waker.wake();
        }
    }
}

/// The connection's own view: when it is over.
pub(crate) struct Watch {
    stay: Arc<Stay>,
    until: Pin<Box<Sleep>>,
    was_joined: bool,
}

impl Watch {
    /// Over when no stream lives within this time.
    pub(crate) fn new(stay: Arc<Stay>, within: Duration) -> Self {
        Self {
            stay,
            until: Box::pin(tokio::time::sleep(within + LINGER)),
            was_joined: false,
        }
    }

    /// Whether the connection has stayed for too long without a stream; wakes when that may have changed.
    pub(crate) fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        self.stay.waker.register(cx.waker());
        if self.stay.streams.load(Ordering::Acquire) > 0 {
            self.was_joined = true;
            return false;
        }
        if std::mem::take(&mut self.was_joined) {
            self.until.as_mut().reset(Instant::now() + LINGER);
        }
        self.until.as_mut().poll(cx).is_ready()
    }
}
