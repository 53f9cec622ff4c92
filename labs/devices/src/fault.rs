//! Faults that a device shows on command, and acts that happen to it.

use serde::{Deserialize, Serialize};

use crate::log::Protocol;
use crate::store::Store;

/// A way to misbehave, until it is cleared or used up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Fault {
    /// Nothing listens: connections are refused.
    Refuse,
    /// Connections are accepted and nothing is ever said, not even the SSH version.
    Mute,
    /// The session opens, and the device never says hello (or shows a prompt).
    NoHello,
    /// hello (or the first prompt) comes, answers never do; nothing is executed.
    NoAnswer,
    /// The connection ends after this many bytes of a session's output.
    CloseAtByte {
        /// How many bytes get out.
        byte: u64,
    },
    /// The connection ends at an operation.
    Drop {
        /// The operation, for example `commit` or a command's first word.
        operation: String,
        /// Before or after it took effect; the answer is lost in both.
        moment: Moment,
    },
    /// Answers come late.
    Delay {
        /// How late.
        millis: u64,
        /// Which operation; all when absent.
        #[serde(default)]
        operation: Option<String>,
    },
    /// An operation begins only once it is released, or the fault disarmed.
    Hold {
        /// The operation.
        operation: String,
    },
    /// An operation is refused without effect.
    Reject {
        /// The operation.
        operation: String,
        /// The error-tag; on a terminal any text, shown as the dialect shows failures.
        tag: String,
    },
    /// A reply announces more bytes than anybody should take.
    OversizedFrame,
    /// A reply ends in its middle, and the connection with it.
    TruncatedFrame,
    /// A reply is bytes that are neither XML nor UTF-8.
    Garbage,
    /// commit answers `<ok/>`, and the edit is silently gone.
    LoseCommit,
    /// This many bytes of banner come before hello or the first prompt.
    Banner {
        /// How many.
        bytes: usize,
    },
    /// On a terminal: after a command's output the prompt never comes.
    NoPrompt,
    /// Every login is refused.
    RefuseLogin,
    /// A session's output trickles.
    SlowLink {
        /// How fast.
        bytes_per_second: u64,
    },
    /// A habit of real servers.
    Quirk {
        /// Which.
        quirk: Quirk,
    },
    /// Access control leaves out every node with this name, silently.
    Hide {
        /// The name.
        name: String,
    },
    /// Replies carry hoisted prefixes, comments and foreign attributes: the same data, another text.
    StrangeXml,
    /// A routing session with this neighbour does not stand.
    NeighborDown {
        /// The neighbour.
        address: String,
    },
    /// A static route is configured, and not in the table.
    NoRoute {
        /// Its prefix.
        prefix: String,
    },
    /// Nobody answers to probes of this address.
    Unanswered {
        /// The address.
        address: String,
    },
    /// An interface is down, whatever is configured.
    LinkDown {
        /// Which.
        interface: String,
    },
    /// Interface counters move at this rate.
    Counters {
        /// Octets in a second.
        octets_per_second: u64,
    },
}

/// A habit that real servers were seen to have; it lasts while its fault is armed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quirk {
    /// After a validate of the candidate the next commit answers `<ok/>`, and the edit is gone.
    ValidateLosesEdit,
    /// The first RPC of a session is lost if it arrives together with the client's hello.
    LoseFirstRpc,
    /// The first RPC of a session is read when the next byte behind it comes.
    KeepFirstRpc,
    /// Any session may commit during another's confirmed commit, with any persist id or none.
    LaxCommit,
    /// A renewal moves the point to return to.
    RenewalMovesBack,
    /// What was taken back stays in the candidate.
    CandidateKept,
    /// A refused edit leaves its good part behind, whatever was asked.
    PartialEdit,
    /// What a configuration misses is noticed at validate and commit only.
    LateChecks,
    /// hello names no modules.
    NoModules,
    /// While anybody holds the lock of running, a confirmed commit that runs out stays for good.
    LockBlocksRevert,
}

