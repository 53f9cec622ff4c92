//! What the agent says, in the wire's words.

use fabric_wire::v1::{self, answer, vote};
use transaction::{Answer, Reply, Standing, Step};

use super::values;
use crate::check::{Color, Finding};
use crate::failure::{Again, Failure, cleaned, typed};
use crate::link::{Sample, Switch};

/// The longest text of a device that travels.
const WORDS: usize = 4096;

/// Why an answer is no yes, as the participant says it.
pub(super) fn reason(answer: &Answer) -> Option<&str> {
    match answer {
        Answer::Refused { reason } | Answer::Failed { reason } | Answer::Deferred { reason } => Some(reason),
        Answer::Stale { what } | Answer::Foreign { what } => Some(what),
        Answer::Busy { holder } => Some(holder),
        Answer::Staged { .. }
        | Answer::Applied
        | Answer::Renewed
        | Answer::Lapsed
        | Answer::Confirmed
        | Answer::Reverted
        | Answer::Unknown
        | Answer::Superseded { .. }
        | Answer::Stands { .. } => None,
    }
}

/// Where the device stands after this answer, and what the answer is; `failure` is why in full, where that is known.
pub(super) fn outcome(reply: &Reply, failure: Option<&Failure>) -> (v1::Standing, answer::Outcome) {
    let (step, device) = (step(reply.step), reply.device.to_string());
    let fault = |code: &str, retry, detail: &str| match failure {
        Some(failure) => failed(failure, step, &device),
        None => fault(code, step, &device, retry, &cleaned(&[detail])),
    };
    let no = |fault, holder: &str| {
        let no = v1::No {
            fault: Some(fault),
            holder: cut(&cleaned(&[holder])),
        };
        answer::Outcome::Vote(v1::Vote {
            choice: Some(vote::Choice::No(no)),
        })
    };
    match &reply.answer {
        Answer::Staged { guarantee, renews } => {
            let guarantee = values::guarantee(*guarantee).into();
            let yes = v1::Yes {
                guarantee,
                renews: *renews,
            };
            (
                v1::Standing::Staged,
                answer::Outcome::Vote(v1::Vote {
                    choice: Some(vote::Choice::Yes(yes)),
                }),
            )
        }
        Answer::Refused { reason } => (
            v1::Standing::Untouched,
            no(fault("refused", v1::Retry::Never, reason), ""),
        ),
        Answer::Busy { holder } => (
            v1::Standing::Untouched,
            no(fault("busy", v1::Retry::Later, holder), holder),
        ),
        Answer::Stale { what } => {
            let stale = v1::Stale {
                words: cut(&cleaned(&[what])),
            };
            let vote = v1::Vote {
                choice: Some(vote::Choice::Stale(stale)),
            };
            (v1::Standing::Untouched, answer::Outcome::Vote(vote))
        }
        Answer::Applied | Answer::Renewed => (v1::Standing::Applied, done()),
        Answer::Failed { reason } => {
            let fault = fault("refused", v1::Retry::Never, reason);
            (v1::Standing::Unknown, answer::Outcome::Fault(fault))
        }
        Answer::Lapsed => (v1::Standing::Untouched, answer::Outcome::Lapsed(v1::Lapsed {})),
        Answer::Confirmed => (v1::Standing::Confirmed, done()),
        Answer::Reverted => (v1::Standing::Untouched, done()),
        Answer::Deferred { reason } => {
            let fault = Some(fault("unknown", v1::Retry::Later, reason));
            (v1::Standing::Unknown, answer::Outcome::Deferred(v1::Deferred { fault }))
        }
        Answer::Foreign { what } => {
            let foreign = v1::Foreign {
                words: cut(&cleaned(&[what])),
            };
            (v1::Standing::Unknown, answer::Outcome::Foreign(foreign))
        }
        Answer::Unknown => (v1::Standing::Unspecified, answer::Outcome::Unheard(v1::Unheard {})),
        Answer::Superseded { by } => (
            v1::Standing::Unspecified,
            answer::Outcome::Superseded(v1::Superseded { by: by.0 }),
        ),
        Answer::Stands { standing } => (values::standing(*standing), done()),
    }
}

fn done() -> answer::Outcome {
    answer::Outcome::Done(v1::Done {})
}

/// A failure in full.
pub(super) fn failed(failure: &Failure, step: v1::Step, device: &str) -> v1::Fault {
    let retry = match failure.again {
        Again::Never => v1::Retry::Never,
        Again::Later => v1::Retry::Later,
    };
    v1::Fault {
        protocol: failure.protocol.map_or(v1::Protocol::Unspecified, protocol).into(),
        device_words: cut(&failure.said),
        paths: failure.paths.iter().take(PATHS).map(ToString::to_string).collect(),
        ..fault(failure.code, step, device, retry, &failure.detail)
    }
}

