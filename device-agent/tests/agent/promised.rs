//! What devices promise, before the agent introduces itself.

use std::sync::Arc;
use std::time::Duration;

use adapters_port::{Access, Deadline, Guarantee};
use device_agent::app::Served;
use device_agent::promise;
use tokio::time::Instant;
use transaction::DeviceId;

use crate::device::{Device, Fault};

fn served(id: u128, guarantee: Guarantee, fault: Fault) -> Served {
    let device = Device::new(guarantee);
    device.now().fault = fault;
    Served {
        id: DeviceId(id),
        name: format!("r{id}"),
        ways: vec![Arc::new(device) as Arc<dyn Access>],
    }
}

#[tokio::test]
async fn what_answers_in_time_is_known_and_nothing_else_is_waited_for() {
    let served = [
        served(1, Guarantee::Confirmed, Fault::None),
        served(2, Guarantee::Confirmed, Fault::Silent),
        served(3, Guarantee::Confirmed, Fault::Mute),
        served(4, Guarantee::Plain, Fault::None),
    ];
    let by = Deadline::after(Instant::now().into_std(), Duration::from_secs(2));
    let asked = promise::asked(promise::preferred(&served), by);
    let known = tokio::time::timeout(Duration::from_secs(60), asked).await.unwrap();
    let expected = [
        (DeviceId(1), transaction::Guarantee::Confirmed),
        (DeviceId(4), transaction::Guarantee::Plain),
    ];
    assert!(known.into_iter().eq(expected));
}
