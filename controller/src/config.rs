//! The settings of the program: one table says each one's name, where it may come from and what it means.
//!
//! A value comes from the command line, else from the environment, else from the file, else it is the default; where it
//! came from is kept, so that `entente config show` can say so. Unknown names are refused with their line.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use knowledge_model::document::{self, Fault, Faults, Mark, Node};
use transaction::Terms;

use crate::advice::{AdviceSettings, settings as advice};
use crate::agents::{FabricSettings, endpoint};
use crate::history::Keep;
use crate::journal::Kind;

/// One setting.
struct Setting {
    name: &'static str,
    default: &'static str,
    meaning: &'static str,
}

/// Every setting. The environment's name is `ENTENTE_` and the name in capitals with `_` for `.` and `-`.
const SETTINGS: &[Setting] = &[
    Setting {
        name: "state",
        default: "",
        meaning: "the directory that holds everything durable",
    },
    Setting {
        name: "listen",
        default: "127.0.0.1:7420",
        meaning: "where REST is served",
    },
    Setting {
        name: "tls.certificate",
        default: "",
        meaning: "the certificate of REST in PEM; without it REST is plain on loopback, and elsewhere the controller's own",
    },
    Setting {
        name: "tls.key",
        default: "",
        meaning: "the file with the key of that certificate",
    },
    Setting {
        name: "drain",
        default: "60s",
        meaning: "how long the first interrupt waits for what is open",
    },
    Setting {
        name: "agents.listen",
        default: "127.0.0.1:7421",
        meaning: "where agents dial in",
    },
    Setting {
        name: "agents.enrolment",
        default: "127.0.0.1:7422",
        meaning: "where agents enrol and renew their certificates",
    },
    Setting {
        name: "agents.names",
        default: "localhost,127.0.0.1",
        meaning: "the names that agents dial, for the controller's certificate",
    },
    Setting {
        name: "agents.certificate",
        default: "24h",
        meaning: "how long a certificate is good for; it is renewed before",
    },
    Setting {
        name: "agents.heartbeat",
        default: "30s",
        meaning: "how often an agent that lives is taken note of",
    },
    Setting {
        name: "agents.grace",
        default: "15s",
        meaning: "how late that may be before the agent is temporarily offline",
    },
    Setting {
        name: "agents.offline-after",
        default: "5m",
        meaning: "how long an agent is temporarily offline before it is offline",
    },
    Setting {
        name: "events.listen",
        default: "",
        meaning: "a port of its own for the built-in broker, which is reached at `agents.listen` in any case",
    },
    Setting {
        name: "events.broker",
        default: "",
        meaning: "another MQTT 5 broker that carries events, as HOST:PORT, instead of the built-in one",
    },
    Setting {
        name: "events.address",
        default: "",
        meaning: "where agents publish events, if not where they dial",
    },
    Setting {
        name: "inventory",
        default: "inventory.yaml",
        meaning: "the file that names devices and links",
    },
    Setting {
        name: "classes",
        default: "",
        meaning: "a directory with intent classes of your own",
    },
    Setting {
        name: "corpus",
        default: "",
        meaning: "a directory with sentences of your own that no learned rule may read otherwise: *.jsonl, inventory.yaml",
    },
    Setting {
        name: "model.url",
        default: "",
        meaning: "the base address of an OpenAI-compatible language model that reads sentences beside the rules; none where it is empty",
    },
    Setting {
        name: "model.name",
        default: "",
        meaning: "which model is asked for there",
    },
    Setting {
        name: "model.key-file",
        default: "",
        meaning: "the file with the key of the language model",
    },
    Setting {
        name: "model.key-variable",
        default: "",
        meaning: "the variable of the environment with that key, by its name",
    },
    Setting {
        name: "model.when",
        default: "always",
        meaning: "when it is asked: `always`, or where the rules are `unsure`",
    },
    Setting {
        name: "model.deadline",
        default: "10s",
        meaning: "how long its answer may take, all attempts together; then the rules stand alone",
    },
    Setting {
        name: "model.retries",
        default: "1",
        meaning: "how many attempts follow one that failed",
    },
    Setting {
        name: "model.calls-an-hour",
        default: "60",
        meaning: "how many sentences it is asked about in an hour",
    },
    Setting {
        name: "model.tokens-a-day",
        default: "500000",
        meaning: "how many tokens it may use in 24 hours",
    },
    Setting {
        name: "journal",
        default: "file",
        meaning: "where decisions are made durable: `file`, in the state directory, or `table`, in the store",
    },
    Setting {
        name: "terms.repair",
        default: "1h",
        meaning: "how long a device is waited for once it was decided; then it is owed the end",
    },
    Setting {
        name: "policy",
        default: "",
        meaning: "the file that says what must be approved, and when nothing is committed",
    },
    Setting {
        name: "terms.lease",
        default: "120s",
        meaning: "how long a device keeps an unconfirmed change",
    },
    Setting {
        name: "terms.in-doubt",
        default: "60s",
        meaning: "how long an agent without controller keeps renewing",
    },
    Setting {
        name: "terms.prepare",
        default: "60s",
        meaning: "how long staging everywhere may take",
    },
    Setting {
        name: "terms.apply",
        default: "60s",
        meaning: "how long applying everywhere may take",
    },
    Setting {
        name: "traces",
        default: "",
        meaning: "where traces are sent, the base address of OTLP over HTTP; none are where it is empty",
    },
    Setting {
        name: "history.most",
        default: "100",
        meaning: "how many native configurations are kept of each device; 0 keeps none",
    },
    Setting {
        name: "history.age",
        default: "2160h",
        meaning: "for how long native configurations are kept",
    },
    Setting {
        name: "plans.age",
        default: "720h",
        meaning: "for how long a plan is kept that nobody commits",
    },
    Setting {
        name: "log",
        default: "info",
        meaning: "what is logged, as `level` or `module=level,…`",
    },
];

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// A line of the file.
    File(Mark),
    /// A variable of the environment.
    Environment(String),
    /// An argument.
    Argument,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(mark) => write!(f, "line {}", mark.line),
            Self::Environment(name) => f.write_str(name),
            Self::Argument => f.write_str("argument"),
        }
    }
}

