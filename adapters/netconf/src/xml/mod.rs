//! XML as a device writes it: data, read namespace-aware and within limits, written escaped.

mod compare;
mod element;
mod indent;
mod write;

pub use compare::differences;
pub use element::{Attribute, Element, XmlError};
pub use indent::indented;
pub use write::{escape, write};

/// The namespace of the protocol's own elements (RFC 6241).
pub const BASE: &str = "urn:ietf:params:xml:ns:netconf:base:1.0";
/// The namespace of schemas offered for download (RFC 6022).
pub const MONITORING: &str = "urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring";
/// The namespace of notifications and subscriptions (RFC 5277).
pub const NOTIFICATION: &str = "urn:ietf:params:xml:ns:netconf:notification:1.0";
/// The namespace of the YANG library (RFC 8525, and RFC 7895 before it).
pub const LIBRARY: &str = "urn:ietf:params:xml:ns:yang:ietf-yang-library";
/// The namespace of the default-handling parameter (RFC 6243).
pub const WITH_DEFAULTS: &str = "urn:ietf:params:xml:ns:yang:ietf-netconf-with-defaults";
