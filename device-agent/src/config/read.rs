//! The reader of the configuration file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use adapters_port::Protocol;
use knowledge_model::document::{self, Fault, Faults, Node};

use super::{Config, Controller, Credential, Device, Log, Way};
use crate::credential::Source;

/// How many devices one process speaks for at most.
const DEVICES: usize = 1000;

/// Reads a configuration; relative paths start at `folder`.
pub fn read(text: &str, folder: &Path) -> Result<Config, Vec<Fault>> {
    let (node, faults) = document::open(text)?;
    let reader = Reader {
        faults: &faults,
        folder,
    };
    let config = reader.config(&node);
    faults.settle(config)
}

struct Reader<'a> {
    faults: &'a Faults,
    folder: &'a Path,
}

impl Reader<'_> {
    fn config(&self, node: &Node) -> Option<Config> {
        let fields = node.fields(self.faults)?;
        let name = fields.required("name").and_then(|it| it.text(self.faults));
        let description = fields.optional("description").and_then(|it| it.text(self.faults));
        let organisation = fields.optional("organisation").and_then(|it| it.text(self.faults));
        let developer = fields.optional("developer").and_then(|it| it.text(self.faults));
        let attributes = fields.optional("attributes").map(|it| self.named(it, Self::word));
        let state = fields.required("state").and_then(|it| self.path(it));
        let controller = fields.optional("controller").and_then(|it| self.controller(it));
        let credentials = fields
            .optional("credentials")
            .map(|it| self.named(it, Self::credential));
        let secrets = fields.optional("secrets").map(|it| self.named(it, Self::source));
        let commands = fields.optional("commands").map(|it| self.items(it, Self::command));
        let devices = fields.required("devices").map(|it| self.items(it, Self::device));
        let step_within = fields.optional("step-within").and_then(|it| self.span(it));
        let look_every = fields.optional("look-every").and_then(|it| self.span(it));
        let drain_within = fields.optional("drain-within").and_then(|it| self.span(it));
        let leave_within = fields.optional("leave-within").and_then(|it| self.span(it));
        let log = fields.optional("log").and_then(|it| self.log(it));
        fields.end();
        let config = Config {
            description: description.unwrap_or_else(|| "speaks for devices".to_owned()),
            organisation: organisation.unwrap_or_default(),
            developer: developer.unwrap_or_default(),
            attributes: attributes.unwrap_or_default(),
            name: name?,
            state: state?,
            controller,
            credentials: credentials.unwrap_or_default(),
            secrets: secrets.unwrap_or_default(),
            commands: commands.unwrap_or_default(),
            devices: devices?,
            step_within: step_within.unwrap_or(Duration::from_secs(60)),
            look_every: look_every
                .unwrap_or(Duration::from_secs(30))
                .max(Duration::from_secs(1)),
            drain_within: drain_within.unwrap_or(Duration::from_secs(20)),
            leave_within: leave_within.unwrap_or(Duration::from_secs(2)),
            log: log.unwrap_or(Log {
                filter: "info".to_owned(),
                json: false,
            }),
        };
        self.check(node, &config);
        Some(config)
    }

    /// What no single field can know.
    fn check(&self, node: &Node, config: &Config) {
        let count = config.devices.len();
        if count == 0 || count > DEVICES {
            self.faults.add(
                node.at,
                format!("{count} devices"),
                format!("an agent speaks for 1 to {DEVICES}"),
            );
        }
        let (mut ids, mut names) = (BTreeSet::new(), BTreeSet::new());
        for device in &config.devices {
            if !ids.insert(device.id) || !names.insert(&device.name) {
                self.faults.add(
                    node.at,
                    format!("device `{}` stands here twice", device.name),
                    "by id or by name",
                );
            }
            for way in device
                .ways
                .iter()
                .filter(|way| !config.credentials.contains_key(&way.credential))
            {
                let known = document::nearest(&way.credential, config.credentials.keys().map(String::as_str));
                let hint = known.map_or_else(String::new, |known| format!("did you mean `{known}`?"));
                let what = format!(
                    "device `{}` names the unknown credential `{}`",
                    device.name, way.credential
                );
                self.faults.add(node.at, what, hint);
            }
        }
        let sources = config
            .secrets
            .values()
            .chain(config.controller.iter().filter_map(|it| it.token.as_ref()));
        let logins = config
            .credentials
            .values()
            .flat_map(|it| it.password.iter().chain(&it.passphrase));
        for source in sources.chain(logins) {
            if let Source::Command(words) = source
                && !words
                    .first()
                    .is_some_and(|program| config.commands.iter().any(|it| it == Path::new(program)))
            {
                let program = words.first().map_or("", String::as_str);
                self.faults.add(
                    node.at,
                    format!("`{program}` may not be asked"),
                    "list it under `commands`",
                );
            }
        }
    }

    fn controller(&self, node: &Node) -> Option<Controller> {
        let fields = node.fields(self.faults)?;
        let address = fields.required("address").and_then(|it| it.text(self.faults));
        let enrolment = fields.required("enrolment").and_then(|it| it.text(self.faults));
        let fingerprint = fields.required("fingerprint").and_then(|it| self.fingerprint(it));
        let token = fields.optional("token").and_then(|it| self.source(it));
        fields.end();
        Some(Controller {
            address: address?,
            enrolment: enrolment?,
            fingerprint: fingerprint?,
            token,
        })
    }

    fn fingerprint(&self, node: &Node) -> Option<String> {
        let text = node.text(self.faults)?;
        let digits: String = text
            .trim_start_matches("sha256:")
            .chars()
            .filter(|it| *it != ':')
            .collect();
        let sound = digits.len() == 64 && digits.bytes().all(|it| it.is_ascii_hexdigit());
        if !sound {
            self.faults.add(
                node.at,
                "not a SHA-256 fingerprint",
                "64 hexadecimal digits, with or without colons",
            );
        }
        sound.then(|| digits.to_lowercase())
    }

    fn credential(&self, node: &Node) -> Option<Credential> {
        let fields = node.fields(self.faults)?;
        let user = fields.required("user").and_then(|it| it.text(self.faults));
        let password = fields.optional("password").and_then(|it| self.source(it));
        let key = fields.optional("key").and_then(|it| self.path(it));
        let passphrase = fields.optional("passphrase").and_then(|it| self.source(it));
        fields.end();
        if password.is_none() && key.is_none() {
            self.faults.add(
                node.at,
                "neither `password` nor `key`",
                "a credential has one of them, or both",
            );
        }
        Some(Credential {
            user: user?,
            password,
            key,
            passphrase,
        })
    }

    /// Where a secret comes from; the secret itself never stands in this file.
    fn source(&self, node: &Node) -> Option<Source> {
        let fields = node.fields(self.faults)?;
        let environment = fields.optional("environment").and_then(|it| it.text(self.faults));
        let file = fields.optional("file").and_then(|it| self.path(it));
        let command = fields
            .optional("command")
            .map(|it| self.items(it, |_, word| word.text(self.faults)));
        fields.end();
        match (environment, file, command) {
            (Some(name), None, None) => Some(Source::Environment(name)),
            (None, Some(path), None) => Some(Source::File(path)),
            (None, None, Some(words)) => Some(Source::Command(words)),
            (_, _, _) => {
                self.faults
                    .add(node.at, "not one source", "give `environment`, `file` or `command`");
                None
            }
        }
    }

    fn command(&self, node: &Node) -> Option<PathBuf> {
        let path = PathBuf::from(node.text(self.faults)?);
        if !path.is_absolute() {
            self.faults.add(
                node.at,
                "not an absolute path",
                "a command is named in full, so that nothing else is run",
            );
        }
        Some(path)
    }

    fn device(&self, node: &Node) -> Option<Device> {
        let fields = node.fields(self.faults)?;
        let id = fields.required("id").and_then(|it| {
            let text = it.text(self.faults)?;
            text.parse()
                .map_err(|error| self.faults.add(it.at, format!("{error}"), ""))
                .ok()
        });
        let name = fields.required("name").and_then(|it| it.text(self.faults));
        let ways = fields.required("ways").map(|it| (it.at, self.items(it, Self::way)));
        fields.end();
        let (at, ways) = ways?;
        if ways.is_empty() {
            self.faults.add(at, "no way to the device", "name at least one");
        }
        Some(Device {
            id: id?,
            name: name?,
            ways,
        })
    }

    fn way(&self, node: &Node) -> Option<Way> {
        let fields = node.fields(self.faults)?;
        let protocol = fields.required("protocol").and_then(|it| self.protocol(it));
        let address = fields.required("address").and_then(|it| {
            let text = it.text(self.faults)?;
            let hint = "as in 192.0.2.1:830 or [2001:db8::1]:22";
            text.parse()
                .map_err(|_| self.faults.add(it.at, "not an address with a port", hint))
                .ok()
        });
        let platform = fields.required("platform").and_then(|it| it.text(self.faults));
        let credential = fields.required("credential").and_then(|it| it.text(self.faults));
        let beside = fields.optional("beside").and_then(|it| self.beside(it, protocol));
        let trust = fields.optional("trust-first-use").and_then(|it| it.truth(self.faults));
        fields.end();
        let trust_first_use = trust.unwrap_or(false);
        Some(Way {
            protocol: protocol?,
            address: address?,
            platform: platform?,
            credential: credential?,
            trust_first_use,
            beside: beside.map(Box::new),
        })
    }

    /// A command line beside a command line, and no further ones.
    fn beside(&self, node: &Node, of: Option<Protocol>) -> Option<Way> {
        let way = self.way(node)?;
        let fits = (of, way.protocol, &way.beside) == (Some(Protocol::Cli), Protocol::Cli, &None);
        if !fits {
            let hint = "a router is composed of two ways over cli: frr, and beside it linux";
            self.faults.add(node.at, "this cannot stand beside that way", hint);
        }
        fits.then_some(way)
    }

    fn protocol(&self, node: &Node) -> Option<Protocol> {
        match node.text(self.faults)?.as_str() {
            "netconf" => Some(Protocol::Netconf),
            "cli" => Some(Protocol::Cli),
            other => {
                self.faults
                    .add(node.at, format!("unknown protocol `{other}`"), "netconf or cli");
                None
            }
        }
    }

    fn log(&self, node: &Node) -> Option<Log> {
        let fields = node.fields(self.faults)?;
        let filter = fields.optional("filter").and_then(|it| it.text(self.faults));
        let json = fields.optional("json").and_then(|it| it.truth(self.faults));
        fields.end();
        Some(Log {
            filter: filter.unwrap_or_else(|| "info".to_owned()),
            json: json.unwrap_or(false),
        })
    }

    fn span(&self, node: &Node) -> Option<Duration> {
        let text = node.text(self.faults)?;
        let split = text.find(|it: char| !it.is_ascii_digit()).unwrap_or(text.len());
        let unit = match text[split..].trim() {
            "ms" => Some(1),
            "s" => Some(1000),
            "m" => Some(60_000),
            _ => None,
        };
        let span = unit
            .and_then(|unit| text[..split].parse::<u64>().ok()?.checked_mul(unit))
            .filter(|it| *it > 0);
        if span.is_none() {
            self.faults.add(
                node.at,
                format!("`{text}` is no span of time"),
                "as in 500ms, 60s or 2m",
            );
        }
        span.map(Duration::from_millis)
    }

    fn path(&self, node: &Node) -> Option<PathBuf> {
        node.text(self.faults).map(|text| self.folder.join(text))
    }

    fn items<T>(&self, node: &Node, each: impl Fn(&Self, &Node) -> Option<T>) -> Vec<T> {
        let items = node.list(self.faults).unwrap_or_default();
        items.iter().filter_map(|item| each(self, item)).collect()
    }

    fn word(&self, node: &Node) -> Option<String> {
        node.text(self.faults)
    }

    fn named<T>(&self, node: &Node, each: impl Fn(&Self, &Node) -> Option<T>) -> BTreeMap<String, T> {
        let entries = node.entries(self.faults).unwrap_or_default();
        entries
            .iter()
            .filter_map(|(name, entry)| Some((name.clone(), each(self, entry)?)))
            .collect()
    }
}
