//! Which layer wins, what a variable means, and what is refused, each as the user would meet it.
//! Must not read the environment of the tests.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::digest::Digest;

fn layout(environment: Option<&str>) -> Layout {
    Layout {
        base: BaseName::parse("app").unwrap(),
        base_required: true,
        environment: environment.map(|name| EnvironmentName::parse(name).unwrap()),
        prefix: Prefix::parse("APP").unwrap(),
        dialect: Dialect::Yaml12,
    }
}

fn files(files: &[(&str, &str)]) -> BTreeMap<DocumentName, Bytes> {
    let named = files
        .iter()
        .map(|(name, content)| (DocumentName::parse(*name).unwrap(), Bytes::copy_from_slice(content.as_bytes())));
    named.collect()
}

fn variables(variables: &[(&str, &str)]) -> Variables {
    variables.iter().copied().collect()
}

fn tree(environment: Option<&str>, given: &[(&str, &str)], process: &[(&str, &str)]) -> Value {
    layout(environment).lay(&files(given), &variables(process)).unwrap().tree().clone()
}

fn refused(given: &[(&str, &str)], process: &[(&str, &str)]) -> Vec<String> {
    let findings = layout(Some("test")).lay(&files(given), &variables(process)).unwrap_err();
    findings.iter().map(ToString::to_string).collect()
}

#[test]
fn each_layer_lies_over_the_ones_before() {
    let all = [
        ("app.yaml", "from: base\n"),
        ("app.production.toml", "from = 'environment'\n"),
        (".env", "APP__FROM=env\n"),
        (".env.production", "APP__FROM=env of environment\n"),
        (".env.local", "APP__FROM=local env\n"),
        (".env.production.local", "APP__FROM=local env of environment\n"),
    ];
    let texts =
        ["base", "environment", "env", "env of environment", "local env", "local env of environment"].into_iter();
    for (count, expected) in (1..).zip(texts) {
        assert_eq!(tree(Some("production"), &all[..count], &[]), json!({"from": expected}));
    }
    assert_eq!(tree(Some("production"), &all, &[("APP__FROM", "process")]), json!({"from": "process"}));
    assert_eq!(tree(Some("staging"), &all, &[]), json!({"from": "local env"}));
    assert_eq!(tree(None, &all, &[]), json!({"from": "local env"}));
}

