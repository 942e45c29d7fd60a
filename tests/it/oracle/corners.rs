//! The hard corners, by hand: each row a case, and whether a difference is known.

use anyhow::Result;
use serde_json::{Value, json};

use super::Case;

mod formats;
mod rows;

/// What is expected of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Both say the same.
    Same,
    /// Both say the same, at exactly the same paths.
    SamePaths,
    /// We refuse what the server accepts, for this reason.
    Stricter(&'static str),
    /// We take a schema that the server does not, for this reason; so there is no document that it refuses.
    Beyond(&'static str),
}

pub struct Corner {
    pub case: Case,
    pub expected: Expected,
}

/// All rows.
pub fn table() -> Result<Vec<Corner>> {
    let mut corners = rows::table();
    corners.extend(formats::table());
    let everything: Value = serde_json::from_str(include_str!("../../cases/rules/everything.json"))?;
    for (group, rules, expected) in [
        ("holds", include_str!("../../cases/rules/hold.txt"), Expected::Same),
        ("has no result", include_str!("../../cases/rules/error.txt"), Expected::Same),
        ("is refused", include_str!("../../cases/rules/refused.txt"), Expected::Same),
        (
            "is refused here",
            include_str!("../../cases/rules/stricter.txt"),
            Expected::Stricter("see docs/validation.md"),
        ),
    ] {
        for rule in rules.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let negated = Some(format!("!({rule})")).filter(|_| expected == Expected::Same);
            for rule in [rule.to_owned()].into_iter().chain(negated) {
                let mut schema = everything["schema"].clone();
                schema["x-kubernetes-validations"] = json!([{ "rule": rule }]);
                let case = Case::new(format!("{group}: {rule}"), schema, everything["value"].clone());
                corners.push(Corner { case, expected });
            }
        }
    }
    Ok(corners)
}