/// One value with its story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The setting.
    pub name: &'static str,
    /// Its value.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
    /// What it means.
    pub meaning: &'static str,
}

/// The settings, checked whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The directory that holds everything durable.
    pub state: PathBuf,
    /// Where REST is served.
    pub listen: SocketAddr,
    /// Certificate and key of REST, if they are named.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// How long a stop waits for what is open.
    pub drain: Duration,
    /// Where agents dial in.
    pub agents_listen: SocketAddr,
    /// Where agents enrol.
    pub agents_enrolment: SocketAddr,
    /// The names that agents dial.
    pub agents_names: Vec<String>,
    /// How agents are registered, certified and heard.
    pub fabric: FabricSettings,
    /// The inventory's file.
    pub inventory: PathBuf,
    /// A directory with intent classes of the user's own.
    pub classes: Option<PathBuf>,
    /// The language model, where one is configured.
    pub advice: Option<AdviceSettings>,
    /// A directory with sentences that no learned rule may read otherwise.
    pub corpus: Option<PathBuf>,
    /// Where decisions are made durable.
    pub journal: Kind,
    /// The terms of transactions.
    pub terms: TermSettings,
    /// Where traces are sent, if anywhere.
    pub traces: Option<String>,
    /// What must be approved, and when nothing is committed.
    pub policy: Option<PathBuf>,
    /// How much is kept of what stood on devices.
    pub history: Keep,
    /// What is logged.
    pub log: String,
    /// Every value with its origin.
    pub shown: Vec<Shown>,
}

impl Config {
    /// Whether nobody said anything about this setting.
    pub fn is_default(&self, name: &str) -> bool {
        self.shown
            .iter()
            .any(|it| it.name == name && it.origin == Origin::Default)
    }
}

