//! Rules over values, as tables; those of tests/cases/rules are also put to the real API server.

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

/// An object of two integers with one rule.
fn two(rule: CelRule) -> Result<(Node, RuleTree), Vec<SchemaFault>> {
    let integer = json!({"type": "integer"});
    compile_one(&json!({"type": "object", "properties": {"a": integer, "b": integer}}), &rule)
}

fn told(rule: CelRule, value: &Value, old: Option<&Value>) -> Vec<String> {
    let (node, tree) = two(rule).unwrap_or_else(|faults| panic!("{faults:?}"));
    let mut finder = Finder::new();
    check(&tree, &node, value, old, &mut finder);
    finder.into_findings().iter().map(ToString::to_string).collect()
}

fn faults(rule: CelRule) -> Vec<String> {
    two(rule)
        .err()
        .unwrap_or_default()
        .iter()
        .map(|fault| SchemaFault { hint: None, ..fault.clone() }.to_string())
        .collect()
}

#[test]
fn a_finding_says_what_the_rule_says_and_never_a_value() {
    let rule = |message: Option<&str>, expression: Option<&str>| CelRule {
        message: message.map(str::to_owned),
        message_expression: expression.map(str::to_owned),
        ..CelRule::new("self.a < self.b")
    };
    let value = json!({"a": 4711, "b": 1});
    let table = [
        (rule(None, None), "does not satisfy self.a < self.b (Cel)"),
        (rule(Some(" a must be below b "), None), "a must be below b (Cel)"),
        (rule(None, Some("'has ' + string(size(self.a > 5 ? 'many' : 'few'))")), "has 4 (Cel)"),
        (rule(None, Some("has(self.a) && self.a > 5 ? 'too large' : 'too small'")), "too large (Cel)"),
        (rule(Some("m"), Some("'a is ' + string(self.a)")), "m (Cel)"),
        (rule(Some("m"), Some("[1].map(x, string(self.a))[0]")), "m (Cel)"),
        (rule(Some("m"), Some("{'k': string(self.a)}['k']")), "m (Cel)"),
        (rule(Some("m"), Some("string(-self.a)")), "m (Cel)"),
        (rule(Some("m"), Some("true ? string(self.a) : ''")), "m (Cel)"),
        (rule(Some("m"), Some("''")), "m (Cel)"),
        (rule(Some("m"), Some("'a\\nb'")), "m (Cel)"),
        (rule(Some("m"), Some("string(1 / size(''))")), "m (Cel)"),
        (rule(Some("m"), Some("dyn(1)")), "m (Cel)"),
        (rule(Some("m"), Some("string([1, 2].all(x, x > 0)) + string(!true)")), "truefalse (Cel)"),
    ];
    for (rule, expected) in table {
        let expression = rule.message_expression.clone();
        assert_eq!(told(rule, &value, None), [expected], "{expression:?}");
    }
}

#[test]
fn a_finding_points_to_the_field_path_and_weighs_what_the_rule_weighs() {
    let rule = CelRule {
        field_path: Some(".a".to_owned()),
        severity: crate::finding::Severity::Warning,
        message: Some("no".to_owned()),
        ..CelRule::new("false")
    };
    let (node, tree) = two(rule).unwrap_or_else(|faults| panic!("{faults:?}"));
    let mut finder = Finder::new();
    check(&tree, &node, &json!({}), None, &mut finder);
    let finding = &finder.findings()[0];
    assert_eq!(finding.path.to_string(), "a");
    assert_eq!(finding.severity, crate::finding::Severity::Warning);
    assert_eq!(finding.hint.as_deref(), Some("the rule is false"));
}

#[test]
fn transitions_are_checked_only_when_there_is_an_older_value() {
    let up = || CelRule::new("self.a >= oldSelf.a");
    assert!(told(up(), &json!({"a": 1}), None).is_empty());
    assert!(told(up(), &json!({"a": 1}), Some(&Value::Null)).is_empty());
    assert!(told(up(), &json!({"a": 2}), Some(&json!({"a": 1}))).is_empty());
    assert_eq!(told(up(), &json!({"a": 1}), Some(&json!({"a": 2}))).len(), 1);
    let first =
        || CelRule { optional_old_self: true, ..CelRule::new("!oldSelf.hasValue() || oldSelf.value().a == self.a") };
    assert!(told(first(), &json!({"a": 1}), None).is_empty());
    assert!(told(first(), &json!({"a": 1}), Some(&json!({"a": 1}))).is_empty());
    assert_eq!(told(first(), &json!({"a": 1}), Some(&json!({"a": 2}))).len(), 1);
}

