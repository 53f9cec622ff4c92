//! The YANG modules of the canonical model, built into the program.

macro_rules! module {
    ($name:literal) => {
        ($name, include_str!(concat!("../../model/yang/", $name, ".yang")))
    };
}

/// The modules by name, as text; those that others import come first.
pub const MODULES: [(&str, &str); 14] = [
    module!("entente-extensions"),
    module!("entente-types"),
    module!("entente-system"),
    module!("entente-access-lists"),
    module!("entente-interfaces"),
    module!("entente-routing-policy"),
    module!("entente-bfd"),
    module!("entente-routes"),
    module!("entente-policy-routing"),
    module!("entente-bgp"),
    module!("entente-ospf"),
    module!("entente-qos"),
    module!("entente-quotas"),
    module!("entente-vxlan"),
];
