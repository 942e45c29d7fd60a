//! Every format and pattern of `tests/cases/texts.json` against every text of it. The server reports each item of a
//! list that fails, so that one list asks about all of them.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{Case, Corner, Expected};

/// Formats and patterns over texts.
pub fn table() -> Result<Vec<Corner>> {
    let recorded: Value = serde_json::from_str(include_str!("../../../cases/texts.json"))?;
    let names = |key: &str| -> Result<Vec<String>> {
        Ok(recorded[key].as_object().context("a table by name")?.keys().cloned().collect())
    };
    let refused = recorded["refused"].as_array().context("a list of patterns")?;
    let patterns =
        names("patterns")?.into_iter().chain(refused.iter().map(|text| text.as_str().unwrap_or("").to_owned()));
    // Mail addresses are taken more strictly here; `rows` asks about those.
    let formats = names("formats")?.into_iter().filter(|format| format != "email");
    let asked = formats.map(|format| ("format", format)).chain(patterns.map(|pattern| ("pattern", pattern)));
    Ok(asked.map(|(keyword, content)| over_texts(keyword, &content, &recorded["texts"])).collect())
}

fn over_texts(keyword: &str, content: &str, texts: &Value) -> Corner {
    let mut items = json!({"type": "string"});
    items[keyword] = json!(content);
    let schema = json!({"type": "array", "items": items});
    Corner { case: Case::new(format!("{keyword} {content}"), schema, texts.clone()), expected: Expected::SamePaths }
}
