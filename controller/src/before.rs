//! What is found out before a change is planned to the end: what devices say of themselves, and whether the change could cut
//! the way over which it would be taken back.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::time::Duration;

use intents::Risk;
use knowledge_model::Tree;
use transaction::{Demand, DeviceId};

use crate::app::{App, AppError, Wishes};
use crate::plan::{self, Grounds, Plan, PlanError, PlannedIntent, Word};

/// What devices are asked about themselves before a change that can move something.
const SURVEYED: &[&str] = &[
    "bgp-session",
    "bgp-neighbor",
    "ospf-neighbor",
    "bfd-session",
    "interface",
];

/// How long a name may take to be looked up.
const KNOWN_WITHIN: Duration = Duration::from_secs(2);

impl App {
    /// Gives a plan its order, its gate, unless none is wanted, and its risk; refuses one that would cut an agent off.
    pub(crate) async fn guard(
        &self,
        plan: &mut Plan,
        words: &BTreeMap<DeviceId, Word>,
        read: &HashMap<DeviceId, Tree>,
        wishes: Wishes,
    ) -> Result<(), AppError> {
        self.ordered(plan, &wishes.first).await?;
        self.gated(plan, words, read, &wishes).await?;
        let moved = self.moved_by(plan).await?;
        plan.risk = plan::weighed(plan, moved).word().to_owned();
        Ok(())
    }

    /// Lets devices change first: those that are named, and those that the policy says.
    async fn ordered(&self, plan: &mut Plan, named: &[String]) -> Result<(), AppError> {
        let network = self.network.lock().await;
        let devices = plan.devices.iter().filter_map(|it| network.named(&it.name));
        let by_policy = devices.filter(|it| self.policy.goes_first(it));
        let by_policy: Vec<String> = by_policy.map(|it| it.name.clone()).collect();
        Ok(plan::order(plan, named, by_policy.into_iter(), &network)?)
    }

    /// The risks of the intents that a plan takes away, replaces or, where no intent asks for it, brings back.
    async fn moved_by(&self, plan: &Plan) -> Result<Vec<Risk>, AppError> {
        let library = self.library();
        let asked = plan.intents.iter().map(|intent| &intent.id);
        let entries = plan.devices.iter().flat_map(|device| &device.entries);
        let owners = entries
            .flat_map(|entry| &entry.owners)
            .filter(|_| plan.purpose.is_some());
        let all: BTreeSet<&String> = plan.withdraws.iter().chain(asked).chain(owners).collect();
        let mut risks = Vec::new();
        for id in all {
            let kept = self.store.intent(id).await?.filter(|kept| kept.state == "active");
            let class = kept.map(|kept| serde_json::from_str::<PlannedIntent>(&kept.body).map(|it| it.class));
            risks.extend(class.map(|class| {
                let class = class.ok().and_then(|class| library.class(&class).map(|it| it.risk));
                class.unwrap_or(Risk::High)
            }));
        }
        Ok(risks)
    }

    async fn gated(
        &self,
        plan: &mut Plan,
        words: &BTreeMap<DeviceId, Word>,
        read: &HashMap<DeviceId, Tree>,
        wishes: &Wishes,
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
    pub(crate) async fn guard_one(
        &self,
        plan: &mut Plan,
        (device, there): (DeviceId, Tree),
        wishes: Wishes,
    ) -> Result<(), AppError> {
        let read = HashMap::from([(device, there)]);
        self.guard(plan, &BTreeMap::new(), &read, wishes).await
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
        let touched = plan.devices.iter().filter(|it| !it.entries.is_empty());
        let reached = touched.map(|device| async {
            let address = self.device(&device.name).await.map(|known| known.address);
            (device.name.clone(), addresses(&address.unwrap_or_default()).await)
        });
        let reached: HashMap<_, _> = futures::future::join_all(reached).await.into_iter().collect();
        let network = self.network.lock().await;
        let mut refused = Vec::new();
        for device in &mut plan.devices {
            let known = network.named(&device.name);
            let (Some(known), Some(found), Ok(delta)) = (known, reached.get(&device.name), device.delta()) else {
                continue;
            };
            let (agent, there) = (self.agents.place(known.id), read.get(&known.id));
            let ways = found.iter().map(|device| plan::Way { device: *device, agent });
            let cuts: BTreeSet<String> = ways
                .flat_map(|way| there.map(|there| way.touched(&delta, there)).unwrap_or_default())
                .collect();
            device.cuts = cuts.into_iter().collect();
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

/// The addresses behind one of the inventory: itself, without the zone that an address of a link has, or what a name stands
/// for; nothing where nobody knows the name in time.
async fn addresses(named: &str) -> Vec<IpAddr> {
    let plain = named.split('%').next().unwrap_or(named);
    if let Ok(address) = plain.parse() {
        return vec![address];
    }
    if named.is_empty() {
        return Vec::new();
    }
    let looked = tokio::time::timeout(KNOWN_WITHIN, tokio::net::lookup_host((named, 0))).await;
    match looked {
        Ok(Ok(found)) => found.map(|it| it.ip()).collect(),
        Ok(Err(_)) | Err(_) => {
            tracing::warn!(
                name = named,
                "nobody knows the name of a device, so the way to it is not watched"
            );
            Vec::new()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_device_is_found_by_address_zone_or_name() {
        let found = |named: &'static str| async move {
            let each = addresses(named).await;
            each.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(found("192.0.2.1").await, ["192.0.2.1"]);
        assert_eq!(found("fe80::1%eth0").await, ["fe80::1"]);
        // The system's resolver reads it, without a server and without a file of hosts.
        assert_eq!(found("127.1").await, ["127.0.0.1"]);
        assert!(found("").await.is_empty());
    }
}
