//! The committed descriptor set: what was promised stays, or its number and name are reserved, so that neither ever means
//! anything else. `ENTENTE_BLESS=1` writes changes down.

use prost::Message;
use prost_types::descriptor_proto::ReservedRange;
use prost_types::field_descriptor_proto::Type;
use prost_types::{DescriptorProto, EnumDescriptorProto, FileDescriptorSet};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The meaning of what shall never mean anything again.
const RESERVED: &str = "reserved";

/// Every name that has a meaning on the wire, with the meaning.
type Promises = BTreeMap<String, String>;

fn promises(set: &FileDescriptorSet) -> Promises {
    let mut all = Promises::new();
    for file in set.file.iter().filter(|it| it.package().starts_with("entente.")) {
        file.message_type
            .iter()
            .for_each(|it| message(it, file.package(), &mut all));
        file.enum_type
            .iter()
            .for_each(|it| enumeration(it, file.package(), &mut all));
        for service in &file.service {
            for method in &service.method {
                let name = format!("{}.{}/{}", file.package(), service.name(), method.name());
                let streams = (method.client_streaming(), method.server_streaming());
                all.insert(
                    name,
                    format!("{} -> {} {streams:?}", method.input_type(), method.output_type()),
                );
            }
        }
    }
    all
}

fn message(message: &DescriptorProto, within: &str, all: &mut Promises) {
    let name = format!("{within}.{}", message.name());
    for field in &message.field {
        let named = matches!(field.r#type(), Type::Message | Type::Enum);
        let kind = if named {
            field.type_name().to_owned()
        } else {
            format!("{:?}", field.r#type())
        };
        let meaning = format!(
            "{} {kind} {:?} oneof {:?}",
            field.name(),
            field.label(),
            field.oneof_index
        );
        all.insert(format!("{name}#{}", field.number()), meaning);
    }
    for range in &message.reserved_range {
        for number in range.start()..range.end() {
            all.insert(format!("{name}#{number}"), RESERVED.to_owned());
        }
    }
    for reserved in &message.reserved_name {
        all.insert(format!("{name}.{reserved}"), RESERVED.to_owned());
    }
    message.nested_type.iter().for_each(|it| self::message(it, &name, all));
    message.enum_type.iter().for_each(|it| enumeration(it, &name, all));
}

fn enumeration(enumeration: &EnumDescriptorProto, within: &str, all: &mut Promises) {
    for value in &enumeration.value {
        all.insert(
            format!("{within}.{}#{}", enumeration.name(), value.number()),
            value.name().to_owned(),
        );
    }
}

fn broken(before: &Promises, now: &Promises) -> Vec<String> {
    // A field that is given up leaves its number and its name behind.
    let given_up = |name: &str, meaning: &str| {
        let message = name.split('#').next().unwrap_or_default();
        let field = meaning.split(' ').next().unwrap_or_default();
        now.get(&format!("{message}.{field}")).is_some_and(|it| it == RESERVED)
    };
    let changed = |(name, meaning): (&String, &String)| match now.get(name) {
        Some(it) if it == meaning => None,
        Some(it) if it == RESERVED && given_up(name, meaning) => None,
        Some(it) => Some(format!("{name} was {meaning}, is {it}")),
        None => Some(format!("{name} ({meaning}) is gone")),
    };
    before.iter().filter_map(changed).collect()
}

fn current() -> FileDescriptorSet {
    let mut set = FileDescriptorSet::decode(fabric_wire::DESCRIPTORS).unwrap();
    set.file.iter_mut().for_each(|it| it.source_code_info = None);
    set
}

#[test]
fn what_was_promised_stays() {
    let directory = std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where the crate is");
    let path = PathBuf::from(directory).join("proto/entente.v1.binpb");
    let current = current();
    let committed = std::fs::read(&path).unwrap_or_default();
    let before = promises(&FileDescriptorSet::decode(&*committed).unwrap());
    let broken = broken(&before, &promises(&current));
    assert!(
        broken.is_empty(),
        "implementers of entente.v1 would break:\n{}",
        broken.join("\n")
    );
    let bytes = current.encode_to_vec();
    if std::env::var_os("ENTENTE_BLESS").is_some() {
        std::fs::write(&path, bytes).unwrap();
    } else {
        assert!(
            committed == bytes,
            "additions are not written down: run this test with ENTENTE_BLESS=1"
        );
    }
}

/// Takes the first field away and reserves its number; its name comes back.
fn reserve(message: &mut DescriptorProto) -> String {
    let field = message.field.remove(0);
    let (start, end) = (field.number, field.number.map(|it| it + 1));
    message.reserved_range.push(ReservedRange { start, end });
    field.name.unwrap()
}

#[test]
fn a_renumbered_retyped_or_removed_field_is_a_breakage() {
    let before = promises(&current());
    assert!(before.len() > 100, "{} promises are too few to be all", before.len());
    let spoil = |act: fn(&mut DescriptorProto)| {
        let mut set = current();
        let file = set
            .file
            .iter_mut()
            .find(|it| it.name().ends_with("scope.proto"))
            .unwrap();
        act(file.message_type.iter_mut().find(|it| it.name() == "Scope").unwrap());
        broken(&before, &promises(&set)).len()
    };
    assert_eq!(spoil(|it| it.field[0].number = Some(77)), 1);
    assert_eq!(spoil(|it| it.field[0].set_type(Type::String)), 1);
    assert_eq!(spoil(|it| drop(it.field.remove(0))), 1);
    assert_eq!(spoil(|it| it.field[0].name = Some("renamed".into())), 1);
    assert_eq!(
        spoil(|it| drop(reserve(it))),
        1,
        "its name could come back with another meaning"
    );
    let given_up = |it: &mut DescriptorProto| {
        let name = reserve(it);
        it.reserved_name.push(name);
    };
    assert_eq!(spoil(given_up), 0, "number and name are reserved");
    let mut set = current();
    let before = promises(&set);
    let file = set.file.iter_mut().find(|it| it.name().ends_with("report.proto"));
    let done = file.unwrap().message_type.iter_mut().find(|it| it.name() == "Done");
    done.unwrap().reserved_range.clear();
    assert_eq!(broken(&before, &promises(&set)).len(), 2, "what is reserved stays so");
}
