//! Answers: what a receiver says after a push, and what the operator concludes from it.
//! Must not trust a receiver: what it says is bounded and cleaned before anybody sees it.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::ids::VersionNumber;
use crate::target::{Answer, Running};

/// The longest answer that is read, in bytes; the operator stops reading there.
pub const MAX_ANSWER: usize = 64 << 10;

/// The longest reason that is kept, in characters.
pub const MAX_REASON: usize = 512;

/// The version was applied, or ran already.
pub const ACK: u16 = 200;
/// The push is older than what runs.
pub const STALE: u16 = 409;
/// The application refuses the version.
pub const NACK: u16 = 422;

/// The JSON that a receiver answers with, to a push as to `GET`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AnswerBody {
    /// What runs after the push; none when nothing does yet.
    pub running: Option<Running>,
    /// Why a push was refused, in words without any value of the configuration.
    pub reason: Option<String>,
}

impl AnswerBody {
    /// The bytes to answer with.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let running =
            self.running.map(|running| RunningWire { version: running.version, digest: running.digest.to_string() });
        let wire = AnswerWire { running, reason: self.reason.as_deref().map(clean) };
        // Numbers and strings only: there is nothing in it that could fail.
        serde_json::to_vec(&wire).unwrap_or_else(|_| b"{\"running\":null}".to_vec())
    }

    /// Reads an answer; none when it is not one.
    #[must_use]
    pub fn decode(body: &[u8]) -> Option<Self> {
        let wire: AnswerWire = serde_json::from_slice(body).ok()?;
        let running = match wire.running {
            None => None,
            Some(running) => Some(Running { version: running.version, digest: Digest::parse(&running.digest).ok()? }),
        };
        Some(Self { running, reason: wire.reason.as_deref().map(clean).filter(|reason| !reason.is_empty()) })
    }
}

#[derive(Serialize, Deserialize)]
struct AnswerWire {
    #[serde(default)]
    running: Option<RunningWire>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct RunningWire {
    version: VersionNumber,
    digest: String,
}

/// What the answer to a push of documents means.
///
/// Only a 200 that names the pushed digest is an ack. Statuses 3xx are failures: redirects are never followed.
#[must_use]
pub fn interpret(status: u16, body: &[u8], pushed: Digest) -> Answer {
    let answer = AnswerBody::decode(body);
    let (running, reason) = match answer {
        Some(AnswerBody { running, reason }) => (running, reason),
        None => (None, None),
    };
    match status {
        ACK => match running {
            Some(running) if running.digest == pushed => Answer::Ack,
            Some(running) => failed(format!("it answered 200, but says that it runs {}", running.digest)),
            None => failed("it answered 200 without saying what runs; is it a Rekindle receiver?"),
        },
        STALE => Answer::Stale { running },
        NACK => Answer::Nack { reason: reason.unwrap_or_else(|| "it gave no reason".to_owned()) },
        300..=399 => failed(format!("it answered with the redirect {status}, and redirects are not followed")),
        _ => match reason {
            Some(reason) => failed(format!("it answered with status {status}: {reason}")),
            None => failed(format!("it answered with status {status}")),
        },
    }
}

/// What the answer to a notice means: the software knows nothing of the contract, so only the status says anything.
#[must_use]
pub fn interpret_notice(status: u16) -> Answer {
    match status {
        200..=299 => Answer::Delivered,
        400..=599 => Answer::Nack { reason: format!("it answered the notice with status {status}") },
        300..=399 => failed(format!("it answered with the redirect {status}, and redirects are not followed")),
        _ => failed(format!("it answered with status {status}")),
    }
}

fn failed(reason: impl Into<String>) -> Answer {
    Answer::Failed { reason: reason.into() }
}

/// One line of bounded length: control characters become spaces, and what is too long ends in `…`.
#[must_use]
pub fn clean(text: &str) -> String {
    let mut line: String = text.trim().chars().take(MAX_REASON).map(|c| if is_unsafe(c) { ' ' } else { c }).collect();
    if text.trim().chars().nth(MAX_REASON).is_some() {
        line.pop();
        line.push('…');
    }
    line
}

/// Also the invisible characters that turn the direction of text round and so disguise it.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}
