//! The `config` section: syntax and rules.

use super::{flag, text, texts};
use crate::form::Form;
use crate::pattern::Pattern;
use crate::platform::{Syntax, compile};
use crate::rule::{Reader, Rule, Subject, Traits};
use crate::slot::{Slot, Source};
use crate::template::{Place, Template};
use knowledge_model::document::{Content, Faults, Fields, Mark, Node};
use std::collections::BTreeMap;

/// What the rules of one file have in common.
struct Setting<'a> {
    syntax: &'a Syntax,
    forms: BTreeMap<String, Form>,
    faults: &'a Faults,
}

/// Where a rule stands: in which blocks, about which entry.
#[derive(Clone, Default)]
struct Around {
    context: Vec<usize>,
    path: Pattern,
}

/// Reads the section.
pub(super) fn read(node: &Node, faults: &Faults) -> Option<(Syntax, Vec<Rule>)> {
    let fields = node.fields(faults)?;
    let syntax = Syntax {
        negation: fields
            .optional("negation")
            .and_then(|it| it.text(faults))
            .unwrap_or_else(|| "no ".to_owned()),
        leave: fields
            .optional("leave")
            .and_then(|it| it.text(faults))
            .unwrap_or_else(|| "exit".to_owned()),
        separator: text(&fields, "separator", faults),
        ignore: compile(texts(fields.optional("ignore"), faults), node.at, faults),
        flat: flag(&fields, "flat", faults),
    };
    let forms = fields
        .optional("forms")
        .map(|it| read_forms(it, faults))
        .unwrap_or_default();
    let setting = Setting {
        syntax: &syntax,
        forms,
        faults,
    };
    let mut rules = Vec::new();
    if let Some(list) = fields.required("rules").and_then(|it| it.list(faults)) {
        for node in list {
            setting.rule(node, &Around::default(), &mut rules);
        }
    }
    fields.end();
    Some((syntax, rules))
}

fn read_forms(node: &Node, faults: &Faults) -> BTreeMap<String, Form> {
    let entries = node.entries(faults).unwrap_or_default().iter();
    entries
        .filter_map(|(name, node)| Some((name.clone(), read_choice(node, faults)?)))
        .collect()
}

/// `[a, b]` where both sides use the same words, `{canonical: vendor}` where they do not.
fn read_choice(node: &Node, faults: &Faults) -> Option<Form> {
    if let Content::List(items) = &node.value {
        let words = items.iter().filter_map(|it| it.text(faults));
        return Some(Form::Choice(words.map(|it| (it.clone(), it)).collect()));
    }
    let pairs = node.entries(faults)?.iter();
    Some(Form::Choice(
        pairs
            .filter_map(|(own, word)| Some((own.clone(), word.text(faults)?)))
            .collect(),
    ))
}

/// The fields of a rule, as they stand in the file.
struct Draft {
    path: Pattern,
    line: Template,
    shown: Option<Template>,
    unset: Unset,
    slots: BTreeMap<String, SlotDraft>,
}

enum Unset {
    Negated,
    Never,
    By(Template),
}

/// What the file says about a slot beyond its place.
#[derive(Default, Clone)]
struct SlotDraft {
    form: Option<Form>,
    leaf: Option<String>,
    list: bool,
    hidden: Option<String>,
    default: Option<String>,
    absent: Option<String>,
    secret: bool,
}

