//! What programs read, from real files and given variables, and that reloading that is off changes none of it.
//! Must not read or change the environment of the tests.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;

use rekindle_core::value::Value;
use serde::Deserialize;
use serde_json::json;
use tempfile::TempDir;

use super::*;

#[cfg(feature = "watch")]
mod hot;
#[cfg(all(feature = "watch", feature = "receiver"))]
mod pushes;
#[cfg(feature = "watch")]
mod safety;
#[cfg(feature = "watch")]
mod same;
#[cfg(feature = "watch")]
mod stats;
#[cfg(all(feature = "watch", feature = "versions"))]
mod versions;

fn directory(files: &[(&str, &str)]) -> TempDir {
    let directory = TempDir::new().unwrap();
    for (name, content) in files {
        fs::write(directory.path().join(name), content).unwrap();
    }
    directory
}

fn settings(directory: &TempDir, variables: &[(&str, &str)]) -> Settings {
    let owned = |(name, value): &(&str, &str)| (OsString::from(*name), OsString::from(*value));
    Settings::new(directory.path(), variables.iter().map(owned).collect::<Vec<_>>())
}

#[derive(Debug, PartialEq, Deserialize)]
struct Database {
    host: String,
    pool: u32,
    timeouts: BTreeMap<String, f64>,
}

#[test]
fn a_program_reads_its_files_and_variables_as_its_own_types() {
    let directory = directory(&[
        ("app.yaml", "database: {host: localhost, pool: 5, timeouts: {read: 1.5}}\nhosts: [a, b]\n"),
        ("app.production.toml", "database.host = 'db.internal'\n"),
        (".env", "APP__DATABASE__TIMEOUTS__CONNECT=3\nAPP__DATABASE__POOL=10\n"),
        ("notes about this folder.txt", "not ours"),
    ]);
    let variables = [("REKINDLE_ENV", "production"), ("APP__DATABASE__POOL", "20"), ("HOME", "/")];
    let provider = EnvironmentProvider::load(settings(&directory, &variables)).unwrap();

    let timeouts = BTreeMap::from([("read".to_owned(), 1.5), ("connect".to_owned(), 3.0)]);
    let expected = Database { host: "db.internal".to_owned(), pool: 20, timeouts };
    assert_eq!(provider.get::<Database>("database"), Ok(expected));
    assert_eq!(provider.get_or("database.retries", 3), Ok(3));
    assert_eq!(provider.get::<Vec<String>>("hosts").unwrap(), ["a", "b"]);
    assert!(provider.contains("hosts[1]") && !provider.contains("home"));
    assert_eq!((provider.version(), provider.digest()), (VersionNumber(1), provider.snapshot().digest()));

    let shared: Arc<dyn ConfigProvider> = Arc::new(provider);
    assert_eq!(shared.get::<u32>("database.pool"), Ok(20));
    assert!(!format!("{:?}", shared.peek()).contains("internal"));
}

#[test]
fn a_provider_of_a_test_needs_no_files() {
    struct Fixed(Arc<Snapshot>);
    impl ConfigProvider for Fixed {
        fn peek(&self) -> Peek {
            self.0.clone().into()
        }
    }
    let fixed = Fixed(crate::store::Store::of_tree(&json!({"pool": 5})).load());
    assert_eq!(fixed.get("pool"), Ok(5));
    assert_eq!(fixed.snapshot(), fixed.0);
}

#[test]
fn what_is_refused_at_the_start_is_said_with_all_findings() {
    let directory = directory(&[("app.yaml", "pool: 500\nname: hunter2\n")]);
    let load = |settings: Settings| EnvironmentProvider::load(settings).map(drop).map_err(|error| error.to_string());
    let checked = settings(&directory, &[])
        .check_type::<u8>("pool")
        .check_type::<u8>("name")
        .check("odd", |_: &crate::validate::Candidate<'_>| {
            vec![crate::Finding::warning(crate::Rule::Custom, "is odd")]
        });
    let expected = format!(
        "load the configuration from {}: `pool` must be u8, and its value is something else (Custom) (and 1 more)",
        directory.path().display()
    );
    assert_eq!(load(checked), Err(expected));
    assert!(load(settings(&directory, &[]).base("other")).unwrap_err().contains("there is no base file"));
    assert!(load(Settings::new(directory.path().join("gone"), [])).unwrap_err().contains("is not there"));
    assert_eq!(load(settings(&directory, &[("REKINDLE_ENV", "a b")])), Err("use the settings".to_owned()));
    assert_eq!(load(settings(&directory, &[("REKINDLE_ENV", "")]).base_required(false)), Ok(()));
}

#[cfg(feature = "schema")]
#[test]
fn the_operators_schema_holds_for_files_and_for_what_variables_make_of_them() {
    let schema = r#"
apiVersion: rekindle.dev/v1alpha1
kind: ConfigSchema
metadata: {name: checkout}
spec:
  documents:
    - match: app.yaml
      required: true
      schema: {type: object, properties: {pool: {type: integer, maximum: 100}, mode: {type: string}}}
  merged:
    schema: {type: object, properties: {pool: {type: integer}, mode: {type: string}}}
    rules: [{rule: "self.mode != 'safe' || self.pool <= 10", message: "too many for the safe mode", fieldPath: .pool}]
  yaml: "1.1"
"#;
    let directory = directory(&[("app.yaml", "pool: 0144\nmode: fast\n"), ("schema.yaml", schema)]);
    let load = |variables: &[(&str, &str)]| {
        let settings = settings(&directory, variables).schema(directory.path().join("schema.yaml"));
        EnvironmentProvider::load(settings).map_err(|error| error.to_string())
    };
    assert_eq!(load(&[]).unwrap().get("pool"), Ok(100), "as YAML 1.1 has it");
    assert_eq!(load(&[("APP__POOL", "9"), ("APP__MODE", "safe")]).unwrap().get("pool"), Ok(9));
    let refused = load(&[("APP__MODE", "safe")]).unwrap_err();
    assert!(refused.contains("pool: too many for the safe mode (Cel)"), "{refused}");
    fs::write(directory.path().join("app.yaml"), "pool: 101\nmode: fast\n").unwrap();
    let refused = load(&[]).unwrap_err();
    assert!(refused.contains("app.yaml:1:"), "{refused}");
    fs::write(directory.path().join("schema.yaml"), schema.replace("self.mode", "self.mod")).unwrap();
    let unusable = load(&[]).unwrap_err();
    assert!(unusable.contains("use the schema") && unusable.contains("merged.rules[0].rule"), "{unusable}");
    fs::remove_file(directory.path().join("schema.yaml")).unwrap();
    assert!(load(&[]).unwrap_err().starts_with("read the schema"));
}

#[test]
fn warnings_do_not_refuse_and_can_be_read() {
    let directory = directory(&[("app.yaml", "")]);
    let odd = |_: &crate::validate::Candidate<'_>| vec![crate::Finding::warning(crate::Rule::Custom, "is odd")];
    let provider = EnvironmentProvider::load(settings(&directory, &[]).check("odd", odd)).unwrap();
    assert_eq!(provider.warnings().iter().map(ToString::to_string).collect::<Vec<_>>(), ["is odd (Custom)"]);
    assert_eq!(provider.get::<Value>(""), Ok(json!({})));
}
