//! Participants told and watched: what seeds of the simulation once showed, as the shortest story of each.

use super::*;
use crate::{Answer, Demand, Epoch, Guarantee, Order, ParticipantRecord, Request, Terms};

mod onlookers;

type Effects = Vec<Effect<u8>>;

const DEVICE: DeviceId = DeviceId(1);
const NOW: Moment = Moment(0);

fn request(transaction: u128, epoch: u64, order: Order<u8>) -> Input<u8> {
    Input::Request(Request {
        transaction: TransactionId(transaction),
        epoch: Epoch(epoch),
        device: DEVICE,
        order,
    })
}

fn stage(waived: Vec<TransactionId>) -> Order<u8> {
    let lease = Terms::default().lease(1, 0);
    Order::Stage {
        change: 7,
        demand: Demand::Any,
        lease,
        comment: "a test".to_owned(),
        waived,
        looks_on: false,
    }
}

fn staged(guarantee: Guarantee) -> Outcome {
    Outcome::Staged {
        evidence: "persist".to_owned(),
        guarantee,
        renews: true,
    }
}

fn unknown() -> Outcome {
    Outcome::Unknown {
        reason: "no answer".to_owned(),
    }
}

/// A participant and what was last asked of its device.
struct Told {
    participant: Participant<u8>,
    operation: u64,
}

impl Told {
    fn new() -> Self {
        Self {
            participant: Participant::new(DEVICE),
            operation: 0,
        }
    }

    fn hears(&mut self, input: Input<u8>) -> Effects {
        let effects = self.participant.step(input, NOW);
        for effect in &effects {
            if let Effect::Device { operation, .. } = effect {
                self.operation = *operation;
            }
        }
        effects
    }

    fn device(&mut self, outcome: Outcome) -> Effects {
        let operation = self.operation;
        self.hears(Input::Done { operation, outcome })
    }

    fn stages(&mut self) {
        self.hears(request(1, 1, stage(Vec::new())));
        self.device(staged(Guarantee::Confirmed));
    }

    fn applies(&mut self) {
        self.stages();
        self.hears(request(1, 1, Order::Apply));
        self.device(Outcome::Applied);
    }
}

fn answers(effects: &Effects) -> Vec<&Answer> {
    fn answer(effect: &Effect<u8>) -> Option<&Answer> {
        match effect {
            Effect::Reply(reply) => Some(&reply.answer),
            Effect::Record(_) | Effect::Device { .. } | Effect::Inquire(_) | Effect::Arm { .. } | Effect::Disarm(_) => {
                None
            }
        }
    }
    effects.iter().filter_map(answer).collect()
}

fn works(effects: &Effects) -> bool {
    effects.iter().any(|it| matches!(it, Effect::Device { .. }))
}

#[test]
fn the_way_back_is_on_record_before_the_apply() {
    let mut told = Told::new();
    told.stages();
    let effects = told.hears(request(1, 1, Order::Apply));
    let record = effects
        .iter()
        .position(|it| matches!(it, Effect::Record(ParticipantRecord::Pending { .. })));
    let apply = effects.iter().position(|it| matches!(it, Effect::Device { .. }));
    assert!(record.is_some() && record < apply, "{effects:?}");
}

#[test]
fn a_repeat_is_answered_as_the_first_was_and_done_once() {
    let mut told = Told::new();
    told.applies();
    let again = told.hears(request(1, 1, Order::Apply));
    assert_eq!(answers(&again), [&Answer::Applied]);
    assert!(!works(&again));
    told.hears(request(1, 1, Order::Confirm { change: None }));
    assert_eq!(
        answers(&told.device(Outcome::Confirmed { saved: true })),
        [&Answer::Confirmed]
    );
    let again = told.hears(request(1, 1, Order::Confirm { change: None }));
    assert_eq!(answers(&again), [&Answer::Confirmed]);
    assert!(!works(&again));
}

#[test]
fn a_lower_epoch_is_refused_even_after_the_agents_death() {
    let mut told = Told::new();
    told.applies();
    let raised = told.hears(request(1, 2, Order::Renew { round: 1 }));
    let Some(Effect::Record(raised)) = raised.first() else {
        panic!("{raised:?}")
    };
    let mut records = told.participant.records(NOW);
    records.push(raised.clone());
    let (participant, _) = Participant::recover(DEVICE, &records, NOW);
    let mut told = Told {
        participant,
        operation: 0,
    };
    let effects = told.hears(request(1, 1, Order::Confirm { change: None }));
    assert_eq!(answers(&effects), [&Answer::Superseded { by: Epoch(2) }]);
    assert!(!works(&effects));
}

