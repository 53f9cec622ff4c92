//! Our client: the session that the product uses, with its dialect, its checks and its receipts.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use adapters_netconf::rpc::Limits;
use adapters_netconf::ssh::{Algorithms, Credential, Endpoint, FirstUse, HostKeys, Login};
use adapters_netconf::{NetconfAccess, NetconfSession, OverSsh, PlatformDialect, Target};
use adapters_port::{
    Answer, Change, ChangeId, ConfigureSession, Deadline, PersistId, Secret, SecretError, SecretRef, Secrets,
};
use anyhow::{Context, ensure};
use futures::stream::{self, StreamExt, TryStreamExt};
use knowledge_model::{Delta, Path, Tree, Value, diff};

use super::{Address, Figures, Job, lines, peer};
use crate::measure::Watch;

const INTERFACES: usize = 8;
const MARKER: &str = "uplink 7 of the benchmark";

/// The work, the same for everybody.
pub fn job(devices: Vec<Address>, warm: bool) -> anyhow::Result<Job> {
    let (there, native) = (delta(), native()?);
    let paths: Vec<Path> = there.iter().map(|(path, _)| path.clone()).collect();
    Ok(Job {
        devices,
        user: "admin".to_owned(),
        password: "admin".to_owned(),
        key: None,
        warm,
        workers: 1,
        pairs: if warm { 3 } else { 1 },
        validate: true,
        lines: Vec::new(),
        lines_back: Vec::new(),
        there: native.edit(&there)?,
        back: native.edit(&there.inverse())?,
        filter: native.filter(&paths)?,
        marker: MARKER.to_owned(),
    })
}

/// In a process of its own, so that its CPU is its own.
pub fn run(job: &Job) -> anyhow::Result<Figures> {
    peer::ask(Command::new(std::env::current_exe()?).arg("southbound-client"), job).context("our client")
}

/// That process.
#[expect(clippy::print_stdout, reason = "the figures are what the benchmark asks for")]
pub fn client() -> anyhow::Result<()> {
    let job: Job = serde_json::from_reader(std::io::stdin())?;
    // One thread: what the scheduler counts for it is all that we use.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let figures = runtime.block_on(work(job))?;
    println!("{}", serde_json::to_string(&figures)?);
    Ok(())
}

async fn work(job: Job) -> anyhow::Result<Figures> {
    let folder = tempfile::tempdir()?;
    let host_keys = Arc::new(HostKeys::open(folder.path().join("known_hosts"), FirstUse::Record)?);
    if !job.lines.is_empty() {
        return typed(&job, &host_keys).await;
    }
    let dialect = Arc::new(PlatformDialect::new(native()?));
    let mut accesses = Vec::new();
    for address in &job.devices {
        let target = target(&job, address, Arc::clone(&host_keys), Arc::clone(&dialect))?;
        accesses.push(NetconfAccess::new(target));
    }
    if !job.warm {
        let begun = Begun::now()?;
        for_all(accesses, job.workers, |access| async move { cold(&access).await }).await?;
        return begun.figures();
    }
    let sessions = stream::iter(accesses)
        .map(|access| async move { access.session(soon()).await })
        .buffer_unordered(job.workers)
        .try_collect::<Vec<_>>()
        .await?;
    let (pairs, begun) = (job.pairs, Begun::now()?);
    for_all(sessions, job.workers, |session| warm(session, pairs)).await?;
    begun.figures()
}

async fn typed(job: &Job, host_keys: &Arc<HostKeys>) -> anyhow::Result<Figures> {
    let mut accesses = Vec::new();
    for address in &job.devices {
        accesses.push(lines::access(job, address, Arc::clone(host_keys))?);
    }
    if !job.warm {
        let begun = Begun::now()?;
        for_all(
            accesses,
            job.workers,
            |access| async move { lines::cold(&access).await },
        )
        .await?;
        return begun.figures();
    }
    let sessions = stream::iter(accesses)
        .map(|access| async move { access.session(soon()).await })
        .buffer_unordered(job.workers)
        .try_collect::<Vec<_>>()
        .await?;
    let (pairs, begun) = (job.pairs, Begun::now()?);
    for_all(sessions, job.workers, |session| lines::warm(session, pairs)).await?;
    begun.figures()
}

/// When the work began.
struct Begun {
    cpu: f64,
    watch: Watch,
}

impl Begun {
    fn now() -> anyhow::Result<Self> {
        Ok(Self {
            cpu: cpu()?,
            watch: Watch::start(),
        })
    }

