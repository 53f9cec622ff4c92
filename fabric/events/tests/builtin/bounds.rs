//! Bounds: what waits for a broker that is away, a flood, sessions and what waits for them.

use super::wire::{answer, connecting, dialled};
use super::{OWN, publisher, start, tight};
use crate::cast::{Cast, event};
use crate::{SOON, broker, now, signs};
use fabric_events::broker::Limits;
use fabric_events::mqtt::Publisher;
use fabric_events::{Event, Outbox, OutboxError};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_while_the_broker_is_away_and_what_overflows_is_counted() {
    fabric_identity::install_cryptography();
    let (cast, stop) = (Cast::at(now()), CancellationToken::new());
    let _guard = stop.clone().drop_guard();
    let it = start(&cast, 0, Limits::default()).await;
    let publisher = publisher(&cast, "edge-1");
    let (sending, to, signs, token) = (
        publisher.clone(),
        broker(&cast, "edge-1", "mouth", it.port),
        signs(&cast, "edge-1"),
        stop.clone(),
    );
    tokio::spawn(async move { sending.run(to, signs, now, token).await });
    publisher.publish(event("edge-1", "first", "pe1")).unwrap();
    it.until("the first is believed", |it| it.heard.lock().unwrap().len() == 1)
        .await;
    let port = it.port;
    drop(it); // the connections of its clients end with it

    let lost = (0..600)
        .filter(|number| publisher.publish(event("edge-1", &number.to_string(), "pe1")).is_err())
        .count();
    assert!(lost >= 99, "the outbox holds 500: {lost} were lost");
    assert_eq!(publisher.backlog().1, lost as u64, "and each is counted");
    let it = start(&cast, port, Limits::default()).await;
    let all = 600 - lost;
    it.until("all that waited are believed", |it| {
        it.heard.lock().unwrap().len() >= all
    })
    .await;
    let heard: BTreeSet<String> = it.heard.lock().unwrap().iter().map(|it| it.id.clone()).collect();
    assert_eq!(heard.len(), it.heard.lock().unwrap().len(), "each once");
    publisher_is_empty(&publisher).await;
}

