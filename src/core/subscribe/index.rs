//! Finds, among many subscribers, those that a change touches, without asking each about each path.
//! Must not know subscribers but by their id, whose order is the order in which they are found.

use std::collections::BTreeMap;

use super::pattern::{Kind, Pattern};
use super::patterns::Patterns;
use crate::value::{Path, Segment};

/// Patterns of many subscribers, arranged by the steps with which they begin.
#[derive(Debug, Clone)]
pub struct Index<I> {
    root: Branch<I>,
}

#[derive(Debug, Clone)]
struct Branch<I> {
    here: Vec<(I, Pattern)>,
    below: BTreeMap<Segment, Branch<I>>,
}

impl<I> Default for Branch<I> {
    fn default() -> Self {
        Self { here: Vec::new(), below: BTreeMap::new() }
    }
}

impl<I> Default for Index<I> {
    fn default() -> Self {
        Self { root: Branch::default() }
    }
}

impl<I: Ord + Clone> Index<I> {
    /// Adds a subscriber's patterns; those that it has already stay.
    pub fn insert(&mut self, id: &I, patterns: &Patterns) {
        for pattern in patterns.iter() {
            let mut branch = &mut self.root;
            for step in pattern.prefix() {
                branch = branch.below.entry(step.clone()).or_default();
            }
            branch.here.push((id.clone(), pattern.clone()));
        }
    }

    /// Takes a subscriber out, with the patterns that it was inserted with.
    pub fn remove(&mut self, id: &I, patterns: &Patterns) {
        for pattern in patterns.iter() {
            self.root.remove(id, pattern.prefix());
        }
    }

    /// Whether nobody is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.root.is_empty()
    }

    /// The subscribers of which some pattern means one of the paths, each once and in order.
    ///
    /// # Assumptions
    /// The paths are sorted, as [`touched`](super::touched) gives them; others are sorted here first.
    #[must_use]
    pub fn touched_by(&self, paths: &[Path]) -> Vec<I> {
        let mut found = Vec::new();
        if paths.is_sorted() {
            self.root.find(paths, 0, &mut found);
        } else {
            let mut sorted = paths.to_vec();
            sorted.sort();
            self.root.find(&sorted, 0, &mut found);
        }
        if !found.is_sorted() {
            found.sort_unstable();
        }
        found.dedup();
        found
    }
}

impl<I: Ord + Clone> Branch<I> {
    fn is_empty(&self) -> bool {
        self.here.is_empty() && self.below.is_empty()
    }

    /// True if nothing is left of the branch.
    fn remove(&mut self, id: &I, steps: &[Segment]) {
        match steps.split_first() {
            None => self.here.retain(|(other, _)| other != id),
            Some((step, rest)) => {
                let Some(branch) = self.below.get_mut(step) else { return };
                branch.remove(id, rest);
                if branch.is_empty() {
                    self.below.remove(step);
                }
            }
        }
    }

    /// `paths` are those that lead through here, sorted; `depth` is how many steps led here.
    fn find(&self, paths: &[Path], depth: usize, found: &mut Vec<I>) {
        let Some(first) = paths.first() else { return };
        // A path sorts before all that lie below it.
        let itself = first.segments().len() == depth;
        for (id, pattern) in &self.here {
            let meant = match pattern.kind() {
                Kind::Exact(_) => itself,
                Kind::Below(_) => true,
                Kind::Glob { .. } | Kind::Expression(_) => paths.iter().any(|path| pattern.matches(path)),
            };
            if meant {
                found.push(id.clone());
            }
        }
        if self.below.is_empty() {
            return;
        }
        let step = |path: &Path| path.segments().get(depth).cloned();
        for group in paths.chunk_by(|a, b| a.segments().get(depth) == b.segments().get(depth)) {
            let branch = group.first().and_then(step).and_then(|step| self.below.get(&step));
            if let Some(branch) = branch {
                branch.find(group, depth + 1, found);
            }
        }
    }
}
