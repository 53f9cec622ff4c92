//! The ways to one device, and getting a session over the best of them.

use super::{FailoverObserver, FailoverSession};
use crate::core::{Health, Policy, Selector, leads_elsewhere};
use adapters_port::{
    Access, Answer, Capabilities, ConfigureSession, Deadline, Demand, DeviceWords, Observer, Place, Protocol,
    SessionError, Step,
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A switch of protocol, as operators hear of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switch {
    /// The device.
    pub device: String,
    /// The protocol that was used.
    pub from: Protocol,
    /// The protocol that is used now.
    pub to: Protocol,
    /// Why, in one line.
    pub because: String,
}

/// Who is told of switches: events and metrics.
pub trait Tell: Send + Sync {
    /// A device is now spoken to over another protocol.
    fn switched(&self, switch: &Switch);
}

/// Who can prove that a dead session has left nothing behind.
pub trait Cleanliness: Send + Sync {
    /// Is the session that staged gone, its lock free, and nothing of it left where a commit would take it along?
    fn is_clean(&self, by: Deadline) -> Answer<'_, bool>;
}

/// One device with several protocols, behind the same port as one protocol.
#[derive(Clone)]
pub struct Failover {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) device: String,
    routes: Vec<Arc<dyn Access>>,
    selector: Mutex<Selector>,
    demand: Option<Demand>,
    tell: Arc<dyn Tell>,
    pub(super) cleanliness: Option<Arc<dyn Cleanliness>>,
    connect_within: Duration,
}

impl Failover {
    /// A device with these ways to it, the preferred first. A session that does not come about within
    /// `connect_within` counts as failed, so that silence of one protocol leaves time for the next.
    pub fn new(
        device: impl Into<String>,
        routes: Vec<Arc<dyn Access>>,
        policy: Policy,
        connect_within: Duration,
        tell: Arc<dyn Tell>,
    ) -> Self {
        let preference: Vec<Protocol> = routes.iter().map(|it| it.protocol()).collect();
        let selector = Mutex::new(Selector::new(policy, &preference));
        let (device, demand, cleanliness) = (device.into(), None, None);
        Self {
            shared: Arc::new(Shared {
                device,
                routes,
                selector,
                demand,
                tell,
                cleanliness,
                connect_within,
            }),
        }
    }

    /// The same, and a session that promises less than this is of no use.
    pub fn demanding(self, demand: Demand) -> Self {
        self.rebuilt(|shared| shared.demand = Some(demand))
    }

    /// The same, with somebody who can prove that a dead session left nothing behind.
    pub fn proven_by(self, cleanliness: Arc<dyn Cleanliness>) -> Self {
        self.rebuilt(|shared| shared.cleanliness = Some(cleanliness))
    }

    /// What is known of a protocol.
    pub fn health(&self, protocol: Protocol) -> Option<Health> {
        self.shared.selector().health(protocol).cloned()
    }

    /// Asks a better protocol than the one in use whether it is well again; changes nothing else.
    pub async fn probe(&self, by: Deadline) {
        let due = self.shared.selector().to_probe(now());
        for protocol in due {
            if let Some(route) = self.shared.route(protocol) {
                drop(self.shared.open(&*route, by).await);
            }
        }
    }

    fn rebuilt(self, change: impl FnOnce(&mut Shared)) -> Self {
        let old = &self.shared;
        let mut shared = Shared {
            device: old.device.clone(),
            routes: old.routes.clone(),
            selector: Mutex::new(old.selector().clone()),
            demand: old.demand,
            tell: Arc::clone(&old.tell),
            cleanliness: old.cleanliness.clone(),
            connect_within: old.connect_within,
        };
        change(&mut shared);
        Self {
            shared: Arc::new(shared),
        }
    }
}

impl Shared {
    pub(super) fn selector(&self) -> MutexGuard<'_, Selector> {
        self.selector.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn route(&self, protocol: Protocol) -> Option<Arc<dyn Access>> {
        self.routes.iter().find(|it| it.protocol() == protocol).cloned()
    }

    pub(super) fn others(&self, protocol: Protocol) -> Vec<Arc<dyn Access>> {
        self.routes
            .iter()
            .filter(|it| it.protocol() != protocol)
            .cloned()
            .collect()
    }

    /// A session for configuring over one protocol, measured.
    pub(super) async fn open(
        &self,
        route: &dyn Access,
        by: Deadline,
    ) -> Result<(Box<dyn ConfigureSession>, Capabilities), SessionError> {
        let by = by.earlier(Deadline::after(now(), self.connect_within));
        let begun = self.begin(route.protocol());
        let opened = async {
            let session = route.configure(by).await?;
            let capabilities = route.capabilities(by).await?;
            Ok((session, capabilities))
        };
        let opened = opened.await;
        self.end(route.protocol(), begun, opened.as_ref().err());
        opened
    }

