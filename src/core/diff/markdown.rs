//! Differences as Markdown, for a pull request or a report.
//! Must not show secrets, nor let a value end the table that it stands in.

use super::words::{short, tamed};
use super::{Comparison, Difference, MAX_SHOWN};
use crate::redact::Redaction;
use crate::value::{Path, Value};

impl Comparison<'_> {
    /// The differences as a table with one row each, below one line of counts.
    ///
    /// At most [`MAX_SHOWN`] rows, then a line that says how many more there are. Values are cut at 120 characters.
    #[must_use]
    pub fn markdown(&self, redaction: &Redaction) -> String {
        if self.is_empty() {
            return "No differences.\n".to_owned();
        }
        let counts = self.statistics();
        let mut text = format!(
            "{} added, {} removed, {} changed, {} of another type, {} moved; {} unchanged.\n\n",
            counts.added, counts.removed, counts.changed, counts.type_changed, counts.moved, counts.unchanged
        );
        text += "| | path | before | after |\n|---|---|---|---|\n";
        let sorted = self.sorted();
        for difference in sorted.iter().take(MAX_SHOWN) {
            text += &row(difference, redaction);
        }
        if let Some(more) = sorted.len().checked_sub(MAX_SHOWN).filter(|more| *more > 0) {
            text += &format!("\n… and {more} more.\n");
        }
        text
    }
}

fn row(difference: &Difference<'_>, redaction: &Redaction) -> String {
    let cell = |path: &Option<Path>, value: Option<&Value>| match (path, value) {
        (Some(path), Some(value)) => code(&short(&redaction.shown(path, value))),
        _ => String::new(),
    };
    let path = code(&tamed(&difference.path().to_string()));
    let (kind, old, new) = (difference.kind.as_str(), &difference.old_path, &difference.new_path);
    if difference.taken_from.is_some() {
        let place = |path: &Option<Path>| path.as_ref().map_or(String::new(), |path| code(&tamed(&path.to_string())));
        return format!("| {kind} | {path} | {} | {} |\n", place(old), place(new));
    }
    format!("| {kind} | {path} | {} | {} |\n", cell(old, difference.old), cell(new, difference.new))
}

/// A code span that holds the text whatever is in it: longer fences than it has, and no bare `|`.
fn code(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let text = text.replace('|', "\\|");
    match text.as_str() {
        "" => "(root)".to_owned(),
        text if longest > 0 => format!("{fence} {text} {fence}"),
        text => format!("{fence}{text}{fence}"),
    }
}
