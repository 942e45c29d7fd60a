//! Calls, and the macros among them.
//! Must not know which functions there are.

use super::super::syntax::{Expr, Kind, Macro, MacroKind, Offset, RuleFault};
use super::{MAX_LOOPS, Parsed, Parser};

/// Namespaces of functions; a variable cannot have such a name.
const NAMESPACES: [&str; 2] = ["sets", "optional"];

impl Parser {
    pub(super) fn call(&mut self, at: Offset, name: String, target: Option<Expr>, mut args: Vec<Expr>) -> Parsed {
        if name == "has" && target.is_none() && args.len() == 1 {
            return match args.pop().map(|arg| (arg.at, arg.kind)) {
                Some((at, Kind::Select { of, field, test: false })) => {
                    self.make(at, Kind::Select { of, field, test: true })
                }
                _ => Err(RuleFault::new(at, "has() asks for a field").hint("write has(self.field)")),
            };
        }
        let kind = match (name.as_str(), args.len()) {
            ("all", 2) => Some(MacroKind::All),
            ("exists", 2) => Some(MacroKind::Exists),
            ("exists_one", 2) => Some(MacroKind::ExistsOne),
            ("map", 2 | 3) => Some(MacroKind::Map),
            ("filter", 2) => Some(MacroKind::Filter),
            _ => None,
        };
        match (kind, target) {
            (Some(kind), Some(range)) => self.expand(at, kind, range, args),
            (_, target) => match target.map(|target| (target.at, target.depth, target.kind)) {
                Some((_, _, Kind::Ident(space))) if NAMESPACES.contains(&space.as_str()) => {
                    self.make(at, Kind::Call { name: format!("{space}.{name}"), target: None, args })
                }
                target => {
                    let target = target.map(|(at, depth, kind)| Box::new(Expr { at, depth, kind }));
                    self.make(at, Kind::Call { name, target, args })
                }
            },
        }
    }

    fn expand(&mut self, at: Offset, kind: MacroKind, range: Expr, mut args: Vec<Expr>) -> Parsed {
        let body = args.pop();
        let filter = if args.len() == 2 { args.pop().map(Box::new) } else { None };
        let (Some(body), Some(variable)) = (body, args.pop()) else {
            return Err(RuleFault::new(at, "the macro has too few arguments"));
        };
        let Kind::Ident(name) = variable.kind else {
            return Err(RuleFault::new(variable.at, "the first argument of a macro is the name of a variable"));
        };
        if NAMESPACES.contains(&name.as_str()) {
            return Err(
                RuleFault::new(variable.at, "this name is taken by functions").hint("name the variable differently")
            );
        }
        let parts = Macro { kind, range: Box::new(range), variable: name, filter, body: Box::new(body) };
        let expr = self.make(at, Kind::Macro(parts))?;
        self.loops = self.loops.max(loops(&expr));
        if self.loops > MAX_LOOPS {
            let message = format!("macros may be nested {MAX_LOOPS} deep");
            return Err(RuleFault::new(at, message).hint("put a rule on the items in the schema instead"));
        }
        Ok(expr)
    }
}

/// How deep macros are nested in each other.
fn loops(expr: &Expr) -> usize {
    let mut below = 0;
    expr.each_child(|child| below = below.max(loops(child)));
    below + usize::from(matches!(expr.kind, Kind::Macro(_)))
}
