//! The subscriber: Python hears the events over MQTT and verifies their signatures; what it believed is kept here.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tests_real::Child;

use super::net::Net;

/// It runs until it hears something that does not hold.
pub struct Subscriber {
    python: Child,
    believed: Arc<Mutex<Vec<Value>>>,
}

impl Subscriber {
    pub fn start(net: &Net, invitation: &Path, folder: &Path, devices: &[&str]) -> Self {
        let mut command = net.inside("controller", tests_real::python());
        command
            .arg(tests_real::root().join("controller/tests/mission/subscriber.py"))
            .arg(invitation)
            .arg(folder)
            .args(devices);
        let mut python = Child::start(command.stdin(Stdio::null()).stdout(Stdio::piped())).unwrap();
        let out = python.process().stdout.take().unwrap();
        let believed = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&believed);
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                kept.lock().unwrap().push(serde_json::from_str(&line).expect(&line));
            }
        });
        let mut subscriber = Self { python, believed };
        subscriber.until("the subscriptions to be taken", |it| {
            let codes = it["subscribed"].as_array();
            codes.is_some_and(|codes| codes.len() == devices.len() + 1 && codes.iter().all(|code| code == 1))
        });
        subscriber
    }

    /// Waits until an event was believed of which this holds.
    pub fn until(&mut self, what: &str, holds: impl Fn(&Value) -> bool) {
        let mut over = None;
        let heard = tests_real::until(what, Duration::from_secs(60), || {
            if self.believed.lock().unwrap().iter().any(&holds) {
                return Some(true);
            }
            over = self.python.ended().unwrap();
            over.map(|_| false)
        });
        let believed = self.believed.lock().unwrap();
        match heard {
            Ok(true) => tests_real::operations(tests_real::Part::Joserfc, 1),
            Ok(false) => panic!("the subscriber ended with {over:?} before {what}; it believed {believed:#?}"),
            Err(error) => panic!("{error}; it believed {believed:#?}"),
        }
    }
}
