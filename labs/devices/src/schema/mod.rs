//! The schema of the simulated devices, compiled from the YANG modules that they serve: one source for both.

mod statement;
mod types;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

pub use types::{Identity, Type};

use statement::Statement;

/// The texts that are served and compiled, in the order of their imports.
const TEXTS: &[&str] = &[
    include_str!("../../yang/ietf-inet-types.yang"),
    include_str!("../../yang/ietf-yang-types.yang"),
    include_str!("../../yang/ietf-interfaces.yang"),
    include_str!("../../yang/iana-if-type.yang"),
    include_str!("../../yang/ietf-ip.yang"),
    include_str!("../../yang/ietf-routing.yang"),
    include_str!("../../yang/ietf-ipv4-unicast-routing.yang"),
    include_str!("../../yang/ietf-ipv6-unicast-routing.yang"),
    include_str!("../../yang/ietf-system.yang"),
    include_str!("../../yang/entente-lab-lines.yang"),
    include_str!("../../yang/ietf-netconf-monitoring.yang"),
    include_str!("../../yang/ietf-yang-library.yang"),
];

/// A module as it is claimed in hello and the YANG library.
#[derive(Debug)]
pub struct Module {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub ns: Arc<str>,
    /// Its newest revision.
    pub revision: String,
    /// Its text, as get-schema serves it.
    pub text: &'static str,
    /// Whether it only lends types to others.
    pub import_only: bool,
    /// The prefix that it uses for itself.
    pub prefix: String,
}

/// What a node is.
#[derive(Debug)]
pub enum Kind {
    /// A container; one with presence means something when it is empty.
    Container {
        /// Whether its presence carries meaning.
        presence: bool,
    },
    /// A list with the names of its keys.
    List {
        /// Names of the key leaves, in order.
        keys: Vec<String>,
    },
    /// A leaf.
    Leaf {
        /// What it may hold.
        value: Type,
        /// Whether its parent cannot be without it.
        mandatory: bool,
    },
    /// A list of values.
    LeafList {
        /// What each may hold.
        value: Type,
    },
}

/// A node of the schema; nodes refer to each other by position.
#[derive(Debug)]
pub struct Node {
    /// The namespace.
    pub ns: Arc<str>,
    /// The local name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Whether it is configuration.
    pub config: bool,
    /// Its children, in the order of the module.
    pub children: Vec<usize>,
    /// Choices among the children.
    pub choices: Vec<Choice>,
}

/// A choice: at most one of its cases is present.
#[derive(Debug)]
pub struct Choice {
    /// Whether one of the cases must be there.
    pub mandatory: bool,
    /// The nodes of each case.
    pub cases: Vec<Vec<usize>>,
}

/// All nodes of all modules.
#[derive(Debug)]
pub struct Schema {
    /// The modules in the order of their imports.
    pub modules: Vec<Module>,
    /// The identities that a value may name.
    pub identities: Vec<Identity>,
    nodes: Vec<Node>,
}

/// The one schema that the devices of this crate share.
pub static SCHEMA: LazyLock<Schema> = LazyLock::new(Schema::compile);

/// Position of the node above all others.
pub const ROOT: usize = 0;

impl Schema {
    /// The node at a position.
    pub fn node(&self, at: usize) -> &Node {
        &self.nodes[at]
    }

    /// The child of a node with this namespace and name.
    pub fn child(&self, parent: usize, ns: &str, name: &str) -> Option<usize> {
        let children = &self.nodes[parent].children;
        children
            .iter()
            .copied()
            .find(|at| self.nodes[*at].name == name && &*self.nodes[*at].ns == ns)
    }

    /// The child of a node with this name, whatever its namespace.
    pub fn named(&self, parent: usize, name: &str) -> Option<usize> {
        self.nodes[parent]
            .children
            .iter()
            .copied()
            .find(|at| self.nodes[*at].name == name)
    }

    /// Whether some module has this namespace.
    pub fn knows(&self, ns: &str) -> bool {
        self.modules.iter().any(|module| &*module.ns == ns)
    }

    fn compile() -> Schema {
        let root = Node {
            ns: Arc::from(""),
            name: String::new(),
            kind: Kind::Container { presence: false },
            config: true,
            children: Vec::new(),
            choices: Vec::new(),
        };
        let mut schema = Schema {
            modules: Vec::new(),
            identities: Vec::new(),
            nodes: vec![root],
        };
        for text in TEXTS {
            match statement::parse(text) {
                Some(module) => schema.add_module(&module, text),
                None => debug_assert!(false, "not YANG: {}", &text[..text.len().min(60)]),
            }
        }
        schema
    }

