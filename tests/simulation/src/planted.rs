//! Asks for bugs that are planted in the simulation's own drivers: disk and adapters.

/// Whether this bug is planted. Always false without `--cfg mutants`.
#[cfg(not(mutants))]
pub fn planted(_name: &str) -> bool {
    false
}

/// Whether this bug is planted.
#[cfg(mutants)]
pub fn planted(name: &str) -> bool {
    use transaction::mutant::{Mutant, is_planted};
    Mutant::ALL.iter().any(|it| it.name() == name && is_planted(*it))
}
