//! Rules over values, as tables.

use serde_json::json;

use super::super::read;
use super::*;
use crate::validate::{CelRule, SchemaFault};

/// A value with something of every type, and its schema.
fn everything() -> (Value, Value) {
    let text = include_str!("../../../../tests/cases/rules/everything.json");
    let mut both: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}"));
    (both["schema"].take(), both["value"].take())
}

fn rules_in(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn compile_one(schema: &Value, rule: &CelRule) -> Result<(Node, RuleTree), Vec<SchemaFault>> {
    let node = read::read(schema, "schema")?;
    let mut faults = Vec::new();
    let tree = compile(&node, Some(schema), std::slice::from_ref(rule), "at", &mut faults);
    if faults.is_empty() { Ok((node, tree)) } else { Err(faults) }
}

fn findings(schema: &Value, rule: &CelRule, value: &Value, old: Option<&Value>) -> Vec<Finding> {
    let (node, tree) = compile_one(schema, rule).unwrap_or_else(|faults| panic!("{}: {faults:?}", rule.rule));
    let mut finder = Finder::new();
    check(&tree, &node, value, old, &mut finder);
    finder.into_findings()
}

/// Collects all that come out otherwise, which is quicker to mend than one at a time.
fn all_come_out(rules: &[&str], expected: &str) {
    let told = |rule: &&&str| match fault(rule) {
        fault if fault.is_empty() => outcome(rule).to_owned(),
        fault => fault,
    };
    let wrong: Vec<String> = rules
        .iter()
        .map(|rule| format!("{}: {rule}", told(&rule)))
        .filter(|line| !line.starts_with(&format!("{expected}: ")))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn outcome(rule: &str) -> &'static str {
    let (schema, value) = everything();
    match findings(&schema, &CelRule::new(rule), &value, None).first().map(|finding| finding.rule) {
        None => "holds",
        Some(Rule::Cel) => "fails",
        Some(_) => "error",
    }
}

fn fault(rule: &str) -> String {
    let (schema, _) = everything();
    let faults = compile_one(&schema, &CelRule::new(rule)).err().unwrap_or_default();
    faults.first().map(|fault| SchemaFault { hint: None, ..fault.clone() }.to_string()).unwrap_or_default()
}

#[test]
fn rules_that_hold() {
    let rules: Vec<&str> = rules_in(include_str!("../../../../tests/cases/rules/hold.txt")).collect();
    all_come_out(&rules, "holds");
}

#[test]
fn rules_that_fail() {
    for rule in
        ["false", "self.i == 6", "!self.b", "self.l.all(x, x > 1)", "self.s.matches('^x')", "has(self.no)", "!!false"]
    {
        assert_eq!(outcome(rule), "fails", "{rule}");
    }
}

#[test]
fn rules_without_a_result_refuse() {
    let rules: Vec<&str> = rules_in(include_str!("../../../../tests/cases/rules/error.txt")).collect();
    all_come_out(&rules, "error");
}

#[test]
fn what_the_server_refuses_is_a_fault_with_its_place() {
    let table = [
        ("", "at.rules[0].rule: the rule is empty"),
        ("self.i ==", "at.rules[0].rule:1:10: the expression ends too early"),
        ("self.i == 'a'", "at.rules[0].rule:1:8: `==` does not apply to int and string"),
        ("true &&\n self.s", "at.rules[0].rule:2:7: a condition must be bool, not string"),
        ("self.i", "at.rules[0].rule:1:6: the result must be bool, not int"),
        ("self.zz == 1", "at.rules[0].rule:1:6: the schema has no field \"zz\""),
        ("self.u == 1", "at.rules[0].rule:1:6: the schema gives the field \"u\" no type"),
        ("self.any.k == 1", "at.rules[0].rule:1:10: the schema gives the field \"k\" no type"),
        ("self.i.x == 1", "at.rules[0].rule:1:8: int has no fields"),
        ("foo == 1", "at.rules[0].rule:1:1: there is no variable \"foo\""),
        ("foo(1) == 1", "at.rules[0].rule:1:1: there is no function foo()"),
        ("self.s.foo()", "at.rules[0].rule:1:8: there is no function foo()"),
        ("self.i.size() == 1", "at.rules[0].rule:1:8: there is no int.size()"),
        ("size(1) == 1", "at.rules[0].rule:1:1: there is no size(int)"),
        ("self.s.contains(1)", "at.rules[0].rule:1:8: there is no string.contains(int)"),
        ("self.l.indexOf('a') == 1", "at.rules[0].rule:1:8: there is no list(int).indexOf(string)"),
        ("sets.contains([1], ['a'])", "at.rules[0].rule:1:6: there is no sets.contains(list(int), list(string))"),
        ("self.o.size() == 1", "at.rules[0].rule:1:8: there is no object.size()"),
        ("self.l['a'] == 1", "at.rules[0].rule:1:7: list(int) has no place string"),
        ("self.o['x'] == 1", "at.rules[0].rule:1:7: object has no place string"),
        ("'x' in self.o", "at.rules[0].rule:1:5: `in` does not apply to string and object"),
        ("1 == 1.0", "at.rules[0].rule:1:3: `==` does not apply to int and double"),
        ("self.i == null", "at.rules[0].rule:1:8: `==` does not apply to int and null"),
        ("self.l == null", "at.rules[0].rule:1:8: `==` does not apply to list(int) and null"),
        ("self.o == self.os[0]", "at.rules[0].rule:1:8: `==` does not apply to object and object"),
        ("1 + 1.0 == 2.0", "at.rules[0].rule:1:3: `+` does not apply to int and double"),
        ("1.5 % 1.0 == 1.0", "at.rules[0].rule:1:5: `%` does not apply to double and double"),
        ("'a' - 'b' == 'c'", "at.rules[0].rule:1:5: `-` does not apply to string and string"),
        ("'a' * 2 == 'c'", "at.rules[0].rule:1:5: `*` does not apply to string and int"),
        ("self.l < self.l", "at.rules[0].rule:1:8: `<` does not apply to list(int) and list(int)"),
        ("[1, 'a'].size() == 2", "at.rules[0].rule:1:5: this is string, but what stands before it is int"),
        ("{'a': 1, 'b': 'c'}.size() == 2", "at.rules[0].rule:1:10: the entries of a map must be of one type"),
        ("{'a': 1, 2: 1}.size() == 2", "at.rules[0].rule:1:10: the entries of a map must be of one type"),
        ("{1.5: 1}.size() == 2", "at.rules[0].rule:1:2: double cannot be a key"),
        ("(true ? 1 : 'a') == 1", "at.rules[0].rule:1:2: the two sides of `?:` are int and string"),
        ("1 ? true : false", "at.rules[0].rule:1:1: a condition must be bool, not int"),
        ("!1", "at.rules[0].rule:1:2: a condition must be bool, not int"),
        ("-'a' == 1", "at.rules[0].rule:1:1: `-` does not apply to string"),
        ("-!true", "at.rules[0].rule:1:2: a value is missing before `!`"),
        ("!-1 == 1", "at.rules[0].rule:1:1: `!` does not apply to a number"),
        ("self.i.all(x, true)", "at.rules[0].rule:1:8: int has no items"),
        ("self.o.all(x, true)", "at.rules[0].rule:1:8: object has no items"),
        ("self.l.all(x, x)", "at.rules[0].rule:1:15: a condition must be bool, not int"),
        ("self.l.map(x, x, x) == []", "at.rules[0].rule:1:15: a condition must be bool, not int"),
        ("self.l.all(1, true)", "at.rules[0].rule:1:12: the first argument of a macro is the name of a variable"),
        ("self.l.all(sets, true)", "at.rules[0].rule:1:12: this name is taken by functions"),
        ("self.l.all(i, v, true)", "at.rules[0].rule:1:8: there is no function all()"),
        ("x.all(x, true)", "at.rules[0].rule:1:1: there is no variable \"x\""),
        ("has(self)", "at.rules[0].rule:1:1: has() asks for a field"),
        ("has(self.zz)", "at.rules[0].rule:1:10: the schema has no field \"zz\""),
        ("self.?i == 1", "at.rules[0].rule:1:5: optional selection `.?` is not supported"),
        ("self.l[?0] == 1", "at.rules[0].rule:1:8: optional indexing `[?` is not supported"),
        ("[?1] == 1", "at.rules[0].rule:1:2: optional items are not supported"),
        ("Foo{a: 1} == 1", "at.rules[0].rule:1:4: struct literals are not supported"),
        ("self.s.matches('(')", "at.rules[0].rule:1:16: a `(` is not closed"),
        ("self.s.matches(self.s)", "at.rules[0].rule:1:21: the pattern must be written in the rule"),
        ("duration('x') == self.d", "at.rules[0].rule:1:10: this is not a duration"),
        ("timestamp('x') == self.t", "at.rules[0].rule:1:11: this is not a time"),
        ("true true", "at.rules[0].rule:1:6: this does not continue the expression"),
        ("(true", "at.rules[0].rule:1:6: `)` is missing here"),
        ("[1 2] == []", "at.rules[0].rule:1:4: `,` is missing here"),
        ("{1 2} == {}", "at.rules[0].rule:1:4: `:` is missing here"),
        ("{1: 2 3: 4} == {}", "at.rules[0].rule:1:7: `,` is missing here"),
        ("self. == 1", "at.rules[0].rule:1:7: the name of a field or function is missing here"),
        ("for == 1", "at.rules[0].rule:1:1: `for` is a reserved word"),
        ("9223372036854775808 == 1", "at.rules[0].rule:1:1: this number is too large"),
        ("99999999999999999999u == 1u", "at.rules[0].rule:1:1: this number is too large"),
        ("0xfffffffffffffffff == 1", "at.rules[0].rule:1:1: this number is too large"),
        ("1e999 == 1.0", "at.rules[0].rule:1:1: this number is too large"),
        ("'a", "at.rules[0].rule:1:1: this text is not closed"),
        ("'a\nb' == ''", "at.rules[0].rule:1:1: this text is not closed on its line"),
        ("'\\q' == ''", "at.rules[0].rule:1:2: this escape is not known"),
        ("'\\x1' == ''", "at.rules[0].rule:1:2: this escape has too few digits"),
        ("'\\ud800' == ''", "at.rules[0].rule:1:2: this is not a character"),
        ("'\\", "at.rules[0].rule:1:2: this text is not closed"),
        ("b'\\u0041' == b''", "at.rules[0].rule:1:3: this escape is not known"),
        ("self.i # 1", "at.rules[0].rule:1:8: the character '#' has no meaning here"),
        ("self.i & 1 == 1", "at.rules[0].rule:1:8: this does not continue the expression"),
        ("self.i == 1 ? true", "at.rules[0].rule:1:19: `:` is missing here"),
    ];
    let wrong: Vec<String> = table
        .iter()
        .map(|(rule, expected)| (rule, expected, fault(rule)))
        .filter(|(_, expected, told)| *expected != told)
        .map(|(rule, expected, told)| format!("{rule}\n  expected {expected}\n  told     {told}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
