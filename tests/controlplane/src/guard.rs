//! What ends the servers and removes their folder when this process cannot: it was killed, or the value that holds
//! them is a static, which is never dropped. A shell does it that waits for the end of a pipe; see `guard.sh`.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context, Result};

pub struct Guard {
    shell: Child,
    pipe: Option<ChildStdin>,
}

impl Guard {
    /// Starts to watch over the servers whose ids are in a folder.
    pub fn start(dir: &Path, keep: bool) -> Result<Self> {
        let mut shell = Command::new("sh")
            .args(["-c", include_str!("guard.sh"), "rekindle-guard"])
            .arg(dir)
            .arg(if keep { "keep" } else { "remove" })
            .stdin(Stdio::piped())
            // Not ours: whoever reads our output would wait for the guard as well.
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A Ctrl-C must not end the guard before it has done its work.
            .process_group(0)
            .spawn()
            .context("start the guard")?;
        let pipe = shell.stdin.take();
        Ok(Self { shell, pipe })
    }

    /// Lets the guard do its work now, and waits for it.
    pub fn dismiss(&mut self) -> Result<()> {
        self.pipe = None;
        self.shell.wait().context("wait for the guard")?;
        Ok(())
    }
}
