//! Internet and MAC addresses.

use super::{Family, Form, Type};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub(super) fn named(name: &str) -> Option<Type> {
    let (family, rest) = if let Some(rest) = name.strip_prefix("ipv4-") {
        (Family::V4, rest)
    } else if let Some(rest) = name.strip_prefix("ipv6-") {
        (Family::V6, rest)
    } else {
        (Family::Both, name.strip_prefix("ip-")?)
    };
    let form = match rest {
        "address" => Form::Host,
        "prefix" => Form::Prefix,
        "address-and-prefix" => Form::Interface,
        _ => return None,
    };
    Some(Type::Address { family, form })
}

pub(super) fn canonical(text: &str, family: Family, form: Form) -> Option<String> {
    if form == Form::Host {
        return address(text, family).map(|it| it.to_string());
    }
    let (host, length) = text.split_once('/')?;
    let host = address(host, family)?;
    let length = length_of(length, if host.is_ipv4() { 32 } else { 128 })?;
    let host = if form == Form::Prefix {
        network(host, length)
    } else {
        host
    };
    Some(format!("{host}/{length}"))
}

fn address(text: &str, family: Family) -> Option<IpAddr> {
    let address: IpAddr = text.parse().ok()?;
    match family {
        Family::V4 => address.is_ipv4(),
        Family::V6 => address.is_ipv6(),
        Family::Both => true,
    }
    .then_some(address)
}

fn length_of(text: &str, most: u8) -> Option<u8> {
    let plain =
        !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'));
    text.parse().ok().filter(|it| plain && *it <= most)
}

/// The address with its host bits zero.
fn network(host: IpAddr, length: u8) -> IpAddr {
    match host {
        IpAddr::V4(it) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from(u32::from(it) & mask))
        }
        IpAddr::V6(it) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from(u128::from(it) & mask))
        }
    }
}

pub(super) fn canonical_mac(text: &str) -> Option<String> {
    let octet = |it: &str| it.len() == 2 && it.bytes().all(|it| it.is_ascii_hexdigit());
    (text.len() == 17 && text.split(':').all(octet)).then(|| text.to_ascii_lowercase())
}

pub(super) fn describe(f: &mut fmt::Formatter<'_>, family: Family, form: Form) -> fmt::Result {
    let (family, prefix, host) = match family {
        Family::V4 => ("an IPv4", "192.0.2.0/24", "192.0.2.1/24"),
        Family::V6 => ("an IPv6", "2001:db8::/32", "2001:db8::1/64"),
        Family::Both => ("an IPv4 or IPv6", "192.0.2.0/24", "192.0.2.1/24"),
    };
    match form {
        Form::Host => write!(f, "{family} address"),
        Form::Prefix => write!(f, "{family} prefix such as {prefix}"),
        Form::Interface => write!(f, "{family} address with prefix length such as {host}"),
    }
}
