//! Logins in the inventories that containerlab writes for nornir and ansible. A login is taken whole from the most
//! specific place: the node in nornir, the host in ansible, the group of its kind in ansible.

use super::{ImportError, Lab};
use crate::document::{self, Content, Faults, Node};
use std::collections::BTreeMap;

type Login = (String, String);

/// The logins that the files know.
#[derive(Default)]
pub(super) struct Logins {
    /// By short name.
    nornir: BTreeMap<String, Login>,
    /// By long name.
    ansible: BTreeMap<String, Login>,
}

impl Logins {
    pub(super) fn read(lab: &Lab<'_>) -> Result<Self, ImportError> {
        let mut logins = Self::default();
        if let Some(text) = lab.nornir {
            let document = read("nornir-simple-inventory.yml", text)?;
            for (name, node) in entries(&document) {
                logins
                    .nornir
                    .extend(login(node, "username", "password").map(|it| (name.clone(), it)));
            }
        }
        if let Some(text) = lab.ansible {
            let document = read("ansible-inventory.yml", text)?;
            let kinds = field(&document, "all").and_then(|it| field(it, "children"));
            for (_, kind) in kinds.map(entries).unwrap_or_default() {
                let of_kind = field(kind, "vars").and_then(|it| login(it, "ansible_user", "ansible_password"));
                for (name, host) in field(kind, "hosts").map(entries).unwrap_or_default() {
                    let own = login(host, "ansible_user", "ansible_password");
                    logins
                        .ansible
                        .extend(own.or_else(|| of_kind.clone()).map(|it| (name.clone(), it)));
                }
            }
        }
        Ok(logins)
    }

    pub(super) fn of(&self, short: &str, long: &str) -> Option<Login> {
        self.nornir.get(short).or_else(|| self.ansible.get(long)).cloned()
    }
}

fn read(file: &'static str, text: &str) -> Result<Node, ImportError> {
    document::read(text).map_err(|faults| ImportError { file, faults })
}

fn entries(node: &Node) -> &[(String, Node)] {
    match &node.value {
        Content::Map(entries) => entries,
        Content::Null
        | Content::Bool(_)
        | Content::Integer(_)
        | Content::Float(_)
        | Content::Text(_)
        | Content::List(_) => &[],
    }
}

fn field<'a>(node: &'a Node, name: &str) -> Option<&'a Node> {
    entries(node).iter().find(|it| it.0 == name).map(|it| &it.1)
}

/// Both words, or no login at all.
fn login(node: &Node, user: &str, password: &str) -> Option<Login> {
    let text = |name| field(node, name)?.text(&Faults::default()).filter(|it| !it.is_empty());
    Some((text(user)?, text(password)?))
}
