//! The command line. Names of commands are singular; every command that prints data takes `--output json`.

use std::path::PathBuf;

use crate::command::agent::escaped;
use crate::command::approval::{FreezeCommand, PlanCommand};
use crate::command::case::CaseCommand;
use crate::command::drift::DriftCommand;
use crate::command::learn::LearnCommand;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::intake::roles::Role;

/// Makes a whole network do what you want, or none of it.
#[derive(Debug, Parser)]
#[command(name = "entente", version, propagate_version = true, after_help = CODES)]
pub struct Arguments {
    /// The file with the settings [default: entente/entente.yaml in the user's configuration directory]
    #[arg(long, global = true, env = "ENTENTE_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// How data is printed
    #[arg(long, global = true, value_enum, default_value_t = Output::Table)]
    pub output: Output,
    #[command(subcommand)]
    pub command: Command,
}

const CODES: &str = "Exit codes: 0 done; 1 failed; 2 wrong usage; 3 invalid input; 4 rolled back; 5 torn; 6 controller unreachable; \
7 denied; 8 not found; 9 conflict; 10 address in use; 11 state directory unusable; 12 state directory locked; 13 disk full; \
14 wrong clock; 15 asked back; 74 the journal was lost; 130 stopped at once.";

/// How data is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// Where the controller is.
#[derive(Debug, Clone, Args)]
pub struct Remote {
    /// The controller's address [default: the setting `listen`]
    #[arg(long, env = "ENTENTE_SERVER", value_name = "URL")]
    pub server: Option<String>,
}

/// What is wanted of a plan beyond its intents. A plan that was made says all this itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Wanted {
    /// What is looked at before the change stays
    #[arg(long, value_enum, default_value_t = GateWord::Checks)]
    pub gate: GateWord,
    /// Make the change although it may cut an agent's way to its device
    #[arg(long)]
    pub force: bool,
    /// Devices that change first; the others change once what held before still holds
    #[arg(long, value_name = "DEVICE", value_delimiter = ',')]
    pub first: Vec<String>,
}

/// Whether health checks run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum GateWord {
    /// What the intents promise, and what the change must not break.
    #[default]
    Checks,
    /// Nothing.
    None,
}

impl Wanted {
    /// The part of an address that says so.
    pub fn query(&self) -> String {
        let gate = if self.gate == GateWord::None { "none" } else { "checks" };
        let first = match self.first.as_slice() {
            [] => String::new(),
            names => format!("&first={}", escaped(&names.join(","))),
        };
        format!("?gate={gate}&force={}{first}", self.force)
    }
}

/// What becomes of a plan that a command makes.
#[derive(Debug, Clone, Copy, Args)]
pub struct Carry {
    /// Only show the plan
    #[arg(long)]
    pub dry_run: bool,
    /// Commit it without asking
    #[arg(long)]
    pub yes: bool,
}

/// What is planned.
#[derive(Debug, Args)]
pub struct PlanArguments {
    /// The file with the intents
    #[arg(short, long, value_name = "FILE", required = true)]
    pub file: Option<PathBuf>,
    /// Ask no controller: the inventory and what devices were last known to hold are enough
    #[arg(long)]
    pub offline: bool,
    /// Offline: the file that names devices and links [default: the setting `inventory`]
    #[arg(long, value_name = "FILE", requires = "offline")]
    pub inventory: Option<PathBuf>,
    /// Offline: a controller's state directory, or a file with what devices hold [default: the setting `state`]
    #[arg(long, value_name = "DIR|FILE", requires = "offline")]
    pub state: Option<PathBuf>,
    /// Keep the plan in a file, to be carried to a controller: `entente commit FILE`
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
    #[command(flatten)]
    pub wanted: Wanted,
    #[command(flatten)]
    pub remote: Remote,
    #[command(subcommand)]
    pub command: Option<PlanCommand>,
}