    /// A session for reading over one protocol, measured.
    pub(super) async fn look(&self, route: &dyn Access, by: Deadline) -> Result<Box<dyn Observer>, SessionError> {
        let by = by.earlier(Deadline::after(now(), self.connect_within));
        let begun = self.begin(route.protocol());
        let opened = route.observe(by).await;
        self.end(route.protocol(), begun, opened.as_ref().err());
        opened
    }

    /// Takes note of how a request went.
    pub(super) fn measured(&self, protocol: Protocol, begun: Instant, error: Option<&SessionError>) {
        let now = now();
        match error {
            Some(error) if leads_elsewhere(error) => self.selector().failed(protocol, now),
            Some(_) | None => self.selector().answered(protocol, now, now - begun),
        }
    }

    /// Takes note that this protocol is used now; a switch is told, and comes back as a remark for the receipt.
    pub(super) fn using(&self, protocol: Protocol, because: Option<&SessionError>) -> Option<String> {
        let from = self.selector().used(protocol)?;
        let because = because.map_or_else(|| "it has been well for a while".to_owned(), ToString::to_string);
        let switch = Switch {
            device: self.device.clone(),
            from,
            to: protocol,
            because,
        };
        self.tell.switched(&switch);
        Some(format!("switched from {from} to {protocol}: {}", switch.because))
    }

    /// Does a session promise what was demanded?
    pub(super) fn enough(&self, capabilities: &Capabilities, step: Step) -> Result<(), SessionError> {
        match self.demand {
            Some(demand) if !capabilities.guarantee.meets(demand) => {
                let (guarantee, protocol) = (capabilities.guarantee, capabilities.protocol);
                let message = format!("over {protocol} it only promises {guarantee}, and more was demanded");
                Err(self.refused(protocol, step, message))
            }
            Some(_) | None => Ok(()),
        }
    }

    pub(super) fn refused(&self, protocol: Protocol, step: Step, message: String) -> SessionError {
        let place = Place {
            device: self.device.clone(),
            protocol,
            step,
        };
        SessionError::Refused {
            place,
            words: Box::new(DeviceWords {
                message,
                ..DeviceWords::default()
            }),
        }
    }

    pub(super) fn nowhere(&self, step: Step) -> SessionError {
        let protocol = self.selector().current().unwrap_or(Protocol::Netconf);
        SessionError::Unsupported {
            place: Place {
                device: self.device.clone(),
                protocol,
                step,
            },
            what: "no protocol is configured".to_owned(),
        }
    }

    fn begin(&self, protocol: Protocol) -> Instant {
        let now = now();
        self.selector().attempt(protocol, now);
        now
    }

    // Whoever says no is there: only silence and nonsense are failures.
    fn end(&self, protocol: Protocol, begun: Instant, error: Option<&SessionError>) {
        let now = now();
        match error {
            Some(error) if leads_elsewhere(error) => self.selector().failed(protocol, now),
            Some(_) | None => self.selector().connected(protocol, now, now - begun),
        }
    }
}

impl Access for Failover {
    fn protocol(&self) -> Protocol {
        self.shared.selector().current().unwrap_or(Protocol::Netconf)
    }

    fn capabilities(&self, by: Deadline) -> Answer<'_, Capabilities> {
        Box::pin(async move {
            let mut last = None;
            let candidates = self.shared.selector().candidates(now());
            for protocol in candidates {
                let Some(route) = self.shared.route(protocol) else {
                    continue;
                };
                match route.capabilities(by).await {
                    Err(error) if leads_elsewhere(&error) => last = Some(error),
                    answer => return answer,
                }
            }
            Err(last.unwrap_or_else(|| self.shared.nowhere(Step::Connect)))
        })
    }

    fn configure(&self, _by: Deadline) -> Answer<'_, Box<dyn ConfigureSession>> {
        // Connected at the first step, where a failure can still lead to another protocol.
        let session = FailoverSession::new(Arc::clone(&self.shared));
        Box::pin(async move { Ok(Box::new(session) as Box<dyn ConfigureSession>) })
    }

    fn observe(&self, _by: Deadline) -> Answer<'_, Box<dyn Observer>> {
        let observer = FailoverObserver::new(Arc::clone(&self.shared));
        Box::pin(async move { Ok(Box::new(observer) as Box<dyn Observer>) })
    }
}

pub(super) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
