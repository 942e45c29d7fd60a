//! Rules in CEL.
use super::finder::Finder;
use super::schema::Node;
use super::spec::{CelRule, SchemaFault};
use crate::value::Value;

#[derive(Debug)]
pub(crate) struct CompiledRule;

pub(crate) fn compile(
    node: &mut Node,
    schema: Option<&Value>,
    rules: &[CelRule],
    place: &str,
    faults: &mut Vec<SchemaFault>,
) {
    let _ = (node, schema);
    if !rules.is_empty() {
        faults.push(SchemaFault::new(format!("{place}.rules"), "rules are not supported by this build"));
    }
}

pub(crate) fn check(_: &Node, _: &Value, _: Option<&Value>, _: &mut Finder) {}
