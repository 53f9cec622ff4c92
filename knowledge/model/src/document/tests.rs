//! Files of people: every fault with its place and remedy, and bounds on what is read.

use super::*;

fn faults(text: &str) -> Vec<String> {
    let (node, all) = match open(text) {
        Ok(opened) => opened,
        Err(faults) => return faults.iter().map(ToString::to_string).collect(),
    };
    let value = node.fields(&all).map(|fields| {
        let _ = fields.required("name").and_then(|it| it.text(&all));
        let _ = fields.optional("port").and_then(|it| it.integer(&all));
        fields.end();
    });
    all.settle(value)
        .err()
        .unwrap_or_default()
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn every_fault_is_named_with_its_place() {
    let found = faults("nmae: r1\nport: twenty\n");
    assert_eq!(
        found,
        [
            "1:1: `name` is missing (add `name: …`)",
            "1:1: unknown field `nmae` (did you mean `name`?)",
            "2:7: expected a whole number, found text (write digits alone, without quotes)",
        ]
    );
    assert!(faults("name: r1\nport: 22\n").is_empty());
    assert_eq!(faults("- a").len(), 1);
    assert!(!faults("a: [1, 2").is_empty());
    assert!(!faults("name: a\nname: b\n").is_empty(), "the same key twice");
    assert!(!faults("name: a\n---\nname: b\n").is_empty(), "two documents");
}

#[test]
fn what_is_no_yaml_is_told_with_its_remedy() {
    let check = |text: &str, expected: &str| assert_eq!(faults(text), [expected], "{text}");
    check(
        "name: a\nport: 1\nname: b\n",
        "3:1: the key \"name\" stands twice in one mapping (keep one)",
    );
    assert_eq!(
        faults("a: {x: 1, x: 2}\na: {y: 1, y: 2}\nname: r1\n").len(),
        4,
        "each of them, and `a`"
    );
    check(
        "{name: a, \"port\": 1, 'port': 2}",
        "1:22: the key \"port\" stands twice in one mapping (keep one)",
    );
    check(
        "name: *other\n",
        "1:7: *other repeats nothing (what is repeated stands above, behind &name: or write it out)",
    );
    check(
        "name: !secret a\n",
        "1:7: not a plain value (write it without !tag: tags have no meaning here)",
    );
    let within = faults("name: r1\nport: &all [a, *all]\n");
    assert!(
        within.contains(&"2:16: repeats what it stands in, without end (write out what is meant)".to_owned()),
        "{within:?}"
    );
    check("name: a\ntrue: b\n", "2:1: a key is true, not text (put it in quotes)");
    for text in [
        "name: [a, b",
        "name: {a: 1",
        "name: \"a",
        "name: a: b",
        "name: a\n  port: 1\n",
        "name:\n\t- a\n",
        "a:\n - b\n  - c: d\n e\n",
        "name: @a",
        "name: %a\n%",
        "name: ]",
    ] {
        let found = faults(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].ends_with(')'), "no remedy for {text:?}: {found:?}");
    }
}

#[test]
fn a_file_that_is_cut_off_in_brackets_is_told_with_the_line_that_opens_them() {
    for (text, told) in [
        (
            "version: 1\ndevices: {\n",
            "2:10: the file ends inside what line 2 opens",
        ),
        (
            "a: 1\nb:\n  [{id: 1, name: pe1,\n\n",
            "3:21: the file ends inside what line 3 opens",
        ),
        (
            "a: [x, {b: 1},\n  {c: ']}', # }\n  d: 2",
            "3:6: the file ends inside what line 2 opens",
        ),
        ("a: [\"]\\\"\", it's,", "1:16: the file ends inside what line 1 opens"),
    ] {
        let found = faults(text);
        let hint = " (close what was opened: every [ and { needs its own, with commas between the items)";
        assert_eq!(found, [format!("{told}{hint}")], "{text}");
    }
}

/// The first stays, so that nothing that refers to it is missing.
#[test]
fn of_a_key_that_stands_twice_the_first_counts() {
    let (node, all) =
        open("name: pe1\nport: 1\nname: [x, {name: 2, name: 3}]\nmore: 5\nport: 2\nlast: {a: 1}\n").unwrap();
    let told = all.settle(Some(())).unwrap_err();
    let places: Vec<_> = told.iter().map(|it| (it.at.line, it.at.column)).collect();
    assert_eq!(places, [(3, 1), (3, 21), (5, 1)], "{told:?}");
    let expected = serde_json::json!({"name": "pe1", "port": 1, "more": 5, "last": {"a": 1}});
    assert_eq!(node.json(), expected);
}