#[test]
fn maps_are_merged_and_anything_else_is_replaced() {
    let given = [
        ("app.yaml", "db: {host: a, ports: [1, 2]}\non: true\n"),
        ("app.test.json", r#"{"db": {"ports": [3]}, "more": null}"#),
    ];
    let expected = json!({"db": {"host": "b", "ports": [3]}, "on": false, "more": "x"});
    assert_eq!(tree(Some("test"), &given, &[("APP__DB__HOST", "b"), ("APP__ON", "off"), ("APP__MORE", "x")]), expected);
}

#[test]
fn a_variable_takes_the_type_of_what_it_lies_over() {
    let base = [("app.yaml", "int: 1\nfloat: 1.5\nbool: true\ntext: a\nlist: [1]\nmap: {a: 1, b: 2}\nnone:\n")];
    let process = [
        ("APP__INT", "0.5"),
        ("APP__FLOAT", "-2"),
        ("APP__BOOL", "No"),
        ("APP__TEXT", "007"),
        ("APP__LIST", r#"["x", 2]"#),
        ("APP__MAP", r#"{"b": 3}"#),
        ("APP__NONE", "5"),
        ("APP__NEW__KEY", "6"),
    ];
    let expected = json!({
        "int": 0.5, "float": -2, "bool": false, "text": "007", "list": ["x", 2], "map": {"a": 1, "b": 3}, "none": "5",
        "new": {"key": "6"},
    });
    assert_eq!(tree(None, &base, &process), expected);
}

#[test]
fn a_variable_finds_its_key_however_the_key_is_written() {
    let base = [("app.yaml", "poolSize: 1\nidle-time: 1\nMAX_WAIT: 1\nTLS: {certFile: a}\n")];
    let process =
        [("APP__POOL_SIZE", "2"), ("APP__IDLE_TIME", "3"), ("APP__MAXWAIT", "4"), ("APP__TLS__CERT_FILE", "b")];
    let expected = json!({"poolSize": 2, "idle-time": 3, "MAX_WAIT": 4, "TLS": {"certFile": "b"}});
    assert_eq!(tree(None, &base, &process), expected);
}

#[test]
fn what_fits_nowhere_is_refused_with_its_name_and_without_its_value() {
    let base = ("app.yaml", "pool: 5\nhosts: [a]\nmaxSize: 1\nmax_size: 2\non: true\ndb: {}\n");
    let process = [
        ("APP__POOL", "hunter2"),
        ("APP__POOL__SIZE", "hunter2"),
        ("APP__HOSTS", "hunter2"),
        ("APP__HOSTS__0", "hunter2"),
        ("APP__MAXSIZE", "7"),
        ("APP__ON", "hunter2"),
        ("APP__DB", "[\"hunter2\"]"),
        ("APP____X", "hunter2"),
        ("APP__NEW", "1"),
        ("APP__new", "2"),
    ];
    let expected = [
        "the environment variable APP__DB must be a map, as JSON, as the value that it lies over (Type)",
        "the environment variable APP__HOSTS must be a list, as JSON, as the value that it lies over (Type)",
        "the environment variable APP__HOSTS__0 leads into the list hosts; set the whole list, as JSON (Type)",
        "the environment variable APP__MAXSIZE may mean maxSize and max_size (DuplicateKey)",
        "the environment variable APP__ON must be a boolean, as the value that it lies over (Type)",
        "the environment variable APP__POOL must be a number, as the value that it lies over (Type)",
        "the environment variable APP__POOL__SIZE leads through pool, which is of the type integer (Type)",
        "the environment variable APP____X has an empty key between its `__` (Syntax)",
        "the environment variable APP__new sets new, which another variable sets already (DuplicateKey)",
    ];
    assert_eq!(refused(&[base], &process), expected);

    let env = (".env", "OTHER=1\nAPP__POOL=hunter2\n");
    assert_eq!(
        refused(&[base, env], &[]),
        [".env:2:11: the variable APP__POOL must be a number, as the value that it lies over (Type)"]
    );
    assert!(layout(None).lay(&files(&[base, env]), &variables(&[("APP__POOL", "1")])).is_ok(), "it is not looked at");
}

#[test]
fn files_that_contradict_each_other_or_say_nothing_are_refused() {
    assert_eq!(refused(&[], &[]), ["there is no base file (RequiredDocument)"]);
    assert_eq!(
        refused(&[("app.json", "{}"), ("app.yaml", ""), ("app.test.json", "[1]"), ("app.other.json", "{")], &[]),
        ["app.yaml: stands in one place with app.json (Unsupported)", "app.test.json: must be a map of keys (Type)"]
    );
    assert_eq!(refused(&[("app.json", "{"), (".env", "=")], &[]).len(), 2);
    let free = Layout { base_required: false, ..layout(None) };
    assert_eq!(free.lay(&files(&[]), &variables(&[("APP__A", "1")])).unwrap().tree(), &json!({"a": "1"}));
}

#[test]
fn only_files_with_a_part_in_it_are_wanted() {
    let layout = layout(Some("test"));
    for wanted in [
        "app.yaml",
        "app.yml",
        "app.json",
        "app.toml",
        "app.properties",
        "app.test.json",
        ".env",
        ".env.test",
        ".env.local",
        ".env.test.local",
    ] {
        assert!(layout.wants(wanted), "{wanted}");
    }
    for other in [
        "app",
        "app.txt",
        "app.prod.yaml",
        "app.test.more.yaml",
        "apple.yaml",
        "my.app.yaml",
        ".env.prod",
        ".environment",
        ".env.test.more",
        "prod.env",
        ".envrc",
    ] {
        assert!(!layout.wants(other), "{other}");
    }
}

#[test]
fn the_digest_is_the_operators_until_a_variable_takes_part() {
    let given = files(&[("app.yaml", "a: 1"), (".env", "APP__A=2")]);
    let digest = |process: &[(&str, &str)]| layout(None).lay(&given, &variables(process)).unwrap().digest();
    let of_files = Digest::of(&layout(None).documents(&given));
    assert_eq!(of_files, Digest::of(&Documents::join([given.clone()])));
    assert_eq!(digest(&[("HOME", "/")]), of_files);
    assert_ne!(digest(&[("APP__A", "2")]), of_files);
    assert_ne!(digest(&[("APP__A", "2")]), digest(&[("APP__A", "3")]));
}

#[test]
fn names_are_checked() {
    for bad in ["", "a.b", "a b", "local"] {
        assert!(EnvironmentName::parse(bad).is_err(), "{bad}");
    }
    for bad in ["", "A__B", "_A", "A_", "1A", "A-B"] {
        assert!(Prefix::parse(bad).is_err(), "{bad}");
    }
    assert!(EnvironmentName::parse("Production").unwrap().is_production());
    assert!(!EnvironmentName::parse("preproduction").unwrap().is_production());
    assert!(BaseName::parse("my-app_2").is_ok() && Prefix::parse("MY_APP2").is_ok());
}

#[test]
fn what_decides_about_reloading_comes_in_its_order() {
    let production = EnvironmentName::parse("production").unwrap();
    let staging = EnvironmentName::parse("staging").unwrap();
    let decide = |argument, variable, environment, allowed| {
        Switch::decide(argument, variable, environment, allowed).map(|Switch { on, because }| (on, because))
    };
    assert_eq!(decide(Some(true), Some("false"), Some(&production), false), Ok((true, Because::Argument)));
    assert_eq!(decide(Some(false), Some("nonsense"), None, true), Ok((false, Because::Argument)));
    assert_eq!(decide(None, Some("on"), Some(&production), false), Ok((true, Because::Variable)));
    assert_eq!(decide(None, Some("0"), Some(&staging), true), Ok((false, Because::Variable)));
    assert_eq!(decide(None, Some("nonsense"), None, true), Err(InvalidSwitch));
    assert_eq!(decide(None, Some(""), Some(&production), false), Ok((false, Because::Production)));
    assert_eq!(decide(None, None, Some(&production), true), Ok((true, Because::AllowedInProduction)));
    assert_eq!(decide(None, None, Some(&staging), false), Ok((true, Because::NotProduction)));
    assert_eq!(decide(None, None, None, false), Ok((true, Because::NotProduction)));
}

proptest! {
    #![proptest_config(crate::cases::cases(256))]

    #[test]
    fn no_variable_shows_its_value_in_what_is_said(
        base in "(a|a_b|list): (1|true|text|\\[1\\]|\\{b: 1\\})\n",
        name in "APP__[AB_]{0,6}(__[AB0]{0,2})?",
        value in "s3cr3t[a-z\\[\\{\"1]{0,8}",
    ) {
        let given = files(&[("app.yaml", &base)]);
        let given = [(name.as_str(), value.as_str())].into_iter().collect::<Variables>().laid(&given);
        prop_assert!(!given.contains("s3cr3t"), "{given}");
    }
}

impl Variables {
    /// Everything that is said of them when they are laid over these files.
    fn laid(&self, files: &BTreeMap<DocumentName, Bytes>) -> String {
        match layout(None).lay(files, self) {
            Ok(configuration) => format!("{configuration:?} {self:?}"),
            Err(findings) => format!("{findings:?} {self:?}"),
        }
    }
}
