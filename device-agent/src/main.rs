//! The `entente-agent` program: arguments, configuration, agent, drain.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use adapters_port::Deadline;
use anyhow::Context;
use clap::{Parser, Subcommand};
use device_agent::app::{Agent, AgentError, Left, Surroundings};
use device_agent::config::{Config, ConfigError};
use device_agent::credential::SourceError;
use device_agent::driver::Open;
use device_agent::ear::Ear;
use device_agent::events::Teller;
use device_agent::identity::{self, CAPABILITIES, Identity, IdentityError};
use device_agent::link::{self, Wire};
use device_agent::promise::{self, Preferred};
use device_agent::watch;
use device_agent::ways;
use device_agent::wire::{self, Joiner, Parting};
use fabric_identity::roll::Reason;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch::{Receiver, Sender};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;
use transaction::{DeviceId, Guarantee, Moment};

/// How long to wait at least and at most before it is looked again whether the certificate wants renewing.
const RENEWAL: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));
/// How long joining waits for devices to say what they promise.
const PROMISED_WITHIN: Duration = Duration::from_secs(5);

const EXITS: &str = "\
Exit status:
  0   told to stop, and stopped
  1   something that should not happen
  2   the arguments are wrong
  3   the configuration is wrong, or names what this build does not have
  4   the state directory is in use, damaged, newer, or cannot be written
  5   a secret cannot be had
  6   no identity: enrolment refused or not reached, or a device outside of its scope
  74  a write to the agent's records failed: what the disk holds is unknown";

/// Speaks for devices in transactions.
#[derive(Parser)]
#[command(name = "entente-agent", version, about, after_help = EXITS)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serves the devices of the configuration until told to stop.
    Run {
        /// The configuration file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Ends the agent's membership for good: all of its certificates are taken back. Stop it first.
    Retire {
        /// The configuration file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Why: key-compromise, cessation, affiliation-changed, unspecified.
        #[arg(long, value_name = "WORD", default_value = "cessation")]
        reason: String,
    },
    /// Checks a configuration and fetches its secrets, without speaking to anybody.
    Check {
        /// The configuration file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
}

fn main() -> ExitCode {
    fabric_identity::install_cryptography();
    let Arguments { command } = Arguments::parse();
    match start(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("entente-agent: {error:#}"));
            ExitCode::from(status(&error))
        }
    }
}

#[expect(
    clippy::print_stderr,
    reason = "the last word of a program that does not start goes to the terminal"
)]
fn say(line: &str) {
    eprintln!("{line}");
}

