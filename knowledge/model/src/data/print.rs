//! Printing a tree: one walk that opens and closes what the next path needs, and two forms of writing it down.

use super::Unknown;
use crate::path::Path;
use crate::schema::{Kind, Module, Node, Schema};
use crate::tree::{Tree, Value};
use crate::types::JsonForm;

/// How what the walk meets is written. `module` is given where it is not the parent's.
pub(super) trait Form {
    fn container(&mut self, node: &Node, module: Option<&Module>);
    fn list(&mut self, node: &Node, module: Option<&Module>);
    fn entry(&mut self, node: &Node, module: Option<&Module>);
    fn leaf(&mut self, node: &Node, module: Option<&Module>, text: &str);
    fn item(&mut self, node: &Node, module: Option<&Module>, text: &str);
    fn close(&mut self, frame: &Opened<'_>);
    fn finish(&mut self) -> String;
}

/// What is open: a container, a list or leaf-list, an entry of a list.
pub(super) enum Opened<'a> {
    Container(&'a Node),
    List(&'a Node),
    Entry(&'a Node, Vec<&'a str>),
}

impl<'a> Opened<'a> {
    fn node(&self) -> &'a Node {
        match self {
            Self::Container(node) | Self::List(node) | Self::Entry(node, _) => node,
        }
    }
}

pub(super) fn print(tree: &Tree, schema: &Schema, form: &mut dyn Form) -> Result<String, Unknown> {
    let mut walk = Walk {
        schema,
        form,
        open: Vec::new(),
    };
    for (path, value) in tree.iter() {
        walk.visit(path, value)
            .ok_or_else(|| Unknown { path: path.to_string() })?;
    }
    walk.close_to(0);
    Ok(walk.form.finish())
}

struct Walk<'a, 'f> {
    schema: &'a Schema,
    form: &'f mut dyn Form,
    open: Vec<Opened<'a>>,
}

impl<'a> Walk<'a, '_> {
    /// Writes one entry; nothing if it is not in the schema.
    fn visit(&mut self, path: &'a Path, value: &Value) -> Option<()> {
        let (mut level, mut parent) = (0, None);
        for step in path.steps() {
            let node = self.schema.child(parent, step.name)?;
            (step.keys.len() == node.key_count() && !node.key).then_some(())?;
            let module = self.module(parent, node);
            match &node.kind {
                Kind::Container | Kind::Presence => {
                    if !matches!(self.open.get(level), Some(Opened::Container(it)) if std::ptr::eq(*it, node)) {
                        self.close_to(level);
                        self.form.container(node, module);
                        self.open.push(Opened::Container(node));
                    }
                    level += 1;
                }
                Kind::List { .. } | Kind::LeafList(_) => {
                    if !matches!(self.open.get(level), Some(Opened::List(it)) if std::ptr::eq(*it, node)) {
                        self.close_to(level);
                        self.form.list(node, module);
                        self.open.push(Opened::List(node));
                    }
                    self.instance(level + 1, node, module, step.keys);
                    level += 2;
                }
                Kind::Leaf(_) => {
                    self.close_to(level);
                    self.form.leaf(node, module, value.text().unwrap_or_default());
                }
            }
            parent = Some(node);
        }
        Some(())
    }

    /// An entry of a list, unless it is open, or a value of a leaf-list.
    fn instance(&mut self, level: usize, node: &'a Node, module: Option<&Module>, keys: Vec<&'a str>) {
        if node.is_leaf() {
            self.form.item(node, module, keys.first().copied().unwrap_or_default());
        } else if !matches!(self.open.get(level), Some(Opened::Entry(_, open)) if *open == keys) {
            self.close_to(level);
            self.form.entry(node, module);
            for (name, key) in node.keys().iter().zip(&keys) {
                if let Some(leaf) = self.schema.child(Some(node), name) {
                    self.form.leaf(leaf, self.module(Some(node), leaf), key);
                }
            }
            self.open.push(Opened::Entry(node, keys));
        }
    }

    fn module(&self, parent: Option<&Node>, node: &Node) -> Option<&'a Module> {
        let module = self.schema.module(node);
        (parent.map(|it| self.schema.module(it)) != Some(module)).then_some(module)
    }

    fn close_to(&mut self, level: usize) {
        while self.open.len() > level {
            if let Some(frame) = self.open.pop() {
                self.form.close(&frame);
            }
        }
    }
}