/// The terms of transactions as configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TermSettings {
    /// How long a device keeps an unconfirmed change.
    pub lease: Duration,
    /// How long an agent without controller keeps renewing.
    pub in_doubt: Duration,
    /// How long staging everywhere may take.
    pub prepare: Duration,
    /// How long applying everywhere may take.
    pub apply: Duration,
    /// How long a device is waited for once it was decided.
    pub repair: Duration,
}

impl TermSettings {
    /// The terms of a transaction, but for what its plan says.
    pub fn terms(&self) -> Terms {
        Terms {
            prepare_within: self.prepare,
            apply_within: self.apply,
            lease: self.lease,
            in_doubt: self.in_doubt,
            repair_within: self.repair,
            ..Terms::default()
        }
    }
}

/// What the settings are read from.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The text of the file, if there is one.
    pub file: Option<String>,
    /// The environment.
    pub environment: BTreeMap<String, String>,
    /// Values from the command line, by the setting's name.
    pub arguments: BTreeMap<&'static str, String>,
}

impl Config {
    /// Reads and checks all settings.
    ///
    /// # Errors
    /// Every fault; those of the environment and the command line stand at line 0.
    pub fn read(sources: &Sources) -> Result<Self, Vec<Fault>> {
        let (file, faults) = match &sources.file {
            Some(text) => {
                let (node, faults) = document::open(text)?;
                (flatten(&node, &faults), faults)
            }
            None => (BTreeMap::new(), Faults::default()),
        };
        let shown: Vec<Shown> = SETTINGS
            .iter()
            .map(|setting| resolve(setting, &file, sources))
            .collect();
        for (name, (_, mark)) in file
            .iter()
            .filter(|(name, _)| SETTINGS.iter().all(|it| it.name != name.as_str()))
        {
            let near = document::nearest(name, SETTINGS.iter().map(|it| it.name));
            faults.add(
                *mark,
                format!("unknown setting `{name}`"),
                near.map(|it| format!("did you mean `{it}`?")).unwrap_or_default(),
            );
        }
        let config = build(shown, &sources.environment, &faults);
        faults.settle(config)
    }
}

/// The name of a setting's variable.
fn variable(name: &str) -> String {
    format!("ENTENTE_{}", name.to_uppercase().replace(['.', '-'], "_"))
}

fn resolve(setting: &Setting, file: &BTreeMap<String, (String, Mark)>, sources: &Sources) -> Shown {
    let variable = variable(setting.name);
    let (value, origin) = if let Some(value) = sources.arguments.get(setting.name) {
        (value.clone(), Origin::Argument)
    } else if let Some(value) = sources.environment.get(&variable) {
        (value.clone(), Origin::Environment(variable))
    } else if let Some((value, mark)) = file.get(setting.name) {
        (value.clone(), Origin::File(*mark))
    } else {
        (setting.default.to_owned(), Origin::Default)
    };
    Shown {
        name: setting.name,
        value,
        origin,
        meaning: setting.meaning,
    }
}

/// `terms: { lease: 60s }` as `terms.lease`.
fn flatten(node: &Node, faults: &Faults) -> BTreeMap<String, (String, Mark)> {
    let mut flat = BTreeMap::new();
    let mut open = vec![(String::new(), node)];
    while let Some((prefix, node)) = open.pop() {
        let document::Content::Map(entries) = &node.value else {
            if node.value != document::Content::Null {
                flat.extend(node.text(faults).map(|text| (prefix, (text, node.at))));
            }
            continue;
        };
        let join = |key: &String| {
            if prefix.is_empty() {
                key.clone()
            } else {
                format!("{prefix}.{key}")
            }
        };
        open.extend(entries.iter().map(|(key, value)| (join(key), value)));
    }
    flat
}

