//! What is known of containerlab's kinds of nodes: platform, protocols and the login that images come with. Of many kinds
//! the login alone is known: a label says which platform speaks for such a node, if one does.

/// A kind of node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// The name in a topology.
    pub name: &'static str,
    /// The platform that speaks for it, where one comes with the program.
    pub platform: Option<&'static str>,
    /// True if it speaks NETCONF on port 830, and its platform too.
    pub netconf: bool,
    /// The user and password that the image comes with; public, and to be changed.
    pub login: Option<(&'static str, &'static str)>,
}

const fn row(
    name: &'static str,
    platform: Option<&'static str>,
    netconf: bool,
    login: Option<(&'static str, &'static str)>,
) -> Kind {
    Kind {
        name,
        platform,
        netconf,
        login,
    }
}

/// Names as containerlab has them; some kinds have two.
const KINDS: [Kind; 19] = [
    row("nokia_srlinux", None, true, Some(("admin", "NokiaSrl1!"))),
    row("srl", None, true, Some(("admin", "NokiaSrl1!"))),
    row("nokia_sros", None, true, Some(("admin", "admin"))),
    row("vr-sros", None, true, Some(("admin", "admin"))),
    row("arista_ceos", None, true, Some(("admin", "admin"))),
    row("ceos", None, true, Some(("admin", "admin"))),
    row("juniper_crpd", None, true, Some(("root", "clab123"))),
    row("crpd", None, true, Some(("root", "clab123"))),
    row("juniper_vmx", None, true, Some(("admin", "admin@123"))),
    row("vr-vmx", None, true, Some(("admin", "admin@123"))),
    row("juniper_vjunosrouter", None, false, Some(("admin", "admin@123"))),
    row("juniper_vjunosswitch", None, false, Some(("admin", "admin@123"))),
    row("juniper_vjunosevolved", None, false, Some(("admin", "admin@123"))),
    row("cisco_xrd", None, true, Some(("clab", "clab@123"))),
    row("xrd", None, true, Some(("clab", "clab@123"))),
    row("cisco_iol", Some("cisco_ios"), false, Some(("admin", "admin"))),
    row("cisco_n9kv", None, false, Some(("admin", "admin"))),
    row("vr-n9kv", None, false, Some(("admin", "admin"))),
    row("huawei_vrp", Some("huawei_vrp"), false, Some(("admin", "admin"))),
];

/// Every kind of which something is known.
pub fn kinds() -> impl Iterator<Item = &'static Kind> {
    KINDS.iter()
}

/// What is known of a kind. Of `linux` nothing is: such a node may be a router or a host, which its labels say.
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|it| it.name == name)
}
