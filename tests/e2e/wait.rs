//! Waiting for conditions: a limit far beyond what is usual, so that only what is broken meets it.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use tokio::time::sleep;

/// The limit of what is a matter of seconds.
pub const SOON: Duration = Duration::from_secs(30);

const POLL: Duration = Duration::from_millis(20);

/// Asks until there is an answer. A question that fails is asked again: pods come and go.
pub async fn until<T>(limit: Duration, what: &str, mut ask: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let deadline = Instant::now() + limit;
    let mut last = None;
    loop {
        match ask().await {
            Ok(Some(answer)) => return Ok(answer),
            Ok(None) => {}
            Err(error) => last = Some(error),
        }
        if Instant::now() >= deadline {
            let said = last.map(|error| format!("; last: {error:#}")).unwrap_or_default();
            bail!("it never came about that {what}{said}");
        }
        sleep(POLL).await;
    }
}
