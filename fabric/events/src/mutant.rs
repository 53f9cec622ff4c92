//! Checks left out on purpose, to test the tests with. They exist only in this crate's own tests and under
//! `--cfg mutants`; in every other build each question is a constant `false`.

/// Whether this check is left out in this run.
macro_rules! planted {
    ($name:ident) => {{
        #[cfg(any(test, mutants))]
        let planted = $crate::mutant::switch::is_planted($crate::mutant::switch::Mutant::$name);
        #[cfg(not(any(test, mutants)))]
        let planted = false;
        planted
    }};
}
pub(crate) use planted;

#[cfg(any(test, mutants))]
pub(crate) mod switch {
    use std::cell::Cell;

    /// A check that is left out.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Mutant {
        /// Everything that can be read is believed.
        All,
        /// What the protected header says beside the certificate is not looked at.
        Header,
        /// The signature is not looked at.
        Signature,
        /// Where several come together, their signatures are not looked at.
        Company,
        /// Anybody's certificate is as good as ours.
        Issuer,
        /// What was taken back is good.
        Revocation,
        /// Anybody speaks for anybody.
        Name,
        /// Anybody speaks about anything.
        Scope,
        /// Who may not publish is believed.
        Permission,
        /// A certificate is good for ever.
        Validity,
        /// However old, it is fresh.
        Freshness,
        /// What was believed is believed again.
        Memory,
    }

    impl Mutant {
        /// All of them.
        #[cfg(test)]
        pub const ALL: [Self; 12] = [
            Self::All,
            Self::Header,
            Self::Signature,
            Self::Company,
            Self::Issuer,
            Self::Revocation,
            Self::Name,
            Self::Scope,
            Self::Permission,
            Self::Validity,
            Self::Freshness,
            Self::Memory,
        ];
    }

    thread_local! {
        static PLANTED: Cell<Option<Mutant>> = const { Cell::new(None) };
    }

    /// Leaves a check out in this thread, or puts it back.
    #[cfg(test)]
    pub fn plant(mutant: Option<Mutant>) {
        PLANTED.set(mutant);
    }

    /// Whether this check is left out in this thread.
    pub fn is_planted(mutant: Mutant) -> bool {
        PLANTED.get() == Some(mutant)
    }
}

#[cfg(test)]
#[path = "../tests/cast/mod.rs"]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod cast;

#[cfg(test)]
mod tests {
    use super::cast::{Cast, at, lies, verdicts};
    use super::switch::{Mutant, plant};

    #[test]
    fn a_build_that_skips_a_check_fails_the_test() {
        let cast = Cast::new();
        let lies = lies(&cast);
        let caught = || verdicts(&cast, &lies, at(0)).is_empty();
        assert!(
            caught(),
            "every lie has its reason: {:?}",
            verdicts(&cast, &lies, at(0))
        );
        for mutant in Mutant::ALL {
            plant(Some(mutant));
            assert!(!caught(), "{mutant:?} is not noticed");
            plant(None);
        }
        assert!(caught());
    }
}
