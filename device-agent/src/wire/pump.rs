//! Both directions of one stream, and what has to be remembered between a request and its answer.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use fabric_identity::Permission;
use fabric_wire::v1::{self, answer, downward, upward};
use fabric_wire::{AgentLink, Limits, Lost, Outlet};
use transaction::{DeviceId, Reply, Step, TransactionId};

use super::down::{self, About};
use super::{Dial, Parting, up, values};
use crate::events::Teller;
use crate::failure::Failure;
use crate::link::{self, Reading, Upward, Wire};

/// How many requests are remembered until they are answered.
const REMEMBERED: usize = 8192;
/// How many entries one reading carries.
const ENTRIES: usize = 4096;
/// How often it is looked whether the controller has taken in the last words.
const LOOK: Duration = Duration::from_millis(20);
/// How much room for words about transactions a reading leaves.
const SPARE: usize = 64;

/// A request that was asked and not yet answered.
struct Asked {
    sequence: u64,
    scope: v1::Scope,
}

pub(super) struct Pump {
    wire: Wire,
    outlet: Outlet<v1::Upward>,
    teller: Option<Arc<Teller>>,
    asked: VecDeque<Asked>,
    /// The device's words that go along with the next answer about it.
    receipts: VecDeque<(TransactionId, DeviceId, v1::Receipt)>,
    /// Why the last step on a device failed: for its answer, and for those to repeats.
    failures: VecDeque<(TransactionId, DeviceId, Failure)>,
}

impl Pump {
    pub(super) fn new(wire: Wire, outlet: Outlet<v1::Upward>, teller: Option<Arc<Teller>>) -> Self {
        Self {
            wire,
            outlet,
            teller,
            asked: VecDeque::new(),
            receipts: VecDeque::new(),
            failures: VecDeque::new(),
        }
    }

    /// Carries both ways until the stream is lost.
    pub(super) async fn run(&mut self, link: &mut AgentLink, dial: &dyn Dial) -> Lost {
        loop {
            tokio::select! {
                message = link.next() => match message {
                    Ok(message) => self.take_in(message, dial),
                    Err(lost) => return lost,
                },
                Some(word) = self.wire.up.recv() => self.send(word),
            }
        }
    }

    /// Says what is left to say, parts, and waits until the controller has taken that in. What comes meanwhile is not begun
    /// any more: it is asked of the next stream.
    pub(super) async fn part(&mut self, link: &mut AgentLink, how: Parting) -> Result<(), Lost> {
        while let Ok(word) = self.wire.up.try_recv() {
            self.send(word);
        }
        match how {
            Parting::Leave => self.leave(link).await,
            Parting::Pause => self.pause(link).await,
        }
    }

    async fn leave(&self, link: &mut AgentLink) -> Result<(), Lost> {
        if let Err(error) = link.offer(None, upward::Body::Leave(v1::Leave {})) {
            tracing::warn!(%error, "left without a word to the controller");
            return Ok(());
        }
        while !matches!(link.next().await?.body, Some(downward::Body::Registered(_))) {}
        Ok(())
    }

    async fn pause(&self, link: &mut AgentLink) -> Result<(), Lost> {
        let mut look = tokio::time::interval(LOOK);
        self.outlet.press();
        while self.outlet.waiting() > 0 {
            tokio::select! {
                message = link.next() => drop(message?),
                _ = look.tick() => {}
            }
        }
        Ok(())
    }

    /// While no stream is there, what is said is kept for the next one, within the outlet's bound. Never ends.
    pub(super) async fn keep(&mut self) {
        while let Some(word) = self.wire.up.recv().await {
            self.send(word);
        }
        std::future::pending().await
    }

    fn take_in(&mut self, message: v1::Downward, dial: &dyn Dial) {
        let (Some(scope), Some(body)) = (message.scope, message.body) else {
            return;
        };
        if let Some(needed) = needed(&body).filter(|it| !dial.permits(&scope.device, *it)) {
            let asked = Asked {
                sequence: message.sequence,
                scope,
            };
            let words = format!("this agent's certificate does not let it {} the device", needed.word());
            tracing::warn!(device = asked.scope.device, words, "refused a request");
            let fault = self.fault(&asked, "out-of-scope", v1::Retry::Never, &words);
            return self.answer(asked, v1::Standing::Unspecified, None, fault);
        }
        let word = About::read(&scope).and_then(|about| down::word(about, &scope, body));
        let asked = Asked {
            sequence: message.sequence,
            scope,
        };
        match word {
            Ok(word) => {
                if let Err(error) = self.wire.down.try_send(word) {
                    tracing::warn!(%error, "the agent is busy or ends: a request was dropped");
                    let fault = self.fault(&asked, "overloaded", v1::Retry::Later, "the agent has too much to do");
                    return self.answer(asked, v1::Standing::Unspecified, None, fault);
                }
                self.remember(asked);
            }
            Err(detail) => {
                tracing::warn!(detail, "a request that cannot be understood");
                let code = if detail.starts_with("unsupported") {
                    "unsupported"
                } else {
                    "malformed"
                };
                let fault = self.fault(&asked, code, v1::Retry::Never, &detail);
                self.answer(asked, v1::Standing::Unspecified, None, fault);
            }
        }
    }

