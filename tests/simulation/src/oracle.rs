//! Who may end torn: judged from what happened to the devices, with none of the code that decides.

use crate::ledger::Ledger;
use transaction::{DeviceId, Ending};

/// The reasons that excuse a torn device: somebody else wrote where the change writes, or it was away for longer than
/// anybody waits.
pub fn may_be_torn(ledger: &Ledger, device: DeviceId, patience: u64) -> bool {
    let edited = ledger.edited.iter().any(|(it, _)| *it == device);
    let away = ledger.away.get(&device).is_some_and(|it| *it >= patience);
    edited || away
}

/// Every torn device that nothing excuses.
pub fn unexcused(ledger: &Ledger, patience: u64) -> Vec<DeviceId> {
    let torn = ledger.endings.values().flat_map(|it| match it {
        Ending::Torn { devices, .. } => devices.iter().map(|it| it.device).collect::<Vec<_>>(),
        Ending::Committed | Ending::RolledBack { .. } => Vec::new(),
    });
    torn.filter(|it| !may_be_torn(ledger, *it, patience)).collect()
}
