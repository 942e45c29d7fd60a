//! Runs a rule. Every step is counted, so that no rule runs longer than its budget allows.
//! Must not know schemas beyond the types they give to values.
//!
//! Guarantees: no panic, no unbounded recursion (the parser bounds the tree), no work that is not counted.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::checker::Patterns;
use super::compare;
use super::functions;
use super::syntax::{Expr, Kind, Literal, Macro, MacroKind, Operator};
use super::types;
use super::value::{Evaluated, Failure, Key, Text, Val};
use crate::value::Value;

/// How many steps one rule may take on one value.
pub(crate) const RULE_STEPS: usize = 500_000;
/// How many steps all rules of a schema may take over a document.
pub(crate) const TOTAL_STEPS: usize = 5_000_000;

/// What runs one rule.
pub(crate) struct Evaluator<'rule> {
    patterns: &'rule Patterns,
    steps: usize,
}

/// The variables that an expression can name, from the inside out.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'up, 'data> {
    up: Option<&'up Scope<'up, 'data>>,
    name: &'up str,
    value: &'up Val<'data>,
}

impl<'up, 'data> Scope<'up, 'data> {
    pub(crate) fn new(name: &'up str, value: &'up Val<'data>) -> Self {
        Self { up: None, name, value }
    }

    pub(crate) fn with<'down>(&'down self, name: &'down str, value: &'down Val<'data>) -> Scope<'down, 'data>
    where
        'up: 'down,
    {
        Scope { up: Some(self), name, value }
    }

    fn find(&self, name: &str) -> Option<&Val<'data>> {
        if self.name == name { Some(self.value) } else { self.up.and_then(|up| up.find(name)) }
    }
}

impl<'rule> Evaluator<'rule> {
    pub(crate) fn new(patterns: &'rule Patterns, steps: usize) -> Self {
        Self { patterns, steps }
    }

    /// How many steps are left.
    pub(crate) fn left(&self) -> usize {
        self.steps
    }

    /// Takes steps from the budget.
    pub(super) fn spend(&mut self, steps: usize) -> Result<(), Failure> {
        match self.steps.checked_sub(steps) {
            Some(left) => {
                self.steps = left;
                Ok(())
            }
            None => {
                self.steps = 0;
                Err(Failure { message: "the rule takes too many steps", fatal: true })
            }
        }
    }