    fn add_module(&mut self, module: &Statement, text: &'static str) {
        let ns: Arc<str> = Arc::from(module.argument_of("namespace").unwrap_or_default());
        let groupings: HashMap<&str, &Statement> = module
            .all("grouping")
            .map(|grouping| (grouping.argument.as_str(), grouping))
            .collect();
        let compiler = Compiler {
            ns: Arc::clone(&ns),
            groupings,
        };
        let before = self.nodes.len();
        for identity in module.all("identity").filter(|it| it.all("base").next().is_some()) {
            self.identities.push((Arc::clone(&ns), identity.argument.clone()));
        }
        compiler.add_children(self, module, ROOT, true);
        for augment in module.all("augment") {
            if let Some(target) = self.find(&augment.argument) {
                let config = self.nodes[target].config;
                compiler.add_children(self, augment, target, config);
            } else {
                debug_assert!(false, "no target for {}", augment.argument);
            }
        }
        self.modules.push(Module {
            name: module.argument.clone(),
            revision: module.argument_of("revision").unwrap_or_default().to_owned(),
            prefix: module.argument_of("prefix").unwrap_or_default().to_owned(),
            import_only: self.nodes.len() == before && module.all("identity").next().is_none(),
            ns,
            text,
        });
    }

    fn find(&self, path: &str) -> Option<usize> {
        path.split('/')
            .filter(|step| !step.is_empty())
            .try_fold(ROOT, |at, step| {
                self.named(at, step.rsplit(':').next().unwrap_or_default())
            })
    }
}

struct Compiler<'a> {
    ns: Arc<str>,
    groupings: HashMap<&'a str, &'a Statement>,
}

impl Compiler<'_> {
    fn add_children(&self, schema: &mut Schema, statement: &Statement, parent: usize, config: bool) {
        for inner in &statement.inner {
            match inner.keyword.as_str() {
                "container" | "list" | "leaf" | "leaf-list" => self.add_node(schema, inner, parent, config),
                "choice" => self.add_choice(schema, inner, parent, config),
                "uses" => {
                    if let Some(grouping) = self.groupings.get(inner.argument.as_str()) {
                        self.add_children(schema, grouping, parent, config);
                    }
                }
                _ => {}
            }
        }
    }

    fn add_choice(&self, schema: &mut Schema, statement: &Statement, parent: usize, config: bool) {
        let mut cases = Vec::new();
        for inner in &statement.inner {
            let before = schema.nodes[parent].children.len();
            match inner.keyword.as_str() {
                "case" => self.add_children(schema, inner, parent, config),
                "container" | "list" | "leaf" | "leaf-list" => self.add_node(schema, inner, parent, config),
                _ => continue,
            }
            cases.push(schema.nodes[parent].children[before..].to_vec());
        }
        let mandatory = statement.argument_of("mandatory") == Some("true");
        schema.nodes[parent].choices.push(Choice { mandatory, cases });
    }

    fn add_node(&self, schema: &mut Schema, statement: &Statement, parent: usize, config: bool) {
        let config = config && statement.argument_of("config") != Some("false");
        let value = || statement.all("type").next().map_or(Type::Empty, Type::compile);
        let kind = match statement.keyword.as_str() {
            "list" => Kind::List {
                keys: statement
                    .argument_of("key")
                    .unwrap_or_default()
                    .split_whitespace()
                    .map(str::to_owned)
                    .collect(),
            },
            "leaf" => Kind::Leaf {
                value: value(),
                mandatory: statement.argument_of("mandatory") == Some("true"),
            },
            "leaf-list" => Kind::LeafList { value: value() },
            _ => Kind::Container {
                presence: statement.all("presence").next().is_some(),
            },
        };
        let at = schema.nodes.len();
        let (ns, name) = (Arc::clone(&self.ns), statement.argument.clone());
        schema.nodes.push(Node {
            ns,
            name,
            kind,
            config,
            children: Vec::new(),
            choices: Vec::new(),
        });
        schema.nodes[parent].children.push(at);
        self.add_children(schema, statement, at, config);
    }
}
