//! Planted bugs, to test the tests with. They exist only under `--cfg mutants`; without it every question is `false`.

/// Whether this bug is planted in this run. A constant `false` in every ordinary build.
macro_rules! planted {
    ($name:ident) => {{
        #[cfg(mutants)]
        let planted = $crate::mutant::is_planted($crate::mutant::Mutant::$name);
        #[cfg(not(mutants))]
        let planted = false;
        planted
    }};
}

#[cfg(mutants)]
pub use switch::{Mutant, is_planted, plant};

#[cfg(mutants)]
mod switch {
    use std::cell::Cell;

    macro_rules! mutants {
        ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
            /// One planted bug.
            #[derive(Debug, Clone, Copy, PartialEq, Eq)]
            pub enum Mutant { $($(#[$doc])* $name,)* }

            impl Mutant {
                /// All of them.
                pub const ALL: &'static [Mutant] = &[$(Mutant::$name,)*];

                /// Its name on the command line.
                pub fn name(self) -> &'static str {
                    match self { $(Mutant::$name => $text,)* }
                }
            }
        };
    }

    mutants! {
        /// The coordinator tells its decision before it is on record.
        SendBeforeRecord = "send-before-record",
        /// The coordinator applies as soon as one participant has voted yes.
        FirstYes = "first-yes",
        /// The participant listens to any epoch.
        ForgetEpoch = "forget-epoch",
        /// The coordinator takes a deadline for a yes.
        ConfirmOnTimeout = "confirm-on-timeout",
        /// The participant lets go of the device between stage and apply.
        DropLockEarly = "drop-lock-early",
        /// The participant does a repeated request once more.
        AnswerAnew = "answer-anew",
        /// A participant told to confirm what was taken back says that it did.
        SkipRepair = "skip-repair",
        /// The participant does not look whether the device took the change back.
        IgnoreLapse = "ignore-lapse",
        /// The driver never syncs.
        NoSync = "no-sync",
        /// The driver sends before the sync has returned.
        SendBeforeSync = "send-before-sync",
        /// A compacted journal is renamed into place and its directory is not synced.
        RenameWithoutSync = "rename-without-sync",
        /// A Confirm is forgotten before everybody has acknowledged it.
        ForgetConfirm = "forget-confirm",
        /// An asker is told to revert while nothing is decided.
        RevertUndecided = "revert-undecided",
        /// A confirm takes along what a stranger has put into the candidate.
        ConfirmDirty = "confirm-dirty",
        /// The participant applies before the way back is on record.
        ApplyBeforeRecord = "apply-before-record",
        /// The participant acknowledges its end before it is on record.
        AckBeforeRecord = "ack-before-record",
        /// The lock and the edit travel in one flight.
        LockWithEdit = "lock-with-edit",
        /// A cancel erases a stranger's edits without naming them.
        CancelUnnamed = "cancel-unnamed",
        /// Staging does not reread what the plan was made from.
        StageBlind = "stage-blind",
        /// Of several that rode a transaction that was rolled back one is not run again.
        RiderLost = "rider-lost",
        /// The coordinator believes any participant that another leads.
        FenceOnWord = "fence-on-word",
        /// The coordinator waits after the decision for who only looked on.
        WaitForOnlooker = "wait-for-onlooker",
    }

    thread_local! {
        static PLANTED: Cell<Option<Mutant>> = const { Cell::new(None) };
    }

    /// Plants a bug in this thread, or takes it out.
    pub fn plant(mutant: Option<Mutant>) {
        PLANTED.set(mutant);
    }

    /// Whether this bug is planted in this thread.
    pub fn is_planted(mutant: Mutant) -> bool {
        PLANTED.get() == Some(mutant)
    }
}
