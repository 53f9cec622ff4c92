//! What happens to the devices behind our back, and what really stands on them, by the control port of the lab.

use std::time::Duration;

use serde_json::{Value, json};

use crate::stage::Stage;

/// The control port of the devices that a stage stands on.
pub struct Lab {
    base: String,
    http: reqwest::Client,
    runtime: tokio::runtime::Runtime,
}

impl Lab {
    /// The one of this stage.
    pub fn of(stage: &Stage) -> Self {
        fabric_identity::install_cryptography();
        let named = stage.variables.iter().find(|(name, _)| name == "ENTENTE_LAB");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Self {
            base: named.expect("the demo names its lab").1.clone(),
            http: reqwest::Client::new(),
            runtime: runtime.unwrap(),
        }
    }

    /// Somebody writes the description of eth1 by hand.
    pub fn describe(&self, device: &str, text: &str) {
        self.edit(device, &format!("<description>{text}</description>"));
    }

    /// Somebody merges this into eth1 by hand.
    pub fn edit(&self, device: &str, inside: &str) {
        let config = format!(
            "<interfaces xmlns=\"urn:ietf:params:xml:ns:yang:ietf-interfaces\"><interface><name>eth1</name>{inside}</interface></interfaces>"
        );
        self.merge(device, &config);
    }

    /// Somebody merges this into the running configuration by hand.
    pub fn merge(&self, device: &str, config: &str) {
        self.post(
            device,
            "acts",
            &json!({ "act": "foreign-edit", "store": "running", "config": config }),
        );
    }

    /// Something happens to a device.
    pub fn act(&self, device: &str, act: &Value) {
        self.post(device, "acts", act);
    }

    /// Breaks a device on purpose.
    pub fn fault(&self, device: &str, fault: &Value) {
        self.post(device, "faults", fault);
    }

    /// Lets what a device is asked to commit wait, until it is released or mended.
    pub fn hold(&self, device: &str) {
        self.fault(device, &json!({ "fault": "hold", "operation": "commit" }));
    }

    /// Lets go on what is held; every other fault stays.
    pub fn release(&self, device: &str) {
        self.act(device, &json!({ "act": "release" }));
    }

    /// Lets a device refuse what it is asked to commit, in these words.
    pub fn refuse(&self, device: &str, tag: &str) {
        for operation in ["commit", "edit-config"] {
            self.fault(
                device,
                &json!({ "fault": "reject", "operation": operation, "tag": tag }),
            );
        }
    }

    /// Mends it.
    pub fn mend(&self, device: &str) {
        let request = self.http.delete(format!("{}/devices/{device}/faults", self.base));
        self.runtime
            .block_on(async { request.send().await.unwrap().error_for_status() })
            .unwrap();
    }

    /// How often a device was asked for this operation.
    pub fn count(&self, device: &str, operation: &str) -> u64 {
        let request = self.http.get(format!("{}/devices/{device}/counts", self.base));
        let counts: Value = self
            .runtime
            .block_on(async { request.send().await.unwrap().json().await })
            .unwrap();
        counts[operation].as_u64().unwrap_or(0)
    }

    /// Everything that runs on a device, in its own words.
    pub fn running(&self, device: &str) -> String {
        let request = self.http.get(format!("{}/devices/{device}/config/running", self.base));
        let answer: Value = self
            .runtime
            .block_on(async { request.send().await.unwrap().json().await })
            .unwrap();
        answer["xml"].as_str().unwrap().to_owned()
    }

    fn post(&self, device: &str, what: &str, body: &Value) {
        let request = self
            .http
            .post(format!("{}/devices/{device}/{what}", self.base))
            .json(body);
        let (status, said) = self.runtime.block_on(async {
            let answer = request.send().await.unwrap();
            (answer.status(), answer.text().await.unwrap())
        });
        assert!(status.is_success(), "{device} {what}: {status}: {said}");
    }
}

/// The id of the latest transaction.
pub fn latest(stage: &Stage) -> String {
    rows(stage, "transaction list")[0]["id"].as_str().unwrap().to_owned()
}

/// What a command prints for programs.
pub fn rows(stage: &Stage, line: &str) -> Value {
    let (code, said) = stage.run(&format!("{line} --output json"));
    assert_eq!(code, 0, "{line}\n{said}");
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{line}: {error}\n{said}"))
}

/// Runs a line that must end with this code and say this.
pub fn expect(stage: &Stage, line: &str, code: i32, expected: &str) -> String {
    let (ended, said) = stage.run(line);
    assert_eq!(ended, code, "entente {line}\n{said}");
    assert!(
        said.contains(expected),
        "entente {line}: {expected:?} is missing in\n{said}"
    );
    said
}

/// Waits until it is so.
pub fn until(what: &str, mut so: impl FnMut() -> bool) {
    tests_real::until(what, Duration::from_secs(60), || so().then_some(())).unwrap();
}

/// An intent that describes eth1 of one device.
pub fn described(name: &str, device: &str, priority: u32, text: &str) -> String {
    format!(
        "class: interface.set\nname: {name}\npriority: {priority}\nslots: {{ device: {device}, interface: eth1, description: {text} }}\n"
    )
}

/// An intent for a static route.
pub fn route(name: &str, devices: &str, hop: &str) -> String {
    format!(
        "class: routing.static\nname: {name}\nslots: {{ device: [{devices}], prefix: 203.0.113.0/24, next_hop: {hop} }}\n"
    )
}
