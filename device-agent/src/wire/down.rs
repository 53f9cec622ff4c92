//! What the controller says, checked and in our words.

use std::time::Duration;

use fabric_wire::v1::{self, downward};
use knowledge_model::Path;
use transaction::{DeviceId, Epoch, Lease, Order, Request, TransactionId};

use super::values;
use crate::check::{Task, Wanted};
use crate::link::{Asked, Downward, Gate, Query, Source, Unwatch, Watch};

/// The most checks of one gate, paths of one query.
const MOST: usize = 1024;

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct About {
    pub transaction: TransactionId,
    pub epoch: Epoch,
    pub device: DeviceId,
}

impl About {
    /// Reads a scope; the fault says what is wrong with it.
    pub(super) fn read(scope: &v1::Scope) -> Result<Self, String> {
        let transaction = match scope.transaction.as_slice() {
            [] => TransactionId(0),
            id => transaction(id)?,
        };
        let device = scope.device.parse().map_err(|error| format!("{error}"))?;
        Ok(Self {
            transaction,
            epoch: Epoch(scope.epoch),
            device,
        })
    }
}

fn transaction(id: &[u8]) -> Result<TransactionId, String> {
    let bytes: Result<[u8; 16], _> = id.try_into();
    let bytes = bytes.map_err(|_| format!("a transaction has 16 bytes, not {}", id.len()))?;
    Ok(TransactionId(u128::from_be_bytes(bytes)))
}

/// What is asked.
pub(super) fn word(about: About, scope: &v1::Scope, body: downward::Body) -> Result<Downward, String> {
    let About {
        transaction,
        epoch,
        device,
    } = about;
    let order = match body {
        downward::Body::Stage(stage) => self::stage(stage)?,
        downward::Body::Apply(_) => Order::Apply,
        downward::Body::Renew(_) => Order::Renew { round: scope.attempt },
        downward::Body::Confirm(confirm) => Order::Confirm {
            change: confirm.change.map(values::part).transpose()?,
        },
        downward::Body::Revert(revert) => Order::Revert {
            change: revert.change.map(values::part).transpose()?,
        },
        downward::Body::Inquire(_) => Order::Inquire,
        downward::Body::Gate(gate) => return self::gate(about, gate).map(Downward::Gate),
        downward::Body::Query(query) => return self::query(about, scope.attempt, query).map(Downward::Query),
        downward::Body::Watch(watch) => return self::watch(about, scope.attempt, watch).map(Downward::Watch),
        downward::Body::Unwatch(unwatch) => {
            let asked = Asked {
                transaction,
                attempt: scope.attempt,
            };
            let name = name(&unwatch.watch)?;
            return Ok(Downward::Unwatch(Unwatch { name, asked, device }));
        }
        downward::Body::Welcome(_)
        | downward::Body::Refused(_)
        | downward::Body::Heartbeat(_)
        | downward::Body::Registered(_) => {
            return Err("not a request".to_owned());
        }
    };
    Ok(Downward::Request(Request {
        transaction,
        epoch,
        device,
        order,
    }))
}

fn stage(stage: v1::Stage) -> Result<Order<crate::part::Part>, String> {
    let change = stage.change.ok_or("a stage without a change")?;
    values::whole(&change)?;
    let change = values::part(change)?;
    let lease = stage.lease.ok_or("a stage without a lease")?;
    let span = |milliseconds: u64, name: &str| match milliseconds {
        0 => Err(format!("a lease whose {name} is zero")),
        some => Ok(Duration::from_millis(some)),
    };
    let lease = Lease {
        renewed: span(lease.renewed_milliseconds, "renewed")?,
        whole: span(lease.whole_milliseconds, "whole")?,
        in_doubt: span(lease.in_doubt_milliseconds, "in_doubt")?,
        ask_every: span(lease.ask_every_milliseconds, "ask_every")?,
    };
    let comment = comment(&stage.comment, &stage.plan);
    let waived = stage
        .waived
        .iter()
        .map(|id| transaction(id))
        .collect::<Result<_, _>>()?;
    Ok(Order::Stage {
        looks_on: change.delta.is_empty(),
        change,
        demand: values::demand(stage.demand),
        lease,
        comment,
        waived,
    })
}

