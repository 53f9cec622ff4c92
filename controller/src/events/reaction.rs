//! What believed events cause: the registry hears of its agent, what waits for a device goes on, drift is looked for.

use std::sync::Arc;

use fabric_events::Event;
use serde_json::Value;
use tokio::sync::mpsc;
use transaction::{Answer, DeviceId, Epoch, Reply, Step, TransactionId};

use super::check::Checks;
use crate::app::App;

/// Acts on believed events, one after the other. A wait is as long as a reading of a device may take.
pub async fn react(app: Arc<App>, mut events: mpsc::Receiver<Event>) {
    let checks = Checks::default();
    while let Some(event) = events.recv().await {
        let Some(agent) = event.source.strip_prefix("entente://agent/").map(str::to_owned) else {
            continue; // what we say ourselves is known here
        };
        match event.kind.as_str() {
            "agent-joined" => app.roster.heard(&agent),
            "task-completed" => completed(&app, &agent, &event),
            "link-fault" => checks.begin(&app, event),
            _ => {}
        }
    }
}

/// An agent says that a device is where its transaction was decided to be: it is the answer that the transaction waits
/// for, wherever the one on the stream is, and the next that waits for the device is let in. Only the agent that
/// configures the device can know: to publish about it is not enough.
fn completed(app: &App, agent: &str, event: &Event) {
    match reply(event) {
        Some(reply) if app.agents.keeps(reply.device, agent) => app.hub.reply(reply),
        Some(reply) => {
            let device = reply.device;
            tracing::warn!(agent, %device, "passed over a task-completed of an agent that does not configure the device");
        }
        None => tracing::warn!(source = event.source, "a task-completed that names no transaction"),
    }
}

fn reply(event: &Event) -> Option<Reply> {
    let device: DeviceId = event.subject.parse().ok()?;
    let transaction: TransactionId = text(&event.data, "transaction")?.parse().ok()?;
    let (step, answer) = match text(&event.data, "outcome")? {
        "confirmed" => (Step::Confirm, Answer::Confirmed),
        "reverted" => (Step::Revert, Answer::Reverted),
        _ => return None,
    };
    Some(Reply {
        transaction,
        epoch: Epoch(event.data.get("epoch")?.as_u64()?),
        device,
        step,
        answer,
    })
}

fn text<'a>(data: &'a Value, name: &str) -> Option<&'a str> {
    data.get(name)?.as_str()
}
