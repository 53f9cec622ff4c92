//! Every operation of RFC 6241 with its capabilities, get-schema (RFC 6022) and subscriptions (RFC 5277), as text.

use crate::xml::{MONITORING, NOTIFICATION, WITH_DEFAULTS, escape};
use std::fmt;
use std::time::Duration;

/// A configuration datastore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Datastore {
    /// What is in effect.
    Running,
    /// What is being worked on.
    Candidate,
    /// What the device starts with.
    Startup,
}

impl Datastore {
    /// Its name, as an element and for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Candidate => "candidate",
            Self::Startup => "startup",
        }
    }
}

/// What of a datastore is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// All of it.
    All,
    /// What these subtrees select: elements with their namespaces, as text.
    Subtree(String),
    /// What an XPath expression selects, with the prefixes it uses. Needs `:xpath`.
    XPath {
        /// The expression.
        select: String,
        /// Prefix and namespace.
        prefixes: Vec<(String, String)>,
    },
}

/// How defaults are reported (RFC 6243).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WithDefaults {
    /// As the server likes it.
    Unsaid,
    /// Only what was set, even to the default.
    Explicit,
    /// All of them.
    ReportAll,
    /// None that equals its default.
    Trim,
}

/// What a server does with an edit before it makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestOption {
    /// As the server likes it.
    Unsaid,
    /// Check, then make it.
    TestThenSet,
    /// Only check.
    TestOnly,
}

/// What a server does with an edit that fails in the middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorOption {
    /// Stops, and leaves what it has done.
    Stop,
    /// Takes back what it has done. Needs `:rollback-on-error`.
    Rollback,
}

/// An edit. Operations stand on the elements themselves; the default is to merge.
#[derive(Clone, Copy, Debug)]
pub struct EditConfig<'a> {
    /// What is edited.
    pub target: Datastore,
    /// Checked first?
    pub test: TestOption,
    /// And when it fails?
    pub error: ErrorOption,
    /// The children of `config`, as text.
    pub config: &'a str,
}

/// A commit.
#[derive(Clone, Copy, Debug)]
pub enum Commit<'a> {
    /// For good; also confirms what the same session began without persist.
    Plain,
    /// Confirms what persists under this id.
    Persisted {
        /// The id it was given.
        id: &'a str,
    },
    /// Tentative, bound to this session.
    BySession {
        /// How long the server waits.
        window: Duration,
    },
    /// Tentative, persisting beyond this session.
    Begin {
        /// How long the server waits.
        window: Duration,
        /// The id to persist under.
        persist: &'a str,
    },
    /// Tentative still: begins the window anew.
    Extend {
        /// How long the server waits from now.
        window: Duration,
        /// The id it persists under.
        persist: &'a str,
    },
}

/// One operation, ready to be sent. It prints as its name alone, since its body may hold secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Operation {
    name: &'static str,
    body: String,
}

impl Operation {
    /// Locks a datastore.
    pub fn lock(target: Datastore) -> Self {
        Self::new("lock", format!("<lock><target><{}/></target></lock>", target.name()))
    }

    /// Unlocks a datastore.
    pub fn unlock(target: Datastore) -> Self {
        Self::new(
            "unlock",
            format!("<unlock><target><{}/></target></unlock>", target.name()),
        )
    }

    /// Reads configuration.
    pub fn read_config(source: Datastore, filter: &Filter, defaults: WithDefaults) -> Self {
        let (source, filter, defaults) = (source.name(), filter.xml(), defaults.xml());
        Self::new(
            "get-config",
            format!("<get-config><source><{source}/></source>{filter}{defaults}</get-config>"),
        )
    }

    /// Reads configuration and state.
    pub fn read_state(filter: &Filter, defaults: WithDefaults) -> Self {
        Self::new("get", format!("<get>{}{}</get>", filter.xml(), defaults.xml()))
    }

