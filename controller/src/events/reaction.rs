//! What believed events cause: the registry hears of its agent, what waits for a device goes on, drift is looked for.

use std::sync::Arc;

use fabric_events::Event;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use transaction::{Answer, DeviceId, Epoch, Reply, Step, TransactionId};

use crate::app::{App, Asker};

/// Acts on believed events, one after the other. A wait is as long as a reading of a device may take.
pub async fn react(app: Arc<App>, mut events: mpsc::Receiver<Event>) {
    while let Some(event) = events.recv().await {
        let Some(agent) = event.source.strip_prefix("entente://agent/").map(str::to_owned) else {
            continue; // what we say ourselves is known here
        };
        match event.kind.as_str() {
            "agent-joined" => app.roster.heard(&agent),
            "task-completed" => completed(&app, &event),
            "link-fault" => {
                let app = app.clone();
                tokio::spawn(async move { look_for_drift(&app, &event).await });
            }
            _ => {}
        }
    }
}

/// An agent says that a device is where its transaction was decided to be: it is the answer that the transaction waits
/// for, wherever the one on the stream is, and the next that waits for the device is let in.
fn completed(app: &App, event: &Event) {
    match reply(event) {
        Some(reply) => app.hub.reply(reply),
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

/// Reads the device that a fault is about, and puts on record what was found.
async fn look_for_drift(app: &App, event: &Event) {
    let Ok(device) = event.subject.parse::<DeviceId>() else {
        return;
    };
    let name = app
        .agents
        .names()
        .find(|(id, _)| **id == device)
        .map(|(_, name)| name.clone());
    let Some(name) = name else { return };
    let found = match app.agents.read(device, Vec::new()).await {
        Ok(tree) => json!({ "event": event.id, "entries": tree.iter().count() }),
        Err(error) => json!({ "event": event.id, "unread": error.to_string() }),
    };
    let asker = Asker {
        who: event.source.clone(),
        door: "event",
    };
    if let Err(error) = app.note(&asker, "drift-check", &name, found).await {
        tracing::error!(%error, "cannot put on record that drift was looked for");
    }
}
