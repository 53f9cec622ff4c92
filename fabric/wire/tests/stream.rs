//! Agent and controller over loopback sockets: joining, refusal, back-pressure, resumption, silence, revocation.

use fabric_wire::v1::{Answer, Apply, Device, Done, Hello, Progress, Scope, Stage, Step, answer, downward, upward};
use fabric_wire::{AgentLink, Connection, ControllerLink, Door, JoinError, Limits, Lost, Membership, OfferError, Peer};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

const SOON: Duration = Duration::from_secs(10);

struct Bench {
    door: Door,
    address: std::net::SocketAddr,
    cut: CancellationToken,
    _closed: DropGuard,
}

fn limits() -> Limits {
    Limits {
        queue: 8,
        passing: 4,
        heartbeat: Duration::from_millis(200),
        ..Limits::default()
    }
}

/// A controller that takes whoever comes for the agent `edge-1` with the devices `pe*`.
async fn bench(limits: Limits) -> Bench {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (closed, cut) = (CancellationToken::new(), CancellationToken::new());
    let door = Door::new("controller-1", limits, 4);
    let peer = Peer::new("edge-1", |it| it.starts_with("pe"), cut.clone());
    let incoming = futures::stream::unfold((listener, peer), |(listener, peer)| async move {
        let (io, _) = listener.accept().await.unwrap();
        io.set_nodelay(true).unwrap();
        Some((Ok(Connection::new(io, peer.clone())), (listener, peer)))
    });
    tokio::spawn(door.serve(incoming, closed.clone()));
    Bench {
        door,
        address,
        cut,
        _closed: closed.drop_guard(),
    }
}

fn hello() -> Hello {
    Hello {
        lowest_version: 1,
        highest_version: 1,
        agent: "edge-1".into(),
        session: vec![7; 16],
        devices: vec![Device {
            id: "pe1".into(),
            ..Device::default()
        }],
        ..Hello::default()
    }
}

async fn dial(address: std::net::SocketAddr) -> TcpStream {
    let io = TcpStream::connect(address).await.unwrap();
    io.set_nodelay(true).unwrap();
    io
}

async fn joined(bench: &mut Bench, membership: &Membership) -> (AgentLink, ControllerLink) {
    let agent = membership.join(dial(bench.address).await).await.unwrap();
    let controller = timeout(SOON, bench.door.next()).await.unwrap().unwrap();
    (agent, controller)
}

fn scope(attempt: u32) -> Option<Scope> {
    let step = Step::Stage.into();
    Some(Scope {
        transaction: vec![1; 16],
        epoch: 3,
        device: "pe1".into(),
        step,
        attempt,
    })
}

fn done(to: u64) -> upward::Body {
    upward::Body::Answer(Answer {
        to,
        outcome: Some(answer::Outcome::Done(Done::default())),
        ..Answer::default()
    })
}

#[tokio::test]
async fn a_request_goes_down_and_its_answer_comes_up() {
    let mut bench = bench(limits()).await;
    let (mut agent, mut controller) = joined(&mut bench, &Membership::new(hello(), limits())).await;
    assert_eq!(agent.welcome().version, 1);
    assert!(!agent.welcome().resumed);
    assert_eq!(
        controller.offer(scope(0), downward::Body::Stage(Stage::default())),
        Ok(1)
    );
    let request = timeout(SOON, agent.next()).await.unwrap().unwrap();
    assert!(matches!(request.body, Some(downward::Body::Stage(_))), "{request:?}");
    assert_eq!((request.sequence, request.scope), (1, scope(0)));
    agent
        .pass(
            scope(0),
            upward::Body::Progress(Progress {
                words: "at work".into(),
            }),
        )
        .unwrap();
    let progress = timeout(SOON, controller.next()).await.unwrap().unwrap();
    assert!(
        matches!(&progress.body, Some(upward::Body::Progress(it)) if it.words == "at work"),
        "{progress:?}"
    );
    agent.offer(scope(0), done(1)).unwrap();
    let answer = timeout(SOON, controller.next()).await.unwrap().unwrap();
    assert_eq!((answer.sequence, answer.seen, answer.body), (1, 1, Some(done(1))));
}

