//! Compiles the rules of a schema, each against the type of the value that it is about.
//! Must not know values.

use std::collections::BTreeMap;

use super::super::pattern::{MAX_TOGETHER, Pattern};
use super::super::schema::{Additional, ListType, Node};
use super::super::spec::{CelRule, SchemaFault};
use super::checker::{Checker, Patterns};
use super::syntax::{Expr, RuleFault};
use super::types::Ty;
use super::{field_path, parser, taint};
use crate::finding::Severity;
use crate::value::{Path, Value};

/// How much of a rule is shown when it has no message. In characters.
const MAX_SHOWN: usize = 200;
/// How many rules one place may have.
const MAX_RULES: usize = 100;

/// Rules in the shape of the schema; only branches that hold rules are there.
#[derive(Debug, Default)]
pub(crate) struct RuleTree {
    pub(super) rules: Vec<Compiled>,
    pub(super) properties: BTreeMap<String, RuleTree>,
    pub(super) additional: Option<Box<RuleTree>>,
    pub(super) items: Option<Box<RuleTree>>,
}

/// One rule, ready to run.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) expr: Expr,
    /// Only if its result cannot hold a value.
    pub(super) message_expr: Option<Expr>,
    pub(super) patterns: Patterns,
    pub(super) message: String,
    pub(super) has_message: bool,
    /// The rule as it was written, cut to be shown.
    pub(super) text: String,
    pub(super) field_path: Path,
    pub(super) uses_old_self: bool,
    pub(super) optional_old_self: bool,
    pub(super) severity: Severity,
}

/// Compiles the rules inside a schema and those that stand beside it, or adds what is wrong to `faults`.
pub(crate) fn compile(
    node: &Node,
    schema: Option<&Value>,
    rules: &[CelRule],
    place: &str,
    faults: &mut Vec<SchemaFault>,
) -> RuleTree {
    let mut compiler = Compiler { faults, patterns: 0 };
    let mut tree = match schema {
        Some(schema) => compiler.tree(node, schema, &format!("{place}.schema"), true),
        None => RuleTree::default(),
    };
    compiler.check_count(tree.rules.len() + rules.len(), place);
    for (index, rule) in rules.iter().enumerate() {
        // Without a type, as there is no schema, everything is looked up when the rule runs.
        let ty = Ty::of(node).unwrap_or(Ty::Dyn);
        let compiled = compiler.rule(rule, node, ty, &format!("{place}.rules[{index}]"));
        tree.rules.extend(compiled);
    }
    tree
}

struct Compiler<'faults> {
    faults: &'faults mut Vec<SchemaFault>,
    /// What the patterns in the rules take together, in bytes.
    patterns: usize,
}

