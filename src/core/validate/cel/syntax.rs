//! The syntax tree of CEL, macros already recognized.
//! Must not know types or values.

/// Where something begins in the text of a rule, in characters from 0.
pub(crate) type Offset = usize;

/// An expression and where it begins.
#[derive(Debug)]
pub(crate) struct Expr {
    pub(crate) at: Offset,
    /// How deep the tree below is.
    pub(crate) depth: usize,
    pub(crate) kind: Kind,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Literal(Literal),
    Ident(String),
    /// `of.field`; with `test`, `has(of.field)`.
    Select {
        of: Box<Expr>,
        field: String,
        test: bool,
    },
    Index(Box<Expr>, Box<Expr>),
    /// `target.name(args)`, or `name(args)`; the name may have a namespace, as in `sets.contains`.
    Call {
        name: String,
        target: Option<Box<Expr>>,
        args: Vec<Expr>,
    },
    List(Vec<Expr>),
    Map(Vec<(Expr, Expr)>),
    Not(Box<Expr>),
    Negate(Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Conditional(Box<Expr>, Box<Expr>, Box<Expr>),
    Binary(Operator, Box<Expr>, Box<Expr>),
    Macro(Macro),
}

/// `range.all(variable, body)` and its like.
#[derive(Debug)]
pub(crate) struct Macro {
    pub(crate) kind: MacroKind,
    pub(crate) range: Box<Expr>,
    pub(crate) variable: String,
    /// The condition of `map` with three arguments.
    pub(crate) filter: Option<Box<Expr>>,
    pub(crate) body: Box<Expr>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MacroKind {
    All,
    Exists,
    ExistsOne,
    Map,
    Filter,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Literal {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Double(f64),
    Text(String),
    Bytes(Vec<u8>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
}

impl Operator {
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::In => "in",
        }
    }

    /// How strongly it binds.
    pub(crate) fn precedence(self) -> u8 {
        match self {
            Self::Add | Self::Subtract => 2,
            Self::Multiply | Self::Divide | Self::Remainder => 3,
            _ => 1,
        }
    }
}

/// What is wrong with the text of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RuleFault {
    pub(crate) at: Offset,
    pub(crate) message: String,
    pub(crate) hint: Option<&'static str>,
}

impl RuleFault {
    pub(crate) fn new(at: Offset, message: impl Into<String>) -> Self {
        Self { at, message: message.into(), hint: None }
    }

    pub(crate) fn hint(self, hint: &'static str) -> Self {
        Self { hint: Some(hint), ..self }
    }
}

impl Expr {
    /// Calls `visit` with every expression below this one that stands directly in it.
    pub(crate) fn each_child<'tree>(&'tree self, mut visit: impl FnMut(&'tree Expr)) {
        match &self.kind {
            Kind::Literal(_) | Kind::Ident(_) => {}
            Kind::Select { of, .. } | Kind::Not(of) | Kind::Negate(of) => visit(of),
            Kind::Index(one, two) | Kind::And(one, two) | Kind::Or(one, two) | Kind::Binary(_, one, two) => {
                visit(one);
                visit(two);
            }
            Kind::Call { target, args, .. } => {
                if let Some(target) = target {
                    visit(target);
                }
                args.iter().for_each(visit);
            }
            Kind::List(items) => items.iter().for_each(visit),
            Kind::Map(entries) => {
                for (key, value) in entries {
                    visit(key);
                    visit(value);
                }
            }
            Kind::Conditional(condition, yes, no) => {
                visit(condition);
                visit(yes);
                visit(no);
            }
            Kind::Macro(parts) => {
                visit(&parts.range);
                if let Some(filter) = &parts.filter {
                    visit(filter);
                }
                visit(&parts.body);
            }
        }
    }

    /// Whether a variable of this name occurs.
    pub(crate) fn mentions(&self, name: &str) -> bool {
        let mut found = matches!(&self.kind, Kind::Ident(ident) if ident == name);
        self.each_child(|child| found = found || child.mentions(name));
        found
    }
}
