//! A confirm saves all that runs: whose lines that makes last is said before.

use crate::subject::{Simulated, delta, soon};
use adapters_port::{Change, ChangeId, ConfigureSession, PersistId};
use labs_devices::{Act, Store};
use std::time::Duration;

#[tokio::test]
async fn what_somebody_did_not_save_is_named_before_we_save_it() {
    let subject = Simulated::start("running-startup").await;
    let mut session = subject.access.session(soon()).await.unwrap();
    let change = |id| Change {
        id: ChangeId(id),
        delta: delta("1400"),
        stands: Default::default(),
        window: Duration::from_secs(60),
        persist: PersistId::new(id),
        comment: String::new(),
    };
    let staged = session.stage(&change(1), soon()).await.unwrap();
    assert!(staged.receipt().remarks.is_empty(), "{:?}", staged.receipt().remarks);
    session.revert(staged.record(), soon()).await.unwrap();
    let config = "<interfaces xmlns=\"urn:ietf:params:xml:ns:yang:ietf-interfaces\"><interface><name>eth9</name>\
        <type xmlns:t=\"urn:ietf:params:xml:ns:yang:iana-if-type\">t:ethernetCsmacd</type></interface></interfaces>";
    let store = Store::Running;
    subject
        .device
        .act(&Act::ForeignEdit {
            store,
            config: config.to_owned(),
        })
        .unwrap();
    let staged = session.stage(&change(2), soon()).await.unwrap();
    let remarks = staged.receipt().remarks.join("; ");
    assert!(
        remarks.contains("were not saved before") && remarks.contains("/interfaces"),
        "{remarks}"
    );
    session.revert(staged.record(), soon()).await.unwrap();
}
