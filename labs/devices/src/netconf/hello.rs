//! hello: what a device says first, and what it understands of the client's.

use std::fmt::Write as _;

use super::NS;
use super::framing::Framing;
use crate::personality::{Base, Traits};
use crate::schema::SCHEMA;
use crate::xml::{self, Element};

/// Everything that hello names.
pub fn capabilities(traits: &Traits) -> Vec<String> {
    let mut all = traits.capabilities();
    all.push(format!(
        "urn:ietf:params:netconf:capability:yang-library:1.0?revision=2019-01-04&module-set-id={MODULE_SET}"
    ));
    all.push(format!(
        "urn:ietf:params:netconf:capability:yang-library:1.1?revision=2019-01-04&content-id={MODULE_SET}"
    ));
    all.extend(
        SCHEMA
            .modules
            .iter()
            .map(|it| format!("{}?module={}&revision={}", it.ns, it.name, it.revision)),
    );
    all
}

/// The id of the one set of modules.
pub const MODULE_SET: &str = "entente-lab-1";

/// The device's hello.
pub fn hello(capabilities: &[String], session: u32) -> String {
    let mut out = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><hello xmlns=\"{NS}\"><capabilities>");
    for capability in capabilities {
        out.push_str("<capability>");
        xml::escape(&mut out, capability);
        out.push_str("</capability>");
    }
    let _ = write!(out, "</capabilities><session-id>{session}</session-id></hello>");
    out
}

/// The framing that both sides know, or `None` when they have no base in common or it is no hello.
pub fn agree(traits: &Traits, hello: &Element) -> Option<Framing> {
    if hello.name != "hello" || &*hello.ns != NS {
        return None;
    }
    let offers = |uri: &str| {
        hello
            .child("capabilities")
            .is_some_and(|it| it.children.iter().any(|c| c.text.trim() == uri))
    };
    if traits.base == Base::Both && offers("urn:ietf:params:netconf:base:1.1") {
        Some(Framing::Chunked)
    } else {
        offers("urn:ietf:params:netconf:base:1.0").then_some(Framing::Marked)
    }
}
