//! Rules in CEL: compiled once against the types of a schema, run within a budget of steps.
//! Must not know documents; it sees one value, and the one that it replaces.
//!
//! Flow: lexer → parser (bounded in length, depth and number of parts) → checker (types, as the API server checks
//! them) → evaluator (every step counted). All three are our own, because no crate has a budget, types, or exact
//! places of faults, and the parser of the `cel` crate reads `!!a` as `!a`; only quantities come from kube-cel.
//!
//! Guarantees: a rule that the API server would refuse is a fault; a rule that cannot be evaluated, or takes more
//! steps than [`RULE_STEPS`](evaluator::RULE_STEPS), is a finding that refuses the configuration, never a pass.
//!
//! Caveats, all of them stricter than the server: two-variable macros, `cel.bind`, `optMap`, `.?`, `format()`,
//! getters of timestamps, URLs, IP addresses and semantic versions are not there; patterns must be literals; the
//! result of `messageExpression` is shown only if it cannot hold a value of the configuration.

use super::finder::{Finder, Trail};
use super::schema::{ListType, Node};
use crate::finding::{Finding, Rule};
use crate::value::Value;

mod checker;
mod compare;
mod compile;
mod evaluator;
mod field_path;
mod functions;
mod lexer;
mod library;
mod parser;
mod syntax;
mod taint;
mod types;
mod value;

pub(crate) use compile::{RuleTree, compile};

use compile::Compiled;
use evaluator::{Evaluator, RULE_STEPS, Scope, TOTAL_STEPS};
use value::{Failure, Val};

/// Stack that evaluation may need at the limits of the parser, and what is taken if it is not there. In bytes.
const STACK: (usize, usize) = (1 << 20, 8 << 20);

/// Runs the rules of a schema on a value and on everything in it; `old` is what it replaces.
pub(crate) fn check(tree: &RuleTree, node: &Node, value: &Value, old: Option<&Value>, finder: &mut Finder) {
    let mut runner = Runner { steps: TOTAL_STEPS, finder };
    runner.visit(tree, node, value, old, &Trail::root());
}

/// Calls `work` with enough stack for the deepest expression.
fn with_stack<T>(work: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(STACK.0, STACK.1, work)
}

struct Runner<'finder> {
    steps: usize,
    finder: &'finder mut Finder,
}

impl Runner<'_> {
    fn visit(&mut self, tree: &RuleTree, node: &Node, value: &Value, old: Option<&Value>, trail: &Trail<'_>) {
        // Rules are about values that are there.
        if value.is_null() {
            return;
        }
        for rule in &tree.rules {
            self.run(rule, node, value, old.filter(|old| !old.is_null()), trail);
        }
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    let old = old.and_then(|old| old.get(key));
                    let (Some(tree), Some(child)) = (tree.child(key), node.child(key)) else { continue };
                    self.visit(tree, child, value, old, &trail.key(key));
                }
            }
            Value::Array(items) => {
                let (Some(tree), Some(child)) = (&tree.items, &node.items) else { return };
                for (index, item) in items.iter().enumerate() {
                    self.visit(tree, child, item, counterpart(node, item, old), &trail.index(index));
                }
            }
            _ => {}
        }
    }

    fn run(&mut self, rule: &Compiled, node: &Node, value: &Value, old: Option<&Value>, trail: &Trail<'_>) {
        if rule.uses_old_self && old.is_none() && !rule.optional_old_self {
            return;
        }
        match with_stack(|| self.evaluate(rule, node, value, old)) {
            Ok(None) => {}
            Ok(Some(message)) => {
                let finding = Finding { severity: rule.severity, ..Finding::error(Rule::Cel, message) };
                let hint = rule.has_message.then(|| format!("the rule is {}", rule.text));
                self.finder.add_below(Finding { hint, ..finding }, trail, rule.field_path.segments());
            }
            Err(failure) => {
                let message = format!("the rule could not be evaluated: {}", failure.message);
                let finding = Finding::error(Rule::CelError, message);
                let finding = finding.hint(format!("guard it with has() or size(), or simplify it: {}", rule.text));
                self.finder.add(finding, trail);
            }
        }
    }

    /// Nothing if the rule holds, else what to say.
    fn evaluate<'data>(
        &mut self,
        rule: &Compiled,
        node: &'data Node,
        value: &'data Value,
        old: Option<&'data Value>,
    ) -> Result<Option<String>, Failure> {
        let this = Val::of(value, Some(node))?;
        let old = old.map(|old| Val::of(old, Some(node))).transpose()?;
        let old = match (rule.optional_old_self, old) {
            (true, old) => Val::Optional(old.map(std::rc::Rc::new)),
            (false, old) => old.unwrap_or(Val::Null),
        };
        let outer = Scope::new("oldSelf", &old);
        let scope = outer.with("self", &this);
        let mut run = Evaluator::new(&rule.patterns, self.steps.min(RULE_STEPS));
        let before = run.left();
        let holds = run.run(&rule.expr, &scope);
        let message = match (&holds, &rule.message_expr) {
            (Ok(Val::Bool(false)), Some(expr)) => run.run(expr, &scope).ok(),
            _ => None,
        };
        self.steps = self.steps.saturating_sub(before - run.left());
        match holds? {
            Val::Bool(true) => Ok(None),
            Val::Bool(false) => Ok(Some(match message {
                Some(Val::Text(text)) if is_message(text.as_str()) => text.as_str().to_owned(),
                _ => rule.message.clone(),
            })),
            _ => Err(Failure::overload()),
        }
    }
}

/// The server, too, shows no empty message and none that breaks lines.
fn is_message(text: &str) -> bool {
    !text.trim().is_empty() && !text.contains(['\n', '\r']) && text.len() <= 5120
}

/// The older item that an item replaces: found by its keys, where a list has such.
fn counterpart<'old>(node: &Node, item: &Value, old: Option<&'old Value>) -> Option<&'old Value> {
    let ListType::Map(keys) = &node.list_type else { return None };
    let old = old?.as_array()?;
    old.iter().find(|old| keys.iter().all(|key| old.get(key) == item.get(key)))
}

impl RuleTree {
    fn child(&self, key: &str) -> Option<&Self> {
        self.properties.get(key).or(self.additional.as_deref())
    }
}

#[cfg(test)]
mod tests;
