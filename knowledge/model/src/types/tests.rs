//! Canonical forms by type.

use super::*;

fn of(text: &str) -> Type {
    let mut words = words(text).unwrap().into_iter();
    let name = words.next().unwrap();
    Type::named(&name, &mut words.map(|it| split(&it)).collect()).unwrap()
}

/// Each text and its canonical form; none where it is refused.
fn check(kind: &str, cases: &[(&str, Option<&str>)]) {
    let kind_read = of(kind);
    for (text, expected) in cases {
        let found = kind_read.canonical(text).ok();
        assert_eq!(found.as_deref(), *expected, "{kind} {text:?}");
        if let Some(found) = found {
            assert_eq!(
                kind_read.canonical(&found).as_deref(),
                Ok(&*found),
                "{kind} {text:?} twice"
            );
        }
    }
}

#[test]
fn numbers() {
    check(
        "uint8",
        &[
            ("0", Some("0")),
            ("+7", Some("7")),
            ("255", Some("255")),
            ("256", None),
            ("-1", None),
            ("-0", Some("0")),
        ],
    );
    check(
        "uint8",
        &[
            ("", None),
            ("007", None),
            ("0x10", None),
            ("1.0", None),
            (" 1", None),
            ("٣", None),
            ("1e2", None),
        ],
    );
    check(
        "int64",
        &[
            ("-9223372036854775808", Some("-9223372036854775808")),
            ("9223372036854775808", None),
        ],
    );
    check(
        "uint64",
        &[
            ("18446744073709551615", Some("18446744073709551615")),
            ("18446744073709551616", None),
        ],
    );
    check(
        "uint16 range=0|68..9216",
        &[("0", Some("0")), ("67", None), ("68", Some("68")), ("9217", None)],
    );
    check(
        "decimal64 digits=2",
        &[
            ("1", Some("1.0")),
            ("1.50", Some("1.5")),
            ("-0.05", Some("-0.05")),
            ("1.234", None),
            ("1.", None),
        ],
    );
    check(
        "decimal64 digits=2",
        &[
            (".5", None),
            ("-", None),
            ("92233720368547758.08", None),
            ("-0.00", Some("0.0")),
            ("1.500", Some("1.5")),
        ],
    );
    check(
        "decimal64 digits=1 range=0.5..1.5",
        &[("0.4", None), ("0.5", Some("0.5")), ("1.6", None)],
    );
}

#[test]
fn text_and_names() {
    check("boolean", &[("true", Some("true")), ("True", None), ("1", None)]);
    check(
        "string length=1..3",
        &[("", None), ("äöü", Some("äöü")), ("abcd", None), ("a\u{0}", None)],
    );
    check(
        r"string pattern=[a-z]+(-[a-z]+)?",
        &[("ab-c", Some("ab-c")), ("ab-", None), ("ab\n", None)],
    );
    check(
        "enumeration names=permit,deny",
        &[("permit", Some("permit")), ("Permit", None), ("", None)],
    );
    check(
        "binary length=1..2",
        &[
            ("AQ==", Some("AQ==")),
            ("AQI=", Some("AQI=")),
            ("AQID", None),
            ("A Q = =", Some("AQ==")),
            ("====", None),
        ],
    );
    check(
        "union member=uint8 member=\"enumeration names=any\"",
        &[("+1", Some("1")), ("any", Some("any")), ("all", None)],
    );
    check(
        "mac-address",
        &[
            ("02:00:5E:00:53:01", Some("02:00:5e:00:53:01")),
            ("02-00-5e-00-53-01", None),
            ("02:00:5e:00:53", None),
        ],
    );
}

#[test]
fn addresses() {
    check(
        "ip-address",
        &[
            ("192.0.2.1", Some("192.0.2.1")),
            ("192.0.2.01", None),
            ("2001:DB8:0::1", Some("2001:db8::1")),
            ("fe80::1%eth0", None),
        ],
    );
    check("ipv4-address", &[("2001:db8::1", None), ("192.0.2", None)]);
    check(
        "ipv6-address",
        &[("::ffff:192.0.2.1", Some("::ffff:192.0.2.1")), ("192.0.2.1", None)],
    );
    check(
        "ip-prefix",
        &[
            ("192.0.2.77/24", Some("192.0.2.0/24")),
            ("0.0.0.0/0", Some("0.0.0.0/0")),
            ("192.0.2.0/33", None),
            ("192.0.2.0/024", None),
        ],
    );
    check(
        "ip-prefix",
        &[
            ("2001:DB8::1/32", Some("2001:db8::/32")),
            ("::1/0", Some("::/0")),
            ("::1/128", Some("::1/128")),
            ("192.0.2.0", None),
        ],
    );
    check(
        "ip-address-and-prefix",
        &[
            ("192.0.2.77/24", Some("192.0.2.77/24")),
            ("2001:DB8::1/64", Some("2001:db8::1/64")),
            ("192.0.2.1/", None),
            ("1.2.3.4/+1", None),
        ],
    );
}

#[test]
fn expectations_read_well() {
    for (kind, expected) in [
        ("uint16 range=0|68..9216", "a whole number 0 or from 68 to 9216"),
        ("string length=1..64", "text of 1 to 64 characters"),
        (
            "union member=uint8 member=\"enumeration names=any\"",
            "a whole number from 0 to 255, or one of any",
        ),
        (
            "decimal64 digits=2 range=0.5..1",
            "a number with at most 2 decimal places from 0.5 to 1.0",
        ),
        ("ip-prefix", "an IPv4 or IPv6 prefix such as 192.0.2.0/24"),
    ] {
        assert_eq!(of(kind).to_string(), expected);
    }
}