#[test]
fn what_stands_around_a_rule_is_checked_too() {
    let rule = || CelRule::new("true");
    let with_path = |path: &str| CelRule { field_path: Some(path.to_owned()), ..rule() };
    assert_eq!(
        faults(CelRule { message: Some(" ".to_owned()), ..rule() }),
        ["at.rules[0].message: a message is one line, and not empty"]
    );
    assert_eq!(faults(CelRule { message: Some("a\nb".to_owned()), ..rule() }).len(), 1);
    assert_eq!(
        faults(CelRule { optional_old_self: true, ..rule() }),
        ["at.rules[0].optionalOldSelf: the rule does not use oldSelf"]
    );
    assert_eq!(
        faults(CelRule { message_expression: Some("1".to_owned()), ..rule() }),
        ["at.rules[0].messageExpression:1:1: the result must be string, not int"]
    );
    assert!(faults(with_path("['a']")).is_empty());
    for path in
        ["", "a", ".", ".zz", ".a.b", "['a'", "['a", "[0]", "['\\q']", "['zz\\'\\\\\\a\\b\\f\\n\\r\\t\\v']", ".a]"]
    {
        assert_eq!(faults(with_path(path)).len(), 1, "{path}");
    }
}

#[test]
fn rules_in_the_schema_are_about_the_value_where_they_stand() {
    let positive = json!([{"rule": "self > 0", "message": "must be positive"}]);
    let integer = json!({"type": "integer", "nullable": true, "x-kubernetes-validations": positive});
    let keyed = json!([{"rule": "self.v >= oldSelf.v"}]);
    let schema = json!({
        "type": "object",
        "properties": {
            "one": integer,
            "list": {"type": "array", "items": integer},
            "map": {"type": "object", "additionalProperties": integer},
            "keyed": {
                "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"],
                "items": {
                    "type": "object", "required": ["k"], "x-kubernetes-validations": keyed,
                    "properties": {"k": {"type": "string"}, "v": {"type": "integer"}},
                },
            },
        },
    });
    let value = json!({
        "one": -1, "list": [1, -1, null], "map": {"x": -1}, "keyed": [{"k": "a", "v": 1}, {"k": "b", "v": 1}], "other": 1,
    });
    let old = json!({"keyed": [{"k": "b", "v": 2}, {"k": "a", "v": 1}]});
    let paths: Vec<String> = findings(&schema, &CelRule::new("true"), &value, Some(&old))
        .iter()
        .map(|finding| finding.path.to_string())
        .collect();
    assert_eq!(paths, ["keyed[1]", "list[1]", "map.x", "one"]);
}

#[test]
fn rules_in_a_schema_that_cannot_be_used_are_faults() {
    let at = |rules: Value| {
        let schema = json!({"type": "integer", "x-kubernetes-validations": rules});
        let faults = compile_one(&schema, &CelRule::new("true")).err().unwrap_or_default();
        faults.first().map(|fault| fault.message.clone()).unwrap_or_default()
    };
    assert_eq!(at(json!({})), "must be a list of rules");
    assert_eq!(at(json!(["x"])), "a rule must be an object");
    assert_eq!(at(json!([{"rule": 1}])), "rule must be a text");
    assert_eq!(at(json!([{"rule": "true", "optionalOldSelf": 1}])), "optionalOldSelf must be true or false");
    assert!(at(json!([{"rule": "true", "reason": "x"}])).starts_with("reason must be one of"));
    assert!(at(json!([{"rule": "true", "mesage": "x"}])).starts_with("mesage is not known here"));
    assert_eq!(at(json!([{}])), "the rule is empty");
    assert_eq!(at(json!(vec![json!({"rule": "true"}); 101])), "there may be at most 100 rules in one place");
    assert_eq!(at(json!([{"rule": "true", "message": null, "optionalOldSelf": null}])), "");
    let open = json!({"x-kubernetes-preserve-unknown-fields": true, "x-kubernetes-validations": [{"rule": "true"}]});
    assert_eq!(compile_one(&open, &CelRule::new("true")).err().map(|faults| faults.len()), Some(1));
    let list = json!({"type": "array", "items": {"type": "integer", "x-kubernetes-validations": [{"rule": "self > oldSelf"}]}});
    assert_eq!(compile_one(&list, &CelRule::new("true")).err().map(|faults| faults.len()), Some(1));
}

#[test]
fn a_whole_float_is_no_integer_to_a_rule() {
    let either = json!({"x-kubernetes-int-or-string": true});
    for schema in [json!({"type": "integer"}), either] {
        let schema = json!({"type": "object", "properties": {"a": schema}});
        let findings = findings(&schema, &CelRule::new("type(self.a) != bool"), &json!({"a": 1.0}), None);
        assert_eq!(findings.first().map(|finding| finding.rule), Some(Rule::CelError), "{schema}");
    }
}

#[test]
fn without_a_schema_everything_is_looked_up_when_the_rule_runs() {
    let node = Node::anything();
    let mut faults = Vec::new();
    let rules = [CelRule::new(
        "self.pool <= self.max && self.name != null && self['a-b'].size() == 1 && has(self.nil) && self.big > 1.0",
    )];
    let path = CelRule { field_path: Some(".x.y".to_owned()), ..CelRule::new("false") };
    let tree = compile(&node, None, &[rules[0].clone(), path], "at", &mut faults);
    assert_eq!(faults, []);
    let value = json!({"pool": 1, "max": 2.5, "name": "x", "a-b": ["x"], "nil": null, "big": u64::MAX});
    let mut finder = Finder::new();
    check(&tree, &node, &value, None, &mut finder);
    let paths: Vec<String> = finder.findings().iter().map(|finding| finding.path.to_string()).collect();
    assert_eq!(paths, ["x.y"]);
}

