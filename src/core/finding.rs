//! What is wrong with a configuration, said so that its author can mend it.
//! Must not carry a value out of the configuration: findings reach logs, events and statuses.

use std::fmt;

use serde::Serialize;

use crate::document::DocumentName;
use crate::value::Path;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Severity {
    /// Reported; the configuration is still valid.
    Warning,
    /// The configuration is refused.
    Error,
}

/// A place in a document's text; both numbers begin with 1, columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

/// Which rule was broken: the catalogue of everything that can be wrong with a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Rule {
    /// The text does not follow its format's grammar.
    Syntax,
    /// The bytes of a text document are not UTF-8.
    NotUtf8,
    /// A key occurs twice in one map.
    DuplicateKey,
    /// The document is nested deeper than is allowed.
    TooDeep,
    /// A document or the whole configuration exceeds a limit.
    TooLarge,
    /// Aliases or other expansion would multiply the content beyond the limit.
    Expansion,
    /// A number does not fit and would lose digits.
    NumberRange,
    /// A construct of the format that is not supported, such as a custom YAML tag.
    Unsupported,
    /// A file or key whose name is not a document name.
    DocumentName,
    /// The source gives no documents, so nothing can be pushed.
    NoDocuments,
    /// A document that the schema requires is missing.
    RequiredDocument,
    /// The value has another type than the schema says.
    Type,
    /// A required key is missing.
    Required,
    /// A key that the schema does not know.
    UnknownField,
    /// Null where the schema does not allow it.
    Null,
    /// Smaller than the minimum.
    Minimum,
    /// Larger than the maximum.
    Maximum,
    /// Not a multiple of the step.
    MultipleOf,
    /// Shorter than the minimum length.
    MinLength,
    /// Longer than the maximum length.
    MaxLength,
    /// Fewer items than the minimum.
    MinItems,
    /// More items than the maximum.
    MaxItems,
    /// Fewer keys than the minimum.
    MinProperties,
    /// More keys than the maximum.
    MaxProperties,
    /// Items that must differ are equal.
    UniqueItems,
    /// The text does not match the pattern.
    Pattern,
    /// The text is not of the format, for example not a date.
    Format,
    /// None of the allowed values.
    Enum,
    /// `allOf` does not hold.
    AllOf,
    /// `anyOf` does not hold.
    AnyOf,
    /// `oneOf` does not hold.
    OneOf,
    /// `not` does not hold.
    Not,
    /// A CEL rule is false.
    Cel,
    /// A CEL rule could not be evaluated, or took too much; the configuration is refused.
    CelError,
    /// A key is present without another that it depends on.
    Dependency,
    /// A check of the application itself refuses it.
    Custom,
    /// A check of the application itself failed; the configuration is refused.
    CustomFailed,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// One thing that is wrong, where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// The document; none for the merged tree and for the configuration as a whole.
    pub document: Option<DocumentName>,
    /// Where in the text, when it is known.
    pub position: Option<Position>,
    /// Where in the document or tree.
    #[serde(serialize_with = "path_as_text")]
    pub path: Path,
    /// Which rule.
    pub rule: Rule,
    /// How much it weighs.
    pub severity: Severity,
    /// What is wrong, in lower case, without the value.
    pub message: String,
    /// What to do, when there is something to say.
    pub hint: Option<String>,
}

fn path_as_text<S: serde::Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(path)
}

impl Finding {
    /// An error about the whole configuration; narrow it down with the `in_…` and `at…` methods.
    #[must_use]
    pub fn error(rule: Rule, message: impl Into<String>) -> Self {
        Self {
            document: None,
            position: None,
            path: Path::root(),
            rule,
            severity: Severity::Error,
            message: message.into(),
            hint: None,
        }
    }

    /// The same as a warning.
    #[must_use]
    pub fn warning(rule: Rule, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(rule, message) }
    }

    /// In this document.
    #[must_use]
    pub fn in_document(mut self, document: &DocumentName) -> Self {
        self.document = Some(document.clone());
        self
    }

    /// At this path.
    #[must_use]
    pub fn at(mut self, path: Path) -> Self {
        self.path = path;
        self
    }

    /// At this place in the text.
    #[must_use]
    pub fn at_position(mut self, line: u32, column: u32) -> Self {
        self.position = Some(Position { line, column });
        self
    }

    /// With this advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// `app.yaml:3:7: pool.size: must be at most 100 (Maximum)`
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(document) = &self.document {
            write!(f, "{document}")?;
            if let Some(Position { line, column }) = self.position {
                write!(f, ":{line}:{column}")?;
            }
            f.write_str(": ")?;
        }
        if !self.path.is_root() {
            write!(f, "{}: ", self.path)?;
        }
        write!(f, "{} ({})", self.message, self.rule)
    }
}

/// Whether any finding refuses the configuration.
#[must_use]
pub fn any_error(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.severity == Severity::Error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_reads_like_a_compiler_message() {
        let document = DocumentName::parse("app.yaml").unwrap_or_else(|error| panic!("{error}"));
        let finding = Finding::error(Rule::Maximum, "must be at most 100")
            .in_document(&document)
            .at(Path::root().key("pool").key("size"))
            .at_position(3, 7);
        assert_eq!(finding.to_string(), "app.yaml:3:7: pool.size: must be at most 100 (Maximum)");
        assert_eq!(Finding::warning(Rule::NoDocuments, "nothing there").to_string(), "nothing there (NoDocuments)");
    }

    #[test]
    fn only_errors_refuse() {
        assert!(!any_error(&[Finding::warning(Rule::Type, "x")]));
        assert!(any_error(&[Finding::warning(Rule::Type, "x"), Finding::error(Rule::Type, "x")]));
    }
}
