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
    corners.extend(formats::table()?);
    let everything: Value = serde_json::from_str(include_str!("../../cases/rules/everything.json"))?;
    let with = |rules: &[String]| {
        let mut schema = everything["schema"].clone();
        schema["x-kubernetes-validations"] = rules.iter().map(|rule| json!({ "rule": rule })).collect();
        Case::new(rules.join("; "), schema, everything["value"].clone())
    };
    // All of them hold, so several can be asked about at once.
    for rules in lines(include_str!("../../cases/rules/hold.txt")).chunks(6) {
        corners.push(Corner { case: with(rules), expected: Expected::Same });
    }
    // With its negation, for what has no result is neither true nor false.
    for rule in lines(include_str!("../../cases/rules/error.txt")) {
        let negation = format!("!({rule})");
        corners.push(Corner { case: with(&[rule]), expected: Expected::Same });
        corners.push(Corner { case: with(&[negation]), expected: Expected::Same });
    }
    for rule in lines(include_str!("../../cases/rules/refused.txt")) {
        corners.push(Corner { case: with(&[rule]), expected: Expected::Same });
    }
    for rule in lines(include_str!("../../cases/rules/stricter.txt")) {
        corners.push(Corner { case: with(&[rule]), expected: Expected::Stricter("see docs/validation.md") });
    }
    Ok(corners)
}

/// The rules of a file, one a line.
fn lines(text: &str) -> Vec<String> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}
