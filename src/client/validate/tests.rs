//! Checks of the application: all are heard, and none can harm another.
//! Must not read files.

use std::collections::BTreeMap;

use rekindle_core::document::{DocumentName, Documents};
use rekindle_core::format::Dialect;
use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
#[expect(dead_code, reason = "only whether it can be read counts")]
struct Pool {
    size: u8,
}

fn found(checks: &Checks, text: &'static str) -> Vec<String> {
    let name = DocumentName::parse("app.yaml").unwrap();
    let documents = Documents::join([BTreeMap::from([(name, text.into())])]);
    let configuration = Configuration::parse(documents, Dialect::Yaml12).unwrap();
    let tree = Tree::from(configuration.tree());
    let found = checks.run(&Candidate { configuration: &configuration, tree: &tree, running: None });
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn every_check_is_heard_and_a_panic_is_a_finding() {
    let mut checks = Checks::default();
    checks.add("warns", |_: &Candidate<'_>| vec![Finding::warning(Rule::Custom, "is odd")]);
    checks.add("panics", |candidate: &Candidate<'_>| match candidate.get("pool.size") {
        Ok(5) => panic!("hunter2"),
        _ => Vec::new(),
    });
    checks.add_type::<Pool>("pool");

    assert_eq!(found(&checks, "pool: {size: 7}"), ["is odd (Custom)"]);
    assert_eq!(found(&checks, "pool: {size: 5}"), ["is odd (Custom)", "the check \"panics\" panicked (CustomFailed)"]);
    assert_eq!(
        found(&checks, "pool: {size: hunter2}"),
        ["is odd (Custom)", "`pool.size` must be u8, but is of the type string (Custom)"]
    );
    assert_eq!(format!("{checks:?}"), r#"["warns", "panics", "type of pool"]"#);
}
