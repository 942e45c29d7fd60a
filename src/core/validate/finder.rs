//! Collects findings, with their paths and within a budget of steps.
//! Must not know what is checked.

use crate::finding::{Finding, Rule};
use crate::value::{Path, Segment};

/// How many steps one schema may take over one value: far more than a megabyte of configuration needs.
pub(crate) const STEPS: u64 = 40_000_000;
/// How many findings are kept; nobody reads more, and a status has to hold them.
pub(crate) const MAX_FINDINGS: usize = 500;

/// The way to the value being checked, from the inside out; it becomes a path only for findings.
#[derive(Clone, Copy)]
pub(crate) struct Trail<'up> {
    up: Option<&'up Trail<'up>>,
    step: Step<'up>,
}

#[derive(Clone, Copy)]
enum Step<'up> {
    Root,
    Key(&'up str),
    Index(usize),
}

impl<'up> Trail<'up> {
    pub(crate) fn root() -> Self {
        Self { up: None, step: Step::Root }
    }

    pub(crate) fn key<'down>(&'down self, key: &'down str) -> Trail<'down> {
        Trail { up: Some(self), step: Step::Key(key) }
    }

    pub(crate) fn index(&self, index: usize) -> Trail<'_> {
        Trail { up: Some(self), step: Step::Index(index) }
    }

    /// Whether this is the whole document or tree.
    pub(crate) fn is_root(&self) -> bool {
        self.up.is_none()
    }

    pub(crate) fn path(&self) -> Path {
        let mut segments = Vec::new();
        let mut at = Some(self);
        while let Some(trail) = at {
            match trail.step {
                Step::Root => {}
                Step::Key(key) => segments.push(Segment::Key(key.to_owned())),
                Step::Index(index) => segments.push(Segment::Index(index)),
            }
            at = trail.up;
        }
        segments.into_iter().rev().collect()
    }
}

/// The findings of one check.
pub(crate) struct Finder {
    findings: Vec<Finding>,
    steps: u64,
    exhausted: Option<Finding>,
    literal: bool,
}

impl Finder {
    pub(crate) fn new() -> Self {
        Self { findings: Vec::new(), steps: STEPS, exhausted: None, literal: false }
    }

    /// Takes steps from the budget; false when there are not that many left, which is a finding.
    pub(crate) fn step(&mut self, steps: u64, trail: &Trail<'_>) -> bool {
        if self.exhausted.is_some() {
            return false;
        }
        match self.steps.checked_sub(steps) {
            Some(left) => {
                self.steps = left;
                true
            }
            None => {
                let finding = Finding::error(Rule::TooLarge, "takes too many steps to check");
                let finding = finding.hint("make the schema or the document smaller").at(trail.path());
                self.findings.push(finding.clone());
                self.exhausted = Some(finding);
                false
            }
        }
    }

    pub(crate) fn add(&mut self, finding: Finding, trail: &Trail<'_>) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(finding.at(trail.path()));
        }
    }

    /// Adds a finding about something below the value.
    pub(crate) fn add_below(&mut self, finding: Finding, trail: &Trail<'_>, below: &[Segment]) {
        if self.findings.len() < MAX_FINDINGS {
            let path = trail.path().segments().iter().chain(below).cloned().collect();
            self.findings.push(finding.at(path));
        }
    }

    /// Whether the API server's own reading alone counts.
    pub(crate) fn is_literal(&self) -> bool {
        self.literal
    }

    /// Another finder on the same budget; [`Self::resume`] takes back what it leaves.
    pub(crate) fn fork(&self) -> Self {
        Self { findings: Vec::new(), steps: self.steps, exhausted: self.exhausted.clone(), literal: self.literal }
    }

    /// The same, by the API server's own reading.
    pub(crate) fn literally(&self) -> Self {
        Self { literal: true, ..self.fork() }
    }

    pub(crate) fn resume(&mut self, other: &Self) {
        self.steps = other.steps;
        if let (None, Some(finding)) = (&self.exhausted, &other.exhausted) {
            // A check that was broken off must not pass, not even below `not`.
            self.findings.push(finding.clone());
            self.exhausted = Some(finding.clone());
        }
    }

    pub(crate) fn findings(&self) -> &[Finding] {
        &self.findings
    }

    pub(crate) fn into_findings(self) -> Vec<Finding> {
        self.findings
    }
}
