//! The order of system calls of a controller that commits, as strace saw it: the decision is on the disk before the first
//! byte that speaks of it leaves for an agent.
//!
//! What goes over the agents' streams is encrypted, so that no byte of it can be read here. Two things are known of it all
//! the same: the controller names the point before it hands over the first confirm, and while the decision is on its way to
//! the disk nothing that is as long as a confirm may leave on any agent's stream.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod network;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use network::Network;
use tests_real::Child;

/// What keeps a stream alive is shorter, and a confirm is longer: both as they are on the wire, encrypted.
const SHORTER_THAN_A_CONFIRM: u64 = 64;
const CONFIRMS: usize = 3;

/// Answers every fdatasync long before it is done, as a controller would that sends before it syncs: so long that none of
/// an earlier write falls between the decision and what speaks of it.
const EARLY: &str = "
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>
static void *late(void *fd) {
    sleep(60);
    syscall(SYS_fdatasync, (int)(long)fd);
    close((int)(long)fd);
    return 0;
}
int fdatasync(int fd) {
    pthread_t thread;
    pthread_create(&thread, 0, late, (void *)(long)dup(fd));
    pthread_detach(thread);
    return 0;
}
";

/// What strace saw.
struct Traced {
    network: Network,
    strace: PathBuf,
}

impl Traced {
    fn start() -> Self {
        let strace = tests_real::program(&["strace"]).expect("strace is installed");
        let mut network = Network::start(&[2, 1]);
        network.set("ENTENTE_LOG", "info,point=trace");
        Self { network, strace }
    }

    /// Restarts the controller, commits `words` to three devices, and gives what was traced meanwhile.
    fn commit(&mut self, words: &str) -> String {
        self.network.kill_controller();
        self.network.start_controller();
        self.network.joined();
        let trace = self.network.path(&format!("{words}.trace"));
        let mut strace = self.attach(&trace);
        self.network.describe("intent.yaml", "r1, r2, r3", "eth1", words);
        let (code, said) = self.network.entente("commit -f intent.yaml");
        assert_eq!(code, 0, "{said}\n{}", self.network.logs());
        let stopped = Command::new("kill").args(["-INT", &strace.id().to_string()]).status();
        assert!(stopped.unwrap().success());
        self.network
            .until("strace to end", || strace.ended().unwrap().map(|_| ()));
        std::fs::read_to_string(trace).unwrap()
    }

    fn attach(&mut self, trace: &Path) -> Child {
        let (said, pid) = (trace.with_extension("said"), self.network.controller().id().to_string());
        let mut command = Command::new(&self.strace);
        command
            .args(["-f", "-yy", "-s", "2000"])
            .args(["-e", "trace=write,writev,sendto,sendmsg,pwrite64,fdatasync", "-p", &pid])
            .arg("-o")
            .arg(trace)
            .stdin(Stdio::null())
            .stderr(std::fs::File::create(&said).unwrap());
        let strace = Child::start(&mut command).unwrap();
        // It says so once it has all of the threads.
        let attached = || std::fs::read_to_string(&said).is_ok_and(|it| it.contains("attached"));
        self.network.until("strace to attach", || attached().then_some(()));
        strace
    }

    fn agents(&self) -> String {
        format!("TCP:[{}->", self.network.agents_listen())
    }
}

/// What is wrong with the order, if anything is.
fn disorder(trace: &str, agents: &str) -> Result<(), String> {
    let lines: Vec<&str> = trace.lines().collect();
    let nth = |what: &str, from: usize, is: &dyn Fn(&str) -> bool| {
        let found = lines.iter().skip(from).position(|line| is(line));
        found.map(|at| from + at).ok_or_else(|| format!("not seen: {what}"))
    };
    let decided =
        |line: &str| line.contains("pwrite64(") && line.contains("Decided") && line.contains("\\\"Confirm\\\"");
    let written = nth("the decision", 0, &decided)?;
    let synced = synced(&lines, written);
    let until = synced.as_ref().map_or(lines.len() - 1, |at| *at);
    let leaves = |line: &&&str| line.contains(agents) && bytes(line) >= SHORTER_THAN_A_CONFIRM;
    if let Some(early) = lines[written..=until].iter().find(leaves) {
        return Err(format!("left for an agent before the decision was synced: {early}"));
    }
    let synced = synced?;
    let point = "controller: before sending confirm";
    let told = nth(point, 0, &|line| line.contains(point))?;
    if told < synced {
        return Err(format!("line {told} comes before line {synced}: {point}"));
    }
    let confirms = lines[told..].iter().filter(leaves).count();
    if confirms < CONFIRMS {
        return Err(format!("{confirms} messages left for agents after the decision"));
    }
    Ok(())
}

/// Where the fdatasync ends that makes the decision durable: the first that begins after the write of it was done, on the
/// same file; others write to other files meanwhile.
fn synced(lines: &[&str], written: usize) -> Result<usize, String> {
    let file = file(lines[written]).ok_or("the decision is written to no file")?;
    let rest = |from: usize| lines.iter().enumerate().skip(from);
    let ends = |from: usize, call: &str| {
        let resumed = format!("<... {call} resumed>");
        let thread = thread(lines[from]);
        let resumes = |line: &str| self::thread(line) == thread && line.contains(&resumed);
        match lines[from].contains("<unfinished") {
            true => rest(from).find(|(_, line)| resumes(line)).map(|(at, _)| at),
            false => Some(from),
        }
    };
    let done = ends(written, "pwrite64").ok_or("the write of the decision does not end")?;
    let sync = format!("fdatasync({file}");
    let begun = rest(done).find(|(_, line)| line.contains(&sync));
    let (begun, _) = begun.ok_or("not seen: a fdatasync of the file with the decision")?;
    let ended = ends(begun, "fdatasync").ok_or("the fdatasync of the decision does not end")?;
    if lines[ended].trim_end().ends_with("= 0") {
        Ok(ended)
    } else {
        Err(format!("the fdatasync of the decision fails: {}", lines[ended]))
    }
}