/// What is said.
#[derive(Debug, Args)]
pub struct SayArguments {
    /// The sentence
    pub sentence: String,
    /// The conversation that it belongs to, as an earlier answer named it
    #[arg(long, value_name = "NAME")]
    pub conversation: Option<String>,
    /// Commit what it comes to without asking
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    pub remote: Remote,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the controller
    Serve {
        /// The directory that holds everything durable
        #[arg(long, value_name = "DIR")]
        state: Option<String>,
        /// Where REST is served
        #[arg(long, value_name = "ADDRESS")]
        listen: Option<String>,
        /// The file that names devices and links
        #[arg(long, value_name = "FILE")]
        inventory: Option<String>,
    },
    /// Show what intents would change, without changing it
    #[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
    Plan(PlanArguments),
    /// Say what you want, in English or Chinese: the reading is shown, then the plan
    Say(SayArguments),
    /// Teach what a sentence means that was read wrong; it holds once it is activated
    #[command(subcommand)]
    Learn(LearnCommand),
    /// Ask what changes nothing: about the network, about intents
    Ask {
        /// The file with the question, an intent of a class that calls
        #[arg(short, long, value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        remote: Remote,
    },
    /// The classes of intents
    #[command(subcommand)]
    Class(ClassCommand),
    /// Make a plan true on all of its devices, or on none
    Commit {
        /// The plan's id, or the file that it was saved in
        #[arg(required_unless_present = "file")]
        plan: Option<String>,
        /// Plan the intents of this file and commit them
        #[arg(short, long, value_name = "FILE", conflicts_with = "plan")]
        file: Option<PathBuf>,
        #[command(flatten)]
        wanted: Wanted,
        /// Print the transaction's id and do not wait for its end
        #[arg(long)]
        detach: bool,
        #[command(flatten)]
        remote: Remote,
    },
    /// Take a past transaction back by a new plan
    Rollback {
        /// The transaction's id
        transaction: String,
        #[command(flatten)]
        carry: Carry,
        #[command(flatten)]
        wanted: Wanted,
        #[command(flatten)]
        remote: Remote,
    },
    /// Where devices are not what their intents want
    #[command(subcommand)]
    Drift(DriftCommand),
    /// Times at which nothing is committed
    #[command(subcommand)]
    Freeze(FreezeCommand),
    /// What was asked for
    #[command(subcommand)]
    Intent(IntentCommand),
    /// What was done
    #[command(subcommand)]
    Transaction(TransactionCommand),
    /// The devices of the network
    #[command(subcommand)]
    Device(DeviceCommand),
    /// What went wrong before, and what the cure was
    #[command(subcommand)]
    Case(CaseCommand),
    /// The agents that speak for devices
    #[command(subcommand)]
    Agent(AgentCommand),
    /// What agents and controllers tell, signed
    #[command(subcommand)]
    Event(super::command::event::EventCommand),
    /// The file that names devices and links
    #[command(subcommand)]
    Inventory(InventoryCommand),
    /// The chain that shows tampering
    #[command(subcommand)]
    Audit(AuditCommand),
    /// How vendors' devices speak
    #[command(subcommand)]
    Platform(PlatformCommand),
    /// Who is let in, and as what
    #[command(subcommand)]
    Token(TokenCommand),
    /// The settings of this program, and configurations of devices
    #[command(subcommand)]
    Config(ConfigCommand),
    /// The JSON Schema of a kind of file
    Schema {
        /// Which kind
        #[arg(value_enum)]
        kind: SchemaKind,
    },
    /// The completions of a shell
    Completion {
        /// Which shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Write everything that the controller knows to one sealed file, while it goes on
    Backup {
        /// The file, which must not be there yet
        file: PathBuf,
        /// The file with the passphrase, of mode 0600 [default: ENTENTE_PASSPHRASE]
        #[arg(long, value_name = "FILE")]
        passphrase_file: Option<PathBuf>,
        #[command(flatten)]
        remote: Remote,
    },
    /// Bring a backup back into an empty state directory
    Restore {
        /// The backup
        file: PathBuf,
        /// The directory that holds everything durable
        #[arg(long, value_name = "DIR")]
        state: Option<String>,
        /// The file with the passphrase, of mode 0600 [default: ENTENTE_PASSPHRASE]
        #[arg(long, value_name = "FILE")]
        passphrase_file: Option<PathBuf>,
    },
    /// Start a small network on this machine and commit an intent across it
    Demo {
        /// Stop once the demo has been shown
        #[arg(long)]
        once: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum ClassCommand {
    /// The classes that the controller knows
    List(Remote),
    /// The JSON Schema of intents of a class
    Show {
        /// Its name
        name: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Check the files of a directory and name every fault
    Check {
        /// The directory
        folder: PathBuf,
    },
    /// Read the classes anew; the old ones stay where the new ones have faults
    Reload(Remote),
}

#[derive(Debug, Subcommand)]
pub enum IntentCommand {
    /// The intents, the newest first
    List(Remote),
    /// One intent
    Show {
        /// Its id or name
        key: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Take an intent back: what it found comes back, what others want stays
    Withdraw {
        /// Its id or name
        key: String,
        #[command(flatten)]
        carry: Carry,
        #[command(flatten)]
        wanted: Wanted,
        #[command(flatten)]
        remote: Remote,
    },
}

#[derive(Debug, Subcommand)]
pub enum TransactionCommand {
    /// The transactions, the newest first
    List(Remote),
    /// One transaction
    Show {
        /// Its id
        id: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Follow a transaction to its end
    Follow {
        /// Its id
        id: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Withdraw a transaction that is not decided yet
    Cancel {
        /// Its id
        id: String,
        #[command(flatten)]
        remote: Remote,
    },
}

#[derive(Debug, Subcommand)]
pub enum DeviceCommand {
    /// The devices of the inventory
    List(Remote),
    /// What is kept of a device from before and after transactions
    History {
        /// Its name
        name: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// The devices in maintenance, and those that are owed the end of a torn transaction
    Standing(Remote),
    /// Work on a device: nothing is committed to it until you are done
    Maintain {
        /// Its name
        name: String,
        /// Why
        #[arg(long, default_value = "")]
        reason: String,
        /// You are done
        #[arg(long)]
        off: bool,
        #[command(flatten)]
        remote: Remote,
    },
    /// Make new hardware under a device's id what its intents want
    Replace {
        /// Its name
        name: String,
        #[command(flatten)]
        carry: Carry,
        #[command(flatten)]
        wanted: Wanted,
        #[command(flatten)]
        remote: Remote,
    },
    /// Bring a device to what was decided in a transaction whose end it did not reach
    Repair {
        /// Its name
        name: String,
        #[command(flatten)]
        carry: Carry,
        #[command(flatten)]
        remote: Remote,
    },
    /// Take on yourself what a device is owed: its next transaction begins without it
    Waive {
        /// Its name
        name: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// A device's configuration in its own words, without secrets
    Native {
        /// Its name
        name: String,
        /// A number of its history, or `now`
        #[arg(default_value = "now")]
        which: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// What differs between two configurations of a device, in its own words
    Compare {
        /// Its name
        name: String,
        /// A number of its history, or `now`
        from: String,
        /// A number of its history, or `now`
        #[arg(default_value = "now")]
        to: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// What a device says of itself, or how it is configured, again and again as its agent sees it
    Watch(super::command::watch::Wanted),
    /// How a device is reached: its protocols, what each can do, and how well it is, asked now
    Probe {
        /// Its name
        name: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// What differs between a device as it is now and a file
    Diff {
        /// Its name
        name: String,
        /// A configuration in the model, as JSON (RFC 7951) or XML, or what `device get --output json` printed
        file: PathBuf,
        #[command(flatten)]
        remote: Remote,
    },
    /// A device's configuration as it is now
    #[command(name = "get")]
    Configuration {
        /// Its name
        name: String,
        #[command(flatten)]
        remote: Remote,
    },
}

#[derive(Debug, Subcommand)]
pub enum AgentCommand {
    /// The agents that are registered, and those that wait for approval
    List(super::command::agent::Wanted),
    /// One agent with its certificates
    Show(super::command::agent::Named),
    /// Make a one-time token for a new agent
    Invite(super::command::agent::Allowed),
    /// Approve an agent that waits without a token, by its key
    Approve {
        /// The SHA-256 of its key, as `agent show` and the agent's own log show it
        #[arg(long, value_name = "SHA-256")]
        key: String,
        #[command(flatten)]
        allowed: super::command::agent::Allowed,
    },
    /// Turn away an agent that waits
    Reject(super::command::agent::Named),
    /// Take back an agent's certificates, invitations and application for good; its stream ends at once
    Revoke {
        /// Why: key-compromise, cessation, affiliation-changed, unspecified
        #[arg(long, default_value = "unspecified")]
        reason: String,
        #[command(flatten)]
        named: super::command::agent::Named,
    },
    /// Take back an agent's certificates until they are released, and its invitations and application for good; its
    /// stream ends at once
    Hold(super::command::agent::Named),
    /// Give back what was held by mistake
    Release(super::command::agent::Named),
    /// Take an agent out of what is found, until it joins again
    Deregister(super::command::agent::Named),
}

#[derive(Debug, Subcommand)]
pub enum InventoryCommand {
    /// Check an inventory and name every fault
    Check {
        /// The file
        file: PathBuf,
    },
    /// Make an inventory from what another tool knows
    #[command(subcommand)]
    Import(ImportCommand),
}

#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// From the folder of a containerlab lab, `clab-NAME`
    Clab {
        /// The folder with topology-data.json
        folder: PathBuf,
        /// Where the inventory is written
        #[arg(long, value_name = "FILE", default_value = "inventory.yaml")]
        inventory: PathBuf,
        /// Where passwords are written, a file of mode 0600 each
        #[arg(long, value_name = "DIR", default_value = "credentials")]
        credentials: PathBuf,
        /// Replace an inventory that is there; devices that it names keep their ids, and the former one is kept as FILE.before
        #[arg(long)]
        update: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Check the whole chain
    Verify(Remote),
}

#[derive(Debug, Subcommand)]
pub enum PlatformCommand {
    /// The platforms of this program, and what they were verified against
    List,
    /// Check a platform file: its faults, and whether it reads back what it says
    Check {
        /// The file
        file: PathBuf,
        /// On how many pairs of configurations it is tried
        #[arg(long, value_name = "N", default_value_t = 64)]
        pairs: u64,
    },
    /// Show what a device would be sent to come from one configuration to another, and back
    Try {
        /// The platform's name, or a file
        platform: String,
        /// The configuration before
        before: PathBuf,
        /// The configuration after
        after: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Let somebody in: the token is shown once
    Create {
        /// His name
        name: String,
        /// What he is
        #[arg(long, value_enum)]
        role: Role,
        /// Let the holder of this certificate in, a PEM file, instead of making a token
        #[arg(long, value_name = "FILE")]
        certificate: Option<PathBuf>,
        #[command(flatten)]
        remote: Remote,
    },
    /// Everybody who is or was let in
    List(Remote),
    /// Shut somebody out from now on
    Revoke {
        /// The token's id, or the name
        key: String,
        #[command(flatten)]
        remote: Remote,
    },
}

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// The settings, and where each value came from
    Show,
    /// Check the settings
    Check,
    /// What the running controller logs, or change that until it stops
    Log {
        /// `level` or `module=level,…`; shows what is logged where nothing is given
        filter: Option<String>,
        #[command(flatten)]
        remote: Remote,
    },
    /// What differs between two configurations (RFC 7951 JSON, or XML)
    Diff {
        /// The configuration before
        before: PathBuf,
        /// The configuration after
        after: PathBuf,
    },
}

/// Kinds of files that have a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaKind {
    /// Intents
    Intent,
    /// Inventories
    Inventory,
}