    fn fault(&self, asked: &Asked, code: &str, retry: v1::Retry, detail: &str) -> answer::Outcome {
        answer::Outcome::Fault(up::fault(code, asked.scope.step(), &asked.scope.device, retry, detail))
    }

    /// A repeat takes the place of the request that it repeats.
    fn remember(&mut self, asked: Asked) {
        self.asked.retain(|it| it.scope != asked.scope);
        if self.asked.len() == REMEMBERED {
            self.asked.pop_front();
        }
        self.asked.push_back(asked);
    }

    fn send(&mut self, word: Upward) {
        match word {
            Upward::Receipt {
                transaction,
                device,
                receipt,
                foreign,
            } => {
                let receipt = up::receipt(&receipt, &foreign);
                keep_one(&mut self.receipts, (transaction, device, receipt));
            }
            Upward::Failure {
                transaction,
                device,
                failure,
            } => keep_one(&mut self.failures, (transaction, device, failure)),
            Upward::Reply(reply) => self.reply(&reply),
            Upward::Inquiry(inquiry) => {
                let scope = scope(inquiry.transaction, inquiry.epoch.0, inquiry.device, v1::Step::Inquire);
                self.offer(scope, upward::Body::Inquiry(up::inquiry(inquiry.standing)));
            }
            Upward::Health {
                transaction,
                device,
                findings,
            } => {
                let outcome = answer::Outcome::Health(up::health(findings));
                let asked = self.asked_for(transaction, device, v1::Step::Gate, None);
                self.answer(asked, v1::Standing::Unspecified, None, outcome);
            }
            Upward::Switched(switch) => {
                let scope = scope(TransactionId(0), 0, switch.device, v1::Step::Unspecified);
                self.offer(scope, upward::Body::Fault(up::switched(&switch)));
            }
            Upward::Reading {
                transaction,
                device,
                attempt,
                reading,
            } => self.read((transaction, device, attempt), reading),
            Upward::Watching {
                asked: link::Asked { transaction, attempt },
                device,
                done,
            } => {
                let asked = self.asked_for(transaction, device, v1::Step::Watch, Some(attempt));
                let outcome = match done {
                    Ok(()) => answer::Outcome::Done(v1::Done {}),
                    Err(failure) => failed(&asked, &failure),
                };
                self.answer(asked, v1::Standing::Unspecified, None, outcome);
            }
            Upward::Progress(progress) => {
                let step = up::step(progress.step);
                let scope = scope(progress.transaction, 0, progress.device, step);
                let progress = v1::Progress { words: progress.words };
                // What finds no room is lost: the answer says more.
                let _ = self.outlet.pass(Some(scope), upward::Body::Progress(progress));
            }
            Upward::Sample(sample) => {
                let scope = scope(TransactionId(0), 0, sample.device, v1::Step::Watch);
                // What finds no room is lost, and the count of the next one says so.
                let _ = self.outlet.pass(Some(scope), upward::Body::Sample(up::sample(&sample)));
            }
        }
    }

    fn reply(&mut self, reply: &Reply) {
        if let Some(teller) = &self.teller {
            teller.answered(reply);
        }
        let attempt = if let Step::Renew { round } = reply.step {
            Some(round)
        } else {
            None
        };
        let mut asked = self.asked_for(reply.transaction, reply.device, up::step(reply.step), attempt);
        asked.scope.epoch = reply.epoch.0;
        let failure = self.failures.iter().find(|(of, at, failure)| {
            (*of, *at) == (reply.transaction, reply.device)
                && up::reason(&reply.answer).is_some_and(|it| it.contains(&failure.reason))
        });
        let (standing, outcome) = up::outcome(reply, failure.map(|it| &it.2));
        let at = self
            .receipts
            .iter()
            .position(|(of, at, _)| (*of, *at) == (reply.transaction, reply.device));
        let receipt = at
            .and_then(|at| self.receipts.remove(at))
            .map(|(_, _, receipt)| receipt);
        self.answer(asked, standing, receipt, outcome);
    }

