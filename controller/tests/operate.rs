//! Operating the controller: what it says when it cannot start, what it does when it is told to stop.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod network;
mod serving;

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use network::Network;
use serving::{Serving, said};

/// Starts a controller that must not start: one sentence, and a code of its own.
fn refused(serving: &Serving, more: &[(&str, &str)], code: i32, words: &[&str]) {
    let mut command = serving.command();
    command
        .arg("serve")
        .envs(more.iter().copied())
        .env("ENTENTE_LOG", "error");
    let (found, text) = said(&command.output().unwrap());
    assert_eq!(found, code, "{text}");
    for word in words {
        assert!(text.contains(word), "{word:?} is missing in\n{text}");
    }
    assert_eq!(text.trim_end().lines().count(), 1, "one sentence\n{text}");
}

#[test]
fn what_stands_in_the_way_is_said_in_one_sentence_with_its_own_code() {
    let serving = Serving::start(&[]);
    let ports = [(); 3].map(|()| format!("127.0.0.1:{}", tests_real::free_port().unwrap()));
    let free = [
        ("ENTENTE_LISTEN", ports[0].as_str()),
        ("ENTENTE_AGENTS_LISTEN", ports[1].as_str()),
        ("ENTENTE_AGENTS_ENROLMENT", ports[2].as_str()),
    ];
    refused(&serving, &free, 12, &["another controller runs", "stop it", "--state"]);
    let elsewhere = serving.path("elsewhere").display().to_string();
    let state = ("ENTENTE_STATE", elsewhere.as_str());
    refused(&serving, &[state], 10, &["is in use", "--listen"]);
    refused(
        &serving,
        &[free[0], free[1], free[2], ("ENTENTE_STATE", "/proc/entente")],
        11,
        &["cannot use the state directory", "--state"],
    );

    // A clock behind the audit chain: certificates and tokens would be wrong for as long.
    let mut stopped = Serving::start(&[]);
    assert_eq!(stopped.entente("token create amy --role viewer").0, 0);
    stopped.kill();
    let later = "UPDATE audit SET body = json_set(body, '$.at', json_extract(body, '$.at') + 86400000)";
    let program = "import sqlite3,sys\nstore=sqlite3.connect(sys.argv[1]); store.execute(sys.argv[2]); store.commit()";
    let store = stopped.path("state/store.db").display().to_string();
    stopped.run("python3", &["-c", program, &store, later]);
    refused(
        &stopped,
        &[],
        14,
        &["the clock is wrong", "minutes ahead", "timedatectl"],
    );
}

#[test]
fn a_full_disk_stops_it_and_loses_nothing() {
    // SAFETY of the machine: only root may mount, and only into a folder of this test.
    let root = is_root();
    let mut serving = Serving::prepared("127.0.0.1", &[]);
    let state = serving.path("state");
    std::fs::create_dir(&state).unwrap();
    let place = state.display().to_string();
    let mounted = root
        && Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=3m,mode=0700", "tmpfs", &place])
            .status()
            .is_ok_and(|it| it.success());
    if !mounted {
        return tests_real::skipped(
            "operate::a_full_disk_stops_it_and_loses_nothing",
            "only root may mount a small disk",
        );
    }
    let unmount = Unmount(place);
    serving.serve();
    assert_eq!(serving.entente("token create amy --role viewer").0, 0);
    let fill = |bytes: usize| std::fs::write(state.join("fill"), vec![1; bytes]);
    assert!(fill(4 * 1024 * 1024).is_err(), "the disk is small");
    let (code, text) = serving.entente("token create bob --role viewer");
    assert!(code == 13 && text.contains("full"), "{code} {text}");
    serving.kill();
    refused(&serving, &[], 13, &["is full", "free some space"]);
    std::fs::remove_file(state.join("fill")).unwrap();
    serving.serve();
    let said = serving.entente("token list").1;
    assert!(said.contains("amy") && !said.contains("bob"), "{said}");
    assert_eq!(serving.entente("audit verify").0, 0);
    drop(serving);
    drop(unmount);
}

struct Unmount(String);

impl Drop for Unmount {
    fn drop(&mut self) {
        let _ = Command::new("umount").args(["-l", &self.0]).status();
    }
}

/// A user's home; where the tests run as root the user is nobody.
struct Home {
    folder: tempfile::TempDir,
    ports: [String; 3],
    root: bool,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = is_root();
        std::fs::copy(env!("CARGO_BIN_EXE_entente"), folder.path().join("entente")).unwrap();
        if root {
            let mut own = Command::new("chown");
            own.args(["-R", "65534:65534"]).arg(folder.path());
            assert!(own.status().unwrap().success());
        }
        let ports = [(); 3].map(|()| format!("127.0.0.1:{}", tests_real::free_port().unwrap()));
        Self { folder, ports, root }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// The ports alone are told, so that tests may run side by side.
    fn entente(&self, words: &[&str]) -> Command {
        let program = self.path("entente");
        let mut command = Command::new(if self.root { "setpriv".into() } else { program.clone() });
        if self.root {
            let nobody = ["--reuid", "65534", "--regid", "65534", "--clear-groups", "--"];
            command.args(nobody).arg(&program);
        }
        let names = ["ENTENTE_LISTEN", "ENTENTE_AGENTS_LISTEN", "ENTENTE_AGENTS_ENROLMENT"];
        command.args(words).env_clear().env("PATH", "/usr/bin:/bin");
        command
            .envs(names.iter().zip(&self.ports))
            .env("HOME", self.folder.path());
        command.current_dir(self.folder.path());
        command
    }
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|it| it.stdout == b"0\n")
}

