//! What operators teach is a phrase like the library's own: it is read with other values, and nothing else changes.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use intents::{
    Answer, Conversation, Correction, LearnError, Library, Names, Reader, Rule, own_lessons, own_names, regress,
};
use serde_json::{Value, json};

fn library() -> Library {
    Library::load(&[]).unwrap()
}

fn correction(say: &str, class: &str, slots: Value) -> Correction {
    Correction {
        say: say.to_owned(),
        class: class.to_owned(),
        slots: slots.as_object().unwrap().clone(),
    }
}

fn learn(say: &str, class: &str, slots: Value) -> Result<Rule, LearnError> {
    let library = library();
    Reader::new(&library)
        .unwrap()
        .learn(correction(say, class, slots), None, &library, &own_names())
}

fn taught(rules: &[&Rule]) -> (Library, Reader) {
    let mut library = library();
    for rule in rules {
        library.teach(rule).unwrap();
    }
    let reader = Reader::new(&library).unwrap();
    (library, reader)
}

fn read(reader: &Reader, names: &Names, say: &str) -> Value {
    match reader.read(say, names, &Conversation::default()) {
        Answer::Intents(readings) => readings.iter().map(|it| json!([it.class, it.slots])).collect(),
        other @ (Answer::Ask(_) | Answer::Refuse(_)) => json!(other.short()),
    }
}

#[test]
fn a_correction_is_read_with_other_values() {
    let names = own_names();
    let plain = Reader::new(&library()).unwrap();
    let say = "please squish guests down onto 20M";
    let was = plain.read(say, &names, &Conversation::default());
    assert!(!matches!(was, Answer::Intents(_)), "{was:?}");
    let rule = learn(say, "qos.rate", json!({ "match": { "src": "guests" }, "max": "20M" })).unwrap();
    assert_eq!(rule.phrase, "squish {match.src} down onto {max}");
    let (library, reader) = taught(&[&rule]);
    reader.keeps(&rule, &library, &names).unwrap();
    assert_eq!(
        read(&reader, &names, "squish labs down onto 7 Gbit/s"),
        json!([["qos.rate", { "match": { "src": "labs" }, "max": 7_000_000_000_i64 }]])
    );
    assert_ne!(library.revision(), self::library().revision());
}

#[test]
fn a_rule_in_chinese_says_what_no_value_says() {
    let rule = learn(
        "收一收访客网去web1的路",
        "access.control",
        json!({ "action": "deny", "src": "访客网", "dst": "web1" }),
    )
    .unwrap();
    assert_eq!(rule.sets["action"], "deny");
    assert!(
        rule.phrase.contains("{src}") && rule.phrase.contains("{dst}"),
        "{}",
        rule.phrase
    );
    let (library, reader) = taught(&[&rule]);
    reader.keeps(&rule, &library, &own_names()).unwrap();
    assert_eq!(
        read(&reader, &own_names(), "收一收研发网去db1的路"),
        json!([["access.control", { "action": "deny", "src": "研发网", "dst": "db1" }]])
    );
}

#[test]
fn the_same_rules_make_the_same_reader_and_without_them_it_is_as_before() {
    let rule = learn(
        "squish guests onto 20M",
        "qos.rate",
        json!({ "match": { "src": "guests" }, "max": "20M" }),
    )
    .unwrap();
    let again = Rule::read(&rule.json()).unwrap();
    assert_eq!(again, rule);
    assert_eq!(taught(&[&rule]).0.revision(), taught(&[&again]).0.revision());
    assert_eq!(taught(&[]).0.revision(), library().revision());
}

#[test]
fn what_would_swallow_or_memorise_is_refused_with_its_reason() {
    let refused = |say: &str, class: &str, slots: Value| learn(say, class, slots).unwrap_err().to_string();
    let rate = json!({ "match": { "src": "guests" }, "max": "20M" });
    for (say, expected) in [
        ("please guests 20M", "no word of"),
        ("guests 20M", "no word of"),
        ("squish guests", "does not say max = 20000000"),
        ("squish guests onto 20M for customer 7", "says \"7\""),
        ("squish guests onto 20M beside labs", "says \"labs\""),
        ("squish guests | onto 20M", "cannot stand in a phrase"),
        ("squish\u{7} guests onto 20M", "cannot be learned from"),
    ] {
        let said = refused(say, "qos.rate", rate.clone());
        assert!(said.contains(expected), "{say}: {said}");
    }
    let long = format!("squish guests onto 20M {}", "x".repeat(400));
    assert!(refused(&long, "qos.rate", rate.clone()).contains("more than 300"));
    assert!(refused("squish", "qos.rat", json!({})).contains("did you mean qos.rate"));
    assert!(matches!(
        learn("squish guests onto 20M", "qos.rate", json!({ "max": "much" })),
        Err(LearnError::Meaning(_))
    ));
    let secret = json!({ "password": "secret:p" });
    assert!(matches!(
        learn("x", "routing.bgp.session", secret),
        Err(LearnError::Secret(_))
    ));
    let given = |phrase: &str| {
        let library = library();
        let reader = Reader::new(&library).unwrap();
        let meant = correction("squish guests onto 20M", "qos.rate", rate.clone());
        reader.learn(meant, Some(phrase), &library, &own_names())
    };
    assert!(given("squish {match.src} [down] (to|onto) {max}").is_ok());
    for phrase in [
        "{match.src} .. {max}",
        "..",
        "the {max}",
        "(to|of) {max}",
        "",
        "squish {nothing}",
        "squish (",
        "a\u{0}b",
    ] {
        assert!(given(phrase).is_err(), "{phrase:?}");
    }
}

#[test]
fn the_corpus_names_what_a_rule_would_change() {
    let library = library();
    let (names, before) = (own_names(), Reader::new(&library).unwrap());
    let greedy = before
        .learn(
            correction(
                "limit guests to 20M",
                "access.control",
                json!({ "action": "deny", "src": "guests" }),
            ),
            Some("limit {src} to"),
            &library,
            &names,
        )
        .unwrap();
    let (after_library, after) = taught(&[&greedy]);
    let lessons: Vec<_> = own_lessons(&library)
        .into_iter()
        .filter(|it| it.say.contains("limit"))
        .collect();
    assert!(lessons.len() > 3);
    let changed = regress((&before, &after), &greedy, &lessons, &names, &after_library);
    assert!(changed.iter().any(|it| it.say == "limit guests to 20M"), "{changed:?}");
    assert!(changed.iter().all(|it| it.was.contains("qos.rate") && it.was != it.now));
    assert!(regress((&before, &before), &greedy, &lessons, &names, &library).is_empty());
    let touch = after.touch(&before, &greedy, &after_library);
    let quiet = Conversation::default();
    for lesson in own_lessons(&library)
        .iter()
        .step_by(9)
        .filter(|it| !touch.reaches(&it.say))
    {
        let read = |reader: &Reader| reader.read(&lesson.say, &names, &quiet);
        assert_eq!(
            read(&before),
            read(&after),
            "{} is not read again, and yet it changed",
            lesson.say
        );
    }
}

#[test]
fn the_names_of_the_examples_are_those_of_the_corpus() {
    let own = include_str!("../library/examples.inventory.yaml");
    assert_eq!(own, include_str!("../../tests/corpus/intents/inventory.yaml"));
}
