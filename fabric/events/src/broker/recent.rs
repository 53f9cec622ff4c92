//! What was acknowledged a short while ago, kept over the end of the process: whoever listens hears it from the next one.
//!
//! A receiver believes what was signed at most two minutes ago. So nothing older is worth keeping, and whoever comes back after
//! a restart is handed all of that time; what it has heard before it knows again.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

use super::packet::Publish;

/// How long a message is worth keeping.
pub(super) const WORTH: Duration = Duration::from_secs(120);
/// How long the file grows before it becomes the former one.
const LONGEST: u64 = 4 << 20;
/// How many messages the next process hands on at most.
const MOST: usize = 1_000;

/// One message as it stands in the file.
#[derive(Serialize, Deserialize)]
struct Line {
    at: u64,
    topic: String,
    properties: String,
    payload: String,
}

/// The files: the one that is written to and, when that has become long, the one before it.
pub(super) struct Recent {
    path: PathBuf,
    /// Nothing after a write that failed: what stands there is looked at again before the next one.
    file: Option<Open>,
    clock: fn() -> SystemTime,
}

/// A file that ends with a whole line.
struct Open {
    file: fs::File,
    length: u64,
}

impl Recent {
    /// Opens the files, and gives what a former process acknowledged and is still worth hearing.
    pub(super) fn open(path: &Path, clock: fn() -> SystemTime) -> io::Result<(Self, Vec<Publish>)> {
        let mut former = read(&before(path), clock())?;
        former.extend(read(path, clock())?);
        former.drain(..former.len().saturating_sub(MOST));
        let recent = Self {
            path: path.to_owned(),
            file: Some(Open::whole(path)?),
            clock,
        };
        Ok((recent, former))
    }

    /// Keeps messages that are about to be acknowledged. After a failure the next call begins anew.
    pub(super) fn keep<'a>(&mut self, messages: impl Iterator<Item = &'a Publish>) -> io::Result<()> {
        let mut lines = Vec::new();
        for message in messages {
            let line = Line {
                at: seconds((self.clock)()),
                topic: message.topic.clone(),
                properties: BASE64_STANDARD.encode(&message.properties),
                payload: BASE64_STANDARD.encode(&message.payload),
            };
            serde_json::to_writer(&mut lines, &line)?;
            lines.push(b'\n');
        }
        let mut open = match self.file.take() {
            Some(open) => open,
            None => Open::whole(&self.path)?,
        };
        if open.length > LONGEST {
            fs::rename(&self.path, before(&self.path))?;
            open = Open::whole(&self.path)?;
        }
        open.append(&lines)?;
        self.file = Some(open);
        Ok(())
    }
}

impl Open {
    /// Opens a file, without what stands behind its last whole line: a crash or a full disk cut that off, and nobody was told
    /// that it is kept.
    fn whole(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        let length = text.iter().rposition(|it| *it == b'\n').map_or(0, |at| at + 1) as u64;
        file.set_len(length)?;
        Ok(Self { file, length })
    }

    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        self.file.write_all(lines)?;
        self.length += lines.len() as u64;
        Ok(())
    }
}

fn before(path: &Path) -> PathBuf {
    path.with_extension("former")
}

