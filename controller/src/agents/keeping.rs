//! Who keeps a device, and whether that one is up to what is asked: told to operators where two agents would configure one.

use std::sync::PoisonError;

use fabric_events::Severity;
use fabric_wire::Outlet;
use fabric_wire::hello::STANDS;
use fabric_wire::v1::Downward;
use serde_json::json;
use transaction::{DeviceId, Order, Request};

use super::Agents;
use super::seats::{Seat, Unseated, Withheld};
use crate::commit::Change;

impl Agents {
    /// Seats an agent, and gives it the devices that nobody else keeps; of those that others keep the operator is told.
    pub(super) fn seat(&self, seat: Seat<Outlet<Downward>>) -> Result<(), Unseated> {
        let (name, expected) = (seat.agent.name.clone(), |name: &str| self.roster.is_expected(name));
        let withheld = {
            let mut seats = self.lock_seats();
            seats.sit(seat, &expected)?;
            self.kept(&name, &seats.claim(&name, &expected));
            seats.withheld(&name)
        };
        for Withheld { device, keeper } in self.not_told(&name, withheld) {
            tracing::warn!(agent = name, %device, keeper, "does not configure a device that another agent keeps");
            let data = json!({ "agent": name, "keeper": keeper });
            self.events
                .publish("device-withheld", device.to_string(), Severity::Warning, data);
        }
        Ok(())
    }

    /// What of this was not told when the agent joined last.
    fn not_told(&self, name: &str, withheld: Vec<Withheld>) -> Vec<Withheld> {
        let mut told = self.withheld.lock().unwrap_or_else(PoisonError::into_inner);
        let before = told.insert(name.to_owned(), withheld.clone()).unwrap_or_default();
        withheld.into_iter().filter(|it| !before.contains(it)).collect()
    }

    /// Gives an agent that sits the devices of its own whose keeper is not waited for any longer.
    pub(super) fn claim(&self, name: &str) {
        let expected = |name: &str| self.roster.is_expected(name);
        let mut seats = self.lock_seats();
        let claimed = seats.claim(name, &expected);
        self.kept(name, &claimed);
    }

    /// Who keeps what outlives a restart. A disk that does not take it says so in the log, and it is known until then.
    fn kept(&self, name: &str, devices: &[DeviceId]) {
        if devices.is_empty() {
            return;
        }
        tracing::info!(agent = name, devices = devices.len(), "keeps devices from now on");
        let mut keepers = self.keepers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = keepers.write(name, devices) {
            tracing::error!(agent = name, %error, "cannot keep who configures which device: it is lost with a restart");
        }
    }

    /// The devices that an agent would configure and others keep, by name.
    pub fn withheld(&self, name: &str) -> Vec<Withheld> {
        self.lock_seats().withheld(name)
    }

    /// The agent that configures a device, with its program, where it does not say that it can do this.
    pub fn unable(&self, device: DeviceId, ability: &str) -> Option<(String, String)> {
        let seats = self.lock_seats();
        let agent = &seats.configuring(device)?.agent;
        let able = agent.abilities.contains(ability);
        (!able).then(|| (agent.name.clone(), agent.program.clone()))
    }

    /// Whether a change is bound to what has to stand on its device, and the agent there would pass over that. It was asked
    /// before it began: only an agent that has been exchanged for an older one since comes here.
    pub(super) fn passes_over(&self, request: &Request<Change>) -> bool {
        let Order::Stage { change, .. } = &request.order else {
            return false;
        };
        if change.stands.is_empty() {
            return false;
        }
        let unable = self.unable(request.device, STANDS);
        if let Some((agent, program)) = &unable {
            let device = request.device;
            tracing::warn!(%device, agent, program, "not told to stage: it would pass over what has to stand there");
        }
        unable.is_some()
    }
}
