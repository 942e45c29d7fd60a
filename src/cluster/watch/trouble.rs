//! What goes wrong with a watch, told once and not without end, and how long to wait before the next attempt.
//! Must not end anything: a watch is tried for as long as the process lives.

use std::time::{Duration, Instant};

use kube::core::Status;
use kube::runtime::watcher::Error;
use tracing::{info, warn};

use super::super::errors::{lacks_right, plain};

const SHORTEST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// The same problem is told again after so long.
const REMIND: Duration = Duration::from_secs(300);

/// The trouble of one watch.
pub(super) struct Trouble {
    resource: &'static str,
    said: Option<(String, Instant)>,
    wait: Duration,
    begun: Option<Instant>,
}

impl Trouble {
    pub(super) fn new(resource: &'static str) -> Self {
        Self { resource, said: None, wait: SHORTEST_WAIT, begun: None }
    }

    /// Tells of an error, unless it is the same as before.
    pub(super) fn report(&mut self, error: &Error) {
        // One that breaks off as soon as it begins must not be asked for all the time.
        if self.begun.take().is_some_and(|begun| begun.elapsed() > LONGEST_WAIT) {
            self.wait = SHORTEST_WAIT;
        }
        if let Some(problem) = problem(self.resource, error) {
            self.say(problem);
        }
    }

    /// A list gave no answer.
    pub(super) fn stuck(&mut self, deadline: Duration) {
        self.say(format!("the API server gave no answer to a list within {} s", deadline.as_secs()));
    }

    fn say(&mut self, problem: String) {
        let same = |(said, when): &(String, Instant)| *said == problem && when.elapsed() < REMIND;
        if !self.said.as_ref().is_some_and(same) {
            warn!(resource = self.resource, problem, "the watch has stopped; trying on");
            self.said = Some((problem, Instant::now()));
        }
    }

    /// The API server has agreed to the watch; events may be long in coming.
    pub(super) fn begun(&mut self) {
        self.begun = Some(Instant::now());
        self.tell_end();
    }

    /// The watch works: it told of a change.
    pub(super) fn over(&mut self) {
        self.wait = SHORTEST_WAIT;
        self.tell_end();
    }

    fn tell_end(&mut self) {
        if self.said.take().is_some() {
            info!(resource = self.resource, "the watch works again");
        }
    }

    /// How long to wait before the next attempt; each time longer.
    pub(super) fn wait(&mut self) -> Duration {
        let wait = self.wait;
        self.wait = wait.saturating_mul(2).min(LONGEST_WAIT);
        wait
    }
}

/// What to tell; none when it is in the nature of a watch.
fn problem(resource: &str, error: &Error) -> Option<String> {
    let (verb, status) = match error {
        Error::InitialListFailed(kube::Error::Api(status)) => ("list", status),
        Error::WatchStartFailed(kube::Error::Api(status)) | Error::WatchFailed(kube::Error::Api(status)) => {
            ("watch", status)
        }
        Error::WatchError(status) => ("watch", status),
        // The parser quotes what it does not like, and that may be a value.
        Error::InitialListFailed(kube::Error::SerdeError(_)) | Error::WatchFailed(kube::Error::SerdeError(_)) => {
            return Some("the API server's answer cannot be read".to_owned());
        }
        other => return Some(plain(&other.to_string())),
    };
    refusal(resource, verb, status)
}

fn refusal(resource: &str, verb: &str, status: &Status) -> Option<String> {
    match status.code {
        // What the watch had seen is too long ago: it lists again.
        410 => None,
        403 if lacks_right(status) => {
            let words = plain(&status.message);
            Some(format!("the operator may not {verb} {resource}: grant it in its ClusterRole ({words})"))
        }
        404 if resource.ends_with(rekindle_api::names::GROUP) => Some(format!(
            "the custom resource definition {resource} is not installed: run `rekindle crds | kubectl apply \
             --server-side -f -`"
        )),
        code => Some(format!("the API server answers {code}: {}", plain(&status.message))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(code: u16, message: &str) -> Option<String> {
        let status = Status::failure(message, "").with_code(code).boxed();
        problem("reloadpolicies.rekindle.dev", &Error::InitialListFailed(kube::Error::Api(status)))
    }

    #[test]
    fn a_missing_definition_says_how_to_install_it() {
        let told = told(404, "the server could not find the requested resource").unwrap();
        assert!(told.contains("reloadpolicies.rekindle.dev is not installed: run `rekindle crds"), "{told}");
    }

    #[test]
    fn a_missing_right_names_verb_and_resource() {
        let told = told(403, r#"reloadpolicies is forbidden: User "x" cannot list resource "reloadpolicies""#).unwrap();
        assert!(told.starts_with("the operator may not list reloadpolicies.rekindle.dev: grant it"), "{told}");
    }

    #[test]
    fn a_watch_that_fell_behind_is_no_trouble() {
        assert_eq!(told(410, "too old resource version"), None);
    }

    #[test]
    fn waits_grow_to_a_limit_and_begin_anew() {
        let mut trouble = Trouble::new("pods");
        let waits: Vec<_> = (0..7).map(|_| trouble.wait().as_millis()).collect();
        assert_eq!(waits, [200, 400, 800, 1600, 3200, 5000, 5000]);
        // That it begins is no sign that it lasts.
        trouble.begun();
        assert_eq!(trouble.wait(), LONGEST_WAIT);
        trouble.over();
        assert_eq!(trouble.wait(), SHORTEST_WAIT);
    }
}
