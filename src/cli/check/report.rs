//! What was found, and how it is printed. Must not hold a value of the configuration, nor print one.

use std::collections::BTreeMap;
use std::io::{self, Write};

use rekindle_core::document::DocumentName;
use rekindle_core::finding::{Finding, Position, Severity};
use rekindle_core::value::Path;
use serde_json::json;

use super::Output;
use super::sources::Origin;

/// The result of a check.
#[derive(Debug, Default)]
pub struct Report {
    /// How many documents there are.
    pub documents: usize,
    /// What is wrong, sorted.
    pub findings: Vec<Finding>,
    /// The keys that are not set and that the schema has a default for; the document is none for the merged tree.
    pub defaulted: Vec<(Option<DocumentName>, Path)>,
    /// Where the documents stand.
    pub origins: BTreeMap<DocumentName, Origin>,
}

impl Report {
    /// Whether nothing refuses the configuration.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        !rekindle_core::finding::any_error(&self.findings)
    }

    pub(super) fn add_all(&mut self, findings: impl IntoIterator<Item = Finding>) {
        self.findings.extend(findings);
        self.findings.sort();
    }

    pub(super) fn print(&self, output: Output, out: &mut impl Write) -> io::Result<()> {
        match output {
            Output::Human => self.print_for_people(out),
            Output::Json => self.print_json(out),
            Output::Github => self.findings.iter().try_for_each(|finding| self.annotate(finding, out)),
        }?;
        out.flush()
    }

    /// The file of a finding, and the place in it.
    fn place(&self, finding: &Finding) -> (Option<String>, Option<Position>) {
        match finding.document.as_ref().map(|name| (name, self.origins.get(name))) {
            None => (None, None),
            Some((name, None)) => (Some(name.to_string()), finding.position),
            Some((_, Some(origin))) => {
                (Some(origin.file.display().to_string()), finding.position.and_then(|at| origin.place(at)))
            }
        }
    }

    fn print_for_people(&self, out: &mut impl Write) -> io::Result<()> {
        for finding in &self.findings {
            if let (Some(file), position) = self.place(finding) {
                write!(out, "{file}:")?;
                match (position, finding.position, &finding.document) {
                    (Some(at), _, _) => write!(out, "{}:{}:", at.line, at.column)?,
                    (None, Some(at), Some(document)) => write!(out, " {document}:{}:{}:", at.line, at.column)?,
                    (None, _, _) => {}
                }
                write!(out, " ")?;
            }
            let path = if finding.path.is_root() { String::new() } else { format!("{}: ", finding.path) };
            writeln!(out, "{}: {path}{} ({})", word(finding.severity), finding.message, finding.rule)?;
            if let Some(hint) = &finding.hint {
                writeln!(out, "  hint: {hint}")?;
            }
        }
        for (document, path) in &self.defaulted {
            let place = document.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
            writeln!(out, "note: {place}{path}: not set; the schema says that the application has a default")?;
        }
        let count = |severity: Severity| self.findings.iter().filter(|finding| finding.severity == severity).count();
        let verdict = if self.is_valid() { "valid" } else { "not valid" };
        writeln!(
            out,
            "{verdict}: {}, {}, {}",
            many(self.documents, "document"),
            many(count(Severity::Error), "error"),
            many(count(Severity::Warning), "warning")
        )
    }

    fn print_json(&self, out: &mut impl Write) -> io::Result<()> {
        let findings: Vec<_> = self.findings.iter().map(|finding| {
            let (file, place) = self.place(finding);
            json!({
                "file": file, "fileLine": place.map(|at| at.line), "fileColumn": place.map(|at| at.column),
                "document": finding.document, "line": finding.position.map(|at| at.line),
                "column": finding.position.map(|at| at.column), "path": finding.path.to_string(),
                "rule": finding.rule, "severity": finding.severity, "message": finding.message, "hint": finding.hint,
            })
        }).collect();
        let defaulted: Vec<_> = self
            .defaulted
            .iter()
            .map(|(document, path)| json!({"document": document, "path": path.to_string()}))
            .collect();
        let report = json!({
            "valid": self.is_valid(), "documents": self.documents, "findings": findings, "defaulted": defaulted,
        });
        serde_json::to_writer_pretty(&mut *out, &report)?;
        writeln!(out)
    }

    /// One annotation of a GitHub workflow.
    fn annotate(&self, finding: &Finding, out: &mut impl Write) -> io::Result<()> {
        let (file, place) = self.place(finding);
        let mut properties = vec![format!("title={}", finding.rule)];
        if let Some(file) = file {
            properties.push(format!("file={}", escaped(&file, true)));
        }
        if let Some(at) = place {
            properties.extend([format!("line={}", at.line), format!("col={}", at.column)]);
        }
        let path = if finding.path.is_root() { String::new() } else { format!("{}: ", finding.path) };
        let hint = finding.hint.as_deref().map(|hint| format!("\n{hint}")).unwrap_or_default();
        let text = escaped(&format!("{path}{}{hint}", finding.message), false);
        writeln!(out, "::{} {}::{text}", word(finding.severity), properties.join(","))
    }
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// A number of things in words.
pub(super) fn many(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

/// What a workflow command would take for its own.
fn escaped(text: &str, property: bool) -> String {
    let text = text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    if property { text.replace(':', "%3A").replace(',', "%2C") } else { text }
}
