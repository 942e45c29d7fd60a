//! What a process is called among candidates, and where its epochs begin.
//! Must not be used for anything that two runs have to agree on.

use std::process;

use rekindle_core::time::Timestamp;

const MINUTE: i64 = 60 * 1000;

/// A name that no other process bears, not even an earlier one of the same pod: the host's, which in a pod is the pod's,
/// and which process of it since when.
#[must_use]
pub fn identity(started: Timestamp) -> String {
    let host = nix::unistd::gethostname().ok().and_then(|host| host.into_string().ok());
    format!("{}_{}_{:x}", host.unwrap_or_else(|| "unknown".to_owned()), process::id(), started.0)
}

/// The least epoch of a process that starts now: minutes since 1970.
///
/// Receivers refuse an epoch that is lower than one they saw. So it must not begin anew when somebody deletes the Lease
/// or turns the election off; and no Lease changes hands once a minute for long.
#[must_use]
pub fn floor(started: Timestamp) -> u32 {
    u32::try_from(started.0.div_euclid(MINUTE)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_have_names_of_their_own_and_later_ones_higher_epochs() {
        let (now, later) = (Timestamp(1_764_140_000_000), Timestamp(1_764_140_060_000));
        assert_ne!(identity(now), identity(later));
        assert!(floor(now) < floor(later));
        assert!(i32::try_from(floor(later)).is_ok(), "the Lease counts in 32 bits");
        assert_eq!(floor(Timestamp(-1)), 0);
    }
}
