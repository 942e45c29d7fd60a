//! Differences as a JSON Patch (RFC 6902): what applied to the old value gives the new one.
//! Must not show a secret unless it was asked for a patch that can be applied.

use serde::Serialize;

use super::{Comparison, Difference, Kind};
use crate::redact::Redaction;
use crate::value::{Path, Segment, Value};

/// One operation. In JSON as RFC 6902 has it: `{"op":"replace","path":"/pool/size","value":9}`.
#[derive(Clone, PartialEq, Serialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum Operation {
    /// A value is put at a place; in a list, before what stands there.
    Add {
        /// A JSON Pointer (RFC 6901), as all paths here.
        path: String,
        /// What is put there.
        value: Value,
    },
    /// The value at a place goes away.
    Remove {
        /// Where.
        path: String,
    },
    /// The value at a place becomes another.
    Replace {
        /// Where.
        path: String,
        /// What is put there.
        value: Value,
    },
    /// The value at a place goes to another.
    Move {
        /// From where.
        from: String,
        /// To where, after it was taken away.
        path: String,
    },
}

/// Operation and place, never a value.
impl std::fmt::Debug for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Add { path, .. } => write!(f, "add {path}"),
            Self::Remove { path } => write!(f, "remove {path}"),
            Self::Replace { path, .. } => write!(f, "replace {path}"),
            Self::Move { from, path } => write!(f, "move {from} {path}"),
        }
    }
}

impl Comparison<'_> {
    /// The patch that turns the old value into the new one. It holds the values as they are, secrets among them.
    #[must_use]
    pub fn patch(&self) -> Vec<Operation> {
        self.differences.iter().map(|difference| operation(difference, &Redaction::none())).collect()
    }

    /// The same patch for showing: secrets are redacted, so applying it would write the word for that.
    #[must_use]
    pub fn shown_patch(&self, redaction: &Redaction) -> Vec<Operation> {
        self.differences.iter().map(|difference| operation(difference, redaction)).collect()
    }
}

fn operation(difference: &Difference<'_>, redaction: &Redaction) -> Operation {
    let path = pointer(&difference.at);
    let value = || difference.new.map_or(Value::Null, |value| redaction.shown(difference.path(), value));
    match difference.kind {
        Kind::Added => Operation::Add { path, value: value() },
        Kind::Removed => Operation::Remove { path },
        Kind::Changed | Kind::TypeChanged => Operation::Replace { path, value: value() },
        Kind::Moved => {
            Operation::Move { from: pointer(difference.taken_from.as_ref().unwrap_or(&difference.at)), path }
        }
    }
}

/// A path as a JSON Pointer.
fn pointer(path: &Path) -> String {
    let steps = path.segments().iter().map(|segment| match segment {
        Segment::Key(key) => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Index(index) => format!("/{index}"),
    });
    steps.collect()
}
