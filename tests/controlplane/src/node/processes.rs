//! Ending a process inside a pod, as the out-of-memory killer of a node would. Knows only what /proc shows.

use std::fs;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Kills every process of a pod that was started as `program`, and fails if there was none.
///
/// The control group of a process bears the uid of its pod. Only the processes of this node are seen, because its
/// namespaces are those of the caller.
pub fn kill_in_pod(uid: &str, program: &str) -> Result<()> {
    let mut killed = 0;
    for entry in fs::read_dir("/proc").context("list the processes")? {
        let path = entry.context("list the processes")?.path();
        let Some(id) = path.file_name().and_then(|name| name.to_str()?.parse().ok()) else { continue };
        // A process that ends meanwhile cannot be read, and is none of those looked for.
        let command = fs::read_to_string(path.join("cmdline")).unwrap_or_default();
        let group = fs::read_to_string(path.join("cgroup")).unwrap_or_default();
        if command.split('\0').next() == Some(program) && group.contains(uid) {
            kill(Pid::from_raw(id), Signal::SIGKILL).with_context(|| format!("kill {program} of pod {uid}"))?;
            killed += 1;
        }
    }
    ensure!(killed > 0, "pod {uid} runs no {program}");
    Ok(())
}
