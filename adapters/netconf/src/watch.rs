//! Notifications of a device (RFC 5277), on a session of their own.

use crate::conversation::Conversation;
use crate::rpc::{Filter, Operation};
use crate::target::Target;
use crate::xml::{self, Element};
use adapters_port::{Answer, Deadline, Notice, SessionError, Step, Watch};

const LONGEST: usize = 64 << 10;

/// A running subscription.
pub struct NetconfWatch {
    talk: Conversation,
}

impl NetconfWatch {
    pub(crate) async fn open(target: &Target, by: Deadline) -> Result<Self, SessionError> {
        let mut talk = target.open(by).await?;
        talk.begin(Step::Watch);
        let reply = talk.ask(Operation::create_subscription(None, &Filter::All), by).await?;
        if reply.is_ok() {
            Ok(Self { talk })
        } else {
            Err(talk.refusal(&reply, "the subscription"))
        }
    }
}

impl Watch for NetconfWatch {
    fn next(&mut self, by: Deadline) -> Answer<'_, Option<Notice>> {
        Box::pin(async move {
            let notice = self.talk.exchange.notice(by).await.map_err(|it| self.talk.lost(it))?;
            Ok(notice.map(|it| read(&it)))
        })
    }
}

fn read(notification: &Element) -> Notice {
    let time = notification.child_text("eventTime").unwrap_or_default().to_owned();
    let event = notification.children.iter().find(|it| &*it.name != "eventTime");
    let kind = event.map(|it| it.name.to_string()).unwrap_or_default();
    let body = event.map(xml::write).unwrap_or_default();
    let body = body
        .char_indices()
        .take_while(|(at, _)| *at < LONGEST)
        .map(|(_, it)| it)
        .collect();
    Notice { time, kind, body }
}
