//! What decides touches no clock, no socket, no runtime, and starts no unbounded queue.

use std::collections::BTreeSet;

use crate::words::{self, Used};
use crate::{none, tree};

/// Folders in which nothing acts.
const PURE: &[&str] = &[
    "intents/src/",
    "knowledge/model/src/",
    "knowledge/cases/src/",
    "transaction/src/",
    "adapters/platform/src/",
    "adapters/failover/src/core/",
    "fabric/registry/src/",
    "fabric/wire/src/ledger.rs",
    "fabric/identity/src/identity.rs",
    "fabric/identity/src/application.rs",
    "fabric/identity/src/claims.rs",
    "fabric/identity/src/roll",
    "fabric/events/src/canonical.rs",
    "fabric/events/src/event.rs",
    "fabric/events/src/filter.rs",
    "controller/src/plan/",
    "controller/src/policy",
    "controller/src/compare.rs",
    "controller/src/commit/change.rs",
    "controller/src/commit/merge.rs",
    "controller/src/commit/point.rs",
    "controller/src/commit/room.rs",
    "controller/src/commit/tally.rs",
    "controller/src/commit/tracks.rs",
    "controller/src/commit/verdict.rs",
    "device-agent/src/desk/outcome.rs",
    "controller/src/advice/weigh",
    "controller/src/advice/prompt.rs",
    "controller/src/advice/budget.rs",
];

/// What is banned and stands there all the same: where, its name, and why.
const EXCEPT: &[(&str, &str, &str)] = &[
    ("adapters/failover/src/core/", "Instant", HANDED_IN),
    ("fabric/identity/src/", "SystemTime", HANDED_IN),
    ("fabric/events/src/event.rs", "SystemTime", HANDED_IN),
];
const HANDED_IN: &str = "the type of a time that is handed in; to ask for it stays banned";

const OPENS: &str = "a driver opens sockets";
const TIME: &str = "take the time as an argument";
const CHANCE: &str = "ids and chance are inputs";
const FILES: &str = "a driver reads and writes files";
const PRINTS: &str = "the edge prints";
const RUNS: &str = "a driver runs it; effects say what is to be done";

/// What must not be named in a pure file, and what to do instead. One name is banned wherever it stands in a path, `.name`
/// as a method, `name!` as a macro, several as the beginning of a path, and `…::name` as its end below something.
const BANNED: &[(&str, &str)] = &[
    ("tokio", RUNS),
    ("tokio_util", RUNS),
    ("tokio_stream", RUNS),
    ("futures", RUNS),
    ("async", RUNS),
    ("await", RUNS),
    (".await", RUNS),
    ("async_std", RUNS),
    ("smol", RUNS),
    ("mio", OPENS),
    ("socket2", OPENS),
    ("reqwest", OPENS),
    ("hyper", OPENS),
    ("axum", OPENS),
    ("tonic", OPENS),
    ("russh", OPENS),
    ("rustls", OPENS),
    ("sqlx", FILES),
    ("TcpStream", OPENS),
    ("TcpListener", OPENS),
    ("UdpSocket", OPENS),
    ("UnixStream", OPENS),
    ("UnixListener", OPENS),
    ("UnixDatagram", OPENS),
    ("ToSocketAddrs", "asking a resolver is an act"),
    ("Instant", TIME),
    ("SystemTime", TIME),
    (".elapsed", TIME),
    ("…::now", TIME),
    ("now_utc", TIME),
    ("now_local", TIME),
    ("std::thread", "a driver starts threads"),
    ("std::process", "a driver starts processes"),
    ("std::fs", FILES),
    (".exists", FILES),
    (".read_dir", FILES),
    (".canonicalize", FILES),
    (".is_file", FILES),
    (".is_dir", FILES),
    ("std::env", "the edge reads the environment"),
    ("std::os", "the edge speaks to the system"),
    ("std::sync::mpsc", "a driver moves messages"),
    ("libc", "the edge speaks to the system"),
    ("nix", "the edge speaks to the system"),
    ("stdin", "the edge reads"),
    ("stdout", PRINTS),
    ("stderr", PRINTS),
    ("print!", PRINTS),
    ("println!", PRINTS),
    ("eprint!", PRINTS),
    ("eprintln!", PRINTS),
    ("dbg!", PRINTS),
    ("getrandom", CHANCE),
    ("rand", CHANCE),
    ("fastrand", CHANCE),
    ("OsRng", CHANCE),
    ("SysRng", CHANCE),
    ("thread_rng", CHANCE),
    ("RandomState", CHANCE),
    ("new_v1", CHANCE),
    ("new_v4", CHANCE),
    ("new_v6", CHANCE),
    ("new_v7", CHANCE),
    ("now_v1", CHANCE),
    ("now_v6", CHANCE),
    ("now_v7", CHANCE),
];

