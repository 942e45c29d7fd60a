//! The types of CEL as schemas declare them, and how they fit each other.
//! Must not know expressions or values.

use std::fmt;

use super::super::formats::{Format, TextFormat};
use super::super::schema::{Additional, Node, Type};

/// A type. An object's fields are those that its schema names.
#[derive(Debug, Clone)]
pub(crate) enum Ty<'node> {
    /// Known only when the rule runs.
    Dyn,
    Null,
    Bool,
    Int,
    UInt,
    Double,
    Text,
    Bytes,
    Duration,
    Timestamp,
    /// The type of a type.
    Kind,
    List(Box<Ty<'node>>),
    Map(Box<Ty<'node>>, Box<Ty<'node>>),
    Object(&'node Node),
    Optional(Box<Ty<'node>>),
    /// A type of Kubernetes' own libraries, such as a quantity.
    Library(&'static str),
}

impl<'node> Ty<'node> {
    /// The type of what a schema describes; none where nothing is said, which rules cannot reach into.
    pub(crate) fn of(node: &'node Node) -> Option<Self> {
        if node.int_or_string {
            return Some(Self::Dyn);
        }
        match node.kind? {
            Type::Array => Self::of(node.items.as_deref()?).map(|item| Self::List(Box::new(item))),
            Type::Object => match &node.additional {
                Additional::Schema(child) => {
                    Self::of(child).map(|value| Self::Map(Box::new(Self::Text), Box::new(value)))
                }
                _ => Some(Self::Object(node)),
            },
            Type::String => Some(match node.format {
                Some(Format::Text(TextFormat::Byte)) => Self::Bytes,
                Some(Format::Text(TextFormat::Duration)) => Self::Duration,
                Some(Format::Text(TextFormat::Date | TextFormat::DateTime)) => Self::Timestamp,
                _ => Self::Text,
            }),
            Type::Boolean => Some(Self::Bool),
            Type::Number => Some(Self::Double),
            Type::Integer => Some(Self::Int),
        }
    }

    pub(crate) fn is_dyn(&self) -> bool {
        matches!(self, Self::Dyn)
    }

    pub(crate) fn is_number(&self) -> bool {
        matches!(self, Self::Int | Self::UInt | Self::Double)
    }

    fn may_be_null(&self) -> bool {
        matches!(
            self,
            Self::Null | Self::Object(_) | Self::Duration | Self::Timestamp | Self::Optional(_) | Self::Library(_)
        )
    }

    /// The one type for two values of which either may come; none if they do not fit.
    pub(crate) fn join(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Dyn, _) | (_, Self::Dyn) => Some(Self::Dyn),
            (Self::Null, other) | (other, Self::Null) => Some(other.clone()).filter(Self::may_be_null),
            (Self::List(one), Self::List(two)) => join_parts(one, two).map(Self::List),
            (Self::Optional(one), Self::Optional(two)) => join_parts(one, two).map(Self::Optional),
            (Self::Map(one, left), Self::Map(two, right)) => {
                Some(Self::Map(join_parts(one, two)?, join_parts(left, right)?))
            }
            // To the server all objects are of one type, whatever their fields.
            (Self::Object(one), Self::Object(two)) => std::ptr::eq(*one, *two).then(|| self.clone()),
            (Self::Library(one), Self::Library(two)) => (one == two).then(|| self.clone()),
            _ => (std::mem::discriminant(self) == std::mem::discriminant(other)).then(|| self.clone()),
        }
    }

    pub(crate) fn fits(&self, other: &Self) -> bool {
        self.join(other).is_some()
    }
}

/// The items of an empty list are of no type yet, which is held as dyn and gives way.
fn join_parts<'node>(one: &Ty<'node>, two: &Ty<'node>) -> Option<Box<Ty<'node>>> {
    match (one, two) {
        (Ty::Dyn, part) | (part, Ty::Dyn) => Some(Box::new(part.clone())),
        _ => one.join(two).map(Box::new),
    }
}

impl fmt::Display for Ty<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dyn => f.write_str("dyn"),
            Self::Null => f.write_str("null"),
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::UInt => f.write_str("uint"),
            Self::Double => f.write_str("double"),
            Self::Text => f.write_str("string"),
            Self::Bytes => f.write_str("bytes"),
            Self::Duration => f.write_str("duration"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::Kind => f.write_str("type"),
            Self::List(item) => write!(f, "list({item})"),
            Self::Map(key, value) => write!(f, "map({key}, {value})"),
            Self::Object(_) => f.write_str("object"),
            Self::Optional(inner) => write!(f, "optional({inner})"),
            Self::Library(name) => f.write_str(name),
        }
    }
}

/// The names of types that can be compared with `type()`.
pub(super) const KINDS: [&str; 9] = ["bool", "int", "uint", "double", "string", "bytes", "list", "map", "null_type"];

