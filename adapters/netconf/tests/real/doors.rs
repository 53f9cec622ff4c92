//! Getting in, not getting in, and losing the line: each with an error that says what to do, in time.

use crate::ietf::{Ietf, between};
use crate::netconfd::{Netconfd, change, soon, within};
use adapters_netconf::rpc::Limits;
use adapters_netconf::ssh::{Credential, FirstUse, HostKeys, Login};
use adapters_netconf::{NetconfAccess, OverSsh, Target};
use adapters_port::{
    Access, Answer, ConfigureSession, Deadline, Denial, Secret, SecretError, SecretRef, Secrets, SessionError,
};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

struct None;

impl Secrets for None {
    fn resolve<'a>(&'a self, reference: &'a SecretRef, _by: Deadline) -> Answer<'a, Secret, SecretError> {
        Box::pin(async move { Err(SecretError::Unknown(reference.clone())) })
    }
}

fn access(dial: OverSsh) -> NetconfAccess {
    let (device, limits) = ("pe1".to_owned(), Limits::default());
    NetconfAccess::new(Target {
        device,
        dial: Box::new(dial),
        dialect: Arc::new(Ietf),
        secrets: Arc::new(None),
        limits,
    })
}

#[tokio::test]
async fn a_wrong_login_is_denied() {
    if !tests_real::wanted("netconf::a_wrong_login_is_denied") {
        return;
    }
    let device = Netconfd::start(&[]);
    let mut ssh = device.ssh();
    ssh.login = Login {
        user: device.user.clone(),
        credentials: vec![Credential::Password(Secret::new("hunter2"))],
    };
    match access(ssh).capabilities(soon()).await {
        Err(SessionError::Denied {
            denial: Denial::Login,
            words,
            ..
        }) => {
            assert!(
                words.message.contains("password") && !words.message.contains("hunter2"),
                "{words}"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_changed_host_key_is_denied_and_a_first_one_on_demand() {
    if !tests_real::wanted("netconf::a_changed_host_key_is_denied_and_a_first_one_on_demand") {
        return;
    }
    let device = Netconfd::start(&[]);
    device.access().capabilities(soon()).await.unwrap();
    let known = device.folder().join("known_hosts");
    let other = Netconfd::start(&[]);
    let stolen = std::fs::read_to_string(&known)
        .unwrap()
        .replace(&device.port.to_string(), &other.port.to_string());
    std::fs::write(&known, stolen).unwrap();
    let check = async |first_use, file: &std::path::Path| {
        let mut ssh = other.ssh();
        ssh.host_keys = Arc::new(HostKeys::open(file, first_use).unwrap());
        match access(ssh).capabilities(soon()).await {
            Err(SessionError::Denied { denial, words, .. }) => (denial, words.message),
            other => panic!("{other:?}"),
        }
    };
    let (denial, message) = check(FirstUse::Record, &known).await;
    assert_eq!(denial, Denial::HostKeyChanged);
    assert!(
        message.contains("SHA256:") && message.contains("known_hosts"),
        "{message}"
    );
    let (denial, _) = check(FirstUse::Refuse, &device.folder().join("none")).await;
    assert_eq!(denial, Denial::HostKeyUnknown);
}

#[tokio::test]
async fn too_many_refused_keys_are_a_refused_login() {
    if !tests_real::wanted("netconf::too_many_refused_keys_are_a_refused_login") {
        return;
    }
    let device = Netconfd::start(&[]);
    let mut ssh = device.ssh();
    // sshd lets six be tried and then ends the session instead of refusing the next.
    ssh.login.credentials = (0..8).map(|it| stranger(device.folder(), it)).collect();
    let denied = access(ssh).capabilities(soon()).await;
    let Err(SessionError::Denied { denial, words, .. }) = &denied else {
        panic!("{denied:?}")
    };
    assert_eq!(*denial, Denial::Login);
    assert!(words.message.contains("Too many authentication failures"), "{words}");
}

/// A key that nobody knows.
fn stranger(folder: &std::path::Path, number: u32) -> Credential {
    let file = folder.join(format!("stranger-{number}"));
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&file)
        .status();
    assert!(made.unwrap().success());
    Credential::key(&std::fs::read_to_string(file).unwrap(), Option::None).unwrap()
}

#[tokio::test]
async fn a_link_that_breaks_during_the_login_is_no_refused_login() {
    if !tests_real::wanted("netconf::a_link_that_breaks_during_the_login_is_no_refused_login") {
        return;
    }
    let device = Netconfd::start(&[]);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let mut ssh = device.ssh();
    ssh.endpoint.port = listener.local_addr().unwrap().port();
    let (port, access) = (device.port, access(ssh));
    let (mut lost, mut whole) = (0, false);
    // Whatever has come by then: the greeting, the keys, an answer of the login or half of one, hello.
    for bytes in (100..12_000).step_by(90) {
        let cut = async {
            let (near, _) = listener.accept().await.unwrap();
            cuts_after(bytes, near, port).await;
            std::future::pending().await
        };
        let opened = tokio::select! {
            opened = access.session(soon()) => opened,
            () = cut => return,
        };
        match opened {
            Ok(_) => whole = true,
            Err(SessionError::Unreachable { .. }) => lost += 1,
            Err(other) => panic!("after {bytes} bytes: {other:?}"),
        }
        if whole {
            break;
        }
    }
    assert!(whole && lost > 12, "{lost} losses");
}

/// Relays so many bytes of what the device says, and ends.
async fn cuts_after(bytes: usize, near: tokio::net::TcpStream, port: u16) {
    let far = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let (mut near_in, mut near_out) = near.into_split();
    let (mut far_in, mut far_out) = far.into_split();
    let there = tokio::spawn(async move { tokio::io::copy(&mut near_in, &mut far_out).await });
    let mut limited = tokio::io::AsyncReadExt::take(&mut far_in, bytes as u64);
    drop(tokio::io::copy(&mut limited, &mut near_out).await);
    there.abort();
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    if !tests_real::wanted("netconf::nobody_there_is_unreachable") {
        return;
    }
    let device = Netconfd::start(&[]);
    let mut ssh = device.ssh();
    ssh.endpoint.port = tests_real::free_port().unwrap();
    let lost = access(ssh).capabilities(soon()).await;
    assert!(matches!(lost, Err(SessionError::Unreachable { .. })), "{lost:?}");
}

#[tokio::test]
async fn a_device_that_hangs_costs_no_more_than_the_deadline() {
    if !tests_real::wanted("netconf::a_device_that_hangs_costs_no_more_than_the_deadline") {
        return;
    }
    let device = Netconfd::start(&[]);
    let access = device.access();
    let mut session = access.session(soon()).await.unwrap();
    let staged = session
        .stage(&change(1, between(&[], &[("eth1", "ours")])), soon())
        .await
        .unwrap();
    let record = staged.record().clone();
    signal("-STOP", device.pid);
    let begun = tokio::time::Instant::now();
    let silent = session.apply(staged, within(Duration::from_millis(700))).await;
    assert!(matches!(silent, Err(SessionError::Unknown { .. })), "{silent:?}");
    let no_hello = access.session(within(Duration::from_millis(700))).await.map(drop);
    assert!(
        matches!(no_hello, Err(SessionError::Unreachable { .. })),
        "{no_hello:?}"
    );
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    signal("-CONT", device.pid);
    // Whatever became of the commit that was never answered, revert brings it back.
    let mut next = access.session(soon()).await.unwrap();
    next.revert(&record, soon()).await.unwrap();
    assert_eq!(device.judged("running"), "");
}

#[tokio::test]
async fn warm_transactions_do_not_wait_for_timers() {
    if !tests_real::wanted("netconf::warm_transactions_do_not_wait_for_timers") {
        return;
    }
    let device = Netconfd::start(&[]);
    let mut session = device.access().session(soon()).await.unwrap();
    let mut took = Vec::new();
    let (mut before, mut after) = (vec![], vec![("eth1", "a")]);
    for id in 0..20 {
        let staged = session
            .stage(&change(id, between(&before, &after)), soon())
            .await
            .unwrap();
        took.push(staged.receipt().took);
        let applied = session.apply(staged, soon()).await.unwrap();
        session.confirm(&applied, soon()).await.unwrap();
        std::mem::swap(&mut before, &mut after);
    }
    // Two round trips to a server that needs a few milliseconds. A timer would stall each of them by 40 ms; a busy machine
    // does not stall all of twenty.
    let quickest = took.iter().min().unwrap();
    assert!(*quickest < Duration::from_millis(35), "{took:?}");
}

fn signal(which: &str, pid: u32) {
    assert!(
        Command::new("kill")
            .arg(which)
            .arg(pid.to_string())
            .status()
            .unwrap()
            .success()
    );
}