impl Compiler<'_> {
    /// `correlated`: whether a value here can be matched with an older one.
    fn tree(&mut self, node: &Node, schema: &Value, place: &str, correlated: bool) -> RuleTree {
        let mut tree = RuleTree::default();
        match schema.get("x-kubernetes-validations") {
            None | Some(Value::Null) => {}
            Some(Value::Array(rules)) => {
                self.check_count(rules.len(), place);
                for (index, rule) in rules.iter().enumerate() {
                    let place = format!("{place}.x-kubernetes-validations[{index}]");
                    tree.rules.extend(self.schema_rule(rule, node, &place, correlated));
                }
            }
            Some(_) => self.fault(format!("{place}.x-kubernetes-validations"), "must be a list of rules"),
        }
        for (key, child) in &node.properties {
            let Some(schema) = schema.get("properties").and_then(|schemas| schemas.get(key)) else { continue };
            let place = format!("{place}.properties[{key}]");
            let below = self.tree(child, schema, &place, correlated);
            if !below.is_empty() {
                tree.properties.insert(key.clone(), below);
            }
        }
        if let (Additional::Schema(child), Some(schema)) = (&node.additional, schema.get("additionalProperties")) {
            let below = self.tree(child, schema, &format!("{place}.additionalProperties"), correlated);
            tree.additional = Some(Box::new(below)).filter(|below| !below.is_empty());
        }
        if let (Some(child), Some(schema)) = (&node.items, schema.get("items")) {
            let by_key = matches!(node.list_type, ListType::Map(_));
            let below = self.tree(child, schema, &format!("{place}.items"), correlated && by_key);
            tree.items = Some(Box::new(below)).filter(|below| !below.is_empty());
        }
        tree
    }

    fn fault(&mut self, place: impl Into<String>, message: impl Into<String>) {
        self.faults.push(SchemaFault::new(place, message));
    }

    fn check_count(&mut self, count: usize, place: &str) {
        if count > MAX_RULES {
            self.fault(place, format!("there may be at most {MAX_RULES} rules in one place"));
        }
    }

    fn schema_rule(&mut self, rule: &Value, node: &Node, place: &str, correlated: bool) -> Option<Compiled> {
        let rule = match read_rule(rule) {
            Ok(rule) => rule,
            Err(message) => {
                self.fault(place, message);
                return None;
            }
        };
        let Some(ty) = Ty::of(node) else {
            self.fault(place, "a rule needs a schema that says what the value is");
            return None;
        };
        let compiled = self.rule(&rule, node, ty, place)?;
        if compiled.uses_old_self && !correlated {
            let fault =
                SchemaFault::new(format!("{place}.rule"), "oldSelf cannot be used for the items of this list or map");
            self.faults.push(fault.hint("make it a list of type map, or put the rule on the list"));
        }
        Some(compiled)
    }

    fn rule(&mut self, rule: &CelRule, node: &Node, ty: Ty<'_>, place: &str) -> Option<Compiled> {
        let faults = self.faults.len();
        // Said once; rules after it are not even compiled.
        if self.patterns > MAX_TOGETHER {
            return None;
        }
        if rule.rule.trim().is_empty() {
            self.fault(format!("{place}.rule"), "the rule is empty");
            return None;
        }
        if rule.message.as_deref().is_some_and(|message| message.trim().is_empty() || message.trim().contains('\n')) {
            self.fault(format!("{place}.message"), "a message is one line, and not empty");
        }
        let old = if rule.optional_old_self { Ty::Optional(Box::new(ty.clone())) } else { ty.clone() };
        let mut checker = Checker::new(vec![("oldSelf".to_owned(), old), ("self".to_owned(), ty)]);
        let expr = self.expression(&rule.rule, &mut checker, &Ty::Bool, &format!("{place}.rule"));
        let message_expr = match &rule.message_expression {
            Some(text) => self.expression(text, &mut checker, &Ty::Text, &format!("{place}.messageExpression")),
            None => None,
        };
        let patterns = checker.into_patterns();
        self.patterns += patterns.values().map(Pattern::size).sum::<usize>();
        if self.patterns > MAX_TOGETHER {
            self.fault(place, "the patterns in the rules up to here are too large together");
        }
        let path = rule.field_path.as_deref().map(|text| field_path::parse(text, node));
        if let Some(Err(message)) = &path {
            let fault = SchemaFault::new(format!("{place}.fieldPath"), message.as_str());
            self.faults.push(fault.hint("write it as `.pool.size` or `.pools['main']`"));
        }
        let expr = expr?;
        let uses_old_self = expr.mentions("oldSelf");
        if rule.optional_old_self && !uses_old_self {
            self.fault(format!("{place}.optionalOldSelf"), "the rule does not use oldSelf");
        }
        let shown: String = rule.rule.trim().chars().take(MAX_SHOWN).collect();
        let message = rule.message.as_ref().map(|message| message.trim().to_owned());
        (self.faults.len() == faults).then(|| Compiled {
            expr,
            message_expr: message_expr.filter(|expr| !taint::holds_values(expr)),
            patterns,
            has_message: message.is_some(),
            message: message.unwrap_or_else(|| format!("does not satisfy {shown}")),
            text: shown,
            field_path: path.and_then(Result::ok).unwrap_or_default(),
            uses_old_self,
            optional_old_self: rule.optional_old_self,
            severity: rule.severity,
        })
    }

    fn expression(&mut self, text: &str, checker: &mut Checker<'_>, wanted: &Ty<'_>, place: &str) -> Option<Expr> {
        let checked = super::with_stack(|| {
            let expr = parser::parse(text)?;
            let ty = checker.check(&expr)?;
            if std::mem::discriminant(&ty) == std::mem::discriminant(wanted) || ty.is_dyn() {
                Ok(expr)
            } else {
                Err(RuleFault::new(expr.at, format!("the result must be {wanted}, not {ty}")))
            }
        });
        match checked {
            Ok(expr) => Some(expr),
            Err(fault) => {
                let (line, column) = position(text, fault.at);
                let told = SchemaFault::new(place, fault.message).at(line, column);
                self.faults.push(SchemaFault { hint: fault.hint.map(str::to_owned), ..told });
                None
            }
        }
    }
}

impl RuleTree {
    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.properties.is_empty() && self.additional.is_none() && self.items.is_none()
    }
}

/// The line and column of a character.
fn position(text: &str, at: usize) -> (u32, u32) {
    let before: String = text.chars().take(at).collect();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
}

/// Reads one entry of `x-kubernetes-validations`.
fn read_rule(value: &Value) -> Result<CelRule, String> {
    const KNOWN: [&str; 6] = ["rule", "message", "messageExpression", "fieldPath", "reason", "optionalOldSelf"];
    const REASONS: [&str; 4] =
        ["FieldValueInvalid", "FieldValueForbidden", "FieldValueRequired", "FieldValueDuplicate"];
    let Value::Object(fields) = value else { return Err("a rule must be an object".to_owned()) };
    if let Some(unknown) = fields.keys().find(|key| !KNOWN.contains(&key.as_str())) {
        return Err(format!("{unknown} is not known here; there are {}", KNOWN.join(", ")));
    }
    let text = |key: &str| match fields.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
        Some(_) => Err(format!("{key} must be a text")),
    };
    let optional_old_self = match fields.get("optionalOldSelf") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(flag)) => *flag,
        Some(_) => return Err("optionalOldSelf must be true or false".to_owned()),
    };
    // What kind of error the server answers with has no meaning here.
    if text("reason")?.is_some_and(|reason| !REASONS.contains(&reason.as_str())) {
        return Err(format!("reason must be one of {}", REASONS.join(", ")));
    }
    Ok(CelRule {
        message: text("message")?,
        message_expression: text("messageExpression")?,
        field_path: text("fieldPath")?,
        optional_old_self,
        ..CelRule::new(text("rule")?.unwrap_or_default())
    })
}
