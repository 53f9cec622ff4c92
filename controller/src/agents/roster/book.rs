//! The roster on disk: a line for each profile that has changed, rewritten in its shortest form at each start.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use fabric_registry::{Profile, ResourceId};

/// How many lines are added before the file is looked at as a candidate for rewriting.
const LINES: usize = 50_000;

/// The file of the roster.
pub struct Book {
    file: File,
    path: std::path::PathBuf,
    lines: usize,
}

impl Book {
    /// Opens the file and reads what it holds. A last line that was cut off was never answered.
    pub fn open(path: &Path) -> io::Result<(Self, Vec<Profile>)> {
        let profiles = read(path)?;
        let book = Self {
            file: rewritten(path, &profiles)?,
            path: path.to_owned(),
            lines: 0,
        };
        Ok((book, profiles))
    }

    /// Keeps a profile as it is now.
    pub fn write(&mut self, profile: &Profile) -> io::Result<()> {
        let mut line = serde_json::to_vec(profile)?;
        line.push(b'\n');
        self.file.write_all(&line)?;
        self.file.sync_data()?;
        self.lines += 1;
        if self.lines >= LINES {
            self.file = rewritten(&self.path, &read(&self.path)?)?;
            self.lines = 0;
        }
        Ok(())
    }
}

/// The latest line of each agent.
fn read(path: &Path) -> io::Result<Vec<Profile>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let mut profiles: BTreeMap<ResourceId, Profile> = BTreeMap::new();
    for (number, line) in whole.lines().enumerate() {
        let profile: Profile = serde_json::from_str(line).map_err(|error| {
            let words = format!("line {} of {} is no profile: {error}", number + 1, path.display());
            io::Error::new(ErrorKind::InvalidData, words)
        })?;
        profiles.insert(profile.resource, profile);
    }
    Ok(profiles.into_values().collect())
}

fn rewritten(path: &Path, profiles: &[Profile]) -> io::Result<File> {
    let draft = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)?;
    for profile in profiles {
        let mut line = serde_json::to_vec(profile)?;
        line.push(b'\n');
        file.write_all(&line)?;
    }
    file.sync_all()?;
    fs::rename(&draft, path)?;
    OpenOptions::new().append(true).open(path)
}
