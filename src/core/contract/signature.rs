//! The signature of a push: HMAC-SHA256 over `<t>.<body>` with the push key of the namespace.
//! Must not know where keys are kept; a key is never printed, logged or serialized.

use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// How far the signer's clock and the receiver's may be apart, in seconds.
pub const TOLERANCE_SECONDS: u64 = 300;

/// The shortest and the longest key that is accepted, in bytes. The operator makes keys of 32.
pub const KEY_BYTES: std::ops::RangeInclusive<usize> = 32..=1024;

/// A signature header longer than this is not read, in bytes.
const MAX_HEADER: usize = 1024;

/// The secret that the operator and the targets of a namespace share.
#[derive(Clone)]
pub struct PushKey(Hmac<Sha256>);

/// Why bytes are not a push key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a push key has 32 to 1024 bytes, and this one has {0}")]
pub struct InvalidKey(pub usize);

impl PushKey {
    /// Takes the bytes as they are; nothing is decoded or trimmed.
    ///
    /// # Errors
    /// [`InvalidKey`] when there are too few or too many.
    pub fn new(bytes: &[u8]) -> Result<Self, InvalidKey> {
        if !KEY_BYTES.contains(&bytes.len()) {
            return Err(InvalidKey(bytes.len()));
        }
        Hmac::new_from_slice(bytes).map(Self).map_err(|_| InvalidKey(bytes.len()))
    }

    fn mac(&self, time: &str, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(time.as_bytes());
        mac.update(b".");
        mac.update(body);
        mac
    }
}

impl fmt::Debug for PushKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PushKey(..)")
    }
}

/// The keys that are accepted: both while the key is being rotated.
#[derive(Debug, Clone)]
pub struct PushKeys {
    /// The key that the operator signs with.
    pub current: PushKey,
    /// The key before it, for as long as the Secret holds one.
    pub previous: Option<PushKey>,
}

/// Why a signature is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is none.
    #[error("the header Rekindle-Signature is missing")]
    Missing,
    /// Not of the form `t=<unix seconds>,v1=<hex>`.
    #[error("the header Rekindle-Signature is not of the form `t=<unix seconds>,v1=<hex>`")]
    Malformed,
    /// Too old, or from the future.
    #[error("the signature's time is {apart} s from this clock, and at most {TOLERANCE_SECONDS} s are allowed")]
    Expired {
        /// How far apart, in seconds.
        apart: u64,
    },
    /// Made with another key or for another body.
    #[error("the signature does not match: the body was changed, or signed with another push key")]
    Mismatch,
}

/// The value of the header for a body sent at this time.
#[must_use]
pub fn sign(key: &PushKey, unix_seconds: i64, body: &[u8]) -> String {
    let time = unix_seconds.to_string();
    let mac = key.mac(&time, body).finalize().into_bytes();
    format!("t={time},v1={}", base16ct::lower::encode_string(&mac))
}

/// The value of the header while the key is being rotated: signed with both keys, so that a target whose mount still
/// holds the key before accepts it as well as one that has the new key already.
#[must_use]
pub fn sign_with_all(keys: &PushKeys, unix_seconds: i64, body: &[u8]) -> String {
    let mut header = sign(&keys.current, unix_seconds, body);
    if let Some(previous) = &keys.previous {
        let mac = previous.mac(&unix_seconds.to_string(), body).finalize().into_bytes();
        header.push_str(",v1=");
        header.push_str(&base16ct::lower::encode_string(&mac));
    }
    header
}

/// Checks a header against the body as it was received, in constant time.
///
/// One matching `v1` is enough, so that a signer may sign with two keys while it rotates them; fields other than `t`
/// and `v1` are skipped.
///
/// # Errors
/// [`SignatureError`] says why the push must not be trusted.
pub fn verify(keys: &PushKeys, header: &str, body: &[u8], now: i64) -> Result<(), SignatureError> {
    let Header { time, seconds, signatures } = header.parse()?;
    let apart = now.abs_diff(seconds);
    if apart > TOLERANCE_SECONDS {
        return Err(SignatureError::Expired { apart });
    }
    let mut matches = false;
    for key in std::iter::once(&keys.current).chain(&keys.previous) {
        let mac = key.mac(&time, body);
        for signature in &signatures {
            matches |= mac.clone().verify_slice(signature).is_ok();
        }
    }
    if matches { Ok(()) } else { Err(SignatureError::Mismatch) }
}

struct Header {
    /// As it was written, for that is what was signed.
    time: String,
    seconds: i64,
    signatures: Vec<[u8; 32]>,
}

impl FromStr for Header {
    type Err = SignatureError;

    fn from_str(header: &str) -> Result<Self, SignatureError> {
        if header.trim().is_empty() {
            return Err(SignatureError::Missing);
        }
        if header.len() > MAX_HEADER {
            return Err(SignatureError::Malformed);
        }
        let mut time: Option<&str> = None;
        let mut signatures = Vec::new();
        for field in header.split(',') {
            match field.trim().split_once('=').ok_or(SignatureError::Malformed)? {
                ("t", _) if time.is_some() => return Err(SignatureError::Malformed),
                ("t", value) => time = Some(value),
                ("v1", value) => signatures.push(decode(value)?),
                _ => {}
            }
        }
        let time =
            time.filter(|time| time.bytes().all(|byte| byte.is_ascii_digit())).ok_or(SignatureError::Malformed)?;
        let seconds = time.parse().map_err(|_| SignatureError::Malformed)?;
        if signatures.is_empty() {
            return Err(SignatureError::Malformed);
        }
        Ok(Self { time: time.to_owned(), seconds, signatures })
    }
}

fn decode(hex: &str) -> Result<[u8; 32], SignatureError> {
    let mut bytes = [0; 32];
    match base16ct::lower::decode(hex, &mut bytes) {
        Ok(decoded) if decoded.len() == 32 => Ok(bytes),
        _ => Err(SignatureError::Malformed),
    }
}
