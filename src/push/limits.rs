//! How many connections the process may hold: what its limit of open files leaves room for.
//! Must not know what they are used for.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Files that the rest of the process needs: the API server, watched directories, the metrics page, logs.
const RESERVED: usize = 256;
/// More connections than this bring nothing: the targets beyond it are reached as the first ones answer.
const MOST: usize = 4096;

/// The number of connections to allow, after asking for as many open files as the process may have.
///
/// Container runtimes start processes with a soft limit of 1024 and a hard one far above.
pub(super) fn connections() -> usize {
    let open_files = match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((soft, hard)) => {
            let wanted = u64::try_from(RESERVED + MOST).unwrap_or(u64::MAX).min(hard);
            let raised = soft < wanted && setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).is_ok();
            if raised { wanted } else { soft }
        }
        Err(_) => 1024,
    };
    room(usize::try_from(open_files).unwrap_or(usize::MAX))
}

fn room(open_files: usize) -> usize {
    open_files.saturating_sub(RESERVED).clamp(16, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_of_the_process_keeps_its_files() {
        for (open_files, allowed) in [(0, 16), (256, 16), (1024, 768), (4352, 4096), (usize::MAX, 4096)] {
            assert_eq!(room(open_files), allowed, "{open_files}");
        }
        assert!((16..=4096).contains(&connections()));
    }
}
