//! Labs that become inventories: what is refused, what is said, and where passwords lie.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use knowledge_model::{Inventory, Schema};
use serde_json::{Value, json};
use tempfile::TempDir;

struct Stage {
    folder: TempDir,
}

impl Stage {
    /// A lab of these nodes, without links.
    fn of(lab: &str, nodes: &[(&str, Value)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let nodes: Value = nodes
            .iter()
            .map(|(name, node)| ((*name).to_owned(), node.clone()))
            .collect::<serde_json::Map<_, _>>()
            .into();
        let topology = json!({ "name": lab, "nodes": nodes, "links": [] });
        fs::create_dir(folder.path().join("lab")).unwrap();
        fs::write(folder.path().join("lab/topology-data.json"), topology.to_string()).unwrap();
        Self { folder }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_entente"));
        command
            .args(line.split_whitespace())
            .current_dir(self.folder.path())
            .env_remove("ENTENTE_CONFIG");
        command
    }

    fn run(&self, line: &str) -> (i32, String) {
        let output = self.command(line).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(said).unwrap())
    }

    fn import(&self, more: &str) -> (i32, String) {
        self.run(&format!(
            "inventory import clab lab --inventory inventory.yaml --credentials keys {more}"
        ))
    }

    fn mode(&self, name: &str) -> u32 {
        fs::symlink_metadata(self.at(name)).unwrap().permissions().mode() & 0o777
    }
}

fn node(kind: &str, label: Option<&str>) -> Value {
    let labels = label.map_or(json!({}), |it| json!({ "entente-platforms": it }));
    json!({ "kind": kind, "mgmt-ipv4-address": "172.20.20.2", "labels": labels })
}

#[test]
fn what_would_not_pass_the_check_is_not_written() {
    for (lab, nodes, expected) in [
        (
            "small",
            vec![("r1", node("linux", Some("frr, linux=access-lst")))],
            r#"r1: "access-lst" is no node of the model (did you mean access-list?)"#,
        ),
        (
            "small",
            vec![("r1", node("linux", Some("fr")))],
            r#"r1: no platform is called "fr" (did you mean frr? there are cisco_ios, frr, huawei_vrp, ietf, linux, yangcli)"#,
        ),
        (
            "../evil",
            vec![("r1", node("cisco_iol", None))],
            r#"r1: "../evil-cisco_iol" is no name"#,
        ),
        ("small", vec![("h 1", node("linux", None))], r#""h 1" is no name"#),
    ] {
        let stage = Stage::of(lab, &nodes);
        let (code, said) = stage.import("");
        assert_eq!(code, 3, "{said}");
        assert!(said.contains(expected), "{expected} is missing in\n{said}");
        assert!(said.contains("nothing was written"), "{said}");
        let left: Vec<_> = fs::read_dir(stage.folder.path()).unwrap().collect();
        assert_eq!(left.len(), 1, "the lab alone: {left:?}");
    }
}

#[test]
fn a_kind_that_no_platform_speaks_for_becomes_a_host_with_a_note() {
    let stage = Stage::of(
        "small",
        &[("r1", node("cisco_iol", None)), ("s1", node("nokia_srlinux", None))],
    );
    let (code, said) = stage.import("");
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("note: s1 of kind \"nokia_srlinux\" is taken for a host"),
        "{said}"
    );
    assert!(said.contains("label it entente-platforms"), "{said}");
    assert_eq!(stage.run("inventory check inventory.yaml").0, 0);
    assert_eq!(stage.import("--update").0, 0, "it takes what it wrote");
}

#[test]
fn every_kind_names_a_platform_that_there_is() {
    for kind in knowledge_model::containerlab::kinds() {
        if let Some(name) = kind.platform {
            let platform = adapters_platform::builtin::named(name);
            let platform = platform.unwrap_or_else(|| panic!("{}: no platform {name}", kind.name));
            assert_eq!(kind.netconf, platform.native().is_some(), "{}", kind.name);
        }
    }
}