#[tokio::test]
async fn an_agent_that_does_not_read_fills_the_queue_and_nobody_waits() {
    let mut bench = bench(limits()).await;
    let (mut agent, controller) = joined(&mut bench, &Membership::new(hello(), limits())).await;
    for number in 1..=8 {
        assert_eq!(
            controller.offer(scope(0), downward::Body::Apply(Apply::default())),
            Ok(number)
        );
    }
    assert_eq!(
        controller.offer(scope(0), downward::Body::Apply(Apply::default())),
        Err(OfferError::Full)
    );
    // Once the agent reads, its acknowledgements make room again, though it has nothing to say itself.
    let mut controller = controller;
    let drain = async {
        for _ in 0..100 {
            agent.next().await.unwrap();
        }
    };
    let fill = async {
        for number in 9..=100 {
            while controller.offer(scope(0), downward::Body::Apply(Apply::default())) != Ok(number) {
                let heard = timeout(Duration::from_millis(20), controller.next()).await;
                assert!(heard.is_err(), "nothing but signs of life is expected: {heard:?}");
            }
        }
    };
    let pump = async { tokio::join!(drain, fill) };
    timeout(SOON, pump).await.expect("acknowledgements make room");
}

#[tokio::test]
async fn a_session_goes_on_over_a_new_connection() {
    let mut bench = bench(limits()).await;
    let membership = Membership::new(hello(), limits());
    let (mut agent, mut controller) = joined(&mut bench, &membership).await;
    controller
        .offer(scope(0), downward::Body::Stage(Stage::default()))
        .unwrap();
    timeout(SOON, agent.next()).await.unwrap().unwrap();
    controller
        .offer(scope(0), downward::Body::Apply(Apply::default()))
        .unwrap();
    drop(agent);
    let lost = timeout(SOON, controller.next()).await.unwrap();
    assert!(lost.is_err(), "{lost:?}");
    assert_eq!(
        controller.offer(scope(0), downward::Body::Apply(Apply::default())),
        Err(OfferError::Ended)
    );
    membership.outlet().offer(scope(0), done(1)).unwrap();

    let (mut agent, mut controller) = joined(&mut bench, &membership).await;
    assert!(agent.welcome().resumed && controller.is_resumed());
    let request = timeout(SOON, agent.next()).await.unwrap().unwrap();
    assert_eq!(request.sequence, 2, "the first is not repeated: {request:?}");
    let answer = timeout(SOON, controller.next()).await.unwrap().unwrap();
    assert_eq!((answer.sequence, answer.body), (1, Some(done(1))));
}

#[tokio::test]
async fn a_restarted_agent_begins_anew_and_replaces_its_old_stream() {
    let mut bench = bench(limits()).await;
    let (_agent, mut old) = joined(&mut bench, &Membership::new(hello(), limits())).await;
    let again = Membership::new(
        Hello {
            session: vec![8; 16],
            ..hello()
        },
        limits(),
    );
    let (mut agent, new) = joined(&mut bench, &again).await;
    assert!(!new.is_resumed());
    assert_eq!(timeout(SOON, old.next()).await.unwrap(), Err(Lost::Replaced));
    assert_eq!(new.offer(None, downward::Body::Apply(Apply::default())), Ok(1));
    assert_eq!(timeout(SOON, agent.next()).await.unwrap().unwrap().sequence, 1);
}

#[tokio::test]
async fn a_revoked_peer_is_cut_off_in_the_middle_of_its_stream() {
    let mut bench = bench(limits()).await;
    let membership = Membership::new(hello(), limits());
    let (mut agent, mut controller) = joined(&mut bench, &membership).await;
    bench.cut.cancel();
    assert_eq!(timeout(SOON, controller.next()).await.unwrap(), Err(Lost::Revoked));
    let lost = timeout(SOON, agent.next()).await.unwrap();
    assert!(lost.is_err(), "{lost:?}");
    let again = membership.join(dial(bench.address).await).await;
    assert!(again.is_err(), "a revoked agent does not come back");
}

#[tokio::test]
async fn a_controller_that_falls_silent_is_given_up() {
    let mut bench = bench(Limits {
        heartbeat: Duration::from_secs(3_600),
        ..limits()
    })
    .await;
    let (mut agent, _controller) = joined(&mut bench, &Membership::new(hello(), limits())).await;
    let lost = timeout(SOON, agent.next()).await.unwrap();
    assert_eq!(lost, Err(Lost::Silent { milliseconds: 600 }));
}

#[tokio::test]
async fn signs_of_life_keep_an_idle_stream_open() {
    let mut bench = bench(limits()).await;
    let (mut agent, mut controller) = joined(&mut bench, &Membership::new(hello(), limits())).await;
    let idle = timeout(Duration::from_millis(1_500), async {
        tokio::join!(agent.next(), controller.next())
    })
    .await;
    assert!(idle.is_err(), "both ends stay open: {idle:?}");
}

