//! The limits that hold for every format, checked before and while a document is read.
//! Must not know any format's grammar.

use super::problem::Problem;
use crate::finding::Rule;

/// The largest document, in bytes: what a ConfigMap can hold.
pub(super) const MAX_BYTES: usize = 1024 * 1024;

/// How deep maps and lists may be nested; `{"a": [1]}` is 2 deep.
pub(super) const MAX_DEPTH: usize = 64;

/// What one node costs when expansion is counted, in bytes, besides its text.
pub(super) const NODE_COST: usize = 16;

/// How much a text of this many bytes may grow to when aliases are expanded.
///
/// A text without aliases never gets there: at its densest (`{a,a}`) it has one node per byte.
pub(super) const fn allowance(bytes: usize) -> usize {
    1024 * 1024 + bytes.saturating_mul(NODE_COST + 1)
}

pub(super) fn check_size(content: &[u8]) -> Result<(), Vec<Problem>> {
    if content.len() <= MAX_BYTES {
        return Ok(());
    }
    let problem = Problem::new(Rule::TooLarge, format!("the document has more than {MAX_BYTES} bytes"));
    Err(vec![problem.hint("split it into several documents")])
}

/// The content as text, without a byte order mark.
pub(super) fn as_text(content: &[u8]) -> Result<&str, Vec<Problem>> {
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    std::str::from_utf8(content).map_err(|error| {
        let valid = content.get(..error.valid_up_to()).unwrap_or_default();
        let valid = std::str::from_utf8(valid).unwrap_or_default();
        let problem = Problem::new(Rule::NotUtf8, "the text is not UTF-8").at_offset(valid, valid.len());
        vec![problem.hint("save the file in the encoding UTF-8")]
    })
}
