//! Differences as unified text: both sides written as YAML, with `-` and `+` before the lines that only one side has.
//! Must not show secrets. Lines are aligned by what the values are, not by what they look like.

use std::collections::BTreeSet;

use super::lists::Alignment;
use super::words::{key, word};
use super::{Comparison, Guide};
use crate::redact::Redaction;
use crate::value::{Path, Value};

/// How many equal lines are shown around a difference.
const CONTEXT: usize = 3;

impl Comparison<'_> {
    /// The differences as a unified diff of both sides written as YAML, keys sorted; the empty text when nothing
    /// differs.
    ///
    /// `old_name` and `new_name` go into its first two lines. Applied to the old side's text it gives the new side's,
    /// as long as no secret is in it. An item that moved is taken out at one place and put in at another.
    ///
    /// ```
    /// use rekindle_core::diff::{Comparison, Guide};
    /// use rekindle_core::redact::Redaction;
    /// use serde_json::json;
    ///
    /// let (old, new, guide) = (json!({"pool": {"size": 5, "idle": 1}}), json!({"pool": {"size": 9, "idle": 1}}), Guide::default());
    /// let text = Comparison::of(&old, &new, &guide).unified("version 1", "version 2", &Redaction::usual());
    /// assert_eq!(text, "\
    /// --- version 1
    /// +++ version 2
    /// @@ -1,3 +1,3 @@
    ///  pool:
    ///    idle: 1
    /// -  size: 5
    /// +  size: 9
    /// ");
    /// ```
    #[must_use]
    pub fn unified(&self, old_name: &str, new_name: &str, redaction: &Redaction) -> String {
        if self.is_empty() {
            return String::new();
        }
        let mut writer = Writer { redaction, lines: Vec::new() };
        let root = Path::root();
        writer.both(self.old, self.new, &Here { old: &root, new: &root, guide: Some(self.guide), label: "", depth: 0 });
        let names = [old_name, new_name].map(super::words::tamed);
        let [old_name, new_name] = &names;
        format!("--- {old_name}\n+++ {new_name}\n{}", hunks(&writer.lines))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Old,
    New,
    Both,
}

struct Line {
    side: Side,
    text: String,
}

/// Where the writer stands: the places on both sides, and what is written before the value.
struct Here<'all> {
    old: &'all Path,
    new: &'all Path,
    guide: Option<&'all Guide>,
    label: &'all str,
    depth: usize,
}

struct Writer<'redaction> {
    redaction: &'redaction Redaction,
    lines: Vec<Line>,
}

