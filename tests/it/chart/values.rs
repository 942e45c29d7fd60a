//! The values: each is documented, each is in the schema, and whatever is not is refused by name.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value, json};

use super::helm::Helm;
use super::{CHART, Case, read};

fn values() -> Result<Value> {
    serde_saphyr::from_str(&read("charts/rekindle/values.yaml")?).context("read values.yaml")
}

fn schema() -> Result<Value> {
    serde_json::from_str(&read("charts/rekindle/values.schema.json")?).context("read values.schema.json")
}

/// Each value that has no values of its own, by its path.
fn leaves(value: &Value, schema: &Value, path: &str, found: &mut BTreeMap<String, Value>) {
    match (value.as_object(), schema["properties"].as_object()) {
        (Some(values), Some(known)) if !values.is_empty() => {
            for (name, value) in values {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                leaves(value, known.get(name).unwrap_or(&Value::Null), &path, found);
            }
        }
        _ => drop(found.insert(path.to_owned(), value.clone())),
    }
}

/// The schema with each reference replaced by what it refers to.
fn resolved(schema: &Value, definitions: &Value) -> Value {
    match schema {
        Value::Object(entries) => match entries.get("$ref").and_then(Value::as_str) {
            Some(reference) => {
                let name = reference.rsplit('/').next().unwrap_or_default();
                resolved(&definitions[name], definitions)
            }
            None => {
                let entry = |(name, value): (&String, &Value)| (name.clone(), resolved(value, definitions));
                entries.iter().map(entry).collect::<Map<_, _>>().into()
            }
        },
        Value::Array(items) => items.iter().map(|item| resolved(item, definitions)).collect(),
        other => other.clone(),
    }
}

#[test]
fn every_value_is_in_the_table_with_its_default() -> Result<()> {
    let readme = read("charts/rekindle/README.md")?;
    let mut shown = BTreeMap::new();
    for row in readme.lines().filter_map(|line| line.strip_prefix("| `")) {
        let (path, rest) = row.split_once("` | `").with_context(|| row.to_owned())?;
        let (default, what) = rest.split_once("` | ").with_context(|| row.to_owned())?;
        ensure!(what.trim_end_matches(" |").ends_with('.'), "{path} is not described by a sentence: {what}");
        shown.insert(path.to_owned(), serde_saphyr::from_str(default).with_context(|| row.to_owned())?);
    }
    // A map of its own kind, such as the amounts of a resource, is documented entry by entry where it has entries.
    let mut expected = BTreeMap::new();
    let schema = schema()?;
    leaves(&values()?, &resolved(&schema, &schema["definitions"]), "", &mut expected);
    for path in ["resources.requests", "resources.limits"] {
        let amounts = expected.remove(path).with_context(|| path.to_owned())?;
        for (name, amount) in amounts.as_object().context("amounts")? {
            expected.insert(format!("{path}.{name}"), amount.clone());
        }
    }
    assert_eq!(shown, expected);
    Ok(())
}

#[test]
fn the_schema_knows_exactly_the_values_that_there_are() -> Result<()> {
    let schema = schema()?;
    let schema = resolved(&schema, &schema["definitions"]);
    let mut problems = Vec::new();
    compare(&values()?, &schema, "", &mut problems);
    assert_eq!(problems, Vec::<String>::new());
    Ok(())
}

fn compare(values: &Value, schema: &Value, path: &str, problems: &mut Vec<String>) {
    let (Some(values), Some(known)) = (values.as_object(), schema["properties"].as_object()) else { return };
    // What a pod's own fields hold is up to whoever sets them; so is `global`, which Helm adds to every chart.
    let is_open = values.is_empty();
    for name in known.keys().filter(|name| !is_open && !values.contains_key(*name) && *name != "global") {
        problems.push(format!("{path}.{name} is in the schema and not in values.yaml"));
    }
    for (name, value) in values {
        match known.get(name) {
            Some(schema) => compare(value, schema, &format!("{path}.{name}"), problems),
            None => problems.push(format!("{path}.{name} is in values.yaml and not in the schema")),
        }
    }
}

#[test]
fn every_object_in_the_schema_says_what_else_it_may_hold() -> Result<()> {
    let mut open = Vec::new();
    closed(&schema()?, "", &mut open);
    // What the API server alone can check: these are Kubernetes' own, and large.
    let known = ["/definitions/affinity", "/definitions/env/properties/valueFrom", "/definitions/volume"];
    assert_eq!(open, [&known[..], &["/definitions/volumeSource", "/properties/global"]].concat());
    Ok(())
}

