//! Simulated devices in a process of their own.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::Context;
use labs_devices::{Device, Options, Personality};

use super::{Address, road};

/// The devices, seen from the benchmark. They end with it.
pub struct Fleet {
    child: Child,
    ask: ChildStdin,
    hear: BufReader<ChildStdout>,
    addresses: Vec<Address>,
}

impl Fleet {
    pub fn start(count: usize, personality: &str, round_trip: u64) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("southbound-devices").arg(count.to_string());
        command.arg(personality).arg(round_trip.to_string());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let ask = child.stdin.take().context("no standard input")?;
        let hear = BufReader::new(child.stdout.take().context("no standard output")?);
        let mut fleet = Self {
            child,
            ask,
            hear,
            addresses: Vec::new(),
        };
        fleet.addresses = serde_json::from_str(&fleet.line()?)?;
        Ok(fleet)
    }

    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// How often each RPC was done since the last question.
    pub fn counts(&mut self) -> anyhow::Result<BTreeMap<String, u64>> {
        writeln!(self.ask, "counts")?;
        Ok(serde_json::from_str(&self.line()?)?)
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.hear.read_line(&mut line)?;
        Ok(line)
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
#[expect(
    clippy::print_stdout,
    reason = "the addresses and counts are what the benchmark asks for"
)]
pub fn serve(count: usize, personality: &str, round_trip: u64) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let personality: Personality = personality.parse()?;
    let (devices, addresses) = runtime.block_on(async {
        let (mut devices, mut addresses) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let device = Device::start(personality, Options::default()).await?;
            let own = device.netconf.or(device.cli).context("no port")?;
            let port = match round_trip {
                0 => own,
                trip => road::to((device.address, own).into(), Duration::from_millis(trip)).await?,
            };
            addresses.push(Address {
                host: device.address.to_string(),
                port,
            });
            devices.push(device);
        }
        anyhow::Ok((devices, addresses))
    })?;
    println!("{}", serde_json::to_string(&addresses)?);
    for _ in std::io::stdin().lock().lines() {
        let mut sum: BTreeMap<String, u64> = BTreeMap::new();
        for device in &devices {
            device
                .counts()
                .into_iter()
                .for_each(|(name, count)| *sum.entry(name).or_default() += count);
            device.clear_log();
        }
        println!("{}", serde_json::to_string(&sum)?);
    }
    Ok(())
}
