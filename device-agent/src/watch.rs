//! Whether the devices still answer and their links still stand: looked at now and then, and told when it changes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use adapters_port::{Access, Deadline, Observation, Query, Reading, SessionError};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use transaction::DeviceId;

use crate::events::Teller;

/// How many devices are looked at at once.
const AT_ONCE: usize = 16;
/// How long a device may take to answer.
const WITHIN: Duration = Duration::from_secs(10);
/// What the way to the device itself is called among its links.
const MANAGEMENT: &str = "management";
/// How many hints to look at once may wait.
const HINTS: usize = 64;

/// A device and the way to it that is looked at.
pub type Watched = (DeviceId, Arc<dyn Access>);

/// What was seen of a device: its links by name, each up or not; nothing of them where it does not say.
type Links = BTreeMap<String, bool>;

/// Where hints go in and come out: a device that should be looked at now.
#[must_use]
pub fn hints() -> (mpsc::Sender<DeviceId>, mpsc::Receiver<DeviceId>) {
    mpsc::channel(HINTS)
}

/// Looks at every device once in each period, and at once where there is a hint, until told to stop. Tells of each
/// that no longer answers, or does again, and of each of its links that goes down or comes up.
pub async fn watch(
    devices: Vec<Watched>,
    every: Duration,
    mut hints: mpsc::Receiver<DeviceId>,
    teller: Arc<Teller>,
    stop: CancellationToken,
) {
    let mut standing: BTreeMap<DeviceId, Links> = BTreeMap::new();
    let mut period = tokio::time::interval(every);
    period.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let due: Vec<Watched> = tokio::select! {
            _ = period.tick() => devices.clone(),
            Some(hinted) = hints.recv() => devices.iter().filter(|it| it.0 == hinted).cloned().collect(),
            () = stop.cancelled() => return,
        };
        for some in due.chunks(AT_ONCE) {
            let mut looks = JoinSet::new();
            for (device, way) in some.iter().cloned() {
                looks.spawn(async move { (device, look(way.as_ref()).await) });
            }
            while let Some(looked) = looks.join_next().await {
                let Ok((device, seen)) = looked else { continue };
                let words = seen.as_ref().err().cloned();
                for (link, is_up) in changes(standing.entry(device).or_default(), seen.ok()) {
                    let words = match (&words, link.as_str(), is_up) {
                        (Some(words), ..) => words,
                        (None, MANAGEMENT, _) => "the device answers",
                        (None, _, true) => "the device says that it is up",
                        (None, _, false) => "the device says that it is down",
                    };
                    tracing::warn!(%device, link, is_up, words, "a link has changed");
                    teller.link(device, &link, is_up, words);
                }
            }
        }
    }
}

/// What is news, given what was known, which becomes what is seen; nothing is seen of a device that does not answer.
/// What is as it should be, or is seen for the first time, is no news; only that a device does not answer is always.
fn changes(known: &mut Links, seen: Option<Links>) -> Vec<(String, bool)> {
    let answers = seen.is_some();
    let mut news = Vec::new();
    if known.insert(MANAGEMENT.to_owned(), answers).unwrap_or(true) != answers {
        news.push((MANAGEMENT.to_owned(), answers));
    }
    let Some(seen) = seen else { return news };
    known.retain(|link, _| link == MANAGEMENT || seen.contains_key(link));
    for (link, is_up) in seen {
        if known.insert(link.clone(), is_up).is_some_and(|was| was != is_up) {
            news.push((link, is_up));
        }
    }
    news
}

async fn look(way: &dyn Access) -> Result<Links, String> {
    let by = Deadline::after(Instant::now().into_std(), WITHIN);
    let looking = async {
        let mut observer = way.observe(by).await?;
        match observer.query(&Query::of("interface"), by).await {
            Ok(seen) => Ok(links(&seen)),
            // Not every device says how its links are: then that it answers is all.
            Err(SessionError::Unsupported { .. } | SessionError::Refused { .. }) => Ok(Links::new()),
            Err(error) => Err(error),
        }
    };
    match tokio::time::timeout_at(by.instant().into(), looking).await {
        Ok(seen) => seen.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer in {} s", WITHIN.as_secs())),
    }
}

fn links(seen: &[Observation]) -> Links {
    let link = |it: &Observation| match &it.reading {
        Reading::Word(word) if it.name == "interface/oper-status" => {
            Some((it.labels.get("interface")?.clone(), word == "up"))
        }
        Reading::Word(_) | Reading::Number(_) | Reading::Unknown => None,
    };
    seen.iter()
        .filter_map(link)
        .filter(|(link, _)| link != MANAGEMENT)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(links: &[(&str, bool)]) -> Option<Links> {
        Some(links.iter().map(|(link, is_up)| ((*link).to_owned(), *is_up)).collect())
    }

    fn news(known: &mut Links, seen: Option<Links>) -> Vec<String> {
        let word = |(link, is_up)| format!("{link} {}", if is_up { "up" } else { "down" });
        changes(known, seen).into_iter().map(word).collect()
    }

    #[test]
    fn each_link_is_told_when_it_changes_and_not_before() {
        let mut known = Links::new();
        assert!(
            news(&mut known, seen(&[("eth1", true), ("eth2", false)])).is_empty(),
            "nothing has changed yet"
        );
        assert_eq!(
            news(&mut known, seen(&[("eth1", false), ("eth2", false)])),
            ["eth1 down"]
        );
        assert!(news(&mut known, seen(&[("eth1", false), ("eth2", false)])).is_empty());
        assert_eq!(
            news(&mut known, seen(&[("eth1", true), ("eth2", true)])),
            ["eth1 up", "eth2 up"]
        );
        assert!(
            news(&mut known, seen(&[("eth1", true)])).is_empty(),
            "a link that is gone has no fault"
        );
        assert!(
            news(&mut known, seen(&[("eth1", true), ("eth2", false)])).is_empty(),
            "and is new when it is back"
        );
    }

    #[test]
    fn a_device_that_does_not_answer_is_told_and_its_links_are_remembered() {
        let mut known = Links::new();
        assert_eq!(news(&mut known, None), ["management down"], "also at the first look");
        assert_eq!(news(&mut known, seen(&[("eth1", true)])), ["management up"]);
        assert_eq!(news(&mut known, None), ["management down"]);
        assert_eq!(
            news(&mut known, seen(&[("eth1", false)])),
            ["management up", "eth1 down"]
        );
    }
}
