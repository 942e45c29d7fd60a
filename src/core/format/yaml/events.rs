//! The events of a YAML text, by granit-parser, the parser inside serde-saphyr: the only module that names it.
//! Must not know what scalars mean, nor quote them.

use std::borrow::Cow;

use granit_parser::{ErrorKind, Event as Parsed, Parser, ScalarStyle, Span, StrInput, Tag as ParsedTag};

use super::super::limits::MAX_DEPTH;
use super::super::problem::Problem;
use crate::finding::Rule;

/// The events of one text, in order.
pub(super) struct Events<'text> {
    text: &'text str,
    parser: Parser<'text, StrInput<'text>>,
}

pub(super) struct Event<'text> {
    /// Where it stands, in bytes.
    pub(super) at: usize,
    pub(super) kind: Kind<'text>,
}

pub(super) enum Kind<'text> {
    /// A document begins.
    Document,
    Scalar {
        text: Cow<'text, str>,
        plain: bool,
        properties: Properties,
    },
    List(Properties),
    Map(Properties),
    /// The innermost list or map ends.
    End,
    /// The node that has this anchor, once more.
    Alias(usize),
    /// The text ends.
    Stream,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Properties {
    /// 0: none.
    pub(super) anchor: usize,
    pub(super) tag: Tag,
    /// Where the node with its tag begins, in bytes.
    pub(super) tag_at: usize,
}

/// The tags that have a meaning here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    None,
    /// `!`: text, whatever it looks like; says nothing about lists and maps.
    Plain,
    /// `!!str`, and `!!binary`, whose text is kept as it is.
    Text,
    Int,
    Float,
    Bool,
    Null,
    List,
    Map,
    Merge,
    Unsupported,
}

impl<'text> Events<'text> {
    pub(super) fn new(text: &'text str) -> Self {
        // The scanner reads ahead of the events, and would tell of a deeper place than the limit's.
        let mut options = granit_parser::options! {
            flow_nesting_limit: MAX_DEPTH,
            block_nesting_limit: MAX_DEPTH,
        };
        options.set_emit_comments(false);
        Self { text, parser: Parser::new_from_str_with_options(text, options) }
    }

    /// The next event; [`Kind::Stream`] for ever once the text has ended.
    pub(super) fn next(&mut self) -> Result<Event<'text>, Problem> {
        loop {
            let (event, span) = match self.parser.next_event() {
                Some(Ok(next)) => next,
                Some(Err(error)) => return Err(self.refusal(error.kind(), error.marker().byte_offset())),
                None => return Ok(Event { at: self.text.len(), kind: Kind::Stream }),
            };
            let kind = match event {
                Parsed::DocumentStart(..) => Kind::Document,
                Parsed::Scalar(text, style, anchor, tag) => Kind::Scalar {
                    text,
                    plain: style == ScalarStyle::Plain,
                    properties: properties(anchor, tag.as_deref(), &span),
                },
                Parsed::SequenceStart(_, anchor, tag) => Kind::List(properties(anchor, tag.as_deref(), &span)),
                Parsed::MappingStart(_, anchor, tag) => Kind::Map(properties(anchor, tag.as_deref(), &span)),
                Parsed::SequenceEnd | Parsed::MappingEnd => Kind::End,
                Parsed::Alias(anchor) => Kind::Alias(anchor),
                // The rest says nothing about content.
                _ => continue,
            };
            return Ok(Event { at: offset(&span), kind });
        }
    }

    fn refusal(&self, kind: &ErrorKind, at: Option<usize>) -> Problem {
        let (rule, message, hint) = explain(kind);
        let problem = match rule {
            Rule::TooDeep => Problem::too_deep(),
            _ => Problem::new(rule, message),
        };
        let problem = problem.at_offset(self.text, at.unwrap_or(self.text.len()));
        if hint.is_empty() { problem } else { problem.hint(hint) }
    }
}

fn offset(span: &Span) -> usize {
    span.start.byte_offset().unwrap_or(0)
}

