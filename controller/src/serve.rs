//! `entente serve`: builds the controller, runs it, drains it.

use std::fs;
use std::io::{ErrorKind, Write};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

use anyhow::{Context, Result};
use futures::future::BoxFuture;
use intents::Library;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};
use tracing_subscriber::util::SubscriberInitExt;
use transaction::{CoordinatorRecord, Ending, Epoch, TransactionId};
use transaction_journal::{Epoch as JournalEpoch, FileJournal, Journal, Json, OpenError, Options, Recovered};

use crate::agents::{self, Agents};
use crate::app::App;
use crate::audit::{Audit, hex};
use crate::backup;
use crate::command::faulty;
use crate::commit::{Bounded, Change, Decisions, Gates, Ground, Hub};
use crate::config::Config;
use crate::exit::Exit;
use crate::intake::rest;
use crate::network::Network;
use crate::operation::Operation;
use crate::store::Store;

/// How many outcomes may wait to be kept.
const OUTCOMES: usize = 256;

/// Runs the controller until it is told to stop.
pub async fn run(config: Config) -> Result<()> {
    log(&config)?;
    prepare(&config.state)?;
    let token = token(&config.state.join("token"))?;
    let library = library(config.classes.as_deref())?;
    let network = Network::load(&config.inventory)?;
    let (journal, recovered) = journal(&config.state.join("journal"))?;
    let store = Store::open(&config.state)
        .await
        .map_err(|error| Exit::State.because(chain(&error)))?;
    let audit = Audit::open(store.clone(), &config.state).await?;
    let network = network.with_owners(&store.ownership().await?)?;
    let listener = bind(config.listen).await?;
    let named = network.devices().map(|device| (device.id, device.name.clone()));
    let agents = Agents::new(named.collect());
    let (door, authority) = agents::open(&config).await?;
    let (outcomes, settled) = mpsc::channel(OUTCOMES);
    let epoch = Epoch(recovered.epoch.0 + 1);
    let records: Vec<_> = recovered.entries.into_iter().map(|entry| entry.record.0).collect();
    let journal = Bounded::new(journal, records.iter());
    // Whoever led before us is fenced before we send anything.
    let fenced = Journal::append(journal.as_ref(), JournalEpoch(epoch.0), Vec::new()).await;
    fenced.context("take the journal over")?;
    let restored = backup::restored(&config.state).map_err(|error| Exit::State.because(chain(&error)))?;
    let ground = Ground {
        journal: journal.clone(),
        epoch,
        agents: agents.clone(),
        gates: Arc::new(NoGate),
        mute: Arc::default(),
        outcomes,
        restored,
    };
    let endings = records.iter().filter_map(ending).collect();
    let hub = Hub::start(ground, records).await;
    let receive = tokio::spawn(agents.clone().receive(door, Arc::downgrade(&hub)));
    let app = Arc::new(App {
        library: RwLock::new(Arc::new(library)),
        network: Mutex::new(network),
        store,
        audit,
        agents,
        hub,
        terms: config.terms,
        told: Mutex::default(),
        authority,
        doors: (config.agents_listen, config.agents_enrolment),
        operation: Operation {
            state: config.state.clone(),
            journal,
            epoch: epoch.0,
            restored,
            saving: Mutex::default(),
        },
    });
    app.catch_up(endings)
        .await
        .map_err(|error| Exit::State.because(chain(&error)))?;
    let settle = tokio::spawn(app.clone().settle(settled));
    tracing::info!(address = %config.listen, agents = %config.agents_listen, state = %config.state.display(), "entente serves");
    tracing::info!("the admin token is in {}", config.state.join("token").display());
    axum::serve(listener, rest::router(app.clone(), token.into()))
        .with_graceful_shutdown(stopped(app))
        .await
        .context("serve REST")?;
    receive.abort();
    settle.abort();
    Ok(())
}

