//! Benchmarks that run the peer on the same work in the same run.
//!
//! One module a benchmark. Each gives rows: ours, theirs, and their ratio from interleaved rounds; what a row should
//! reach stands in it, and a row that does not reach it makes the run end with status 1.

mod fabric;
mod measure;
mod model;
mod network;
mod report;
mod southbound;
mod transaction;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

/// What runs, and where its figures go.
#[derive(Parser)]
#[command(
    name = "bench",
    about = "Benchmarks: ratios from one run, ours against a peer on the same work"
)]
struct Arguments {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Subcommand)]
enum Bench {
    /// A configuration as a sorted map against libyang's tree: diff, parse and validate, memory.
    Model(Common),
    /// The durable record of decisions against single syncs, on the disk of the checkout.
    Transaction(Common),
    /// A thousand agents' streams and signed events, against a bare tonic echo and unsigned events.
    Fabric(Common),
    /// The controller's end of one side of `fabric`, in a process of its own.
    #[command(hide = true)]
    FabricSide { kind: fabric::Kind, folder: PathBuf },
    /// The agents of one side of `fabric`, in a process of their own.
    #[command(hide = true)]
    FabricAgents {
        kind: fabric::Kind,
        folder: PathBuf,
        address: String,
    },
    /// A candidate transaction against ncclient and scrapli-netconf, ten lines of a terminal against netmiko, cold and warm.
    Southbound {
        /// How many devices; may be given more than once.
        #[arg(long, default_values_t = [100, 500])]
        devices: Vec<usize>,
        /// So many milliseconds of round trip to each simulated device.
        #[arg(long, default_value_t = 0)]
        round_trip: u64,
        /// Instead of simulated devices this many real ones: netconfd.
        #[arg(long)]
        netconfd: Option<usize>,
        #[command(flatten)]
        common: Common,
    },
    /// One intent across a network, against our adapters alone and a script with Nornir and ncclient.
    Network {
        /// How many devices; several times for several [default: 20, 100, 500].
        #[arg(long)]
        devices: Vec<usize>,
        #[command(flatten)]
        common: Common,
    },
    /// The devices of `network`, in a process of their own.
    #[command(hide = true)]
    NetworkDevices { count: usize },
    /// The devices of `southbound`, in a process of their own.
    #[command(hide = true)]
    SouthboundDevices {
        count: usize,
        personality: String,
        round_trip: u64,
    },
    /// Our client of `southbound`, in a process of its own.
    #[command(hide = true)]
    SouthboundClient,
}

#[derive(Args, Clone)]
struct Common {
    /// Writes the rows as JSON.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Interleaved rounds; the median counts.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
}

fn main() -> anyhow::Result<ExitCode> {
    let (rows, common) = match Arguments::parse().bench {
        Bench::Model(common) => (model::run(common.rounds.max(1))?, common),
        Bench::Transaction(common) => (transaction::run(common.rounds.max(1))?, common),
        Bench::Fabric(common) => (fabric::run(common.rounds.max(1))?, common),
        Bench::FabricSide { kind, folder } => return fabric::side(kind, &folder).map(|()| ExitCode::SUCCESS),
        Bench::FabricAgents { kind, folder, address } => {
            return fabric::agents(kind, &folder, &address).map(|()| ExitCode::SUCCESS);
        }
        Bench::Southbound {
            devices,
            round_trip,
            netconfd,
            common,
        } => {
            let plan = southbound::Plan {
                devices,
                round_trip,
                netconfd,
                rounds: common.rounds.max(1),
            };
            (southbound::run(&plan)?, common)
        }
        Bench::SouthboundDevices {
            count,
            personality,
            round_trip,
        } => return southbound::serve(count, &personality, round_trip).map(|()| ExitCode::SUCCESS),
        Bench::Network { devices, common } => (network::run(&devices, common.rounds.max(1))?, common),
        Bench::NetworkDevices { count } => return network::serve(count).map(|()| ExitCode::SUCCESS),
        Bench::SouthboundClient => return southbound::client().map(|()| ExitCode::SUCCESS),
    };
    report::print(&rows);
    if let Some(file) = common.report {
        report::write(&rows, &file)?;
    }
    let reached = rows.iter().all(report::Row::reached);
    Ok(if reached { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
