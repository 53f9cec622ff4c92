//! How a device is reached, as entries: over which protocols, what each of them can do, and how well it is.

use adapters_failover::{Failover, Health};
use adapters_port::{Access, Capabilities, Deadline, Protocol, Save, SessionError};
use futures::future::join_all;
use knowledge_model::{Path, Tree, Value};
use tokio::time::Instant;

use crate::desk::chain;

/// Opens a session over each protocol, all at once, and says what came of it. Nothing on the device changes.
pub(crate) async fn ways(failover: &Failover, by: Deadline) -> Tree {
    let protocols: Vec<Protocol> = failover
        .all_health()
        .into_iter()
        .map(|(protocol, _)| protocol)
        .collect();
    let tried = join_all(protocols.iter().map(|it| failover.try_out(*it, by))).await;
    let used = failover.protocol();
    let mut tree = Tree::new();
    for (at, ((protocol, health), answer)) in failover.all_health().into_iter().zip(tried).enumerate() {
        let place = Path::root().keyed("protocol", [protocol.to_string()]);
        let mut say = |name: &str, text: String| tree.insert(place.child(name), Value::scalar(text));
        say("rank", (at + 1).to_string());
        say("used", (protocol == used).to_string());
        say("answers", answer.is_ok().to_string());
        measured(&health, &mut say);
        match answer {
            Ok(capabilities) => able(&capabilities, &place, &mut tree),
            Err(error) => refused(&error, &mut say),
        }
        tree.insert(place, Value::Present);
    }
    tree
}

fn refused(error: &SessionError, say: &mut dyn FnMut(&str, String) -> Option<Value>) {
    say("because", chain(error));
}

fn measured(health: &Health, say: &mut dyn FnMut(&str, String) -> Option<Value>) {
    let times = [
        ("connect-microseconds", health.connect),
        ("request-microseconds", health.request),
    ];
    for (name, took) in times {
        if let Some(took) = took {
            say(name, took.as_micros().to_string());
        }
    }
    say("failures", health.failures.to_string());
    say("successes", health.successes.to_string());
    let permitted = health.circuit.permits(Instant::now().into_std());
    say("left-alone", (!permitted).to_string());
}

fn able(capabilities: &Capabilities, place: &Path, tree: &mut Tree) {
    let saves = match capabilities.save {
        Save::Itself => "by itself",
        Save::AtConfirm => "at confirm",
    };
    for (name, text) in [
        ("guarantee", capabilities.guarantee.to_string()),
        ("renews", capabilities.renew.to_string()),
        ("locks", capabilities.exclusive.to_string()),
        ("saves", saves.to_owned()),
        ("reports", capabilities.watch.to_string()),
    ] {
        tree.insert(place.child(name), Value::scalar(text));
    }
    for announced in &capabilities.announced {
        tree.insert(place.keyed("capability", [announced]), Value::Present);
    }
}
