//! Simulated devices in a process of their own, for both sides the same.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, bail};
use labs_devices::{Device, Fault, Options, Personality, Store};
use serde::{Deserialize, Serialize};

/// Where a device listens.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Address {
    pub host: String,
    pub port: u16,
}

/// The devices, seen from the benchmark. They end with it.
pub struct Fleet {
    child: Child,
    ask: ChildStdin,
    hear: BufReader<ChildStdout>,
    addresses: Vec<Address>,
}

impl Fleet {
    pub fn start(count: usize) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("network-devices").arg(count.to_string());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let ask = child.stdin.take().context("no standard input")?;
        let hear = BufReader::new(child.stdout.take().context("no standard output")?);
        let mut fleet = Self {
            child,
            ask,
            hear,
            addresses: Vec::new(),
        };
        fleet.addresses = fleet.said()?;
        Ok(fleet)
    }

    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// From now on every answer of a device comes so late.
    pub fn late(&mut self, millis: u64) -> anyhow::Result<()> {
        writeln!(self.ask, "late {millis}")?;
        self.said::<()>()
    }

    /// On how many devices this stands, as they say themselves.
    pub fn marked(&mut self, text: &str) -> anyhow::Result<usize> {
        writeln!(self.ask, "marked {text}")?;
        self.said()
    }

    /// How often each RPC was done since the last question.
    pub fn counts(&mut self) -> anyhow::Result<BTreeMap<String, u64>> {
        writeln!(self.ask, "counts")?;
        self.said()
    }

    fn said<T: serde::de::DeserializeOwned>(&mut self) -> anyhow::Result<T> {
        let mut line = String::new();
        self.hear.read_line(&mut line)?;
        serde_json::from_str(&line).context("the devices are gone")
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        // It ends by itself at the end of its input; this is for the case that it hangs.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The other side: devices until the input ends.
pub fn serve(count: usize) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let personality: Personality = "confirmed".parse()?;
    let devices = runtime.block_on(async {
        let mut devices = Vec::new();
        for _ in 0..count {
            devices.push(Device::start(personality, Options::default()).await?);
        }
        anyhow::Ok(devices)
    })?;
    let address = |it: &Device| {
        Some(Address {
            host: it.address.to_string(),
            port: it.netconf?,
        })
    };
    say(&devices.iter().filter_map(address).collect::<Vec<_>>())?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        match line.split_once(' ').unwrap_or((&line, "")) {
            ("late", millis) => {
                let millis = millis.parse()?;
                devices.iter().for_each(|device| late(device, millis));
                say(&())?;
            }
            ("marked", text) => say(&devices
                .iter()
                .filter(|it| it.content(Store::Running).contains(text))
                .count())?,
            ("counts", _) => say(&counted(&devices))?,
            (other, _) => bail!("no question {other}"),
        }
    }
    Ok(())
}

fn late(device: &Device, millis: u64) {
    device.clear_faults();
    if millis > 0 {
        device.inject(Fault::Delay {
            millis,
            operation: None,
        });
    }
}

fn counted(devices: &[Device]) -> BTreeMap<String, u64> {
    let mut sum: BTreeMap<String, u64> = BTreeMap::new();
    for device in devices {
        let counts = device.counts().into_iter();
        counts.for_each(|(name, count)| *sum.entry(name).or_default() += count);
        device.clear_log();
    }
    sum
}

#[expect(clippy::print_stdout, reason = "what the benchmark asks for")]
fn say(answer: &impl Serialize) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string(answer)?);
    Ok(())
}
