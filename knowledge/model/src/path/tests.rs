//! Paths: text both ways, order, ancestry.

use super::*;

fn path(text: &str) -> Path {
    text.parse().unwrap()
}

fn check(text: &str, steps: &[(&str, &[&str])]) {
    let read = path(text);
    let found: Vec<_> = read.steps().map(|it| (it.name, it.keys)).collect();
    let expected: Vec<_> = steps.iter().map(|(name, keys)| (*name, keys.to_vec())).collect();
    assert_eq!(found, expected, "{text}");
    assert_eq!(read.to_string(), text);
    let built = steps
        .iter()
        .fold(Path::root(), |path, (name, keys)| path.keyed(name, *keys));
    assert_eq!(built, read);
}

#[test]
fn text_and_steps_agree() {
    check("", &[]);
    check("system/hostname", &[("system", &[]), ("hostname", &[])]);
    check("interface[eth1]/mtu", &[("interface", &["eth1"]), ("mtu", &[])]);
    check(
        "prefix-list[ipv4][edge]/rule[10]",
        &[("prefix-list", &["ipv4", "edge"]), ("rule", &["10"])],
    );
    check(
        "system/dns/server[2001:db8::1]",
        &[("system", &[]), ("dns", &[]), ("server", &["2001:db8::1"])],
    );
    check(
        r"interface[a\]b\\/[c]/mtu",
        &[("interface", &[r"a]b\/[c"]), ("mtu", &[])],
    );
    check("access-list[]", &[("access-list", &[""])]);
    check("a[0]/b[007]/c[1]", &[("a", &["0"]), ("b", &["007"]), ("c", &["1"])]);
    check(
        "a[1234567890123456789012345678]",
        &[("a", &["1234567890123456789012345678"])],
    );
}

fn refused(text: &str, expected: &str) {
    assert_eq!(text.parse::<Path>().unwrap_err().to_string(), expected);
}

#[test]
fn what_is_no_path_is_refused() {
    refused("/system", r#""" at character 0 is not a name"#);
    refused("system/", r#""" at character 7 is not a name"#);
    refused("a//b", r#""" at character 2 is not a name"#);
    refused("1a", r#""1a" at character 0 is not a name"#);
    refused("a b", r#""a b" at character 0 is not a name"#);
    refused("a[b", "the bracket opened at character 1 is not closed");
    refused("a[b]c", "expected '[', '/' or the end at character 4");
    refused(r"a[\n]", r"'\' at character 2 escapes neither ']' nor '\'");
    refused("a[\u{1}]", r#"control character in "a[\u{1}]""#);
    refused("a\u{1}b", r#""a\u{1}b" at character 0 is not a name"#);
    refused(&"a".repeat(LENGTH + 1), "a path of 16385 bytes is longer than 16384");
}

#[test]
fn nothing_forges_a_step() {
    let forged = Path::root().keyed("interface", ["eth1\u{1}mtu", "\u{5}10"]);
    assert_eq!(forged.to_string(), "interface[eth1\u{fffd}mtu][\u{fffd}10]");
    assert_eq!(Path::root().child("a\u{1}b/c").steps().count(), 1);
    assert!(Path::root().try_keyed("interface", ["\u{0}"]).is_err());
    assert!(Path::root().try_keyed("a/b", [""]).is_err());
}

#[test]
fn order_keeps_subtrees_together_and_numbers_in_their_order() {
    let sorted = [
        "", "a", "a/b", "a[]", "a[]/z", "a[][x]", "a[0]", "a[9]", "a[9]/c", "a[10]", "a[010]", "a[x]", "a[x]/c",
        "a[x y]", "a-b", "a.b", "a0", "aa",
    ];
    let paths: Vec<_> = sorted.iter().map(|it| path(it)).collect();
    let mut again = paths.clone();
    again.reverse();
    again.sort();
    assert_eq!(again, paths);
    for (first, ancestor) in paths.iter().enumerate() {
        let inside: Vec<_> = (0..paths.len()).filter(|it| paths[*it].starts_with(ancestor)).collect();
        assert!(
            inside.iter().enumerate().all(|(offset, it)| *it == first + offset),
            "{ancestor} is torn"
        );
        assert!(
            inside
                .iter()
                .all(|it| ancestor.is_root() || paths[*it] < ancestor.behind())
        );
    }
}

#[test]
fn ancestry() {
    let mtu = path("interface[eth1]/mtu");
    assert_eq!(mtu.parent(), Some(path("interface[eth1]")));
    assert_eq!(path("interface[eth1]").parent(), Some(Path::root()));
    assert_eq!(Path::root().parent(), None);
    assert!(mtu.starts_with(&path("interface")));
    assert!(!mtu.starts_with(&path("interface[eth10]")) && !mtu.starts_with(&path("interface[eth]")));
    assert!(!path("interface[eth1]").starts_with(&mtu));
    assert_eq!(mtu.name(), "mtu");
    assert_eq!(mtu.parent().unwrap().name(), "interface");
    assert_eq!(mtu.parent().unwrap().last().unwrap().keys, ["eth1"]);
    assert_eq!(
        path("a[1]/b/c[2]/d")
            .ancestors()
            .map(|it| it.to_string())
            .collect::<Vec<_>>(),
        ["a[1]/b/c[2]", "a[1]/b", "a[1]"]
    );
}
