//! Addresses, prefixes, communities and areas.

use std::net::{IpAddr, Ipv4Addr};

use serde_json::json;

use super::Scan;
use crate::understanding::entity::Matter;
use crate::words::Kind;

impl Scan<'_> {
    pub(super) fn addresses(&mut self, at: usize) {
        if at > 0 && self.tokens()[at].glued && matches!(self.word(at - 1), "." | ":" | "/") && self.digit_before(at) {
            return;
        }
        let mut end = self.address_end(at);
        // A sign that ends the sentence or introduces a list belongs to no address.
        while end > at + 1 && matches!(self.word(end - 1), "." | ":" | "/" | "-") && self.text.said(at, end).len() > 2 {
            let double = self.word(end - 1) == ":" && self.word(end - 2) == ":";
            if double {
                break;
            }
            end -= 1;
        }
        let said = self.text.said(at, end).to_lowercase();
        let (address, length) = match said.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (said.as_str(), None),
        };
        if let Some(community) = community(&said) {
            self.plain(at, end, Kind::Community, json!(community));
            return;
        }
        let Ok(ip) = address.parse::<IpAddr>() else {
            if dotted(address) {
                self.invalid(at, end, said.clone());
            }
            return;
        };
        if self.slashed_mask(at, end, ip, length) {
            return;
        }
        let most = if ip.is_ipv4() { 32 } else { 128 };
        match length {
            None => {
                self.plain(at, end, Kind::Address, json!(ip.to_string()));
                self.masked(at, end, ip);
            }
            Some(text) => match text.parse::<u8>().ok().filter(|it| *it <= most) {
                Some(length) => self.plain(at, end, Kind::Prefix, json!(format!("{ip}/{length}"))),
                None => self.invalid(at, end, said.clone()),
            },
        }
    }

    fn digit_before(&self, at: usize) -> bool {
        at >= 2 && self.word(at - 2).chars().all(|it| it.is_ascii_hexdigit())
    }

    fn invalid(&mut self, at: usize, end: usize, said: String) {
        self.add(at, end, Kind::Prefix, Matter::Invalid { said: said.clone() });
        self.add(at, end, Kind::Address, Matter::Invalid { said });
    }

    fn address_end(&self, at: usize) -> usize {
        let mut end = at;
        while let Some(token) = self.tokens().get(end) {
            let sign = matches!(token.text.as_str(), "." | ":" | "/");
            let hex = token.text.chars().all(|it| it.is_ascii_hexdigit());
            if !(sign || hex) || (end > at && !token.glued) {
                break;
            }
            end += 1;
        }
        end.max(at + 1)
    }

    /// `10.0.0.1/255.255.255.0`, 10.0.0.1，24位掩码
    fn slashed_mask(&mut self, at: usize, end: usize, ip: IpAddr, length: Option<&str>) -> bool {
        let mask = length.and_then(|it| it.parse::<Ipv4Addr>().ok()).map(Ipv4Addr::to_bits);
        if let Some(bits) = mask.filter(|it| it.count_ones() == it.leading_ones()) {
            self.plain(at, end, Kind::Prefix, json!(format!("{ip}/{}", bits.leading_ones())));
            return true;
        }
        let next = if self.word(end) == "," { end + 1 } else { end };
        let counted = self.word(next + 1) == "位" && matches!(self.word(next + 2), "掩" | "子" | "前" | "的");
        let bits = self
            .word(next)
            .parse::<u8>()
            .ok()
            .filter(|it| counted && *it <= 128 && length.is_none());
        if let Some(bits) = bits {
            let mut stop = next + 2;
            while matches!(self.word(stop), "的" | "子" | "网" | "掩" | "码" | "前" | "缀") {
                stop += 1;
            }
            self.plain(at, stop, Kind::Prefix, json!(format!("{ip}/{bits}")));
        }
        false
    }

    /// `198.51.100.2 255.255.255.252`, with or without a word between.
    fn masked(&mut self, at: usize, end: usize, ip: IpAddr) {
        let mut next = end;
        while matches!(
            self.word(next),
            "mask"
                | "netmask"
                | "子"
                | "网"
                | "掩"
                | "码"
                | ","
                | "/"
                | "为"
                | "是"
                | "前"
                | "缀"
                | "长"
                | "度"
                | "prefix"
                | "length"
                | "prefixlen"
                | "with"
                | "a"
                | "("
        ) {
            next += 1;
        }
        let most = if ip.is_ipv4() { 32 } else { 128 };
        let bits = self
            .word(next)
            .parse::<u8>()
            .ok()
            .filter(|it| *it <= most && next > end + 1);
        if let Some(bits) = bits.filter(|_| self.word(next + 1) != ".") {
            self.plain(at, next + 1, Kind::Prefix, json!(format!("{ip}/{bits}")));
            return;
        }
        let stop = self.address_end(next);
        let mask: Option<Ipv4Addr> = self.text.said(next, stop).trim_end_matches('.').parse().ok();
        let Some(bits) = mask.map(Ipv4Addr::to_bits) else {
            return;
        };
        let length = bits.leading_ones();
        if length > 0 && bits.count_ones() == length {
            let stop = if self.text.said(next, stop).ends_with('.') {
                stop - 1
            } else {
                stop
            };
            self.plain(at, stop, Kind::Prefix, json!(format!("{ip}/{length}")));
        }
    }
}

/// Four numbers with dots between, whatever their size.
fn dotted(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    parts.len() == 4
        && parts
            .iter()
            .all(|it| !it.is_empty() && it.len() < 6 && it.chars().all(|it| it.is_ascii_digit()))
}

/// `65001:666`; what is small on both sides is a time of day or a ratio.
fn community(text: &str) -> Option<&str> {
    let (number, tag) = text.split_once(':')?;
    let number: u32 = number.parse().ok()?;
    let _: u32 = tag.parse().ok()?;
    (number > 255).then_some(text)
}