    pub(super) fn pattern(&self, text: &str) -> Option<&'rule super::super::pattern::Pattern> {
        self.patterns.get(text)
    }

    /// The value of an expression.
    pub(crate) fn run<'data>(&mut self, expr: &Expr, scope: &Scope<'_, 'data>) -> Evaluated<'data> {
        self.spend(1)?;
        match &expr.kind {
            Kind::Literal(literal) => {
                if let Literal::Text(text) = literal {
                    self.spend(text.len() / 16)?;
                }
                Ok(literal_value(literal))
            }
            Kind::Ident(name) => match (scope.find(name), types::KINDS.iter().find(|kind| *kind == name)) {
                (Some(value), _) => Ok(value.clone()),
                (None, Some(kind)) => Ok(Val::Kind(kind)),
                (None, None) => Err(Failure::new("a variable is not known")),
            },
            Kind::Select { of, field, test } => {
                let of = self.run(of, scope)?;
                select(&of, field, *test)
            }
            Kind::Index(of, index) => {
                let (of, index) = (self.run(of, scope)?, self.run(index, scope)?);
                self.index(&of, &index)
            }
            Kind::Call { name, target, args } => {
                let target = target.as_deref().map(|target| self.run(target, scope)).transpose()?;
                let args = args.iter().map(|arg| self.run(arg, scope)).collect::<Result<Vec<_>, _>>()?;
                functions::call(self, name, target, args)
            }
            Kind::List(items) => {
                let items = items.iter().map(|item| self.run(item, scope)).collect::<Result<_, _>>()?;
                Ok(Val::list(items))
            }
            Kind::Map(entries) => self.map(entries, scope),
            Kind::Not(operand) => match self.run(operand, scope)? {
                Val::Bool(flag) => Ok(Val::Bool(!flag)),
                _ => Err(Failure::overload()),
            },
            Kind::Negate(operand) => match self.run(operand, scope)? {
                Val::Int(number) => number.checked_neg().map(Val::Int).ok_or(overflow()),
                Val::Double(number) => Ok(Val::Double(-number)),
                _ => Err(Failure::overload()),
            },
            Kind::And(left, right) => self.junction(left, right, false, scope),
            Kind::Or(left, right) => self.junction(left, right, true, scope),
            Kind::Conditional(condition, yes, no) => match self.run(condition, scope)? {
                Val::Bool(true) => self.run(yes, scope),
                Val::Bool(false) => self.run(no, scope),
                _ => Err(Failure::overload()),
            },
            Kind::Binary(operator, left, right) => {
                let (left, right) = (self.run(left, scope)?, self.run(right, scope)?);
                self.binary(*operator, &left, &right)
            }
            Kind::Macro(parts) => self.expand(parts, scope),
        }
    }

    /// `&&` and `||`: either side decides alone, even if the other one fails.
    fn junction<'data>(
        &mut self,
        left: &Expr,
        right: &Expr,
        deciding: bool,
        scope: &Scope<'_, 'data>,
    ) -> Evaluated<'data> {
        let left = self.condition(left, scope);
        match left {
            Ok(flag) if flag == deciding => return Ok(Val::Bool(deciding)),
            Err(failure) if failure.fatal => return Err(failure),
            _ => {}
        }
        match (left, self.condition(right, scope)) {
            (_, Ok(flag)) if flag == deciding => Ok(Val::Bool(deciding)),
            (_, Err(failure)) if failure.fatal => Err(failure),
            (Err(failure), _) | (Ok(_), Err(failure)) => Err(failure),
            (Ok(_), Ok(flag)) => Ok(Val::Bool(flag)),
        }
    }

    fn condition(&mut self, expr: &Expr, scope: &Scope<'_, '_>) -> Result<bool, Failure> {
        match self.run(expr, scope)? {
            Val::Bool(flag) => Ok(flag),
            _ => Err(Failure::overload()),
        }
    }

    fn index<'data>(&mut self, of: &Val<'data>, index: &Val<'data>) -> Evaluated<'data> {
        if let Some(entry) = of.entry(index) {
            return entry.unwrap_or(Err(Failure::new("a key is missing")));
        }
        let Val::Int(index) = index else { return Err(Failure::overload()) };
        let beyond = Failure::new("an index is beyond the list");
        let index = usize::try_from(*index).map_err(|_| beyond)?;
        match of {
            Val::List(items) => items.get(index).cloned().ok_or(beyond),
            Val::Data(Value::Array(items), node) => {
                let child = node.and_then(|node| node.items.as_deref());
                Val::of(items.get(index).ok_or(beyond)?, child)
            }
            _ => Err(Failure::overload()),
        }
    }

    fn map<'data>(&mut self, entries: &[(Expr, Expr)], scope: &Scope<'_, 'data>) -> Evaluated<'data> {
        let mut map = BTreeMap::new();
        for (key, value) in entries {
            let key = Key::of(&self.run(key, scope)?).ok_or(Failure::overload())?;
            if map.insert(key, self.run(value, scope)?).is_some() {
                return Err(Failure::new("a map has a key twice"));
            }
        }
        Ok(Val::Map(Rc::new(map)))
    }

    fn expand<'data>(&mut self, parts: &Macro, scope: &Scope<'_, 'data>) -> Evaluated<'data> {
        let range = self.run(&parts.range, scope)?;
        self.spend(range.len().unwrap_or(0))?;
        let items: Vec<Evaluated<'data>> = match range.items() {
            Some(items) => items,
            None => range.keys().ok_or(Failure::overload())?.into_iter().map(Ok).collect(),
        };
        match parts.kind {
            MacroKind::All => self.decide(parts, items, false, scope),
            MacroKind::Exists => self.decide(parts, items, true, scope),
            MacroKind::ExistsOne => {
                let mut count = 0;
                for item in items {
                    count += usize::from(self.condition(&parts.body, &scope.with(&parts.variable, &item?))?);
                }
                Ok(Val::Bool(count == 1))
            }
            MacroKind::Map | MacroKind::Filter => self.collect(parts, items, scope),
        }
    }

    /// `all` and `exists`: one item decides, even if others fail.
    fn decide<'data>(
        &mut self,
        parts: &Macro,
        items: Vec<Evaluated<'data>>,
        deciding: bool,
        scope: &Scope<'_, 'data>,
    ) -> Evaluated<'data> {
        let mut failed = None;
        for item in items {
            match item.and_then(|item| self.condition(&parts.body, &scope.with(&parts.variable, &item))) {
                Ok(flag) if flag == deciding => return Ok(Val::Bool(deciding)),
                Ok(_) => {}
                Err(failure) if failure.fatal => return Err(failure),
                Err(failure) => failed = failed.or(Some(failure)),
            }
        }
        failed.map_or(Ok(Val::Bool(!deciding)), Err)
    }

    fn collect<'data>(
        &mut self,
        parts: &Macro,
        items: Vec<Evaluated<'data>>,
        scope: &Scope<'_, 'data>,
    ) -> Evaluated<'data> {
        let mut collected = Vec::new();
        for item in items {
            let item = item?;
            let scope = scope.with(&parts.variable, &item);
            let (kept, made) = match (parts.kind, &parts.filter) {
                (MacroKind::Filter, _) => (self.condition(&parts.body, &scope)?, item.clone()),
                (_, Some(filter)) if !self.condition(filter, &scope)? => continue,
                _ => (true, self.run(&parts.body, &scope)?),
            };
            if kept {
                collected.push(made);
            }
        }
        Ok(Val::list(collected))
    }

    fn binary<'data>(&mut self, operator: Operator, left: &Val<'data>, right: &Val<'data>) -> Evaluated<'data> {
        if let (Val::Text(left), Val::Text(right)) = (left, right) {
            self.spend(left.as_str().len().min(right.as_str().len()) / 16)?;
        }
        let compare = || compare::compare(left, right);
        Ok(Val::Bool(match operator {
            Operator::Equal => self.equal(left, right)?,
            Operator::NotEqual => !self.equal(left, right)?,
            Operator::Less => compare()?.is_lt(),
            Operator::LessOrEqual => compare()?.is_le(),
            Operator::Greater => compare()?.is_gt(),
            Operator::GreaterOrEqual => compare()?.is_ge(),
            Operator::In => match (right.items(), right.entry(left)) {
                (Some(items), _) => {
                    self.spend(items.len())?;
                    let items: Vec<Val<'data>> = items.into_iter().collect::<Result<_, _>>()?;
                    compare::contains(&items, left, &mut |steps| self.spend(steps))?
                }
                (None, Some(entry)) => entry.is_some(),
                (None, None) => return Err(Failure::overload()),
            },
            _ => return self.arithmetic(operator, left, right),
        }))
    }

    pub(super) fn equal<'data>(&mut self, left: &Val<'data>, right: &Val<'data>) -> Result<bool, Failure> {
        // Looking at a list makes a list of its items.
        self.spend(left.len().unwrap_or(0) + right.len().unwrap_or(0))?;
        compare::equal(left, right, &mut |steps| self.spend(steps))
    }

    fn arithmetic<'data>(&mut self, operator: Operator, left: &Val<'data>, right: &Val<'data>) -> Evaluated<'data> {
        match (left, right) {
            (Val::Int(left), Val::Int(right)) => whole(operator, i128::from(*left), i128::from(*right))
                .and_then(|number| i64::try_from(number).map(Val::Int).map_err(|_| overflow())),
            (Val::UInt(left), Val::UInt(right)) => whole(operator, i128::from(*left), i128::from(*right))
                .and_then(|number| u64::try_from(number).map(Val::UInt).map_err(|_| overflow())),
            (Val::Double(left), Val::Double(right)) => match operator {
                Operator::Add => Ok(Val::Double(left + right)),
                Operator::Subtract => Ok(Val::Double(left - right)),
                Operator::Multiply => Ok(Val::Double(left * right)),
                Operator::Divide => Ok(Val::Double(left / right)),
                _ => Err(Failure::overload()),
            },
            _ if operator == Operator::Add && left.len().is_some() => self.concatenate(left, right),
            (Val::Text(left), Val::Text(right)) if operator == Operator::Add => {
                self.spend((left.as_str().len() + right.as_str().len()) / 16)?;
                Ok(Val::text(format!("{}{}", left.as_str(), right.as_str())))
            }
            (Val::Bytes(left), Val::Bytes(right)) if operator == Operator::Add => {
                self.spend((left.len() + right.len()) / 16)?;
                Ok(Val::Bytes(Rc::new([left.as_slice(), right.as_slice()].concat())))
            }
            _ => time(operator, left, right),
        }
    }

    fn concatenate<'data>(&mut self, left: &Val<'data>, right: &Val<'data>) -> Evaluated<'data> {
        let plain = |list: &Val<'data>| *list.list_type() == super::super::schema::ListType::Atomic;
        if !plain(left) || !plain(right) {
            return Err(Failure::new("lists that are sets or have keys cannot be joined with `+`"));
        }
        self.spend(left.len().unwrap_or(0) + right.len().unwrap_or(0))?;
        let (Some(left), Some(right)) = (left.items(), right.items()) else { return Err(Failure::overload()) };
        Ok(Val::list(left.into_iter().chain(right).collect::<Result<_, _>>()?))
    }
}

