//! The canonical model in the words of a device, and the quirks of known servers.

use crate::rpc::{ConfirmedCommit, Features};
use crate::xml::Element;
use knowledge_model::{Delta, Path, Tree};

/// A platform's mapping between the canonical model and native YANG data.
///
/// What it reads and what it is given to write stand in the platform's normal form, so that equal means equal.
pub trait Dialect: Send + Sync {
    /// The subtree filter that selects these paths and what is below them, as text.
    fn filter(&self, paths: &[Path]) -> Result<String, DialectError>;

    /// The children of `config` that make a change, each operation on its element, as text. Secrets are in clear.
    fn edit(&self, delta: &Delta) -> Result<String, DialectError>;

    /// The same for a server that announced this: version 1.0 of the protocol has fewer operations.
    fn edit_for(&self, delta: &Delta, _features: &Features) -> Result<String, DialectError> {
        self.edit(delta)
    }

    /// What a `data` element says, as canonical entries. What it does not know it leaves out.
    fn read(&self, data: &Element) -> Result<Tree, DialectError>;

    /// The same for what a device says of itself, where the platform has words for that.
    fn state(&self) -> Option<&dyn Dialect> {
        None
    }

    /// What a server of this platform is known to do otherwise than it should.
    fn quirks(&self, features: &Features) -> Quirks {
        Quirks::of(features)
    }
}

/// Why a platform cannot say something.
#[derive(Debug, thiserror::Error)]
pub enum DialectError {
    /// It has no word for a path.
    #[error("this platform has no word for {0}")]
    Unmapped(Path),
    /// It has a word, and not for this value.
    #[error("this platform has no word for the value of {path}")]
    Value {
        /// Where.
        path: Path,
    },
    /// The device's data are not what its modules say.
    #[error("the device's data cannot be understood")]
    Data(#[source] adapters_port::Cause),
}

/// What a server does otherwise than the standards say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quirks {
    /// May an RPC that comes together with hello be kept until more comes? Then a session begins with a question whose
    /// answer matters to nobody.
    pub keeps_first: bool,
    /// Is `validate` of the candidate to be left out, since it spoils the commit behind it?
    pub skip_validate: bool,
    /// Does a granted lock of the candidate prove that it is clean (RFC 6241 §7.5)?
    pub lock_proves_clean: bool,
    /// Was "renew, expire, the old state is back" proven?
    pub renew: bool,
    /// Does a lock of running keep the server itself from taking a tentative commit back? Then it is given back with
    /// the commit; the lock of the candidate, without which nobody else can commit, is kept.
    pub lock_blocks_revert: bool,
    /// Does it look at the persist id of a cancel? Else a cancel could take back a stranger's commit.
    pub checks_persist_id: bool,
    /// May all of stage travel in one flight, since the candidate is private to the session?
    pub private_candidate: bool,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            keeps_first: false,
            skip_validate: false,
            lock_proves_clean: true,
            renew: false,
            lock_blocks_revert: false,
            checks_persist_id: true,
            private_candidate: false,
        }
    }
}

impl Quirks {
    /// What is known of the server that announced this.
    pub fn of(features: &Features) -> Self {
        let standard = Self::default();
        if features.mentions("netconfcentral.org/ns/yuma") {
            // yuma123 2.13: validate then commit answers ok and drops the edit; an RPC that is read together with hello waits
            // for the next byte; "restore running config failed (config locked)" at the end of the window.
            return Self {
                keeps_first: true,
                skip_validate: true,
                renew: true,
                lock_blocks_revert: true,
                ..standard
            };
        }
        if features.mentions("clicon.org") {
            // clixon 7.8: a failed edit leaves its good part behind, and nothing resets the candidate; any persist id will do.
            return Self {
                lock_proves_clean: false,
                checks_persist_id: false,
                ..standard
            };
        }
        standard
    }
}

/// Which column of the device steps a server stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// A candidate and a confirmed commit that persists beyond the session.
    Persistent,
    /// A candidate and a confirmed commit that ends with the session.
    BySession,
    /// A candidate alone.
    Candidate,
    /// Running is edited directly, and a failed edit is undone by the server.
    RunningWhole,
    /// Running is edited directly, and a failed edit stops in the middle.
    RunningLines,
}

impl Style {
    /// The best column that a server has; none when nothing can be written.
    pub fn of(features: &Features) -> Option<Self> {
        match (features.candidate(), features.confirmed_commit()) {
            (true, ConfirmedCommit::Persistent) => Some(Self::Persistent),
            (true, ConfirmedCommit::BySession) => Some(Self::BySession),
            (true, ConfirmedCommit::No) => Some(Self::Candidate),
            (false, _) if !features.writable_running() => None,
            (false, _) if features.rollback_on_error() => Some(Self::RunningWhole),
            (false, _) => Some(Self::RunningLines),
        }
    }

    /// Is there a candidate?
    pub fn has_candidate(self) -> bool {
        match self {
            Self::Persistent | Self::BySession | Self::Candidate => true,
            Self::RunningWhole | Self::RunningLines => false,
        }
    }
}