/// Modules of which a pure file may name these alone. `std` itself is never renamed nor taken whole.
const ONLY: &[(&[&str], &[&str], &str)] = &[
    (
        &["std", "net"],
        &["self", "IpAddr", "Ipv4Addr", "Ipv6Addr", "SocketAddr", "AddrParseError"],
        OPENS,
    ),
    (&["std", "time"], &["self", "Duration"], TIME),
];

fn breach(used: &Used) -> Option<String> {
    let segments: Vec<&str> = used.segments.iter().map(String::as_str).collect();
    let name = segments.join("::");
    if matches!(*segments, ["std"] | ["std", "self" | "*"]) {
        return Some(format!("{name}: name what is used of std"));
    }
    let only = ONLY.iter().find_map(|(module, may, instead)| {
        let below = segments.strip_prefix(*module)?.first()?;
        (!may.contains(below)).then_some(*instead)
    });
    let banned = || {
        BANNED
            .iter()
            .find(|(banned, _)| names(&segments, banned))
            .map(|it| it.1)
    };
    only.or_else(banned).map(|instead| format!("{name}: {instead}"))
}

fn names(segments: &[&str], banned: &str) -> bool {
    match banned.strip_prefix("…::") {
        Some(end) => segments.len() > 1 && segments.last() == Some(&end),
        None if banned.contains("::") => {
            let mut begins = banned.split("::");
            let mut given = segments.iter();
            begins.all(|it| given.next() == Some(&it))
        }
        None => segments.contains(&banned),
    }
}

/// Whether it starts a queue without a bound.
fn unbounded(used: &Used) -> bool {
    let segments: Vec<&str> = used.segments.iter().map(String::as_str).collect();
    let last = segments.last().copied().unwrap_or_default();
    let named = matches!(last, "unbounded_channel" | "UnboundedSender" | "UnboundedReceiver");
    let empty = match *segments {
        [.., "mpsc", "channel"] | [.., "unbounded"] => used.empty_call,
        _ => false,
    };
    // taken by name, it could be called by its name alone
    let taken = matches!(*segments, ["std", "sync", "mpsc", "channel" | "Sender" | "*"])
        || matches!(
            *segments,
            [
                "crossbeam" | "crossbeam_channel" | "flume" | "async_channel",
                ..,
                "unbounded"
            ]
        )
        || matches!(*segments, ["futures", .., "mpsc", "unbounded"]);
    named || empty || taken
}

fn breaches(text: &str) -> Vec<String> {
    let words = words::without_tests(&words::words(text)).words;
    let told = words::used(&words).into_iter();
    told.filter_map(|it| Some(format!("{}: {}", it.line, breach(&it)?)))
        .collect()
}

/// The exception that a breach falls under.
fn excepted(path: &str, breach: &str) -> Option<usize> {
    let name = breach.split(": ").nth(1).unwrap_or_default();
    EXCEPT
        .iter()
        .position(|(folder, may, _)| path.starts_with(folder) && name.rsplit("::").next() == Some(may))
}

