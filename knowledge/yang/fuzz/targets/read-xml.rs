//! A configuration in XML, read by libyang first: refused with a reason, or sound, canonical and the same from both texts.
#![no_main]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a fuzzer fails by panicking")]

mod judge;
#[path = "../../../model/fuzz/targets/words.rs"]
mod words;

use knowledge_yang::Format;
use libfuzzer_sys::fuzz_target;

const WORDS: &[&str] = &[
    "<",
    ">",
    "</",
    "/>",
    "&amp;",
    "&#65;",
    "&x;",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "<?x?>",
    "<!DOCTYPE a>",
    " ",
    "\n",
    "<interface xmlns=\"urn:entente:interfaces\">",
    "</interface>",
    "<name>eth1</name>",
    "<mtu>1500</mtu>",
    "<mtu>",
    "</mtu>",
    "<system xmlns=\"urn:entente:system\">",
    "</system>",
    "<hostname>r1</hostname>",
    "<banner>a\n&lt;</banner>",
    "1500",
    "<data xmlns=\"urn:ietf:params:xml:ns:netconf:base:1.0\">",
    "</data>",
    "<a xmlns:b=\"c\" b:d=\"e\"/>",
    "<access-list-in>edge</access-list-in>",
    "<access-list xmlns=\"urn:entente:access-lists\"><name>edge</name>",
    "</access-list>",
    "<rule><sequence>10</sequence>",
    "<action>permit</action></rule>",
    "<address><prefix>2001:DB8::1/64</prefix></address>",
    "<static-route xmlns=\"urn:entente:routes\">",
    "<prefix>203.0.113.0/24</prefix>",
    "<blackhole/>",
    "</static-route>",
];

fuzz_target!(|data: &[u8]| judge::judge(&words::text(data, WORDS), Format::Xml));
