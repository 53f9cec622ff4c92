//! Lies over a valid login: each is counted by its reason and changes nothing.

use super::{OWN, files, published, start};
use crate::cast::{Cast, event, reheaded};
use crate::now;
use fabric_events::Reason;
use fabric_events::broker::Limits;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::too_many_lines, reason = "one story, told in order")]
async fn every_lie_is_counted_by_its_reason_and_changes_nothing() {
    if !tests_real::wanted("builtin::every_lie_is_counted_by_its_reason_and_changes_nothing") {
        return;
    }
    fabric_identity::install_cryptography();
    let cast = Cast::at(now());
    files(&cast);
    let it = start(&cast, 0, Limits::default()).await;
    let said = event("edge-1", "1", "pe1");
    let good = cast.signer("edge-1").seal(&said, now()).unwrap();
    let text = String::from_utf8(good.clone()).unwrap();
    let sealed = |holder: &str, at| cast.signer(holder).seal(&said, at).unwrap();
    let lies = [
        (serde_json::to_vec(&said).unwrap(), Reason::Unsigned),
        (text.replace("down", "gone").into_bytes(), Reason::Altered),
        (sealed("edge-2", now()), Reason::OtherName),
        (
            Cast::at(now()).signer("edge-1").seal(&said, now()).unwrap(),
            Reason::ForeignKey,
        ),
        (sealed("edge-1", now() - Duration::from_secs(3_600)), Reason::Stale),
        (sealed("edge-1", now() + Duration::from_secs(3_600)), Reason::Stale),
        (
            reheaded(text.as_bytes(), |it| it["alg"] = "none".into()),
            Reason::Algorithm,
        ),
        (
            reheaded(text.as_bytes(), |it| it["jwk"] = serde_json::json!({"kty": "OKP"})),
            Reason::EmbeddedKey,
        ),
        (b"\xff{".to_vec(), Reason::Malformed),
        (
            cast.expired("edge-1", now()).seal(&said, now()).unwrap(),
            Reason::Expired,
        ),
        (
            cast.mute("edge-1", now()).seal(&said, now()).unwrap(),
            Reason::OutOfScope,
        ),
    ];
    for (number, (lie, reason)) in lies.iter().enumerate() {
        let before = it.refused(*reason);
        let output = published(&cast, it.port, OWN, lie).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        it.until(&format!("lie {number} is counted as {reason}"), |it| {
            it.refused(*reason) == before + 1
        })
        .await;
    }
    assert!(it.heard.lock().unwrap().is_empty(), "nothing of it is believed");

    // The truth is believed once, also by a broker that was started anew meanwhile.
    published(&cast, it.port, OWN, &good).await;
    it.until("the truth is believed", |it| {
        it.heard.lock().unwrap().as_slice() == [said.clone()]
    })
    .await;
    published(&cast, it.port, OWN, &good).await;
    it.until("a repeat is counted", |it| it.refused(Reason::Replayed) == 1)
        .await;
    drop(it);
    let it = start(&cast, 0, Limits::default()).await;
    published(&cast, it.port, OWN, &good).await;
    it.until("a repeat after a restart is counted", |it| {
        it.refused(Reason::Replayed) == 1
    })
    .await;

    // Taken back: what it signed before is refused, and with its own certificate it no longer comes in.
    let fresh = cast.signer("edge-1").seal(&event("edge-1", "2", "pe1"), now()).unwrap();
    let reason = fabric_identity::roll::Reason::KeyCompromise;
    cast.authority
        .revoke(&"edge-1".parse().unwrap(), reason, now())
        .unwrap();
    published(&cast, it.port, OWN, &fresh).await;
    it.until("what a revoked agent signed is counted", |it| {
        it.refused(Reason::Revoked) == 1
    })
    .await;
    cast.authority
        .revoke(&"edge-3".parse().unwrap(), reason, now())
        .unwrap();
    let output = published(&cast, it.port, OWN, &fresh).await;
    assert!(!output.status.success(), "a revoked login is none");
    assert!(it.heard.lock().unwrap().is_empty());
}
