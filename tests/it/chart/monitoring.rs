//! What watches the operator: alerts that promtool takes and that ring when they must, and a dashboard, both for
//! metrics that exist.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use rekindle::metrics::Metrics;
use rekindle_testplane::program;
use serde_json::Value;
use tokio::process::Command;

use super::{Case, read, root, the};

/// The names of metrics in a text.
fn names(text: &str) -> BTreeSet<String> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    text.split(|letter: char| !is_part(letter))
        .filter(|word| word.starts_with("rekindle_"))
        .map(str::to_owned)
        .collect()
}

/// The series that the operator tells.
fn told() -> Result<BTreeSet<String>> {
    let text = String::from_utf8(Metrics::new()?.render()?)?;
    Ok(text.lines().filter(|line| !line.starts_with('#')).flat_map(names).collect())
}

async fn promtool(arguments: &[&str]) -> Result<()> {
    let output = Command::new(program("promtool")?).args(arguments).current_dir(root()).output().await?;
    let said = [output.stdout, output.stderr].concat();
    ensure!(output.status.success(), "promtool {}: {}", arguments.join(" "), String::from_utf8_lossy(&said));
    Ok(())
}

#[tokio::test]
async fn every_alert_rings_when_it_must_and_not_before() -> Result<()> {
    promtool(&["check", "rules", "--lint=all", "--lint-fatal", "charts/rekindle/files/alerts.yaml"]).await?;
    promtool(&["test", "rules", "tests/cases/chart/alerts.yaml"]).await?;
    let tested = read("tests/cases/chart/alerts.yaml")?;
    let alerts: Value = serde_saphyr::from_str(&read("charts/rekindle/files/alerts.yaml")?)?;
    for rule in alerts["groups"][0]["rules"].as_array().into_iter().flatten() {
        let name = rule["alert"].as_str().unwrap_or_default();
        ensure!(tested.contains(&format!("alertname: {name}\n")), "{name} is not tested");
    }
    Ok(())
}

#[test]
fn alerts_and_dashboard_ask_for_metrics_that_exist() -> Result<()> {
    let told = told()?;
    for file in ["charts/rekindle/files/alerts.yaml", "charts/rekindle/files/dashboard.json"] {
        let asked = names(&read(file)?);
        assert!(asked.len() > 3, "{file}: {asked:?}");
        let unknown: Vec<_> = asked.difference(&told).collect();
        assert!(unknown.is_empty(), "{file} asks for {unknown:?}, and there are {told:?}");
    }
    Ok(())
}

#[test]
fn the_handbook_tells_of_every_metric_and_of_every_alert() -> Result<()> {
    let page = read("docs/operations.md")?;
    let told = String::from_utf8(Metrics::new()?.render()?)?;
    let metrics: Vec<_> = told.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    assert!(metrics.len() > 3, "{metrics:?}");
    for metric in metrics {
        ensure!(page.contains(&format!("\n| `{metric}` |")), "there is no row for {metric}");
    }
    let alerts: Value = serde_saphyr::from_str(&read("charts/rekindle/files/alerts.yaml")?)?;
    let alerts = alerts["groups"][0]["rules"].as_array().into_iter().flatten();
    for alert in alerts.filter_map(|rule| rule["alert"].as_str()) {
        ensure!(page.contains(&format!("\n### {alert}\n")), "there is no runbook for {alert}");
    }
    Ok(())
}

#[test]
fn the_chart_carries_both_unchanged() -> Result<()> {
    let objects = Case::named("monitoring")?.objects()?;
    let alerts: Value = serde_saphyr::from_str(&read("charts/rekindle/files/alerts.yaml")?)?;
    assert_eq!(the(&objects, "PrometheusRule")?["spec"], alerts);
    let shown = the(&objects, "ConfigMap")?["data"]["rekindle.json"].as_str().unwrap_or_default().to_owned();
    assert_eq!(shown, read("charts/rekindle/files/dashboard.json")?);
    let dashboard: Value = serde_json::from_str(&shown)?;
    assert_eq!(dashboard["panels"].as_array().map(Vec::len), Some(8));
    Ok(())
}
