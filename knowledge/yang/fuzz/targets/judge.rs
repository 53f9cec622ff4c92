//! What holds of every text that the validator reads.

use std::sync::LazyLock;

use knowledge_model::{Limits, Schema, Tree};
use knowledge_yang::{Format, Validator};

/// The most faults that are listed here.
const FAULTS: usize = 20;

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
    let limits = Limits {
        bytes: 1 << 20,
        faults: FAULTS,
        ..Limits::default()
    };
    Validator::within(limits).expect("the modules are part of the program")
});

/// Panics where a text is refused without a reason, or taken and not sound, canonical and the same from both texts.
pub fn judge(text: &[u8], format: Format) {
    let tree = match VALIDATOR.read(text, format) {
        Ok(tree) => tree,
        Err(invalid) => {
            assert!((1..=FAULTS).contains(&invalid.faults.len()), "{invalid:?}");
            return;
        }
    };
    assert_eq!(VALIDATOR.check(&tree), Ok(()));
    let schema = Schema::canonical();
    for (path, value) in tree.iter() {
        assert_eq!(schema.check(path, value).as_ref(), Ok(&(path.clone(), value.clone())));
    }
    let (json, xml) = (tree.to_json(schema).unwrap(), tree.to_xml(schema).unwrap());
    for (printed, format) in [(&json, Format::Json), (&xml, Format::Xml)] {
        assert_eq!(
            VALIDATOR.read(printed.as_bytes(), format).as_ref(),
            Ok(&tree),
            "{printed}"
        );
    }
    // What libyang takes, our own readers take too.
    let limits = Limits::default();
    assert_eq!(Tree::from_json(json.as_bytes(), schema, &limits).as_ref(), Ok(&tree));
    assert_eq!(Tree::from_xml(xml.as_bytes(), schema, &limits).as_ref(), Ok(&tree));
}
