//! The packets of MQTT 5 as far as this broker speaks it: what clients send, and what they are answered.

use super::bytes::{Reader, binary, packet, variable};

/// Bytes that are no packet, or one that a client must not send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("read a packet of MQTT 5")]
pub struct Malformed;

/// Why something was refused, in the numbers of MQTT 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// Not now.
    Unspecified = 0x80,
    /// The packet is none.
    Malformed = 0x81,
    /// The client did what it must not do.
    Protocol = 0x82,
    /// This broker does not take that.
    Specific = 0x83,
    /// Another version of MQTT.
    Version = 0x84,
    /// The client is not allowed that.
    NotAuthorized = 0x87,
    /// There is no room.
    ServerBusy = 0x89,
    /// The broker ends.
    ShuttingDown = 0x8b,
    /// No other way to log in than the certificate.
    Method = 0x8c,
    /// Nothing was heard of the client.
    KeepAlive = 0x8d,
    /// The same client has connected again.
    TakenOver = 0x8e,
    /// No such filter.
    Filter = 0x8f,
    /// No such topic.
    Topic = 0x90,
    /// Larger than what is taken.
    TooLarge = 0x95,
    /// More than what is taken.
    Quota = 0x97,
    /// Nothing is retained here.
    Retain = 0x9a,
    /// At least once is the most that is promised.
    Qos = 0x9b,
    /// No shared subscriptions.
    Shared = 0x9e,
}

/// A client that comes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connect {
    /// Its name for itself; empty: it wants one.
    pub client: String,
    /// Whether what was kept for it is forgotten.
    pub clean: bool,
    /// How often it says that it lives, in seconds.
    pub keep_alive: u16,
    /// How long it wants to be remembered after it has gone, in seconds.
    pub expiry: u32,
    /// How many messages it takes before it acknowledges one.
    pub receive: u16,
    /// The largest packet that it takes.
    pub largest: u32,
    /// Whether it leaves a last will.
    pub has_will: bool,
    /// Whether it wants another way to log in.
    pub has_method: bool,
}

/// A message on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publish {
    /// Where to.
    pub topic: String,
    /// The number to acknowledge; none: nobody acknowledges.
    pub number: Option<u16>,
    /// The properties that travel along, as they came.
    pub properties: Vec<u8>,
    /// What it says.
    pub payload: Vec<u8>,
}

/// What a client sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet {
    /// It comes.
    Connect(Connect),
    /// It comes with another version.
    OtherVersion(u8),
    /// It publishes.
    Publish(Publish),
    /// It publishes in a way that is not taken.
    Unsupported(Code),
    /// It has taken a message.
    PubAck(u16),
    /// It wants to hear.
    Subscribe(u16, Vec<(String, u8)>),
    /// It wants to hear no longer.
    Unsubscribe(u16, Vec<String>),
    /// It lives.
    Ping,
    /// It goes; with another time to be remembered, if it says so.
    Disconnect(Option<u32>),
}

/// The length of the packet at the beginning of what has come: its head and its whole; nothing if more must come.
pub fn framed(bytes: &[u8], largest: usize) -> Result<Option<(usize, usize)>, Code> {
    let mut length = 0;
    for at in 1..=4 {
        let Some(byte) = bytes.get(at) else { return Ok(None) };
        length |= usize::from(byte & 0x7f) << (7 * (at - 1));
        if byte & 0x80 == 0 {
            let whole = at + 1 + length;
            return if whole > largest {
                Err(Code::TooLarge)
            } else {
                Ok(Some((at + 1, whole)))
            };
        }
    }
    Err(Code::Malformed)
}

/// Reads a packet: its first byte, and its body.
pub fn read(first: u8, body: &[u8]) -> Result<Packet, Malformed> {
    let mut body = Reader(body);
    match (first >> 4, first & 0x0f) {
        (1, 0) => connect(&mut body),
        (3, flags) => publish(flags, &mut body),
        (4, 0) => Ok(Packet::PubAck(body.short()?)),
        (8, 2) => subscribe(&mut body),
        (10, 2) => unsubscribe(&mut body),
        (12, 0) if body.is_empty() => Ok(Packet::Ping),
        (14, 0) => disconnect(&mut body),
        _ => Err(Malformed),
    }
}