/// What is still worth hearing. A line that cannot be read was cut off by a crash: it was not acknowledged.
fn read(path: &Path, now: SystemTime) -> io::Result<Vec<Publish>> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    let since = seconds(now).saturating_sub(WORTH.as_secs());
    let lines = text
        .split(|it| *it == b'\n')
        .filter_map(|it| serde_json::from_slice::<Line>(it).ok());
    let message = |it: Line| {
        Some(Publish {
            topic: it.topic,
            number: Some(0),
            properties: BASE64_STANDARD.decode(it.properties).ok()?,
            payload: BASE64_STANDARD.decode(it.payload).ok()?,
        })
    };
    Ok(lines.filter(|it| it.at >= since).filter_map(message).collect())
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn said(payload: &str) -> Publish {
        Publish {
            topic: "entente/v1/event/link-fault/error/pe1".to_owned(),
            number: Some(7),
            properties: vec![1, 2],
            payload: payload.as_bytes().to_vec(),
        }
    }

    fn payloads(former: &[Publish]) -> Vec<String> {
        former
            .iter()
            .map(|it| String::from_utf8_lossy(&it.payload).into_owned())
            .collect()
    }

    #[test]
    fn the_next_process_knows_what_was_said_in_the_last_two_minutes() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("events.recent");
        let (mut recent, former) = Recent::open(&path, || at(NOW - 300)).expect("opens");
        assert!(former.is_empty());
        recent.keep([said("old")].iter()).expect("keeps");
        let (mut recent, _) = Recent::open(&path, || at(NOW - 60)).expect("opens");
        recent.keep([said("one"), said("two")].iter()).expect("keeps");
        drop(recent);
        let cut = OpenOptions::new().append(true).open(&path);
        cut.expect("opens").write_all(b"{\"at\":18000").expect("writes");
        let (mut recent, former) = Recent::open(&path, || at(NOW)).expect("opens");
        assert_eq!(payloads(&former), ["one", "two"]);
        assert_eq!(
            (former[0].topic.as_str(), &former[0].properties),
            (said("").topic.as_str(), &vec![1, 2])
        );
        recent.keep([said("three")].iter()).expect("keeps");
        let (_, former) = Recent::open(&path, || at(NOW)).expect("opens");
        assert_eq!(
            payloads(&former),
            ["one", "two", "three"],
            "the line that was cut off spoils no other"
        );
    }

    /// Lets the next write fail, half a line behind the last whole one.
    fn spoil(recent: &mut Recent) {
        let half = OpenOptions::new().append(true).open(&recent.path);
        half.expect("opens").write_all(b"{\"at\":18000").expect("writes");
        recent.file.as_mut().expect("is open").file = OpenOptions::new().append(true).open("/dev/full").expect("opens");
    }

    #[test]
    fn after_a_write_that_failed_the_next_one_is_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("events.recent");
        let (mut recent, _) = Recent::open(&path, || at(NOW)).expect("opens");
        recent.keep([said("one")].iter()).expect("keeps");
        spoil(&mut recent);
        assert!(recent.keep([said("two")].iter()).is_err(), "the disk is full");
        recent.keep([said("three")].iter()).expect("there is room again");
        let kept = fs::read_to_string(&path).expect("reads");
        let whole = |line: &str| serde_json::from_str::<Line>(line).is_ok();
        assert!(kept.lines().all(whole), "no half line is left: {kept}");
        let (_, former) = Recent::open(&path, || at(NOW)).expect("opens");
        assert_eq!(payloads(&former), ["one", "three"]);
    }

    #[test]
    fn a_change_of_files_that_was_cut_short_is_made_up_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("events.recent");
        let (mut recent, _) = Recent::open(&path, || at(NOW)).expect("opens");
        let long = said(&"x".repeat(60_000));
        while recent.file.as_ref().is_some_and(|it| it.length <= LONGEST) {
            recent.keep([long.clone()].iter()).expect("keeps");
        }
        // The file was given its former name, and no new one could be opened.
        fs::rename(&path, before(&path)).expect("renames");
        let _ = recent.keep([said("one")].iter());
        recent.keep([said("two")].iter()).expect("keeps");
        assert!(path.exists(), "it is written to a file of its own");
        let (_, former) = Recent::open(&path, || at(NOW)).expect("opens");
        assert_eq!(payloads(&former).last().map(String::as_str), Some("two"));
    }

    #[test]
    fn the_files_are_bounded() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("events.recent");
        let (mut recent, _) = Recent::open(&path, || at(NOW)).expect("opens");
        let long = said(&"x".repeat(60_000));
        for _ in 0..300 {
            recent.keep([long.clone()].iter()).expect("keeps");
        }
        let length = |path: &Path| fs::metadata(path).map_or(0, |it| it.len());
        assert!(length(&path) + length(&before(&path)) < 2 * LONGEST + 400_000);
        let (_, former) = Recent::open(&path, || at(NOW)).expect("opens");
        assert!(former.len() > 50 && former.len() <= MOST, "{}", former.len());
    }
}
