//! A real device as a subject of the suite: the way to it, a change that it can take, and a judge that is not ours.

use crate::address::Address;
use crate::judge::Judge;
use adapters_platform::{Platform, builtin};
use adapters_port::conformance::Subject;
use adapters_port::{Access, Deadline};
use futures::future::BoxFuture;
use knowledge_model::{Delta, Path, Tree, Value, diff};
use std::sync::Arc;
use std::time::Duration;

/// What is set where the platform has words for it.
const WANTED: &[(&str, &str)] = &[
    ("interface[entente1]/description", "to the other side"),
    ("interface[entente1]/mtu", "1400"),
    ("interface[entente2]/description", "to <pe3> & on"),
    ("access-list[entente]/rule[10]/action", "permit"),
    ("access-list[entente]/rule[10]/protocol", "tcp"),
    ("access-list[entente]/rule[20]/action", "deny"),
    ("prefix-list[ipv4][entente]/rule[10]/action", "permit"),
    ("prefix-list[ipv4][entente]/rule[10]/prefix", "203.0.113.0/24"),
    ("route-map[entente]/rule[10]/action", "permit"),
];

/// Platforms that take an interface which is not there, so that no interface of a user's device is touched.
const MAKES_INTERFACES: [&str; 3] = ["ietf", "yangcli", "frr"];

/// A running device.
pub struct Device {
    pub name: String,
    /// What it is a part of, unless somebody named it from outside.
    pub part: Option<tests_real::Part>,
    platforms: Vec<&'static Platform>,
    access: Arc<dyn Access>,
    judge: Judge,
    /// A change that the device itself refuses.
    pub refused: &'static [(&'static str, &'static str)],
    /// What ends with it.
    pub keeps: Option<Arc<dyn Send + Sync>>,
    _folder: tempfile::TempDir,
}

impl Device {
    /// The device at this address.
    pub fn at(name: &str, address: Address) -> Self {
        let platforms = vec![builtin::named(&address.platform).unwrap()];
        Self::over(name, platforms, &address, |it| address.access(it))
    }

    /// The device whose configuration is judged at this address, and which is reached in a way of its own.
    pub fn over(
        name: &str,
        platforms: Vec<&'static Platform>,
        judged: &Address,
        way: impl FnOnce(&std::path::Path) -> Arc<dyn Access>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let access = way(&folder.path().join("known_hosts"));
        let refused = match judged.platform.as_str() {
            "ietf" => &[("interface[entente1]/mtu", "3")][..],
            // A hold time of one second is refused when the line is typed, and the lines before it stay.
            "frr" => &[
                ("bgp/as", "65001"),
                ("bgp/neighbor[192.0.2.77]/remote-as", "65002"),
                ("bgp/neighbor[192.0.2.77]/family[ipv4-unicast]", ""),
                ("bgp/neighbor[192.0.2.77]/keepalive", "1"),
                ("bgp/neighbor[192.0.2.77]/hold-time", "1"),
            ],
            "linux" => &[("interface[nowhere]/mtu", "1400")],
            _ => &[],
        };
        Self {
            name: name.to_owned(),
            part: None,
            platforms,
            access,
            judge: Judge::of(judged),
            refused,
            keeps: None,
            _folder: folder,
        }
    }

    /// Judged by this command instead.
    pub fn judged_by(mut self, command: Vec<String>) -> Self {
        self.judge = Judge::once(command);
        self
    }

    fn supports(&self, path: &Path) -> bool {
        let interface = path.to_string().starts_with("interface[entente");
        let knows = |it: &Platform| match it.native() {
            Some(native) => native.filter(std::slice::from_ref(path)).is_ok(),
            None => it.supports(path),
        };
        let takes = |it: &&Platform| knows(it) && (!interface || MAKES_INTERFACES.contains(&it.name()));
        self.platforms.iter().any(takes)
    }

    fn wanted(&self) -> Tree {
        let mut tree = Tree::new();
        for (path, value) in WANTED {
            let path: Path = path.parse().unwrap();
            if self.supports(&path) {
                // yangcli has no way to say these letters.
                let plain = self.platforms.iter().any(|it| it.name() == "yangcli");
                let value = if plain {
                    value.replace(['<', '>', '&'], "")
                } else {
                    (*value).to_owned()
                };
                tree.plant(path, Value::scalar(value));
            }
        }
        tree
    }
}

impl Subject for Device {
    fn access(&self) -> &dyn Access {
        &*self.access
    }

    fn delta(&self) -> Delta {
        diff(&Tree::new(), &self.wanted())
    }

    fn refused(&self) -> Option<Delta> {
        let mut tree = self.wanted();
        for (path, value) in self.refused {
            let value = if value.is_empty() {
                Value::Present
            } else {
                Value::scalar(*value)
            };
            tree.plant(path.parse().unwrap(), value);
        }
        let delta = diff(&Tree::new(), &tree);
        (!self.refused.is_empty()).then_some(delta)
    }

    fn judged(&self) -> BoxFuture<'_, String> {
        Box::pin(async move {
            let said = tokio::task::block_in_place(|| self.judge.read());
            if let Some(part) = self.part {
                tests_real::operations(part, 1);
            }
            said.unwrap_or_else(|error| panic!("the judge of {}: {error}", self.name))
        })
    }

    fn soon(&self) -> Deadline {
        Deadline::after(tokio::time::Instant::now().into_std(), Duration::from_secs(60))
    }

    fn rest(&self, pause: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(pause))
    }
}
