//! The real parts that tests speak to, and how each says which version it is.
//!
//! A run with real parts must have spoken to every one of them, and every one must say its version: neither stands
//! written down anywhere else.

use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::{program, python};

/// The parts, each with what operators call it, and nothing of them anywhere else.
macro_rules! parts {
    ($($(#[$doc:meta])* $part:ident = $name:literal),+ $(,)?) => {
        /// A real part.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Part {
            $($(#[$doc])* #[serde(rename = $name)] $part),+
        }

        impl Part {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$part),+];

            /// What operators call it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$part => $name),+
                }
            }
        }
    };
}

parts! {
    /// The NETCONF server of yuma123.
    Netconfd = "netconfd",
    /// The routers of FRR, through vtysh.
    Frr = "frr",
    /// This machine's kernel, through nft, tc and ip.
    Linux = "linux",
    /// The Python NETCONF client.
    Ncclient = "ncclient",
    /// The Python terminal client.
    Netmiko = "netmiko",
    /// libyang's own program.
    Yanglint = "yanglint",
    /// The Python YANG checker.
    Pyang = "pyang",
    /// The tracer of system calls.
    Strace = "strace",
    /// The clock that is not the machine's.
    Faketime = "faketime",
    /// The TLS toolbox.
    Openssl = "openssl",
    /// The HTTP client.
    Curl = "curl",
    /// The MQTT broker and its clients.
    Mosquitto = "mosquitto",
    /// The Python MQTT client.
    PahoMqtt = "paho-mqtt",
    /// The Python JOSE library.
    Joserfc = "joserfc",
    /// The Python RPC library.
    Grpcio = "grpcio",
    /// The Python JSON Schema validator.
    Jsonschema = "jsonschema",
    /// The tester of REST interfaces.
    Schemathesis = "schemathesis",
    /// The Python reader of metrics.
    PrometheusClient = "prometheus-client",
    /// The checker of units.
    SystemdAnalyze = "systemd-analyze",
}

impl Part {
    /// The version that the part itself says; none where it is not there or says none.
    #[must_use]
    pub fn version(self) -> Option<String> {
        let said = match self {
            Self::Netconfd | Self::Yanglint | Self::Faketime | Self::Curl | Self::SystemdAnalyze => {
                asked(self.name(), "--version")
            }
            Self::Frr => asked("zebra", "--version"),
            Self::Linux => asked("uname", "-r"),
            Self::Strace => asked("strace", "-V"),
            Self::Openssl => asked("openssl", "version"),
            Self::Mosquitto => asked("mosquitto", "-h"),
            Self::Ncclient
            | Self::Netmiko
            | Self::Pyang
            | Self::PahoMqtt
            | Self::Joserfc
            | Self::Grpcio
            | Self::Jsonschema
            | Self::Schemathesis
            | Self::PrometheusClient => distribution(self.name()),
        };
        said.as_deref().and_then(number)
    }
}

fn asked(name: &str, flag: &str) -> Option<String> {
    // Some say their version and end with a status of failure.
    let output = Command::new(program(&[name])?).arg(flag).output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
}

fn distribution(name: &str) -> Option<String> {
    let ask = "import sys, importlib.metadata as it; print(it.version(sys.argv[1]))";
    let output = Command::new(python()).args(["-c", ask, name]).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The version in what a program says of itself: behind the word `version` where that stands, else the first number.
fn number(said: &str) -> Option<String> {
    let behind = said.rsplit_once("version ").map_or(said, |(_, behind)| behind);
    let word = |text: &str| {
        let word = text
            .split_whitespace()
            .map(|word| word.trim_start_matches('v').trim_end_matches([')', ',', '.']))
            .find(|word| word.starts_with(|it: char| it.is_ascii_digit()));
        word.map(str::to_owned)
    };
    word(behind).or_else(|| word(said))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_found_in_what_programs_say() {
        let said = [
            ("yanglint 2.1.30", "2.1.30"),
            ("zebra version 8.4.4\nCopyright 1996-2005", "8.4.4"),
            (
                "Copyright (c) 2008-2012, A. B.\n\nnetconfd version 2.13-1\n\nShutting down",
                "2.13-1",
            ),
            ("OpenSSL 3.0.22 1 Sep 2026 (Library: OpenSSL 3.0.22)", "3.0.22"),
            ("strace -- version 6.1\nCopyright (c) 1991", "6.1"),
            ("systemd 252 (252.38-1~deb12u1)", "252"),
            ("curl 7.88.1 (x86_64-pc-linux-gnu) libcurl/7.88.1", "7.88.1"),
            (
                "mosquitto version 2.0.11\n\nmosquitto is an MQTT v5.0 broker.",
                "2.0.11",
            ),
        ];
        for (said, version) in said {
            assert_eq!(number(said).as_deref(), Some(version), "{said}");
        }
        assert_eq!(number("no such thing"), None);
    }
}
