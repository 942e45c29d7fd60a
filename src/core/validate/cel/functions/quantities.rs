//! Quantities such as `500m` and `1Gi`, by the library of kube-cel.
//! Must not know anything else of that crate; what it is given is short and flat, so that it has no way to run long.

use std::rc::Rc;

use kube_cel::KubeCelExt;
use kube_cel::cel;
use kube_cel::cel::common::ast::{CallExpr, Expr, IdedExpr};

use super::super::value::{Evaluated, Failure, Val};

/// A longer text is no quantity.
const MAX_TEXT: usize = 64;

/// Calls a function of the library.
pub(super) fn call<'data>(name: &str, target: Option<&Val<'data>>, args: &[Val<'data>]) -> Evaluated<'data> {
    if let ("isQuantity", [Val::Text(text)]) = (name, args)
        && !is_plain(text.as_str())
    {
        return Ok(Val::Bool(false));
    }
    let mut context = cel::Context::default();
    context.register_all();
    let mut arguments = Vec::new();
    for (index, value) in target.into_iter().chain(args).enumerate() {
        let variable = format!("v{index}");
        context.add_variable_from_value(&variable, outgoing(value)?);
        arguments.push(IdedExpr { id: 0, expr: Expr::Ident(variable) });
    }
    let receiver = target.map(|_| Box::new(arguments.remove(0)));
    let call = CallExpr { func_name: name.to_owned(), target: receiver, args: arguments };
    let expression = IdedExpr { id: 0, expr: Expr::Call(call) };
    let failed = Failure::new("a quantity cannot be read or computed");
    match cel::Value::resolve(&expression, &context).map_err(|_| failed)? {
        cel::Value::Bool(flag) => Ok(Val::Bool(flag)),
        cel::Value::Int(number) => Ok(Val::Int(number)),
        cel::Value::Float(number) => Ok(Val::Double(number)),
        value @ cel::Value::Opaque(_) => Ok(Val::Library("quantity", Rc::new(value))),
        _ => Err(failed),
    }
}

fn outgoing(value: &Val<'_>) -> Result<cel::Value, Failure> {
    match value {
        Val::Text(text) if is_plain(text.as_str()) => Ok(cel::Value::from(text.as_str())),
        Val::Int(number) => Ok(cel::Value::Int(*number)),
        Val::Library(_, value) => Ok((**value).clone()),
        _ => Err(Failure::new("a quantity cannot be read or computed")),
    }
}

/// A sign, digits with at most one point, and a suffix, as Kubernetes writes them.
fn is_plain(text: &str) -> bool {
    const SUFFIXES: [&str; 15] = ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi"];
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let end = unsigned.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at_checked(end).unwrap_or((unsigned, ""));
    let digits = number.chars().any(|c| c.is_ascii_digit()) && number.matches('.').count() <= 1;
    text.len() <= MAX_TEXT && digits && SUFFIXES.contains(&suffix)
}
