//! rpc-error, as a device says it.

use std::fmt::Write as _;

/// Why a device refuses an RPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RpcError {
    /// The layer: `transport`, `rpc`, `protocol` or `application`.
    pub layer: &'static str,
    /// The tag, one of RFC 6241's.
    pub tag: String,
    /// Where in the data, empty when it is about the whole.
    pub path: String,
    /// The words for a person.
    pub message: String,
    /// Elements of error-info, ready as XML.
    pub info: String,
}

impl RpcError {
    /// A refusal by the protocol layer.
    pub fn protocol(tag: &str, message: impl Into<String>) -> RpcError {
        RpcError {
            layer: "protocol",
            tag: tag.to_owned(),
            path: String::new(),
            message: message.into(),
            info: String::new(),
        }
    }

    /// A refusal by the data's meaning.
    pub fn application(tag: &str, path: &str, message: impl Into<String>) -> RpcError {
        RpcError {
            layer: "application",
            tag: tag.to_owned(),
            path: path.to_owned(),
            message: message.into(),
            info: String::new(),
        }
    }

    /// The same with an element that error-info names as bad.
    pub fn about(mut self, element: &str) -> RpcError {
        let _ = write!(self.info, "<bad-element>{element}</bad-element>");
        self
    }

    /// A lock that somebody holds.
    pub fn lock_denied(holder: u32) -> RpcError {
        let mut error = RpcError::protocol("lock-denied", format!("the lock is held by session {holder}"));
        let _ = write!(error.info, "<session-id>{holder}</session-id>");
        error
    }

    /// Appends the error as XML.
    pub fn write(&self, out: &mut String) {
        let _ = write!(
            out,
            "<rpc-error><error-type>{}</error-type><error-tag>{}</error-tag><error-severity>error</error-severity>",
            self.layer, self.tag
        );
        if !self.path.is_empty() {
            out.push_str("<error-path>");
            crate::xml::escape(out, &self.path);
            out.push_str("</error-path>");
        }
        out.push_str("<error-message xml:lang=\"en\">");
        crate::xml::escape(out, &self.message);
        out.push_str("</error-message>");
        if !self.info.is_empty() {
            let _ = write!(out, "<error-info>{}</error-info>", self.info);
        }
        out.push_str("</rpc-error>");
    }
}