/// One form of everything that goes wrong.
pub(super) fn fault(code: &str, step: v1::Step, device: &str, retry: v1::Retry, detail: &str) -> v1::Fault {
    v1::Fault {
        code: code.to_owned(),
        step: step.into(),
        device: device.to_owned(),
        retry: retry.into(),
        detail: cut(detail),
        ..v1::Fault::default()
    }
}

pub(super) fn step(step: Step) -> v1::Step {
    match step {
        Step::Stage => v1::Step::Stage,
        Step::Apply => v1::Step::Apply,
        Step::Renew { .. } => v1::Step::Renew,
        Step::Confirm => v1::Step::Confirm,
        Step::Revert => v1::Step::Revert,
        Step::Inquire => v1::Step::Inquire,
    }
}

/// A switch of protocol answers no request: the protocol that failed, and why.
pub(super) fn switched(switch: &Switch) -> v1::Fault {
    let because = cleaned(&[&switch.because]);
    let detail = format!("switched from {} to {}: {because}", switch.from, switch.to);
    v1::Fault {
        protocol: protocol(switch.from).into(),
        ..fault(
            "protocol-switched",
            v1::Step::Unspecified,
            &switch.device.to_string(),
            v1::Retry::Never,
            &detail,
        )
    }
}

fn protocol(protocol: adapters_port::Protocol) -> v1::Protocol {
    match protocol {
        adapters_port::Protocol::Netconf => v1::Protocol::Netconf,
        adapters_port::Protocol::Cli => v1::Protocol::Cli,
    }
}

/// The most paths that are named.
const PATHS: usize = 64;

pub(super) fn receipt(receipt: &adapters_port::Receipt, foreign: &[knowledge_model::Path]) -> v1::Receipt {
    let said: Vec<&String> = receipt.words.iter().chain(&receipt.remarks).collect();
    v1::Receipt {
        protocol: protocol(receipt.protocol).into(),
        asked: cut(&typed(&receipt.asked)),
        said: cut(&cleaned(&said)),
        took_microseconds: u64::try_from(receipt.took.as_micros()).unwrap_or(u64::MAX),
        foreign: foreign.iter().take(PATHS).map(ToString::to_string).collect(),
    }
}

pub(super) fn health(findings: Vec<Finding>) -> v1::Health {
    let finding = |it: Finding| {
        let color = match it.color {
            Color::Green => v1::Color::Green,
            Color::Red => v1::Color::Red,
            Color::NoData => v1::Color::NoData,
        };
        v1::Finding {
            name: it.name,
            color: color.into(),
            words: cut(&it.words),
        }
    };
    v1::Health {
        findings: findings.into_iter().map(finding).collect(),
    }
}

pub(super) fn sample(sample: &Sample) -> v1::Sample {
    v1::Sample {
        watch: sample.watch.to_vec(),
        count: sample.count,
        age_milliseconds: u64::try_from(sample.looked.elapsed().as_millis()).unwrap_or(u64::MAX),
        entries: values::observed(&sample.entries),
        gone: sample.gone.iter().map(ToString::to_string).collect(),
    }
}

pub(super) fn inquiry(standing: Standing) -> v1::Inquiry {
    v1::Inquiry {
        standing: values::standing(standing).into(),
    }
}

/// Text without control characters and within the bound, cut between characters.
pub(super) fn cut(text: &str) -> String {
    let mut end = text.len().min(WORDS);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use transaction::{DeviceId, Epoch, TransactionId};

    /// What was typed, and what is only kept as a sentence, hides its secrets too.
    #[test]
    fn no_secret_goes_up_in_any_answer() {
        let said = || "% Bad line: neighbor 192.0.2.1 password s3cret".to_owned();
        let answers = [
            Answer::Refused { reason: said() },
            Answer::Failed { reason: said() },
            Answer::Deferred { reason: said() },
            Answer::Stale { what: said() },
            Answer::Foreign { what: said() },
            Answer::Busy { holder: said() },
        ];
        for answer in answers {
            let reply = Reply {
                transaction: TransactionId(1),
                epoch: Epoch(1),
                device: DeviceId(1),
                step: Step::Stage,
                answer,
            };
            let told = format!("{:?}", outcome(&reply, None).1);
            assert!(told.contains("Bad line") && !told.contains("s3cret"), "{told}");
        }
        let mut asked = adapters_port::Receipt::new(adapters_port::Step::Apply, adapters_port::Protocol::Cli);
        asked.asked = vec!["username bob password failed s3cret".to_owned(), "mtu 9000".to_owned()];
        let asked = receipt(&asked, &[]).asked;
        assert_eq!(asked, "username bob password ***; mtu 9000");
    }
}