/// Texts at and beyond every limit. Each ends in a fault or a finding, on a thread with a stack of 2 MiB.
fn hostile() -> Vec<String> {
    let many = |part: &str, times: usize| part.repeat(times);
    let list = "[0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9]";
    vec![
        many("(", 4000),
        many("[", 4000),
        many("{", 4000),
        many("!", 4000),
        many("-", 4000),
        many("a.", 2000),
        many("a(", 2000),
        many("a[", 2000),
        many("1+", 2000) + "1 == 1",
        many("1+", 140) + "1 == 141",
        many("(", 39) + "true" + &many(")", 39),
        many("[", 39) + &many("]", 39) + " == []",
        many("!(", 39) + "true" + &many(")", 39),
        many("true?", 800) + "true" + &many(":true", 800),
        many("true ? true : ", 38) + "true",
        many("true && ", 149) + "true",
        many("true || ", 500) + "true",
        many("self.a < self.b && ", 48) + "true",
        many("!!(", 39) + "true" + &many(")", 39),
        "'".to_owned() + &many("a", 5000) + "'",
        format!("{list}.all(a, {list}.all(b, {list}.all(c, {list}.all(d, a + b + c + d >= 0))))"),
        format!("{list}.map(a, {list}.map(b, {list}.map(c, {list}.map(d, a + b + c + d)))) == []"),
        format!("{list}.all(a, {list}.all(b, {list}.all(c, {list}.all(d, {list}.all(e, true)))))"),
        format!("{list}{} == []", many(".map(x, [x, x])", 40)),
        format!("['{}']{}.size() == 1", many("a", 1000), many(".map(x, x + x)", 60)),
        format!("'{}'{}.size() == 1", many("a", 1000), many(".replace('a', 'aaaaaaaaaaaaaaaaaaaa')", 30)),
        format!("'{}'.matches('(a+)+$') && '{}b'.matches('^(a|aa)+$')", many("a", 1000), many("a", 1000)),
        format!("'a'.matches('{}')", many("(a{100}){10}", 30)),
        format!("'a'.matches('{}')", many("(", 1000)),
        format!("{list}.all(x, '{}'.matches('^(([a-z])+.)+[A-Z]([a-z])+$'))", many("a", 2000)),
        many("{'a': ", 60) + "1" + &many("}", 60) + " == {}",
        many("optional.of(", 39) + "1" + &many(")", 39) + ".hasValue()",
        many("\u{0}", 100),
        many("é", 2000),
        "\"\\".to_owned(),
        many("//\n", 1000),
        many("1..", 1000),
        many("0x", 1000),
    ]
}

#[test]
fn no_rule_takes_long_or_ends_the_process() {
    for rule in hostile() {
        let began = super::super::tests::elapsed();
        let result = two(CelRule::new(rule.clone()));
        if let Ok((node, tree)) = result {
            let mut finder = Finder::new();
            check(&tree, &node, &json!({"a": 1, "b": 2}), None, &mut finder);
        }
        let took = super::super::tests::elapsed() - began;
        let start: String = rule.chars().take(60).collect();
        // Far above what it takes, as other tests run at the same time; unbounded work would take for ever.
        assert!(took < std::time::Duration::from_secs(20), "{start} took {took:?}");
    }
}

#[test]
fn a_budget_bounds_all_rules_together() {
    let item = json!([{"rule": "[1,2,3,4,5,6,7,8,9,0].all(a, [1,2,3,4,5,6,7,8,9,0].all(b, [1,2,3,4,5,6,7,8,9,0].all(c, self >= 0)))"}]);
    let schema = json!({"type": "array", "items": {"type": "integer", "x-kubernetes-validations": item}});
    let value = Value::from(vec![1; 5000]);
    let findings = findings(&schema, &CelRule::new("true"), &value, None);
    assert!(findings.iter().all(|finding| finding.rule == Rule::CelError));
    assert!(!findings.is_empty());
}

#[test]
fn patterns_of_rules_have_a_size_together() {
    let rule = |number: usize| json!({"rule": format!("self.matches('^[a-z]{{900}}{number}$')")});
    let text = |from: usize| json!({"type": "string", "x-kubernetes-validations": (from..from + 90).map(rule).collect::<Vec<_>>()});
    let properties: serde_json::Map<String, Value> =
        (0..10).map(|number| (format!("k{number}"), text(number * 90))).collect();
    let schema = json!({"type": "object", "properties": properties});
    let faults = compile_one(&schema, &CelRule::new("true")).err().unwrap_or_default();
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].message, "the patterns in the rules up to here are too large together");
}
