//! What each operation does to the datastores and what it answers: no socket, no clock.

use std::sync::Arc;
use std::time::Duration;

use super::edit::{self, Operation};
use super::error::RpcError;
use super::filter;
use super::state::{Facts, with_state};
use super::{MONITORING, NS};
use crate::fault::Quirk;
use crate::personality::{Base, Confirmed, Traits};
use crate::schema::SCHEMA;
use crate::store::{Commit, Datastores, Entry, Store, Timer};
use crate::xml::{self, Element};

/// What the answer carries.
#[derive(Debug, PartialEq, Eq)]
pub enum Body {
    /// `<ok/>`.
    Ok,
    /// Elements, ready as XML.
    Data(String),
}

/// What the driver does beside answering.
#[derive(Debug, PartialEq, Eq)]
pub enum Effect {
    /// A confirmed commit waits: arm its timer.
    Arm(Timer),
    /// End another session.
    Kill(u32),
    /// End this session after the answer.
    Close,
}

/// One operation of one session on one device.
#[derive(Debug)]
pub struct Call<'a> {
    /// The session's number.
    pub session: u32,
    /// The element inside `<rpc>`.
    pub operation: &'a Element,
    /// What the device offers.
    pub traits: &'a Traits,
    /// What state data is computed from.
    pub facts: Facts,
    /// Names of the nodes that access control leaves out.
    pub hidden: &'a [String],
    /// A commit answers `<ok/>`, and the edit is gone.
    pub lose_commit: bool,
}

/// The answer and what else is to be done.
pub type Answer = Result<(Body, Option<Effect>), RpcError>;

const DONE: Answer = Ok((Body::Ok, None));