/// For the device's own log: who asked for what, and the first digits of the plan that was approved.
fn comment(said: &str, plan: &[u8]) -> String {
    let plain = said.chars().filter(|it| it.is_ascii_graphic() || *it == ' ');
    let digits: String = plan.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let plan = if digits.is_empty() {
        digits
    } else {
        format!(" plan {digits}")
    };
    plain.take(128 - plan.len()).chain(plan.chars()).collect()
}

fn gate(about: About, gate: v1::Gate) -> Result<Gate, String> {
    if gate.checks.len() > MOST {
        return Err(format!("{} checks, at most {MOST} are taken", gate.checks.len()));
    }
    Ok(Gate {
        transaction: about.transaction,
        device: about.device,
        checks: gate.checks.into_iter().map(task).collect(),
        within: Duration::from_millis(gate.within_milliseconds),
        steady: Duration::from_millis(gate.steady_milliseconds),
    })
}

fn task(check: v1::Check) -> Task {
    Task {
        name: check.name,
        patience: (check.patience_milliseconds > 0).then(|| Duration::from_millis(check.patience_milliseconds)),
        wanted: wanted(check.kind),
    }
}

fn wanted(kind: Option<v1::check::Kind>) -> Wanted {
    let some = |text: String| (!text.is_empty()).then_some(text);
    match kind {
        Some(v1::check::Kind::Management(_)) => Wanted::Answers,
        Some(v1::check::Kind::Session(it)) => Wanted::Session {
            protocol: it.protocol,
            neighbor: it.neighbor,
            family: some(it.family),
            received: it.received_at_least,
            sent: it.sent_at_least,
        },
        Some(v1::check::Kind::Route(it)) => Wanted::Route {
            prefix: it.prefix,
            next_hop: some(it.next_hop),
            absent: it.absent,
        },
        Some(v1::check::Kind::Reach(it)) => Wanted::Reach {
            address: it.address,
            lost_per_thousand: it.lost_per_thousand,
        },
        Some(v1::check::Kind::Link(it)) => Wanted::Link {
            interface: it.interface,
        },
        None => Wanted::Unseen {
            what: "a check of a kind unknown to it",
        },
    }
}

fn name(bytes: &[u8]) -> Result<[u8; 16], String> {
    let name = bytes.try_into();
    name.map_err(|_| format!("a watch has a name of 16 bytes, not {}", bytes.len()))
}

fn watch(about: About, attempt: u32, watch: v1::Watch) -> Result<Watch, String> {
    let source = match watch.source() {
        v1::Source::Running => Source::Running,
        v1::Source::State => Source::State,
        v1::Source::Unspecified | v1::Source::Startup | v1::Source::Native | v1::Source::Ways => {
            return Err("unsupported: this agent watches the running configuration and state".to_owned());
        }
    };
    if watch.lease_milliseconds == 0 {
        return Err("a watch without an end".to_owned());
    }
    Ok(Watch {
        name: name(&watch.watch)?,
        asked: Asked {
            transaction: about.transaction,
            attempt,
        },
        device: about.device,
        source,
        paths: paths(&watch.paths)?,
        every: Duration::from_millis(watch.every_milliseconds),
        lease: Duration::from_millis(watch.lease_milliseconds),
        changes_only: watch.changes_only,
    })
}

fn paths(paths: &[String]) -> Result<Vec<Path>, String> {
    if paths.len() > MOST {
        return Err(format!("{} paths, at most {MOST} are taken", paths.len()));
    }
    paths.iter().map(|path| values::path(path)).collect()
}

fn query(about: About, attempt: u32, query: v1::Query) -> Result<Query, String> {
    let source = match query.source() {
        v1::Source::Running => Source::Running,
        v1::Source::State => Source::State,
        v1::Source::Native => Source::Native,
        v1::Source::Ways => Source::Ways,
        v1::Source::Unspecified | v1::Source::Startup => {
            return Err("unsupported: this agent reads the running configuration and state".to_owned());
        }
    };
    let paths = paths(&query.paths)?;
    let within = Duration::from_millis(query.within_milliseconds);
    Ok(Query {
        source,
        transaction: about.transaction,
        device: about.device,
        attempt,
        paths,
        within,
    })
}
