//! A road that takes time: bytes arrive late, and in flight as many as are sent.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// How many pieces are on the road in one direction.
const ON_THE_ROAD: usize = 4096;

/// A port from which a device is half a round trip away.
pub async fn to(device: SocketAddr, round_trip: Duration) -> std::io::Result<u16> {
    let listener = TcpListener::bind((device.ip(), 0)).await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            tokio::spawn(travel(near, device, round_trip / 2));
        }
    });
    Ok(port)
}

async fn travel(near: TcpStream, device: SocketAddr, late: Duration) {
    let Ok(far) = TcpStream::connect(device).await else {
        return;
    };
    if near.set_nodelay(true).is_err() || far.set_nodelay(true).is_err() {
        return;
    }
    let (near_in, near_out) = near.into_split();
    let (far_in, far_out) = far.into_split();
    tokio::join!(lane(near_in, far_out, late), lane(far_in, near_out, late));
}

async fn lane(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, late: Duration) {
    let (put, mut taken) = mpsc::channel(ON_THE_ROAD);
    let load = async move {
        let mut buffer = vec![0; 32 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            if put
                .send((Instant::now() + late, buffer[..count].to_vec()))
                .await
                .is_err()
            {
                return;
            }
        }
    };
    let unload = async move {
        while let Some((at, bytes)) = taken.recv().await {
            tokio::time::sleep_until(at).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    };
    tokio::join!(load, unload);
}