fn mode(path: &std::path::Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn without_settings_it_serves_on_loopback_as_anybody() {
    let home = Home::new();
    let log = std::fs::File::create(home.path("log")).unwrap();
    let mut serve = home.entente(&["serve"]);
    let _controller = tests_real::Child::start(serve.stdin(Stdio::null()).stderr(log)).unwrap();
    let found = tests_real::until("the command line to find it", serving::PATIENCE, || {
        let output = home.entente(&["device", "list"]).output().unwrap();
        (output.status.code() == Some(0)).then(|| said(&output).1)
    });
    let log = std::fs::read_to_string(home.path("log")).unwrap();
    let found = found.unwrap_or_else(|error| panic!("{error}\n{log}"));
    assert!(found.contains("no devices"), "{found}");
    let state = home.path(".local/state/entente");
    let token = state.join("token");
    let told = token.display().to_string();
    assert!(log.contains(&told), "it says where the token lies\n{log}");
    assert_eq!((mode(&token), mode(&state)), (0o600, 0o700));
    assert!(log.contains("no devices: name a file with --inventory"), "{log}");
    // The defaults themselves are on loopback.
    let mut show = home.entente(&["config", "show"]);
    let shown = said(&show.env_remove("ENTENTE_LISTEN").output().unwrap()).1;
    assert!(shown.contains("127.0.0.1:7420"), "{shown}");
}

#[test]
fn settings_are_checked_with_line_and_origin() {
    let serving = Serving::prepared("127.0.0.1", &[]);
    std::fs::write(serving.path("bad.yaml"), "listen: 127.0.0.1:1\nterms: { leese: 1s }\n").unwrap();
    let (code, text) = serving.entente("--config bad.yaml config check");
    assert!(
        code == 3 && text.contains("bad.yaml:2:17: unknown setting `terms.leese` (did you mean `terms.lease`?)"),
        "{text}"
    );
    std::fs::write(serving.path("good.yaml"), "terms: { lease: 99s }\n").unwrap();
    let (code, text) = serving.entente("--config good.yaml config show --output json");
    assert_eq!(code, 0, "{text}");
    let rows: serde_json::Value = serde_json::from_str(&text).unwrap();
    let row = |name: &str| {
        rows.as_array()
            .unwrap()
            .iter()
            .find(|it| it["name"] == name)
            .unwrap()
            .clone()
    };
    assert_eq!(
        (
            row("terms.lease")["value"].as_str(),
            row("terms.lease")["from"].as_str()
        ),
        (Some("99s"), Some("line 1"))
    );
    assert_eq!(row("listen")["from"], "ENTENTE_LISTEN");
    assert_eq!(row("log")["from"], "default");
}

#[test]
fn the_first_interrupt_drains_and_the_second_stops_and_both_recover() {
    let mut network = Network::start(&[1]);
    let interrupt = |network: &mut Network| {
        let id = network.controller().id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    };
    let ended = |network: &mut Network| {
        let mut end = None;
        tests_real::until("the controller to end", network::PATIENCE, || {
            end = network.controller().ended().unwrap();
            end.map(|_| ())
        })
        .unwrap_or_else(|error| panic!("{error}\n{}", network.logs()));
        end.unwrap().code()
    };

    network.hold("r1", "commit");
    network.describe("a.yaml", "r1", "eth1", "drained");
    let transaction = network.commit("a.yaml");
    network.told(&transaction, &["r1", "stage done"]);
    interrupt(&mut network);
    network.until("it to say that it waits", || {
        network.logs().contains("waiting for what is open").then_some(())
    });
    network.release("r1");
    assert_eq!(ended(&mut network), Some(0), "{}", network.logs());
    let log = network.logs();
    assert!(
        log.contains("waiting for what is open") && log.contains(&transaction),
        "{log}"
    );
    assert!(network.holds("r1", "drained"), "what was open has ended\n{log}");
    network.start_controller();
    assert_eq!(network.ended(&transaction), "committed");

    network.joined();
    network.hold("r1", "commit");
    network.describe("b.yaml", "r1", "eth1", "stopped");
    let transaction = network.commit("b.yaml");
    network.told(&transaction, &["r1", "stage done"]);
    interrupt(&mut network);
    network.until("it to say that it waits", || {
        (network.logs().matches("waiting for what is open").count() == 2).then_some(())
    });
    interrupt(&mut network);
    assert_eq!(ended(&mut network), Some(130), "{}", network.logs());
    network.heal("r1");
    network.start_controller();
    assert_eq!(network.ended(&transaction), "rolled-back", "{}", network.logs());
    assert!(network.holds("r1", "drained") && !network.holds("r1", "stopped"));
}
