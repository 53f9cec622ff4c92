//! The roster on disk: a line for each profile that has changed, rewritten in its shortest form at each start.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use fabric_identity::lines::Lines;
use fabric_registry::{Profile, ResourceId};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// How many bytes are added before the file is written anew in its shortest form.
const BYTES: u64 = 4 << 20;

/// The file of the roster.
pub struct Book {
    file: Lines,
    path: std::path::PathBuf,
    /// What stands in it.
    kept: BTreeMap<ResourceId, Profile>,
    /// How long its shortest form was.
    shortest: u64,
}

impl Book {
    /// Opens the file and reads what it holds. A last line that was cut off was never answered.
    pub fn open(path: &Path) -> io::Result<(Self, Vec<Profile>)> {
        let profiles = read(path)?;
        let file = rewritten(path, profiles.iter())?;
        let book = Self {
            shortest: file.length(),
            file,
            path: path.to_owned(),
            kept: profiles.iter().map(|it| (it.resource, it.clone())).collect(),
        };
        Ok((book, profiles))
    }

    /// Keeps a profile as it is now; one that stands there so already costs nothing.
    pub fn write(&mut self, profile: &Profile) -> io::Result<()> {
        let same = |it: &Profile| {
            (&it.registration, &it.certificate, it.presence)
                == (&profile.registration, &profile.certificate, profile.presence)
        };
        if self.kept.get(&profile.resource).is_some_and(same) {
            return Ok(());
        }
        let mut line = serde_json::to_vec(profile)?;
        line.push(b'\n');
        self.file.add(&line)?;
        self.kept.insert(profile.resource, profile.clone());
        if self.file.length() - self.shortest >= BYTES {
            self.file = rewritten(&self.path, self.kept.values())?;
            self.shortest = self.file.length();
        }
        Ok(())
    }
}

/// The latest line of each agent.
fn read(path: &Path) -> io::Result<Vec<Profile>> {
    let lines: Vec<Profile> = lines(path)?;
    let profiles: BTreeMap<ResourceId, Profile> = lines.into_iter().map(|it| (it.resource, it)).collect();
    Ok(profiles.into_values().collect())
}

/// All lines of such a file. A last one that was cut off was never answered.
pub fn lines<T: DeserializeOwned>(path: &Path) -> io::Result<Vec<T>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let line = |(number, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|error| {
            let words = format!("line {} of {} makes no sense: {error}", number + 1, path.display());
            io::Error::new(ErrorKind::InvalidData, words)
        })
    };
    whole.lines().enumerate().map(line).collect()
}

/// Such a file with these lines alone.
pub fn rewritten<'a, T: Serialize + 'a>(path: &Path, lines: impl Iterator<Item = &'a T>) -> io::Result<Lines> {
    let draft = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)?;
    for it in lines {
        let mut line = serde_json::to_vec(it)?;
        line.push(b'\n');
        file.write_all(&line)?;
    }
    file.sync_all()?;
    fs::rename(&draft, path)?;
    Lines::open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fabric_registry::{Presence, Registration};

    fn profile(number: usize, resource: u128) -> Profile {
        let words = |kind: &str| {
            let word = |it| format!("{kind}-{it}-{}", "x".repeat(100));
            (0..60).map(word).collect::<std::collections::BTreeSet<_>>()
        };
        Profile {
            resource: ResourceId(resource),
            registration: Registration {
                name: "edge-1".parse().expect("a name"),
                description: format!("the {number}th"),
                capabilities: words("can"),
                unverified: words("might"),
                protocols: words("speaks"),
                languages: words("says"),
                address: "192.0.2.1:7000".to_owned(),
                attributes: BTreeMap::new(),
            },
            certificate: "01".to_owned(),
            presence: Presence::Online,
            since: std::time::Duration::ZERO,
            heard: std::time::Duration::ZERO,
        }
    }

    #[test]
    fn the_file_is_bounded_by_its_bytes_and_says_the_last_word() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("registry.jsonl");
        let (mut book, none) = Book::open(&path).expect("opens");
        assert!(none.is_empty());
        let length = || fs::metadata(&path).expect("is there").len();
        book.write(&profile(0, 1)).expect("writes");
        let one = length();
        book.write(&profile(0, 1)).expect("writes");
        assert_eq!(length(), one, "the same costs nothing");
        let rounds = BYTES / one * 2;
        for number in 1..=usize::try_from(rounds).expect("a count") {
            book.write(&profile(number, 1)).expect("writes");
            assert!(length() <= BYTES + one * 2);
        }
        drop(book);
        let (_, profiles) = Book::open(&path).expect("opens");
        let last = profile(usize::try_from(rounds).expect("a count"), 1);
        assert_eq!(profiles, [last]);
    }
}
