//! What is wrong inside one document, before it is known which document that is.
//! Must not carry text of the document other than the keys in its path.

use crate::document::DocumentName;
use crate::finding::{Finding, Position, Rule};
use crate::value::{Path, Segment};

/// How many problems of one document are told; whoever mends these sees the next ones.
const MAX_PROBLEMS: usize = 20;

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

    pub(super) fn at_offset(mut self, text: &str, offset: usize) -> Self {
        self.position = Some(position_of(text, offset));
        self
    }

    pub(super) fn at_position(mut self, position: Position) -> Self {
        self.position = Some(position);
        self
    }

    pub(super) fn in_path(mut self, path: Path) -> Self {
        self.path = path;
        self
    }

    pub(super) fn into_finding(self, document: &DocumentName) -> Finding {
        let mut finding = Finding::error(self.rule, self.message).in_document(document).at(self.path);
        finding.position = self.position;
        finding.hint = self.hint;
        finding
    }
}

/// The problems that every format has, in one wording.
impl Problem {
    pub(super) fn duplicate_key() -> Self {
        Self::new(Rule::DuplicateKey, "the key occurs twice in this map").hint("remove one of the two")
    }

    pub(super) fn too_deep() -> Self {
        let message = format!("maps and lists are nested deeper than {} levels", super::limits::MAX_DEPTH);
        Self::new(Rule::TooDeep, message)
    }

    pub(super) fn too_wide() -> Self {
        Self::new(Rule::NumberRange, "the integer does not fit into 64 bits and would lose digits")
            .hint("put it in quotes if it is meant as text")
    }

    pub(super) fn not_finite() -> Self {
        Self::new(Rule::NumberRange, "the number is infinite or not a number, which cannot be carried on")
            .hint("put it in quotes if it is meant as text")
    }
}

/// The problems of one document, as many as are told.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<Problem>);

impl Problems {
    pub(super) fn push(&mut self, problem: Problem) {
        if self.0.len() < MAX_PROBLEMS {
            self.0.push(problem);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Puts what was found since there were `known` problems one step further from the root.
    ///
    /// So paths cost nothing while nothing is wrong.
    pub(super) fn below(&mut self, known: usize, segment: impl Fn() -> Segment) {
        for problem in self.0.iter_mut().skip(known) {
            problem.path = std::iter::once(segment()).chain(problem.path.segments().iter().cloned()).collect();
        }
    }

    pub(super) fn into_list(self) -> Vec<Problem> {
        self.0
    }

    /// The value, if nothing was wrong with it.
    pub(super) fn or<T>(self, value: T) -> Result<T, Vec<Problem>> {
        if self.0.is_empty() { Ok(value) } else { Err(self.0) }
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

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
