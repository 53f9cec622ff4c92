//! The `entente-lab` program: starts simulated devices and labs.

mod devices;

use clap::{Parser, Subcommand};

/// Simulated devices and labs to try Entente on.
#[derive(Debug, Parser)]
#[command(name = "entente-lab", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts simulated devices, prints a JSON line for each and serves until stopped.
    Devices(Box<devices::Wanted>),
    /// Lists the personalities that a device can have.
    Personalities,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    match arguments.command {
        Command::Devices(wanted) => tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?
            .block_on(devices::serve(&wanted)),
        Command::Personalities => devices::list(),
    }
}