fn closed(schema: &Value, path: &str, open: &mut Vec<String>) {
    let Some(entries) = schema.as_object() else { return };
    if entries.get("type") == Some(&json!("object")) {
        match entries.get("additionalProperties") {
            Some(Value::Bool(false)) => {}
            Some(Value::Object(_)) if !entries.contains_key("properties") => {}
            _ => open.push(path.to_owned()),
        }
    }
    for (name, value) in entries {
        closed(value, &format!("{path}/{name}"), open);
    }
}

#[tokio::test]
async fn a_misspelled_value_is_refused_wherever_it_stands() -> Result<()> {
    let mut misspelled = values()?;
    let mut paths = Vec::new();
    misspell(&mut misspelled, "", &mut paths);
    assert!(paths.len() >= 20, "{paths:?}");
    let message = refused(&misspelled).await?;
    for (parent, name) in paths {
        let says = format!("'{parent}': additional properties '{name}' not allowed");
        assert!(message.contains(&says), "`{says}` is not in {message}");
    }
    Ok(())
}

/// Adds a value that does not exist to each map that is not a map of the user's own.
fn misspell(value: &mut Value, path: &str, paths: &mut Vec<(String, String)>) {
    let Some(entries) = value.as_object_mut() else { return };
    let own = ["/resources/requests", "/resources/limits", "abels", "nnotations", "/nodeSelector"];
    if own.iter().any(|own| path.ends_with(own)) {
        return;
    }
    for (name, value) in entries.iter_mut() {
        misspell(value, &format!("{path}/{name}"), paths);
    }
    entries.insert("misspelled".to_owned(), json!(true));
    paths.push((path.to_owned(), "misspelled".to_owned()));
}

#[tokio::test]
async fn a_wrong_value_is_refused_and_named() -> Result<()> {
    let bad = json!({
        "image": {"pullPolicy": "Sometimes", "digest": "sha256:abc", "registry": "a b"},
        "crds": {"keep": "yes"},
        "watchNamespaces": ["Shop"],
        "log": {"format": "xml"},
        "files": [{"name": "a"}, {"name": "b", "volume": {"name": "x", "emptyDir": {}}}],
        "metrics": {"port": 0, "address": "localhost", "serviceMonitor": {"interval": "soon"}},
        "networkPolicy": {"apiServer": {"cidrs": ["10.0.0.1"], "ports": []}},
        "podDisruptionBudget": {"maxUnavailable": "half"},
        "resources": {"limits": {"memory": "lots"}},
        "podSecurityContext": {"runAsUser": 0, "runAsNonRoot": false},
        "probes": {"liveness": {"periodSeconds": 0}},
        "tolerations": [{"effect": "Never"}],
        "topologySpreadConstraints": [{"maxSkew": 1}],
        "extraEnv": [{"value": "1"}],
    });
    let message = refused(&bad).await?;
    for place in [
        "/image/pullPolicy",
        "/image/digest",
        "/image/registry",
        "/crds/keep",
        "/watchNamespaces/0",
        "/log/format",
        "/files/0",
        "/files/1/volume",
        "/metrics/port",
        "/metrics/address",
        "/metrics/serviceMonitor/interval",
        "/networkPolicy/apiServer/cidrs/0",
        "/networkPolicy/apiServer/ports",
        "/podDisruptionBudget/maxUnavailable",
        "/resources/limits/memory",
        "/podSecurityContext/runAsUser",
        "/podSecurityContext",
        "/probes/liveness/periodSeconds",
        "/tolerations/0/effect",
        "/topologySpreadConstraints/0",
        "/extraEnv/0",
    ] {
        assert!(message.contains(&format!("at '{place}'")), "{place} is not in {message}");
    }
    Ok(())
}

/// What Helm says to values that must be refused.
async fn refused(values: &Value) -> Result<String> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("values.yaml");
    std::fs::write(&file, values.to_string())?;
    let file = file.to_str().context("a path")?;
    Helm::new()?.refusal(&["template", "rekindle", CHART, "--values", file]).await
}

#[tokio::test]
async fn lint_has_nothing_to_say_to_any_set_of_values() -> Result<()> {
    let helm = Helm::new()?;
    for case in Case::all()? {
        let file = case.values.to_str().context("a path")?;
        let said = helm.run(&["lint", "--strict", CHART, "--values", file]).await.context(case.name)?;
        ensure!(!said.contains("[WARNING]") && !said.contains("[ERROR]"), "{said}");
    }
    Ok(())
}
