//! After a link fault: is the device still what its intents want? Looked at the way `entente drift` does, put on record,
//! and told as an event of the controller's own, so that whoever listens sees what came of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fabric_events::{Event, Severity};
use serde_json::{Value, json};
use transaction::DeviceId;

use crate::app::{App, Asker};
use crate::drift::Drift;

/// How many deviations an event names; the rest is a number.
const NAMED: usize = 32;
/// How many intents are named of each, and how many letters of a text are told.
const FEW: usize = 4;
const LONGEST: usize = 72;

/// The checks under way: one a device, and at most one more that waits for it.
#[derive(Clone, Default)]
pub struct Checks(Arc<Mutex<BTreeMap<DeviceId, Option<Event>>>>);

impl Checks {
    /// Looks at the device that a fault is about. While that is done already, the last fault waits: a link that goes up
    /// and down all the time costs one reading after the other, not one each time.
    pub fn begin(&self, app: &Arc<App>, fault: Event) {
        let Ok(device) = fault.subject.parse::<DeviceId>() else {
            return;
        };
        if let Some(waiting) = self.lock().get_mut(&device) {
            *waiting = Some(fault);
            return;
        }
        self.lock().insert(device, None);
        let (checks, app) = (self.clone(), app.clone());
        tokio::spawn(async move {
            let mut next = Some(fault);
            while let Some(fault) = next {
                check(&app, device, &fault).await;
                next = checks.next(device);
            }
        });
    }

    /// The fault that came meanwhile; if none did, the device is looked at no longer.
    fn next(&self, device: DeviceId) -> Option<Event> {
        let mut under_way = self.lock();
        let waiting = under_way.get_mut(&device).and_then(Option::take);
        if waiting.is_none() {
            under_way.remove(&device);
        }
        waiting
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<DeviceId, Option<Event>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn check(app: &App, device: DeviceId, fault: &Event) {
    let name = app
        .agents
        .names()
        .find(|(id, _)| **id == device)
        .map(|(_, name)| name.clone());
    let Some(name) = name else { return };
    let (severity, mut found) = match app.drift(Some(&name), false).await {
        Ok(drift) => shown(&drift),
        Err(error) => (Severity::Warning, json!({ "unread": short(&error.to_string()) })),
    };
    let said = |name| fault.data.get(name).and_then(Value::as_str).map(short);
    found["because"] = json!({ "event": fault.id, "link": said("link"), "state": said("state") });
    app.events
        .publish("drift-checked", device.to_string(), severity, found.clone());
    let asker = Asker {
        who: fault.source.clone(),
        door: "event",
        proven: true,
    };
    if let Err(error) = app.note(&asker, "drift-check", &name, found).await {
        tracing::error!(%error, "cannot put on record that drift was looked for");
    }
}

/// What was found, in the words of `entente drift`.
fn shown(drift: &[Drift]) -> (Severity, Value) {
    if let Some(words) = drift.iter().find_map(|it| it.unread.as_ref()) {
        return (Severity::Warning, json!({ "unread": short(words) }));
    }
    let text = |it: &Option<String>| it.as_deref().map(short);
    let intents = |it: &Drift| it.intents.iter().take(FEW).map(|it| short(it)).collect::<Vec<_>>();
    let entry = |it: &Drift| json!({ "path": text(&it.path), "wanted": text(&it.wanted), "found": text(&it.found), "intents": intents(it) });
    let named: Vec<Value> = drift.iter().take(NAMED).map(entry).collect();
    let severity = if drift.is_empty() {
        Severity::Info
    } else {
        Severity::Warning
    };
    (severity, json!({ "drift": drift.len(), "entries": named }))
}

/// The beginning of a text: an event has no room for whatever a device may say.
fn short(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_much_a_device_says_it_fits_into_an_event() {
        let long = "断".repeat(10_000);
        let one = Drift {
            wanted: Some(long.clone()),
            found: Some(long.clone()),
            intents: vec![long.clone(); FEW + 1],
            ..drift(Some(&long), None)
        };
        let (_, said) = shown(&vec![one; NAMED + 1]);
        assert!(
            said.to_string().len() < fabric_events::LARGEST,
            "{}",
            said.to_string().len()
        );
        assert!(said["entries"][0]["found"].as_str().unwrap().ends_with("断…"));
        assert!(shown(&[drift(None, Some(&long))]).1.to_string().len() < 1_000);
    }

    fn drift(path: Option<&str>, unread: Option<&str>) -> Drift {
        let text = |it: &str| it.to_owned();
        Drift {
            device: "pe1".to_owned(),
            path: path.map(text),
            wanted: Some("9000".to_owned()),
            found: None,
            intents: vec!["jumbo".to_owned()],
            ignored: false,
            unread: unread.map(text),
        }
    }

    #[test]
    fn drift_is_a_warning_and_none_is_for_the_record() {
        assert_eq!(shown(&[]), (Severity::Info, json!({ "drift": 0, "entries": [] })));
        let (severity, said) = shown(&[drift(Some("interface[eth1]/mtu"), None)]);
        assert_eq!((severity, &said["drift"]), (Severity::Warning, &json!(1)));
        assert_eq!(said["entries"][0]["path"], "interface[eth1]/mtu");
        let (severity, said) = shown(&[drift(None, Some("no agent"))]);
        assert_eq!((severity, &said["unread"]), (Severity::Warning, &json!("no agent")));
    }
}