fn properties(anchor: usize, tag: Option<&ParsedTag>, span: &Span) -> Properties {
    let tag_at = span.tag_start.and_then(|mark| mark.byte_offset()).unwrap_or(offset(span));
    Properties { anchor, tag: tag.map_or(Tag::None, meaning), tag_at }
}

fn meaning(tag: &ParsedTag) -> Tag {
    if tag.suffix_in_namespace("!").is_some_and(|name| name.is_empty()) {
        return Tag::Plain;
    }
    // `!int` is read as `!!int`, as many who write it mean it.
    let own = tag.suffix_in_namespace("tag:yaml.org,2002:").or_else(|| tag.suffix_in_namespace("!"));
    match own.as_deref().unwrap_or_default() {
        "str" | "binary" => Tag::Text,
        "int" => Tag::Int,
        "float" => Tag::Float,
        "bool" => Tag::Bool,
        "null" => Tag::Null,
        "seq" => Tag::List,
        "map" => Tag::Map,
        "merge" => Tag::Merge,
        _ => Tag::Unsupported,
    }
}

/// Rule, message and hint in our words, because the parser's may quote the text.
fn explain(kind: &ErrorKind) -> (Rule, &'static str, &'static str) {
    use ErrorKind as K;
    let syntax = |message, hint| (Rule::Syntax, message, hint);
    match kind {
        K::RecursionLimitExceeded => (Rule::TooDeep, "", ""),
        K::UnknownAnchor => syntax("the alias names an anchor that is not defined before it", ""),
        K::UndeclaredTagHandle => (Rule::Unsupported, "the tag's handle is not declared", "remove the tag"),
        K::TabNotAllowed
        | K::TabInBlockIndentation
        | K::TabInIndentation
        | K::TabAtBlockScalarStart
        | K::TabInPlainScalar => syntax("a tab stands where YAML wants spaces", "indent with spaces"),
        K::InvalidIndentation
        | K::ExpectedBlockMappingKey
        | K::ExpectedBlockSequenceEntry
        | K::InvalidBlockScalarIndent
        | K::InvalidFlowScalarIndent
        | K::InvalidQuotedScalarIndent => {
            syntax("the indentation does not fit the lines before", "give all keys of one map the same indentation")
        }
        K::UnclosedQuotedScalar | K::DocumentIndicatorInQuotedScalar => {
            syntax("the quoted text is not closed", "close it with the quote that opened it")
        }
        K::UnclosedFlowCollection { .. }
        | K::UnexpectedEofFlowSequence
        | K::UnexpectedEofFlowMapping
        | K::UnexpectedEofImplicitFlowMapping => syntax("the list or map is not closed", "close it with `]` or `}`"),
        K::ExpectedFlowMappingSeparator | K::ExpectedFlowSequenceSeparator => {
            syntax("a `,` or the closing bracket is missing", "")
        }
        K::MismatchedFlowCollectionEnd { .. } | K::MisplacedFlowCollectionEnd => {
            syntax("the closing bracket does not fit the one that is open", "")
        }
        K::MappingValueNotAllowed
        | K::MappingKeyNotAllowed
        | K::InvalidColonPlacement
        | K::InvalidMappingValueWhitespace
        | K::SimpleKeyExpected
        | K::InvalidSimpleKey => {
            syntax("no key may stand here, or a key lacks its `:`", "put text that contains `: ` in quotes")
        }
        K::UnknownQuotedScalarEscape
        | K::InvalidQuotedScalarHexEscape
        | K::InvalidLowSurrogateHexEscape
        | K::InvalidLowSurrogate
        | K::MissingLowSurrogate
        | K::UnpairedLowSurrogate
        | K::InvalidUnicodeEscape => {
            syntax("the quoted text contains an escape that YAML does not have", "use single quotes or `\\\\`")
        }
        K::UnexpectedCharacter { .. } | K::PlainScalarStartsWithDashFlowIndicator => {
            syntax("a character stands here that cannot begin a value", "put the text in quotes")
        }
        K::BomInsideDocument => syntax("a byte order mark stands inside the document", "remove it"),
        _ => syntax("this is not valid YAML", ""),
    }
}
