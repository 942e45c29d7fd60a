//! Programs that the demo runs beside itself: their output line by line, and an end that nothing can prevent.
//! Must not know what the programs are.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Notify;
use tokio::time::timeout;

/// Runs the program in `$@` until it ends or standard input closes, which it does however this process ends.
/// The shell lets go of its own output, so that the pipe closes when the program is gone.
const UNTIL_INPUT_CLOSES: &str = r#"
"$@" </dev/null 2>&1 &
child=$!
exec >/dev/null 2>&1
cat
kill -TERM "$child"
tries=50
while kill -0 "$child" && [ $tries -gt 0 ]; do sleep 0.1; tries=$((tries - 1)); done
kill -KILL "$child"
wait
"#;

const STOP_LIMIT: Duration = Duration::from_secs(10);

/// A program that runs as long as this value lives.
pub struct Process {
    name: String,
    shell: Child,
    output: Arc<Output>,
}

#[derive(Default)]
struct Output {
    lines: Mutex<(Vec<String>, bool)>,
    changed: Notify,
}

impl Process {
    /// Starts a program with arguments and environment.
    pub fn start(name: &str, program: &Path, arguments: &[&OsStr], environment: &[(&str, &OsStr)]) -> Result<Self> {
        let mut shell = Command::new("sh")
            .args(["-c", UNTIL_INPUT_CLOSES, "rekindle-demo"])
            .arg(program)
            .args(arguments)
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // A Ctrl-C is for the demo, which then ends its programs in order.
            .process_group(0)
            .spawn()
            .with_context(|| format!("start {name}"))?;
        let output = Arc::<Output>::default();
        let pipe = shell.stdout.take().with_context(|| format!("read what {name} prints"))?;
        let reader = Arc::clone(&output);
        tokio::spawn(async move {
            let mut lines = BufReader::new(pipe).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                reader.update(|(seen, _)| seen.push(line));
            }
            reader.update(|(_, ended)| *ended = true);
        });
        Ok(Self { name: name.to_owned(), shell, output })
    }

    /// Waits for a line of output that contains a word.
    pub async fn says(&self, word: &str, limit: Duration) -> Result<String> {
        let found = async {
            loop {
                let changed = self.output.changed.notified();
                let (line, ended) =
                    self.output.read(|(lines, ended)| (lines.iter().find(|line| line.contains(word)).cloned(), *ended));
                match line {
                    Some(line) => return Ok(line),
                    None if ended => bail!("{} ended:\n{}", self.name, self.last_lines(20)),
                    None => changed.await,
                }
            }
        };
        let waited = timeout(limit, found).await;
        waited.unwrap_or_else(|_| bail!("{} does not say `{word}`:\n{}", self.name, self.last_lines(20)))
    }

    /// What it printed last.
    pub fn last_lines(&self, count: usize) -> String {
        self.output.read(|(lines, _)| lines.get(lines.len().saturating_sub(count)..).unwrap_or_default().join("\n"))
    }

    /// Asks it to end and waits until it has.
    pub async fn stop(mut self) -> Result<()> {
        drop(self.shell.stdin.take());
        let ended = timeout(STOP_LIMIT, self.shell.wait()).await;
        ended.with_context(|| format!("{} does not end", self.name))?.with_context(|| format!("end {}", self.name))?;
        Ok(())
    }
}

impl Output {
    fn update(&self, change: impl FnOnce(&mut (Vec<String>, bool))) {
        change(&mut self.lines.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_waiters();
    }

    fn read<T>(&self, look: impl FnOnce(&(Vec<String>, bool)) -> T) -> T {
        look(&self.lines.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