#[tokio::test]
async fn who_gives_a_sign_of_life_is_told_at_once_what_was_taken_in() {
    let still = || Limits {
        heartbeat: Duration::from_secs(3_600),
        ..limits()
    };
    let mut bench = bench(still()).await;
    let membership = Membership::new(hello(), still());
    let (mut agent, mut controller) = joined(&mut bench, &membership).await;
    let outlet = membership.outlet();
    for attempt in 1..=3 {
        agent.offer(scope(attempt), done(1)).unwrap();
    }
    outlet.press();
    let all = async {
        tokio::select! {
            it = agent.next() => panic!("{it:?}"),
            it = async { loop { controller.next().await.unwrap(); } } => it,
            () = async {
                while outlet.waiting() > 0 {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            } => {}
        }
    };
    timeout(SOON, all)
        .await
        .expect("all is acknowledged long before the next heartbeat");
}

#[tokio::test]
async fn an_agent_that_speaks_another_version_is_refused_by_name() {
    let bench = bench(limits()).await;
    let newer = Membership::new(
        Hello {
            lowest_version: 2,
            highest_version: 3,
            ..hello()
        },
        limits(),
    );
    let refused = newer.join(dial(bench.address).await).await.map(|_| ());
    let Err(JoinError::Refused(refused)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(refused.fault.unwrap().code, "version");
    assert_eq!((refused.lowest_version, refused.highest_version), (1, 1));
}

#[tokio::test]
async fn an_agent_that_speaks_for_a_device_it_did_not_name_is_cut_off() {
    let mut bench = bench(limits()).await;
    let (agent, mut controller) = joined(&mut bench, &Membership::new(hello(), limits())).await;
    agent
        .offer(
            Some(Scope {
                device: "pe9".into(),
                ..Scope::default()
            }),
            done(1),
        )
        .unwrap();
    let lost = timeout(SOON, controller.next()).await.unwrap();
    assert!(matches!(lost, Err(Lost::Malformed { .. })), "{lost:?}");
}

#[tokio::test]
async fn an_oversized_message_ends_the_stream_of_its_sender_alone() {
    let mut bench = bench(Limits {
        largest_message: 4_096,
        ..limits()
    })
    .await;
    let (agent, mut controller) = joined(&mut bench, &Membership::new(hello(), limits())).await;
    let words = "x".repeat(10_000);
    agent
        .pass(scope(0), upward::Body::Progress(Progress { words }))
        .unwrap();
    let lost = timeout(SOON, controller.next()).await.unwrap();
    assert!(matches!(lost, Err(Lost::Closed { .. })), "{lost:?}");
    let (_agent, controller) = joined(&mut bench, &Membership::new(hello(), limits())).await;
    assert_eq!(controller.hello().agent, "edge-1");
}

/// Whether the other side ends a connection, and after which time.
async fn ended(io: &mut TcpStream) -> Duration {
    use tokio::io::AsyncReadExt;
    let begun = tokio::time::Instant::now();
    let reading = async {
        let mut buffer = [0; 1_024];
        while io.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
    };
    timeout(SOON, reading).await.expect("the connection is ended");
    begun.elapsed()
}

#[tokio::test]
async fn connections_over_which_nobody_joins_are_ended_and_those_that_are_used_stay() {
    let quick = Limits {
        hello_within: Duration::from_millis(300),
        ..limits()
    };
    let mut bench = bench(quick.clone()).await;
    let (mut agent, mut controller) = joined(&mut bench, &Membership::new(hello(), limits())).await;
    // Nothing is said at all; the preface of HTTP/2 and nothing behind it.
    let (mut silent, mut polite) = (dial(bench.address).await, dial(bench.address).await);
    tokio::io::AsyncWriteExt::write_all(&mut polite, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
        .await
        .unwrap();
    let (one, two) = tokio::join!(ended(&mut silent), ended(&mut polite));
    assert!(
        one >= quick.hello_within && two >= quick.hello_within,
        "{one:?} {two:?}"
    );
    // The stream that lives is as it was, far beyond the time for a hello.
    controller
        .offer(scope(0), downward::Body::Stage(Stage::default()))
        .unwrap();
    assert!(timeout(SOON, agent.next()).await.unwrap().is_ok());
    agent.offer(scope(0), done(1)).unwrap();
    assert!(timeout(SOON, controller.next()).await.unwrap().is_ok());
}
