//! Many targets: none delays another, and no more connections are open than are allowed.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::watch;

use super::peers::acknowledgment;
use super::*;

/// One listener for all addresses.
struct Crowd {
    port: u16,
    /// How many requests the living have answered.
    answered: Arc<AtomicUsize>,
    /// Whether the dead close their connections instead of being silent.
    hangs_up: watch::Sender<bool>,
}

impl Crowd {
    /// Those whose last byte `dies` accepts are read and never answered.
    async fn gather(dies: impl Fn(u8) -> bool + Send + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (hangs_up, hung_up) = watch::channel(false);
        let answered = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&answered);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let IpAddr::V4(address) = stream.local_addr().unwrap().ip() else { continue };
                if dies(address.octets()[3]) {
                    tokio::spawn(be_silent(stream, hung_up.clone()));
                } else {
                    tokio::spawn(acknowledge(stream, Arc::clone(&counter)));
                }
            }
        });
        Self { port, answered, hangs_up }
    }
}

/// Requests of these tests come in one piece.
async fn acknowledge(mut stream: tokio::net::TcpStream, answered: Arc<AtomicUsize>) {
    let body = acknowledgment();
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let mut space = [0; 4096];
    while stream.read(&mut space).await.is_ok_and(|count| count > 0) {
        answered.fetch_add(1, Ordering::SeqCst);
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn be_silent(mut stream: tokio::net::TcpStream, mut hung_up: watch::Receiver<bool>) {
    let mut space = [0; 4096];
    while stream.read(&mut space).await.is_ok_and(|count| count > 0) {
        if hung_up.wait_for(|hung_up| *hung_up).await.is_ok() {
            return;
        }
    }
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
    let is_dead = |last: usize| last % 20 == 7;
    let crowd = Crowd::gather(move |last| is_dead(last.into())).await;
    let endpoints = members(1000, crowd.port, Duration::from_secs(60));
    let dead = (0..1000).filter(|number| is_dead(number % 250)).count();
    let living = 1000 - dead;
    let pusher = Pusher::start(Settings { connections: 2000, ..SETTINGS }).unwrap();
    for round in 1..=2 {
        crowd.hangs_up.send_replace(false);
        let shipment = shipment("{}");
        let hanging_up = async {
            eventually("all that live are asked", || crowd.answered.load(Ordering::SeqCst) == round * living).await;
            crowd.hangs_up.send_replace(true);
        };
        let (answers, ()) = futures::join!(push(&pusher, &shipment, &endpoints), hanging_up);
        let (failed, acked): (Vec<_>, Vec<_>) = answers.iter().partition(|(number, _, _)| is_dead(number % 250));
        assert_eq!((acked.len(), failed.len()), (living, dead), "round {round}");
        assert!(acked.iter().all(|(_, answer, _)| *answer == Answer::Ack), "round {round}");
        assert!(failed.iter().all(|(_, answer, _)| matches!(answer, Answer::Failed { .. })), "round {round}");
        eventually("the dead ones' connections are closed", || pusher.open_connections() == living).await;
    }
}

#[tokio::test]
async fn no_more_connections_are_open_than_are_allowed() {
    const MOST: usize = 4;
    const TARGETS: usize = 40;
    let pusher = Pusher::start(Settings { connections: MOST, ..SETTINGS }).unwrap();
    let (turn, turns) = std::sync::mpsc::channel();
    let turns = std::sync::Mutex::new(turns);
    // A peer learns late of a close, but it knows what it has not answered: that cannot be closed yet.
    let everywhere = Peer::listening("0.0.0.0:0", move |wire, _| {
        while wire.request() && turns.lock().unwrap().recv().is_ok() {
            wire.acknowledge();
        }
    });
    let endpoints = members(80, everywhere.address.port(), Duration::from_secs(60));
    // What is idle after the first round stands in the way of the second, which is to others.
    for endpoints in endpoints.chunks(TARGETS) {
        let (accepted, requests) = (everywhere.accepted(), everywhere.requests().len());
        let answering = async {
            for answered in 0..TARGETS {
                let asked = TARGETS.min(answered + MOST);
                eventually("the next are asked", || everywhere.requests().len() >= requests + asked).await;
                let opened = everywhere.accepted() - accepted;
                assert!(opened <= MOST + answered, "{opened} were opened when {answered} were answered");
                assert!(pusher.open_connections() <= MOST);
                turn.send(()).unwrap();
            }
        };
        let shipment = shipment("{}");
        let (answers, ()) = futures::join!(push(&pusher, &shipment, endpoints), answering);
        assert!(answers.iter().all(|(_, answer, _)| *answer == Answer::Ack), "{answers:?}");
        assert_eq!(answers.len(), TARGETS);
    }
    pusher.warm(&endpoints).await;
    assert!(pusher.open_connections() <= MOST);
    // Idle ones beyond those would stay.
    eventually("all others are closed", || everywhere.open() <= MOST).await;
}

#[tokio::test]
async fn waiting_for_a_connection_is_not_counted_against_a_target() {
    let crowd = Crowd::gather(|last| last < 2).await;
    let pusher = Pusher::start(Settings { connections: 2, ..SETTINGS }).unwrap();
    // Those that live have less time than they wait for those that do not.
    let mut endpoints = members(4, crowd.port, Duration::from_secs(3));
    for dead in &mut endpoints[..2] {
        dead.timeout = Duration::from_secs(4);
    }
    let answers = push(&pusher, &shipment("{}"), &endpoints).await;
    let acks: Vec<_> = answers.iter().filter(|(_, answer, _)| *answer == Answer::Ack).collect();
    assert_eq!(acks.len(), 2, "{answers:?}");
    assert!(acks.iter().all(|(_, _, took)| *took < Duration::from_secs(3)), "{acks:?}");
}
