//! An operator who edits as he likes: what is his is never committed, overwritten or discarded unnamed.

use crate::ietf::between;
use crate::netconfd::{Netconfd, change, soon};
use adapters_netconf::rpc::{Commit, Datastore, Operation};
use adapters_port::{ConfigureSession, SessionError};

#[tokio::test]
async fn a_dirty_candidate_is_left_alone() {
    if !tests_real::wanted("netconf::a_dirty_candidate_is_left_alone") {
        return;
    }
    let device = Netconfd::start(&[]);
    let mut stranger = device.stranger().await;
    assert!(stranger.edits("eth9", "his").await.is_ok());
    let mut session = device.access().session(soon()).await.unwrap();
    match session
        .stage(&change(1, between(&[], &[("eth1", "ours")])), soon())
        .await
    {
        Err(SessionError::Busy { holder, .. }) => assert_eq!(holder.what, "candidate"),
        other => panic!("{other:?}"),
    }
    assert_eq!(
        device.judged("candidate"),
        "eth9 description his\n",
        "his edit is there, and ours is not"
    );
    assert!(stranger.does(Operation::commit(Commit::Plain)).await.is_ok());
    assert_eq!(device.judged("running"), "eth9 description his\n");
}

#[tokio::test]
async fn a_lock_is_reported_with_its_holder_and_nothing_is_kept() {
    if !tests_real::wanted("netconf::a_lock_is_reported_with_its_holder_and_nothing_is_kept") {
        return;
    }
    let device = Netconfd::start(&[]);
    let access = device.access();
    for store in [Datastore::Running, Datastore::Candidate] {
        let mut stranger = device.stranger().await;
        assert!(stranger.does(Operation::lock(store)).await.is_ok());
        let mut session = access.session(soon()).await.unwrap();
        match session
            .stage(&change(1, between(&[], &[("eth1", "ours")])), soon())
            .await
        {
            Err(SessionError::Busy { holder, .. }) => {
                assert_eq!(
                    (holder.session, holder.what.as_str()),
                    (Some(stranger.id()), store.name())
                );
            }
            other => panic!("{other:?}"),
        }
        // The other lock, which was granted, was given back.
        let other = if store == Datastore::Running {
            Datastore::Candidate
        } else {
            Datastore::Running
        };
        assert!(stranger.does(Operation::lock(other)).await.is_ok());
    }
}

#[tokio::test]
async fn a_stranger_in_the_candidate_is_not_confirmed_along() {
    if !tests_real::wanted("netconf::a_stranger_in_the_candidate_is_not_confirmed_along") {
        return;
    }
    let device = Netconfd::start(&[]);
    let access = device.access();
    let mut session = access.session(soon()).await.unwrap();
    let staged = session
        .stage(&change(1, between(&[], &[("eth1", "ours")])), soon())
        .await
        .unwrap();
    let applied = session.apply(staged, soon()).await.unwrap();
    drop(session); // the session dies, and with it its locks
    let mut stranger = device.stranger().await;
    let begun = tokio::time::Instant::now();
    while !stranger.edits("eth9", "his").await.is_ok() {
        assert!(
            begun.elapsed().as_secs() < 10,
            "the locks of a dead session are never freed"
        );
    }
    let mut next = access.session(soon()).await.unwrap();
    for refused in [
        next.confirm(&applied, soon()).await.map(drop),
        next.renew(&applied, soon()).await,
    ] {
        match refused {
            Err(SessionError::Foreign { changes, .. }) => assert!(changes[0].contains("eth9"), "{changes:?}"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(
        device.judged("running"),
        "eth1 description ours\n",
        "his edit did not go along"
    );
    assert_eq!(
        device.judged("candidate"),
        "eth1 description ours\neth9 description his\n",
        "and is still there"
    );
}

#[tokio::test]
async fn what_somebody_wrote_meanwhile_is_named_when_it_goes() {
    if !tests_real::wanted("netconf::what_somebody_wrote_meanwhile_is_named_when_it_goes") {
        return;
    }
    let device = Netconfd::start(&["--target=running", "--with-startup=true"]);
    let access = device.access();
    let mut session = access.session(soon()).await.unwrap();
    let staged = session
        .stage(&change(1, between(&[], &[("eth1", "ours")])), soon())
        .await
        .unwrap();
    let applied = session.apply(staged, soon()).await.unwrap();
    drop(session);
    let mut stranger = device.access().session(soon()).await.unwrap();
    let his = change(2, between(&[("eth1", "ours")], &[("eth1", "his")]));
    let staged = stranger.stage(&his, soon()).await.unwrap();
    let done = stranger.apply(staged, soon()).await.unwrap();
    stranger.confirm(&done, soon()).await.unwrap();
    let mut next = access.session(soon()).await.unwrap();
    let reverted = next.revert(applied.record(), soon()).await.unwrap();
    assert_eq!(
        reverted.foreign.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["interface[eth1]/description"]
    );
    assert!(
        reverted
            .receipt
            .remarks
            .iter()
            .any(|it| it.contains("somebody else wrote")),
        "{:?}",
        reverted.receipt
    );
    assert_eq!(device.judged("running"), "");
}
