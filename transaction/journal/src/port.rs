//! The port: what a driver asks of a journal, whatever it is kept in.

use std::fmt;

use futures::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use transaction::Epoch;

/// Where a record stands: the first is 1, each next is one more. Zero is before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Position(pub u64);

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// One record as it was appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<R> {
    /// Where it stands.
    pub position: Position,
    /// Under which epoch it was written.
    pub epoch: Epoch,
    /// What was written.
    pub record: R,
}

/// Why an append has no position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AppendError {
    /// Somebody writes under a higher epoch: stop deciding.
    #[error("fenced: the journal stands at {current}")]
    Fenced {
        /// The epoch that the journal stands at.
        current: Epoch,
    },
    /// Whether the records are durable is unknown: nothing may be sent on their strength.
    #[error("journal lost: its last write may not be durable")]
    Lost,
    /// A record does not turn into bytes; nothing of the call was written.
    #[error("record cannot be written")]
    Unwritable,
    /// A record is longer than the format carries; nothing of the call was written.
    #[error("record of {bytes} bytes is longer than {limit}")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The longest that is taken.
        limit: usize,
    },
}

/// Says of one record whether it must stay.
pub type Keep<R> = Box<dyn FnMut(&Entry<R>) -> bool + Send>;

/// A journal of records. Appending is durable when it answers, not before.
pub trait Journal<R>: Send + Sync {
    /// Writes the records in order and answers with the position of the last of them, once it is durable.
    ///
    /// Without records it makes the epoch itself durable: that is how a successor fences its predecessor. If the
    /// future is dropped, the records may or may not have been written.
    fn append(&self, epoch: Epoch, records: Vec<R>) -> BoxFuture<'_, Result<Position, AppendError>>;

    /// Drops the records that `keep` lets go. Positions and epochs of the others do not change.
    ///
    /// What may go is the caller's knowledge: a Confirm, for example, only when every participant has acknowledged.
    fn compact(&self, keep: Keep<R>) -> BoxFuture<'_, Result<(), crate::CompactError>>;
}

/// A record's bytes do not say what they should.
#[derive(Debug, Error)]
#[error("record cannot be read")]
pub struct DecodeError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// What can be journalled.
pub trait Record: Sized + Send + 'static {
    /// Appends the bytes of this record to `bytes`.
    fn encode(&self, bytes: &mut Vec<u8>) -> Result<(), DecodeError>;
    /// Reads a record back.
    fn decode(bytes: &[u8]) -> Result<Self, DecodeError>;
}

impl Record for Vec<u8> {
    fn encode(&self, bytes: &mut Vec<u8>) -> Result<(), DecodeError> {
        bytes.extend_from_slice(self);
        Ok(())
    }

    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        Ok(bytes.to_vec())
    }
}

/// A record kept as JSON, for what serde knows how to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: Serialize + DeserializeOwned + Send + 'static> Record for Json<T> {
    fn encode(&self, bytes: &mut Vec<u8>) -> Result<(), DecodeError> {
        serde_json::to_writer(bytes, &self.0).map_err(|error| DecodeError(error.into()))
    }

    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        serde_json::from_slice(bytes)
            .map(Self)
            .map_err(|error| DecodeError(error.into()))
    }
}