/// What kind of failure it is, for whoever started the program.
fn status(error: &anyhow::Error) -> u8 {
    let secret = |it: &IdentityError| matches!(it, IdentityError::Token(_));
    if error.is::<BadReason>() {
        2
    } else if error.is::<ConfigError>() || error.is::<ways::WayError>() || error.is::<BadFilter>() {
        3
    } else if error.is::<AgentError>() || error.is::<NoState>() {
        4
    } else if error.is::<ways::LoginError>()
        || error.is::<SourceError>()
        || error.downcast_ref::<IdentityError>().is_some_and(secret)
    {
        5
    } else if error.is::<IdentityError>() || error.is::<OutOfScope>() || error.is::<NeverEnrolled>() {
        6
    } else {
        1
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the log filter {filter:?} is not understood, as in info,device_agent=debug")]
struct BadFilter {
    filter: String,
}

#[derive(Debug, thiserror::Error)]
#[error("cannot make the state directory {}: give a directory that this user may write", path.display())]
struct NoState {
    path: PathBuf,
    source: std::io::Error,
}

#[derive(Debug, thiserror::Error)]
#[error("device {name} ({id}) is outside of what this agent's certificate allows: have the authority widen its scope")]
struct OutOfScope {
    name: String,
    id: String,
}

fn start(command: Command) -> anyhow::Result<()> {
    let (file, task) = match command {
        Command::Run { config } => (config, Task::Run),
        Command::Check { config } => (config, Task::Check),
        Command::Retire { config, reason } => (config, Task::Retire(read_reason(&reason)?)),
    };
    let config = Config::load(&file)?;
    log(&config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("no runtime")?;
    runtime.block_on(async {
        match task {
            Task::Run => run(config).await,
            Task::Check => check(&config).await,
            Task::Retire(reason) => retire(&config, reason).await,
        }
    })
}

/// What is to be done with a configuration.
enum Task {
    Run,
    Check,
    Retire(Reason),
}

#[derive(Debug, thiserror::Error)]
#[error("no reason {word:?}: key-compromise, cessation, affiliation-changed or unspecified")]
struct BadReason {
    word: String,
}

fn read_reason(word: &str) -> Result<Reason, BadReason> {
    serde_json::from_value(word.into()).map_err(|_| BadReason { word: word.to_owned() })
}

#[derive(Debug, thiserror::Error)]
#[error("this agent has no certificate that could be taken back: it has not enrolled")]
struct NeverEnrolled;

/// Takes back the agent's certificates by its own word.
async fn retire(config: &Config, reason: Reason) -> anyhow::Result<()> {
    let controller = config.controller.as_ref().ok_or(NeverEnrolled)?;
    let identity = Identity::kept(&config.state, controller)?.ok_or(NeverEnrolled)?;
    identity.retire(reason).await?;
    tracing::info!(
        agent = config.name,
        ?reason,
        "retired: its certificates are taken back for good"
    );
    Ok(())
}

fn log(config: &Config) -> anyhow::Result<()> {
    let filter = config.log.filter.clone();
    let levels = EnvFilter::try_new(&filter).map_err(|_| BadFilter { filter })?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(levels)
        .with_writer(std::io::stderr);
    if config.log.json {
        tormented(log.json().finish()).init();
    } else {
        tormented(log.with_ansi(false).finish()).init();
    }
    Ok(())
}

/// The log as it is; in a build for torture every point is told as well.
#[cfg(not(torture))]
fn tormented<S>(log: S) -> S {
    log
}

#[cfg(torture)]
fn tormented<S: tracing::Subscriber + Send + Sync>(log: S) -> impl SubscriberInitExt {
    tracing_subscriber::layer::SubscriberExt::with(log, device_agent::halt::layer())
}

async fn check(config: &Config) -> anyhow::Result<()> {
    ways::served(config)?;
    for credential in config.credentials.values() {
        ways::fetch(credential).await?;
    }
    for source in config.secrets.values() {
        source.fetch().await?;
    }
    tracing::info!(devices = config.devices.len(), "the configuration is sound");
    Ok(())
}

async fn run(config: Config) -> anyhow::Result<()> {
    let state = config.state.clone();
    make(&state).map_err(|source| NoState {
        path: state.clone(),
        source,
    })?;
    let served = ways::served(&config)?;
    let stop = CancellationToken::new();
    tokio::spawn(hear_signals(stop.clone())?);
    let preferred = promise::preferred(&served);
    let (link, wire) = link::pair();
    let surroundings = Surroundings {
        random,
        now,
        step_within: config.step_within,
        switching: adapters_failover::Policy::default(),
        drain_within: config.drain_within,
    };
    // the devices come first: what was open is looked at whether or not a controller answers
    let agent = Agent::start(&state, served, link, surroundings, stop.clone()).await?;
    tracing::info!(agent = config.name, devices = config.devices.len(), "serving");
    // The stream outlives the steps under way: their answers still go out, and the agent takes its leave last.
    let (parting, leave_within) = (Sender::new(None), config.leave_within);
    let carried = tokio::spawn(connect(config, preferred, wire, (stop.clone(), parting.subscribe())));
    let serving = agent.serve();
    tokio::pin!(serving, carried);
    let left = tokio::select! {
        left = &mut serving => left?,
        ended = &mut carried => {
            if let Err(error) = ended.context("the stream's task broke off")? {
                stop.cancel();
                report(&serving.await?);
                return Err(error);
            }
            serving.await?
        }
    };
    if !carried.is_finished() {
        // Who still holds a change keeps its place: nobody else speaks for the device before that is ended.
        parting.send_replace(Some(if left.is_nothing() {
            Parting::Leave
        } else {
            Parting::Pause
        }));
        if tokio::time::timeout(leave_within * 2, carried).await.is_err() {
            tracing::warn!("the stream to the controller did not end in time");
        }
    }
    report(&left);
    Ok(())
}

/// Comes to an identity, then carries the words of the agent until all are said. Until then `stop` ends it at once.
async fn connect(
    config: Config,
    preferred: Preferred,
    wire: Wire,
    (stop, parting): (CancellationToken, Receiver<Option<Parting>>),
) -> anyhow::Result<()> {
    let Some(controller) = &config.controller else {
        tracing::warn!("no controller is configured: only what the records hold is finished");
        stop.cancelled().await;
        drop(wire);
        return Ok(());
    };
    let identity = tokio::select! {
        identity = Identity::obtain(&config, controller) => Arc::new(identity?),
        () = stop.cancelled() => return Ok(()),
    };
    for device in &config.devices {
        let id = device.id.to_string();
        if !identity.covers(&id) {
            return Err(OutOfScope {
                name: device.name.clone(),
                id,
            }
            .into());
        }
    }
    let renewal = tokio::spawn(keep_current(identity.clone()));
    let known = identity.clone();
    tokio::spawn(
        stop.clone()
            .run_until_cancelled_owned(async move { keep_known(&known).await }),
    );
    let _ = stop.run_until_cancelled(identity.shut_out(wall())).await; // before anybody is dialled, if it can be known
    let teller = Teller::open(&config.state, &config.name, random, wall).context("open the outbox of events")?;
    tokio::spawn(teller.clone().run(identity.clone(), stop.clone()));
    let watched = preferred.clone().into_iter().collect();
    let (hints, hinted) = watch::hints();
    tokio::spawn(watch::watch(
        watched,
        config.look_every,
        hinted,
        teller.clone(),
        stop.clone(),
    ));
    let ear = Ear::open(&config, &identity, hints, wall).context("open what is remembered of events")?;
    tokio::spawn(teller.clone().listen(ear, identity.clone(), stop.clone()));
    let by = Deadline::after(Instant::now().into_std(), PROMISED_WITHIN);
    let promised = tokio::select! {
        promised = promise::asked(preferred, by) => promised,
        () = stop.cancelled() => return Ok(()),
    };
    wire::carry(
        joiner(&config, &promised),
        identity.as_ref(),
        wire,
        Some(teller),
        parting,
    )
    .await;
    renewal.abort();
    Ok(())
}

fn joiner(config: &Config, promised: &BTreeMap<DeviceId, Guarantee>) -> Joiner {
    let device = |it| wire::device(it, promised.get(&it.id).copied());
    Joiner {
        name: config.name.clone(),
        session: random().to_be_bytes(),
        devices: config.devices.iter().map(device).collect(),
        capabilities: CAPABILITIES.map(str::to_owned).to_vec(),
        model_revision: knowledge_model::Schema::canonical().revision().to_owned(),
        description: config.description.clone(),
        attributes: config.attributes.clone(),
        clock: wall,
        leave_within: config.leave_within,
    }
}

/// Keeps to what the authority says of who is shut out.
async fn keep_known(identity: &Identity) {
    loop {
        tokio::time::sleep(identity::LIST_FOR).await;
        identity.shut_out(wall()).await;
    }
}

async fn keep_current(identity: Arc<Identity>) {
    loop {
        let left = identity.due().duration_since(wall()).unwrap_or_default();
        tokio::time::sleep(left.clamp(RENEWAL.0, RENEWAL.1)).await;
        match identity.renew_if_due(wall()).await {
            Ok(true) => tracing::info!("renewed the certificate"),
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "the certificate could not be renewed yet"),
        }
    }
}

fn report(Left { open, at_work }: &Left) {
    for Open {
        device,
        transaction,
        standing,
    } in open
    {
        tracing::warn!(device, %transaction, ?standing, "still open; the next start goes on with it");
    }
    for device in at_work {
        tracing::warn!(device, "still at work on it; the next start looks at it");
    }
    tracing::info!(open = open.len(), at_work = at_work.len(), "stopped");
}

/// The first signal drains, the second ends at once.
fn hear_signals(stop: CancellationToken) -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate()).context("no signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("no signals")?;
    Ok(async move {
        for heard in 0.. {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if heard > 0 {
                std::process::exit(130);
            }
            tracing::info!("told to stop: waiting for the steps under way, once more ends at once");
            stop.cancel();
        }
    })
}

fn make(state: &std::path::Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(state)
}

/// Sixteen bytes that nobody can guess.
fn random() -> u128 {
    let mut bytes = [0; 16];
    if let Err(error) = getrandom::fill(&mut bytes) {
        tracing::error!(%error, "the system gives no randomness");
        std::process::exit(1);
    }
    u128::from_be_bytes(bytes)
}

#[expect(clippy::disallowed_methods, reason = "this is the edge that reads the wall clock")]
fn wall() -> SystemTime {
    SystemTime::now()
}

fn now() -> Moment {
    let since = wall().duration_since(UNIX_EPOCH).unwrap_or_default();
    Moment(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
