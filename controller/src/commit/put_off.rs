//! Who could not begin with a step and is asked again: said once of each device and step, and only where that is so.

use std::collections::BTreeSet;

use transaction::coordinator::{Input, Stand};
use transaction::{Answer, Coordinator, DeviceId, Reply, Step};

/// Of whom that was said.
#[derive(Debug, Default)]
pub struct PutOff(BTreeSet<(DeviceId, Step)>);

impl PutOff {
    /// What is to be said of an input that a coordinator is about to hear: an answer that puts off what it waits for.
    pub fn news<C: Clone>(&mut self, coordinator: &Coordinator<C>, input: &Input) -> Option<(DeviceId, String)> {
        let Input::Reply(Reply {
            transaction,
            epoch,
            device,
            step,
            answer: Answer::Deferred { reason },
        }) = input
        else {
            return None;
        };
        let awaited = match step {
            Step::Stage => Stand::Staging,
            Step::Apply => Stand::Applying,
            Step::Renew { .. } | Step::Confirm | Step::Revert | Step::Inquire => return None,
        };
        let is_own = (*transaction, *epoch) == (coordinator.transaction(), coordinator.epoch());
        let waits = |it: &transaction::coordinator::Seat| it.device == *device && it.stand == awaited;
        let is_awaited = is_own && coordinator.decision().is_none() && coordinator.seats().iter().any(waits);
        (is_awaited && self.0.insert((*device, *step))).then(|| (*device, format!("is asked again: {reason}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use transaction::{Charge, Demand, Epoch, Gate, Guarantee, Member, Moment, Terms, TransactionId};

    const PE1: DeviceId = DeviceId(1);

    fn coordinator() -> Coordinator<()> {
        let member = Member {
            device: PE1,
            change: (),
            demand: Demand::Any,
            wave: 0,
            debts: Vec::new(),
            looks_on: false,
            lingers: false,
        };
        let charge = Charge {
            transaction: TransactionId(7),
            intents: Vec::new(),
            riders: Vec::new(),
            comment: String::new(),
            members: vec![member],
            gate: Gate::None,
            terms: Terms::default(),
        };
        let mut coordinator = Coordinator::new(charge, Epoch(3)).unwrap();
        coordinator.step(Input::Begin, Moment(0));
        coordinator
    }

    fn answered((transaction, epoch, step): (u128, u64, Step), answer: Answer) -> Input {
        Input::Reply(Reply {
            transaction: TransactionId(transaction),
            epoch: Epoch(epoch),
            device: PE1,
            step,
            answer,
        })
    }

    fn deferred(about: (u128, u64, Step), reason: usize) -> Input {
        let reason = format!("no room {reason}");
        answered(about, Answer::Deferred { reason })
    }

    #[test]
    fn who_is_asked_again_is_said_once_for_each_step_and_only_where_it_is_so() {
        let (mut coordinator, mut put_off) = (coordinator(), PutOff::default());
        for false_one in [
            (8, 3, Step::Stage),
            (7, 2, Step::Stage),
            (7, 3, Step::Apply),
            (7, 3, Step::Confirm),
        ] {
            let input = deferred(false_one, 0);
            assert_eq!(
                put_off.news(&coordinator, &input),
                None,
                "{false_one:?} is not waited for"
            );
        }
        let told = |put_off: &mut PutOff, coordinator: &mut Coordinator<()>, step| {
            let told = (0..1_000).filter_map(|it| {
                let input = deferred((7, 3, step), it);
                let news = put_off.news(coordinator, &input);
                coordinator.step(input, Moment(0));
                news
            });
            told.collect::<Vec<_>>()
        };
        let once = vec![(PE1, "is asked again: no room 0".to_owned())];
        assert_eq!(told(&mut put_off, &mut coordinator, Step::Stage), once);
        let staged = Answer::Staged {
            guarantee: Guarantee::Confirmed,
            renews: true,
        };
        coordinator.step(answered((7, 3, Step::Stage), staged), Moment(0));
        assert_eq!(told(&mut put_off, &mut coordinator, Step::Stage), [], "it has voted");
        assert_eq!(told(&mut put_off, &mut coordinator, Step::Apply), once);
        coordinator.step(Input::Cancel, Moment(0));
        let late = deferred((7, 3, Step::Apply), 1);
        assert_eq!(PutOff::default().news(&coordinator, &late), None, "it is taken back");
    }
}
