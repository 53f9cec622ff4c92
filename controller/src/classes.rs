//! The classes that the controller knows, and how a new library takes the place of the old one while it runs.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use intents::Library;
use serde_json::json;

use crate::app::{App, AppError, Asker};
use crate::exit::Ended;

/// The most files that a directory of classes may hold.
const FILES: usize = 10_000;

/// The classes of the program and of the user's directory.
///
/// # Errors
/// Every fault of every file, each with file, line and column.
pub fn read(folder: Option<&Path>) -> anyhow::Result<Library> {
    let mut files = Vec::new();
    if let Some(folder) = folder {
        for path in yaml(folder)? {
            files.push((path.display().to_string(), crate::command::read(&path)?));
        }
    }
    Library::load(&files).map_err(|faults| {
        let lines: String = faults.iter().map(|fault| format!("\n  {fault}")).collect();
        let count = match faults.len() {
            1 => "1 fault".to_owned(),
            several => format!("{several} faults"),
        };
        let name = folder.map_or_else(|| "the library".to_owned(), |it| it.display().to_string());
        crate::exit::Exit::Invalid.because(format!("{name} has {count}{lines}"))
    })
}

fn yaml(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    use anyhow::Context as _;
    let entries = std::fs::read_dir(folder).with_context(|| format!("read the classes in {}", folder.display()))?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut paths: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|it| it == "yaml"))
        .collect();
    anyhow::ensure!(
        paths.len() <= FILES,
        "{} holds {} files, more than {FILES}",
        folder.display(),
        paths.len()
    );
    paths.sort();
    Ok(paths)
}

impl App {
    /// The classes as they are now.
    pub fn library(&self) -> Arc<Library> {
        self.library.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the classes anew. The old library stays where the new one has faults.
    pub async fn reload(&self, asker: &Asker) -> Result<Arc<Library>, AppError> {
        let folder = self.classes.clone();
        let read = tokio::task::spawn_blocking(move || read(folder.as_deref())).await;
        let library = match read.map_err(|error| AppError::Inside(error.to_string()))? {
            Ok(library) => Arc::new(library),
            Err(error) => {
                let said = error
                    .downcast_ref::<Ended>()
                    .map_or_else(|| format!("{error:#}"), |it| it.said.clone());
                tracing::error!("the classes stay as they were: {said}");
                return Err(AppError::Classes(
                    said.lines().map(|line| line.trim().to_owned()).collect(),
                ));
            }
        };
        self.learning.replace(library);
        self.teach().await?;
        let library = self.library();
        tracing::info!(
            revision = library.revision(),
            classes = library.iter().count(),
            "the classes were read anew"
        );
        self.note(asker, "reload", "classes", json!({ "revision": library.revision() }))
            .await?;
        Ok(library)
    }

    /// Reads the classes anew whenever the program is sent SIGHUP.
    pub async fn reload_on_hangup(self: Arc<Self>) {
        let hangup = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup());
        let Ok(mut hangup) = hangup else { return };
        let asker = Asker {
            who: "operator".to_owned(),
            door: "signal",
            proven: true,
        };
        while hangup.recv().await.is_some() {
            // What went wrong was logged; the old classes go on.
            let _ = self.reload(&asker).await;
        }
    }
}
