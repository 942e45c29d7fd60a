//! Connections between pushes: kept, opened ahead, noticed when dead, closed when idle, given back.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::peers::acknowledgment;
use super::*;

#[tokio::test]
async fn a_connection_is_used_again() {
    let (peer, pusher) = (Peer::acknowledging(), pusher());
    for _ in 0..5 {
        assert_eq!(push_one(&pusher, endpoint(peer.address)).await, Answer::Ack);
    }
    assert_eq!((peer.accepted(), peer.requests().len(), pusher.open_connections()), (1, 5, 1));
}

#[tokio::test]
async fn a_connection_that_carried_a_chunked_answer_is_used_again() {
    let peer = Peer::listening("127.0.0.1:0", |wire, _| {
        while wire.request() {
            let body = acknowledgment();
            let (first, second) = body.split_at(20);
            wire.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
            wire.write(format!("{:x}\r\n{first}\r\n", first.len()).as_bytes());
            wire.write(format!("{:x}\r\n{second}\r\n0\r\n\r\n", second.len()).as_bytes());
        }
    });
    let pusher = pusher();
    for _ in 0..3 {
        assert_eq!(push_one(&pusher, endpoint(peer.address)).await, Answer::Ack);
    }
    assert_eq!(peer.accepted(), 1);
}

#[tokio::test]
async fn a_connection_that_the_peer_closed_meanwhile_is_replaced() {
    let peer = Peer::listening("127.0.0.1:0", |wire, _| {
        wire.request();
        wire.acknowledge();
    });
    let pusher = pusher();
    for pushes in 1..=3 {
        assert_eq!(push_one(&pusher, endpoint(peer.address)).await, Answer::Ack);
        eventually("the peer has closed", || peer.open() == 0).await;
        eventually("the pusher has noticed", || pusher.open_connections() == 0).await;
        assert_eq!(peer.accepted(), pushes);
    }
}

#[tokio::test]
async fn a_connection_that_turns_out_stale_is_tried_once_more_on_a_fresh_one() {
    let peer = Peer::listening("127.0.0.1:0", |wire, number| {
        wire.request();
        wire.acknowledge();
        // What a peer does that decided to close just before the next request came.
        if wire.request() && number > 0 {
            wire.acknowledge_all();
        }
    });
    let pusher = pusher();
    assert_eq!(push_one(&pusher, endpoint(peer.address)).await, Answer::Ack);
    assert_eq!(push_one(&pusher, endpoint(peer.address)).await, Answer::Ack);
    assert_eq!((peer.accepted(), peer.requests().len()), (2, 3));
}

#[tokio::test]
async fn a_stale_connection_is_not_tried_more_than_once() {
    let requests = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&requests);
    let peer = Peer::listening("127.0.0.1:0", move |wire, _| {
        while wire.request() {
            if count.fetch_add(1, Ordering::SeqCst) > 0 {
                return;
            }
            wire.acknowledge();
        }
    });
    let pusher = pusher();
    assert_eq!(push_one(&pusher, endpoint(peer.address)).await, Answer::Ack);
    let answer = push_one(&pusher, endpoint(peer.address)).await;
    assert_eq!(reason(answer), "it closed the connection without an answer");
    assert_eq!((peer.accepted(), requests.load(Ordering::SeqCst)), (2, 3));
}

#[tokio::test]
async fn a_stale_connection_that_had_begun_to_answer_is_not_tried_again() {
    let peer = Peer::listening("127.0.0.1:0", |wire, _| {
        wire.request();
        wire.acknowledge();
        wire.request();
        wire.write(b"HTTP/1.1 2");
    });
    let pusher = pusher();
    assert_eq!(push_one(&pusher, endpoint(peer.address)).await, Answer::Ack);
    assert_eq!(reason(push_one(&pusher, endpoint(peer.address)).await), "its answer broke off");
    assert_eq!(peer.accepted(), 1);
}

#[tokio::test]
async fn a_connection_on_which_the_peer_spoke_unasked_is_replaced() {
    let peer = Peer::listening("127.0.0.1:0", |wire, _| {
        wire.request();
        wire.acknowledge();
        wire.write(b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n");
        wire.until_closed();
    });
    let pusher = pusher();
    assert_eq!(push_one(&pusher, endpoint(peer.address)).await, Answer::Ack);
    eventually("the connection is closed", || pusher.open_connections() == 0).await;
    assert_eq!(push_one(&pusher, endpoint(peer.address)).await, Answer::Ack);
    assert_eq!(peer.accepted(), 2);
}

#[tokio::test]
async fn idle_connections_are_closed_after_a_while() {
    let peer = Peer::acknowledging();
    let pusher = Pusher::start(Settings { idle: Duration::from_millis(50), ..SETTINGS }).unwrap();
    assert_eq!(push_one(&pusher, endpoint(peer.address)).await, Answer::Ack);
    eventually("the connection is closed", || peer.open() == 0 && pusher.open_connections() == 0).await;
}

#[tokio::test]
async fn connections_are_opened_ahead_once_and_used() {
    let (peer, pusher) = (Peer::acknowledging(), pusher());
    let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoints = [endpoint(peer.address), endpoint(dead)];
    for _ in 0..3 {
        pusher.warm(&endpoints).await;
        assert_eq!(pusher.open_connections(), 1);
    }
    assert_eq!(push_one(&pusher, endpoint(peer.address)).await, Answer::Ack);
    assert_eq!(peer.accepted(), 1);
}

#[tokio::test]
async fn a_push_waits_for_the_connection_that_is_being_opened() {
    let (peer, pusher) = (Peer::acknowledging(), pusher());
    let endpoints = [endpoint(peer.address)];
    let (answer, ()) = futures::join!(push_one(&pusher, endpoint(peer.address)), pusher.warm(&endpoints));
    assert_eq!(answer, Answer::Ack);
    let (answer, ()) = futures::join!(push_one(&pusher, endpoint(peer.address)), pusher.warm(&endpoints));
    assert_eq!(answer, Answer::Ack);
    let other = Peer::acknowledging();
    let endpoints = [endpoint(other.address)];
    let ((), answer) = futures::join!(pusher.warm(&endpoints), push_one(&pusher, endpoint(other.address)));
    assert_eq!((answer, other.accepted()), (Answer::Ack, 1));
}

#[tokio::test]
async fn a_push_that_is_given_up_closes_its_connections() {
    let (peer, pusher) = (Peer::listening("127.0.0.1:0", |wire, _| wire.until_closed()), pusher());
    let pushing = tokio::spawn({
        let (pusher, endpoint) = (pusher.clone(), endpoint(peer.address));
        async move { push_one(&pusher, endpoint).await }
    });
    eventually("the push is under way", || peer.open() == 1).await;
    pushing.abort();
    eventually("the connection is closed", || peer.open() == 0 && pusher.open_connections() == 0).await;
}

#[tokio::test]
async fn with_the_pusher_all_connections_go() {
    let (peer, pusher) = (Peer::acknowledging(), pusher());
    assert_eq!(push_one(&pusher, endpoint(peer.address)).await, Answer::Ack);
    assert_eq!(peer.open(), 1);
    drop(pusher);
    eventually("the connection is closed", || peer.open() == 0).await;
}