/// JSON on one line.
#[derive(Default)]
pub(super) struct Json {
    text: String,
}

impl Json {
    /// A comma where something stands before, then the name.
    fn name(&mut self, node: &Node, module: Option<&Module>) {
        self.comma();
        self.text.push('"');
        if let Some(module) = module {
            self.text.push_str(&module.name);
            self.text.push(':');
        }
        self.text.push_str(node.name());
        self.text.push_str("\":");
    }

    fn comma(&mut self) {
        if self.text.is_empty() {
            self.text.push('{');
        }
        if !self.text.ends_with(['{', '[']) {
            self.text.push(',');
        }
    }

    fn scalar(&mut self, node: &Node, text: &str) {
        match node.value_type().map_or(JsonForm::Text, |it| it.json_form(text)) {
            JsonForm::Boolean | JsonForm::Number => self.text.push_str(text),
            JsonForm::Null => self.text.push_str("[null]"),
            JsonForm::Text => self.quoted(text),
        }
    }

    fn quoted(&mut self, text: &str) {
        self.text.push('"');
        for it in text.chars() {
            match it {
                '"' | '\\' => self.text.extend(['\\', it]),
                it if it.is_control() => self.text.push_str(&format!("\\u{:04x}", u32::from(it))),
                it => self.text.push(it),
            }
        }
        self.text.push('"');
    }
}

impl Form for Json {
    fn container(&mut self, node: &Node, module: Option<&Module>) {
        self.name(node, module);
        self.text.push('{');
    }

    fn list(&mut self, node: &Node, module: Option<&Module>) {
        self.name(node, module);
        self.text.push('[');
    }

    fn entry(&mut self, _: &Node, _: Option<&Module>) {
        self.comma();
        self.text.push('{');
    }

    fn leaf(&mut self, node: &Node, module: Option<&Module>, text: &str) {
        self.name(node, module);
        self.scalar(node, text);
    }

    fn item(&mut self, node: &Node, _: Option<&Module>, text: &str) {
        self.comma();
        self.scalar(node, text);
    }

    fn close(&mut self, frame: &Opened<'_>) {
        self.text.push(match frame {
            Opened::Container(_) | Opened::Entry(..) => '}',
            Opened::List(_) => ']',
        });
    }

    fn finish(&mut self) -> String {
        if self.text.is_empty() {
            self.text.push('{');
        }
        self.text.push('}');
        std::mem::take(&mut self.text)
    }
}

/// XML without white space between elements.
#[derive(Default)]
pub(super) struct Xml {
    text: String,
}

impl Xml {
    fn begin(&mut self, node: &Node, module: Option<&Module>) {
        self.text.push('<');
        self.text.push_str(node.name());
        if let Some(module) = module {
            self.text.push_str(" xmlns=\"");
            self.escaped(&module.namespace);
            self.text.push('"');
        }
        self.text.push('>');
    }

    fn end(&mut self, node: &Node) {
        self.text.push_str("</");
        self.text.push_str(node.name());
        self.text.push('>');
    }

    fn escaped(&mut self, text: &str) {
        for it in text.chars() {
            match it {
                '<' => self.text.push_str("&lt;"),
                '>' => self.text.push_str("&gt;"),
                '&' => self.text.push_str("&amp;"),
                '"' => self.text.push_str("&quot;"),
                it => self.text.push(it),
            }
        }
    }
}

impl Form for Xml {
    fn container(&mut self, node: &Node, module: Option<&Module>) {
        self.begin(node, module);
    }

    fn list(&mut self, _: &Node, _: Option<&Module>) {}

    fn entry(&mut self, node: &Node, module: Option<&Module>) {
        self.begin(node, module);
    }

    fn leaf(&mut self, node: &Node, module: Option<&Module>, text: &str) {
        self.begin(node, module);
        self.escaped(text);
        self.end(node);
    }

    fn item(&mut self, node: &Node, module: Option<&Module>, text: &str) {
        self.leaf(node, module, text);
    }

    fn close(&mut self, frame: &Opened<'_>) {
        match frame {
            Opened::Container(_) | Opened::Entry(..) => self.end(frame.node()),
            Opened::List(_) => {}
        }
    }

    fn finish(&mut self) -> String {
        std::mem::take(&mut self.text)
    }
}
