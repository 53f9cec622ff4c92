//! The `session` section.

use super::texts;
use crate::platform::compile;
use crate::session::{Answer, Commit, Mode, Question, Session};
use crate::state::load::span;
use knowledge_model::document::{Faults, Node};
use regex::Regex;

/// Reads the section.
pub(super) fn read(node: &Node, faults: &Faults) -> Option<Session> {
    let fields = node.fields(faults)?;
    let commands = |name: &'static str| texts(fields.optional(name), faults);
    let modes = fields
        .required("modes")
        .and_then(|it| it.list(faults))
        .unwrap_or_default();
    let questions = fields
        .optional("questions")
        .and_then(|it| it.list(faults))
        .unwrap_or_default();
    let session = Session {
        modes: modes.iter().filter_map(|it| read_mode(it, faults)).collect(),
        prepare: commands("prepare"),
        enter: commands("enter"),
        leave: commands("leave"),
        show: commands("show"),
        save: commands("save"),
        failures: compile(commands("failures"), node.at, faults),
        questions: questions.iter().filter_map(|it| read_question(it, faults)).collect(),
        noise: compile(commands("noise"), node.at, faults),
        commit: fields.optional("commit").and_then(|it| read_commit(it, faults)),
        boot_file: commands("boot-file").pop(),
        patience: fields.optional("patience").map(|it| span(it, faults)),
        silent: super::flag(&fields, "silent", faults),
    };
    if session.modes.is_empty() {
        faults.add(node.at, "a session needs a mode", "modes: [{mode: …, prompt: …}]");
    }
    if session.show.is_empty() {
        faults.add(
            node.at,
            "a session needs a command that shows the configuration",
            "show: […]",
        );
    }
    fields.end();
    Some(session)
}

fn pattern(node: &Node, faults: &Faults) -> Option<Regex> {
    let text = node.text(faults)?;
    match Regex::new(&text) {
        Ok(regex) => Some(regex),
        Err(error) => {
            faults.add(node.at, format!("{text} is no pattern: {error}"), "");
            None
        }
    }
}

fn read_mode(node: &Node, faults: &Faults) -> Option<Mode> {
    let fields = node.fields(faults)?;
    let name = fields.required("mode").and_then(|it| it.text(faults));
    let prompt = fields.required("prompt").and_then(|it| pattern(it, faults));
    let rise = fields.optional("rise").and_then(|it| it.text(faults));
    fields.end();
    Some(Mode {
        name: name?,
        prompt: prompt?,
        rise,
    })
}

fn read_question(node: &Node, faults: &Faults) -> Option<Question> {
    let fields = node.fields(faults)?;
    let asked = fields.required("asks").and_then(|it| pattern(it, faults));
    let line = fields
        .optional("answer")
        .and_then(|it| it.text(faults))
        .map(Answer::Line);
    let keys = fields.optional("keys").and_then(|it| it.text(faults)).map(Answer::Keys);
    let password = super::flag(&fields, "password", faults).then_some(Answer::Password);
    let answer = line.or(keys).or(password);
    if answer.is_none() {
        faults.add(node.at, "a question needs an answer", "answer, keys or password: true");
    }
    fields.end();
    Some(Question {
        pattern: asked?,
        answer: answer?,
    })
}

fn read_commit(node: &Node, faults: &Faults) -> Option<Commit> {
    let fields = node.fields(faults)?;
    let optional = |name: &'static str| fields.optional(name).and_then(|it| it.text(faults));
    let required = |name: &'static str| fields.required(name).and_then(|it| it.text(faults));
    let commit = Commit {
        exclusive: texts(fields.optional("exclusive"), faults),
        release: texts(fields.optional("release"), faults),
        check: optional("check"),
        trial: optional("trial"),
        confirm: required("confirm").unwrap_or_default(),
        cancel: optional("cancel"),
        discard: required("discard").unwrap_or_default(),
    };
    if commit.trial.is_some() != commit.cancel.is_some() {
        faults.add(node.at, "trial and cancel come together", "");
    }
    fields.end();
    Some(commit)
}