const RESERVED: [&str; 21] = [
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// How a key is written as a field in a rule; none for a key that cannot be.
pub(crate) fn escape(key: &str) -> Option<String> {
    if RESERVED.contains(&key) {
        return Some(format!("__{key}__"));
    }
    let mut escaped = String::new();
    let mut rest = key;
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("__") {
            escaped.push_str("__underscores__");
            rest = after;
            continue;
        }
        match c {
            '.' => escaped.push_str("__dot__"),
            '-' => escaped.push_str("__dash__"),
            '/' => escaped.push_str("__slash__"),
            _ if c.is_ascii_alphanumeric() || c == '_' => escaped.push(c),
            _ => return None,
        }
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    let first = key.chars().next()?;
    Some(escaped).filter(|_| !first.is_ascii_digit())
}

/// The schema and the key of a field, as a rule writes it.
pub(crate) fn field<'node>(node: &'node Node, escaped: &str) -> Option<(&'node String, &'node Node)> {
    // Most names are written as they are; reserved words may be.
    if !escaped.contains("__")
        && let Some(entry) = node.properties.get_key_value(escaped)
    {
        return Some(entry);
    }
    node.properties.iter().find(|(key, _)| escape(key).as_deref() == Some(escaped))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(item: Ty<'static>) -> Ty<'static> {
        Ty::List(Box::new(item))
    }

    fn map(value: Ty<'static>) -> Ty<'static> {
        Ty::Map(Box::new(Ty::Text), Box::new(value))
    }

    fn optional(inner: Ty<'static>) -> Ty<'static> {
        Ty::Optional(Box::new(inner))
    }

    fn joined(one: &Ty<'_>, two: &Ty<'_>) -> Option<String> {
        let (ahead, back) = (one.join(two), two.join(one));
        let say = |ty: Option<Ty<'_>>| ty.map(|ty| ty.to_string());
        assert_eq!(one.fits(two), ahead.is_some());
        let ahead = say(ahead);
        assert_eq!(ahead, say(back), "{one} and {two} fit in either order alike");
        ahead
    }

    #[test]
    fn every_type_is_called_by_its_name_in_cel_and_fits_itself() {
        let node = Node::default();
        let types = [
            (Ty::Dyn, "dyn"),
            (Ty::Bool, "bool"),
            (Ty::Int, "int"),
            (Ty::UInt, "uint"),
            (Ty::Double, "double"),
            (Ty::Text, "string"),
            (Ty::Bytes, "bytes"),
            (Ty::Duration, "duration"),
            (Ty::Timestamp, "timestamp"),
            (Ty::Kind, "type"),
            (Ty::Null, "null"),
            (list(Ty::Int), "list(int)"),
            (map(list(Ty::Double)), "map(string, list(double))"),
            (Ty::Object(&node), "object"),
            (optional(Ty::Bool), "optional(bool)"),
            (Ty::Library("kubernetes.Quantity"), "kubernetes.Quantity"),
        ];
        for (at, (one, name)) in types.iter().enumerate() {
            assert_eq!(one.to_string(), *name);
            assert_eq!(joined(one, one).as_deref(), Some(*name));
            assert_eq!(joined(one, &Ty::Dyn).as_deref(), Some("dyn"), "what is known only later fits {name}");
            for (two, other) in types.iter().skip(at + 1).filter(|(two, _)| !two.is_dyn() && !one.is_dyn()) {
                let null = [*name, *other].contains(&"null");
                assert!(null || joined(one, two).is_none(), "{name} and {other} are not the same");
            }
        }
    }

    #[test]
    fn null_fits_what_may_be_absent_and_nothing_else() {
        let node = Node::default();
        for ty in [Ty::Object(&node), Ty::Duration, Ty::Timestamp, optional(Ty::Int), Ty::Library("net.IP")] {
            assert_eq!(joined(&Ty::Null, &ty), Some(ty.to_string()));
        }
        for ty in [Ty::Bool, Ty::Int, Ty::Text, Ty::Bytes, Ty::Kind, list(Ty::Int), map(Ty::Int)] {
            assert_eq!(joined(&Ty::Null, &ty), None, "{ty}");
        }
    }

    #[test]
    fn parts_that_are_not_known_yet_give_way() {
        assert_eq!(joined(&list(Ty::Dyn), &list(Ty::Int)).as_deref(), Some("list(int)"));
        assert_eq!(joined(&map(Ty::Dyn), &map(Ty::Text)).as_deref(), Some("map(string, string)"));
        assert_eq!(joined(&optional(Ty::Dyn), &optional(Ty::Bool)).as_deref(), Some("optional(bool)"));
        assert_eq!(joined(&list(Ty::Text), &list(Ty::Int)), None);
        assert_eq!(joined(&map(Ty::Text), &map(Ty::Int)), None);
        assert_eq!(joined(&Ty::Library("net.IP"), &Ty::Library("net.CIDR")), None);
        let (one, two) = (Node::default(), Node::default());
        assert_eq!(
            joined(&Ty::Object(&one), &Ty::Object(&two)),
            None,
            "two objects are of one type only if they are one"
        );
    }

    #[test]
    fn keys_are_escaped_as_the_server_does_it() {
        let cases = [
            ("plain", Some("plain")),
            ("a.b-c/d", Some("a__dot__b__dash__c__slash__d")),
            ("in", Some("__in__")),
            ("inner", Some("inner")),
            ("a__b", Some("a__underscores__b")),
            ("a___b", Some("a__underscores___b")),
            ("_a", Some("_a")),
            ("9a", None),
            ("a b", None),
            ("größe", None),
            ("", None),
        ];
        for (key, escaped) in cases {
            assert_eq!(escape(key).as_deref(), escaped, "{key}");
        }
    }
}
