//! Compares three ways to push 2 KB to 1000 warm targets, round by round in one run: bare sockets, an ordinary client
//! with a task per target, and the pusher. Prints medians and ratios.
//! Must not favor anyone: the same targets, the same body, the order of the three turns from round to round.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rekindle::ports::{Push as _, Shipment};
use rekindle::push::{Pusher, Settings};
use rekindle_bench::bare::BareFanout;
use rekindle_bench::peers::Peers;
use rekindle_bench::stats::Samples;
use rekindle_core::digest::Digest;
use rekindle_core::document::{DocumentName, Documents};
use rekindle_core::ids::Uid;
use rekindle_core::target::{Answer, Endpoint, Payload, TargetKey};
use rekindle_core::time::Timestamp;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

const PATH: &str = "/rekindle/v1/config";
/// Rounds that are not counted.
const WARMING: usize = 5;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: usize| arguments.next().map_or(Ok(default), |text| text.parse());
    let (count, rounds) = (number(1000)?, number(200)?);
    let peers = Peers::start()?;
    let targets: Vec<SocketAddr> = (0..count).map(|number| (Peers::address(number), peers.port()).into()).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut contestants = [
        Contestant::new("bare sockets", bare(&targets)?),
        Contestant::new("task per target", ordinary(&runtime, &targets)?),
        Contestant::new("pusher", pusher(&runtime, &targets)?),
    ];
    for round in 0..rounds + WARMING {
        let begins = round % contestants.len();
        contestants.rotate_left(begins);
        for contestant in &mut contestants {
            contestant.run(&peers, count, round >= WARMING)?;
        }
        contestants.rotate_right(begins);
    }
    println!("{count} targets, {rounds} rounds, milliseconds until the last arrival and the last answer read");
    let [bare, ..] = &contestants;
    for Contestant { name, arrived, read, .. } in &contestants {
        let (arrivals, reads) = (arrived.p50() / bare.arrived.p50(), read.p50() / bare.read.p50());
        println!("{name:>16}  arrived p50 {:7.2} p99 {:7.2}, {arrivals:.2} x bare", arrived.p50(), arrived.p99());
        println!("{:>16}  read    p50 {:7.2} p99 {:7.2}, {reads:.2} x bare", "", read.p50(), read.p99());
    }
    Ok(())
}

/// One way to push, and what was measured of it.
struct Contestant<'a> {
    name: &'static str,
    push: Box<dyn FnMut() -> Result<()> + 'a>,
    arrived: Samples,
    read: Samples,
}

impl<'a> Contestant<'a> {
    fn new(name: &'static str, push: impl FnMut() -> Result<()> + 'a) -> Self {
        Self { name, push: Box::new(push), arrived: Samples::default(), read: Samples::default() }
    }

    fn run(&mut self, peers: &Peers, count: usize, counts: bool) -> Result<()> {
        let started = Instant::now();
        (self.push)()?;
        let read = started.elapsed();
        let arrivals = peers.wait_for(count, Duration::from_secs(10), |_| true)?;
        if counts {
            self.read.add(read);
            self.arrived.extend(arrivals.iter().map(|arrival| arrival.at.duration_since(started)).max());
        }
        Ok(())
    }
}

fn documents() -> Result<Documents> {
    let content = Bytes::from("pool: 10\n".repeat(200));
    Ok(Documents::join([BTreeMap::from([(DocumentName::parse("app.yaml")?, content)])]))
}

fn body() -> Result<Bytes> {
    let documents = documents()?;
    let text = "pool: 10\\n".repeat(200);
    let digest = Digest::of(&documents);
    Ok(Bytes::from(format!(
        "{{\"policy\":\"shop/checkout\",\"version\":8,\"digest\":\"{digest}\",\"epoch\":3,\"reason\":\"edit\",\
         \"changed\":[\"pool\"],\"documents\":[{{\"name\":\"app.yaml\",\"format\":\"yaml\",\"text\":\"{text}\"}}]}}"
    )))
}

fn bare(targets: &[SocketAddr]) -> Result<impl FnMut() -> Result<()> + use<>> {
    let mut fanout = BareFanout::connect(targets.iter().copied())?;
    let body = body()?;
    Ok(move || fanout.post(PATH, &body))
}

fn ordinary<'a>(runtime: &'a Runtime, targets: &[SocketAddr]) -> Result<impl FnMut() -> Result<()> + use<'a>> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build(connector);
    let body = body()?;
    let addresses: Vec<String> = targets.iter().map(|target| format!("http://{target}{PATH}")).collect();
    Ok(move || {
        runtime.block_on(async {
            let tasks: Vec<_> = addresses
                .iter()
                .map(|address| {
                    let request = http::Request::post(address).body(Full::new(body.clone()));
                    let client = client.clone();
                    tokio::spawn(async move {
                        let answer = tokio::time::timeout(Duration::from_secs(5), client.request(request?)).await??;
                        let status = answer.status();
                        answer.into_body().collect().await?;
                        ensure!(status == 200, "status {status}");
                        Ok(())
                    })
                })
                .collect();
            for task in tasks {
                task.await??;
            }
            Ok(())
        })
    })
}

fn pusher<'a>(runtime: &'a Runtime, targets: &[SocketAddr]) -> Result<impl FnMut() -> Result<()> + use<'a>> {
    let pusher = Pusher::start(Settings::default())?;
    let shipment = Arc::new(Shipment {
        body: body()?,
        signature: format!("t=1764000000,v1={}", "ab".repeat(32)),
        digest: Digest::of(&documents()?),
    });
    let targets: Vec<(TargetKey, Endpoint)> = targets
        .iter()
        .map(|target| {
            let key = TargetKey { uid: Uid::parse(target.ip().to_string())?, started: Timestamp(0) };
            let endpoint = Endpoint {
                address: target.ip(),
                port: target.port(),
                path: PATH.to_owned(),
                payload: Payload::Content,
                timeout: Duration::from_secs(5),
            };
            Ok((key, endpoint))
        })
        .collect::<Result<_>>()?;
    Ok(move || {
        let (sender, mut answers) = mpsc::channel(targets.len());
        let (pusher, shipment, pushed) = (pusher.clone(), Arc::clone(&shipment), targets.clone());
        let pushing = runtime.spawn(async move { pusher.push(shipment, pushed, sender).await });
        runtime.block_on(async {
            let mut acks = 0;
            while let Some((_, answer, _)) = answers.recv().await {
                ensure!(answer == Answer::Ack, "{answer:?}");
                acks += 1;
            }
            pushing.await.context("pushing")?;
            ensure!(acks == targets.len(), "only {acks} answers");
            Ok(())
        })
    })
}