#[test]
fn aliases_do_not_explode() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let below = format!("*a{}", level - 1);
        bomb.push_str(&format!("a{level}: &a{level} [{}]\n", vec![below; 10].join(", ")));
    }
    let told = read(&bomb).unwrap_err()[0].to_string();
    assert!(
        told.ends_with("aliases repeat too much (write out what they repeat)"),
        "{told}"
    );
}

#[test]
fn deep_nesting_is_refused() {
    for text in ["[", "{a: ", "- ", "? "] {
        let told = read(&text.repeat(100_000)).unwrap_err()[0].to_string();
        assert!(
            told.ends_with("more than 64 lists and mappings inside each other (nest less deeply)"),
            "{text}: {told}"
        );
    }
    let sound = format!("a: {}b{}", "[".repeat(50), "]".repeat(50));
    assert!(read(&sound).is_ok());
}

#[test]
fn more_faults_than_are_mended_at_once_are_counted() {
    let told = faults(&(0..1500).map(|it| format!("x{it}: 1\n")).collect::<String>());
    assert_eq!(told.len(), 1001);
    assert!(
        told[1000].ends_with(": 501 more faults (mend those above first)"),
        "{}",
        told[1000]
    );
}

#[test]
fn what_is_no_text_is_refused() {
    for (text, at) in [
        ("\0", "1:1"),
        ("name: a\0b\n", "1:8"),
        ("name: a\nport: \0\n", "2:7"),
        ("name: \"a\0\"\n", "1:9"),
    ] {
        let told = format!("{at}: a NUL byte (take it out: the file is text)");
        assert_eq!(faults(text), [told], "{text:?}");
    }
    let told = faults("name: a\u{7}\nport: \0\n");
    assert_eq!(told.len(), 2, "all at once: {told:?}");
    assert!(told[0].starts_with("1:8: the control character U+0007 ("), "{told:?}");
    assert!(
        faults("\u{feff}name: r1\r\nport: 22\r\n").is_empty(),
        "what editors write"
    );
}

#[test]
fn what_begins_as_json_is_told_as_json() {
    let check = |text: &str, expected: &str| {
        let told = faults(text);
        assert!(told.len() == 1 && told[0].starts_with(expected), "{text}: {told:?}");
    };
    check(
        "{\"name\": \"a\",\n \"port",
        "2:6: the JSON ends too early (the file is not whole: ",
    );
    check(
        "[{\"name\": [1, 2",
        "1:15: the JSON ends too early (the file is not whole: ",
    );
    check("{", "1:1: the JSON ends too early (the file is not whole: ");
    check("{\"name\": \"a\\x\"}", "1:13: no JSON: invalid escape (in JSON ");
    check(
        "{\"name\": \"a\" \"port\": 1}",
        "1:14: no JSON: expected `,` or `}` (in JSON ",
    );
    check(
        "{name: a, port: [1",
        "1:18: the file ends inside what line 1 opens (close what ",
    );
}

#[test]
fn more_values_than_a_file_of_people_has_are_refused() {
    for text in [format!("[{}]", "1,".repeat(500_001)), "- 1\n".repeat(500_001)] {
        let told = read(&text).unwrap_err();
        assert_eq!(told.len(), 1);
        let told = told[0].to_string();
        assert!(told.ends_with("more than 500000 values (split the file)"), "{told}");
    }
}

#[test]
fn a_number_is_also_the_text_that_is_written() {
    let all = Faults::default();
    for text in [
        "0123",
        "007",
        "1e5",
        "1.10",
        "12345.60",
        "0x10",
        "+5",
        "12345678901234567890123",
        "True",
        "plain",
        "-0",
    ] {
        let node = read(&format!("password: {text}")).unwrap();
        let fields = node.fields(&all).unwrap();
        assert_eq!(fields.required("password").unwrap().text(&all).as_deref(), Some(text));
    }
    let quoted = read("{password: '0123', port: 0x10}").unwrap();
    let fields = quoted.fields(&all).unwrap();
    assert_eq!(fields.required("password").unwrap().text(&all).as_deref(), Some("0123"));
    assert_eq!(fields.required("port").unwrap().integer(&all), Some(16));
    assert_eq!(
        faults("name: r1\nport: 99999999999999999999\n"),
        ["2:7: the number is out of range (whole numbers are at most 9223372036854775807)"]
    );
    assert!(faults("name: r1\nport: 1.5\n")[0].contains("expected a whole number"));
}
