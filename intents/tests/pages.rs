//! A page for each class, made from its file: `ENTENTE_BLESS=1 cargo test -p intents --test pages` makes them anew.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::fmt::Write;
use std::path::PathBuf;

use intents::{CHECKS, Check, Class, Library, Slot, SlotKind};

fn folder() -> PathBuf {
    PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("../docs/intents")
}

/// What a slot takes, in a few words.
fn takes(slot: &Slot) -> String {
    let one = match &slot.kind {
        SlotKind::Choice(words) => words.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", "),
        SlotKind::Integer { least, greatest } => format!("{least} to {greatest}"),
        SlotKind::Object(fields) => {
            let names: Vec<String> = fields.iter().map(|it| format!("`{}`", it.name)).collect();
            format!("any of {}", names.join(", "))
        }
        SlotKind::Seconds(words) if !words.is_empty() => format!("seconds, or {}", words.join(", ")),
        SlotKind::Device => "a device, or a group of them".to_owned(),
        SlotKind::Interface => "an interface".to_owned(),
        SlotKind::Address => "an address".to_owned(),
        SlotKind::InterfaceAddress => "an address with its prefix length".to_owned(),
        SlotKind::Prefix => "a prefix".to_owned(),
        SlotKind::Rate => "a rate in bit/s, or with a unit".to_owned(),
        SlotKind::Text { longest } => format!("text of at most {longest} characters"),
        SlotKind::Truth => "true or false".to_owned(),
        SlotKind::Secret => "a reference such as `secret:NAME`".to_owned(),
        SlotKind::Name => "a name of the inventory, an address or a prefix".to_owned(),
        SlotKind::Place => "a device, site, group or tag, `all`, or `device:interface`".to_owned(),
        SlotKind::NextHop => "an address, or `blackhole`".to_owned(),
        SlotKind::Port => "a port or a range".to_owned(),
        SlotKind::Seconds(_) => "a time in seconds, or with a unit".to_owned(),
        SlotKind::Clock => "a time of day".to_owned(),
        SlotKind::Moment => "a time of day, `yesterday`, or seconds ago".to_owned(),
        SlotKind::Area => "an area".to_owned(),
        SlotKind::Number => "a number".to_owned(),
        SlotKind::Service => "`icmp`, `tcp/443`".to_owned(),
        SlotKind::Free => "anything that fits".to_owned(),
    };
    if slot.many {
        format!("{one}; one or several")
    } else {
        one
    }
}

fn page(class: &Class) -> String {
    let mut page = format!("# {} · {}\n\n", class.title.en, class.title.zh);
    writeln!(
        page,
        "`{}`, version {}, risk {}. Made from its file; do not edit.\n",
        class.name,
        class.version,
        class.risk.word()
    )
    .unwrap();
    writeln!(page, "{}\n\n{}\n", class.description.en, class.description.zh).unwrap();
    writeln!(page, "*For example:* {} {}\n", class.scenario.en, class.scenario.zh).unwrap();
    page.push_str("## Slots\n\n| slot | takes | |\n|---|---|---|\n");
    for slot in class.own_slots() {
        let needed = if slot.required { " Must be filled." } else { "" };
        let usual = slot
            .default
            .as_ref()
            .map(|it| format!(" `{it}` where it is left out."))
            .unwrap_or_default();
        writeln!(
            page,
            "| `{}` | {} | {}{needed}{usual} |",
            slot.name,
            takes(slot),
            slot.description
        )
        .unwrap();
    }
    let groups = [(&class.one_of, "exactly one"), (&class.any_of, "at least one")];
    for (groups, how) in groups {
        for group in groups {
            let names: Vec<String> = group.iter().map(|it| format!("`{it}`")).collect();
            writeln!(page, "\nOf {} {how} must be filled.", names.join(", ")).unwrap();
        }
    }
    match class.call {
        Some(call) => writeln!(
            page,
            "\n## What it comes to\n\nNothing is changed: it is a call ({}), answered by `entente ask`.",
            call.word()
        )
        .unwrap(),
        None => configured(class, &mut page),
    }
    checked(class, &mut page);
    for (chinese, title) in [(false, "English"), (true, "Chinese")] {
        let mut examples = class.examples.iter().filter(|it| it.chinese == chinese).peekable();
        if examples.peek().is_some() {
            writeln!(page, "\n## As operators say it ({title})\n").unwrap();
        }
        for example in examples {
            let slots: Vec<String> = example
                .slots
                .iter()
                .map(|(name, value)| format!("{name} {value}"))
                .collect();
            writeln!(page, "- {} → `{}`", example.say, slots.join("; ")).unwrap();
        }
    }
    page
}

fn configured(class: &Class, page: &mut String) {
    page.push_str("\n## What it comes to\n\n");
    for (name, resolver) in class.resolvers() {
        let about = intents::Resolver::all()
            .find(|it| it.name() == resolver)
            .unwrap()
            .about();
        writeln!(page, "`{name}` is found by `{resolver}`: {about}\n").unwrap();
    }
    for line in class.lines() {
        writeln!(page, "- `{line}`").unwrap();
    }
}

fn checked(class: &Class, page: &mut String) {
    let checks = &class.checks;
    let stages = [
        ("before", &checks.before),
        ("between apply and decision", &checks.gate),
        ("as long as it holds", &checks.living),
    ];
    if stages.iter().all(|(_, checks)| checks.is_empty()) {
        return;
    }
    page.push_str("\n## What is to be checked\n\nThose of the gate are looked at before a change stays, where the platform says how ([gate.md](../gate.md)); nobody looks at the others yet.\n\n");
    let said = |check: &Check| CHECKS.iter().find(|(word, _, _)| *word == check.word).unwrap().2;
    for (stage, checks) in stages.iter().filter(|(_, checks)| !checks.is_empty()) {
        let each: Vec<&str> = checks.iter().map(said).collect();
        writeln!(page, "- {stage}: {}", each.join("; ")).unwrap();
    }
}

#[test]
fn every_class_has_a_page_that_is_not_stale() {
    let library = Library::load(&[]).unwrap();
    let bless = std::env::var_os("ENTENTE_BLESS").is_some();
    if bless {
        std::fs::create_dir_all(folder()).unwrap();
    }
    for class in library.iter() {
        let file = folder().join(format!("{}.md", class.name));
        let page = page(class);
        if bless {
            std::fs::write(&file, &page).unwrap();
        }
        let kept = std::fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(
            kept,
            page,
            "{} is stale: ENTENTE_BLESS=1 cargo test -p intents --test pages",
            file.display()
        );
    }
    let pages = std::fs::read_dir(folder()).unwrap().count();
    assert_eq!(pages, library.iter().count(), "a page of a class that is gone");
}
