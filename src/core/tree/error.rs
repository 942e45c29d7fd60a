//! What can be wrong when a program reads a value, said with the path and the type that was asked for.
//! Must not carry a value: errors reach logs, and a value may be a secret.

use std::fmt;

use serde::de::{Expected, Unexpected};

use crate::value::{InvalidPath, Path, Segment};

/// Why a value cannot be read as the type that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The path itself cannot be read.
    #[error(transparent)]
    Path(#[from] InvalidPath),
    /// Nothing is there.
    #[error("`{path}` is missing; expected {expected}")]
    Missing {
        /// Where it should be.
        path: Path,
        /// What was asked for.
        expected: String,
    },
    /// A key is not there that the type needs.
    #[error("`{path}` is missing; {by} needs it")]
    MissingKey {
        /// Where it should be.
        path: Path,
        /// The type that was asked for.
        by: String,
    },
    /// What is there does not fit.
    #[error("`{path}` {problem}")]
    Unfit {
        /// Where, which may be below the path that was asked for.
        path: Path,
        /// In which way.
        problem: ReadProblem,
    },
}

/// In which way a value does not fit the type that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadProblem {
    /// It has another type.
    #[error("must be {expected}, but is of the type {found}")]
    Type {
        /// What was asked for, in the words of the type that reads it.
        expected: String,
        /// What is there.
        found: &'static str,
    },
    /// It has the right type, but not a value that is allowed: a number out of range, an unknown variant.
    #[error("must be {expected}, and its value is something else")]
    Value {
        /// What was asked for.
        expected: String,
    },
    /// It has a key that the type does not know.
    #[error("has the key {key:?}, which is not known; expected {expected}")]
    UnknownKey {
        /// Which one.
        key: String,
        /// What is known.
        expected: String,
    },
    /// A key comes twice once aliases are told apart.
    #[error("has the key {key:?} twice, under two of its names")]
    KeyTwice {
        /// Which one.
        key: &'static str,
    },
    /// The type's own code refused it. Its words may quote the value, so they are not repeated.
    #[error("was refused by {by}")]
    Refused {
        /// The type that was asked for.
        by: String,
    },
}

/// A problem on its way up to where the path is known; the segments come last first.
#[derive(Debug)]
pub(super) struct Mismatch {
    above: Vec<Segment>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Missing,
    Problem(ReadProblem),
    Refused,
}

impl Mismatch {
    pub(super) fn under(mut self, segment: impl FnOnce() -> Segment) -> Self {
        self.above.push(segment());
        self
    }

    /// The error for a read of `wanted` at `base`.
    pub(super) fn into_error(self, base: &Path, wanted: &str) -> ReadError {
        let path = base.segments().iter().cloned().chain(self.above.into_iter().rev()).collect();
        match self.kind {
            Kind::Missing => ReadError::MissingKey { path, by: wanted.to_owned() },
            Kind::Problem(problem) => ReadError::Unfit { path, problem },
            Kind::Refused => ReadError::Unfit { path, problem: ReadProblem::Refused { by: wanted.to_owned() } },
        }
    }
}

impl From<ReadProblem> for Mismatch {
    fn from(problem: ReadProblem) -> Self {
        Self { above: Vec::new(), kind: Kind::Problem(problem) }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Missing => f.write_str("is missing"),
            Kind::Problem(problem) => problem.fmt(f),
            Kind::Refused => f.write_str("was refused"),
        }
    }
}

impl std::error::Error for Mismatch {}

impl serde::de::Error for Mismatch {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self { above: Vec::new(), kind: Kind::Refused }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        ReadProblem::Type { expected: expected.to_string(), found: kind_of(&found) }.into()
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        ReadProblem::Value { expected: expected.to_string() }.into()
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        ReadProblem::Value { expected: expected.to_string() }.into()
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        ReadProblem::Value { expected: one_of(expected) }.into()
    }

    fn unknown_field(key: &str, expected: &'static [&'static str]) -> Self {
        ReadProblem::UnknownKey { key: key.to_owned(), expected: one_of(expected) }.into()
    }

    fn missing_field(key: &'static str) -> Self {
        Self { above: vec![Segment::Key(key.to_owned())], kind: Kind::Missing }
    }

    fn duplicate_field(key: &'static str) -> Self {
        ReadProblem::KeyTwice { key }.into()
    }
}

fn one_of(expected: &[&str]) -> String {
    match expected {
        [] => "none".to_owned(),
        [only] => format!("`{only}`"),
        several => format!("one of `{}`", several.join("`, `")),
    }
}

/// The word for a type, as schemas use it.
fn kind_of(found: &Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "integer",
        Unexpected::Float(_) => "number",
        Unexpected::Char(_) | Unexpected::Str(_) | Unexpected::Bytes(_) => "string",
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Seq => "array",
        Unexpected::Map => "object",
        _ => "another type",
    }
}
