//! What the agent does when a protocol dies: who is told, what is refused, what is read elsewhere.

use adapters_port::{Guarantee, Protocol};
use device_agent::link::Upward;
use transaction::{Answer, Demand, Order};

use crate::bench::{Bench, hostname, stage};
use crate::device::{Device, Fault};

async fn dual(guarantee: Guarantee) -> Bench {
    let first = Device::new(guarantee);
    let second = Device {
        guarantee: Guarantee::Plain,
        protocol: Protocol::Cli,
        ..first.clone()
    };
    Bench::with_ways(vec![first, second]).await
}

#[tokio::test]
async fn a_switch_is_a_word_to_the_controller_and_a_line_in_the_receipt() {
    let mut bench = dual(Guarantee::Confirmed).await;
    bench.device.now().fault = Fault::Silent;
    bench.say(1, 1, stage(hostname("old", "new"))).await;
    let Upward::Switched(switch) = bench.next().await else {
        panic!("the switch comes first")
    };
    assert_eq!((switch.from, switch.to), (Protocol::Netconf, Protocol::Cli));
    assert!(switch.because.starts_with("lost r1 over NETCONF"), "{}", switch.because);
    let Upward::Receipt { receipt, .. } = bench.next().await else {
        panic!("then the receipt")
    };
    let remark = &receipt.remarks[0];
    assert!(remark.starts_with("switched from NETCONF to CLI"), "{remark}");
}

#[tokio::test]
async fn a_promise_below_the_demanded_one_is_no_vote_and_no_lock() {
    let mut bench = dual(Guarantee::Confirmed).await;
    bench.device.now().fault = Fault::Silent;
    let mut order = stage(hostname("old", "new"));
    if let Order::Stage { demand, .. } = &mut order {
        *demand = Demand::TakenBackByDevice;
    }
    let answer = bench.ask(1, order).await;
    assert!(
        matches!(&answer, Answer::Refused { reason } if reason.contains("it only promises plain") && reason.contains("lost r1 over NETCONF")),
        "{answer:?}"
    );
    assert!(bench.device.now().asked.is_empty() && bench.device.now().locked_by.is_none());
}
