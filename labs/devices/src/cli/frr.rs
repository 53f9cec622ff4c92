//! The terminal of an FRR-like router: vtysh's prompts, words and refusals.

use crate::store::Datastores;

use super::console::{Console, Said};
use super::doc::Doc;
use super::print::{Style, print};

/// `r1# `, `r1(config-if)# `.
pub fn prompt(console: &Console, stores: &Datastores) -> String {
    let name = console.name(stores);
    let inner = match console.levels.last().map(|level| level.mode) {
        _ if !console.configuring => return format!("{name}# "),
        None => "",
        Some("interface") => "-if",
        Some("family") => "-router-af",
        Some("map") => "-route-map",
        Some(_) => "-router",
    };
    format!("{name}(config{inner})# ")
}

/// Carries a line out.
pub fn line(console: &mut Console, stores: &mut Datastores, line: &str) -> Said {
    let words: Vec<&str> = line.split_whitespace().collect();
    let shown = match words.as_slice() {
        ["do", rest @ ..] if console.configuring => show(stores, rest),
        other => show(stores, other),
    };
    if let Some(text) = shown {
        return Said::text(text);
    }
    match words.as_slice() {
        ["end"] => leave(console),
        ["exit" | "quit"] => return exit(console),
        ["exit-address-family"] if console.levels.last().is_some_and(|it| it.mode == "family") => {
            console.levels.pop();
        }
        ["configure" | "conf", "terminal" | "t" | "term"] | ["configure"] => console.configuring = true,
        ["enable" | "en"] => {}
        ["terminal" | "term", "length" | "len", _] | ["terminal" | "term", "width", _] => {}
        ["write" | "wr", "memory" | "mem"] | ["write" | "wr"] | ["copy", "running-config", "startup-config"] => {
            stores.save();
            return Said::text(SAVED);
        }
        // vtysh takes no text behind this one
        ["no", "description", _, ..] => return Said::text(format!("% Unknown command: {line}\n")),
        _ if console.configuring => return configure(console, stores, line),
        _ => return Said::text(format!("% Unknown command: {line}\n")),
    }
    Said::default()
}

const SAVED: &str = "Note: this version of vtysh never writes vtysh.conf\nBuilding Configuration...\nIntegrated configuration saved to /etc/frr/frr.conf\n[OK]\n";

const MIXED: &str = "% Configuration failed.\n\nError type: validation\nError description: Route cannot have blackhole and non-blackhole nexthops simultaneously\n";

/// What a line may not do although the grammar takes it.
pub fn refusal(doc: &Doc, path: &[String], words: &[String]) -> Option<String> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["router", "bgp", number] => {
            let other = doc
                .blocks
                .iter()
                .filter_map(|block| block.path.first()?.strip_prefix("router bgp "));
            let other = other.into_iter().find(|known| known != number)?;
            Some(format!("BGP is already running; AS is {other}\n"))
        }
        ["ip", "route", prefix, hop, ..] => {
            let wanted = format!("ip route {prefix} ");
            let lines = doc
                .blocks
                .iter()
                .filter(|block| block.path.is_empty())
                .flat_map(|block| &block.lines);
            let other = |line: &String| {
                let known = line.strip_prefix(&wanted).and_then(|rest| rest.split(' ').next());
                known.is_some_and(|known| (known == "blackhole") != (*hop == "blackhole"))
            };
            let mixed = lines.into_iter().any(other);
            mixed.then(|| MIXED.to_owned())
        }
        ["neighbor", address, what, ..] if *what != "remote-as" => {
            let wanted = format!("neighbor {address} remote-as ");
            let block = doc
                .blocks
                .iter()
                .find(|block| block.path.len() == 1 && block.path[..] == path[..1]);
            let known = block.is_some_and(|block| block.lines.iter().any(|line| line.starts_with(&wanted)));
            (!known).then(|| "% Specify remote-as or peer-group commands first\n".to_owned())
        }
        _ => None,
    }
}

fn configure(console: &mut Console, stores: &mut Datastores, line: &str) -> Said {
    let preference = line.strip_prefix("set local-preference ");
    let before = console.doc(stores);
    let repeated = before
        .blocks
        .iter()
        .any(|block| console.is_at(&block.path) && block.lines.iter().any(|it| it == line));
    let malformed = !repeated && preference.is_some_and(|value| value.parse::<u32>().is_err());
    match console.configure(stores, line) {
        Some(_) if malformed => Said::text("% [BGP] Argument form is unsupported or malformed.\n"),
        Some(text) => Said::text(text),
        None if console.is_incomplete(line) => Said::text(format!("% Command incomplete: {line}\n")),
        None => Said::text(format!("% Unknown command: {line}\n")),
    }
}

/// What vtysh says when nothing is there that an undo could take away; of most lines it says nothing.
pub fn undo_refusal(doc: &Doc, path: &[String], line: &str) -> Option<String> {
    let known = |wanted: &str| {
        let here = doc
            .blocks
            .iter()
            .filter(|block| block.path == path)
            .flat_map(|block| &block.lines);
        here.into_iter()
            .any(|line| line == wanted || line.strip_prefix(wanted).is_some_and(|rest| rest.starts_with(' ')))
    };
    let words: Vec<&str> = line.split(' ').collect();
    let refusal = match words.as_slice() {
        ["ip" | "ipv6", "address", _] => "% Can't find address\n",
        ["network", _] => "% Can't find static route specified\n",
        ["ip", "route", ..] => "% Refusing to remove a non-existent route\n",
        _ => return None,
    };
    (!known(line)).then(|| refusal.to_owned())
}

fn leave(console: &mut Console) {
    console.levels.clear();
    console.configuring = false;
}

fn exit(console: &mut Console) -> Said {
    if console.levels.pop().is_none() {
        if !console.configuring {
            return Said {
                close: true,
                ..Said::default()
            };
        }
        console.configuring = false;
    }
    Said::default()
}

fn show(stores: &Datastores, words: &[&str]) -> Option<String> {
    let dialect = crate::personality::Dialect::Frr;
    match words {
        ["show" | "sh", "running-config" | "run", ..] | ["write", "terminal"] => {
            let doc = Doc::read(&stores.running, dialect);
            let body = print(
                &doc,
                Style {
                    end: "exit\n!\n",
                    between: "!\n",
                    inner: " !\n",
                    inner_end: " exit-address-family\n",
                },
            );
            Some(format!(
                "Building configuration...\n\nCurrent configuration:\n!\nfrr version 8.4.4\nfrr defaults traditional\n{body}end\n"
            ))
        }
        ["show" | "sh", "startup-config"] => {
            let doc = Doc::read(&stores.startup, dialect);
            Some(print(
                &doc,
                Style {
                    end: "exit\n!\n",
                    between: "!\n",
                    inner: " !\n",
                    inner_end: " exit-address-family\n",
                },
            ))
        }
        ["show" | "sh", "version"] => Some("FRRouting 8.4.4 (simulated).\n".to_owned()),
        ["show" | "sh", "interface", "brief"] => Some(super::print::brief(stores)),
        _ => None,
    }
}