/// When, relative to an operation's effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// Nothing happened.
    Before,
    /// It took effect.
    After,
}

/// A fault with its bounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Armed {
    /// What.
    #[serde(flatten)]
    pub fault: Fault,
    /// Over which protocol; both when absent.
    #[serde(default)]
    pub protocol: Option<Protocol>,
    /// How many more times; without end when absent.
    #[serde(default)]
    pub times: Option<u32>,
}

impl From<Fault> for Armed {
    fn from(fault: Fault) -> Armed {
        Armed {
            fault,
            protocol: None,
            times: None,
        }
    }
}

/// Something that happens to the device once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Act {
    /// It dies and comes back with its startup configuration; sessions, locks and a pending commit are gone.
    Restart {
        /// How long nothing listens.
        #[serde(default)]
        down_millis: u64,
    },
    /// All connections end; the datastores learn of it as of any end of a session.
    DropSessions,
    /// An operator merges this XML (elements below `<config>`) into a datastore, past all locks.
    ForeignEdit {
        /// Where.
        store: Store,
        /// The elements.
        config: String,
    },
    /// A foreign session takes a lock and keeps it.
    HoldLock {
        /// Which.
        store: Store,
    },
    /// The foreign session gives its locks back.
    ReleaseLocks,
    /// The device has another host key from now on.
    RotateHostKey,
    /// What is held goes on; every other fault stays as it is.
    Release,
}

/// What is armed on one device.
#[derive(Debug, Default)]
pub struct Faults {
    armed: Vec<Armed>,
}

impl Faults {
    /// Arms one more.
    pub fn arm(&mut self, armed: Armed) {
        self.armed.push(armed);
    }

    /// Disarms all.
    pub fn clear(&mut self) {
        self.armed.clear();
    }

    /// What is armed now.
    pub fn list(&self) -> Vec<Armed> {
        self.armed.clone()
    }

    /// The first armed fault for this protocol that fits, using it once.
    pub fn take<T>(&mut self, protocol: Protocol, fits: impl Fn(&Fault) -> Option<T>) -> Option<T> {
        let applies = |armed: &Armed| armed.protocol.is_none_or(|it| it == protocol);
        let (at, found) = self
            .armed
            .iter()
            .enumerate()
            .filter(|(_, armed)| applies(armed))
            .find_map(|(at, armed)| fits(&armed.fault).map(|found| (at, found)))?;
        if let Some(times) = &mut self.armed[at].times {
            *times = times.saturating_sub(1);
            if *times == 0 {
                self.armed.remove(at);
            }
        }
        Some(found)
    }

    /// Whether this very fault is armed for the protocol, using it once.
    pub fn hit(&mut self, protocol: Protocol, fault: &Fault) -> bool {
        self.take(protocol, |armed| (armed == fault).then_some(())).is_some()
    }

    /// The habits that are armed.
    pub fn quirks(&self) -> Vec<Quirk> {
        let quirk = |armed: &Armed| {
            if let Fault::Quirk { quirk } = armed.fault {
                Some(quirk)
            } else {
                None
            }
        };
        self.armed.iter().filter_map(quirk).collect()
    }

    /// Whether an operation has to wait.
    pub fn holds(&self, protocol: Protocol, name: &str) -> bool {
        let meant = |it: &Armed| matches!(&it.fault, Fault::Hold { operation } if operation == name);
        let applies = |it: &Armed| it.protocol.is_none_or(|p| p == protocol);
        self.armed.iter().any(|it| meant(it) && applies(it))
    }

    /// Disarms what holds operations; all else stays.
    pub fn release(&mut self) {
        self.armed.retain(|it| !matches!(it.fault, Fault::Hold { .. }));
    }

    /// Whether connections over this protocol are refused now.
    pub fn refuses(&self, protocol: Protocol) -> bool {
        self.armed
            .iter()
            .any(|it| it.fault == Fault::Refuse && it.protocol.is_none_or(|p| p == protocol))
    }
}
