//! `entente inventory`: the file that names devices and links.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use knowledge_model::Schema;
use knowledge_model::containerlab::{self, Lab, Login};
use knowledge_model::inventory::{DeviceId, Inventory};
use uuid::Uuid;

use serde_json::json;

use super::{faulty, read, say, show};
use crate::arguments::{ImportCommand, Output};
use crate::exit::Exit;

/// Checks an inventory and names every fault.
pub fn check(output: Output, file: &Path) -> Result<()> {
    let inventory = load(file)?;
    if output == Output::Json {
        return show::json(&json!({ "file": file, "devices": inventory.devices.len() }));
    }
    say(format!(
        "{} is good: {} devices",
        file.display(),
        inventory.devices.len()
    ));
    Ok(())
}

fn load(file: &Path) -> Result<Inventory> {
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
    let known = if file.exists() {
        load(file)?
    } else {
        Inventory::default()
    };
    let topology = read(&folder.join("topology-data.json"))?;
    let optional = |name: &str| {
        folder
            .join(name)
            .is_file()
            .then(|| read(&folder.join(name)))
            .transpose()
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
    let mut kept = Vec::new();
    for login in &imported.logins {
        kept.push((login, keep(credentials, login)?));
    }
    let written = file.with_extension("yaml.new");
    std::fs::write(&written, imported.inventory.to_yaml()).with_context(|| format!("write {}", written.display()))?;
    std::fs::rename(&written, file).with_context(|| format!("write {}", file.display()))?;
    if output == Output::Json {
        let login =
            |(login, path): &(&Login, PathBuf)| json!({ "name": login.name, "user": login.user, "password": path });
        let logins: Vec<_> = kept.iter().map(login).collect();
        let devices = imported.inventory.devices.len();
        let notes: Vec<String> = imported.notes.iter().map(ToString::to_string).collect();
        return show::json(&json!({ "inventory": file, "devices": devices, "logins": logins, "notes": notes }));
    }
    for (login, path) in &kept {
        let (name, user, path) = (&login.name, &login.user, path.display());
        say(format!("login {name}: user {user}, password in {path}"));
    }
    for note in &imported.notes {
        say(format!("note: {note}"));
    }
    let (devices, logins) = (imported.inventory.devices.len(), imported.logins.len());
    say(format!(
        "{} names {devices} devices; {logins} passwords are in {}",
        file.display(),
        credentials.display()
    ));
    Ok(())
}

fn keep(folder: &Path, login: &Login) -> Result<PathBuf> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("make {}", folder.display()))?;
    // The name comes from a file of another tool: it must not lead out of the folder.
    let name: String = login
        .name
        .chars()
        .map(|it| {
            if it.is_ascii_alphanumeric() || it == '-' {
                it
            } else {
                '_'
            }
        })
        .collect();
    let path = folder.join(name);
    let mut out = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path);
    let out = out
        .as_mut()
        .map_err(|error| Exit::Failure.because(format!("cannot write {}: {error}", path.display())))?;
    out.write_all(login.password.as_bytes())
        .with_context(|| format!("write {}", path.display()))?;
    Ok(path)
}
