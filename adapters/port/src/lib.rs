//! What every protocol offers: a configure session, an observer, and the evidence between steps.
//!
//! Nothing above this crate knows which protocol is spoken. A step that must come first returns the value that the
//! next one consumes, so that nothing is applied unstaged or twice; after a crash the same values come out of
//! [`Observer::resume`]. Every call carries a [`Deadline`].

mod capabilities;
mod change;
#[cfg(feature = "conformance")]
pub mod conformance;
mod deadline;
mod error;
mod evidence;
mod guarantee;
mod mask;
mod observation;
mod protocol;
mod receipt;
mod record;
mod secret;
mod session;

pub use capabilities::{Capabilities, Save};
pub use change::{Change, ChangeId, PersistId};
pub use deadline::Deadline;
pub use error::{Cause, Denial, DeviceWords, Holder, Place, SessionError};
pub use evidence::{Applied, Confirmed, Reverted, Saved, Staged, Standing};
pub use guarantee::{Demand, Extent, Guarantee, Keeper};
pub use mask::{MASK, masked_lines, masked_words, names_secret};
pub use observation::{Notice, Observation, Query, Reading};
pub use protocol::{Protocol, Step};
pub use receipt::Receipt;
pub use record::{RECORD_FORMAT, Record, RecordFault};
pub use secret::{NotAReference, Secret, SecretError, SecretRef, Secrets};
pub use session::{Access, Answer, ConfigureSession, Observer, Watch};
