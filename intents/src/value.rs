//! Values that operators write in many ways and the library keeps in one: ports, times, areas, thresholds.

use std::net::{IpAddr, Ipv4Addr};

use crate::net::Net;

/// A name of the inventory, an address or a network; addresses and networks in canonical form.
pub(crate) fn name(text: &str) -> Result<String, String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(address.to_string());
    }
    if let Some(net) = Net::parse(text) {
        return Ok(net.masked().to_string());
    }
    let fits = !text.is_empty() && text.chars().count() <= 255 && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
        .ok_or_else(|| "a name, an address or a prefix".to_owned())
}

/// `22` or `8000-8080`.
pub(crate) fn port(text: &str) -> Result<String, String> {
    let wrong = || "a port or a range such as 8000-8080".to_owned();
    let number = |text: &str| text.trim().parse::<u16>().map_err(|_| wrong());
    match text.split_once('-') {
        None => number(text).map(|it| it.to_string()),
        Some((first, last)) => {
            let (first, last) = (number(first)?, number(last)?);
            match first.cmp(&last) {
                std::cmp::Ordering::Less => Ok(format!("{first}-{last}")),
                std::cmp::Ordering::Equal => Ok(first.to_string()),
                std::cmp::Ordering::Greater => Err("a range whose first port is the lower one".to_owned()),
            }
        }
    }
}

/// Seconds, written as a number or with a unit: `300`, `5m`, `50ms`.
pub(crate) fn seconds(text: &str) -> Result<String, String> {
    let wrong = || "a time in seconds, or with a unit such as 5m or 50ms".to_owned();
    let end = text
        .find(|it: char| !(it.is_ascii_digit() || it == '.'))
        .unwrap_or(text.len());
    let number: f64 = text[..end].parse().map_err(|_| wrong())?;
    let scale = match text[end..].trim() {
        "" | "s" => 1.0,
        "ms" => 0.001,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        "d" => 86400.0,
        _ => return Err(wrong()),
    };
    let seconds = number * scale;
    // Beyond a hundred years it is a slip of the pen.
    if seconds.is_finite() && seconds < 3.2e9 {
        Ok(decimal(seconds))
    } else {
        Err(wrong())
    }
}

/// A number without a tail of zeros and without the noise of binary fractions.
fn decimal(number: f64) -> String {
    let text = format!("{number:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A number, a percentage without its sign, or a rate in bit/s.
pub(crate) fn number(text: &str) -> Result<String, String> {
    let bare = text.strip_suffix('%').unwrap_or(text).trim();
    match bare.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(decimal(number)),
        Ok(_) | Err(_) => crate::slot::rate(text).map_or_else(|| Err("a number".to_owned()), |it| Ok(it.to_string())),
    }
}

/// A time of day, `HH:MM`.
pub(crate) fn clock(text: &str) -> Result<String, String> {
    let read = || {
        let (hours, minutes) = text.split_once(':')?;
        let (hours, minutes): (u8, u8) = (hours.parse().ok()?, minutes.parse().ok()?);
        (hours < 24 && minutes < 60).then(|| format!("{hours:02}:{minutes:02}"))
    };
    read().ok_or_else(|| "a time of day such as 08:30".to_owned())
}

/// When something was: `HH:MM`, `yesterday`, `yesterday HH:MM`, or seconds ago as a negative number.
pub(crate) fn moment(text: &str) -> Result<String, String> {
    let wrong = || "a time of day, `yesterday`, `yesterday 08:30`, or seconds ago such as -600".to_owned();
    if text == "yesterday" {
        return Ok(text.to_owned());
    }
    if let Some(at) = text.strip_prefix("yesterday ") {
        return clock(at).map(|it| format!("yesterday {it}")).map_err(|_| wrong());
    }
    if let Some(ago) = text.strip_prefix('-') {
        return ago.parse::<u32>().map(|it| format!("-{it}")).map_err(|_| wrong());
    }
    clock(text).map_err(|_| wrong())
}

/// An area of OSPF, written like an address or as a number.
pub(crate) fn area(text: &str) -> Result<String, String> {
    let number = || text.parse::<u32>().ok().map(|it| Ipv4Addr::from(it).to_string());
    let dotted = || text.parse::<Ipv4Addr>().ok().map(|it| it.to_string());
    dotted()
        .or_else(number)
        .ok_or_else(|| "an area such as 0.0.0.1".to_owned())
}

/// What is asked of whom: `icmp`, `tcp/443`, `udp/53`.
pub(crate) fn service(text: &str) -> Result<String, String> {
    let wrong = || "a service such as icmp, tcp/443 or udp/53".to_owned();
    match text.split_once('/') {
        None if matches!(text, "icmp" | "tcp" | "udp") => Ok(text.to_owned()),
        Some((protocol @ ("tcp" | "udp"), ports)) => {
            port(ports).map(|it| format!("{protocol}/{it}")).map_err(|_| wrong())
        }
        Some(_) | None => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(read: fn(&str) -> Result<String, String>, cases: &[(&str, Option<&str>)]) {
        for (text, expected) in cases {
            assert_eq!(read(text).ok().as_deref(), *expected, "{text:?}");
        }
    }

    #[test]
    fn every_value_has_one_form() {
        check(
            port,
            &[
                ("22", Some("22")),
                ("80-81", Some("80-81")),
                ("9-9", Some("9")),
                ("81-80", None),
                ("x", None),
            ],
        );
        check(
            seconds,
            &[
                ("300", Some("300")),
                ("5m", Some("300")),
                ("50ms", Some("0.05")),
                ("soon", None),
            ],
        );
        check(clock, &[("8:05", Some("08:05")), ("24:00", None)]);
        check(
            moment,
            &[
                ("-600", Some("-600")),
                ("yesterday 3:15", Some("yesterday 03:15")),
                ("--1", None),
            ],
        );
        check(
            area,
            &[("1", Some("0.0.0.1")), ("0.0.0.0", Some("0.0.0.0")), ("x", None)],
        );
        check(
            service,
            &[("tcp/443", Some("tcp/443")), ("icmp", Some("icmp")), ("sctp/1", None)],
        );
        check(
            number,
            &[
                ("80%", Some("80")),
                ("100M", Some("100000000")),
                ("0.5", Some("0.5")),
                ("many", None),
            ],
        );
        check(
            name,
            &[
                ("10.70.3.9/16", Some("10.70.0.0/16")),
                ("办公网", Some("办公网")),
                ("", None),
            ],
        );
    }
}