impl Writer<'_> {
    fn line(&mut self, side: Side, depth: usize, text: &str) {
        self.lines.push(Line { side, text: format!("{}{text}", "  ".repeat(depth)) });
    }

    fn both(&mut self, old: &Value, new: &Value, here: &Here<'_>) {
        if self.redaction.hides(here.old) || self.redaction.hides(here.new) {
            return if old == new {
                self.one(Side::Both, old, here.new, here.label, here.depth);
            } else {
                self.one(Side::Old, old, here.old, here.label, here.depth);
                self.one(Side::New, new, here.new, here.label, here.depth);
            };
        }
        match (old, new) {
            (Value::Object(before), Value::Object(after)) if !before.is_empty() && !after.is_empty() => {
                let depth = self.open(Side::Both, here.label, here.depth);
                let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
                for name in keys {
                    let (at_old, at_new) = (here.old.key(name), here.new.key(name));
                    let guide = here.guide.and_then(|guide| guide.at_key(name));
                    let label = format!("{}:", key(name));
                    let below = Here { old: &at_old, new: &at_new, guide, label: &label, depth };
                    self.either(before.get(name), after.get(name), &below);
                }
            }
            (Value::Array(before), Value::Array(after)) if !before.is_empty() && !after.is_empty() => {
                let depth = self.open(Side::Both, here.label, here.depth);
                self.lists(before, after, &Here { depth, ..*here });
            }
            (old, new) if old == new => self.one(Side::Both, new, here.new, here.label, here.depth),
            (old, new) => {
                self.one(Side::Old, old, here.old, here.label, here.depth);
                self.one(Side::New, new, here.new, here.label, here.depth);
            }
        }
    }

    fn either(&mut self, old: Option<&Value>, new: Option<&Value>, here: &Here<'_>) {
        match (old, new) {
            (Some(old), Some(new)) => self.both(old, new, here),
            (Some(old), None) => self.one(Side::Old, old, here.old, here.label, here.depth),
            (None, Some(new)) => self.one(Side::New, new, here.new, here.label, here.depth),
            (None, None) => {}
        }
    }

    /// Walks both lists at once: items that stayed go together, the others are written where each side has them.
    fn lists(&mut self, old: &[Value], new: &[Value], here: &Here<'_>) {
        let identity = here.guide.map_or(&[][..], Guide::identity);
        let aligned = Alignment::by(identity, old, new);
        let together = |index: usize| match &aligned {
            Some(aligned) => aligned.origins.get(index).copied().flatten().filter(|it| aligned.stayed.contains(it)),
            None => Some(index).filter(|index| *index < old.len()),
        };
        let mut next_old = 0;
        for (index, value) in new.iter().enumerate() {
            match together(index) {
                Some(origin) => {
                    self.only_old(old, next_old..origin, here);
                    next_old = origin + 1;
                    self.item(old.get(origin), Some(value), (origin, index), here);
                }
                None => self.item(None, Some(value), (index, index), here),
            }
        }
        self.only_old(old, next_old..old.len(), here);
    }

    fn only_old(&mut self, old: &[Value], range: std::ops::Range<usize>, here: &Here<'_>) {
        for index in range {
            self.item(old.get(index), None, (index, index), here);
        }
    }

    fn item(&mut self, old: Option<&Value>, new: Option<&Value>, (from, to): (usize, usize), here: &Here<'_>) {
        let (at_old, at_new) = (here.old.index(from), here.new.index(to));
        let guide = here.guide.and_then(Guide::at_items);
        self.either(old, new, &Here { old: &at_old, new: &at_new, guide, label: "-", depth: here.depth });
    }

    /// Writes a value that stands on one side, or is the same on both.
    fn one(&mut self, side: Side, value: &Value, path: &Path, label: &str, depth: usize) {
        if self.redaction.hides(path) {
            return self.scalar(side, label, depth, crate::redact::REDACTED);
        }
        match value {
            Value::Object(map) if !map.is_empty() => {
                let depth = self.open(side, label, depth);
                let sorted: BTreeSet<&String> = map.keys().collect();
                for (name, value) in sorted.into_iter().filter_map(|name| Some((name, map.get(name)?))) {
                    self.one(side, value, &path.key(name), &format!("{}:", key(name)), depth);
                }
            }
            Value::Array(list) if !list.is_empty() => {
                let depth = self.open(side, label, depth);
                for (index, value) in list.iter().enumerate() {
                    self.one(side, value, &path.index(index), "-", depth);
                }
            }
            scalar => self.scalar(side, label, depth, &word(scalar)),
        }
    }

    fn scalar(&mut self, side: Side, label: &str, depth: usize, word: &str) {
        let text = if label.is_empty() { word.to_owned() } else { format!("{label} {word}") };
        self.line(side, depth, &text);
    }

    /// Writes the line above a map or list and says how deep what is in it stands.
    fn open(&mut self, side: Side, label: &str, depth: usize) -> usize {
        if label.is_empty() {
            return depth;
        }
        self.line(side, depth, label);
        depth + 1
    }
}

/// The lines that differ and [`CONTEXT`] lines around them, each group below a line of positions.
fn hunks(lines: &[Line]) -> String {
    let differing: Vec<usize> =
        lines.iter().enumerate().filter(|(_, line)| line.side != Side::Both).map(|(at, _)| at).collect();
    let mut groups: Vec<(usize, usize)> = Vec::new();
    for at in differing {
        let (from, to) = (at.saturating_sub(CONTEXT), (at + CONTEXT + 1).min(lines.len()));
        match groups.last_mut() {
            Some((_, end)) if *end >= from => *end = to,
            _ => groups.push((from, to)),
        }
    }
    let mut text = String::new();
    let (mut old_line, mut new_line, mut seen) = (0, 0, 0);
    for (from, to) in groups {
        let skipped = lines.get(seen..from).unwrap_or_default();
        old_line += skipped.iter().filter(|line| line.side != Side::New).count();
        new_line += skipped.iter().filter(|line| line.side != Side::Old).count();
        let group = lines.get(from..to).unwrap_or_default();
        let old_count = group.iter().filter(|line| line.side != Side::New).count();
        let new_count = group.iter().filter(|line| line.side != Side::Old).count();
        text += &format!("@@ -{} +{} @@\n", range(old_line, old_count), range(new_line, new_count));
        for line in group {
            let sign = match line.side {
                Side::Old => '-',
                Side::New => '+',
                Side::Both => ' ',
            };
            text += &format!("{sign}{}\n", line.text);
        }
        old_line += old_count;
        new_line += new_count;
        seen = to;
    }
    text
}

/// As `diff -u` writes it: an empty range names the line before it.
fn range(before: usize, count: usize) -> String {
    match count {
        0 => format!("{before},0"),
        1 => format!("{}", before + 1),
        count => format!("{},{count}", before + 1),
    }
}