fn build(shown: Vec<Shown>, environment: &BTreeMap<String, String>, faults: &Faults) -> Option<Config> {
    let value = |name: &str| shown.iter().find(|it| it.name == name);
    let text = |name: &str| value(name).map(|it| it.value.clone()).unwrap_or_default();
    let address = |name: &str| {
        parse(
            value(name)?,
            "an address with a port, such as 127.0.0.1:7420",
            |it| it.parse().ok(),
            faults,
        )
    };
    let time = |name: &str| parse(value(name)?, "a time such as 90s, 5m or 1h", duration, faults);
    let state = if text("state").is_empty() {
        default_state(environment)
    } else {
        Some(PathBuf::from(text("state")))
    };
    if state.is_none() {
        faults.add(Mark::default(), "no state directory", "set `state`, or HOME");
    }
    let terms = TermSettings {
        lease: time("terms.lease")?,
        in_doubt: time("terms.in-doubt")?,
        prepare: time("terms.prepare")?,
        apply: time("terms.apply")?,
        repair: time("terms.repair")?,
    };
    if let Err(error) = terms.terms().check() {
        let hint = "`terms.lease`, `terms.in-doubt` and `terms.repair` belong together";
        faults.add(Mark::default(), error.to_string(), hint);
    }
    let tls = match (text("tls.certificate"), text("tls.key")) {
        (certificate, key) if certificate.is_empty() != key.is_empty() => {
            faults.add(
                Mark::default(),
                "`tls.certificate` and `tls.key` belong together",
                "set both or none",
            );
            None
        }
        (certificate, key) => Some((PathBuf::from(certificate), PathBuf::from(key))),
    };
    let fabric = fabric(&shown, faults)?;
    Some(Config {
        state: state?,
        tls: tls.filter(|(certificate, _)| !certificate.as_os_str().is_empty()),
        drain: time("drain")?,
        listen: address("listen")?,
        agents_listen: address("agents.listen")?,
        agents_enrolment: address("agents.enrolment")?,
        fabric,
        agents_names: text("agents.names").split(',').map(|it| it.trim().to_owned()).collect(),
        inventory: PathBuf::from(text("inventory")),
        classes: Some(text("classes")).filter(|it| !it.is_empty()).map(PathBuf::from),
        advice: advice(&shown, faults),
        corpus: Some(text("corpus")).filter(|it| !it.is_empty()).map(PathBuf::from),
        journal: parse(value("journal")?, "`file` or `table`", |it| it.parse().ok(), faults)?,
        terms,
        traces: Some(text("traces")).filter(|it| !it.is_empty()),
        policy: Some(text("policy")).filter(|it| !it.is_empty()).map(PathBuf::from),
        history: Keep {
            most: parse(value("history.most")?, "a number", |it| it.parse().ok(), faults)?,
            age: time("history.age")?,
            plans: time("plans.age")?,
        },
        log: text("log"),
        shown,
    })
}

/// The settings of everything between the controller and its agents.
fn fabric(shown: &[Shown], faults: &Faults) -> Option<FabricSettings> {
    let value = |name: &str| shown.iter().find(|it| it.name == name);
    let text = |name: &str| value(name).map(|it| it.value.clone()).unwrap_or_default();
    let time = |name: &str| parse(value(name)?, "a time such as 90s, 5m or 1h", duration, faults);
    let address = |name: &str| {
        let expected = "an address with a port, such as 127.0.0.1:7421";
        parse(value(name)?, expected, |it| it.parse().ok(), faults)
    };
    let settings = FabricSettings {
        registry: fabric_registry::Terms {
            heartbeat: time("agents.heartbeat")?,
            grace: time("agents.grace")?,
            offline_after: time("agents.offline-after")?,
            ..fabric_registry::Terms::default()
        },
        certificate: time("agents.certificate")?,
        listen: address("agents.listen")?,
        events_listen: match text("events.listen").is_empty() {
            true => None,
            false => Some(address("events.listen")?),
        },
        events_broker: text("events.broker"),
        events_address: text("events.address"),
    };
    for name in ["events.broker", "events.address"] {
        let given = value(name).filter(|it| !it.value.is_empty());
        given.and_then(|it| {
            parse(
                it,
                "a host with a port, such as mqtt.example.net:8883",
                endpoint,
                faults,
            )
        });
    }
    if settings.registry.heartbeat.is_zero() || settings.certificate < Duration::from_secs(1) {
        let words = "`agents.heartbeat` must be longer than nothing, `agents.certificate` at least 1s";
        faults.add(Mark::default(), words, "");
    }
    Some(settings)
}

