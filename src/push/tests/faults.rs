//! Peers that fail: each failure is told from the others, ends by the deadline, and is not tried again.

use std::net::TcpListener;

use super::peers::acknowledgment;
use super::*;

const SOON: Duration = Duration::from_millis(300);

fn hasty(address: SocketAddr) -> Endpoint {
    Endpoint { timeout: SOON, ..endpoint(address) }
}

/// The failure of one push that ends long before its deadline.
async fn failure(peer: &Peer) -> String {
    reason(push_one(&pusher(), endpoint(peer.address)).await)
}

#[tokio::test]
async fn a_refused_connection_fails_at_once() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (_, answer, took) = push(&pusher(), &shipment("{}"), &[endpoint(address)]).await.remove(0);
    let reason = reason(answer);
    assert!(reason.starts_with("it could not be connected to: Connection refused"), "{reason}");
    assert!(took < endpoint(address).timeout);
}

#[tokio::test]
async fn a_connection_that_never_comes_about_ends_by_the_deadline() {
    // One that does not accept, with its queue full: the system drops what else asks.
    let listener = tokio::net::TcpSocket::new_v4().unwrap();
    listener.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = listener.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let filling = (0..4).map(|_| tokio::time::timeout(SOON, tokio::net::TcpStream::connect(address)));
    let filling = futures::future::join_all(filling).await;
    assert!(filling.iter().any(Result::is_err), "the queue is not full");
    let answer = push_one(&pusher(), hasty(address)).await;
    assert_eq!(reason(answer), "no connection came about within 300ms");
}

#[tokio::test]
async fn a_peer_that_never_answers_ends_by_the_deadline() {
    let peer = Peer::listening("127.0.0.1:0", |wire, _| wire.until_closed());
    let (_, answer, took) = push(&pusher(), &shipment("{}"), &[hasty(peer.address)]).await.remove(0);
    assert_eq!(reason(answer), "no answer came within 300ms");
    assert!(took >= SOON, "{took:?}");
    eventually("the connection is closed", || peer.open() == 0).await;
}

#[tokio::test]
async fn a_peer_that_drips_for_ever_ends_by_the_deadline() {
    let peer = Peer::listening("127.0.0.1:0", |wire, _| {
        wire.request();
        wire.write(b"HTTP/1.1 200 OK\r\nx-drip: ");
        while wire.write(b"x") {
            std::thread::sleep(Duration::from_millis(2));
        }
    });
    assert_eq!(reason(push_one(&pusher(), hasty(peer.address)).await), "no answer came within 300ms");
}

#[tokio::test]
async fn an_answer_that_drips_in_within_the_deadline_counts() {
    let peer = Peer::listening("127.0.0.1:0", |wire, _| {
        wire.request();
        let body = acknowledgment();
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        for byte in answer.as_bytes() {
            wire.write(&[*byte]);
        }
        wire.until_closed();
    });
    assert_eq!(push_one(&pusher(), endpoint(peer.address)).await, Answer::Ack);
}

#[tokio::test]
async fn a_peer_that_closes_its_half_without_an_answer_fails() {
    let peer = Peer::listening("127.0.0.1:0", |wire, _| {
        wire.request();
        wire.close_writing();
        wire.until_closed();
    });
    assert_eq!(failure(&peer).await, "it closed the connection without an answer");
    assert_eq!(peer.accepted(), 1, "a fresh connection is not stale");
}

#[tokio::test]
async fn a_reset_in_the_middle_of_an_answer_fails_and_is_not_repeated() {
    let peer = Peer::listening("127.0.0.1:0", |wire, _| {
        wire.head();
        wire.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"running\"");
    });
    let reason = failure(&peer).await;
    assert!(reason.starts_with("its answer broke off: Connection reset"), "{reason}");
    assert_eq!(peer.accepted(), 1);
}

#[tokio::test]
async fn a_close_in_the_middle_of_an_answer_fails() {
    let peer = Peer::listening("127.0.0.1:0", |wire, _| {
        wire.request();
        wire.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"running\"");
    });
    assert_eq!(failure(&peer).await, "its answer broke off");
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    for begin in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"] {
        let peer = Peer::listening("127.0.0.1:0", |wire, _| {
            wire.request();
            wire.write(begin.as_bytes());
            let piece = format!("400\r\n{}\r\n", "x".repeat(1024));
            while wire.write(piece.as_bytes()) {}
        });
        let answer = push_one(&pusher(), endpoint(peer.address)).await;
        assert_eq!(reason(answer), "its answer is longer than 65536 bytes");
        eventually("the connection is closed", || peer.open() == 0).await;
    }
}

#[tokio::test]
async fn an_answer_that_says_it_is_huge_is_not_waited_for() {
    let peer = Peer::listening("127.0.0.1:0", |wire, _| {
        wire.request();
        wire.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n");
        wire.until_closed();
    });
    assert_eq!(failure(&peer).await, "its answer is longer than 65536 bytes");
}

#[tokio::test]
async fn what_is_not_http_is_told_from_silence() {
    let peer = Peer::listening("127.0.0.1:0", |wire, _| {
        wire.write(b"SSH-2.0-OpenSSH_9.2\r\n");
        wire.until_closed();
    });
    let reason = failure(&peer).await;
    assert!(reason.starts_with("its answer is not HTTP"), "{reason}");
}

#[tokio::test]
async fn an_early_answer_to_a_large_body_is_the_answer() {
    // The peer reads nothing of the body, so half of the request is on its way when the answer comes.
    let (done, until_done) = std::sync::mpsc::channel::<()>();
    let until_done = std::sync::Mutex::new(until_done);
    let peer = Peer::listening("127.0.0.1:0", move |wire, _| {
        wire.head();
        wire.answer("422 Unprocessable", "{\"reason\":\"too large for me\"}");
        let _ = until_done.lock().unwrap().recv();
    });
    let (pusher, large) = (pusher(), shipment(vec![b'x'; 16 << 20]));
    let answer = push(&pusher, &large, &[endpoint(peer.address)]).await.remove(0).1;
    assert_eq!(answer, Answer::Nack { reason: "too large for me".to_owned() });
    eventually("the connection with half a request on it is closed", || pusher.open_connections() == 0).await;
    drop(done);
}

#[tokio::test]
async fn a_large_body_reaches_a_slow_reader() {
    let size: usize = 8 << 20;
    let peer = Peer::listening("127.0.0.1:0", move |wire, _| {
        wire.head();
        for _ in 0..8 {
            assert!(wire.read_slowly(size / 8, Duration::from_millis(5)));
        }
        wire.acknowledge();
        wire.until_closed();
    });
    let answer = push(&pusher(), &shipment(vec![b'x'; size]), &[endpoint(peer.address)]).await.remove(0).1;
    assert_eq!(answer, Answer::Ack);
}
