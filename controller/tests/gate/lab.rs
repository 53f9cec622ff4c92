//! Three routers in a row, a controller and an agent, and somebody who counts packets from one end to the other.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tests_real::Child;

/// How long a session may take to come back: FRR tries again after a while.
const PATIENCE: Duration = Duration::from_secs(40);
const ROUTERS: [&str; 3] = ["r1", "r2", "r3"];
/// What the last router tells of by BGP, and what by OSPF.
pub const BY_BGP: &str = "10.3.0.1";
pub const BY_OSPF: &str = "10.33.0.1";
/// Packets go out from the loopback of the first router.
const FROM: [&str; 2] = ["-I", "10.1.0.1"];
/// The router that is composed of two: the kernel filters and knows the MTU, FRR routes.
const COMPOSED: u8 = 2;

/// Everything, started.
pub struct Lab {
    parts: Vec<Child>,
    ports: [u16; 3],
    /// The third number of the management addresses: another for each run on this machine.
    net: u8,
    ssh: u16,
    /// Where the shell of the composed one listens.
    shell: u16,
    /// Last, because whoever is stopped is found by what stands in it.
    folder: tempfile::TempDir,
}

/// Packets on their way, until they are counted.
pub struct Traffic {
    ping: Child,
    log: PathBuf,
}

impl Lab {
    /// Starts routers, controller and agent, and waits until packets flow.
    pub fn start() -> Self {
        let mut lab = Self {
            parts: Vec::new(),
            ports: [(); 3].map(|()| tests_real::free_port().unwrap()),
            net: u8::try_from(std::process::id() % 250).unwrap(),
            ssh: tests_real::free_port().unwrap(),
            shell: tests_real::free_port().unwrap(),
            folder: tempfile::tempdir().unwrap(),
        };
        for router in 1..=3 {
            lab.router(router);
        }
        lab.script("link", "r1", &["east", &lab.at("r2"), "west"]);
        lab.script("link", "r2", &["east", &lab.at("r3"), "west"]);
        lab.write("inventory.yaml", &lab.inventory());
        lab.program("entente", &["serve"], "controller");
        lab.until("the controller to answer", |code, _| code == 0);
        lab.agent();
        lab.until("the agent to join", |_, said| said.contains("east"));
        lab.flows(BY_BGP, "the start");
        lab.flows(BY_OSPF, "the start");
        lab
    }

    fn router(&self, number: u8) {
        let conf = self.path(&format!("r{number}.conf"));
        std::fs::write(&conf, configuration(number, &self.address(number))).unwrap();
        let (own, host) = (
            format!("{}/30", self.address(number)),
            format!("{}/30", self.host(number)),
        );
        let (port, shell) = (self.ssh.to_string(), self.shell.to_string());
        let mut more = vec!["--conf", conf.to_str().unwrap(), "--management", &own, &host];
        if number == COMPOSED {
            more.extend(["--shell-port", &shell]);
        }
        if number == 3 {
            more.extend(["--interface", "stub"]);
        }
        self.script(
            "start",
            &format!("r{number}"),
            &[&[port.as_str()], more.as_slice()].concat(),
        );
    }

    fn address(&self, number: u8) -> String {
        format!("10.253.{}.{}", self.net, number * 4 + 2)
    }

    fn host(&self, number: u8) -> String {
        format!("10.253.{}.{}", self.net, number * 4 + 1)
    }