fn queues(text: &str) -> Vec<String> {
    let words = words::without_tests(&words::words(text)).words;
    let told = words::used(&words).into_iter().filter(unbounded);
    told.map(|it| format!("{}: {}: give the queue a bound", it.line, it.segments.join("::")))
        .collect()
}

/// The files that are modules of tests of others, without their ending: they may do what they like.
fn tests_of_others(sources: &[tree::Source]) -> BTreeSet<String> {
    let mut tests = BTreeSet::new();
    for source in sources {
        let folder = match source.path.strip_suffix(".rs").unwrap_or_default().rsplit_once('/') {
            Some((folder, "lib" | "main" | "mod")) => folder.to_owned(),
            Some((folder, file)) => format!("{folder}/{file}"),
            None => continue,
        };
        let modules = words::without_tests(&words::words(&source.text)).modules;
        tests.extend(modules.into_iter().map(|module| format!("{folder}/{module}")));
    }
    tests
}

fn is_test(path: &str, tests: &BTreeSet<String>) -> bool {
    let stem = path.strip_suffix(".rs").unwrap_or(path);
    tests.iter().any(|test| {
        stem.strip_prefix(&**test)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

#[test]
fn what_decides_does_nothing_else() {
    let sources = tree::files(&[".rs"]);
    let tests = tests_of_others(&sources);
    let (mut all, mut needed) = (Vec::new(), BTreeSet::new());
    for folder in PURE {
        let inside = || sources.iter().filter(|it| it.path.starts_with(folder));
        assert!(
            inside().next().is_some(),
            "{folder}: no such folder: take it out of the rule"
        );
        for source in inside().filter(|it| !is_test(&it.path, &tests)) {
            for breach in breaches(&source.text) {
                match excepted(&source.path, &breach) {
                    Some(exception) => drop(needed.insert(exception)),
                    None => all.push(format!("{}:{breach}", source.path)),
                }
            }
        }
    }
    let idle = (0..EXCEPT.len()).filter(|it| !needed.contains(it));
    all.extend(idle.map(|it| {
        format!(
            "{} in {}: nothing needs it: take it out of EXCEPT",
            EXCEPT[it].1, EXCEPT[it].0
        )
    }));
    none(&all);
}

#[test]
fn every_queue_has_a_bound() {
    let mut all = Vec::new();
    for source in tree::files(&[".rs"]) {
        all.extend(
            queues(&source.text)
                .into_iter()
                .map(|it| format!("{}:{it}", source.path)),
        );
    }
    none(&all);
}

/// What was planted once, each in a line of its own.
const PLANTED: &[&str] = &[
    "use std::time::Instant;",
    "use std::time::{Duration, Instant as Clock};",
    "use std::{fs, collections::BTreeMap};",
    "use std::{net::{IpAddr, TcpStream}};",
    "use std::{collections::{BTreeMap}, thread};",
    "use std::{\n    env,\n};",
    "use std as s;",
    "use std::*;",
    "use std::time::*;",
    "use std::net::*;",
    "use ::std::process::Command;",
    "fn f() -> std::time::SystemTime { todo!() }",
    "fn f() { let (a, b) = std::sync::mpsc::channel(); }",
    "fn f(handle: tokio::runtime::Handle) {}",
    "fn f() { net::TcpListener::bind(\"[::1]:0\"); }",
    "fn f() { getrandom::fill(&mut [0]); }",
    "fn f() { Uuid::new_v4(); }",
    "fn f() { Uuid::now_v7(); }",
    "fn f() { OffsetDateTime::now_utc(); }",
    "fn f() { Utc::now(); }",
    "fn f() { vec![Clock::now()]; }",
    "fn f(it: Clock) { it.elapsed(); }",
    "async fn f() {}",
    "fn f() { g().await; }",
    "fn f() { println!(\"x\"); }",
    "fn f() { write(std::io::stdout()); }",
    "fn f(path: &Path) { path.exists(); }",
];

/// What looks like it and is not.
const SOUND: &[&str] = &[
    "//! Neither tokio nor Instant.",
    "/* tokio /* std::fs */ Instant */",
    "use std::time::Duration;",
    "use std::{net::{IpAddr, Ipv4Addr}, collections::BTreeMap, fmt};",
    "fn f(now: Time) { step(input, now); }",
    "fn f() { \"std::fs \\\" Instant\"; r#\"tokio \" Instant\"#; b\"rand\"; 'a'; '\\''; }",
    "fn f<'a>(it: &'a Instants) {}",
    "fn f() { if print != 1 { env!(\"A\"); } }",
    "struct Operand { random: u8, process: Thread }",
];

#[test]
fn what_is_planted_is_found_wherever_it_stands() {
    let places = [
        ("", ""),
        ("#[cfg(test)]\nmod tests;\n", ""),
        (
            "#[cfg(test)]\nmod tests { #[test] fn t() { let _ = [';', '{']; } }\n",
            "",
        ),
        (
            "#[cfg(test)]\n#[path = \"x.rs\"]\npub(crate) mod tests;\nuse a::b;\n",
            "",
        ),
        ("#[cfg(test)]\nuse a::{b, c};\n", ""),
        ("#[cfg(test)]\nconst A: [u8; 2] = { [1, 2] };\n", ""),
        ("#[cfg(test)]\npub const fn a() -> u8 { 1 }\n", ""),
        ("#[cfg(test)]\nimpl A for B { fn c(); }\n", ""),
        ("#[cfg(test)]\nstruct A(u8);\n", ""),
        ("struct A { #[cfg(test)] a: u8, b: u8 }\n", ""),
        ("mod inner {\n", "\n}"),
    ];
    for sample in PLANTED {
        for (before, after) in places {
            let text = format!("{before}{sample}{after}");
            assert!(!breaches(&text).is_empty(), "not found: {text}");
        }
        let test = format!("#[cfg(test)]\nmod tests {{ {sample} }}\n");
        assert_eq!(breaches(&test), [""; 0], "a test may: {test}");
    }
    for sample in SOUND {
        assert_eq!(breaches(sample), [""; 0], "{sample}");
    }
    assert_eq!(
        breaches("#[cfg(test)]\nmod a;\n\nuse std::{\n    fmt,\n    fs,\n};"),
        ["6: std::fs: a driver reads and writes files"]
    );
}

#[test]
fn queues_without_a_bound_are_found() {
    for sample in [
        "fn f() { mpsc::unbounded_channel::<u8>(); }",
        "use tokio::sync::mpsc::{self, unbounded_channel};",
        "fn f() { std::sync::mpsc::channel::<u8>(); }",
        "fn f() { mpsc::channel::<Vec<u8>>(); }",
        "use std::sync::{Arc, mpsc::channel};",
        "#[cfg(test)] mod tests;\nfn f() { crossbeam::channel::unbounded::<u8>(); }",
        "fn f(out: UnboundedSender<u8>) {}",
    ] {
        assert!(!queues(sample).is_empty(), "{sample}");
    }
    for sample in [
        "fn f() { mpsc::channel::<u8>(16); oneshot::channel(); sync_channel(1); }",
        "const A: &[&str] = &[\"unbounded_channel(\"];",
    ] {
        assert_eq!(queues(sample), [""; 0], "{sample}");
    }
}

#[test]
fn modules_of_tests_are_known_by_their_declaration() {
    let source = |path: &str, text: &str| tree::Source {
        path: path.into(),
        text: text.into(),
    };
    let tests = tests_of_others(&[
        source("a/src/b.rs", "#[cfg(test)]\nmod tests;\nmod more;"),
        source("a/src/c/mod.rs", "#[cfg(test)]\nmod laws;"),
    ]);
    for path in ["a/src/b/tests.rs", "a/src/b/tests/deep.rs", "a/src/c/laws.rs"] {
        assert!(is_test(path, &tests), "{path}");
    }
    for path in ["a/src/b/more.rs", "a/src/b/tests_too.rs", "a/src/tests.rs"] {
        assert!(!is_test(path, &tests), "{path}");
    }
}
