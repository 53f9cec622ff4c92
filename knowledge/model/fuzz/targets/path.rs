//! A path that parses prints and parses to the same, and is rebuilt from its steps.
#![no_main]

use knowledge_model::Path;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(path) = text.parse::<Path>() else { return };
    assert_eq!(path.to_string().parse::<Path>().as_ref(), Ok(&path));
    let rebuilt = path
        .steps()
        .try_fold(Path::root(), |built, step| built.try_keyed(step.name, step.keys));
    assert_eq!(rebuilt.as_ref(), Ok(&path));
    for above in path.ancestors() {
        assert!(path.starts_with(&above) && above < path);
    }
});