/// The thread that made a call: the first word of its line.
fn thread(line: &str) -> Option<&str> {
    line.split_whitespace().next()
}

/// The file that a call writes to, with its descriptor: `12</path>`.
fn file(line: &str) -> Option<&str> {
    let (_, call) = line.split_once("pwrite64(")?;
    let (file, _) = call.split_once('>')?;
    file.contains('<').then_some(file)
}

/// How many bytes a call wrote; what it was given, where it tells only later, in a line that names no socket.
fn bytes(line: &str) -> u64 {
    let said = line.rsplit(" = ").next().and_then(|it| it.trim().parse().ok());
    said.unwrap_or(if line.contains("<unfinished") { given(line) } else { 0 })
}

/// The length that stands behind the bytes of a call; of one that hands over several pieces, more than any.
fn given(line: &str) -> u64 {
    let one = ["write(", "sendto("].iter().any(|call| line.contains(call));
    let (_, behind) = line.rsplit_once('"').unwrap_or_default();
    let behind = behind.trim_start_matches(['.', ',', ' ']);
    let length = behind.split(|it: char| !it.is_ascii_digit()).next();
    let length = length.filter(|_| one).and_then(|it| it.parse().ok());
    length.unwrap_or(u64::MAX)
}

#[test]
fn the_decision_is_synced_before_the_first_byte_of_a_confirm_leaves() {
    if !tests_real::wanted("the_decision_is_synced_before_the_first_byte_of_a_confirm_leaves") {
        return;
    }
    let mut traced = Traced::start();
    let trace = traced.commit("honest");
    let agents = traced.agents();
    disorder(&trace, &agents).unwrap_or_else(|error| panic!("{error}\n{trace}"));

    // The same program over a library that answers before it has synced: the judge has to notice.
    let (source, library) = (traced.network.path("early.c"), traced.network.path("early.so"));
    std::fs::write(&source, EARLY).unwrap();
    let cc = tests_real::program(&["cc"]).expect("a C compiler is installed");
    let built = Command::new(cc)
        .args(["-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .status();
    assert!(built.unwrap().success());
    traced.network.set("LD_PRELOAD", library.to_str().unwrap());
    let planted = traced.commit("planted");
    let seen = disorder(&planted, &agents).expect_err(&planted);
    assert!(seen.contains("left for an agent before"), "{seen}");
    println!("planted: {seen}");
    tests_real::operations(tests_real::Part::Strace, CONFIRMS as u64);
}

/// What another thread syncs meanwhile, or the same thread in another file, makes no decision durable.
#[test]
fn a_sync_of_another_file_is_not_the_decisions() {
    let told = ["7 write(2<pipe:[1]>, \"controller: before sending confirm\", 35) = 35"].into_iter();
    let confirms = (0..CONFIRMS).map(|_| "7 sendto(20<TCP:[127.0.0.1:9->127.0.0.1:8]>, \"x\", 200, 0, NULL, 0) = 200");
    let check = |middle: &[&'static str], expected: &str| {
        let write = r#"5 pwrite64(12</s/journal/1>, "{\"Decided\":\"Confirm\"}", 40, 0) = 40"#;
        let early = "6 sendto(20<TCP:[127.0.0.1:9->127.0.0.1:8]>, \"x\", 200, 0, NULL, 0) = 200";
        let middle = middle.iter().map(|it| if *it == "early" { early } else { it });
        let lines: Vec<&str> = [write]
            .into_iter()
            .chain(middle)
            .chain(told.clone())
            .chain(confirms.clone())
            .collect();
        let seen = disorder(&lines.join("\n"), "TCP:[127.0.0.1:9->")
            .err()
            .unwrap_or_default();
        assert!(
            seen.contains(expected) && seen.is_empty() == expected.is_empty(),
            "{seen:?} for {lines:?}"
        );
    };
    let (begins, ends) = (
        "5 fdatasync(12</s/journal/1> <unfinished ...>",
        "5 <... fdatasync resumed>) = 0",
    );
    let other = "8 fdatasync(13</s/store.db-wal>) = 0";
    check(&["5 fdatasync(12</s/journal/1>) = 0"], "");
    check(&[begins, other, ends], "");
    check(
        &[other, "early", "5 fdatasync(12</s/journal/1>) = 0"],
        "left for an agent before",
    );
    check(
        &[begins, "8 <... fdatasync resumed>) = 0", "early", ends],
        "left for an agent before",
    );
    check(
        &[begins, "5 <... fdatasync resumed>) = -1 EIO"],
        "left for an agent before",
    );
    check(&[other], "left for an agent before");

    // What keeps a stream alive may leave meanwhile, also where the kernel takes its time over it.
    let alive = "6 write(20<TCP:[127.0.0.1:9->127.0.0.1:8]>, \"x\", 39 <unfinished ...>";
    check(&[alive, "5 fdatasync(12</s/journal/1>) = 0"], "");
    let late = "6 sendto(20<TCP:[127.0.0.1:9->127.0.0.1:8]>, \"x\"..., 2200, 0, NULL, 0 <unfinished ...>";
    check(&[late, "5 fdatasync(12</s/journal/1>) = 0"], "left for an agent before");
    let pieces = "6 writev(20<TCP:[127.0.0.1:9->127.0.0.1:8]>, [{iov_base=\"x\", iov_len=1}], 1 <unfinished ...>";
    check(
        &[pieces, "5 fdatasync(12</s/journal/1>) = 0"],
        "left for an agent before",
    );
}
