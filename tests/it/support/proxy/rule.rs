//! What happens to which requests: the first rule that fits and is not used up decides.
//! Must not speak HTTP.

use std::time::Duration;

use serde_json::{Value, json};

use super::request::Request;

/// What to do with a request.
#[derive(Debug, Clone)]
pub enum Act {
    /// Kill the operator; the API server never learns of the request.
    KillBefore,
    /// Let the API server carry it out, and kill the operator before it learns of that.
    KillAfter,
    /// Answer in the API server's place.
    Answer(u16, String),
    /// Answer that the API server is busy, and to come back after so many seconds.
    Busy(u64),
    /// Wait so long, then go on as usual.
    Delay(Duration),
    /// Close the connection without asking the API server.
    Cut,
    /// Let the API server carry it out, and close the connection instead of answering.
    LoseAnswer,
}

impl Act {
    /// A refusal, as the API server words it.
    pub fn refuse(code: u16, reason: &str, message: &str) -> Self {
        Self::Answer(code, failure(code, reason, message).to_string())
    }

    /// The end of a watch that has fallen behind, as the API server words it.
    pub fn gone() -> Self {
        let status = failure(410, "Expired", "too old resource version: 1 (2)");
        Self::Answer(200, format!("{}\n", json!({"type": "ERROR", "object": status})))
    }
}

fn failure(code: u16, reason: &str, message: &str) -> Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code,
    })
}

type Such = Box<dyn Fn(&Request) -> bool + Send + Sync>;

/// Which requests, and what to do with them.
pub struct Rule {
    such: Such,
    times: usize,
    act: Act,
}

impl Rule {
    /// For the first request that fits.
    pub fn once(act: Act, such: impl Fn(&Request) -> bool + Send + Sync + 'static) -> Self {
        Self { such: Box::new(such), times: 1, act }
    }

    /// For every request that fits.
    pub fn always(act: Act, such: impl Fn(&Request) -> bool + Send + Sync + 'static) -> Self {
        Self { times: usize::MAX, ..Self::once(act, such) }
    }

    /// Only for so many requests.
    #[must_use]
    pub fn times(self, times: usize) -> Self {
        Self { times, ..self }
    }

    /// What to do with this request; nothing when the rule does not fit or is used up.
    pub(super) fn applies(&mut self, request: &Request) -> Option<Act> {
        if self.times == 0 || !(self.such)(request) {
            return None;
        }
        self.times -= usize::from(self.times != usize::MAX);
        Some(self.act.clone())
    }

    pub(super) fn is_used_up(&self) -> bool {
        self.times == 0
    }
}
