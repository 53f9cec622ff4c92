//! The ways to one device, and getting a session over the best of them.

use super::configure::Open;
use super::memory::Memory;
use super::{FailoverObserver, FailoverSession};
use crate::core::{Health, Policy, Selector, Situation, leads_elsewhere};
use adapters_port::{
    Access, Answer, Capabilities, ConfigureSession, Deadline, Demand, DeviceWords, Holder, Observer, Place, Protocol,
    SessionError, Step,
};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
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

/// One device with several protocols, behind the same port as one protocol.
#[derive(Clone)]
pub struct Failover {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) device: String,
    pub(super) routes: Vec<Arc<dyn Access>>,
    selector: Mutex<Selector>,
    /// What may be on the device, whichever session put it there.
    situation: Mutex<Situation>,
    tell: Arc<dyn Tell>,
    switches: AtomicU64,
    connect_within: Duration,
    /// What the next process will know of it, and what it would know now.
    pub(super) memory: OnceLock<Arc<dyn Memory>>,
    pub(super) kept: Mutex<Option<Protocol>>,
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
        Self {
            shared: Arc::new(Shared {
                device: device.into(),
                routes,
                selector,
                situation: Mutex::new(Situation::new()),
                tell,
                switches: AtomicU64::new(0),
                connect_within,
                memory: OnceLock::new(),
                kept: Mutex::new(None),
            }),
        }
    }

    /// A session for configuring, as its own type. It connects at its first step, where a failure can still lead to
    /// another protocol.
    pub fn session(&self) -> FailoverSession {
        FailoverSession::new(Arc::clone(&self.shared))
    }

    /// The protocols in their order of preference, with what is known of each.
    pub fn all_health(&self) -> Vec<(Protocol, Health)> {
        self.shared.selector().all()
    }

    /// How often the protocol was switched since the beginning.
    pub fn switches(&self) -> u64 {
        self.shared.switches.load(Ordering::Relaxed)
    }

    /// The way over one protocol alone.
    pub fn over(&self, protocol: Protocol) -> Option<Arc<dyn Access>> {
        self.shared.route(protocol)
    }

    /// What is known of a protocol.
    pub fn health(&self, protocol: Protocol) -> Option<Health> {
        self.shared.selector().health(protocol).cloned()
    }

    /// Opens a session for reading over this protocol, measured, and says what it can do.
    ///
    /// # Errors
    /// Where nobody answers, or lets us in.
    pub async fn try_out(&self, protocol: Protocol, by: Deadline) -> Result<Capabilities, SessionError> {
        let route = self.shared.route(protocol);
        let route = route.ok_or_else(|| self.shared.nowhere(Step::Connect))?;
        drop(self.shared.look(&*route, false, by).await?);
        route.capabilities(by).await
    }

    /// Is there a better protocol than the one in use that should be asked now whether it is well again?
    pub fn wants_probe(&self) -> bool {
        !self.shared.selector().to_probe(now()).is_empty()
    }

    /// Asks a better protocol than the one in use whether it is well again; changes nothing else.
    pub async fn probe(&self, by: Deadline) {
        let due = self.shared.selector().to_probe(now());
        for protocol in due {
            if let Some(route) = self.shared.route(protocol) {
                drop(self.shared.look(&*route, true, by).await);
            }
        }
    }
}

