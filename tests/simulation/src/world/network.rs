//! The network: it loses, repeats, reorders and delays.

use super::{Event, Up, World, short};
use crate::change::Change;
use crate::ledger::Verdict;
use transaction::{Order, Request};

impl World {
    /// When the copies of a message arrive. None: it is lost.
    fn arrivals(&mut self) -> Vec<u64> {
        let base = self.chance.between(3, 15);
        if self.now >= self.weather.noise_ends {
            return vec![base];
        }
        let mut arrivals = Vec::new();
        if !self.chance.permille(self.weather.loss) {
            arrivals.push(base + self.chance.below(self.weather.delay));
        }
        if self.chance.permille(self.weather.repeat) {
            let late = self.chance.below(self.weather.delay * 20);
            arrivals.push(base + late);
        }
        arrivals
    }

    /// A controller speaks to an agent. False: there is no stream.
    pub(super) fn send_down(&mut self, controller: usize, request: Request<Change>) -> bool {
        let Some(agent) = self.agents.iter().position(|it| it.device == request.device) else {
            return false;
        };
        let told = match request.order {
            Order::Confirm { .. } => Some(Verdict::Confirm),
            Order::Revert { .. } => Some(Verdict::Revert),
            Order::Stage { .. } | Order::Apply | Order::Renew { .. } | Order::Inquire => None,
        };
        if let Some(told) = told {
            let transaction = request.transaction;
            let durable = self.journal.is_durable(|it| super::is_confirm(it, transaction));
            let leads = self.controllers[controller].epoch == self.lease;
            self.ledger.tells(transaction, told, durable, leads);
        }
        self.say(|| {
            let Request {
                transaction,
                epoch,
                order,
                ..
            } = &request;
            format!(
                "c{controller} → d{agent}  {} {} ({epoch})",
                order.step(),
                short(*transaction)
            )
        });
        if !self.agents[agent].alive {
            return false;
        }
        for after in self.arrivals() {
            self.schedule(after, Event::ToAgent(agent, request.clone()));
        }
        true
    }

    /// An agent speaks to whoever is there.
    pub(super) fn send_up(&mut self, agent: usize, up: &Up) {
        self.say(|| match up {
            Up::Reply(reply) => {
                let epoch = reply.epoch;
                format!(
                    "d{agent} → c   {} {}: {:?} ({epoch})",
                    reply.step,
                    short(reply.transaction),
                    reply.answer
                )
            }
            Up::Inquiry(it) => format!("d{agent} → c   asks about {}: {:?}", short(it.transaction), it.standing),
        });
        for controller in 0..self.controllers.len() {
            for after in self.arrivals() {
                self.schedule(after, Event::ToController(controller, up.clone()));
            }
        }
    }

    /// How long a timer really takes.
    pub(super) fn skewed(&mut self, after: std::time::Duration) -> u64 {
        let after = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        if self.weather.skewed && self.now < self.weather.end {
            after * self.chance.between(700, 1_500) / 1_000
        } else {
            after
        }
    }
}