    fn figures(self) -> anyhow::Result<Figures> {
        Ok(Figures {
            cpu: cpu()? - self.cpu,
            wall: self.watch.elapsed().as_secs_f64(),
            memory: peak()?,
        })
    }
}

/// The most memory that this process held, in bytes.
fn peak() -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status").context("cannot see how much memory is used")?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:"));
    let kib: f64 = line
        .and_then(|it| it.trim().strip_suffix(" kB"))
        .context("no VmHWM")?
        .parse()?;
    Ok(kib * 1024.0)
}

async fn for_all<T, F>(things: Vec<T>, workers: usize, act: impl Fn(T) -> F) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>>,
{
    stream::iter(things)
        .map(act)
        .buffer_unordered(workers)
        .try_collect()
        .await
}

async fn cold(access: &NetconfAccess) -> anyhow::Result<()> {
    for (id, delta) in [(1, delta()), (2, delta().inverse())] {
        let mut session = access.session(soon()).await?;
        transaction(&mut session, id, delta).await?;
    }
    Ok(())
}

async fn warm(mut session: NetconfSession, pairs: usize) -> anyhow::Result<()> {
    for _ in 0..pairs {
        transaction(&mut session, 1, delta()).await?;
        transaction(&mut session, 2, delta().inverse()).await?;
    }
    Ok(())
}

async fn transaction(session: &mut NetconfSession, id: u128, delta: Delta) -> anyhow::Result<()> {
    let window = Duration::from_secs(60);
    let change = Change {
        id: ChangeId(id),
        delta,
        stands: Default::default(),
        window,
        persist: PersistId::new(id),
        comment: String::new(),
    };
    let staged = session.stage(&change, soon()).await?;
    let applied = session.apply(staged, soon()).await?;
    session.confirm(&applied, soon()).await?;
    Ok(())
}

fn target(
    job: &Job,
    address: &Address,
    host_keys: Arc<HostKeys>,
    dialect: Arc<PlatformDialect>,
) -> anyhow::Result<Target> {
    let credential = match &job.key {
        Some(file) => Credential::key(&std::fs::read_to_string(file)?, None)?,
        None => Credential::Password(Secret::new(job.password.as_str())),
    };
    let endpoint = Endpoint {
        host: address.host.clone(),
        port: address.port,
        algorithms: Algorithms::Modern,
        keepalive: None,
    };
    Ok(Target {
        device: format!("{}:{}", address.host, address.port),
        dial: Box::new(OverSsh {
            endpoint,
            host_keys,
            login: Login {
                user: job.user.clone(),
                credentials: vec![credential],
            },
        }),
        dialect,
        secrets: Arc::new(NoSecrets),
        limits: Limits::default(),
    })
}

fn native() -> anyhow::Result<adapters_platform::Native> {
    let platform = adapters_platform::builtin::named("ietf").context("no platform ietf")?;
    Ok(platform.native().context("ietf has no native section")?.clone())
}

/// About two kilobytes of edit.
fn delta() -> Delta {
    let mut tree = Tree::new();
    for number in 0..INTERFACES {
        let interface = Path::root().keyed("interface", [format!("eth{number}")]);
        tree.insert(
            interface.child("description"),
            Value::scalar(format!("uplink {number} of the benchmark")),
        );
        tree.insert(interface.child("mtu"), Value::scalar("1400"));
        tree.insert(
            interface.keyed("address", [format!("192.0.2.{}/31", number * 2)]),
            Value::Present,
        );
        tree.insert(interface, Value::Present);
    }
    diff(&Tree::new(), &tree)
}

/// CPU seconds of this thread, to the nanosecond.
fn cpu() -> anyhow::Result<f64> {
    let text = std::fs::read_to_string("/proc/self/schedstat").context("cannot see the CPU time of this thread")?;
    let nanos: u64 = text.split_ascii_whitespace().next().context("no figure")?.parse()?;
    ensure!(nanos > 0, "the kernel does not count CPU time by thread");
    Ok(Duration::from_nanos(nanos).as_secs_f64())
}

pub fn soon() -> Deadline {
    Deadline::after(tokio::time::Instant::now().into_std(), Duration::from_secs(60))
}

pub struct NoSecrets;

impl Secrets for NoSecrets {
    fn resolve<'a>(&'a self, reference: &'a SecretRef, _by: Deadline) -> Answer<'a, Secret, SecretError> {
        Box::pin(async move { Err(SecretError::Unknown(reference.clone())) })
    }
}
