//! Where a selected pod listens: the policy's rules, overridden by the pod's annotations, each within its bounds.
//! Must not know how a push is made; what it returns is all that the pusher is told.

use std::time::Duration;

use super::address::AddressRules;
use super::select::{LabelSelector, selects};
use super::{Endpoint, Payload, PodFacts, Target, TargetKey, TargetProblem, annotation};
use crate::ids::ObjectName;

/// The shortest time that one push may be given.
pub const SHORTEST_TIMEOUT: Duration = Duration::from_millis(100);
/// The longest time that one push may be given.
pub const LONGEST_TIMEOUT: Duration = Duration::from_secs(60);
/// The longest path, in characters.
pub const LONGEST_PATH: usize = 1024;

/// A port by number or by the name that a container gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortRef {
    /// 1 to 65535.
    Number(u16),
    /// As Kubernetes allows it: 1 to 15 lower case letters, digits and `-`, with at least one letter.
    Name(String),
}

impl PortRef {
    /// Reads a number or a name.
    ///
    /// # Errors
    /// What is allowed.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return match text.parse() {
                Ok(number) if number > 0 => Ok(Self::Number(number)),
                _ => Err("a port number lies between 1 and 65535"),
            };
        }
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let shape = !text.starts_with('-') && !text.ends_with('-') && !text.contains("--");
        let letter = text.bytes().any(|byte| byte.is_ascii_lowercase());
        if text.len() <= 15 && text.bytes().all(allowed) && shape && letter {
            Ok(Self::Name(text.to_owned()))
        } else {
            Err("use a number between 1 and 65535, or a port's name of at most 15 lower case letters, digits and `-`")
        }
    }

    fn resolve(&self, pod: &PodFacts) -> Result<u16, TargetProblem> {
        match self {
            Self::Number(number) => Ok(*number),
            Self::Name(name) => {
                pod.named_ports.get(name).copied().ok_or_else(|| TargetProblem::NoSuchPort(name.clone()))
            }
        }
    }
}

/// A path that a push may go to: it can be read in one way only, and leads nowhere but where it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushPath(String);

impl PushPath {
    /// Checks a path: absolute, at most [`LONGEST_PATH`] characters of a URL's path, no empty, `.` or `..` segment,
    /// no query, and nothing percent-encoded that could hide one of these.
    ///
    /// # Errors
    /// What is wrong, and what is allowed.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.len() > LONGEST_PATH {
            return Err("a path has at most 1024 characters");
        }
        let Some(rest) = text.strip_prefix('/') else {
            return Err("a path begins with `/` and has no scheme and no host");
        };
        check_characters(rest)?;
        let last = rest.split('/').count();
        for (position, segment) in rest.split('/').enumerate() {
            // Some servers cut parameters off a segment before they resolve it.
            let name = segment.split(';').next().unwrap_or_default();
            if name == "." || name == ".." {
                return Err("a path has no `.` and no `..` segment");
            }
            if segment.is_empty() && position + 1 != last {
                return Err("a path has no `//`");
            }
        }
        Ok(Self(text.to_owned()))
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn check_characters(path: &str) -> Result<(), &'static str> {
    const ALLOWED: &str =
        "use letters, digits, `/` and -._~!$&'()*+,;=:@ in a path; a query or fragment is not allowed";
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let digits = bytes.next().and_then(hex_digit).zip(bytes.next().and_then(hex_digit));
                let Some((high, low)) = digits else {
                    return Err("`%` in a path is followed by two hexadecimal digits");
                };
                let decoded = high * 16 + low;
                if decoded.is_ascii_control() || matches!(decoded, b'.' | b'/' | b'\\' | b'%' | b'?' | b'#' | b';') {
                    return Err("a path hides no dot, separator or control character behind `%`");
                }
            }
            _ if byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@".contains(&byte) => {}
            _ => return Err(ALLOWED),
        }
    }
    Ok(())
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Reads the time that one push may take: a whole number and `ms`, `s` or `m`, from 100ms to 60s.
///
/// # Errors
/// What is allowed.
pub fn parse_timeout(text: &str) -> Result<Duration, &'static str> {
    const ALLOWED: &str = "use a whole number with ms, s or m, such as `500ms` or `2s`, between 100ms and 60s";
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).ok_or(ALLOWED)?;
    let number: u64 = number.parse().map_err(|_| ALLOWED)?;
    let millis = match unit {
        "ms" => Some(number),
        "s" => number.checked_mul(1000),
        "m" => number.checked_mul(60_000),
        _ => None,
    };
    check_timeout(Duration::from_millis(millis.ok_or(ALLOWED)?)).map_err(|_| ALLOWED)
}

/// Holds a time to the bounds of one push.
///
/// # Errors
/// What the bounds are.
pub fn check_timeout(timeout: Duration) -> Result<Duration, &'static str> {
    match (SHORTEST_TIMEOUT..=LONGEST_TIMEOUT).contains(&timeout) {
        true => Ok(timeout),
        false => Err("a push takes between 100ms and 60s"),
    }
}

/// What a policy says of its targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetRules {
    /// Which pods, among those that opted in.
    pub selector: LabelSelector,
    /// Where they listen; a pod's annotation `port` goes before it.
    pub port: PortRef,
    /// At which path; a pod's annotation `path` goes before it.
    pub path: PushPath,
    /// What is sent.
    pub payload: Payload,
    /// How long one push may take; a pod's annotation `timeout` goes before it.
    pub timeout: Duration,
    /// Whether pods that share their node's network are targets too.
    pub host_network: bool,
}

/// The target that this pod is for the policy, or none: not selected, not running, or without an address as yet.
///
/// A selected pod that cannot be pushed to is a target with a [`TargetProblem`]: it must be seen, not passed over.
#[must_use]
pub fn target_of(policy: &ObjectName, rules: &TargetRules, pod: &PodFacts, addresses: AddressRules) -> Option<Target> {
    if !selects(policy, &rules.selector, pod) || !pod.running {
        return None;
    }
    pod.address?;
    Some(Target {
        key: TargetKey { uid: pod.uid.clone(), started: pod.started },
        pod: pod.name.clone(),
        ready: pod.ready,
        endpoint: endpoint_of(rules, pod, addresses)?,
    })
}

fn endpoint_of(
    rules: &TargetRules,
    pod: &PodFacts,
    addresses: AddressRules,
) -> Option<Result<Endpoint, TargetProblem>> {
    let address = pod.address?;
    let checked = || {
        addresses.check(address).map_err(|problem| TargetProblem::Address(address, problem))?;
        if pod.host_network && !rules.host_network {
            return Err(TargetProblem::Address(
                address,
                "the pod shares its node's network, and its policy allows none",
            ));
        }
        let port = overridden(pod, annotation::PORT, PortRef::parse)?.unwrap_or_else(|| rules.port.clone());
        let path = overridden(pod, annotation::PATH, PushPath::parse)?.unwrap_or_else(|| rules.path.clone());
        let timeout = overridden(pod, annotation::TIMEOUT, parse_timeout)?.unwrap_or(rules.timeout);
        Ok(Endpoint { address, port: port.resolve(pod)?, path: path.0, payload: rules.payload, timeout })
    };
    Some(checked())
}

fn overridden<T>(
    pod: &PodFacts,
    annotation: &'static str,
    parse: impl Fn(&str) -> Result<T, &'static str>,
) -> Result<Option<T>, TargetProblem> {
    let Some(text) = pod.annotations.get(annotation) else { return Ok(None) };
    let problem = |problem: &str| TargetProblem::Annotation { annotation, problem: problem.to_owned() };
    parse(text).map(Some).map_err(problem)
}
