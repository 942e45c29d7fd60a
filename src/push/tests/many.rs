//! Many targets: none delays another, and no more connections are open than are allowed.

use std::net::{IpAddr, Ipv4Addr};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::peers::acknowledgment;
use super::*;

/// One listener for all addresses; those whose last byte `dies` accepts are read and never answered.
async fn crowd(dies: impl Fn(u8) -> bool + Send + 'static) -> u16 {
    let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let IpAddr::V4(address) = stream.local_addr().unwrap().ip() else { continue };
            let silent = dies(address.octets()[3]);
            tokio::spawn(async move {
                let mut space = [0; 4096];
                // Requests of these tests come in one piece.
                while stream.read(&mut space).await.is_ok_and(|count| count > 0) {
                    if silent {
                        continue;
                    }
                    let body = acknowledgment();
                    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                    if stream.write_all(answer.as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    port
}

fn members(count: u16, port: u16, timeout: Duration) -> Vec<Endpoint> {
    (0..count)
        .map(|number| {
            let [high, low] = (number / 250 * 256 + number % 250).to_be_bytes();
            Endpoint { timeout, ..endpoint((Ipv4Addr::new(127, 99, high, low), port).into()) }
        })
        .collect()
}

#[tokio::test]
async fn dead_targets_delay_no_living_one() {
    // 12 or 13 of each 250, 50 of 1000 in all.
    let port = crowd(|last| last % 20 == 7).await;
    let endpoints = members(1000, port, Duration::from_secs(2));
    let pusher = Pusher::start(Settings { connections: 2000, ..SETTINGS }).unwrap();
    for round in ["cold", "warm"] {
        let answers = push(&pusher, &shipment("{}"), &endpoints).await;
        assert_eq!(answers.len(), 1000, "{round}");
        let first_failure = answers.iter().position(|(_, answer, _)| *answer != Answer::Ack).unwrap();
        let failures = answers.len() - first_failure;
        assert!((48..=52).contains(&failures), "{round}: {failures}");
        for (number, answer, took) in &answers[first_failure..] {
            assert_eq!(number % 250 % 20, 7, "{round}: all that live answered before the first dead one was given up");
            assert!(matches!(answer, Answer::Failed { .. }), "{round}");
            assert!(*took >= Duration::from_secs(2), "{round}");
        }
        eventually("the dead ones' connections are closed", || pusher.open_connections() == first_failure).await;
    }
}

#[tokio::test]
async fn no_more_connections_are_open_than_are_allowed() {
    let pusher = Pusher::start(Settings { connections: 4, ..SETTINGS }).unwrap();
    let everywhere = Peer::listening("0.0.0.0:0", |wire, _| wire.acknowledge_all());
    let endpoints = members(40, everywhere.address.port(), Duration::from_secs(10));
    // Twice, so that idle connections to some stand in the way of others.
    for _ in 0..2 {
        let answers = push(&pusher, &shipment("{}"), &endpoints).await;
        assert!(answers.iter().all(|(_, answer, _)| *answer == Answer::Ack), "{answers:?}");
        assert_eq!(answers.len(), 40);
        assert!(pusher.open_connections() <= 4);
    }
    pusher.warm(&endpoints).await;
    assert!(pusher.open_connections() <= 4);
    // The peer may learn of a close only after the next connection has come.
    assert!(everywhere.most_open() <= 8, "{}", everywhere.most_open());
}

#[tokio::test]
async fn waiting_for_a_connection_is_not_counted_against_a_target() {
    let port = crowd(|last| last < 2).await;
    let pusher = Pusher::start(Settings { connections: 2, ..SETTINGS }).unwrap();
    let timeout = Duration::from_millis(400);
    let answers = push(&pusher, &shipment("{}"), &members(4, port, timeout)).await;
    let acks: Vec<_> = answers.iter().filter(|(_, answer, _)| *answer == Answer::Ack).collect();
    assert_eq!(acks.len(), 2, "{answers:?}");
    assert!(acks.iter().all(|(_, _, took)| *took < timeout), "{acks:?}");
}
