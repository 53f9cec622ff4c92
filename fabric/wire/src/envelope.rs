//! What the two directions have in common: a number, an acknowledgement, a scope.

use crate::v1::{Downward, Heartbeat, Scope, Upward, downward, upward};

/// A message of one direction.
pub trait Envelope: Clone + Send + 'static {
    /// What the message says.
    type Body: Send + 'static;

    /// A message about `scope` that is not numbered yet.
    fn about(scope: Option<Scope>, body: Self::Body) -> Self;
    /// A sign of life.
    fn beat(beat: Heartbeat) -> Self;
    /// Writes the number and the acknowledgement.
    fn stamp(&mut self, sequence: u64, seen: u64);
    /// Reads the number and the acknowledgement.
    fn numbers(&self) -> (u64, u64);
    /// Whether this is nothing but a sign of life.
    fn is_beat(&self) -> bool;
    /// What the message is about.
    fn scope(&self) -> Option<&Scope>;
}

macro_rules! envelope {
    ($message:ident, $body:ident) => {
        impl Envelope for $message {
            type Body = $body::Body;

            fn about(scope: Option<Scope>, body: Self::Body) -> Self {
                Self {
                    sequence: 0,
                    seen: 0,
                    scope,
                    body: Some(body),
                }
            }
            fn beat(beat: Heartbeat) -> Self {
                Self::about(None, $body::Body::Heartbeat(beat))
            }
            fn stamp(&mut self, sequence: u64, seen: u64) {
                (self.sequence, self.seen) = (sequence, seen);
            }
            fn numbers(&self) -> (u64, u64) {
                (self.sequence, self.seen)
            }
            fn is_beat(&self) -> bool {
                matches!(self.body, Some($body::Body::Heartbeat(_)))
            }
            fn scope(&self) -> Option<&Scope> {
                self.scope.as_ref()
            }
        }
    };
}

envelope!(Upward, upward);
envelope!(Downward, downward);
