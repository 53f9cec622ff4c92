//! Packets made by hand, over a connection of a holder.

use super::Builtin;
use crate::cast::Cast;
use crate::{SOON, broker};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

pub async fn dialled(cast: &Cast, it: &Builtin, holder: &str) -> impl AsyncRead + AsyncWrite + Unpin + use<> {
    let config = (broker(cast, holder, "raw", it.port).proves)().unwrap();
    fabric_identity::est::dial(&format!("127.0.0.1:{}", it.port), config)
        .await
        .unwrap()
}

/// Sends bytes and reads what comes back at once; nothing if the connection has ended.
pub async fn answer(line: &mut (impl AsyncRead + AsyncWrite + Unpin), bytes: &[u8]) -> Vec<u8> {
    line.write_all(bytes).await.unwrap();
    line.flush().await.unwrap();
    let mut buffer = vec![0; 4_096];
    let count = tokio::time::timeout(SOON, line.read(&mut buffer))
        .await
        .expect("an answer")
        .unwrap_or_default();
    buffer.truncate(count);
    buffer
}

pub fn connecting(client: &str, version: u8, flags: u8, properties: &[u8]) -> Vec<u8> {
    let mut body = b"\0\x04MQTT".to_vec();
    body.extend([version, flags, 0, 30]);
    if version == 5 {
        body.push(u8::try_from(properties.len()).unwrap());
        body.extend(properties);
    }
    body.extend([0, u8::try_from(client.len()).unwrap()]);
    body.extend(client.as_bytes());
    [vec![0x10, u8::try_from(body.len()).unwrap()], body].concat()
}

pub fn publishing(topic: &str, quality: u8, payload: &[u8]) -> Vec<u8> {
    let mut body = vec![0, u8::try_from(topic.len()).unwrap()];
    body.extend(topic.as_bytes());
    body.extend([0, 1, 0]);
    body.extend(payload);
    [vec![0x30 | quality << 1, u8::try_from(body.len()).unwrap()], body].concat()
}
