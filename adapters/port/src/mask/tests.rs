//! What is hidden, what is not, and that nothing makes a fault: tables that both readings are held to.

use super::*;

const HIDDEN: [&str; 5] = ["s3cret", "0822455D0A16", "$1$x", "hunter", "Hunter"];

/// What both readings make of texts that hold a secret.
const SECRET: &[(&str, &str)] = &[
    (
        " neighbor 10.0.0.1 password 8 s3cret",
        " neighbor 10.0.0.1 password ***",
    ),
    ("snmp-server community s3cret ro", "snmp-server community ***"),
    (
        " ip ospf message-digest-key 1 md5 s3cret",
        " ip ospf message-digest-key ***",
    ),
    (" set pre-shared-key ascii-text \"s3cret\"", " set pre-shared-key ***"),
    ("a\nenable secret 5 s3cret\nb\n", "a\nenable secret ***\nb\n"),
    ("key 7 0822455D0A16", "key ***"),
    ("username bob secret 5 $1$x$abc", "username bob secret ***"),
    ("pre-shared-key local s3cret", "pre-shared-key ***"),
    ("psk=s3cret", "psk=***"),
    ("wpa psk=s3cret ssid=hall", "wpa psk=*** ssid=hall"),
    ("psk = \"s3 cret\" ssid=hall", "psk = \"***\" ssid=hall"),
    ("secret = hunter two", "secret = ***"),
    ("<password>s3cret</password>", "<password>***</password>"),
    (
        "<a:auth-key xmlns:a=\"u\">s3cret</a:auth-key><mtu>9</mtu>",
        "<a:auth-key xmlns:a=\"u\">***</a:auth-key><mtu>9</mtu>",
    ),
    ("<user password='s3cret'/>", "<user password='***'/>"),
    ("<secret>\n  s3cret\n</secret>", "<secret>***</secret>"),
    ("\"password\": \"s3cret\"", "\"password\": \"***\""),
    (
        "{\"password\":\"s3\\\"cret\",\"mtu\":9000}",
        "{\"password\":\"***\",\"mtu\":9000}",
    ),
    ("{\"apiKey\":12345,\"mtu\":9000}", "{\"apiKey\":***,\"mtu\":9000}"),
    ("password: s3cret", "password: ***"),
    ("admin/password: s3cret", "admin/password: ***"),
    ("\"password\": [\"a\", \"s3cret\"]", "\"password\": ***"),
    ("password='s3cret\nmtu 9000", "password='***\nmtu 9000"),
    ("<password><![CDATA[s3cret]]></password>", "<password>***</password>"),
    ("key type 7 s3cret", "key ***"),
    ("authentication mode md5 s3cret", "authentication ***"),
    ("http://host/?token=s3cret&x=1", "http://host/?token=***&x=1"),
];

/// What holds none: it stays as it is.
const ORDINARY: &[&str] = &[
    "",
    " mtu 9000",
    "service password-encryption",
    " description the keyboard of my community-",
    "<password/>",
    "<password></password><mtu>9000</mtu>",
    "% Invalid input detected at '^' marker.",
    "\"description\": \"north\"",
];

/// Sentences that speak of secrets and tell none.
const SENTENCES: &[&str] = &[
    "SSH authentication failed for user admin",
    "authentication: failed for user admin",
    "the password is too short: 8 characters are needed",
    "Host key verification failed.",
    "no matching key exchange method found, they offer diffie-hellman-group1-sha1",
    "List instance is missing its key \"name\".",
    "public key authentication is not enabled here",
    "syntax error, unexpected token '}' on line 3",
    "% Key chain CORE does not exist",
    "community string too long",
    "hash mismatch in block 7",
    "/ietf-key-chain:key-chains/key-chain[name='core'] is referenced",
    "community-list FOREIGN is in use by route-map IN",
    "bgp/neighbor[10.0.0.1]/password moved on",
    "authentication type is not supported",
];

/// Sentences that tell one.
const TOLD: &[(&str, &str)] = &[
    ("the password was changed to s3cret", "the password was changed to ***"),
    (
        "% Bad line: neighbor 192.0.2.1 password s3cret",
        "% Bad line: neighbor 192.0.2.1 password ***",
    ),
    (
        "no prompt after `enable secret s3cret`",
        "no prompt after `enable secret ***",
    ),
    ("invalid key: s3cret", "invalid key: ***"),
    ("wrong community value hunter", "wrong community value ***"),
    // What is told may look like the name of a secret itself.
    (
        "neighbor 192.0.2.1 password hunter-secret",
        "neighbor 192.0.2.1 password ***",
    ),
    ("username bob password HunterSecret", "username bob password ***"),
    ("system password \"hunter-key-1\"", "system password ***"),
    ("snmp-server community private ro", "snmp-server community ***"),
];

fn nothing_leaks(masked: &str) {
    for hidden in HIDDEN {
        assert!(!masked.contains(hidden), "{masked}");
    }
}

#[test]
fn what_follows_the_name_of_a_secret_is_hidden_whatever_the_form() {
    for (text, expected) in SECRET {
        assert_eq!(masked_lines(text), *expected);
        let spoken = masked_words(text);
        nothing_leaks(&spoken);
        assert!(spoken.contains(MASK), "{spoken}");
    }
}

#[test]
fn ordinary_text_stays_as_it_is() {
    for text in ORDINARY {
        assert_eq!(masked_lines(text), *text);
        assert_eq!(masked_words(text), *text);
    }
}

#[test]
fn sentences_about_secrets_are_left_whole_and_those_that_tell_them_are_not() {
    for text in SENTENCES {
        assert_eq!(masked_words(text), *text);
    }
    for (text, expected) in TOLD {
        assert_eq!(masked_words(text), *expected);
        nothing_leaks(&masked_lines(text));
    }
}

#[test]
fn names_of_elements_are_known_whatever_their_form() {
    for name in [
        "password",
        "auth-key",
        "authentication-key",
        "pre_shared_key",
        "preSharedKey",
        "adminPassword",
        "community",
    ] {
        assert!(names_secret(name), "{name}");
    }
    for name in ["description", "mtu", "keyboard", "monkey", "hashing", ""] {
        assert!(!names_secret(name), "{name}");
    }
}

#[test]
fn any_text_is_masked_without_a_fault() {
    let signs = [
        "password", "<", ">", "/", "=", ":", "\"", "'", "\\", " ", "\n", "ä", "key", "x", "\u{1b}",
    ];
    let mut seed = 7_u64;
    for _ in 0..20_000 {
        let text: String = (0..12)
            .map(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                signs[(seed >> 33) as usize % signs.len()]
            })
            .collect();
        let (lines, words) = (masked_lines(&text), masked_words(&text));
        assert!(lines.len() <= text.len() * 4 + 12 && words.len() <= text.len() * 4 + 12);
    }
}
