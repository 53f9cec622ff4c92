//! From what agents say to what the machines understand. Everything that comes is data: what makes no sense is none.

use fabric_wire::v1::{self, Scope, answer::Outcome, vote::Choice};
use knowledge_model::{Path, Value};
use transaction::{Answer, DeviceId, Epoch, Guarantee, Inquiry, Reply, Report, Standing, Step, TransactionId};

use super::seats::Unseated;
use super::{Joined, Spoken};

/// An agent's first words.
pub fn joined(hello: &v1::Hello) -> Joined {
    let spoken = |device: &v1::Device| {
        let id = device.id.parse().ok()?;
        let protocols = device.protocols.iter().filter_map(|it| protocol(*it)).collect();
        let platforms = device.platforms.iter().map(|it| plain(it)).collect();
        Some(Spoken {
            id,
            platforms,
            protocols,
            guarantee: guarantee(device.guarantee),
        })
    };
    Joined {
        name: hello.agent.clone(),
        program: plain(&hello.program),
        abilities: hello.capabilities.iter().cloned().collect(),
        devices: hello.devices.iter().filter_map(spoken).collect(),
    }
}

/// Why an agent gets no seat, in the words of the wire.
pub fn unseated(unseated: &Unseated) -> v1::Fault {
    let device = match unseated {
        Unseated::Taken { device, .. } => device.to_string(),
        Unseated::Older => String::new(),
    };
    v1::Fault {
        code: "busy".to_owned(),
        device,
        retry: v1::Retry::Later.into(),
        detail: unseated.to_string(),
        ..v1::Fault::default()
    }
}

/// The device that a message is about.
pub fn device(scope: &Scope) -> Option<DeviceId> {
    scope.device.parse().ok()
}

fn transaction(scope: &Scope) -> Option<TransactionId> {
    let bytes: [u8; 16] = scope.transaction.as_slice().try_into().ok()?;
    Some(TransactionId(u128::from_be_bytes(bytes)))
}

fn step(scope: &Scope) -> Option<Step> {
    match v1::Step::try_from(scope.step).ok()? {
        v1::Step::Stage => Some(Step::Stage),
        v1::Step::Apply => Some(Step::Apply),
        v1::Step::Renew => Some(Step::Renew { round: scope.attempt }),
        v1::Step::Confirm => Some(Step::Confirm),
        v1::Step::Revert => Some(Step::Revert),
        v1::Step::Inquire => Some(Step::Inquire),
        v1::Step::Unspecified | v1::Step::Gate | v1::Step::Query | v1::Step::Watch => None,
    }
}

/// An answer to a request of a transaction.
pub fn reply(scope: &Scope, device: DeviceId, answer: v1::Answer) -> Option<Reply> {
    let step = step(scope)?;
    let stands = standing(answer.standing);
    let answer = match answer.outcome? {
        Outcome::Done(_) => done(step, stands),
        Outcome::Fault(fault) => failed(step, words(&fault)),
        Outcome::Vote(vote) => voted(vote.choice?)?,
        Outcome::Deferred(deferred) => Answer::Deferred {
            reason: deferred.fault.as_ref().map(words).unwrap_or_default(),
        },
        Outcome::Lapsed(_) => Answer::Lapsed,
        Outcome::Foreign(foreign) => Answer::Foreign {
            what: plain(&foreign.words),
        },
        Outcome::Superseded(superseded) => Answer::Superseded {
            by: Epoch(superseded.by),
        },
        Outcome::Unheard(_) => Answer::Unknown,
        Outcome::Health(_) | Outcome::Reading(_) => return None,
    };
    Some(Reply {
        transaction: transaction(scope)?,
        epoch: Epoch(scope.epoch),
        device,
        step,
        answer,
    })
}

/// The paths on which somebody else had written, as the agent names them.
pub fn foreign(answer: &v1::Answer) -> String {
    let receipt = answer.receipt.as_ref();
    let paths = receipt.map(|it| it.foreign.as_slice()).unwrap_or_default();
    paths.iter().take(64).map(|it| plain(it)).collect::<Vec<_>>().join(", ")
}

