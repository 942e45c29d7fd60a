//! Checks the types of a rule before it runs, as the API server does when it accepts a schema: unknown fields and
//! functions, operators on the wrong types, lists of mixed items. Also compiles the patterns in it.
//! Must not know values.

use std::collections::BTreeMap;

use super::super::formats::{parse_date_time, parse_go_duration};
use super::super::pattern::Pattern;
use super::super::schema::Additional;
use super::library;
use super::syntax::{Expr, Kind, Literal, Macro, MacroKind, Offset, Operator, RuleFault};
use super::types::{self, Ty};

/// Functions whose argument is a pattern.
const PATTERNED: [&str; 3] = ["matches", "find", "findAll"];

/// The patterns of a rule by their text.
pub(super) type Patterns = BTreeMap<String, Pattern>;

/// Checks one rule; `variables` are what it may name.
pub(super) struct Checker<'node> {
    variables: Vec<(String, Ty<'node>)>,
    patterns: Patterns,
}

type Checked<'node> = Result<Ty<'node>, RuleFault>;

impl<'node> Checker<'node> {
    pub(super) fn new(variables: Vec<(String, Ty<'node>)>) -> Self {
        Self { variables, patterns: Patterns::new() }
    }

    pub(super) fn into_patterns(self) -> Patterns {
        self.patterns
    }

    /// The type of an expression.
    pub(super) fn check(&mut self, expr: &Expr) -> Checked<'node> {
        let at = expr.at;
        match &expr.kind {
            Kind::Literal(literal) => Ok(literal_type(literal)),
            Kind::Ident(name) => self.variable(at, name),
            Kind::Select { of, field, test } => {
                let of = self.check(of)?;
                let selected = select(at, &of, field)?;
                Ok(if *test { Ty::Bool } else { selected })
            }
            Kind::Index(of, index) => self.index(at, of, index),
            Kind::Call { name, target, args } => self.call(at, name, target.as_deref(), args),
            Kind::List(items) => self.list(items).map(|item| Ty::List(Box::new(item))),
            Kind::Map(entries) => self.map(entries),
            Kind::Not(operand) => self.boolean(operand),
            Kind::Negate(operand) => match self.check(operand)? {
                ty @ (Ty::Int | Ty::Double | Ty::Dyn) => Ok(ty),
                ty => Err(RuleFault::new(at, format!("`-` does not apply to {ty}"))),
            },
            Kind::And(left, right) | Kind::Or(left, right) => {
                self.boolean(left)?;
                self.boolean(right)
            }
            Kind::Conditional(condition, yes, no) => {
                self.boolean(condition)?;
                let (yes, no) = (self.check(yes)?, self.check(no)?);
                yes.join(&no).ok_or_else(|| RuleFault::new(at, format!("the two sides of `?:` are {yes} and {no}")))
            }
            Kind::Binary(operator, left, right) => {
                let (left, right) = (self.check(left)?, self.check(right)?);
                binary(*operator, &left, &right).ok_or_else(|| {
                    let message = format!("`{}` does not apply to {left} and {right}", operator.symbol());
                    RuleFault::new(at, message).hint("convert one side, for example with double() or string()")
                })
            }
            Kind::Macro(parts) => self.expand(at, parts),
        }
    }