    fn script(&self, verb: &str, router: &str, more: &[&str]) -> String {
        let mut command = Command::new(tests_real::root().join("labs/real/frr"));
        let output = command.arg(verb).arg(self.path(router)).args(more).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{verb} {router} {more:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn inventory(&self) -> String {
        let device = |number: u8| {
            let (id, address, port) = (id(number), self.address(number), self.ssh);
            let platforms = if number == COMPOSED {
                "frr, { name: linux, owns: [access-list, interface/access-list-in, interface/mtu] }"
            } else {
                "frr"
            };
            format!(
                "  - id: {id}\n    name: r{number}\n    address: {address}\n    platforms: [{platforms}]\n    protocols: [{{ name: cli, port: {port} }}]\n"
            )
        };
        format!("version: 1\ndevices:\n{}{}{}", device(1), device(2), device(3))
    }

    fn agent(&mut self) {
        let (code, said) = self.entente("agent invite east --device r1 --device r2 --device r3 --output json");
        assert_eq!(code, 0, "{said}");
        let invitation: serde_json::Value = serde_json::from_str(&said).unwrap();
        let text = |field: &str| invitation[field].as_str().unwrap().to_owned();
        std::fs::create_dir(self.path("east")).unwrap();
        let mut config = format!(
            "name: east\nstate: state\ncontroller:\n  address: {}\n  enrolment: {}\n  fingerprint: {}\n  token: {{ file: token }}\n\
             secrets:\n  bgp@1: {{ file: bgp }}\ncredentials:\n",
            text("address"),
            text("enrolment"),
            text("fingerprint")
        );
        let (mut devices, mut private) = (String::new(), vec!["token".to_owned(), "bgp".to_owned()]);
        for (at, router) in ROUTERS.iter().enumerate() {
            let number = u8::try_from(at + 1).unwrap();
            let (id, address, port) = (id(number), self.address(number), self.ssh);
            config += &format!("  {router}: {{ user: admin, key: {router} }}\n");
            let mut beside = String::new();
            if number == COMPOSED {
                config += &format!("  shell: {{ user: root, key: {router} }}\n");
                beside = format!(
                    ", beside: {{ protocol: cli, platform: linux, address: '127.0.0.1:{}', credential: shell, trust-first-use: true }}",
                    self.shell
                );
            }
            devices += &format!(
                "  - id: {id}\n    name: {router}\n    ways: [{{ protocol: cli, platform: frr, address: '{address}:{port}', credential: {router}, trust-first-use: true{beside} }}]\n"
            );
            std::fs::copy(
                self.path(&format!("{router}/key")),
                self.path(&format!("east/{router}")),
            )
            .unwrap();
            private.push((*router).to_owned());
        }
        self.write("east/token", &text("token"));
        self.write("east/bgp", "one-end-alone");
        self.write("east/agent.yaml", &format!("{config}devices:\n{devices}"));
        let files = private.iter().map(|name| self.path(&format!("east/{name}")));
        assert!(Command::new("chmod").arg("600").args(files).status().unwrap().success());
        let file = self.at("east/agent.yaml");
        self.program("entente-agent", &["run", "--config", &file], "east");
    }

    fn program(&mut self, name: &str, words: &[&str], log: &str) {
        let log = std::fs::File::create(self.path(&format!("{log}.log"))).unwrap();
        let mut command = self.command(name);
        command.args(words).stdout(Stdio::null()).stderr(log);
        self.parts.push(Child::start(&mut command).unwrap());
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(Path::new(env!("CARGO_BIN_EXE_entente")).with_file_name(name));
        let names = ["ENTENTE_LISTEN", "ENTENTE_AGENTS_LISTEN", "ENTENTE_AGENTS_ENROLMENT"];
        command.envs(names.iter().zip(self.ports.map(|port| format!("127.0.0.1:{port}"))));
        command
            .env("ENTENTE_STATE", self.path("state"))
            .env("ENTENTE_INVENTORY", self.path("inventory.yaml"))
            .env(
                "ENTENTE_CLASSES",
                tests_real::root().join("controller/tests/gate/classes"),
            );
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn at(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Writes a file where the commands run.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Runs `entente` with the words of a line; answers its exit code and everything that it said.
    pub fn entente(&self, line: &str) -> (i32, String) {
        let output = self.command("entente").args(line.split_whitespace()).output().unwrap();
        let said = [output.stdout, output.stderr].map(|it| String::from_utf8_lossy(&it).into_owned());
        (output.status.code().unwrap_or(-1), said.concat())
    }

    fn until(&self, what: &str, enough: impl Fn(i32, &str) -> bool) {
        let asked = tests_real::until(what, PATIENCE, || {
            let (code, said) = self.entente("agent list");
            enough(code, &said).then_some(())
        });
        asked.unwrap_or_else(|error| panic!("{error}\n{}", self.logs()));
    }

    /// What controller and agent wrote.
    pub fn logs(&self) -> String {
        let read = |name: &str| std::fs::read_to_string(self.path(&format!("{name}.log"))).unwrap_or_default();
        ["controller", "east"]
            .map(|name| format!("── {name}\n{}", read(name)))
            .concat()
    }

    /// What vtysh says of the three running configurations, and the kernel of its filters and links.
    pub fn running(&self) -> Vec<String> {
        let shown = ROUTERS.map(|router| self.script("exec", router, &["vtysh", "-c", "show running-config"]));
        tests_real::operations(tests_real::Part::Frr, 3);
        let composed = format!("r{COMPOSED}");
        let kernel = [
            self.script("exec", &composed, &["nft", "list", "ruleset"]),
            self.script(
                "exec",
                &composed,
                &[
                    "sh",
                    "-c",
                    "ip -o link show 2>/dev/null | grep -o '^[^<]*<\\|mtu [0-9]*'",
                ],
            ),
        ];
        tests_real::operations(tests_real::Part::Linux, 2);
        shown.into_iter().chain(kernel).collect()
    }

    /// Types lines into vtysh, past the product.
    pub fn vtysh(&self, router: &str, lines: &[&str]) {
        let lines = lines.iter().flat_map(|line| ["-c", line]);
        let words: Vec<&str> = ["vtysh"].into_iter().chain(lines).collect();
        self.script("exec", router, &words);
        tests_real::operations(tests_real::Part::Frr, 1);
    }

    fn comes_through(&self, to: &str) -> bool {
        let mut command = Command::new(tests_real::root().join("labs/real/frr"));
        command
            .arg("exec")
            .arg(self.path("r1"))
            .args(["ping", "-c", "1", "-W", "1"])
            .args(FROM)
            .arg(to);
        command.output().unwrap().status.success()
    }

    /// Waits until packets come through.
    pub fn flows(&self, to: &str, after: &str) {
        let flows = tests_real::until("packets to come through", PATIENCE, || {
            self.comes_through(to).then_some(())
        });
        flows.unwrap_or_else(|error| panic!("to {to} after {after}: {error}\n{}", self.logs()));
    }

    /// Waits until nothing comes through, and sees that it stays so for as long as a gate would have looked.
    pub fn is_dead(&self, to: &str, after: &str) {
        let dead = tests_real::until("packets to stop", PATIENCE, || (!self.comes_through(to)).then_some(()));
        dead.unwrap_or_else(|error| panic!("to {to} after {after}: {error}"));
        let revived = (0..3).any(|_| self.comes_through(to));
        assert!(!revived, "to {to} after {after}: packets came through again");
    }

    /// Lets packets flow, fifty in a second.
    pub fn traffic(&self, to: &str) -> Traffic {
        let log = self.path("ping.log");
        let mut command = Command::new(tests_real::root().join("labs/real/frr"));
        command
            .arg("exec")
            .arg(self.path("r1"))
            .args(["ping", "-q", "-i", "0.02"])
            .args(FROM)
            .arg(to);
        command
            .stdout(std::fs::File::create(&log).unwrap())
            .stdin(Stdio::null());
        let ping = Child::start(&mut command).unwrap();
        Traffic { ping, log }
    }
}

impl Traffic {
    /// Stops the packets; answers how many went out and how many of them never came back.
    pub fn count(mut self) -> (u64, u64) {
        // the script becomes a shell around nsenter around ping: the innermost is told
        let innermost = tests_real::until("the innermost process", Duration::from_secs(30), || {
            let (mut pid, mut path) = (self.ping.id(), vec![self.ping.id()]);
            while let Some(child) = child_of(pid) {
                pid = child;
                path.push(child);
            }
            let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
            (name.trim() == "ping").then_some(pid)
        });
        let pid = innermost.unwrap().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        let ended = tests_real::until("ping to end", Duration::from_secs(30), || self.ping.ended().unwrap());
        ended.unwrap();
        let said = std::fs::read_to_string(&self.log).unwrap();
        let line = said.lines().find(|it| it.contains("packets transmitted")).expect(&said);
        let numbers: Vec<u64> = line.split(' ').filter_map(|it| it.parse().ok()).collect();
        (numbers[0], numbers[0] - numbers[1])
    }
}

fn child_of(pid: u32) -> Option<u32> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    children.split_whitespace().next()?.parse().ok()
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.parts.clear();
        for router in ROUTERS {
            let mut command = Command::new(tests_real::root().join("labs/real/frr"));
            let _ = command.arg("stop").arg(self.path(router)).output();
        }
    }
}

fn id(number: u8) -> String {
    format!("01930000-0000-7000-8000-00000000000{number}")
}

/// A router of the row: it knows its neighbours, and tells them its own network; the last one tells another by OSPF.
fn configuration(number: u8, management: &str) -> String {
    const OSPF: &str =
        " ip ospf area 0\n ip ospf dead-interval 3\n ip ospf hello-interval 1\n ip ospf network point-to-point\n";
    let mut interfaces =
        format!("interface mgmt0\n ip address {management}/30\n!\ninterface lo\n ip address 10.{number}.0.1/24\n!\n");
    if number == 3 {
        interfaces += &format!("interface stub\n ip address {BY_OSPF}/24\n ip ospf area 0\n!\n");
    }
    let mut neighbors = Vec::new();
    if number > 1 {
        let west = number - 1;
        interfaces += &format!("interface west\n ip address 10.{west}{number}.0.{number}/24\n{OSPF}!\n");
        neighbors.push((format!("10.{west}{number}.0.{west}"), west));
    }
    if number < 3 {
        let east = number + 1;
        interfaces += &format!("interface east\n ip address 10.{number}{east}.0.{number}/24\n{OSPF}!\n");
        neighbors.push((format!("10.{number}{east}.0.{east}"), east));
    }
    let (mut sessions, mut families) = (String::new(), String::new());
    for (peer, other) in neighbors {
        sessions += &format!(
            " neighbor {peer} remote-as 6500{other}\n neighbor {peer} timers 1 3\n neighbor {peer} timers connect 1\n neighbor {peer} advertisement-interval 0\n"
        );
        families += &format!("  neighbor {peer} route-map all in\n  neighbor {peer} route-map all out\n");
    }
    format!(
        "frr version 8.4.4\nfrr defaults traditional\nhostname router\nip forwarding\nservice integrated-vtysh-config\n!\n{interfaces}\
         route-map all permit 10\n!\nroute-map nothing deny 10\n!\nrouter bgp 6500{number}\n bgp router-id 10.0.0.{number}\n\
         {sessions} !\n address-family ipv4 unicast\n  network 10.{number}.0.0/24\n{families} exit-address-family\n!\nrouter ospf\n ospf router-id 10.0.0.{number}\n!\n"
    )
}
