//! `entente serve`: builds the controller, runs it, drains it.

use std::path::Path;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use anyhow::{Context, Result};
use knowledge_model::inventory::Inventory;
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::advice::Advice;
use crate::agents::Fabric;
use crate::app::App;
use crate::audit::Audit;
use crate::backup;
use crate::classes;
use crate::command::faulty;
use crate::commit::{self, Bounded, Ground, Hub};
use crate::config::Config;
use crate::events;
use crate::exit::Exit;
use crate::gatekeeper::Gatekeeper;
use crate::intake::listen::{Entrance, Peer};
use crate::intake::rest;
use crate::journal::{self, Led};
use crate::known::LastKnown;
use crate::learning::Learning;
use crate::logging::Logging;
use crate::network::Network;
use crate::operation::Operation;
use crate::policy::Policy;
use crate::saying::Talks;
use crate::secure;
use crate::start::{self, chain};
use crate::traces::Traces;

/// How long devices may be looked at before a transaction begins: each is read twice at most, and checked once.
const LOOK_WITHIN: Duration = Duration::from_secs(120);
/// How many outcomes may wait to be kept.
const OUTCOMES: usize = 256;
/// How long those who still watch may take to hear the end.
const LINGER: Duration = Duration::from_millis(500);
/// Runs the controller until it is told to stop.
#[allow(
    clippy::too_many_lines,
    reason = "the parts are built in the order in which they need each other"
)]
pub async fn run(config: Config) -> Result<()> {
    let logging = Logging::start(&config.log).map_err(|error| Exit::Invalid.because(format!("`log` is {error}")))?;
    start::files();
    start::prepare(&config.state)?;
    let token = start::token(&config.state.join("token"))?;
    let library = classes::read(config.classes.as_deref())?;
    let network = network(&config)?;
    let policy = policy(config.policy.as_deref())?;
    let held = journal::hold(config.journal, &config.state)?;
    let store = start::store(&config.state).await?;
    let Led {
        journal,
        epoch,
        records,
        lock: _lock,
    } = held.lead(&store).await?;
    let audit = Audit::open(store.clone(), &config.state).await?;
    let cases = crate::cases::shelf(&store).await.context("read the cases")?;
    let network = network.with_owners(&store.ownership().await?)?;
    let listener = start::bind(config.listen).await?;
    let named = network.devices().map(|device| (device.id, device.name.clone()));
    let mut fabric = Fabric::open(&config, named.collect())?;
    let (outcomes, settled) = mpsc::channel(OUTCOMES);
    let journal = Bounded::new(journal, records.iter());
    let restored = backup::restored(&config.state).map_err(|error| Exit::State.because(chain(&error)))?;
    let gatekeeper = Gatekeeper::new(fabric.agents.clone());
    let ground = Ground {
        journal: journal.clone(),
        epoch,
        agents: fabric.agents.clone(),
        gates: Arc::new(gatekeeper.clone()),
        look_within: LOOK_WITHIN,
        mute: Arc::default(),
        outcomes,
        restored,
    };
    let endings = commit::endings(records.iter());
    let hub = Hub::start(ground, records).await;
    let mut operation = Operation::new(config.state.clone(), journal, epoch.0, restored, logging);
    operation.traces = config
        .traces
        .as_deref()
        .map(Traces::start)
        .transpose()
        .context("send traces")?;
    let library = Arc::new(library);
    let app = Arc::new(App {
        library: RwLock::new(library.clone()),
        learning: Learning::new(library, config.corpus.clone()),
        advice: Advice::open(config.advice.clone())?,
        classes: config.classes.clone(),
        known: LastKnown::inside(&config.state),
        talks: Talks::default(),
        beginning: Mutex::default(),
        network: Mutex::new(network),
        store,
        audit,
        agents: fabric.agents.clone(),
        gatekeeper,
        hub,
        terms: config.terms,
        policy,
        cases: std::sync::Mutex::new(cases),
        keep: config.history,
        told: Mutex::default(),
        unkept: Mutex::default(),
        authority: fabric.authority.clone(),
        roster: fabric.roster.clone(),
        events: fabric.events.clone(),
        doors: (config.agents_listen, config.agents_enrolment),
        operation,
    });
    let inside = Arc::downgrade(&app);
    app.gatekeeper.ask_first(Box::new(move |transaction, riders| {
        let app = inside.upgrade();
        Box::pin(async move {
            let app = app.ok_or("the controller is stopping")?;
            app.begins(transaction, &riders).await.map_err(|error| chain(&error))
        })
    }));
    app.teach().await.map_err(|error| Exit::State.because(chain(&error)))?;
    app.catch_up(endings)
        .await
        .map_err(|error| Exit::State.because(chain(&error)))?;
    let settle = tokio::spawn(app.clone().settle(settled));
    let _attending = attend(&app, &mut fabric);
    let tls = secure::server(&config, &app.authority)?;
    let entrance = Entrance::open(listener, tls).context("listen for REST")?;
    tracing::info!(rest = secure::address(&config), agents = %config.agents_listen, state = %config.state.display(), "entente serves");
    tracing::info!("the admin token is in {}", config.state.join("token").display());
    serve(app, entrance, token, config.drain).await?;
    settle.abort();
    Ok(())
}

/// Lets agents in, and acts on what they tell, until what comes back is dropped.
fn attend(app: &Arc<App>, fabric: &mut Fabric) -> DropGuard {
    let stop = CancellationToken::new();
    tokio::spawn(stop.clone().run_until_cancelled_owned(app.clone().reload_on_hangup()));
    tokio::spawn(stop.clone().run_until_cancelled_owned(app.clone().lapse()));
    if let Some(door) = fabric.door.take() {
        let receive = app.agents.clone().receive(door, Arc::downgrade(&app.hub));
        tokio::spawn(stop.clone().run_until_cancelled_owned(receive));
    }
    if let Some(queue) = fabric.queue.take() {
        let react = events::react(app.clone(), queue);
        tokio::spawn(stop.clone().run_until_cancelled_owned(react));
    }
    stop.drop_guard()
}

/// Serves REST until the first interrupt, then until what is open has ended.
async fn serve(app: Arc<App>, entrance: Entrance, token: String, drain: Duration) -> Result<()> {
    let drained = CancellationToken::new();
    let router = rest::router(app.clone(), token.into()).into_make_service_with_connect_info::<Peer>();
    let serving = axum::serve(entrance, router).with_graceful_shutdown(drained.clone().cancelled_owned());
    let stopping = async {
        interrupted().await;
        tokio::spawn(async {
            interrupted().await;
            std::process::exit(130);
        });
        app.drain(drain).await;
        drained.cancel();
        // Who still watches has heard the end by now.
        tokio::time::sleep(LINGER).await;
    };
    tokio::select! {
        served = serving.into_future() => served.context("serve REST"),
        () = stopping => Ok(()),
    }
}

/// The inventory; nothing where none is named and none lies here.
fn network(config: &Config) -> Result<Network> {
    if config.is_default("inventory") && !config.inventory.exists() {
        tracing::warn!("no devices: name a file with --inventory, or put an inventory.yaml here");
        return Ok(Network::of(Inventory::default()));
    }
    Network::load(&config.inventory)
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

/// What must be approved, and when nothing is committed; nothing without a file.
pub fn policy(file: Option<&Path>) -> Result<Policy> {
    match file {
        Some(file) => Policy::read(&crate::command::read(file)?).map_err(|faults| faulty(file, &faults)),
        None => Ok(Policy::default()),
    }
}
