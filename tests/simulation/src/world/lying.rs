//! A participant that lies: its machine and its device do as they are told, and its mouth says whatever it likes.
//!
//! Nobody can say anything in another device's name: that is the business of whoever knows who speaks. What it says of
//! itself may be anything: yes where it has done nothing, an end that it has not reached, an answer to what nobody asked,
//! and that another leads.

use super::{Up, World};
use crate::change::Change;
use transaction::{Answer, Epoch, Guarantee, Inquiry, Reply, Request, Standing, Step, TransactionId};

/// It goes on lying for so long at least, also where nothing else goes wrong.
const AT_LEAST: u64 = 60_000;

impl World {
    /// Whoever hears this may say something else than what comes of it.
    pub(super) fn maybe_lie(&mut self, at: usize, heard: &Request<Change>) {
        let lies = self.liar == Some(at) && self.now < self.weather.end.max(AT_LEAST);
        if !lies || !self.tongue.permille(400) {
            return;
        }
        let up = if self.tongue.permille(200) {
            Up::Inquiry(self.false_question(heard))
        } else {
            Up::Reply(self.false_answer(heard))
        };
        self.ledger.lies_told += 1;
        self.say(|| format!("d{at} lies"));
        self.send_up(at, &up);
    }

    fn false_question(&mut self, heard: &Request<Change>) -> Inquiry {
        let standings = [
            Standing::Untouched,
            Standing::Staged,
            Standing::Applied,
            Standing::Confirmed,
        ];
        Inquiry {
            transaction: heard.transaction,
            epoch: self.false_epoch(heard.epoch),
            device: heard.device,
            standing: self.tongue.pick(&standings),
        }
    }

    fn false_answer(&mut self, heard: &Request<Change>) -> Reply {
        let round = u32::try_from(self.tongue.below(6)).unwrap_or(0);
        let unasked = [
            Step::Stage,
            Step::Apply,
            Step::Renew { round },
            Step::Renew { round: u32::MAX },
            Step::Confirm,
            Step::Revert,
            Step::Inquire,
        ];
        let step = if self.tongue.permille(600) {
            heard.order.step()
        } else {
            self.tongue.pick(&unasked)
        };
        let other = TransactionId(u128::from(self.tongue.between(1, 3)));
        let (reason, what) = ("a lie".to_owned(), "a lie".to_owned());
        let by = self.false_epoch(heard.epoch);
        let mut answers = vec![
            Answer::Superseded { by },
            Answer::Superseded { by },
            Answer::Superseded { by },
            Answer::Staged {
                guarantee: Guarantee::Confirmed,
                renews: true,
            },
            Answer::Applied,
            Answer::Renewed,
            Answer::Confirmed,
            Answer::Reverted,
            Answer::Lapsed,
            Answer::Unknown,
            Answer::Refused { reason: reason.clone() },
            Answer::Deferred { reason },
            Answer::Foreign { what },
        ];
        let at = self.tongue.below(answers.len() as u64);
        let answer = answers.swap_remove(usize::try_from(at).unwrap_or(0));
        Reply {
            transaction: if self.tongue.permille(100) {
                other
            } else {
                heard.transaction
            },
            epoch: heard.epoch,
            device: heard.device,
            step,
            answer,
        }
    }

    fn false_epoch(&mut self, heard: Epoch) -> Epoch {
        let more = self.tongue.pick(&[1, 2, 1_000, u64::MAX]);
        Epoch(heard.0.saturating_add(more))
    }
}
