//! What an API server can do to its clients, row by row: edits go on meanwhile, the last of them arrives, each push
//! comes once, and the operator's memory stays bounded.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use futures::future::join_all;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use super::{edit, runs_text, stage};
use crate::support::invariants::assert_invariants;
use crate::support::operator::Operator;
use crate::support::proxy::{Act, Rule};
use crate::support::stage::{Stage, app};

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Nobody answers for a minute: longer than a watch may be silent and than push keys count as fresh.
    Away,
    /// Every answer takes two seconds.
    Slow,
    /// Every request is answered with 429 and a time to wait.
    Busy,
    /// Every request is answered with 500.
    Failing,
    /// Every watch is told at once that it has fallen behind.
    Behind,
}

const AWAY: Duration = Duration::from_secs(61);
/// The others last until so many requests have met them.
const MET: usize = 24;
/// A document of this size, edited again and again.
const FILLER: usize = 300_000;
const EDITS: u32 = 24;
/// Room for some copies of one document. Kept edits would take more: each at least its text and its documents.
const GROWTH_KIB: u64 = 14_000;

#[tokio::test(flavor = "multi_thread")]
async fn whatever_an_api_server_does_no_push_is_lost_or_repeated_and_memory_is_bounded() -> Result<()> {
    let faults = [Fault::Away, Fault::Slow, Fault::Busy, Fault::Failing, Fault::Behind];
    let results = join_all(faults.map(async |fault| endure(fault).await.with_context(|| format!("{fault:?}")))).await;
    let failures: Vec<_> = results.into_iter().filter_map(Result::err).map(|error| format!("{error:#}")).collect();
    if failures.is_empty() { Ok(()) } else { bail!("{}", failures.join("\n\n")) }
}

fn large(pool: u32, edit: u32) -> String {
    format!("{}# {edit} {}\n", app(pool), "x".repeat(FILLER))
}

/// A patch that the server carries out at less cost than an applied manifest of this size.
async fn write(stage: &Stage, app: &str) -> Result<()> {
    let patch = Patch::Merge(json!({"data": {"app.yaml": app}}));
    stage.scene.api::<ConfigMap>().patch("checkout-config", &PatchParams::default(), &patch).await.map(drop)?;
    Ok(())
}

async fn endure(fault: Fault) -> Result<()> {
    let mut stage = stage().await?;
    edit(&stage, 10).await?;
    for pool in [11, 12] {
        write(&stage, &large(pool, 0)).await?;
        runs_text(&stage, &large(pool, 0)).await?;
    }
    let (before, seen) = (peak(&stage)?, stage.proxy.log().len());
    let begin = Instant::now();
    befall(&mut stage, fault).await;
    for edit in 1..=EDITS {
        write(&stage, &large(20 + edit % 60, edit)).await?;
    }
    let met = async || Ok(stage.proxy.log().len() >= seen + MET);
    if fault == Fault::Away {
        tokio::time::sleep(AWAY).await
    } else {
        stage.scene.until("it met the fault", met).await?
    }
    let (asked, lasted) = (stage.proxy.log().len() - seen, begin.elapsed());
    stage.proxy.clear();
    if fault == Fault::Away {
        stage.proxy.be_there().await?;
    }
    write(&stage, &large(100, 0)).await?;
    runs_text(&stage, &large(100, 0)).await?;
    each_push_came_once(&stage)?;
    is_patient(fault, asked, lasted)?;
    let grown = peak(&stage)?.saturating_sub(before);
    ensure!(grown < GROWTH_KIB, "it grew by {grown} KiB");
    assert_invariants(&stage).await
}

async fn befall(stage: &mut Stage, fault: Fault) {
    let act = match fault {
        Fault::Away => return stage.proxy.go_away().await,
        Fault::Slow => Act::Delay(Duration::from_secs(2)),
        Fault::Busy => Act::Busy(1),
        Fault::Failing => Act::refuse(500, "InternalError", "etcdserver: request timed out"),
        Fault::Behind => Act::gone(),
    };
    stage.proxy.rule(Rule::always(act, move |request| fault != Fault::Behind || request.verb == "watch"));
    stage.proxy.cut_watches();
}

fn peak(stage: &Stage) -> Result<u64> {
    stage.scene.operator.as_ref().map(Operator::peak_memory).context("no operator runs")?
}

/// No target was told a version twice.
fn each_push_came_once(stage: &Stage) -> Result<()> {
    for target in &stage.scene.targets {
        let versions: Vec<u64> = target.arrivals().iter().map(|arrival| arrival.version()).collect();
        let once: BTreeSet<u64> = versions.iter().copied().collect();
        ensure!(once.len() == versions.len(), "{} was told {versions:?}", target.pod.name());
    }
    Ok(())
}

/// A server in trouble is not asked without pause. There are six watches, whose pauses grow, and a worker.
fn is_patient(fault: Fault, asked: usize, lasted: Duration) -> Result<()> {
    let each_second = usize::try_from(lasted.as_secs())? + 1;
    let most = match fault {
        Fault::Busy => 10 * each_second,
        Fault::Failing | Fault::Behind => 90 + 5 * each_second,
        Fault::Away | Fault::Slow => return Ok(()),
    };
    ensure!(asked <= most, "it asked {asked} times in {lasted:?}");
    Ok(())
}