fn parse<T>(shown: &Shown, expected: &str, read: impl Fn(&str) -> Option<T>, faults: &Faults) -> Option<T> {
    let found = read(&shown.value);
    if found.is_none() {
        let at = if let Origin::File(mark) = shown.origin {
            mark
        } else {
            Mark::default()
        };
        faults.add(
            at,
            format!(
                "`{}` is {:?} ({}), expected {expected}",
                shown.name, shown.value, shown.origin
            ),
            "",
        );
    }
    found
}

/// `90s`, `5m`, `1h`, `250ms`.
pub fn duration(text: &str) -> Option<Duration> {
    let end = text.find(|it: char| !it.is_ascii_digit())?;
    let number: u64 = text[..end].parse().ok()?;
    match &text[end..] {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_secs(number.checked_mul(60)?)),
        "h" => Some(Duration::from_secs(number.checked_mul(3600)?)),
        _ => None,
    }
}

/// `$XDG_STATE_HOME/entente`, or `~/.local/state/entente`.
fn default_state(environment: &BTreeMap<String, String>) -> Option<PathBuf> {
    let absolute = |name: &str| environment.get(name).map(PathBuf::from).filter(|it| it.is_absolute());
    let base = absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/state")));
    base.map(|base| base.join("entente"))
}

/// `$XDG_CONFIG_HOME/entente/entente.yaml`, or under `~/.config`.
pub fn default_file(environment: &BTreeMap<String, String>) -> Option<PathBuf> {
    let absolute = |name: &str| environment.get(name).map(PathBuf::from).filter(|it| it.is_absolute());
    let base = absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")));
    base.map(|base| base.join("entente/entente.yaml"))
        .filter(|file| Path::is_file(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(file: &str, environment: &[(&str, &str)]) -> Sources {
        let environment = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Sources {
            file: Some(file.to_owned()),
            environment: environment.collect(),
            arguments: BTreeMap::new(),
        }
    }

    #[test]
    fn a_value_comes_from_the_nearest_place_and_says_so() {
        let mut sources = sources(
            "listen: 127.0.0.1:1\nterms: { lease: 30s }\n",
            &[("HOME", "/home/a"), ("ENTENTE_LISTEN", "127.0.0.1:2")],
        );
        let config = Config::read(&sources).unwrap();
        assert_eq!(config.listen.port(), 2);
        assert_eq!(config.terms.lease, Duration::from_secs(30));
        assert_eq!(config.state, Path::new("/home/a/.local/state/entente"));
        let origin = |config: &Config, name| {
            config
                .shown
                .iter()
                .find(|it| it.name == name)
                .unwrap()
                .origin
                .to_string()
        };
        assert_eq!(origin(&config, "listen"), "ENTENTE_LISTEN");
        assert_eq!(origin(&config, "terms.lease"), "line 2");
        assert_eq!(origin(&config, "log"), "default");
        sources.arguments.insert("listen", "127.0.0.1:3".to_owned());
        assert_eq!(Config::read(&sources).unwrap().listen.port(), 3);
    }

    #[test]
    fn terms_that_no_transaction_could_keep_are_refused_before_there_is_one() {
        let said = |text: &str| match Config::read(&sources(text, &[("HOME", "/home/a")])) {
            Ok(_) => String::new(),
            Err(faults) => faults.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(said("terms: { lease: 60s, in-doubt: 30s }\n"), "");
        let doubt = said("terms: { lease: 240s }\n");
        assert!(doubt.contains("in_doubt must be longer"), "{doubt}");
        assert!(said("terms: { apply: 0s }\n").contains("is zero"));
    }

    #[test]
    fn every_fault_is_named_with_its_line() {
        let faults = Config::read(&sources(
            "state: /tmp/x\nlisen: 127.0.0.1:1\nterms: { lease: soon }\n",
            &[],
        ))
        .unwrap_err();
        let text: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(
            text,
            [
                "2:8: unknown setting `lisen` (did you mean `listen`?)",
                "3:17: `terms.lease` is \"soon\" (line 3), expected a time such as 90s, 5m or 1h"
            ]
        );
    }
}