impl Call<'_> {
    /// Carries the operation out.
    ///
    /// # Errors
    /// What the device says against it.
    pub fn answer(&self, stores: &mut Datastores) -> Answer {
        match (&*self.operation.ns, self.operation.name.as_str()) {
            (NS, "get") => self.read(&with_state(&stores.running, self.traits, &self.facts)),
            (NS, "get-config") => self.read(stores.content(self.store("source")?)),
            (NS, "edit-config") => self.edit_config(stores),
            (NS, "copy-config") => self.copy_config(stores),
            (NS, "delete-config") => self.delete_config(stores),
            (NS, "lock") => stores.lock(self.store("target")?, self.session).and(DONE),
            (NS, "unlock") => stores.unlock(self.store("target")?, self.session).and(DONE),
            (NS, "discard-changes") if self.traits.candidate => {
                stores.usable(Store::Candidate, self.session)?;
                stores.discard();
                DONE
            }
            (NS, "validate") if self.traits.validate => self.validate(stores),
            (NS, "commit") if self.traits.candidate => self.commit(stores),
            (NS, "cancel-commit") if self.traits.confirmed == Confirmed::V11 => stores
                .cancel(self.session, self.operation.child_text("persist-id"))
                .and(DONE),
            (NS, "close-session") => Ok((Body::Ok, Some(Effect::Close))),
            (NS, "kill-session") => self.kill(),
            (MONITORING, "get-schema") => self.schema(),
            (_, name) => Err(RpcError::protocol(
                "operation-not-supported",
                format!("no operation {name} here"),
            )),
        }
    }

    fn read(&self, tree: &Entry) -> Answer {
        let mut shown = tree.clone();
        for name in self.hidden {
            shown.hide(name);
        }
        let tree = &shown;
        let mut out = String::from("<data>");
        match self.operation.child("filter") {
            None => tree.write_children(&mut out, NS),
            Some(filter) => match filter.attribute("", "type").or_else(|| filter.attribute(NS, "type")) {
                None | Some("subtree") => filter::select(tree, filter).write_children(&mut out, NS),
                Some(_) => return Err(RpcError::protocol("operation-not-supported", "only subtree filters")),
            },
        }
        out.push_str("</data>");
        Ok((Body::Data(out), None))
    }

    fn store(&self, role: &str) -> Result<Store, RpcError> {
        let missing = || RpcError::protocol("missing-element", format!("{role} is missing")).about(role);
        let named = self
            .operation
            .child(role)
            .and_then(|it| it.children.first())
            .ok_or_else(missing)?;
        self.store_named(&named.name)
    }

    fn store_named(&self, name: &str) -> Result<Store, RpcError> {
        match name {
            "running" => Ok(Store::Running),
            "candidate" if self.traits.candidate => Ok(Store::Candidate),
            "startup" if self.traits.startup => Ok(Store::Startup),
            "candidate" | "startup" | "url" => {
                Err(RpcError::protocol("invalid-value", format!("no datastore {name} here")).about(name))
            }
            other => Err(RpcError::protocol("unknown-element", format!("{other} is no datastore")).about(other)),
        }
    }

    fn target(&self) -> Result<Store, RpcError> {
        let store = self.store("target")?;
        if store == Store::Running && !self.traits.writable_running {
            return Err(RpcError::protocol("invalid-value", "running is not written here").about("running"));
        }
        Ok(store)
    }

    fn edit_config(&self, stores: &mut Datastores) -> Answer {
        let store = self.target()?;
        let default = match self.operation.child_text("default-operation") {
            None | Some("merge") => Operation::Merge,
            Some("replace") => Operation::Replace,
            Some("none") => Operation::None,
            Some(other) => return Err(RpcError::protocol("invalid-value", format!("no default {other}"))),
        };
        let config = self.config()?;
        let (test, test_only) = match self.operation.child_text("test-option") {
            None => (self.traits.validate, false),
            Some("set") => (false, false),
            Some("test-then-set") if self.traits.validate => (true, false),
            Some("test-only") if self.traits.validate => (true, true),
            Some(other) => return Err(RpcError::protocol("invalid-value", format!("no test option {other}"))),
        };
        let whole = match self.operation.child_text("error-option") {
            None | Some("stop-on-error" | "continue-on-error") => self.traits.rollback_on_error,
            Some("rollback-on-error") if self.traits.rollback_on_error => true,
            Some(other) => return Err(RpcError::protocol("invalid-value", format!("no error option {other}"))),
        };
        edit::inspect(config)?;
        if self.traits.base == Base::Old && edit::names(config, "remove") {
            return Err(RpcError::protocol("bad-attribute", "base 1.0 has no operation remove"));
        }
        stores.usable(store, self.session)?;
        let mut tree = Entry::clone(stores.content(store));
        let replaces = default == Operation::Replace;
        let outcome = match replaces {
            true => edit::read(config).map(|it| tree = it),
            false => edit::apply(&mut tree, config, default),
        };
        let outcome = outcome.and_then(
            |()| match test && !stores.has(Quirk::LateChecks) || store == Store::Running {
                true => super::check::check(&tree),
                false => Ok(()),
            },
        );
        let keep = !test_only && (outcome.is_ok() || !whole || stores.has(Quirk::PartialEdit));
        if keep && tree != **stores.content(store) {
            stores.set(store, tree);
        }
        outcome.and(DONE)
    }

    fn config(&self) -> Result<&Element, RpcError> {
        let missing = || RpcError::protocol("missing-element", "config is missing").about("config");
        self.operation.child("config").ok_or_else(missing)
    }

    fn copy_config(&self, stores: &mut Datastores) -> Answer {
        let store = self.target()?;
        stores.usable(store, self.session)?;
        let source = self.operation.child("source").and_then(|it| it.children.first());
        let source =
            source.ok_or_else(|| RpcError::protocol("missing-element", "source is missing").about("source"))?;
        let content = match source.name.as_str() {
            "config" => edit::read(source)?,
            name => {
                let from = self.store_named(name)?;
                if from == store {
                    return Err(RpcError::protocol("invalid-value", "source and target are the same"));
                }
                Entry::clone(stores.content(from))
            }
        };
        if store != Store::Candidate {
            super::check::check(&content)?;
        }
        stores.set(store, content);
        DONE
    }

    fn delete_config(&self, stores: &mut Datastores) -> Answer {
        match self.store("target")? {
            Store::Startup => {
                stores.usable(Store::Startup, self.session)?;
                stores.startup = Arc::new(Entry::root());
                DONE
            }
            Store::Running | Store::Candidate => Err(RpcError::protocol("invalid-value", "this datastore stays")),
        }
    }

    fn validate(&self, stores: &mut Datastores) -> Answer {
        let source = self.operation.child("source").and_then(|it| it.children.first());
        match source {
            Some(config) if config.name == "config" => super::check::check(&edit::read(config)?)?,
            Some(_) | None => stores.validate(self.store("source")?)?,
        }
        DONE
    }

    fn commit(&self, stores: &mut Datastores) -> Answer {
        let text = |name| self.operation.child_text(name).map(str::to_owned);
        let confirmed = match self.operation.child("confirmed") {
            None => None,
            Some(_) if self.traits.confirmed == Confirmed::No => {
                return Err(RpcError::protocol("unknown-element", "no confirmed commit here").about("confirmed"));
            }
            Some(_) => Some(timeout(self.operation.child_text("confirm-timeout"))?),
        };
        let persistent = self
            .operation
            .child("persist")
            .or_else(|| self.operation.child("persist-id"));
        if let Some(element) = persistent.filter(|_| self.traits.confirmed != Confirmed::V11) {
            return Err(RpcError::protocol("unknown-element", "no persistent commit here").about(&element.name));
        }
        if self.lose_commit {
            stores.discard();
            return DONE;
        }
        let commit = Commit {
            session: self.session,
            confirmed,
            persist: text("persist"),
            persist_id: text("persist-id"),
        };
        Ok((Body::Ok, stores.commit(&commit)?.map(Effect::Arm)))
    }

    fn kill(&self) -> Answer {
        let id = self
            .operation
            .child_text("session-id")
            .and_then(|it| it.parse::<u32>().ok());
        match id {
            Some(id) if id != self.session && id != 0 => Ok((Body::Ok, Some(Effect::Kill(id)))),
            Some(_) | None => Err(RpcError::protocol("invalid-value", "no other session has this number")),
        }
    }

    fn schema(&self) -> Answer {
        let wanted = self.operation.child_text("identifier").unwrap_or_default();
        let version = self.operation.child_text("version").filter(|it| !it.is_empty());
        let format = self.operation.child_text("format").unwrap_or("yang");
        if format.rsplit(':').next() != Some("yang") {
            return Err(RpcError::protocol("invalid-value", "only the format yang"));
        }
        let module = SCHEMA
            .modules
            .iter()
            .find(|it| it.name == wanted && version.is_none_or(|v| v == it.revision));
        let module = module.ok_or_else(|| RpcError::protocol("invalid-value", format!("no schema {wanted}")))?;
        let mut out = format!("<data xmlns=\"{MONITORING}\">");
        xml::escape(&mut out, module.text);
        out.push_str("</data>");
        Ok((Body::Data(out), None))
    }
}

fn timeout(text: Option<&str>) -> Result<Duration, RpcError> {
    match text.unwrap_or("600").parse::<u32>() {
        Ok(seconds) if seconds > 0 => Ok(Duration::from_secs(u64::from(seconds))),
        Ok(_) | Err(_) => Err(RpcError::protocol("invalid-value", "no such time to confirm").about("confirm-timeout")),
    }
}