fn overflow() -> Failure {
    Failure::new("a number is too large")
}

fn literal_value<'data>(literal: &Literal) -> Val<'data> {
    match literal {
        Literal::Null => Val::Null,
        Literal::Bool(flag) => Val::Bool(*flag),
        Literal::Int(number) => Val::Int(*number),
        Literal::UInt(number) => Val::UInt(*number),
        Literal::Double(number) => Val::Double(*number),
        Literal::Text(text) => Val::text(text.as_str()),
        Literal::Bytes(bytes) => Val::Bytes(Rc::new(bytes.clone())),
    }
}

fn select<'data>(of: &Val<'data>, name: &str, test: bool) -> Evaluated<'data> {
    let key = Val::Text(Text::Made(name.into()));
    match of.entry(&key) {
        Some(found) if test => Ok(Val::Bool(found.is_some())),
        Some(Some(value)) => value,
        Some(None) => Err(Failure::new("a key is missing")),
        None => Err(Failure::overload()),
    }
}

fn whole(operator: Operator, left: i128, right: i128) -> Result<i128, Failure> {
    let zero = Failure::new("a number is divided by zero");
    match operator {
        Operator::Add => Ok(left + right),
        Operator::Subtract => Ok(left - right),
        Operator::Multiply => left.checked_mul(right).ok_or(overflow()),
        Operator::Divide => left.checked_div(right).ok_or(zero),
        // As the processor has it: the quotient of these two does not fit.
        Operator::Remainder if left == i128::from(i64::MIN) && right == -1 => Err(overflow()),
        Operator::Remainder => left.checked_rem(right).ok_or(zero),
        _ => Err(Failure::overload()),
    }
}

fn time<'data>(operator: Operator, left: &Val<'data>, right: &Val<'data>) -> Evaluated<'data> {
    let duration = |nanos: i128| i64::try_from(nanos).map(Val::Duration).map_err(|_| overflow());
    match (operator, left, right) {
        (Operator::Add, Val::Duration(one), Val::Duration(two)) => duration(i128::from(*one) + i128::from(*two)),
        (Operator::Subtract, Val::Duration(one), Val::Duration(two)) => duration(i128::from(*one) - i128::from(*two)),
        (Operator::Subtract, Val::Timestamp(one), Val::Timestamp(two)) => duration(one - two),
        (Operator::Add, Val::Timestamp(time), Val::Duration(by))
        | (Operator::Add, Val::Duration(by), Val::Timestamp(time)) => functions::timestamp(time + i128::from(*by)),
        (Operator::Subtract, Val::Timestamp(time), Val::Duration(by)) => functions::timestamp(time - i128::from(*by)),
        _ => Err(Failure::overload()),
    }
}
