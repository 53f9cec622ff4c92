//! What the journal needs of a file system, so that tests can cut the power between any two of these calls.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// One open file.
pub trait DiskFile: Send {
    /// Writes all bytes at that place; durable only after a sync.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Makes content and length durable, not the name.
    fn sync(&self) -> io::Result<()>;
    /// Cuts, or grows with zeros.
    fn resize(&self, length: u64) -> io::Result<()>;
}

/// One directory of files, without folders.
pub trait Disk: Send + Sync {
    /// The names of all files.
    fn names(&self) -> io::Result<Vec<String>>;
    /// The whole content of a file.
    fn read(&self, name: &str) -> io::Result<Vec<u8>>;
    /// Opens a file for writing; with `fresh` it is made, or emptied.
    fn open(&self, name: &str, fresh: bool) -> io::Result<Box<dyn DiskFile>>;
    /// Gives a file another name, over whatever had it; durable only after `sync_names`.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Takes a file away; durable only after `sync_names`.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes names durable.
    fn sync_names(&self) -> io::Result<()>;
}

/// A directory of the file system, held by this process alone.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    handle: File,
    _lock: File,
}

const LOCK: &str = "lock";

impl Directory {
    /// Opens a directory, made with mode 0700 if absent, and takes its lock. `None`: another process holds it.
    pub fn open(path: &Path) -> io::Result<Option<Self>> {
        let missing: Vec<&Path> = path.ancestors().take_while(|it| !it.exists()).collect();
        if !missing.is_empty() {
            fs::DirBuilder::new().recursive(true).create(path)?;
            fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
        }
        // Whoever made it may have died before its name was durable, so the name is made so at every start.
        for made in missing.into_iter().chain([path]) {
            let parent = made.parent().filter(|it| !it.as_os_str().is_empty());
            File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
        }
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path.join(LOCK))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        Ok(Some(Self {
            path: path.to_owned(),
            handle: File::open(path)?,
            _lock: lock,
        }))
    }
}

impl Disk for Directory {
    fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            if let Ok(name) = entry?.file_name().into_string()
                && name != LOCK
            {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        fs::read(self.path.join(name))
    }

    fn open(&self, name: &str, fresh: bool) -> io::Result<Box<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        options.write(true).create(fresh).truncate(fresh).mode(0o600);
        Ok(Box::new(RealFile(options.open(self.path.join(name))?)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    fn sync_names(&self) -> io::Result<()> {
        self.handle.sync_all()
    }
}

struct RealFile(File);

impl DiskFile for RealFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn resize(&self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }
}