async fn publisher_is_empty(publisher: &Publisher) {
    let waiting = async {
        while publisher.backlog().0 > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(SOON, waiting)
        .await
        .expect("the outbox is empty in the end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_is_read_slowly_and_harms_nobody_else() {
    fabric_identity::install_cryptography();
    let (cast, stop) = (Cast::at(now()), CancellationToken::new());
    let _guard = stop.clone().drop_guard();
    let it = start(&cast, 0, tight()).await;
    // A flood is read slowly; meanwhile somebody else is heard at once.
    let flood = publisher(&cast, "edge-1");
    for number in 0..400 {
        flood
            .publish(event("edge-1", &format!("flood-{number}"), "pe1"))
            .unwrap();
    }
    let begun = tokio::time::Instant::now();
    let (sending, to, signs_it, token) = (
        flood.clone(),
        broker(&cast, "edge-1", "flood", it.port),
        signs(&cast, "edge-1"),
        stop.clone(),
    );
    tokio::spawn(async move { sending.run(to, signs_it, now, token).await });
    it.until("the flood has begun", |it| !it.heard.lock().unwrap().is_empty())
        .await;
    let quiet = publisher(&cast, "edge-2");
    quiet.publish(event("edge-2", "quiet", "ce1")).unwrap();
    let (sending, to, signs_it, token) = (
        quiet.clone(),
        broker(&cast, "edge-2", "quiet", it.port),
        signs(&cast, "edge-2"),
        stop.clone(),
    );
    tokio::spawn(async move { sending.run(to, signs_it, now, token).await });
    it.until("the other is heard", |it| {
        it.heard.lock().unwrap().iter().any(|it| it.id == "quiet")
    })
    .await;
    assert!(it.heard.lock().unwrap().len() < 401, "while the flood goes on");
    it.until("the flood is over", |it| it.heard.lock().unwrap().len() == 401)
        .await;
    assert!(
        begun.elapsed() > Duration::from_millis(1_000),
        "300 beyond the burst at 200 a second"
    );
}

/// Sends what a publisher has, as a client of this name.
fn send(cast: &Cast, publisher: &Arc<Publisher>, (holder, client): (&str, &str), port: u16, stop: &CancellationToken) {
    let (sending, to) = (publisher.clone(), broker(cast, holder, client, port));
    let (signs, stop) = (signs(cast, holder), stop.clone());
    tokio::spawn(async move { sending.run(to, signs, now, stop).await });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_connections_of_one_holder_are_no_more_than_one() {
    fabric_identity::install_cryptography();
    let (cast, stop) = (Cast::at(now()), CancellationToken::new());
    let _guard = stop.clone().drop_guard();
    let it = start(&cast, 0, tight()).await;
    let begun = tokio::time::Instant::now();
    for client in ["one", "two", "three"] {
        let publisher = publisher_at(&cast, client);
        for number in 0..100 {
            publisher
                .publish(event("edge-1", &format!("{client}-{number}"), "pe1"))
                .unwrap();
        }
        send(&cast, &publisher, ("edge-1", client), it.port, &stop);
    }
    it.until("all are heard", |it| it.heard.lock().unwrap().len() == 300)
        .await;
    assert!(
        begun.elapsed() > Duration::from_millis(900),
        "200 beyond the burst at 200 a second, though each alone is within it"
    );
}

fn publisher_at(cast: &Cast, name: &str) -> Arc<Publisher> {
    let path = cast.folder.path().join(format!("{name}.outbox"));
    Publisher::new(Outbox::open(&path, 500).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_can_never_be_sent_stands_in_nobodys_way() {
    fabric_identity::install_cryptography();
    let (cast, stop) = (Cast::at(now()), CancellationToken::new());
    let _guard = stop.clone().drop_guard();
    let it = start(&cast, 0, Limits::default()).await;
    let publisher = publisher(&cast, "edge-1");
    let of = |id, length| Event {
        data: "x".repeat(length).into(),
        ..event("edge-1", id, "pe1")
    };
    assert!(matches!(
        publisher.publish(of("huge", 70_000)),
        Err(OutboxError::TooLarge { .. })
    ));
    publisher.publish(of("before", 10)).unwrap();
    for id in ["large", "and"] {
        publisher.publish(of(id, 64_800)).unwrap(); // it is its signature that makes it too large
    }
    let torn = Event {
        time: "noon".into(),
        ..event("edge-1", "none", "pe1")
    };
    publisher.publish(torn).unwrap();
    publisher.publish(of("after", 10)).unwrap();
    send(&cast, &publisher, ("edge-1", "mouth"), it.port, &stop);
    it.until("what is behind it is heard", |it| it.heard.lock().unwrap().len() == 2)
        .await;
    publisher_is_empty(&publisher).await;
    assert_eq!(publisher.backlog(), (0, 4, 0), "each that was given up is counted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_receiver_cannot_keep_is_not_acknowledged() {
    fabric_identity::install_cryptography();
    let (cast, stop) = (Cast::at(now()), CancellationToken::new());
    let _guard = stop.clone().drop_guard();
    let it = start(&cast, 0, Limits::default()).await;
    it.deaf.store(2, std::sync::atomic::Ordering::SeqCst);
    let publisher = publisher(&cast, "edge-1");
    for id in ["1", "2", "3"] {
        publisher.publish(event("edge-1", id, "pe1")).unwrap();
    }
    send(&cast, &publisher, ("edge-1", "mouth"), it.port, &stop);
    it.until("all are heard in the end", |it| it.heard.lock().unwrap().len() == 3)
        .await;
    publisher_is_empty(&publisher).await;
    assert_eq!(publisher.backlog(), (0, 0, 0));
    assert_eq!(
        it.deaf.load(std::sync::atomic::Ordering::SeqCst),
        0,
        "it was deaf before"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_and_what_waits_for_them_are_bounded() {
    fabric_identity::install_cryptography();
    let (cast, stop) = (Cast::at(now()), CancellationToken::new());
    let _guard = stop.clone().drop_guard();
    let it = start(&cast, 0, tight()).await;
    // One holder has so many sessions and no more; the same name again takes over.
    let mut lines = Vec::new();
    for number in 0..9 {
        let mut line = dialled(&cast, &it, "edge-3").await;
        let code = answer(&mut line, &connecting(&format!("many-{number}"), 5, 0x02, &[])).await[3];
        assert_eq!(code, if number < 8 { 0 } else { 0x89 }, "{number}");
        lines.push(line);
    }
    let mut again = dialled(&cast, &it, "edge-3").await;
    assert_eq!(answer(&mut again, &connecting("many-0", 5, 0x00, &[])).await[3], 0);
    assert_eq!(
        answer(&mut lines[0], &[]).await,
        [0xe0, 2, 0x8e, 0],
        "it is told that it was taken over"
    );

    // A receiver that takes nothing costs no more than its bound; what does not fit is counted.
    let length = |it: usize| u8::try_from(it).unwrap();
    let head = [0x82, length(2 + 1 + 2 + OWN.len() + 1), 0, 1, 0, 0, length(OWN.len())];
    let subscribing = [&head[..], OWN.as_bytes(), &[1]].concat();
    let mut slow = dialled(&cast, &it, "edge-3").await;
    assert_eq!(answer(&mut again, &[0xe0, 0x00]).await, [] as [u8; 0]);
    assert_eq!(
        answer(&mut slow, &connecting("many-0", 5, 0x00, &[0x21, 0, 1])).await[3],
        0
    );
    assert_eq!(answer(&mut slow, &subscribing).await, [0x90, 4, 0, 1, 0, 1]);
    let flood = publisher(&cast, "edge-1");
    for number in 0..60 {
        flood
            .publish(event("edge-1", &format!("more-{number}"), "pe1"))
            .unwrap();
    }
    let (sending, to, signs_it, token) = (
        flood.clone(),
        broker(&cast, "edge-1", "flood", it.port),
        signs(&cast, "edge-1"),
        stop.clone(),
    );
    tokio::spawn(async move { sending.run(to, signs_it, now, token).await });
    it.until("the overflow is counted", |it| it.broker.traffic().dropped >= 9)
        .await;
}
