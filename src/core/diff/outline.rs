//! Differences as a tree for a terminal: what changed, at the place where it stands, and nothing else.
//! Must not show secrets, nor let a value steer the terminal.

use std::collections::BTreeMap;

use super::words::{short, tamed};
use super::{Comparison, Difference, Kind, MAX_SHOWN};
use crate::redact::Redaction;
use crate::value::{Path, Segment, Value};

/// Whether an outline is colored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Color {
    /// Plain text.
    #[default]
    Never,
    /// ANSI sequences: green for added, red for removed, yellow for changed, cyan for moved.
    Ansi,
}

#[derive(Default)]
struct Branch<'all, 'value> {
    here: Vec<&'all Difference<'value>>,
    below: BTreeMap<&'all Segment, Branch<'all, 'value>>,
}

impl Comparison<'_> {
    /// The differences as a tree of paths, one line each; the empty text when nothing differs.
    ///
    /// At most [`MAX_SHOWN`] differences, then a line that says how many more there are. Values are cut at 120
    /// characters.
    ///
    /// ```
    /// use rekindle_core::diff::{Color, Comparison, Guide};
    /// use rekindle_core::redact::Redaction;
    /// use serde_json::json;
    ///
    /// let (old, new) = (json!({"pool": {"size": 5, "key": "a"}}), json!({"pool": {"size": 9, "idle": 1, "key": "b"}}));
    /// let guide = Guide::default().key("pool", Guide::default().key("key", Guide::default().secret()));
    /// let redaction = Redaction::usual().and_guide(guide.clone());
    /// let outline = Comparison::of(&old, &new, &guide).outline(&redaction, Color::Never);
    /// assert_eq!(outline, "\
    /// └─ pool
    ///    ├─ + idle: 1
    ///    ├─ ~ key: (redacted) → (redacted)
    ///    └─ ~ size: 5 → 9
    /// ");
    /// ```
    #[must_use]
    pub fn outline(&self, redaction: &Redaction, color: Color) -> String {
        let sorted = self.sorted();
        let mut root = Branch::default();
        for difference in sorted.iter().take(MAX_SHOWN) {
            let segments = difference.path().segments();
            let branch = segments.iter().fold(&mut root, |branch, segment| branch.below.entry(segment).or_default());
            branch.here.push(difference);
        }
        let mut text = String::new();
        let painter = Painter { redaction, color };
        for difference in &root.here {
            text += &format!("{}\n", painter.line(difference, ""));
        }
        painter.branches(&root, "", &mut text);
        if let Some(more) = sorted.len().checked_sub(MAX_SHOWN).filter(|more| *more > 0) {
            text += &format!("… and {more} more\n");
        }
        text
    }
}

struct Painter<'redaction> {
    redaction: &'redaction Redaction,
    color: Color,
}

impl Painter<'_> {
    fn branches(&self, branch: &Branch<'_, '_>, indent: &str, text: &mut String) {
        let last = branch.below.len().saturating_sub(1);
        for (position, (segment, child)) in branch.below.iter().enumerate() {
            let (fork, rest) = if position == last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            let name = match segment {
                Segment::Key(key) => tamed(key),
                Segment::Index(index) => format!("[{index}]"),
            };
            if child.here.is_empty() {
                *text += &format!("{indent}{fork}{name}\n");
            }
            for difference in &child.here {
                *text += &format!("{indent}{fork}{}\n", self.line(difference, &name));
            }
            self.branches(child, &format!("{indent}{rest}"), text);
        }
    }

    fn line(&self, difference: &Difference<'_>, name: &str) -> String {
        let shown = |path: &Option<Path>, value: Option<&Value>| {
            let path = path.as_ref().unwrap_or(difference.path());
            value.map_or(String::new(), |value| short(&self.redaction.shown(path, value)))
        };
        let old = || shown(&difference.old_path, difference.old);
        let new = || shown(&difference.new_path, difference.new);
        let what = match difference.kind {
            Kind::Added => new(),
            Kind::Removed => old(),
            Kind::Changed | Kind::TypeChanged => format!("{} → {}", old(), new()),
            Kind::Moved => format!("moved from {}", difference.old_path.as_ref().map_or(String::new(), last_step)),
        };
        let name = if name.is_empty() { String::new() } else { format!("{name}: ") };
        self.painted(difference.kind, &format!("{} {name}{what}", difference.kind.sign()))
    }

    fn painted(&self, kind: Kind, text: &str) -> String {
        let code = match kind {
            Kind::Added => 32,
            Kind::Removed => 31,
            Kind::Changed | Kind::TypeChanged => 33,
            Kind::Moved => 36,
        };
        match self.color {
            Color::Never => text.to_owned(),
            Color::Ansi => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }
}

fn last_step(path: &Path) -> String {
    path.segments().last().cloned().into_iter().collect::<Path>().to_string()
}
