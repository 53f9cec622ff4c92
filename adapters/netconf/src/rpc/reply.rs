//! What a server answers, whatever prefixes it likes.

use crate::xml::{BASE, Element, XmlError};
use adapters_port::DeviceWords;

/// One `rpc-error`, in the server's words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RpcError {
    /// `transport`, `rpc`, `protocol` or `application`.
    pub kind: String,
    /// The standard tag, such as `lock-denied`.
    pub tag: String,
    /// Is it only a warning?
    pub warning: bool,
    /// The application's own tag.
    pub app_tag: Option<String>,
    /// Where in the configuration.
    pub path: Option<String>,
    /// For people.
    pub message: Option<String>,
    /// The session that stands in the way.
    pub session: Option<String>,
    /// Everything in `error-info`, name and text.
    pub info: Vec<(String, String)>,
}

/// A reply that was read.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The id of the RPC that it answers; some errors carry none.
    pub id: Option<String>,
    /// Errors, without warnings.
    pub errors: Vec<RpcError>,
    /// Warnings: the operation was done all the same.
    pub warnings: Vec<RpcError>,
    /// The reply as an element, with whatever it carries.
    pub element: Element,
}

/// Why a message is no reply.
#[derive(Debug, thiserror::Error)]
pub enum ReplyError {
    /// Not a document.
    #[error("the reply cannot be read")]
    Xml(#[source] XmlError),
    /// Something else than was asked for.
    #[error("expected {expected}, found {found}")]
    Other {
        /// What was expected.
        expected: &'static str,
        /// What came.
        found: String,
    },
    /// An answer to something that was not asked.
    #[error("the reply answers message {id}, which was not asked")]
    Unasked {
        /// The id it carries.
        id: String,
    },
}

impl Reply {
    /// Reads a reply. A reply without ok, data or errors counts as data that are empty.
    pub fn read(element: Element) -> Result<Self, ReplyError> {
        if !element.is(BASE, "rpc-reply") {
            return Err(ReplyError::Other {
                expected: "rpc-reply",
                found: element.name.into(),
            });
        }
        let faults = element
            .children
            .iter()
            .filter(|it| it.is(BASE, "rpc-error"))
            .map(RpcError::read);
        let (warnings, errors) = faults.partition(|it| it.warning);
        let id = element.attribute("message-id").map(str::to_owned);
        Ok(Self {
            id,
            errors,
            warnings,
            element,
        })
    }

    /// Did the server do what was asked? Warnings do not count.
    pub fn is_ok(&self) -> bool {
        self.errors.is_empty()
    }

    /// The first error in the server's words, with all others behind it.
    pub fn words(&self) -> DeviceWords {
        let Some((first, others)) = self.errors.split_first() else {
            return DeviceWords::default();
        };
        let mut words = first.words();
        words.more.extend(others.iter().map(|it| it.words().to_string()));
        words
    }

    /// The configuration or state that came.
    pub fn data(&self) -> Option<&Element> {
        self.element.child("data")
    }
}

impl RpcError {
    fn read(element: &Element) -> Self {
        let text = |name: &str| element.child_text(name).map(|it| bounded(it).to_owned());
        let info: Vec<(String, String)> = element
            .child("error-info")
            .map(|it| {
                it.children
                    .iter()
                    .map(|it| (it.name.to_string(), bounded(it.text.trim()).to_owned()))
                    .collect()
            })
            .unwrap_or_default();
        let session = info
            .iter()
            .find(|(name, _)| name == "session-id")
            .map(|(_, text)| text.clone());
        Self {
            kind: text("error-type").unwrap_or_default(),
            tag: text("error-tag").unwrap_or_default(),
            warning: text("error-severity").is_some_and(|it| it == "warning"),
            app_tag: text("error-app-tag"),
            path: text("error-path"),
            message: text("error-message"),
            session,
            info,
        }
    }

    /// In the words of the device.
    pub fn words(&self) -> DeviceWords {
        DeviceWords {
            message: self.message.clone().unwrap_or_default(),
            tag: Some(self.tag.clone()).filter(|it| !it.is_empty()),
            app_tag: self.app_tag.clone(),
            path: self.path.clone(),
            more: self.info.iter().map(|(name, text)| format!("{name}: {text}")).collect(),
        }
    }

    /// Does somebody hold what was asked for? Servers differ in the tag for one situation.
    pub fn is_held(&self) -> bool {
        matches!(self.tag.as_str(), "lock-denied" | "in-use" | "resource-denied")
    }

    /// Is it access control that forbids it?
    pub fn is_access(&self) -> bool {
        self.tag == "access-denied"
    }

    /// Does the server lack the operation?
    pub fn is_unsupported(&self) -> bool {
        self.tag == "operation-not-supported"
    }
}

fn bounded(text: &str) -> &str {
    const LONGEST: usize = 2048;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Reply, ReplyError> {
        Reply::read(Element::parse(text).map_err(ReplyError::Xml)?)
    }

    #[test]
    fn an_error_keeps_the_words_of_the_server() {
        let reply = read(
            "<nc:rpc-reply xmlns:nc='urn:ietf:params:xml:ns:netconf:base:1.0' message-id='4' xmlns:x='u:x' x:own='1'>
              <nc:rpc-error><nc:error-type>protocol</nc:error-type><nc:error-tag>lock-denied</nc:error-tag>
               <nc:error-severity>error</nc:error-severity><nc:error-message xml:lang='en'>lock denied</nc:error-message>
               <nc:error-path>/nc:rpc/nc:lock</nc:error-path>
               <nc:error-info><nc:session-id>17</nc:session-id></nc:error-info></nc:rpc-error>
              <nc:rpc-error><nc:error-severity>warning</nc:error-severity><nc:error-tag>x</nc:error-tag></nc:rpc-error>
             </nc:rpc-reply>",
        )
        .unwrap();
        assert_eq!(
            (reply.id.as_deref(), reply.is_ok(), reply.warnings.len()),
            (Some("4"), false, 1)
        );
        let error = &reply.errors[0];
        assert!(error.is_held() && error.session.as_deref() == Some("17"));
        assert_eq!(
            reply.words().to_string(),
            "lock denied (lock-denied) at /nc:rpc/nc:lock"
        );
    }

    #[test]
    fn something_else_is_no_reply() {
        for other in [
            "<rpc-reply/>",
            "<hello xmlns='urn:ietf:params:xml:ns:netconf:base:1.0'/>",
        ] {
            assert!(read(other).is_err(), "{other}");
        }
    }
}
