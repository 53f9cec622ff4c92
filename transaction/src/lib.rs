//! How devices agree: coordinator, participant and admission as state machines without I/O.
//!
//! Three machines decide, drivers act. Each machine has one `step`: an input goes in, effects come out, and the
//! driver performs the effects in order. A `Record` effect is durable before any later effect of the same step is
//! performed; this is the whole contract on which the proofs stand. Time enters as inputs: `Arm` asks for a timer by
//! name, `Fired` brings it back; `now` only stamps what is written down.
//!
//! The change that is carried is a type parameter: nothing here knows what a configuration is.

#[macro_use]
pub mod mutant;

pub mod admission;
mod charge;
pub mod coordinator;
mod ending;
mod guarantee;
mod id;
mod message;
pub mod participant;
mod progress;
mod record;
mod terms;

pub use admission::Admission;
pub use charge::{Charge, ChargeError, Debt, Due, Gate, Member};
pub use coordinator::Coordinator;
pub use ending::{Act, Decision, Ending, Reason, Settlement, Torn};
pub use guarantee::{Demand, Guarantee, Taken, TakenBack};
pub use id::{AgentId, DeviceId, Epoch, IdError, IntentId, Moment, TicketId, TransactionId};
pub use message::{Answer, Inquiry, Order, Reply, Request, Standing, Step};
pub use participant::Participant;
pub use progress::{Progress, Report};
pub use record::{Cleared, CoordinatorRecord, ParticipantRecord};
pub use terms::{Lease, Terms, TermsError};