fn connect(body: &mut Reader<'_>) -> Result<Packet, Malformed> {
    let name = body.text()?;
    let version = body.byte()?;
    if !matches!(name, "MQTT" | "MQIsdp") {
        return Err(Malformed);
    }
    if version != 5 {
        return Ok(Packet::OtherVersion(version));
    }
    let flags = body.byte()?;
    let mut connect = Connect {
        clean: flags & 0x02 != 0,
        has_will: flags & 0x04 != 0,
        keep_alive: body.short()?,
        receive: u16::MAX,
        largest: u32::MAX,
        ..Connect::default()
    };
    if flags & 0x01 != 0 {
        return Err(Malformed);
    }
    let length = body.variable()?;
    let mut properties = Reader(body.bytes(length)?);
    while !properties.is_empty() {
        match properties.byte()? {
            0x11 => connect.expiry = properties.long()?,
            0x21 => connect.receive = properties.short()?,
            0x27 => connect.largest = properties.long()?,
            0x15 => connect.has_method = !properties.text()?.is_empty(),
            other => drop(skipped(other, &mut properties)?),
        }
    }
    if connect.receive == 0 || connect.largest == 0 {
        return Err(Malformed);
    }
    // A will, a user name and a password may follow: none of them is taken or asked for.
    connect.client = body.text()?.to_owned();
    Ok(Packet::Connect(connect))
}

fn publish(flags: u8, body: &mut Reader<'_>) -> Result<Packet, Malformed> {
    let topic = body.text()?.to_owned();
    let number = match flags >> 1 & 0x03 {
        0 => None,
        1 => Some(body.short()?).filter(|it| *it > 0),
        _ => return Ok(Packet::Unsupported(Code::Qos)),
    };
    if flags >> 1 & 0x03 == 1 && number.is_none() {
        return Err(Malformed);
    }
    if flags & 0x01 != 0 {
        return Ok(Packet::Unsupported(Code::Retain));
    }
    let length = body.variable()?;
    let all = body.bytes(length)?;
    let mut properties = Reader(all);
    while !properties.is_empty() {
        match properties.byte()? {
            0x23 | 0x0b => return Ok(Packet::Unsupported(Code::Protocol)), // an alias that was never offered
            other => drop(skipped(other, &mut properties)?),
        }
    }
    Ok(Packet::Publish(Publish {
        topic,
        number,
        properties: all.to_vec(),
        payload: body.0.to_vec(),
    }))
}

/// Passes over a property that means nothing here.
fn skipped<'a>(property: u8, from: &mut Reader<'a>) -> Result<&'a [u8], Malformed> {
    match property {
        0x01 | 0x17 | 0x19 => from.bytes(1),
        0x22 => from.bytes(2),
        0x02 | 0x11 | 0x18 => from.bytes(4),
        0x03 | 0x08 | 0x1c | 0x1f => from.text().map(str::as_bytes),
        0x09 | 0x16 => from.binary(),
        0x26 => {
            from.text()?;
            from.text().map(str::as_bytes)
        }
        _ => Err(Malformed),
    }
}

fn subscribe(body: &mut Reader<'_>) -> Result<Packet, Malformed> {
    let number = body.short()?;
    let length = body.variable()?;
    let mut properties = Reader(body.bytes(length)?);
    while !properties.is_empty() {
        let property = properties.byte()?;
        if property != 0x26 {
            return Ok(Packet::Unsupported(Code::Protocol)); // identifiers of subscriptions were never offered
        }
        skipped(property, &mut properties)?;
    }
    let mut filters = Vec::new();
    while !body.is_empty() {
        let filter = body.text()?.to_owned();
        let options = body.byte()?;
        if options & 0x03 == 3 || options & 0xc0 != 0 {
            return Err(Malformed);
        }
        filters.push((filter, (options & 0x03).min(1)));
    }
    if filters.is_empty() {
        Err(Malformed)
    } else {
        Ok(Packet::Subscribe(number, filters))
    }
}

fn unsubscribe(body: &mut Reader<'_>) -> Result<Packet, Malformed> {
    let number = body.short()?;
    let length = body.variable()?;
    body.bytes(length)?;
    let mut filters = Vec::new();
    while !body.is_empty() {
        filters.push(body.text()?.to_owned());
    }
    if filters.is_empty() {
        Err(Malformed)
    } else {
        Ok(Packet::Unsubscribe(number, filters))
    }
}

