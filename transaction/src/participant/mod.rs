//! The participant: speaks for one device, and answers for it after any crash.

mod conclude;
mod effect;
mod live;
mod outcomes;
mod past;
mod recover;
mod requests;
#[cfg(test)]
mod tests;
mod timers;
mod turn;

pub use effect::{Effect, Input, Operation, Outcome, Timer};

use crate::{DeviceId, Epoch, Moment, Standing, TransactionId};
use live::Live;
use past::Past;
use turn::Turn;

/// The participant of one device, for one transaction after the other.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Participant<C> {
    device: DeviceId,
    live: Option<Live<C>>,
    past: Past,
    operations: u64,
    /// A look at the device that nobody waits for any more, and that is not over: the next operation begins after it.
    leftover: Option<u64>,
}

impl<C: Clone> Participant<C> {
    /// A participant that has no past.
    pub fn new(device: DeviceId) -> Self {
        Self {
            device,
            live: None,
            past: Past::default(),
            operations: 0,
            leftover: None,
        }
    }

    /// Takes one input and says what is to be done, in order. `now` stamps records; nothing is decided by it.
    pub fn step(&mut self, input: Input<C>, now: Moment) -> Vec<Effect<C>> {
        let mut turn = Turn::new(now);
        match input {
            Input::Request(request) if request.device == self.device => self.request(request, &mut turn),
            Input::Request(_) => {}
            Input::Done { operation, outcome } => self.done(operation, outcome, &mut turn),
            Input::Fired(timer) => self.fired(timer, &mut turn),
        }
        turn.effects
    }

    /// The device that it speaks for.
    pub fn device(&self) -> DeviceId {
        self.device
    }

    /// The transaction under way and where the device stands in it, as far as is known here.
    pub fn live(&self) -> Option<(TransactionId, Standing)> {
        self.live.as_ref().map(|it| (it.transaction, it.hold.standing()))
    }

    /// Whether a transaction is under way that another has to wait for: not one in which it only looks on.
    pub fn is_taken(&self) -> bool {
        self.live.as_ref().is_some_and(|it| !it.looks_on)
    }

    /// The highest epoch in which it was spoken to of the transaction under way.
    pub fn epoch(&self) -> Option<Epoch> {
        self.live.as_ref().map(|it| it.epoch)
    }

    /// Whether a change of the transaction under way may be on the device.
    fn has_applied(&self) -> bool {
        self.live.as_ref().is_some_and(|it| it.recorded)
    }

    /// How a transaction ended here, if that is still remembered.
    pub fn ended(&self, transaction: TransactionId) -> Option<Standing> {
        self.past.find(transaction).map(|it| it.standing())
    }
}
