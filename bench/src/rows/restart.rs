//! What a restart of the operator costs when nothing has changed: it should push nothing and write nothing.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use crate::crowd::Crowd;
use crate::report::Row;
use crate::stage::{ACCOUNT, NAMESPACE, Stage};

/// So long nothing may happen until the operator counts as at rest.
const QUIET: Duration = Duration::from_secs(5);
const LIMIT: Duration = Duration::from_secs(120);

/// Lets every pod confirm a version, restarts the operator, and counts what it does until it is at rest again.
///
/// # Errors
/// When it does not come to rest.
pub async fn measure(stage: &Stage, pods: usize) -> Result<Vec<Row>> {
    let operator = stage.operator().await?;
    let crowd = Crowd::gather(stage, pods).await?;
    crowd.wait(&stage.peers, &crowd.digest()?).context("waiting for the first version")?;
    rest(stage).await?;
    operator.stop().await?;

    stage.peers.forget();
    stage.plane.settle_audit().await?;
    let mark = stage.plane.audit().mark()?;
    let operator = stage.operator().await?;
    rest(stage).await?;
    let writes = stage
        .plane
        .audit()
        .since(mark)?
        .into_iter()
        .filter(|entry| entry.is_by(NAMESPACE, ACCOUNT) && entry.is_write());
    let writes: Vec<String> = writes.map(|entry| format!("{} {}", entry.verb, entry.uri)).collect();
    let pushes = stage.peers.forget();
    operator.stop().await?;
    for write in writes.iter().take(10) {
        println!("  after the restart: {write}");
    }
    let row = |what: &str, count: usize| {
        let name = format!("restart with {pods} unchanged targets, {what}");
        #[expect(clippy::cast_precision_loss, reason = "a small count")]
        let count = count as f64;
        Row::at_most(name, "count", (count, count), 0.0)
    };
    Ok(vec![row("pushes", pushes), row("writes", writes.len())])
}

/// Waits until the operator has asked nothing of the API server for a while.
async fn rest(stage: &Stage) -> Result<()> {
    let deadline = Instant::now() + LIMIT;
    loop {
        let mark = stage.plane.audit().mark()?;
        tokio::time::sleep(QUIET).await;
        stage.plane.settle_audit().await?;
        // Watches are renewed for ever, and are no work.
        let busy = |entry: &rekindle_testplane::audit::Entry| entry.is_by(NAMESPACE, ACCOUNT) && entry.verb != "watch";
        if stage.plane.audit().count(mark, busy)? == 0 {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "the operator does not come to rest");
    }
}
