//! Everything between the controller and its agents, opened together.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Result;
use fabric_events::Event;
use fabric_identity::Authority;
use fabric_wire::Door;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};
use transaction::DeviceId;

use super::{Agents, Own, Roster, door};
use crate::config::Config;
use crate::events::Events;
use crate::exit::Exit;

/// What is open; what it runs beside ends when it is dropped.
pub struct Fabric {
    /// Who vouches for agents.
    pub authority: Arc<Authority>,
    /// Which agents there are.
    pub roster: Arc<Roster>,
    /// What is told, signed.
    pub events: Arc<Events>,
    /// Who has joined.
    pub agents: Arc<Agents>,
    /// Where agents arrive; taken once.
    pub door: Option<Door>,
    /// Believed events that are to be acted on; taken once.
    pub queue: Option<mpsc::Receiver<Event>>,
    _stop: DropGuard,
}

impl Fabric {
    /// Opens it all; `names` are the devices of the inventory.
    pub fn open(config: &Config, names: HashMap<DeviceId, String>) -> Result<Self> {
        let settings = &config.fabric;
        let authority = door::authority(config)?;
        let path = config.state.join("registry.jsonl");
        let roster = Roster::open(&path, settings.registry.clone(), settings.told(), authority.clone());
        let roster = roster.map_err(|error| Exit::State.because(format!("the registry cannot be read: {error}")))?;
        let (events, queue) = Events::open(&config.state, &authority)?;
        let own = Own::new(config, authority.clone())?;
        let stop = CancellationToken::new();
        let broker = events.carry(settings, &own, &stop)?;
        let kept = config.state.join("keepers.jsonl");
        let agents = Agents::open(names, roster.clone(), events.clone(), &kept);
        let agents = agents
            .map_err(|error| Exit::State.because(format!("who configures which device cannot be read: {error}")))?;
        let door = door::open(config, &own, (roster.clone(), agents.clone()), broker)?;
        tokio::spawn(stop.clone().run_until_cancelled_owned(roster.clone().watch()));
        Ok(Self {
            agents,
            authority,
            roster,
            events,
            door: Some(door),
            queue: Some(queue),
            _stop: stop.drop_guard(),
        })
    }
}
