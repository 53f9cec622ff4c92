//! `entente inventory`: the file that names devices and links.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use knowledge_model::Schema;
use knowledge_model::containerlab::{self, Imported, Lab, Login};
use knowledge_model::document::Fault;
use knowledge_model::inventory::{DeviceId, Inventory};
use uuid::Uuid;

use serde_json::json;

use super::{faulty, read, replace, say, show};
use crate::arguments::{ImportCommand, Output};
use crate::exit::Exit;
use crate::network::platforms;
use crate::plan::counted;

/// A login, the file of its password, and whether that stays although a lab says another.
type Kept<'a> = (&'a Login, PathBuf, bool);

/// Checks an inventory and names every fault.
pub fn check(output: Output, file: &Path) -> Result<()> {
    let inventory = load(file)?;
    let (devices, hosts, links) = (inventory.devices.len(), inventory.hosts.len(), inventory.links.len());
    if output == Output::Json {
        return show::json(&json!({ "file": file, "devices": devices, "hosts": hosts, "links": links }));
    }
    let beside = [(hosts, "host"), (links, "link")].into_iter().filter(|it| it.0 > 0);
    let beside: String = beside
        .map(|(number, thing)| format!(", {}", counted(number, thing)))
        .collect();
    say(format!(
        "{} is good: {}{beside}",
        file.display(),
        counted(devices, "device")
    ));
    Ok(())
}

fn load(file: &Path) -> Result<Inventory> {
    Inventory::read_for(&read(file)?, Schema::canonical(), &platforms()).map_err(|faults| faulty(file, &faults))
}

/// What was imported before, for the ids of its devices: whichever platforms it names.
fn known(file: &Path) -> Result<Inventory> {
    Inventory::read(&read(file)?, Schema::canonical()).map_err(|faults| faulty(file, &faults))
}

/// Makes an inventory of a lab. Passwords go to files of their own, never into the inventory.
pub fn import(output: Output, command: &ImportCommand) -> Result<()> {
    let ImportCommand::Clab {
        folder,
        inventory: file,
        credentials,
        update,
    } = command;
    if file.exists() && !update {
        return Err(Exit::Conflict.because(format!(
            "{} is there already: name another with --inventory, or take --update",
            file.display()
        )));
    }
    if folder.is_file() {
        let holder = folder.parent().filter(|it| !it.as_os_str().is_empty());
        return Err(Exit::Invalid.because(format!(
            "{} is a file: name the folder that it lies in, which is {}",
            folder.display(),
            holder.unwrap_or(Path::new(".")).display()
        )));
    }
    let known = if file.exists() {
        known(file)?
    } else {
        Inventory::default()
    };
    let topology = read(&folder.join("topology-data.json"))?;
    // What is there and cannot be read is no reason to take default passwords.
    let optional = |name: &str| match folder.join(name).symlink_metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        _ => read(&folder.join(name)).map(Some),
    };
    let (nornir, ansible) = (
        optional("nornir-simple-inventory.yml")?,
        optional("ansible-inventory.yml")?,
    );
    let lab = Lab {
        topology: &topology,
        nornir: nornir.as_deref(),
        ansible: ansible.as_deref(),
    };
    let imported = containerlab::import(&lab, &known, &mut || DeviceId(Uuid::now_v7().as_u128()));
    let imported = imported.map_err(|error| faulty(&folder.join(error.file), &error.faults))?;
    let yaml = imported.inventory.to_yaml();
    Inventory::read_for(&yaml, Schema::canonical(), &platforms())
        .map_err(|faults| unfit(&folder.join("topology-data.json"), &yaml, &faults))?;
    // Nothing is written where the last step could not be.
    let holder = file.parent().filter(|it| !it.as_os_str().is_empty());
    if let Some(holder) = holder.filter(|it| !it.is_dir()) {
        return Err(Exit::Missing.because(format!(
            "no folder {} for {}: make it first",
            holder.display(),
            file.display()
        )));
    }
    let kept = keep(credentials, &imported.logins)?;
    let former = former(file, &yaml)?;
    replace::file(file, yaml.as_bytes(), 0o644).with_context(|| format!("write {}", file.display()))?;
    tell(output, (file, credentials), &imported, (&kept, former.as_deref()))
}