/// A platform that no file answers to is refused where it is written, and so is a plan.
#[test]
fn a_platform_that_there_is_not_is_refused_with_those_that_there_are() {
    let stage = Stage::of("small", &[]);
    let device = "{id: 0193a5b0-0000-7000-8000-000000000001, name: r1, address: 192.0.2.1, platforms: [srlinux], protocols: [cli]}";
    fs::write(
        stage.at("inventory.yaml"),
        format!("version: 1\ndevices:\n  - {device}\n"),
    )
    .unwrap();
    fs::write(
        stage.at("intent.yaml"),
        "class: interface.set\nname: a\ntarget: r1\ninterface: eth1\nmtu: 1400\n",
    )
    .unwrap();
    fs::write(stage.at("held.json"), r#"{"r1": {}}"#).unwrap();
    for line in [
        "inventory check inventory.yaml",
        "plan --offline -f intent.yaml --inventory inventory.yaml --state held.json",
    ] {
        let (code, said) = stage.run(line);
        assert_eq!(code, 3, "{line}: {said}");
        let expected = r#"3:90: no platform is called "srlinux" (did you mean linux? there are cisco_ios, frr, huawei_vrp, ietf, linux, yangcli)"#;
        assert!(said.contains(expected), "{line}: {said}");
    }
}

#[test]
fn a_password_is_never_in_a_file_that_others_read() {
    let stage = Stage::of(
        "small",
        &[("r1", node("cisco_iol", None)), ("r2", node("huawei_vrp", None))],
    );
    fs::create_dir(stage.at("keys")).unwrap();
    // a file that others may read, held open by one of them, and a link to a file elsewhere
    fs::write(stage.at("keys/small-cisco_iol"), "old").unwrap();
    fs::set_permissions(stage.at("keys/small-cisco_iol"), Permissions::from_mode(0o644)).unwrap();
    fs::hard_link(stage.at("keys/small-cisco_iol"), stage.at("held")).unwrap();
    fs::write(stage.at("elsewhere"), "theirs").unwrap();
    symlink(stage.at("elsewhere"), stage.at("keys/small-huawei_vrp")).unwrap();
    let (code, said) = stage.import("");
    assert_eq!(code, 0, "{said}");
    for name in ["keys/small-cisco_iol", "keys/small-huawei_vrp"] {
        assert_eq!(fs::read_to_string(stage.at(name)).unwrap(), "admin", "{name}");
        assert!(fs::symlink_metadata(stage.at(name)).unwrap().is_file(), "{name}");
        assert_eq!(stage.mode(name), 0o600, "{name}");
    }
    assert_eq!(
        fs::read_to_string(stage.at("held")).unwrap(),
        "old",
        "the old file was never written to"
    );
    assert_eq!(
        fs::read_to_string(stage.at("elsewhere")).unwrap(),
        "theirs",
        "the link was not followed"
    );
    assert_eq!(
        fs::read_dir(stage.at("keys")).unwrap().count(),
        2,
        "nothing is left over"
    );
}

#[test]
fn what_people_have_set_outlives_an_update() {
    let stage = Stage::of("small", &[("r1", node("cisco_iol", None))]);
    assert_eq!(stage.import("").0, 0);
    fs::write(stage.at("keys/small-cisco_iol"), "of their own").unwrap();
    let mut text = fs::read_to_string(stage.at("inventory.yaml")).unwrap();
    text.push_str("# what somebody wrote\n");
    fs::write(stage.at("inventory.yaml"), &text).unwrap();
    let (code, said) = stage.import("--update");
    assert_eq!(code, 0, "{said}");
    let password = fs::read_to_string(stage.at("keys/small-cisco_iol")).unwrap();
    assert_eq!(password, "of their own", "{said}");
    assert!(said.contains("which stays as it was: the lab says another"), "{said}");
    let former = fs::read_to_string(stage.at("inventory.yaml.before")).unwrap();
    assert_eq!(former, text, "{said}");
    assert!(said.contains("the former one is inventory.yaml.before"), "{said}");
}

#[test]
fn two_passwords_never_share_a_file() {
    let login = |name: &str| format!("{name}:\n  username: u\n  password: p-{name}\n");
    let stage = Stage::of(
        "small",
        &[
            ("a", node("linux", Some("frr"))),
            ("r.1", node("linux", Some("frr"))),
            ("r_1", node("linux", Some("frr"))),
        ],
    );
    let nornir = [login("a"), login("r.1"), login("r_1")].concat();
    fs::write(stage.at("lab/nornir-simple-inventory.yml"), nornir).unwrap();
    let (code, said) = stage.import("");
    assert_eq!(code, 9, "{said}");
    assert!(
        said.contains("the passwords of small-r.1 and small-r_1 would both go to keys/small-r_1"),
        "{said}"
    );
    assert!(!stage.at("inventory.yaml").exists() && !stage.at("keys").exists());
}

/// Another implementation of JSON Schema in another language: it must take the published schema, and judge like the
/// reader.
#[test]
fn the_published_schema_works_in_python() {
    if !tests_real::wanted("import::the_published_schema_works_in_python") {
        return;
    }
    let stage = Stage::of("small", &[]);
    let (code, schema) = stage.run("schema inventory");
    assert_eq!(code, 0, "{schema}");
    fs::write(stage.at("schema.json"), schema).unwrap();
    let judge = Command::new(tests_real::python())
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/import/judge.py"))
        .arg(stage.at("schema.json"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&judge.stdout).into_owned();
    assert!(
        judge.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&judge.stderr)
    );
    let judged: Value = serde_json::from_str(&said).unwrap();
    let rows = judged["rows"].as_array().unwrap();
    assert!(rows.len() >= 20, "{said}");
    let known: Vec<&str> = adapters_platform::builtin::all().map(|it| it.name()).collect();
    for row in rows {
        let read = Inventory::read_for(&row["inventory"].to_string(), Schema::canonical(), &known);
        assert_eq!(read.is_ok(), row["valid"].as_bool().unwrap(), "{row}\n{read:?}");
        assert_eq!(row["valid"], row["expected"], "{row}");
    }
    tests_real::operations(tests_real::Part::Jsonschema, rows.len() as u64);
}

#[test]
fn a_lab_that_is_cut_off_or_no_text_is_told_with_what_mends_it() {
    let stage = Stage::of("small", &[("r1", node("cisco_iol", None))]);
    let lab = stage.at("lab/topology-data.json");
    let whole = fs::read_to_string(&lab).unwrap();
    let check = |text: &str, at: &str, expected: &str| {
        fs::write(&lab, text).unwrap();
        let (code, said) = stage.import("");
        assert_eq!(code, 3, "{said}");
        assert!(said.contains(&format!("topology-data.json:{at}: {expected}")), "{said}");
        assert!(!stage.at("inventory.yaml").exists());
    };
    let cut = &whole[..whole.len() / 2];
    let at = format!("1:{}", cut.len());
    check(
        cut,
        &at,
        "the JSON ends too early (the file is not whole: copy it anew,",
    );
    let before = whole.find("\"nodes\"").unwrap();
    let foreign = format!("{}\0{}", &whole[..before], &whole[before..]);
    check(
        &foreign,
        &format!("1:{}", before + 1),
        "a NUL byte (take it out: the file is text)",
    );
    fs::write(&lab, format!("\u{feff}{whole}")).unwrap();
    let (code, said) = stage.import("");
    assert_eq!(code, 0, "what some editors put before a text is no fault: {said}");
    assert!(
        said.contains("inventory.yaml names 1 device; 1 password in keys"),
        "{said}"
    );
    fs::remove_file(stage.at("inventory.yaml")).unwrap();
    fs::remove_dir_all(stage.at("keys")).unwrap();
    symlink("nowhere.yml", stage.at("lab/nornir-simple-inventory.yml")).unwrap();
    let (code, said) = stage.import("");
    assert!(
        code == 8 && said.contains("no file lab/nornir-simple-inventory.yml"),
        "{said}"
    );
    fs::remove_file(stage.at("lab/nornir-simple-inventory.yml")).unwrap();
    let (code, said) = stage.run("inventory import clab lab --inventory far/off.yaml --credentials keys");
    assert!(code == 8 && said.contains("no folder far for far/off.yaml"), "{said}");
    assert!(!stage.at("keys").exists(), "no password without its inventory");
    fs::write(stage.at("taken"), "").unwrap();
    let (code, said) = stage.run("inventory import clab lab --inventory inventory.yaml --credentials taken");
    assert!(code == 9 && said.contains("taken is a file: name a folder"), "{said}");
    let (code, said) = stage.run("inventory import clab lab/topology-data.json");
    assert_eq!(code, 3, "{said}");
    assert!(
        said.contains("lab/topology-data.json is a file: name the folder that it lies in, which is lab"),
        "{said}"
    );
}

/// Nobody would know that half of a list is missing.
#[test]
fn what_cannot_be_printed_is_an_error_and_a_reader_who_stops_is_none() {
    let stage = Stage::of("small", &[]);
    let printed_to = |out: Stdio| {
        let mut command = stage.command("schema inventory");
        let output = command.stdout(out).stderr(Stdio::piped()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let (code, said) = printed_to(full.into());
    assert_eq!(code, Some(13), "{said}");
    assert!(
        said.contains("could not all be written: No space left on device"),
        "{said}"
    );
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    assert_eq!(printed_to(writer.into()), (Some(0), String::new()));
}

#[test]
fn a_password_is_what_is_written_not_a_number() {
    let stage = Stage::of("small", &[("r1", node("cisco_iol", None))]);
    for written in ["0123", "1e5", "1.10", "0x10", "12345678901234567890123", "True"] {
        let nornir = format!("r1:\n  username: admin\n  password: {written}\n");
        fs::write(stage.at("lab/nornir-simple-inventory.yml"), nornir).unwrap();
        let _ = fs::remove_dir_all(stage.at("keys"));
        let (code, said) = stage.import("--update");
        assert_eq!(code, 0, "{said}");
        assert_eq!(fs::read_to_string(stage.at("keys/small-cisco_iol")).unwrap(), written);
    }
}

#[test]
fn both_of_two_bad_configurations_are_told_and_programs_are_told_in_json() {
    let stage = Stage::of("small", &[]);
    fs::write(
        stage.at("one.json"),
        "{\"entente-system:system\": {\"hostnam\": \"r1\"}}",
    )
    .unwrap();
    fs::write(stage.at("other.xml"), "<system xmlns=\"urn:entente:system\">").unwrap();
    let (code, said) = stage.run("config diff one.json other.xml");
    assert_eq!(code, 3, "{said}");
    for file in ["one.json is no configuration", "other.xml is no configuration"] {
        assert!(said.contains(file), "{said}");
    }
    let many: String = (0..1200)
        .map(|it| format!("{{\"name\": \"e{it}\", \"mtu\": 1}},"))
        .collect();
    let many = format!("{{\"entente-interfaces:interface\": [{}]}}", many.trim_end_matches(','));
    fs::write(stage.at("many.json"), many).unwrap();
    let (code, said) = stage.run("config diff many.json many.json");
    assert_eq!(
        (code, said.matches("/mtu: found \"1\"").count()),
        (3, 1200),
        "every fault"
    );
    fs::write(stage.at("empty.json"), "\n").unwrap();
    fs::write(stage.at("cli.txt"), "hostname r1\n").unwrap();
    fs::write(stage.at("wide.json"), b"\xff\xfe{\0}\0").unwrap();
    for (file, expected) in [
        (
            "empty.json",
            "empty.json is empty: a configuration is what `entente device get` prints",
        ),
        ("cli.txt", "cli.txt begins neither as JSON nor as XML"),
        ("wide.json", "wide.json is UTF-16: save it as UTF-8"),
    ] {
        let (code, said) = stage.run(&format!("config diff {file} many.json"));
        assert_eq!(code, 3, "{said}");
        assert!(said.contains(expected), "{said}");
    }
    let (code, said) = stage.run("config diff one.json other.xml --output json");
    let told: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &told["exit"]), (3, &json!(3)));
    let error = told["error"].as_str().unwrap();
    assert!(error.contains("hostnam") && error.contains("its end tag"), "{error}");
    let faults = told["faults"].as_array().unwrap();
    assert!(
        ["one.json", "other.xml"]
            .iter()
            .all(|file| faults.iter().any(|it| it["file"] == *file && it["line"] == 1)),
        "{faults:?}"
    );
    assert_eq!(stage.run("config diff nope.json neither.json").0, 8, "both are missing");

    fs::write(stage.at("twice.yaml"), "version: 1\ndevicse: []\n").unwrap();
    let told: Value = serde_json::from_str(&stage.run("inventory check twice.yaml --output json").1).unwrap();
    let first = &told["faults"][0];
    assert_eq!((&first["line"], &first["column"]), (&json!(2), &json!(1)), "{told}");
    assert!(first["what"].as_str().unwrap().contains("devicse"), "{told}");
    let (code, said) = stage.run("inventory chekc twice.yaml --output json");
    let told: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &told["exit"]), (2, &json!(2)));
    assert!(told["error"].as_str().unwrap().contains("'chekc'"), "{told}");
    let (code, said) = stage.run("inventory chekc twice.yaml");
    assert!(code == 2 && said.contains("error: unrecognized"), "{said}");
}
