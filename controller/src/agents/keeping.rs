//! Who keeps a device, and whether that one is up to what is asked: told to operators where two agents would configure one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fabric_events::Severity;
use fabric_wire::Outlet;
use fabric_wire::hello::{LOOKS_ON, STANDS};
use fabric_wire::v1::Downward;
use serde_json::json;
use transaction::{DeviceId, Order, Request};

use super::Agents;
use super::keepers::Keepers;
use super::seats::{Seat, Seats, Unseated, Withheld};
use crate::commit::Change;

/// Who sits, and the file in which it stands who keeps what. The file is written by one at a time, beside the seats: whoever
/// asks for a way to a device does not wait for a disk.
pub struct Seating<Way> {
    seats: Mutex<Seats<Way>>,
    keepers: Arc<tokio::sync::Mutex<Keepers>>,
}

impl<Way> Seating<Way> {
    /// Nobody sits; these were the keepers before.
    pub fn kept_by(keepers: Keepers, before: HashMap<DeviceId, String>) -> Self {
        Self {
            seats: Mutex::new(Seats::kept_by(before)),
            keepers: Arc::new(tokio::sync::Mutex::new(keepers)),
        }
    }

    /// Who sits, for as long as what comes back is held.
    pub fn lock(&self) -> MutexGuard<'_, Seats<Way>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Seats an agent, and gives it the devices that nobody else keeps; those that others keep come back. That it keeps them is on
    /// disk before it sits, and so before it is asked anything.
    pub async fn seat(
        &self,
        seat: Seat<Way>,
        expected: &(impl Fn(&str) -> bool + Sync),
    ) -> Result<Vec<Withheld>, Unseated> {
        let keepers = self.keepers.clone().lock_owned().await;
        let name = seat.agent.name.clone();
        let claimed = self.lock().offers(&seat, expected)?;
        let _keepers = written(keepers, &name, &claimed).await;
        let mut seats = self.lock();
        seats.sit(seat, expected)?;
        seats.keep(&name, &claimed);
        Ok(seats.withheld(&name))
    }

    /// Gives an agent that sits the devices of its own whose keeper is not waited for any longer.
    pub async fn claim(&self, name: &str, expected: &(impl Fn(&str) -> bool + Sync)) {
        if self.lock().free_for(name, expected).is_empty() {
            return;
        }
        let keepers = self.keepers.clone().lock_owned().await;
        let claimed = self.lock().free_for(name, expected);
        let _keepers = written(keepers, name, &claimed).await;
        self.lock().keep(name, &claimed);
    }
}

type Held = tokio::sync::OwnedMutexGuard<Keepers>;

/// Who keeps what outlives a restart. A disk that does not take it says so in the log, and it is known until then. The file
/// comes back, held as before.
async fn written(mut keepers: Held, name: &str, devices: &[DeviceId]) -> Option<Held> {
    if devices.is_empty() {
        return Some(keepers);
    }
    let (agent, kept) = (name.to_owned(), devices.to_vec());
    let writing = tokio::task::spawn_blocking(move || {
        let written = keepers.write(&agent, &kept);
        (keepers, written)
    });
    let (keepers, written) = writing.await.ok()?;
    tracing::info!(agent = name, devices = devices.len(), "keeps devices from now on");
    if let Err(error) = written {
        tracing::error!(agent = name, %error, "cannot keep who configures which device: it is lost with a restart");
    }
    Some(keepers)
}

impl Agents {
    /// Seats an agent; of its devices that others keep the operator is told.
    pub(super) async fn seat(&self, seat: Seat<Outlet<Downward>>) -> Result<(), Unseated> {
        let name = seat.agent.name.clone();
        let withheld = self
            .seats
            .seat(seat, &|name: &str| self.roster.is_expected(name))
            .await?;
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
    pub(super) async fn claim(&self, name: &str) {
        self.seats
            .claim(name, &|name: &str| self.roster.is_expected(name))
            .await;
        // What it has got is told of again when it is taken from it once more.
        let withheld = self.withheld(name);
        let mut told = self.withheld.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(told) = told.get_mut(name) {
            told.retain(|it| withheld.contains(it));
        }
    }

    /// The agent that configures a device, where it is away and waited for.
    pub(super) fn away(&self, device: DeviceId) -> Option<String> {
        let keeper = self.lock_seats().absent(device)?.to_owned();
        self.roster.is_expected(&keeper).then_some(keeper)
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

    /// Whether the agent of a device lets go by itself of what it only looks at. One of before there was such a thing holds the
    /// device until it has heard the decision.
    pub(super) fn ends_by_itself(&self, device: DeviceId) -> bool {
        let unable = self.unable(device, LOOKS_ON);
        if let Some((agent, program)) = &unable {
            tracing::info!(%device, agent, program, "is waited for although nothing changes: its agent is from before that was not needed");
        }
        unable.is_none()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agents::{Joined, Spoken};
    use fabric_wire::Rights;

    const DEVICE: DeviceId = DeviceId(1);

    fn seat(name: &str, number: u64) -> Seat<()> {
        let spoken = Spoken {
            id: DEVICE,
            platforms: Vec::new(),
            protocols: Vec::new(),
            guarantee: None,
        };
        let agent = Joined {
            name: name.to_owned(),
            program: String::new(),
            abilities: std::collections::BTreeSet::new(),
            devices: vec![spoken],
        };
        let rights = Rights {
            configures: true,
            observes: true,
        };
        Seat::new(agent, rights, number, ())
    }

    /// A disk that takes its time: the file is held for as long.
    #[tokio::test]
    async fn while_a_keeper_is_written_down_nobody_waits_for_the_seats_and_it_is_not_asked_yet() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keepers.jsonl");
        let (keepers, before) = Keepers::open(&path).unwrap();
        let seating = Arc::new(Seating::kept_by(keepers, before));
        let disk = seating.keepers.clone().lock_owned().await;
        let joins = tokio::spawn({
            let seating = seating.clone();
            async move { seating.seat(seat("edge", 1), &|_: &str| false).await }
        });
        for _ in 0..100 {
            tokio::task::yield_now().await;
            let seats = seating
                .seats
                .try_lock()
                .expect("the seats are free while the disk is at work");
            assert!(seats.configuring(DEVICE).is_none() && !seats.keeps(DEVICE, "edge"));
        }
        drop(disk);
        assert_eq!(joins.await.unwrap(), Ok(Vec::new()));
        assert!(seating.lock().configuring(DEVICE).is_some());
        let (_, kept) = Keepers::open(&path).unwrap();
        assert_eq!(kept, HashMap::from([(DEVICE, "edge".to_owned())]));
    }

    #[tokio::test]
    async fn a_device_goes_to_who_joins_when_its_keeper_is_not_waited_for_and_an_older_stream_takes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keepers.jsonl");
        let (keepers, before) = Keepers::open(&path).unwrap();
        let seating = Seating::kept_by(keepers, before);
        seating.seat(seat("edge", 2), &|_: &str| true).await.unwrap();
        let older = seating.seat(seat("edge", 1), &|_: &str| true).await;
        assert_eq!(older, Err(Unseated::Older));
        assert!(seating.lock().rise("edge", 2));
        assert!(
            seating.seat(seat("other", 3), &|_: &str| true).await.is_err(),
            "edge is waited for"
        );
        seating.seat(seat("other", 4), &|_: &str| false).await.unwrap();
        assert!(seating.lock().keeps(DEVICE, "other"));
        seating.claim("other", &|_: &str| false).await;
        let (_, kept) = Keepers::open(&path).unwrap();
        assert_eq!(kept, HashMap::from([(DEVICE, "other".to_owned())]));
    }
}
