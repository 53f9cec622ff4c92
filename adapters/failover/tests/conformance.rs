//! The list of behaviours against every real device there is: netconfd in its personalities, the same with two protocols,
//! FRR, Linux, the router that both make, and whatever `ENTENTE_DEVICE` names as `host:port:user:key[:platform]`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed"
)]

#[path = "conformance/address.rs"]
mod address;
#[path = "conformance/device.rs"]
mod device;
#[path = "conformance/judge.rs"]
mod judge;
#[path = "conformance/lab.rs"]
mod lab;

use adapters_port::conformance::{self, BEHAVIOURS, Outcome};
use address::Address;
use device::Device;

/// Where a real device behaves otherwise: which column, which behaviour, and why that is so.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    (
        "netconfd, no validate",
        "",
        "netconfd 2.13 without validate refuses every edit, for an element that nobody sent",
    ),
    (
        "linux",
        "a plan from yesterday is stale, and nothing is sent",
        "the plan is made from a value that `linux` has no words for, and such a value counts as absent",
    ),
];

type Column = (String, Vec<(&'static str, Outcome)>);

#[tokio::test(flavor = "multi_thread", worker_threads = 16)]
async fn every_real_device_behaves() {
    if !tests_real::wanted("failover::every_real_device_behaves") {
        return;
    }
    let servers = every("servers", lab::servers()).await;
    is_documented("NETCONF on real devices", &servers);
    let terminals = every("terminals", lab::routers()).await;
    is_documented("command lines on real devices", &terminals);
}

/// A device of the user's own, which is in no document.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_device_that_the_environment_names_behaves() {
    let Ok(named) = std::env::var("ENTENTE_DEVICE") else {
        println!("ENTENTE_DEVICE names no device: host:port:user:key[:platform]");
        return;
    };
    let address: Address = named.parse().unwrap();
    every("external", vec![Device::at(&address.platform.clone(), address)]).await;
}

/// Runs the list on these, all at once, and prints what came out.
async fn every(what: &str, devices: Vec<Device>) -> String {
    let runs: Vec<_> = devices
        .into_iter()
        .map(|device| tokio::spawn(async move { (device.name.clone(), conformance::run(&device).await) }))
        .collect();
    let mut columns: Vec<Column> = Vec::new();
    for run in runs {
        columns.push(run.await.unwrap());
    }
    let matrix = conformance::matrix(&columns);
    println!("{what}\n{matrix}");
    let mut wrong = Vec::new();
    for (name, outcomes) in &columns {
        for (behaviour, outcome) in outcomes {
            let excepted = EXCEPTIONS
                .iter()
                .any(|(column, about, _)| column == name && behaviour.starts_with(about));
            match outcome {
                Outcome::Fails(why) if !excepted => wrong.push(format!("{name}: {behaviour}: {why}")),
                Outcome::Fails(_) | Outcome::Holds | Outcome::NotOffered => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n{matrix}", wrong.join("\n"));
    for (name, outcomes) in &columns {
        let held = outcomes.iter().filter(|(_, it)| *it == Outcome::Holds).count();
        let excepted = EXCEPTIONS
            .iter()
            .any(|(column, about, _)| column == name && about.is_empty());
        assert!(
            excepted || held >= BEHAVIOURS.len() - 3,
            "{name} offers too little to say so\n{matrix}"
        );
    }
    matrix
}

/// The page on platforms shows the matrix of this build; `ENTENTE_WRITE_DOCS=1` writes it there.
fn is_documented(mark: &str, matrix: &str) {
    let file = tests_real::root().join("docs/platforms.md");
    let page = std::fs::read_to_string(&file).unwrap();
    let wanted = conformance::documented(&page, mark, matrix).expect("a mark for this matrix");
    if std::env::var_os("ENTENTE_WRITE_DOCS").is_some() {
        std::fs::write(&file, &wanted).unwrap();
        return;
    }
    assert!(
        page == wanted,
        "docs/platforms.md is stale: run this test with ENTENTE_WRITE_DOCS=1"
    );
}

#[test]
fn an_address_is_read_as_it_is_written() {
    let address: Address = "192.0.2.1:830:admin:/etc/key".parse().unwrap();
    assert_eq!((address.host.as_str(), address.port), ("192.0.2.1", 830));
    assert_eq!((address.user.as_str(), address.key.as_str()), ("admin", "/etc/key"));
    assert_eq!(address.platform, "ietf");
    let terminal: Address = "r1.example:22:admin:/etc/key:frr".parse().unwrap();
    assert_eq!(terminal.platform, "frr");
    for bad in [
        "",
        "r1:830:admin",
        "r1:many:admin:/etc/key",
        "r1:22:admin:/etc/key:nonesuch",
        "a:1:b:c:frr:e",
    ] {
        assert!(bad.parse::<Address>().is_err(), "{bad}");
    }
}