    fn boolean(&mut self, expr: &Expr) -> Checked<'node> {
        match self.check(expr)? {
            Ty::Bool | Ty::Dyn => Ok(Ty::Bool),
            ty => Err(RuleFault::new(expr.at, format!("a condition must be bool, not {ty}"))),
        }
    }

    fn variable(&self, at: Offset, name: &str) -> Checked<'node> {
        let found = self.variables.iter().rev().find(|(variable, _)| variable == name);
        match found {
            Some((_, ty)) => Ok(ty.clone()),
            None if types::KINDS.contains(&name) => Ok(Ty::Kind),
            None => {
                Err(RuleFault::new(at, format!("there is no variable {name:?}")).hint("rules know self and oldSelf"))
            }
        }
    }

    fn index(&mut self, at: Offset, of: &Expr, index: &Expr) -> Checked<'node> {
        let (of, index) = (self.check(of)?, self.check(index)?);
        match (&of, &index) {
            (Ty::Dyn, _) => Ok(Ty::Dyn),
            (Ty::List(item), Ty::Int | Ty::Dyn) => Ok((**item).clone()),
            (Ty::Map(key, value), _) if key.fits(&index) => Ok((**value).clone()),
            _ => Err(RuleFault::new(at, format!("{of} has no place {index}"))),
        }
    }

    fn list(&mut self, items: &[Expr]) -> Checked<'node> {
        let mut joined: Option<Ty<'node>> = None;
        for item in items {
            let ty = self.check(item)?;
            joined = Some(match joined {
                None => ty,
                Some(joined) => joined.join(&ty).ok_or_else(|| {
                    RuleFault::new(item.at, format!("this is {ty}, but what stands before it is {joined}"))
                })?,
            });
        }
        Ok(joined.unwrap_or(Ty::Dyn))
    }

    fn map(&mut self, entries: &[(Expr, Expr)]) -> Checked<'node> {
        let mut joined: Option<(Ty<'node>, Ty<'node>)> = None;
        for (key, value) in entries {
            let (key_type, value_type) = (self.check(key)?, self.check(value)?);
            if !matches!(key_type, Ty::Bool | Ty::Int | Ty::UInt | Ty::Text | Ty::Dyn) {
                return Err(RuleFault::new(key.at, format!("{key_type} cannot be a key")));
            }
            let fault = || RuleFault::new(key.at, "the entries of a map must be of one type");
            joined = Some(match joined {
                None => (key_type, value_type),
                Some((keys, values)) => {
                    (keys.join(&key_type).ok_or_else(fault)?, values.join(&value_type).ok_or_else(fault)?)
                }
            });
        }
        let (key, value) = joined.unwrap_or((Ty::Dyn, Ty::Dyn));
        Ok(Ty::Map(Box::new(key), Box::new(value)))
    }

    fn call(&mut self, at: Offset, name: &str, target: Option<&Expr>, args: &[Expr]) -> Checked<'node> {
        if !library::exists(name) {
            let hint = "the functions of Kubernetes' CEL that can be used are listed in docs/validation.md";
            return Err(RuleFault::new(at, format!("there is no function {name}()")).hint(hint));
        }
        let target = target.map(|target| self.check(target)).transpose()?;
        let types: Vec<Ty<'node>> = args.iter().map(|arg| self.check(arg)).collect::<Result<_, _>>()?;
        self.check_literals(name, args)?;
        library::result(name, target.as_ref(), &types).ok_or_else(|| {
            let types: Vec<String> = types.iter().map(Ty::to_string).collect();
            let receiver = target.map(|target| format!("{target}.")).unwrap_or_default();
            RuleFault::new(at, format!("there is no {receiver}{name}({})", types.join(", ")))
        })
    }

    /// Patterns, durations and times that are written in the rule can be wrong from the start.
    fn check_literals(&mut self, name: &str, args: &[Expr]) -> Result<(), RuleFault> {
        let Some(first) = args.first() else { return Ok(()) };
        let text = match &first.kind {
            Kind::Literal(Literal::Text(text)) => Some(text),
            _ => None,
        };
        match (name, text) {
            (name, Some(text)) if PATTERNED.contains(&name) => match Pattern::compile(text) {
                Ok(pattern) => {
                    self.patterns.insert(text.clone(), pattern);
                    Ok(())
                }
                Err(fault) => Err(RuleFault::new(first.at, fault.message).hint("write it in Go's RE2 syntax")),
            },
            (name, None) if PATTERNED.contains(&name) => {
                Err(RuleFault::new(first.at, "the pattern must be written in the rule").hint("put it in quotes here"))
            }
            ("duration", Some(text)) if parse_go_duration(text).is_none() => {
                Err(RuleFault::new(first.at, "this is not a duration").hint("write it as '1h30m'"))
            }
            ("timestamp", Some(text)) if parse_date_time(text).is_none() => {
                Err(RuleFault::new(first.at, "this is not a time").hint("write it as '2006-01-02T15:04:05Z'"))
            }
            _ => Ok(()),
        }
    }

    fn expand(&mut self, at: Offset, parts: &Macro) -> Checked<'node> {
        let item = match self.check(&parts.range)? {
            Ty::List(item) => *item,
            Ty::Map(key, _) => *key,
            Ty::Dyn => Ty::Dyn,
            ty => return Err(RuleFault::new(at, format!("{ty} has no items")).hint("use it on a list or a map")),
        };
        self.variables.push((parts.variable.clone(), item.clone()));
        let filter = parts.filter.as_deref().map_or(Ok(Ty::Bool), |filter| self.boolean(filter));
        let body = match parts.kind {
            MacroKind::Map => self.check(&parts.body),
            _ => self.boolean(&parts.body),
        };
        self.variables.pop();
        filter?;
        let body = body?;
        Ok(match parts.kind {
            MacroKind::Map => Ty::List(Box::new(body)),
            MacroKind::Filter => Ty::List(Box::new(item)),
            MacroKind::All | MacroKind::Exists | MacroKind::ExistsOne => Ty::Bool,
        })
    }
}