fn disconnect(body: &mut Reader<'_>) -> Result<Packet, Malformed> {
    if body.is_empty() {
        return Ok(Packet::Disconnect(None));
    }
    body.byte()?;
    if body.is_empty() {
        return Ok(Packet::Disconnect(None));
    }
    let length = body.variable()?;
    let mut properties = Reader(body.bytes(length)?);
    let mut expiry = None;
    while !properties.is_empty() {
        match properties.byte()? {
            0x11 => expiry = Some(properties.long()?),
            other => drop(skipped(other, &mut properties)?),
        }
    }
    Ok(Packet::Disconnect(expiry))
}

/// What a client that was let in may count on.
#[derive(Debug, Clone)]
pub struct Welcome<'a> {
    /// Whether what was kept for it is there.
    pub resumed: bool,
    /// The name that it was given, if it had none.
    pub assigned: Option<&'a str>,
    /// How often it must say that it lives, in seconds.
    pub keep_alive: u16,
    /// How long it is remembered, in seconds.
    pub expiry: u32,
    /// How many messages it may send before one is acknowledged.
    pub receive: u16,
    /// The largest packet that is taken.
    pub largest: u32,
}

/// The answer to a client that is let in.
pub fn welcome(welcome: &Welcome<'_>, out: &mut Vec<u8>) {
    let mut properties = vec![0x21];
    properties.extend_from_slice(&welcome.receive.to_be_bytes());
    properties.push(0x27);
    properties.extend_from_slice(&welcome.largest.to_be_bytes());
    properties.push(0x11);
    properties.extend_from_slice(&welcome.expiry.to_be_bytes());
    properties.push(0x13);
    properties.extend_from_slice(&welcome.keep_alive.to_be_bytes());
    // At most once or at least once, nothing retained, no identifiers, no shared subscriptions.
    properties.extend_from_slice(&[0x24, 1, 0x25, 0, 0x29, 0, 0x2a, 0]);
    if let Some(name) = welcome.assigned {
        properties.push(0x12);
        binary(name.as_bytes(), &mut properties);
    }
    let mut body = vec![u8::from(welcome.resumed), 0];
    variable(properties.len(), &mut body);
    body.extend_from_slice(&properties);
    packet(0x20, &body, out);
}

/// The answer to a client that is not let in, in the form of its version.
pub fn turned_away(code: Code, version: u8, out: &mut Vec<u8>) {
    if version == 5 {
        packet(0x20, &[0, code as u8, 0], out);
    } else {
        packet(0x20, &[0, 1], out); // an older version is told so in its own words
    }
}

/// A message to a client. `number` is none where nobody acknowledges it.
pub fn deliver(message: &Publish, number: Option<u16>, again: bool, out: &mut Vec<u8>) {
    let first = 0x30 | u8::from(again) << 3 | u8::from(number.is_some()) << 1;
    let mut lengths = Vec::with_capacity(4);
    variable(message.properties.len(), &mut lengths);
    let numbered = if number.is_some() { 2 } else { 0 };
    let body = 2 + message.topic.len() + numbered + lengths.len() + message.properties.len() + message.payload.len();
    out.push(first);
    variable(body, out);
    binary(message.topic.as_bytes(), out);
    out.extend(number.into_iter().flat_map(u16::to_be_bytes));
    out.extend_from_slice(&lengths);
    out.extend_from_slice(&message.properties);
    out.extend_from_slice(&message.payload);
}

/// A message was taken, or not and why.
pub fn acknowledged(number: u16, refused: Option<Code>, out: &mut Vec<u8>) {
    let [high, low] = number.to_be_bytes();
    match refused {
        None => packet(0x40, &[high, low], out),
        Some(code) => packet(0x40, &[high, low, code as u8], out),
    }
}

/// What became of each subscription: the quality that is given, or why not.
pub fn subscribed(number: u16, given: &[Result<u8, Code>], out: &mut Vec<u8>) {
    let mut body = number.to_be_bytes().to_vec();
    body.push(0);
    body.extend(given.iter().map(|it| it.unwrap_or_else(|code| code as u8)));
    packet(0x90, &body, out);
}

/// What became of each subscription that was to end: whether it was there.
pub fn unsubscribed(number: u16, were_there: &[bool], out: &mut Vec<u8>) {
    let mut body = number.to_be_bytes().to_vec();
    body.push(0);
    body.extend(were_there.iter().map(|it| if *it { 0 } else { 0x11 }));
    packet(0xb0, &body, out);
}

/// The answer to a sign of life.
pub fn alive(out: &mut Vec<u8>) {
    packet(0xd0, &[], out);
}

/// The broker ends the connection.
pub fn goodbye(code: Code, out: &mut Vec<u8>) {
    packet(0xe0, &[code as u8, 0], out);
}