    /// Reads nothing: a question that every server answers at once.
    pub fn read_nothing() -> Self {
        Self::new("get", "<get><filter type=\"subtree\"/></get>".to_owned())
    }

    /// Edits a datastore.
    pub fn edit_config(edit: EditConfig<'_>) -> Self {
        let test = match edit.test {
            TestOption::Unsaid => "",
            TestOption::TestThenSet => "<test-option>test-then-set</test-option>",
            TestOption::TestOnly => "<test-option>test-only</test-option>",
        };
        let error = match edit.error {
            ErrorOption::Stop => "",
            ErrorOption::Rollback => "<error-option>rollback-on-error</error-option>",
        };
        let (target, config) = (edit.target.name(), edit.config);
        Self::new(
            "edit-config",
            format!("<edit-config><target><{target}/></target>{test}{error}<config>{config}</config></edit-config>"),
        )
    }

    /// Copies one datastore over another.
    pub fn copy_config(source: Datastore, target: Datastore) -> Self {
        let (source, target) = (source.name(), target.name());
        Self::new(
            "copy-config",
            format!("<copy-config><target><{target}/></target><source><{source}/></source></copy-config>"),
        )
    }

    /// Deletes a datastore; a server refuses that for running.
    pub fn delete_config(target: Datastore) -> Self {
        Self::new(
            "delete-config",
            format!("<delete-config><target><{}/></target></delete-config>", target.name()),
        )
    }

    /// Makes the candidate running.
    pub fn commit(commit: Commit<'_>) -> Self {
        let body = match commit {
            Commit::Plain => String::new(),
            Commit::Persisted { id } => format!("<persist-id>{}</persist-id>", escape(id)),
            Commit::BySession { window } => confirmed(window),
            Commit::Begin { window, persist } => {
                format!("{}<persist>{}</persist>", confirmed(window), escape(persist))
            }
            Commit::Extend { window, persist } => {
                let (confirmed, id) = (confirmed(window), escape(persist));
                format!("{confirmed}<persist>{id}</persist><persist-id>{id}</persist-id>")
            }
        };
        Self::new("commit", format!("<commit>{body}</commit>"))
    }

    /// Takes a tentative commit back, of this session or under a persist id.
    pub fn cancel_commit(persist: Option<&str>) -> Self {
        let id = persist
            .map(|it| format!("<persist-id>{}</persist-id>", escape(it)))
            .unwrap_or_default();
        Self::new("cancel-commit", format!("<cancel-commit>{id}</cancel-commit>"))
    }

    /// Makes the candidate what running is.
    pub fn discard_changes() -> Self {
        Self::new("discard-changes", "<discard-changes/>".to_owned())
    }

    /// Has a datastore checked.
    pub fn validate(source: Datastore) -> Self {
        Self::new(
            "validate",
            format!("<validate><source><{}/></source></validate>", source.name()),
        )
    }

    /// Ends this session in good order.
    pub fn close_session() -> Self {
        Self::new("close-session", "<close-session/>".to_owned())
    }

    /// Ends another session.
    pub fn kill_session(session: u32) -> Self {
        Self::new(
            "kill-session",
            format!("<kill-session><session-id>{session}</session-id></kill-session>"),
        )
    }

    /// Asks for the text of a YANG module.
    pub fn schema(module: &str, version: Option<&str>) -> Self {
        let version = version
            .map(|it| format!("<version>{}</version>", escape(it)))
            .unwrap_or_default();
        let module = escape(module);
        Self::new(
            "get-schema",
            format!(
                "<get-schema xmlns=\"{MONITORING}\"><identifier>{module}</identifier>{version}<format>yang</format></get-schema>"
            ),
        )
    }

    /// Asks for notifications on this session, of one stream, from now on.
    pub fn create_subscription(stream: Option<&str>, filter: &Filter) -> Self {
        let stream = stream
            .map(|it| format!("<stream>{}</stream>", escape(it)))
            .unwrap_or_default();
        let filter = filter.xml();
        Self::new(
            "create-subscription",
            format!("<create-subscription xmlns=\"{NOTIFICATION}\">{stream}{filter}</create-subscription>"),
        )
    }

