//! What goes wrong on a device travels in full: its own words, the protocol, and whether to ask again.

use adapters_port::Guarantee;
use fabric_wire::v1::{self, answer, downward, vote};

use crate::bench::{Bench, R1};
use crate::device::{Device, Fault};
use crate::wired::{Controller, stage};

const HOST: &str = "system/hostname";

fn apply() -> downward::Body {
    downward::Body::Apply(v1::Apply {})
}

/// The fault of a vote that is a no.
fn no(voted: v1::Answer) -> v1::Fault {
    match voted.outcome {
        Some(answer::Outcome::Vote(v1::Vote {
            choice: Some(vote::Choice::No(no)),
        })) => no.fault.unwrap(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_refusal_carries_the_devices_own_words_and_the_protocol_whenever_it_is_told() {
    let mut bench = Bench::with(Device::new(Guarantee::Confirmed)).await;
    let mut controller = Controller::meet(&mut bench).await;
    controller.answer(v1::Step::Stage, stage(HOST)).await;
    bench.device.now().fault = Fault::RefusesApply;
    for told in ["at first", "again"] {
        let applied = controller.answer(v1::Step::Apply, apply()).await;
        let Some(answer::Outcome::Fault(fault)) = applied.outcome else {
            panic!("{told}: {applied:?}")
        };
        let expected = v1::Fault {
            code: "refused".to_owned(),
            step: v1::Step::Apply.into(),
            device: R1.to_string(),
            protocol: v1::Protocol::Netconf.into(),
            device_words: "no room; neighbor 192.0.2.1 password ***".to_owned(),
            retry: v1::Retry::Never.into(),
            detail: "refused by r1 over NETCONF during apply".to_owned(),
            paths: Vec::new(),
        };
        assert_eq!(fault, expected, "{told}");
    }
}

#[tokio::test]
async fn a_vote_says_by_its_code_whether_to_come_again() {
    let mut bench = Bench::with(Device::new(Guarantee::Plain)).await;
    let mut controller = Controller::meet(&mut bench).await;
    let downward::Body::Stage(mut demanding) = stage(HOST) else {
        panic!("no stage")
    };
    demanding.demand = Some(v1::Demand {
        guarantee: v1::Guarantee::Confirmed.into(),
        ..v1::Demand::default()
    });
    let voted = controller
        .answer(v1::Step::Stage, downward::Body::Stage(demanding))
        .await;
    let weak = no(voted);
    assert_eq!(
        (weak.code.as_str(), weak.retry()),
        ("unsupported", v1::Retry::Never),
        "{weak:?}"
    );

    let mut bench = Bench::with(Device::new(Guarantee::Confirmed)).await;
    let mut controller = Controller::meet(&mut bench).await;
    bench.device.now().locked_by = Some(99);
    let busy = no(controller.answer(v1::Step::Stage, stage(HOST)).await);
    assert_eq!(
        (busy.code.as_str(), busy.retry()),
        ("busy", v1::Retry::Later),
        "{busy:?}"
    );
    assert_eq!(busy.protocol(), v1::Protocol::Netconf);

    let mut bench = Bench::with(Device::new(Guarantee::Confirmed)).await;
    let mut controller = Controller::meet(&mut bench).await;
    bench.device.now().fault = Fault::Silent;
    let away = no(controller.answer(v1::Step::Stage, stage(HOST)).await);
    assert_eq!(
        (away.code.as_str(), away.retry()),
        ("unreachable", v1::Retry::Later),
        "{away:?}"
    );
    assert!(away.device_words.is_empty(), "it has said nothing");
}
