//! What breaks the rules of MQTT ends that connection with its reason.

use super::wire::{answer, connecting, dialled, publishing};
use super::{OWN, start, tight};
use crate::cast::Cast;
use crate::now;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_breaks_the_rules_ends_with_its_reason() {
    fabric_identity::install_cryptography();
    let cast = Cast::at(now());
    let it = start(&cast, 0, tight()).await;
    // What is no packet, too large, too many, or never allowed ends that connection with its reason.
    for (sent, code) in [
        (vec![0x10, 0xff, 0xff, 0xff, 0x7f], 0x95u8),
        (vec![0x10, 0xff, 0xff, 0xff, 0xff, 0x01], 0x81),
        (connecting("bad", 5, 0x06, &[]), 0x83),
        (connecting("old", 4, 0x02, &[]), 1),
        (vec![0xc0, 0x00], 0x82),
    ] {
        let mut line = dialled(&cast, &it, "edge-3").await;
        assert_eq!(answer(&mut line, &sent).await.get(3), Some(&code), "{sent:02x?}");
    }
    let bad = [
        (publishing(OWN, 2, &[]), 0x9bu8),
        (vec![0x31, 0x05, 0x00, 0x01, b'a', 0x00, b'x'], 0x9a),
        (vec![0x30, 0x05, 0x00, 0x01, 0x00, 0x00, b'x'], 0x81),
        (vec![0x60, 0x02, 0x00, 0x01], 0x81),
        (vec![0x82, 0x02, 0x00, 0x01], 0x81),
    ];
    for (sent, code) in bad {
        let mut line = dialled(&cast, &it, "edge-3").await;
        assert_eq!(
            answer(&mut line, &connecting("bad", 5, 0x02, &[])).await.get(3),
            Some(&0)
        );
        assert_eq!(answer(&mut line, &sent).await, [0xe0, 2, code, 0], "{sent:02x?}");
    }
}