/// Says what was written and what stays.
fn tell(
    output: Output,
    (file, credentials): (&Path, &Path),
    imported: &Imported,
    (kept, former): (&[Kept<'_>], Option<&Path>),
) -> Result<()> {
    if output == Output::Json {
        let login = |(login, path, stays): &Kept<'_>| json!({ "name": login.name, "user": login.user, "password": path, "stays": stays });
        let logins: Vec<_> = kept.iter().map(login).collect();
        let devices = imported.inventory.devices.len();
        let notes: Vec<String> = imported.notes.iter().map(ToString::to_string).collect();
        return show::json(
            &json!({ "inventory": file, "former": former, "devices": devices, "logins": logins, "notes": notes }),
        );
    }
    for (login, path, stays) in kept {
        let (name, user, path) = (&login.name, &login.user, path.display());
        let stays = if *stays {
            ", which stays as it was: the lab says another"
        } else {
            ""
        };
        say(format!("login {name}: user {user}, password in {path}{stays}"));
    }
    if let Some(former) = former {
        say(format!(
            "what was written there by hand is not in it: the former one is {}",
            former.display()
        ));
    }
    for note in &imported.notes {
        say(format!("note: {note}"));
    }
    let (devices, logins) = (imported.inventory.devices.len(), imported.logins.len());
    say(format!(
        "{} names {}; {} in {}",
        file.display(),
        counted(devices, "device"),
        counted(logins, "password"),
        credentials.display()
    ));
    Ok(())
}

/// What a lab holds makes no good inventory: each fault with the node that it is in, as the text is not written.
fn unfit(topology: &Path, yaml: &str, faults: &[Fault]) -> anyhow::Error {
    let lines: String = faults.iter().map(|it| format!("\n  {}", told(yaml, it))).collect();
    Exit::Invalid.because(format!(
        "{} makes no good inventory, nothing was written:{lines}",
        topology.display()
    ))
}

fn told(yaml: &str, fault: &Fault) -> String {
    let lines: Vec<&str> = yaml.lines().take(fault.at.line + 1).collect();
    let begins = |it: &&str| it.starts_with("  ") && !it.starts_with("   ");
    let upto = fault.at.line.min(lines.len());
    let item = lines[..upto].iter().rposition(begins).unwrap_or_default();
    let named = |it: &&str| {
        it.trim_start_matches([' ', '-'])
            .strip_prefix("name: ")
            .map(str::to_owned)
    };
    let name = lines[item..].iter().take(2).find_map(named);
    let name = name.unwrap_or_else(|| lines.get(item).map_or(String::new(), |it| it.trim().to_owned()));
    let hint = if fault.hint.is_empty() {
        String::new()
    } else {
        format!(" ({})", fault.hint)
    };
    format!("{name}: {}{hint}", fault.what)
}

/// Keeps the inventory that is there beside the one that takes its place, where they differ.
fn former(file: &Path, yaml: &str) -> Result<Option<PathBuf>> {
    let Ok(there) = std::fs::read(file) else {
        return Ok(None);
    };
    if there == yaml.as_bytes() {
        return Ok(None);
    }
    let mut name = file.as_os_str().to_owned();
    name.push(".before");
    let former = PathBuf::from(name);
    replace::file(&former, &there, 0o644).with_context(|| format!("write {}", former.display()))?;
    Ok(Some(former))
}

/// Keeps every password in a file of its own that its owner alone reads. One that is there already and that nobody else could
/// have read stays: somebody has set it, and what a lab says may be no more than what its kind of device begins with. Told of each is whether it stays
/// although the lab says another.
fn keep<'a>(folder: &Path, logins: &'a [Login]) -> Result<Vec<Kept<'a>>> {
    let mut files = BTreeMap::new();
    for login in logins {
        if let Some(other) = files.insert(file_name(&login.name), &login.name) {
            return Err(Exit::Conflict.because(format!(
                "the passwords of {other} and {} would both go to {}: rename one of the nodes or kinds",
                login.name,
                folder.join(file_name(other)).display()
            )));
        }
    }
    if folder.is_file() {
        return Err(Exit::Conflict.because(format!(
            "{} is a file: name a folder for the passwords with --credentials",
            folder.display()
        )));
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("make {}", folder.display()))?;
    let mut kept = Vec::new();
    for login in logins {
        let path = folder.join(file_name(&login.name));
        let is_private = |it: Metadata| it.is_file() && it.mode() & 0o077 == 0 && it.nlink() == 1;
        let is_private = path.symlink_metadata().is_ok_and(is_private);
        let there = is_private
            .then(|| std::fs::read(&path).ok())
            .flatten()
            .filter(|it| !it.is_empty());
        let word = there.as_deref().unwrap_or(login.password.as_bytes());
        replace::file(&path, word, 0o600)
            .map_err(|error| Exit::Failure.because(format!("cannot write {}: {error}", path.display())))?;
        let stays = word != login.password.as_bytes();
        kept.push((login, path, stays));
    }
    Ok(kept)
}

/// The name comes from a file of another tool: it must not lead out of the folder.
fn file_name(login: &str) -> String {
    let plain = |it: char| {
        if it.is_ascii_alphanumeric() || it == '-' {
            it
        } else {
            '_'
        }
    };
    login.chars().map(plain).collect()
}
