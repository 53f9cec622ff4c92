//! The platforms that come with the program.

use crate::platform::Platform;
use std::sync::LazyLock;

const FILES: [(&str, &str); 6] = [
    ("cisco_ios", include_str!("../platforms/cisco_ios.yaml")),
    ("frr", include_str!("../platforms/frr.yaml")),
    ("huawei_vrp", include_str!("../platforms/huawei_vrp.yaml")),
    ("ietf", include_str!("../platforms/ietf.yaml")),
    ("linux", include_str!("../platforms/linux.yaml")),
    ("yangcli", include_str!("../platforms/yangcli.yaml")),
];

static ALL: LazyLock<Vec<Platform>> =
    LazyLock::new(|| FILES.iter().filter_map(|(_, text)| Platform::load(text).ok()).collect());

/// The platforms that come with the program, each read once.
pub fn all() -> impl Iterator<Item = &'static Platform> {
    ALL.iter()
}

/// The built-in platform of this name.
pub fn named(name: &str) -> Option<&'static Platform> {
    all().find(|it| it.name() == name)
}

/// The files of the built-in platforms, by name.
pub fn files() -> impl Iterator<Item = (&'static str, &'static str)> {
    FILES.into_iter()
}
