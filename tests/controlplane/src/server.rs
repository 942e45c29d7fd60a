//! One server process: started with its log in a file, stopped by its own id. Does not know what it runs.
//!
//! Caveat: a process group of its own keeps a Ctrl-C in a terminal away from the servers, so that the order in
//! which they end stays ours. What happens when this process dies without stopping them is up to `guard.sh`.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How long a server may take to end after TERM before it is killed.
const GRACE: Duration = Duration::from_secs(5);

pub struct Server {
    name: &'static str,
    child: Child,
    dir: PathBuf,
}

impl Server {
    /// Starts a program. Its id is in `<dir>/<name>.pid` before it runs, where the guard looks for it.
    pub fn start(name: &'static str, program: &Path, arguments: &[OsString], dir: &Path) -> Result<Self> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(dir.join(format!("{name}.log")))
            .with_context(|| format!("open the log of {name}"))?;
        let child = Command::new("sh")
            .args(["-c", r#"echo $$ >"$0"; exec "$@""#])
            .arg(dir.join(format!("{name}.pid")))
            .arg(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("share the log")?)
            .stderr(log)
            .process_group(0)
            .spawn()
            .with_context(|| format!("start {}", program.display()))?;
        Ok(Self { name, child, dir: dir.to_owned() })
    }

    /// Fails if the server has ended, with the end of its log.
    pub fn check_running(&mut self) -> Result<()> {
        match self.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{} ended with {status}:\n{}", self.name, self.log_tail()),
        }
    }

    /// The last lines of the log, for error messages.
    pub fn log_tail(&self) -> String {
        let log = fs::read_to_string(self.dir.join(format!("{}.log", self.name))).unwrap_or_default();
        let mut lines: Vec<&str> = log.lines().rev().take(20).collect();
        lines.reverse();
        lines.join("\n")
    }

    /// Asks the server to end, and kills it if it has not after a grace period.
    pub fn stop(mut self) -> Result<()> {
        // Once it has been waited for, its id may belong to another process.
        if self.try_wait()?.is_none() {
            self.signal(Signal::SIGTERM)?;
        }
        self.reap(GRACE)
    }

    /// Ends the server at once, as a crash would.
    pub fn kill(self) -> Result<()> {
        self.reap(Duration::ZERO)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let id = i32::try_from(self.child.id()).context("read the process id")?;
        kill(Pid::from_raw(id), signal).with_context(|| format!("send {signal} to {}", self.name))
    }

    fn reap(mut self, grace: Duration) -> Result<()> {
        let deadline = Instant::now() + grace;
        while self.try_wait()?.is_none() {
            if Instant::now() >= deadline {
                self.child.kill().with_context(|| format!("kill {}", self.name))?;
                self.child.wait().with_context(|| format!("wait for {}", self.name))?;
                break;
            }
            thread::sleep(Duration::from_millis(5));
        }
        fs::remove_file(self.dir.join(format!("{}.pid", self.name))).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => Ok(()),
            _ => Err(error).context("remove the process id"),
        })
    }

    fn try_wait(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().with_context(|| format!("look after {}", self.name))
    }
}
