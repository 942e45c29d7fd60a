//! Whether the result of an expression can hold a value of the configuration. Messages that can are not shown:
//! findings reach logs, events and statuses, and a value may be a secret.
//! Must not know types.
//!
//! What may be shown: literals, how many there are, whether something is there or holds, and what is made of these.

use super::syntax::{Expr, Kind, MacroKind};

/// Functions whose result says nothing but a size or a yes or no.
const SAFE: [&str; 12] = [
    "size",
    "contains",
    "startsWith",
    "endsWith",
    "matches",
    "isSorted",
    "sets.contains",
    "sets.intersects",
    "sets.equivalent",
    "hasValue",
    "isQuantity",
    "type",
];

/// Whether a value could be read from the result.
pub(super) fn holds_values(expr: &Expr) -> bool {
    match &expr.kind {
        Kind::Literal(_) => false,
        Kind::Select { test: true, .. } | Kind::Not(_) | Kind::And(..) | Kind::Or(..) => false,
        Kind::Ident(_) | Kind::Select { .. } | Kind::Index(..) => true,
        Kind::Call { name, .. } if SAFE.contains(&name.as_str()) => false,
        Kind::Binary(operator, ..) if operator.precedence() == 1 => false,
        Kind::Macro(parts) if !matches!(parts.kind, MacroKind::Map | MacroKind::Filter) => false,
        Kind::Conditional(_, yes, no) => holds_values(yes) || holds_values(no),
        Kind::Call { .. } | Kind::List(_) | Kind::Map(_) | Kind::Negate(_) | Kind::Binary(..) | Kind::Macro(_) => {
            let mut found = false;
            expr.each_child(|child| found = found || holds_values(child));
            found
        }
    }
}
