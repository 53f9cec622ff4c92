//! What may be shown of a device's own configuration: everything but its secrets.
//!
//! Whatever looks like the name of a secret hides what stands behind it; better too much is hidden than too little.

/// What stands in the place of a secret.
pub const MASK: &str = "***";

/// Words that name secrets, by themselves or as a part of a longer name.
const SECRETS: [&str; 14] = [
    "auth",
    "authentication",
    "cipher",
    "community",
    "credential",
    "hash",
    "key",
    "passphrase",
    "passwd",
    "password",
    "private",
    "psk",
    "secret",
    "token",
];

/// Whether an element or a keyword of this name holds a secret: `auth-key`, `password`, `pre-shared-key`.
pub fn names_secret(name: &str) -> bool {
    let words = name.split(|it: char| !it.is_ascii_alphanumeric());
    words
        .map(str::to_ascii_lowercase)
        .any(|word| SECRETS.contains(&word.as_str()) || word.ends_with("password") || word.ends_with("secret"))
}

/// Lines of a command line with all that follows the name of a secret hidden.
pub fn masked_lines(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    for line in text.lines() {
        masked.push_str(&masked_line(line));
        masked.push('\n');
    }
    masked
}

fn masked_line(line: &str) -> String {
    let mut at = 0;
    for word in line.split_inclusive(char::is_whitespace) {
        at += word.len();
        let rest = line.get(at..).unwrap_or_default();
        if names_secret(word.trim()) && !rest.trim().is_empty() {
            return format!("{}{MASK}", line.get(..at).unwrap_or_default());
        }
    }
    line.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_the_name_of_a_secret_is_hidden() {
        let check = |line: &str, expected: &str| assert_eq!(masked_line(line), expected);
        check(
            " neighbor 10.0.0.1 password 8 s3cret",
            " neighbor 10.0.0.1 password ***",
        );
        check("snmp-server community public ro", "snmp-server community ***");
        check(
            " ip ospf message-digest-key 1 md5 s3cret",
            " ip ospf message-digest-key ***",
        );
        check(" set pre-shared-key ascii-text \"s3\"", " set pre-shared-key ***");
        check("service password-encryption", "service password-encryption");
        check(
            " description the keyboard of my community-",
            " description the keyboard of my community-",
        );
        check(" mtu 9000", " mtu 9000");
        check("", "");
        assert_eq!(masked_lines("a\nenable secret 5 x\n"), "a\nenable secret ***\n");
    }

    #[test]
    fn names_of_elements_are_known_whatever_their_form() {
        for name in [
            "password",
            "auth-key",
            "authentication-key",
            "pre_shared_key",
            "adminPassword",
            "community",
        ] {
            assert!(names_secret(name), "{name}");
        }
        for name in ["description", "mtu", "keyboard", "monkey", "hashing"] {
            assert!(!names_secret(name), "{name}");
        }
    }
}
