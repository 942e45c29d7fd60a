//! What is wrong inside one document, before it is known which document that is.
//! Must not carry text of the document other than keys in its path.

use crate::document::DocumentName;
use crate::finding::{Finding, Position, Rule};
use crate::value::Path;

/// A finding without its document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    rule: Rule,
    message: String,
    hint: Option<String>,
    position: Option<Position>,
    path: Path,
}

impl Problem {
    pub(super) fn new(rule: Rule, message: impl Into<String>) -> Self {
        Self { rule, message: message.into(), hint: None, position: None, path: Path::root() }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(super) fn at(mut self, position: Position) -> Self {
        self.position = Some(position);
        self
    }

    pub(super) fn at_offset(self, text: &str, offset: usize) -> Self {
        self.at(position_of(text, offset))
    }

    pub(super) fn into_finding(self, document: &DocumentName) -> Finding {
        let mut finding = Finding::error(self.rule, self.message).in_document(document).at(self.path);
        finding.position = self.position;
        finding.hint = self.hint;
        finding
    }
}

/// The line and column of a byte; the end of the text for an offset beyond it.
pub(super) fn position_of(text: &str, offset: usize) -> Position {
    let before = text.get(..text.floor_char_boundary(offset)).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
    Position { line: count(line), column: count(column) }
}

/// A line or column as findings carry it.
pub(super) fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