    /// Any other operation: its name for people, and its element as text.
    pub fn other(name: &'static str, body: String) -> Self {
        Self::new(name, body)
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The element inside `rpc`.
    pub fn body(&self) -> &str {
        &self.body
    }

    fn new(name: &'static str, body: String) -> Self {
        Self { name, body }
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Filter {
    fn xml(&self) -> String {
        match self {
            Self::All => String::new(),
            Self::Subtree(subtrees) => format!("<filter type=\"subtree\">{subtrees}</filter>"),
            Self::XPath { select, prefixes } => {
                let declare = |(prefix, space): &(String, String)| format!(" xmlns:{prefix}=\"{}\"", escape(space));
                let declared: String = prefixes.iter().map(declare).collect();
                format!("<filter type=\"xpath\"{declared} select=\"{}\"/>", escape(select))
            }
        }
    }
}

impl WithDefaults {
    fn xml(self) -> String {
        let mode = match self {
            Self::Unsaid => return String::new(),
            Self::Explicit => "explicit",
            Self::ReportAll => "report-all",
            Self::Trim => "trim",
        };
        format!("<with-defaults xmlns=\"{WITH_DEFAULTS}\">{mode}</with-defaults>")
    }
}

fn confirmed(window: Duration) -> String {
    // Whole seconds, rounded up: a window that ends early would revert what is still being confirmed.
    let seconds = window.as_secs() + u64::from(window.subsec_nanos() > 0);
    format!("<confirmed/><confirm-timeout>{}</confirm-timeout>", seconds.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::Element;

    #[test]
    fn every_operation_is_well_formed() {
        let filter = Filter::XPath {
            select: "/a:b[c='<']".to_owned(),
            prefixes: vec![("a".into(), "u:a".into())],
        };
        let edit = EditConfig {
            target: Datastore::Candidate,
            test: TestOption::TestThenSet,
            error: ErrorOption::Rollback,
            config: "<a xmlns='u:a'/>",
        };
        let window = Duration::from_millis(1500);
        for operation in [
            Operation::lock(Datastore::Running),
            Operation::unlock(Datastore::Candidate),
            Operation::read_config(Datastore::Startup, &filter, WithDefaults::Explicit),
            Operation::read_state(&Filter::Subtree("<a xmlns='u:a'/>".to_owned()), WithDefaults::ReportAll),
            Operation::edit_config(edit),
            Operation::copy_config(Datastore::Running, Datastore::Startup),
            Operation::delete_config(Datastore::Startup),
            Operation::commit(Commit::Plain),
            Operation::commit(Commit::Persisted { id: "a&b" }),
            Operation::commit(Commit::BySession { window }),
            Operation::commit(Commit::Begin { window, persist: "a<b" }),
            Operation::commit(Commit::Extend { window, persist: "a" }),
            Operation::cancel_commit(Some("a")),
            Operation::cancel_commit(None),
            Operation::discard_changes(),
            Operation::validate(Datastore::Candidate),
            Operation::close_session(),
            Operation::kill_session(7),
            Operation::schema("ietf-interfaces", Some("2018-02-20")),
            Operation::create_subscription(Some("NETCONF"), &Filter::All),
        ] {
            let element = Element::parse(operation.body()).unwrap_or_else(|it| panic!("{operation:?}: {it}"));
            assert_eq!(&*element.name, operation.name());
        }
    }

    #[test]
    fn a_window_is_rounded_up_to_whole_seconds() {
        let text = Operation::commit(Commit::BySession {
            window: Duration::from_millis(1500),
        });
        assert!(
            text.body().contains("<confirm-timeout>2</confirm-timeout>"),
            "{}",
            text.body()
        );
    }
}