impl Setting<'_> {
    fn named(&self, name: &str) -> Option<Form> {
        self.forms.get(name).cloned().or_else(|| Form::named(name))
    }

    fn wrong(&self, at: Mark, what: impl Into<String>) {
        self.faults.add(at, what, "");
    }

    fn rule(&self, node: &Node, around: &Around, rules: &mut Vec<Rule>) {
        let Some(fields) = node.fields(self.faults) else { return };
        let before = rules.len();
        let children = fields.optional("rules");
        if let Some(rule) = self.read_rule(&fields, around) {
            let inner = Around {
                context: around.context.iter().copied().chain([before]).collect(),
                path: rule.path.clone(),
            };
            rules.push(rule);
            if let Some(list) = children.and_then(|it| it.list(self.faults)) {
                for child in list {
                    self.rule(child, &inner, rules);
                }
            }
        }
        fields.end();
    }

    fn read_rule(&self, fields: &Fields<'_>, around: &Around) -> Option<Rule> {
        let header = fields.optional("block");
        let line = match header {
            Some(block) => block,
            None => fields.required("line")?,
        };
        let draft = self.draft(fields, line, around);
        let traits = self.traits(fields, header.is_some());
        let subject = self.subject(fields, &draft);
        let leave = fields.optional("leave").and_then(|it| it.text(self.faults));
        let unique = texts(fields.optional("unique"), self.faults);
        let draft = draft?;
        let slots = self.slots(&draft, line.at);
        let shown = draft.shown.unwrap_or_else(|| draft.line.clone());
        let compile = |template| {
            Reader::compile(template, &slots)
                .map_err(|error| self.wrong(line.at, error))
                .ok()
        };
        let reader = compile(&shown)?;
        let writer = compile(&draft.line)?;
        let unset = match draft.unset {
            Unset::Negated if traits.implied => None,
            Unset::Negated => Some(draft.line.negated(&self.syntax.negation)),
            Unset::Never => None,
            Unset::By(template) => Some(template),
        };
        Some(Rule {
            path: draft.path,
            subject,
            context: around.context.clone(),
            line: draft.line,
            shown,
            unset,
            slots,
            traits,
            unique,
            leave,
            reader,
            writer,
        })
    }

    fn draft(&self, fields: &Fields<'_>, line: &Node, around: &Around) -> Option<Draft> {
        let template = |node: &Node| {
            let text = node.text(self.faults)?;
            let parsed = Template::parse(&text);
            parsed.map_err(|error| self.wrong(node.at, error)).ok()
        };
        let path = match fields.optional("path") {
            Some(node) => self.path(node, around),
            None => Some(around.path.clone()),
        };
        let unset = match fields.optional("unset") {
            None => Some(Unset::Negated),
            Some(node) if node.text(self.faults).as_deref() == Some("never") => Some(Unset::Never),
            Some(node) => template(node).map(Unset::By),
        };
        let shown = fields.optional("shown").and_then(template);
        let slots = fields
            .optional("slots")
            .map(|it| self.slot_drafts(it))
            .unwrap_or_default();
        Some(Draft {
            path: path?,
            line: template(line)?,
            shown,
            unset: unset?,
            slots,
        })
    }

    fn path(&self, node: &Node, around: &Around) -> Option<Pattern> {
        let text = node.text(self.faults)?;
        let (base, rest) = match text.strip_prefix('/') {
            Some(rest) => (Pattern::default(), rest),
            None => (around.path.clone(), text.as_str()),
        };
        let parsed = Pattern::parse(rest, &|name| self.named(name));
        let pattern = parsed.map_err(|error| self.wrong(node.at, error)).ok()?;
        Some(base.join(&pattern))
    }

    fn traits(&self, fields: &Fields<'_>, header: bool) -> Traits {
        let absorbs = texts(fields.optional("absorbs"), self.faults);
        for word in absorbs.iter().filter(|it| !["block", "entry"].contains(&it.as_str())) {
            if let Some(node) = fields.optional("absorbs") {
                self.wrong(node.at, format!("{word} cannot be absorbed: block or entry"));
            }
        }
        Traits {
            header,
            implied: flag(fields, "implied", self.faults) || (header && fields.optional("path").is_none()),
            absorbs_block: absorbs.iter().any(|it| it == "block"),
            absorbs_entry: absorbs.iter().any(|it| it == "entry"),
            referent: flag(fields, "referent", self.faults),
            replace: flag(fields, "replace", self.faults),
            optional: flag(fields, "optional", self.faults),
        }
    }

    fn subject(&self, fields: &Fields<'_>, draft: &Option<Draft>) -> Subject {
        let container = flag(fields, "container", self.faults);
        let absence = flag(fields, "absence", self.faults);
        let fixed = fields.optional("value").and_then(|it| it.text(self.faults));
        let own = draft
            .as_ref()
            .is_some_and(|it| it.line.places().iter().any(|(place, _)| place.slot == "value"));
        let header = fields.optional("block").is_some() && fields.optional("path").is_none();
        let companion = flag(fields, "companion", self.faults);
        match fixed {
            Some(value) => Subject::Fixed(value),
            None if companion => Subject::Companion,
            None if absence => Subject::Absence,
            None if container || header => Subject::Container,
            None if own => Subject::Value,
            None => Subject::Entry,
        }
    }

    fn slot_drafts(&self, node: &Node) -> BTreeMap<String, SlotDraft> {
        let entries = node.entries(self.faults).unwrap_or_default().iter();
        entries
            .filter_map(|(name, node)| Some((name.clone(), self.slot_draft(node)?)))
            .collect()
    }

    fn slot_draft(&self, node: &Node) -> Option<SlotDraft> {
        let fields = node.fields(self.faults)?;
        let text = |name: &'static str| fields.optional(name).and_then(|it| it.text(self.faults));
        let named = text("form").and_then(|name| {
            let form = self.named(&name);
            if form.is_none() {
                self.wrong(node.at, format!("{name} is no form"));
            }
            form
        });
        let choice = fields.optional("choice").and_then(|it| read_choice(it, self.faults));
        let draft = SlotDraft {
            form: choice.or(named),
            leaf: text("leaf"),
            list: flag(&fields, "list", self.faults),
            hidden: text("hidden"),
            default: text("default"),
            absent: text("absent"),
            secret: flag(&fields, "secret", self.faults),
        };
        fields.end();
        Some(draft)
    }

    /// The slots of a rule: the keys of its path, and what its templates name besides.
    fn slots(&self, draft: &Draft, at: Mark) -> BTreeMap<String, Slot> {
        let mut slots = BTreeMap::new();
        for (name, form) in draft.path.slots() {
            slots.insert(name.to_owned(), key_slot(form.clone()));
        }
        let mut templates = vec![&draft.line];
        templates.extend(&draft.shown);
        if let Unset::By(template) = &draft.unset {
            templates.push(template);
        }
        let places = templates.iter().flat_map(|template| template.places());
        for (place, grouped) in places {
            if !slots.contains_key(&place.slot) {
                let slot = self.leaf_slot(place, grouped, draft.slots.get(&place.slot).cloned(), at);
                slots.insert(place.slot.clone(), slot);
            }
        }
        for name in draft.slots.keys().filter(|name| !slots.contains_key(*name)) {
            self.wrong(at, format!("{name} stands in no template of this rule"));
        }
        slots
    }

    fn leaf_slot(&self, place: &Place, grouped: bool, draft: Option<SlotDraft>, at: Mark) -> Slot {
        let draft = draft.unwrap_or_default();
        let inline = place.form.as_ref().and_then(|name| {
            let form = self.named(name);
            if form.is_none() {
                self.wrong(at, format!("{name} is no form"));
            }
            form
        });
        let own = place.slot == "value";
        let leaf = draft.leaf.unwrap_or_else(|| place.slot.clone());
        Slot {
            form: draft.form.or(inline).unwrap_or(Form::Word),
            source: match (own, draft.list) {
                (true, _) => Source::Own,
                (false, false) => Source::Leaf(leaf),
                (false, true) => Source::List(leaf),
            },
            required: !grouped && draft.absent.is_none() && draft.default.is_none(),
            hidden: draft.hidden,
            default: draft.default,
            absent: draft.absent,
            secret: draft.secret,
        }
    }
}

fn key_slot(form: Form) -> Slot {
    Slot {
        form,
        source: Source::Key,
        hidden: None,
        default: None,
        absent: None,
        secret: false,
        required: true,
    }
}
