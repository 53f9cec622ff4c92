//! Installing and taking away leaves nothing behind, and systemd reads the units.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn install(arguments: &[&str]) -> String {
    let binaries = Path::new(env!("CARGO_BIN_EXE_entente")).parent().unwrap();
    let mut command = Command::new(tests_real::root().join("packaging/install"));
    let output = command
        .args(arguments)
        .env("ENTENTE_BINARIES", binaries)
        .output()
        .unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "{arguments:?}\n{said}");
    said
}

fn everything(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(everything(&path));
        }
        found.insert(path);
    }
    found
}

#[test]
fn what_was_installed_goes_again_and_nothing_else() {
    let root = tempfile::tempdir().unwrap();
    let below = |name: &str| root.path().join(name);
    std::fs::create_dir_all(below("usr/bin")).unwrap();
    std::fs::write(below("usr/bin/theirs"), "theirs").unwrap();
    let before = everything(root.path());
    let place = root.path().display().to_string();
    let at = ["--prefix", "/usr", "--root", &place];
    install(&[&["install"], &at[..]].concat());
    for file in [
        "usr/bin/entente",
        "usr/bin/entente-agent",
        "usr/lib/systemd/system/entente.service",
        "etc/entente/entente.yaml",
    ] {
        assert!(below(file).is_file(), "{file}");
    }
    std::fs::create_dir_all(below("var/lib/entente")).unwrap();
    std::fs::write(below("var/lib/entente/token"), "secret").unwrap();
    std::fs::write(below("etc/entente/entente.yaml"), "log: debug\n").unwrap();

    // Again, as for an upgrade: settings are the user's.
    install(&[&["install"], &at[..]].concat());
    assert_eq!(
        std::fs::read_to_string(below("etc/entente/entente.yaml")).unwrap(),
        "log: debug\n"
    );
    install(&[&["uninstall"], &at[..]].concat());
    assert!(!below("usr/bin/entente").exists() && below("var/lib/entente/token").is_file());
    assert!(below("etc/entente/entente.yaml").is_file());

    install(&[&["install"], &at[..]].concat());
    install(&[&["uninstall", "--purge"], &at[..]].concat());
    let after = everything(root.path());
    let more: Vec<_> = after.difference(&before).collect();
    assert!(more.is_empty(), "left behind: {more:?}");
    assert_eq!(after, before);
}

#[test]
fn systemd_reads_both_units() {
    if !tests_real::wanted("install::systemd_reads_both_units") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let prefix = folder.path().join("usr").display().to_string();
    let root = folder.path().join("root");
    // Below a root of its own for the settings; the programs stand where the units say, for systemd looks.
    std::fs::create_dir_all(root.join(&prefix[1..])).unwrap();
    install(&["install", "--prefix", &prefix, "--root", &root.display().to_string()]);
    std::os::unix::fs::symlink(root.join(&prefix[1..]), &prefix).unwrap();
    for unit in ["entente.service", "entente-agent.service"] {
        let path = Path::new(&prefix).join("lib/systemd/system").join(unit);
        let output = Command::new("systemd-analyze")
            .args(["verify", "--man=no"])
            .arg(&path)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        let about: Vec<_> = said.lines().filter(|line| line.contains("entente")).collect();
        assert!(about.is_empty(), "{about:?}");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            text.contains("NoNewPrivileges=yes") && text.contains("ProtectSystem=strict"),
            "{text}"
        );
        tests_real::operations(tests_real::Part::SystemdAnalyze, 1);
    }
}
