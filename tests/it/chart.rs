//! The Helm chart, with the real Helm and the real API server: what it takes for values, what it makes of them, and
//! what installing, upgrading and uninstalling it does to a cluster.

mod helm;
mod lifecycle;
mod monitoring;
mod objects;
mod running;
mod values;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rekindle_testplane::parse_documents;
use serde_json::Value;

use crate::support::files;

/// The chart, from the root of the repository.
const CHART: &str = "charts/rekindle";
/// The release and the namespace of everything that is rendered.
const RELEASE: &str = "rekindle";
const NAMESPACE: &str = "rekindle-system";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> Result<String> {
    std::fs::read_to_string(root().join(path)).with_context(|| format!("read {path}"))
}

/// One set of values and what the chart makes of it, as committed.
struct Case {
    name: String,
    values: PathBuf,
    rendered: String,
}

impl Case {
    fn all() -> Result<Vec<Self>> {
        let case = |values: PathBuf| {
            let name = values.file_stem().context("a name")?.to_string_lossy().into_owned();
            let rendered = read(&format!("tests/cases/chart/rendered/{name}.yaml"))?;
            Ok(Self { name, values, rendered })
        };
        files("tests/cases/chart/values")?.into_iter().map(case).collect()
    }

    fn named(name: &str) -> Result<Self> {
        Self::all()?.into_iter().find(|case| case.name == name).with_context(|| format!("there is no case {name}"))
    }

    fn objects(&self) -> Result<Vec<Value>> {
        objects(&self.rendered)
    }
}

/// The objects in a text of YAML documents.
fn objects(yaml: &str) -> Result<Vec<Value>> {
    parse_documents(yaml)?.iter().map(|object| Ok(serde_json::to_value(object)?)).collect()
}

/// The only object of a kind.
fn the<'a>(objects: &'a [Value], kind: &str) -> Result<&'a Value> {
    let mut such = objects.iter().filter(|object| object["kind"] == kind);
    such.next().filter(|_| such.next().is_none()).with_context(|| format!("there is not exactly one {kind}"))
}
