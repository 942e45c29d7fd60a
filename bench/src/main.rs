//! `make bench`: measures the release build of the operator on a real API server against bare programs, prints a
//! table and writes `target/bench.json`. Says what is met and what is not; a goal that is missed is no error.

use std::time::Duration;

use anyhow::Result;
use clap::{Parser, ValueEnum};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use rekindle_bench::report::{self, Row};
use rekindle_bench::rows::{edit, memory, notify, restart, rollback};
use rekindle_bench::stage::{Stage, repository};

/// Measure the operator against bare programs on a real API server.
#[derive(Debug, Parser)]
struct Arguments {
    /// What to measure; everything by default
    #[arg(value_enum)]
    rows: Vec<Kind>,

    /// The edits of each contestant for one pod, of which a 99th percentile needs 1000; other rows take their share
    #[arg(long, default_value_t = 1000)]
    edits: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Edit1,
    Edit100,
    Edit1000,
    Rollback,
    Memory,
    Restart,
    Notify,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let Arguments { rows, edits } = Arguments::parse();
    let wanted = |kind: Kind| rows.is_empty() || rows.contains(&kind);
    allow_open_files()?;
    let mut measured = Vec::new();
    measured.extend(latencies(&wanted, edits).await?);
    if wanted(Kind::Memory) {
        measured.push(told(memory::measure(&Stage::set(false).await?, 20_000).await?));
    }
    if wanted(Kind::Restart) {
        measured.extend(restart::measure(&Stage::set(true).await?, 1000).await?.into_iter().map(told));
    }
    if wanted(Kind::Notify) {
        for (subscribers, changes) in [(1, edits * 50), (1000, edits)] {
            // It has a runtime of its own.
            let measuring = tokio::task::spawn_blocking(move || notify::measure(subscribers, changes));
            measured.push(told(measuring.await??));
        }
    }
    println!();
    report::print(&measured);
    let path = repository().join("target/bench.json");
    report::write(&measured, &path)?;
    println!("written to target/bench.json");
    Ok(())
}

/// The rows of times share a control plane and an operator; each has a namespace of its own.
async fn latencies(wanted: &impl Fn(Kind) -> bool, edits: usize) -> Result<Vec<Row>> {
    let millis = Duration::from_millis;
    let share = |part: usize| edits.div_ceil(part);
    let kinds = [
        (Kind::Edit1, edit::Plan { pods: 1, edits, rest: millis(80), limit: 100.0 }),
        (Kind::Edit100, edit::Plan { pods: 100, edits: share(10), rest: millis(200), limit: 1000.0 }),
        (Kind::Edit1000, edit::Plan { pods: 1000, edits: share(20), rest: millis(500), limit: 1000.0 }),
    ];
    let mut rows = Vec::new();
    if !kinds.iter().any(|(kind, _)| wanted(*kind)) && !wanted(Kind::Rollback) {
        return Ok(rows);
    }
    let stage = Stage::set(false).await?;
    let operator = stage.operator().await?;
    for (kind, plan) in kinds {
        if wanted(kind) {
            rows.push(told(edit::measure(&stage, plan).await?));
        }
    }
    if wanted(Kind::Rollback) {
        rows.push(told(rollback::measure(&stage, 100, share(20), millis(500)).await?));
    }
    operator.stop().await?;
    Ok(rows)
}

/// Shows a row as soon as it is there: a run takes minutes.
fn told(row: Row) -> Row {
    println!("{}: p50 {:.2}, p99 {:.2} {}, goal {}", row.name, row.p50, row.p99, row.unit, row.goal);
    row
}

/// Thousands of connections have both of their ends here.
fn allow_open_files() -> Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    Ok(())
}
