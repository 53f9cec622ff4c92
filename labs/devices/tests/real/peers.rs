//! What the judges need: a device with a control port, a Python program with a deadline.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use labs_devices::control::{Fleet, router};
use labs_devices::{Device, Options};

/// A device with its control port.
pub struct Ruled {
    fleet: Fleet,
    /// The address of the control port.
    pub control: String,
}

impl Ruled {
    /// Starts a device named `device`; the timers of its terminal run sixty times as fast.
    pub async fn start(personality: &str) -> Ruled {
        let options = Options {
            name: "device".to_owned(),
            pace: 60,
            ..Options::default()
        };
        let device = Device::start(personality.parse().unwrap(), options).await.unwrap();
        let fleet: Fleet = Arc::new(BTreeMap::from([("device".to_owned(), device)]));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let control = format!("http://{}", listener.local_addr().unwrap());
        let served = Arc::clone(&fleet);
        tokio::spawn(async move { axum::serve(listener, router(served)).await });
        Ruled { fleet, control }
    }

    /// The device.
    pub fn device(&self) -> &Device {
        &self.fleet["device"]
    }
}

/// Where the judges stand.
pub fn judge(name: &str) -> PathBuf {
    tests_real::root().join("labs/devices/tests/judges").join(name)
}

/// Runs a Python judge to its end and gives back what it printed; a failure shows everything that it said.
pub async fn python(name: &str, arguments: &[String]) -> String {
    let mut command = tokio::process::Command::new(tests_real::python());
    command
        .arg(judge(name))
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(Duration::from_secs(900), command.output());
    let output = output
        .await
        .expect("the judge ends within its deadline")
        .expect("the judge starts");
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(
        output.status.success(),
        "{name} {arguments:?}: {}\n{out}\n{err}",
        output.status
    );
    out.into_owned()
}
