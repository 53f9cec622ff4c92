//! An edit is held to the device's own modules before anything is sent.

use crate::subject::{self, Simulated, delta, soon};
use adapters_netconf::schema::{Judge, Module, Schemas};
use adapters_netconf::{NetconfAccess, Target};
use adapters_port::{Change, ChangeId, ConfigureSession, PersistId, SessionError};
use knowledge_yang::DeviceModules;
use labs_devices::{Fault, Quirk};
use std::path::Path;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

struct ByLibyang(DeviceModules);

impl Judge for ByLibyang {
    fn judge(&self, folder: &Path, modules: &[Module], edit: &str) -> Result<bool, String> {
        self.0.check(folder, modules, edit)
    }
}

fn change(mtu: &str) -> Change {
    Change {
        id: ChangeId(1),
        delta: delta(mtu),
        stands: Default::default(),
        window: Duration::from_secs(60),
        persist: PersistId::new(1),
        comment: String::new(),
    }
}

#[tokio::test]
async fn what_its_own_modules_refuse_is_never_sent() {
    for quirk in [None, Some(Quirk::NoModules)] {
        let subject = Simulated::start("confirmed").await;
        if let Some(quirk) = quirk {
            subject.device.inject(Fault::Quirk { quirk });
        }
        let folder = tempfile::tempdir().unwrap();
        let schemas = Schemas::new(folder.path().to_owned(), Arc::new(ByLibyang(DeviceModules::new())));
        let access = NetconfAccess::new(Target {
            device: "pe1".to_owned(),
            dial: Box::new(subject::over_ssh(&subject.device, folder.path())),
            dialect: Arc::new(subject::dialect()),
            secrets: Arc::new(subject::None),
            limits: Default::default(),
        })
        .held_to(Arc::new(schemas));
        let mut session = access.session(soon()).await.unwrap();
        let refused = session.stage(&change("3"), soon()).await;
        assert!(
            matches!(&refused, Err(SessionError::Refused { words, .. }) if words.message.contains("its own modules")),
            "{quirk:?}: {refused:?}"
        );
        let counts = subject.device.counts();
        assert_eq!(
            (counts.get("edit-config"), counts.get("lock")),
            (None, None),
            "{counts:?}"
        );
        let fetched = counts["get-schema"];
        assert!(fetched >= 3, "{counts:?}");

        let staged = session.stage(&change("1400"), soon()).await.unwrap();
        assert!(staged.receipt().remarks.is_empty(), "{:?}", staged.receipt().remarks);
        session.revert(staged.record(), soon()).await.unwrap();
        let counts = subject.device.counts();
        assert_eq!(counts["get-schema"], fetched, "what is on disk is not asked for again");
        assert_eq!(counts["edit-config"], 1);
    }
}

/// Does not come to an end before the test does.
struct Stuck(Mutex<mpsc::Receiver<()>>);

impl Judge for Stuck {
    fn judge(&self, _folder: &Path, _modules: &[Module], _edit: &str) -> Result<bool, String> {
        self.0.lock().unwrap().recv().ok();
        Ok(true)
    }
}

#[tokio::test]
async fn a_judge_that_never_ends_does_not_hold_up_the_change() {
    let subject = Simulated::start("confirmed").await;
    let folder = tempfile::tempdir().unwrap();
    let (ends, end) = mpsc::sync_channel(1);
    let access = NetconfAccess::new(Target {
        device: "pe1".to_owned(),
        dial: Box::new(subject::over_ssh(&subject.device, folder.path())),
        dialect: Arc::new(subject::dialect()),
        secrets: Arc::new(subject::None),
        limits: Default::default(),
    })
    .held_to(Arc::new(Schemas::new(
        folder.path().to_owned(),
        Arc::new(Stuck(Mutex::new(end))),
    )));
    let mut session = access.session(soon()).await.unwrap();
    let staged = session
        .stage(&change("1400"), subject::within(Duration::from_secs(6)))
        .await;
    drop(ends);
    let remarks = staged.unwrap().receipt().remarks.join("; ");
    assert!(remarks.contains("not read in time"), "{remarks}");
}