impl Shared {
    pub(super) fn selector(&self) -> MutexGuard<'_, Selector> {
        self.selector.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at, or changes, what may be on the device.
    pub(super) fn situation<T>(&self, act: impl FnOnce(&mut Situation) -> T) -> T {
        act(&mut self.situation.lock().unwrap_or_else(PoisonError::into_inner))
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

    /// A session for configuring over one protocol, measured; `others` remain to be tried.
    pub(super) async fn open(&self, route: &dyn Access, others: bool, by: Deadline) -> Result<Open, SessionError> {
        let by = self.connecting(route.protocol(), others, by);
        let begun = self.begin(route.protocol());
        let opened = async {
            let session = route.configure(by).await?;
            let capabilities = route.capabilities(by).await?;
            let protocol = route.protocol();
            Ok(Open {
                protocol,
                session,
                capabilities,
            })
        };
        let opened = opened.await;
        self.end(route.protocol(), begun, opened.as_ref().err());
        opened
    }

    /// A session for reading over one protocol, measured; `others` remain to be tried.
    pub(super) async fn look(
        &self,
        route: &dyn Access,
        others: bool,
        by: Deadline,
    ) -> Result<Box<dyn Observer>, SessionError> {
        let by = self.connecting(route.protocol(), others, by);
        let begun = self.begin(route.protocol());
        let opened = route.observe(by).await;
        self.end(route.protocol(), begun, opened.as_ref().err());
        opened
    }

    /// Silence while connecting leaves time for another protocol, where one remains: also of a short deadline, and also
    /// where this one is known to be slow, which is given several times what it usually takes.
    fn connecting(&self, protocol: Protocol, others: bool, by: Deadline) -> Deadline {
        if !others {
            return by;
        }
        let usual = self.selector().health(protocol).and_then(|it| it.connect);
        let within = usual.map_or(self.connect_within, |it| self.connect_within.max(it * 4));
        self.patience(by, true).earlier(Deadline::after(now(), within))
    }

    /// How long one protocol may keep silent when `others` remain to be asked: most of what is left, never all of it.
    pub(super) fn patience(&self, by: Deadline, others: bool) -> Deadline {
        if others {
            Deadline::after(now(), by.remaining(now()) * 3 / 5)
        } else {
            by
        }
    }

    /// Is there another protocol than this one?
    pub(super) fn has_others(&self, protocol: Protocol) -> bool {
        self.routes.iter().any(|it| it.protocol() != protocol)
    }

    /// Takes note of how a request went.
    pub(super) fn measured(&self, protocol: Protocol, begun: Instant, error: Option<&SessionError>) {
        let now = now();
        match error {
            Some(error) if leads_elsewhere(error) => self.selector().failed(protocol, now),
            Some(SessionError::Denied { .. }) => self.selector().denied(protocol, now),
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
        self.switches.fetch_add(1, Ordering::Relaxed);
        self.tell.switched(&switch);
        Some(format!("switched from {from} to {protocol}: {}", switch.because))
    }

    /// Does a session promise what was demanded?
    pub(super) fn enough(
        &self,
        capabilities: &Capabilities,
        demand: Option<Demand>,
        lost: Option<&SessionError>,
    ) -> Result<(), SessionError> {
        let Some(demand) = demand.filter(|it| !capabilities.guarantee.meets(*it)) else {
            return Ok(());
        };
        tracing::debug!(device = self.device, ?demand, "too little is promised");
        let (guarantee, protocol) = (capabilities.guarantee, capabilities.protocol);
        let why = lost.map_or_else(String::new, |it| format!(", after it was {it}"));
        let what = format!("over {protocol} it only promises {guarantee}, and more was demanded{why}");
        let (device, step) = (self.device.clone(), Step::Stage);
        let place = Place { device, protocol, step };
        Err(SessionError::Unsupported { place, what })
    }

    /// Has a protocol failed so often that it is left alone for a while, and is there another one to ask?
    pub(super) fn is_left_alone(&self, protocol: Protocol) -> bool {
        let permits = |it: &Health| it.circuit.permits(now());
        self.has_others(protocol) && !self.selector().health(protocol).is_none_or(permits)
    }

    /// It is not asked now.
    pub(super) fn left_alone(&self, protocol: Protocol) -> SessionError {
        SessionError::Unreachable {
            place: Place {
                device: self.device.clone(),
                protocol,
                step: Step::Connect,
            },
            source: "it failed several times in a row and is left alone for a while".into(),
        }
    }

    /// Nothing is staged over this protocol while an earlier session over another one may still hold a change.
    pub(super) fn unproven(&self, protocol: Protocol) -> SessionError {
        let earlier = self.situation(|it| it.protocol).unwrap_or(protocol);
        SessionError::Busy {
            place: Place {
                device: self.device.clone(),
                protocol,
                step: Step::Stage,
            },
            holder: Holder {
                session: None,
                what: format!("a change that was sent over {earlier} and may still take effect"),
                dirty: false,
            },
            words: Box::default(),
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

    // Whoever says no is there: only silence and nonsense are failures. Who does not let us in is no better than that.
    fn end(&self, protocol: Protocol, begun: Instant, error: Option<&SessionError>) {
        let now = now();
        match error {
            Some(error) if leads_elsewhere(error) => self.selector().failed(protocol, now),
            Some(SessionError::Denied { .. }) => self.selector().denied(protocol, now),
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
            for (at, protocol) in candidates.iter().copied().enumerate() {
                let Some(route) = self.shared.route(protocol) else {
                    continue;
                };
                let by = self.shared.connecting(protocol, at + 1 < candidates.len(), by);
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
        let session = self.session();
        Box::pin(async move { Ok(Box::new(session) as Box<dyn ConfigureSession>) })
    }

    fn observe(&self, by: Deadline) -> Answer<'_, Box<dyn Observer>> {
        let mut observer = FailoverObserver::new(Arc::clone(&self.shared));
        Box::pin(async move {
            observer.connect(by).await?;
            Ok(Box::new(observer) as Box<dyn Observer>)
        })
    }
}

pub(super) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
