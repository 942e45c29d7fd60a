//! From an edit to the last pod that has it, against the floor, edit by edit in turns.
//! Must not let one contestant's afterwork fall into the other's turn: each has time to come to rest.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::crowd::{self, Crowd, Edit};
use crate::floor::{Floor, Watched};
use crate::peers::Peers;
use crate::report::Row;
use crate::stage::Stage;
use crate::stats::Samples;

/// Turns that are not counted: connections are opened, caches filled.
const WARMING: usize = 5;
/// The floor without its record has no goal: a median of every fourth turn is enough, and saves a quarter of the time.
const UNRECORDED: usize = 4;
const LIMIT: Duration = Duration::from_secs(60);

/// How many pods, how many edits, and how long everything may come to rest after each.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// The pods of the policy, and the targets of the floor.
    pub pods: usize,
    /// The edits that are counted, of each contestant.
    pub edits: usize,
    /// The pause after each.
    pub rest: Duration,
    /// The longest that the 99th percentile may be, in milliseconds.
    pub limit: f64,
}

/// Measures on a stage where the operator runs.
///
/// # Errors
/// When a push does not arrive.
pub async fn measure(stage: &Stage, plan: Plan) -> Result<Row> {
    let mut crowd = Crowd::gather(stage, plan.pods).await?;
    crowd.wait(&stage.peers, &crowd.digest()?).context("waiting for the first version")?;
    let mut recording = Bench::start(stage, &crowd, true).await?;
    let mut plain = Bench::start(stage, &crowd, false).await?;
    let (mut ours, mut floor, mut unrecorded) = (Samples::default(), Samples::default(), Samples::default());
    for turn in 0..plan.edits + WARMING {
        let counts = turn >= WARMING;
        let edit = crowd.edit().await?;
        let applied = crowd.wait(&stage.peers, &edit.digest).with_context(|| format!("edit {turn}"))?;
        ours.extend(counts.then(|| applied - edit.begun));
        tokio::time::sleep(plan.rest).await;

        floor.extend(recording.turn(&stage.peers, turn).await?.filter(|_| counts));
        tokio::time::sleep(plan.rest).await;
        if turn % UNRECORDED == 0 {
            unrecorded.extend(plain.turn(&stage.peers, turn).await?.filter(|_| counts));
            tokio::time::sleep(plan.rest).await;
        }
    }
    let name = match plan.pods {
        1 => "edit -> applied, 1 pod".to_owned(),
        pods => format!("edit -> last of {pods} pods"),
    };
    let mut row = Row::against_floor(name, &ours, &floor, 1.25, plan.limit);
    if plan.pods == 1 {
        // Only this row has a goal for its tail as well, and samples enough to speak of one.
        row.goal = format!("{}, p99 <= 1.50 x floor", row.goal);
        row.met &= row.ratio_p99.is_some_and(|ratio| ratio <= 1.5);
    }
    row.unrecorded_floor_p50 = Some(unrecorded.p50());
    Ok(row)
}

/// A floor program with its ConfigMap and targets.
struct Bench {
    floor: Option<Floor>,
    namespace: rekindle_testplane::Namespace,
    config_map: &'static str,
    targets: usize,
}

impl Bench {
    async fn start(stage: &Stage, crowd: &Crowd, record: bool) -> Result<Self> {
        let config_map = if record { "floor" } else { "plain" };
        let namespace = crowd.namespace.clone();
        namespace.config_map(config_map, &[("app.yaml", &crowd::content(0))]).await?;
        let watched = Watched { namespace: namespace.name().to_owned(), name: config_map.to_owned(), record };
        let targets: Vec<SocketAddr> =
            (0..crowd.size).map(|number| (Peers::address(number), stage.peers.port()).into()).collect();
        let floor = Some(Floor::start(stage.plane.config(), watched, targets)?);
        Ok(Self { floor, namespace, config_map, targets: crowd.size })
    }

    /// One edit; none for the first, which may come before the program watches.
    async fn turn(&mut self, peers: &Peers, turn: usize) -> Result<Option<Duration>> {
        let Edit { begun, version, .. } = crowd::edit(&self.namespace, self.config_map, turn + 1).await?;
        let limit = if turn == 0 { Duration::from_secs(2) } else { LIMIT };
        let arrivals = peers.wait_for(self.targets, limit, |arrival| arrival.digest == version);
        self.floor = self.floor.take().map(Floor::check).transpose()?;
        let last: Instant = match arrivals {
            Err(_) if turn == 0 => return Ok(None),
            arrivals => crowd::last(&arrivals.with_context(|| format!("turn {turn} of the floor"))?)?,
        };
        Ok(Some(last - begun))
    }
}
