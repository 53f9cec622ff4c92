//! What is found out before a change is planned to the end: what devices say of themselves, and whether the change could cut
//! the way over which it would be taken back.

use std::collections::{BTreeMap, HashMap};

use knowledge_model::Tree;
use transaction::{Demand, DeviceId};

use crate::app::{App, AppError, Wishes};
use crate::plan::{self, Grounds, Plan, PlanError, Word};

/// What devices are asked about themselves before a change that can move something.
const SURVEYED: &[&str] = &[
    "bgp-session",
    "bgp-neighbor",
    "ospf-neighbor",
    "bfd-session",
    "interface",
];

impl App {
    /// Gives a plan its gate, unless none is wanted, and refuses one that would cut an agent off.
    pub(crate) async fn guard(
        &self,
        plan: &mut Plan,
        words: &BTreeMap<DeviceId, Word>,
        read: &HashMap<DeviceId, Tree>,
        wishes: Wishes,
    ) -> Result<(), AppError> {
        plan.forced = wishes.forced;
        self.watch_the_way(plan, read).await?;
        plan.gate.off = wishes.ungated;
        if wishes.ungated {
            return Ok(());
        }
        let states = &self.survey(plan).await?;
        let network = &*self.network.lock().await;
        let grounds = Grounds {
            words,
            read,
            states,
            network,
        };
        plan.gate = plan::gate(plan, &grounds);
        Ok(())
    }

    /// The same for a plan that brings one device back to what intents want of it: nothing new is promised, and what
    /// stands must not break.
    pub(crate) async fn guard_one(&self, plan: &mut Plan, (device, there): (DeviceId, Tree)) -> Result<(), AppError> {
        let read = HashMap::from([(device, there)]);
        self.guard(plan, &BTreeMap::new(), &read, Wishes::default()).await
    }

    /// What the devices say of themselves, where the change can move something there.
    async fn survey(&self, plan: &Plan) -> Result<HashMap<DeviceId, Tree>, AppError> {
        let network = self.network.lock().await;
        let none = BTreeMap::new();
        let mut asked = Vec::new();
        for device in &plan.devices {
            let known = network.named(&device.name);
            let (Some(known), Ok(delta)) = (known, device.delta()) else {
                continue;
            };
            let names = SURVEYED.iter().filter(|name| known.observes(name, &none));
            let names: Vec<String> = names.map(|name| (*name).to_owned()).collect();
            if plan::stirs(&delta) && !names.is_empty() {
                asked.push((known.id, names));
            }
        }
        drop(network);
        let reads = asked
            .into_iter()
            .map(|(device, names)| async move { self.agents.state(device, names).await.map(|tree| (device, tree)) });
        let read: Vec<_> = futures::future::try_join_all(reads).await?;
        Ok(read.into_iter().collect())
    }

    /// Says what of a plan touches the way between a device and its agent. Where only the agent could take such a
    /// change back, there is no plan, unless the caller forces it.
    async fn watch_the_way(&self, plan: &mut Plan, read: &HashMap<DeviceId, Tree>) -> Result<(), AppError> {
        let network = self.network.lock().await;
        let mut refused = Vec::new();
        for device in &mut plan.devices {
            let known = network.named(&device.name);
            let address = known.and_then(|it| it.address.parse().ok());
            let (Some(known), Some(address), Ok(delta)) = (known, address, device.delta()) else {
                continue;
            };
            let agent = self.agents.place(known.id);
            let way = plan::Way { device: address, agent };
            device.cuts = read
                .get(&known.id)
                .map(|there| way.touched(&delta, there))
                .unwrap_or_default();
            if !plan.forced && !unaided(&device.guarantee) {
                let said = device.cuts.iter();
                refused.extend(said.map(|cut| format!("{} ({}): {cut}", device.name, device.guarantee)));
            }
        }
        match refused.is_empty() {
            true => Ok(()),
            false => Err(PlanError::CutOff(refused).into()),
        }
    }
}

/// Whether the device itself takes a change back when its agent is gone.
fn unaided(guarantee: &str) -> bool {
    let class = transaction::Guarantee::ALL
        .into_iter()
        .find(|it| it.to_string() == guarantee);
    class.is_some_and(|it| Demand::TakenBackByDevice.is_met_by(it))
}
