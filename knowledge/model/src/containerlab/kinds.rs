//! What is known of containerlab's kinds of nodes: platform, protocols and the login that images come with.

/// A kind of node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// The name in a topology.
    pub name: &'static str,
    /// The platform that speaks for it.
    pub platform: &'static str,
    /// True if it speaks NETCONF on port 830.
    pub netconf: bool,
    /// The user and password that the image comes with; public, and to be changed.
    pub login: Option<(&'static str, &'static str)>,
}

const fn row(
    name: &'static str,
    platform: &'static str,
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
    row("nokia_srlinux", "srlinux", true, Some(("admin", "NokiaSrl1!"))),
    row("srl", "srlinux", true, Some(("admin", "NokiaSrl1!"))),
    row("nokia_sros", "sros", true, Some(("admin", "admin"))),
    row("vr-sros", "sros", true, Some(("admin", "admin"))),
    row("arista_ceos", "eos", true, Some(("admin", "admin"))),
    row("ceos", "eos", true, Some(("admin", "admin"))),
    row("juniper_crpd", "junos", true, Some(("root", "clab123"))),
    row("crpd", "junos", true, Some(("root", "clab123"))),
    row("juniper_vmx", "junos", true, Some(("admin", "admin@123"))),
    row("vr-vmx", "junos", true, Some(("admin", "admin@123"))),
    row("juniper_vjunosrouter", "junos", false, Some(("admin", "admin@123"))),
    row("juniper_vjunosswitch", "junos", false, Some(("admin", "admin@123"))),
    row("juniper_vjunosevolved", "junos", false, Some(("admin", "admin@123"))),
    row("cisco_xrd", "iosxr", true, Some(("clab", "clab@123"))),
    row("xrd", "iosxr", true, Some(("clab", "clab@123"))),
    row("cisco_iol", "ios", false, Some(("admin", "admin"))),
    row("cisco_n9kv", "nxos", false, Some(("admin", "admin"))),
    row("vr-n9kv", "nxos", false, Some(("admin", "admin"))),
    row("huawei_vrp", "huawei_vrp", true, Some(("admin", "admin"))),
];

/// What is known of a kind. Of `linux` nothing is: such a node may be a router or a host, which its labels say.
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|it| it.name == name)
}