fn done(step: Step, standing: Standing) -> Answer {
    match step {
        Step::Apply => Answer::Applied,
        Step::Renew { .. } => Answer::Renewed,
        Step::Confirm => Answer::Confirmed,
        Step::Revert => Answer::Reverted,
        Step::Inquire => Answer::Stands { standing },
        Step::Stage => Answer::Refused {
            reason: "the agent voted neither yes nor no".to_owned(),
        },
    }
}

fn failed(step: Step, reason: String) -> Answer {
    match step {
        Step::Stage => Answer::Refused { reason },
        Step::Apply => Answer::Failed { reason },
        Step::Renew { .. } | Step::Confirm | Step::Revert | Step::Inquire => Answer::Deferred { reason },
    }
}

fn voted(choice: Choice) -> Option<Answer> {
    Some(match choice {
        Choice::Yes(yes) => Answer::Staged {
            guarantee: guarantee(yes.guarantee)?,
            renews: yes.renews,
        },
        Choice::No(no) if no.fault.as_ref().is_some_and(|fault| fault.code == "busy") => Answer::Busy {
            holder: plain(&no.holder),
        },
        Choice::No(no) => Answer::Refused {
            reason: no.fault.as_ref().map(words).unwrap_or_default(),
        },
        Choice::Stale(stale) => Answer::Stale {
            what: plain(&stale.words),
        },
    })
}

/// A question about a transaction.
pub fn inquiry(scope: &Scope, device: DeviceId, inquiry: &v1::Inquiry) -> Option<Inquiry> {
    let standing = standing(inquiry.standing);
    Some(Inquiry {
        transaction: transaction(scope)?,
        epoch: Epoch(scope.epoch),
        device,
        standing,
    })
}

/// How far a step has come.
pub fn report(scope: &Scope, device: DeviceId, progress: &v1::Progress) -> Option<(TransactionId, Report)> {
    let percent = u8::try_from(progress.percent.min(100)).ok()?;
    Some((
        transaction(scope)?,
        Report {
            device,
            step: step(scope)?,
            percent,
        },
    ))
}

/// One entry that was read.
pub fn observed(observed: v1::Observed) -> Option<(Path, Value)> {
    let path = observed.path.parse().ok()?;
    let value = match observed.value?.kind? {
        v1::value::Kind::Present(_) => Value::Present,
        v1::value::Kind::Scalar(text) => Value::scalar(text),
        v1::value::Kind::Credential(name) => Value::scalar(format!("secret:{name}")),
    };
    Some((path, value))
}

fn standing(number: i32) -> Standing {
    match v1::Standing::try_from(number).unwrap_or_default() {
        v1::Standing::Untouched => Standing::Untouched,
        v1::Standing::Staged => Standing::Staged,
        v1::Standing::Applied => Standing::Applied,
        v1::Standing::Confirmed => Standing::Confirmed,
        v1::Standing::Unknown | v1::Standing::Unspecified => Standing::Unknown,
    }
}

fn guarantee(number: i32) -> Option<Guarantee> {
    match v1::Guarantee::try_from(number).ok()? {
        v1::Guarantee::Unspecified => None,
        v1::Guarantee::Plain => Some(Guarantee::Plain),
        v1::Guarantee::Whole => Some(Guarantee::Whole),
        v1::Guarantee::Timed => Some(Guarantee::Timed),
        v1::Guarantee::Session => Some(Guarantee::Session),
        v1::Guarantee::Confirmed => Some(Guarantee::Confirmed),
    }
}

fn protocol(number: i32) -> Option<&'static str> {
    match v1::Protocol::try_from(number).ok()? {
        v1::Protocol::Unspecified => None,
        v1::Protocol::Netconf => Some("netconf"),
        v1::Protocol::Cli => Some("cli"),
    }
}

/// A fault in one sentence: what happened, then what the device said.
pub fn words(fault: &v1::Fault) -> String {
    let (detail, said) = (plain(&fault.detail), plain(&fault.device_words));
    match (detail.is_empty(), said.is_empty()) {
        (false, false) => format!("{detail}: {said}"),
        (false, true) => detail,
        (true, false) => said,
        (true, true) => plain(&fault.code),
    }
}

/// Text from outside without control characters and of bounded length.
pub fn plain(text: &str) -> String {
    text.chars()
        .map(|it| if it.is_control() { ' ' } else { it })
        .take(1024)
        .collect()
}
