//! Dependencies between keys: what needs what, and what counts as set.
//! Must not read files.

use serde_json::json;

use super::*;

fn dependency(when: &str, requires: &[&str]) -> KeyDependency {
    let requires = requires.iter().map(|path| (*path).to_owned()).collect();
    KeyDependency { when: when.to_owned(), requires, severity: Severity::Error }
}

#[test]
fn a_key_that_is_set_needs_the_others() {
    let compiled = compile(&[dependency("tls.on", &["tls.cert", "keys[0]"])], "at").unwrap_or_default();
    let paths = |tree: Value| {
        let findings = check(&compiled, &tree);
        findings.iter().map(|finding| finding.path.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(paths(json!({"tls": {"on": true}})), ["tls.cert", "keys[0]"]);
    assert_eq!(paths(json!({"tls": {"on": 0, "cert": null}, "keys": ["x"]})), ["tls.cert"]);
    for off in [json!({}), json!({"tls": {"on": false}}), json!({"tls": {"on": null}}), json!({"tls": "x"})] {
        assert!(paths(off).is_empty());
    }
}

#[test]
fn broken_paths_are_faults() {
    let faults = compile(&[dependency("", &["a", "b..c"])], "at").err().unwrap_or_default();
    let places: Vec<&str> = faults.iter().map(|fault| fault.place.as_str()).collect();
    assert_eq!(places, ["at[0].when", "at[0].requires[1]"]);
}