/// A participant that had only staged was told to revert while its device rebooted; the coordinator, who waits for
/// no one who only staged, was gone, and the device was held for ever.
#[test]
fn a_revert_is_tried_again_when_nobody_asks_any_longer() {
    let mut told = Told::new();
    told.stages();
    told.hears(request(1, 1, Order::Revert { change: None }));
    let effects = told.device(unknown());
    assert!(matches!(answers(&effects)[..], [Answer::Deferred { .. }]));
    assert!(
        effects
            .iter()
            .any(|it| matches!(it, Effect::Arm { timer: Timer::Ask, .. }))
    );
    assert!(works(&told.hears(Input::Fired(Timer::Ask))));
    told.device(Outcome::Reverted);
    assert_eq!(told.participant.live(), None);
}

/// A stranger's edit where only a stage had been was taken for a torn revert.
#[test]
fn a_strangers_edit_is_his_where_nothing_was_applied() {
    let mut told = Told::new();
    told.stages();
    told.hears(request(1, 1, Order::Revert { change: None }));
    let effects = told.device(Outcome::Foreign { what: "mtu".to_owned() });
    assert_eq!(answers(&effects), [&Answer::Reverted]);
}

/// A confirm that was refused and read back as confirmed was acknowledged although nobody had saved it.
#[test]
fn what_is_confirmed_is_saved_before_it_is_acknowledged() {
    let mut told = Told::new();
    told.applies();
    told.hears(request(1, 1, Order::Confirm { change: None }));
    assert!(works(&told.device(unknown())), "it is read back");
    let effects = told.device(Outcome::Stands {
        standing: Standing::Confirmed,
    });
    assert!(matches!(answers(&effects)[..], [Answer::Deferred { .. }]));
    assert!(works(&told.hears(request(1, 1, Order::Confirm { change: None }))));
    assert_eq!(
        answers(&told.device(Outcome::Confirmed { saved: true })),
        [&Answer::Confirmed]
    );
}

/// What an operator had waived was answered as reverted when a later transaction asked for its repair.
#[test]
fn what_was_waived_can_still_be_repaired() {
    let mut told = Told::new();
    told.applies();
    told.hears(request(2, 1, stage(vec![TransactionId(1)])));
    told.device(Outcome::Busy {
        holder: "somebody".to_owned(),
    });
    assert_eq!(
        answers(&told.hears(request(1, 1, Order::Confirm { change: None }))),
        [&Answer::Unknown]
    );
    assert!(
        works(&told.hears(request(1, 1, Order::Confirm { change: Some(7) }))),
        "the device is read first"
    );
    let effects = told.device(Outcome::Stands {
        standing: Standing::Untouched,
    });
    assert!(works(&effects), "and brought to what was decided");
}

#[test]
fn a_device_that_took_the_change_back_is_repaired_after_confirm() {
    let mut told = Told::new();
    told.applies();
    told.hears(request(1, 1, Order::Confirm { change: None }));
    told.device(unknown());
    told.device(Outcome::Stands {
        standing: Standing::Untouched,
    });
    let reapply = told.device(staged(Guarantee::Confirmed));
    assert!(
        matches!(reapply[0], Effect::Record(ParticipantRecord::Pending { .. })),
        "{reapply:?}"
    );
    told.device(Outcome::Applied);
    assert_eq!(
        answers(&told.device(Outcome::Confirmed { saved: true })),
        [&Answer::Confirmed]
    );
}

#[test]
fn what_an_agent_alone_takes_back_goes_back_when_the_coordinator_is_silent() {
    let mut told = Told::new();
    told.hears(request(1, 1, stage(Vec::new())));
    told.device(staged(Guarantee::Plain));
    told.hears(request(1, 1, Order::Apply));
    told.device(Outcome::Applied);
    assert!(works(&told.hears(Input::Fired(Timer::InDoubt))));
    told.device(Outcome::Reverted);
    assert_eq!(
        answers(&told.hears(request(1, 1, Order::Renew { round: 1 }))),
        [&Answer::Lapsed]
    );
}

/// A device took back by its own timer what nobody had told the agent to keep, and the agent's lock stood for ever.
#[test]
fn what_the_device_took_back_is_let_go_of_though_nobody_says_so() {
    let mut told = Told::new();
    told.applies();
    told.hears(Input::Fired(Timer::InDoubt));
    assert!(works(&told.hears(Input::Fired(Timer::Lapse))), "it is read");
    let effects = told.device(Outcome::Stands {
        standing: Standing::Untouched,
    });
    let reverts = |it: &Effect<u8>| {
        matches!(
            it,
            Effect::Device {
                work: Operation::Revert { .. },
                ..
            }
        )
    };
    assert!(effects.iter().any(reverts), "the lock goes: {effects:?}");
    told.device(Outcome::Reverted);
    assert_eq!(
        answers(&told.hears(request(1, 1, Order::Revert { change: None }))),
        [&Answer::Reverted]
    );
}
