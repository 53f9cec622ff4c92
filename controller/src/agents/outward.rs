//! From what the machines ask to what travels to the agents.

use std::time::Duration;

use fabric_wire::v1::{self, Scope, downward::Body};
use knowledge_model::Path;
use sha2::{Digest, Sha256};
use transaction::{Demand, Guarantee, Lease, Order, Request, Step};

use crate::audit::unhex;
use crate::commit::{Change, Content, Entry};

/// The revision of the canonical model that paths are written in.
pub const MODEL_REVISION: &str = "2026-11-21";

/// A request with its scope.
pub fn request(request: Request<Change>) -> (Scope, Body) {
    let step = request.order.step();
    let scope = Scope {
        transaction: request.transaction.0.to_be_bytes().to_vec(),
        epoch: request.epoch.0,
        device: request.device.to_string(),
        step: number(step) as i32,
        attempt: if let Step::Renew { round } = step { round } else { 0 },
    };
    (scope, body(request.order))
}

fn number(step: Step) -> v1::Step {
    match step {
        Step::Stage => v1::Step::Stage,
        Step::Apply => v1::Step::Apply,
        Step::Renew { .. } => v1::Step::Renew,
        Step::Confirm => v1::Step::Confirm,
        Step::Revert => v1::Step::Revert,
        Step::Inquire => v1::Step::Inquire,
    }
}

fn body(order: Order<Change>) -> Body {
    match order {
        Order::Stage {
            change: it,
            demand: demanded,
            lease: share,
            comment,
            waived,
            // What changes nothing says so itself.
            looks_on: _,
        } => Body::Stage(v1::Stage {
            plan: unhex(&it.plan).unwrap_or_default(),
            waived: waived.iter().map(|it| it.0.to_be_bytes().to_vec()).collect(),
            change: Some(change(it)),
            demand: Some(demand(demanded)),
            lease: Some(lease(&share)),
            comment,
        }),
        Order::Apply => Body::Apply(v1::Apply {}),
        Order::Renew { .. } => Body::Renew(v1::Renew {}),
        Order::Confirm { change: it } => Body::Confirm(v1::Confirm { change: it.map(change) }),
        Order::Revert { change: it } => Body::Revert(v1::Revert { change: it.map(change) }),
        Order::Inquire => Body::Inquire(v1::Inquire {}),
    }
}

fn change(change: Change) -> v1::Change {
    let mut baseline = Sha256::new();
    // What only has to stand travels as what changes does, the same before and after.
    let stands = change.stands.into_iter().map(|it| Entry {
        path: it.path,
        before: it.there.clone(),
        after: it.there,
    });
    let mut all: Vec<Entry> = change.entries.into_iter().chain(stands).collect();
    all.sort_by_cached_key(|entry| entry.path.parse::<Path>().ok());
    let entries = all.into_iter().map(|entry| {
        baseline.update(entry.path.as_bytes());
        baseline.update([0]);
        baseline.update(match &entry.before {
            None => String::new(),
            Some(Content::Present) => "p".to_owned(),
            Some(Content::Scalar(text)) => match text.strip_prefix("secret:") {
                Some(name) => format!("c{name}"),
                None => format!("s{text}"),
            },
        });
        baseline.update([0, b'\n']);
        v1::Entry {
            path: entry.path,
            before: entry.before.map(value),
            after: entry.after.map(value),
        }
    });
    let entries = entries.collect();
    v1::Change {
        model_revision: MODEL_REVISION.to_owned(),
        entries,
        baseline: baseline.finalize().to_vec(),
    }
}

fn value(content: Content) -> v1::Value {
    let kind = match content {
        Content::Present => v1::value::Kind::Present(true),
        Content::Scalar(text) => match text.strip_prefix("secret:") {
            Some(name) => v1::value::Kind::Credential(name.to_owned()),
            None => v1::value::Kind::Scalar(text),
        },
    };
    v1::Value { kind: Some(kind) }
}

fn demand(demand: Demand) -> v1::Demand {
    let (guarantee, whole, unaided) = match demand {
        Demand::Any => (v1::Guarantee::Unspecified, false, false),
        Demand::Class(class) => (class_number(class), false, false),
        Demand::Whole => (v1::Guarantee::Unspecified, true, false),
        Demand::TakenBackByDevice => (v1::Guarantee::Unspecified, false, true),
    };
    v1::Demand {
        guarantee: guarantee as i32,
        whole,
        unaided,
    }
}

fn class_number(guarantee: Guarantee) -> v1::Guarantee {
    match guarantee {
        Guarantee::Confirmed => v1::Guarantee::Confirmed,
        Guarantee::Session => v1::Guarantee::Session,
        Guarantee::Timed => v1::Guarantee::Timed,
        Guarantee::Whole => v1::Guarantee::Whole,
        Guarantee::Plain => v1::Guarantee::Plain,
    }
}

fn lease(lease: &Lease) -> v1::Lease {
    v1::Lease {
        renewed_milliseconds: milliseconds(lease.renewed),
        whole_milliseconds: milliseconds(lease.whole),
        in_doubt_milliseconds: milliseconds(lease.in_doubt),
        ask_every_milliseconds: milliseconds(lease.ask_every),
    }
}

fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