    fn read(
        &mut self,
        (transaction, device, attempt): (TransactionId, DeviceId, u32),
        reading: Result<Reading, Failure>,
    ) {
        let asked = self.asked_for(transaction, device, v1::Step::Query, Some(attempt));
        let parts: Vec<(Vec<v1::Observed>, String)> = match reading {
            Ok(Reading::Canonical(tree)) => {
                let entries = values::observed(&tree);
                entries.chunks(ENTRIES).map(|it| (it.to_vec(), String::new())).collect()
            }
            Ok(Reading::Native(text)) => values::pieces(&text).map(|it| (Vec::new(), it.to_owned())).collect(),
            Err(failure) => {
                let fault = failed(&asked, &failure);
                return self.answer(asked, v1::Standing::Unspecified, None, fault);
            }
        };
        let last = parts.len().max(1);
        let room = Limits::default().queue.saturating_sub(self.outlet.waiting() + SPARE);
        if last > room {
            let words = format!("the reading has {last} parts, and the controller takes {room} now");
            let fault = self.fault(&asked, "overloaded", v1::Retry::Later, &words);
            return self.answer(asked, v1::Standing::Unspecified, None, fault);
        }
        let mut parts = parts.into_iter();
        for number in 1..=last {
            let (entries, native) = parts.next().unwrap_or_default();
            let reading = v1::Reading {
                entries,
                more: number < last,
                native,
                part: u32::try_from(number).unwrap_or_default(),
            };
            let part = Asked {
                sequence: asked.sequence,
                scope: asked.scope.clone(),
            };
            self.answer(part, v1::Standing::Unspecified, None, answer::Outcome::Reading(reading));
        }
    }

    /// The request that is answered. One that is no longer remembered is answered all the same, by its scope.
    fn asked_for(
        &mut self,
        transaction: TransactionId,
        device: DeviceId,
        step: v1::Step,
        attempt: Option<u32>,
    ) -> Asked {
        let mut scope = scope(transaction, 0, device, step);
        scope.attempt = attempt.unwrap_or_default();
        let fits = |it: &Asked| {
            (&it.scope.transaction, &it.scope.device, it.scope.step) == (&scope.transaction, &scope.device, scope.step)
                && attempt.is_none_or(|attempt| attempt == it.scope.attempt)
        };
        let at = self.asked.iter().position(fits);
        at.and_then(|at| self.asked.remove(at))
            .unwrap_or(Asked { sequence: 0, scope })
    }

    fn answer(&self, asked: Asked, standing: v1::Standing, receipt: Option<v1::Receipt>, outcome: answer::Outcome) {
        let answer = v1::Answer {
            to: asked.sequence,
            standing: standing.into(),
            receipt,
            outcome: Some(outcome),
        };
        self.offer(asked.scope, upward::Body::Answer(answer));
    }

    /// What finds no room is dropped: whoever misses it asks again.
    fn offer(&self, scope: v1::Scope, body: upward::Body) {
        if let Err(error) = self.outlet.offer(Some(scope), body) {
            tracing::warn!(%error, "a word to the controller was dropped");
        }
    }
}

/// Keeps what is known of a device's last step in a transaction in the place of what was; the oldest makes room.
fn keep_one<T>(all: &mut VecDeque<(TransactionId, DeviceId, T)>, it: (TransactionId, DeviceId, T)) {
    all.retain(|(of, at, _)| (*of, *at) != (it.0, it.1));
    if all.len() == REMEMBERED {
        all.pop_front();
    }
    all.push_back(it);
}

fn failed(asked: &Asked, failure: &Failure) -> answer::Outcome {
    answer::Outcome::Fault(up::failed(failure, asked.scope.step(), &asked.scope.device))
}

/// What the certificate must allow for a request. The way back is open to every agent.
fn needed(body: &downward::Body) -> Option<Permission> {
    match body {
        downward::Body::Stage(_) | downward::Body::Apply(_) | downward::Body::Renew(_) | downward::Body::Confirm(_) => {
            Some(Permission::Configure)
        }
        downward::Body::Gate(_) | downward::Body::Query(_) | downward::Body::Watch(_) => Some(Permission::Observe),
        downward::Body::Revert(_)
        | downward::Body::Inquire(_)
        | downward::Body::Unwatch(_)
        | downward::Body::Welcome(_)
        | downward::Body::Refused(_)
        | downward::Body::Heartbeat(_)
        | downward::Body::Registered(_) => None,
    }
}

fn scope(transaction: TransactionId, epoch: u64, device: DeviceId, step: v1::Step) -> v1::Scope {
    let transaction = if transaction.0 == 0 {
        Vec::new()
    } else {
        transaction.0.to_be_bytes().to_vec()
    };
    v1::Scope {
        transaction,
        epoch,
        device: device.to_string(),
        step: step.into(),
        attempt: 0,
    }
}
