//! The two traits, and how one comes to a session.

use crate::{
    Applied, Capabilities, Change, Confirmed, Deadline, Notice, Observation, Protocol, Query, Record, Reverted,
    SessionError, Staged, Standing,
};
use futures::future::BoxFuture;
use knowledge_model::{Path, Tree};

/// What a call gives back, in its time.
pub type Answer<'a, T, E = SessionError> = BoxFuture<'a, Result<T, E>>;

/// One exclusive session to one device: it holds the locks of one change from stage to confirm or revert.
///
/// Dropping a session closes it; the device frees its locks and, where it keeps changes by session, takes them back.
pub trait ConfigureSession: Send {
    /// Locks, rereads what the change touches (`Stale` if it moved on), puts the change where the device checks it.
    fn stage<'a>(&'a mut self, change: &'a Change, by: Deadline) -> Answer<'a, Staged>;

    /// Makes the change take effect, tentatively where the device can, and reads it back.
    ///
    /// The record inside `staged` must be on disk before this is called.
    fn apply(&mut self, staged: Staged, by: Deadline) -> Answer<'_, Applied>;

    /// Puts off the moment at which the device takes the change back, by the change's window from now.
    fn renew<'a>(&'a mut self, applied: &'a Applied, by: Deadline) -> Answer<'a, ()>;

    /// Makes the change stay, saves it, frees the locks. May be repeated.
    fn confirm<'a>(&'a mut self, applied: &'a Applied, by: Deadline) -> Answer<'a, Confirmed>;

    /// Brings the touched paths back to the baseline and frees the locks. Idempotent, allowed from every standing.
    fn revert<'a>(&'a mut self, record: &'a Record, by: Deadline) -> Answer<'a, Reverted>;
}

/// A session for reading, shared by all who read.
pub trait Observer: Send {
    /// The configuration on these paths and below, as canonical entries.
    fn read<'a>(&'a mut self, paths: &'a [Path], by: Deadline) -> Answer<'a, Tree>;

    /// The whole configuration in the device's own words, for people to read and compare: secrets are hidden, nothing
    /// can be made of it again.
    fn native(&mut self, by: Deadline) -> Answer<'_, String>;

    /// State, as canonical observations.
    fn query<'a>(&'a mut self, query: &'a Query, by: Deadline) -> Answer<'a, Vec<Observation>>;

    /// Follows what the device reports by itself.
    fn watch<'a>(&'a mut self, query: &'a Query, by: Deadline) -> Answer<'a, Box<dyn Watch>>;

    /// Finds out where a change stands. Changes nothing.
    fn resume<'a>(&'a mut self, record: &'a Record, by: Deadline) -> Answer<'a, Standing>;
}

/// A running watch. Dropping it ends it.
pub trait Watch: Send {
    /// The next notice; none when the deadline passes quietly.
    fn next(&mut self, by: Deadline) -> Answer<'_, Option<Notice>>;
}

/// The way to one device over one protocol.
pub trait Access: Send + Sync {
    /// The protocol it speaks.
    fn protocol(&self) -> Protocol;

    /// What a session can do here. Opens one to ask where that is not known yet.
    fn capabilities(&self, by: Deadline) -> Answer<'_, Capabilities>;

    /// A new exclusive session.
    fn configure(&self, by: Deadline) -> Answer<'_, Box<dyn ConfigureSession>>;

    /// A session for reading.
    fn observe(&self, by: Deadline) -> Answer<'_, Box<dyn Observer>>;
}