/// The log, on standard error; in a build for torture every point is told as well.
fn log(config: &Config) -> Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_new(&config.log);
    let filter = filter.map_err(|error| Exit::Invalid.because(format!("`log` is {:?}: {error}", config.log)))?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .finish();
    #[cfg(torture)]
    let log = tracing_subscriber::layer::SubscriberExt::with(log, crate::halt::layer());
    log.init();
    Ok(())
}

/// Waits for the first Ctrl-C or SIGTERM and says what is open; the second stops at once.
async fn stopped(app: Arc<App>) {
    interrupted().await;
    let (running, waiting) = app.hub.load();
    tracing::info!(
        running,
        waiting,
        "stopping: what is open goes on at the next start; interrupt again to stop at once"
    );
    tokio::spawn(async {
        interrupted().await;
        std::process::exit(130);
    });
}

async fn interrupted() {
    let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
    let Ok(mut terminate) = terminate else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

/// The state directory, made with mode 0700 where it is missing, and writable.
fn prepare(folder: &Path) -> Result<()> {
    let unusable = |error: std::io::Error| {
        Exit::State.because(format!(
            "cannot use the state directory {}: {error}; name another with --state",
            folder.display()
        ))
    };
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(unusable)?;
    let probe = folder.join(".writable");
    fs::write(&probe, b"")
        .and_then(|()| fs::remove_file(&probe))
        .map_err(unusable)
}

/// The admin token, drawn on the first start and kept with mode 0600.
fn token(file: &Path) -> Result<String> {
    match fs::read_to_string(file) {
        Ok(token) if !token.trim().is_empty() => return Ok(token.trim().to_owned()),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("read {}", file.display())),
    }
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).context("draw a token")?;
    let mut out = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(file);
    let out = out
        .as_mut()
        .map_err(|error| Exit::State.because(format!("cannot make {}: {error}", file.display())))?;
    out.write_all(hex(&bytes).as_bytes())
        .and_then(|()| out.sync_all())
        .context("keep the token")?;
    Ok(hex(&bytes))
}

/// The classes of the program and of the user's directory.
pub fn library(folder: Option<&Path>) -> Result<Library> {
    let mut files = Vec::new();
    if let Some(folder) = folder {
        let entries = fs::read_dir(folder).with_context(|| format!("read the classes in {}", folder.display()))?;
        let paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        for path in paths
            .iter()
            .filter(|path| path.extension().is_some_and(|it| it == "yaml"))
        {
            files.push((path.display().to_string(), crate::command::read(path)?));
        }
        files.sort();
    }
    Library::load(&files).map_err(|faults| faulty(folder.unwrap_or(Path::new("library")), &faults))
}

/// How a record says that its transaction ended, if it does.
fn ending(record: &CoordinatorRecord<Change>) -> Option<(TransactionId, Ending)> {
    if let CoordinatorRecord::Settled {
        transaction, ending, ..
    } = record
    {
        return Some((*transaction, ending.clone()));
    }
    None
}

type Found = Recovered<Json<CoordinatorRecord<Change>>>;

fn journal(folder: &Path) -> Result<(Arc<Decisions>, Found)> {
    match FileJournal::open(folder, Options::default()) {
        Ok((journal, recovered)) => Ok((Arc::new(journal), recovered)),
        Err(error @ OpenError::Locked { .. }) => Err(Exit::State.because(format!(
            "{}: another controller runs on this state directory",
            chain(&error)
        ))),
        Err(error) => Err(Exit::State.because(chain(&error))),
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener> {
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == ErrorKind::AddrInUse => Err(Exit::Busy.because(format!(
            "{address} is in use: stop who uses it, or name another with --listen"
        ))),
        Err(error) => Err(error).with_context(|| format!("listen on {address}")),
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(error.source(), |cause| cause.source());
    sources.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// No transaction asks the gate yet: plans carry no checks.
struct NoGate;

impl Gates for NoGate {
    fn ask(&self, _: TransactionId, _: u16) -> BoxFuture<'static, Result<(), String>> {
        Box::pin(async { Err("this controller runs no health checks".to_owned()) })
    }
}