fn literal_type<'node>(literal: &Literal) -> Ty<'node> {
    match literal {
        Literal::Null => Ty::Null,
        Literal::Bool(_) => Ty::Bool,
        Literal::Int(_) => Ty::Int,
        Literal::UInt(_) => Ty::UInt,
        Literal::Double(_) => Ty::Double,
        Literal::Text(_) => Ty::Text,
        Literal::Bytes(_) => Ty::Bytes,
    }
}

fn select<'node>(at: Offset, of: &Ty<'node>, name: &str) -> Checked<'node> {
    match of {
        Ty::Dyn => Ok(Ty::Dyn),
        Ty::Map(_, value) => Ok((**value).clone()),
        Ty::Object(node) => match types::field(node, name) {
            Some((_, child)) => Ty::of(child).ok_or_else(|| {
                RuleFault::new(at, format!("the schema gives the field {name:?} no type"))
                    .hint("describe it in the schema")
            }),
            None if matches!(node.additional, Additional::Any) => {
                Err(RuleFault::new(at, format!("the schema gives the field {name:?} no type")))
            }
            None => Err(RuleFault::new(at, format!("the schema has no field {name:?}"))
                .hint("write a key with a dash as a__dash__b, a reserved word as __namespace__")),
        },
        ty => Err(RuleFault::new(at, format!("{ty} has no fields"))),
    }
}

fn binary<'node>(operator: Operator, left: &Ty<'node>, right: &Ty<'node>) -> Option<Ty<'node>> {
    use Operator::{Add, Divide, Equal, In, Multiply, NotEqual, Remainder, Subtract};
    let either_dyn = left.is_dyn() || right.is_dyn();
    let same = std::mem::discriminant(left) == std::mem::discriminant(right);
    match operator {
        Equal | NotEqual => left.join(right).map(|_| Ty::Bool),
        In => match right {
            Ty::List(item) => left.fits(item).then_some(Ty::Bool),
            Ty::Map(key, _) => left.fits(key).then_some(Ty::Bool),
            Ty::Dyn => Some(Ty::Bool),
            _ => None,
        },
        Add | Subtract | Multiply | Divide | Remainder if either_dyn => Some(Ty::Dyn),
        Add => match (left, right) {
            (Ty::Text | Ty::Bytes | Ty::Duration, _) if same => Some(left.clone()),
            (Ty::List(_), Ty::List(_)) => left.join(right),
            (Ty::Timestamp, Ty::Duration) | (Ty::Duration, Ty::Timestamp) => Some(Ty::Timestamp),
            _ => (same && left.is_number()).then(|| left.clone()),
        },
        Subtract => match (left, right) {
            (Ty::Duration, Ty::Duration) | (Ty::Timestamp, Ty::Timestamp) => Some(Ty::Duration),
            (Ty::Timestamp, Ty::Duration) => Some(Ty::Timestamp),
            _ => (same && left.is_number()).then(|| left.clone()),
        },
        Multiply | Divide => (same && left.is_number()).then(|| left.clone()),
        Remainder => (same && matches!(left, Ty::Int | Ty::UInt)).then(|| left.clone()),
        _ => {
            let ordered = matches!(left, Ty::Bool | Ty::Text | Ty::Bytes | Ty::Duration | Ty::Timestamp);
            let holds = either_dyn || (same && ordered) || (left.is_number() && right.is_number());
            holds.then_some(Ty::Bool)
        }
    }
}
