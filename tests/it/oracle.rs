//! The real API server as the oracle of validation: schemas become custom resource definitions, documents become
//! custom resources, and both verdicts are compared, with the paths that both give.
//!
//! A difference is either a bug or a named row of `corners::differences`, and none of those is laxer than the server.
//! `REKINDLE_ORACLE_SEED` and `REKINDLE_ORACLE_CASES` choose other cases; a failure prints the seed that repeats it.

mod corners;
mod expressions;
mod generate;
mod ours;
mod server;

use anyhow::{Result, ensure};
use serde_json::Value;

use corners::Expected;
use server::Server;

/// One question: a schema and a document, and what the document replaces.
#[derive(Debug, Clone)]
pub struct Case {
    /// What it is about, or the seed.
    pub name: String,
    pub schema: Value,
    pub old: Option<Value>,
    pub value: Value,
}

impl Case {
    pub fn new(name: impl Into<String>, schema: Value, value: Value) -> Self {
        Self { name: name.into(), schema, old: None, value }
    }
}

/// What one of the two says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The document is fine.
    Accepts,
    /// It is not, at these paths, for these reasons.
    Refuses(Vec<String>, String),
    /// The schema itself is not acceptable.
    RefusesSchema(String),
}

impl Verdict {
    fn is_lax_beside(&self, server: &Self) -> bool {
        *self == Self::Accepts && *server != Self::Accepts
    }
}

/// Whether both say the same: where both refuse, one of them must name a path that the other one names, or its parent.
fn agree(ours: &Verdict, server: &Verdict) -> bool {
    match (ours, server) {
        (Verdict::Accepts, Verdict::Accepts) | (Verdict::RefusesSchema(_), Verdict::RefusesSchema(_)) => true,
        // The server estimates costs from bounds in the schema; here steps are counted when a rule runs.
        (_, Verdict::RefusesSchema(reason)) if reason.contains(" cost ") => true,
        // The server computes constant parts of a rule at once, and so finds that they have no result.
        (Verdict::Refuses(..), Verdict::RefusesSchema(reason)) => reason.contains("program instantiation failed"),
        (Verdict::Refuses(ours, _), Verdict::Refuses(server, _)) => {
            let related = |one: &str, two: &str| one == two || parent(one) == two || parent(two) == one;
            server.is_empty() || ours.iter().any(|one| server.iter().any(|two| related(one, two)))
        }
        _ => false,
    }
}

fn parent(path: &str) -> &str {
    path.rfind(['.', '[']).and_then(|at| path.get(..at)).unwrap_or_default()
}

fn from_environment<T: std::str::FromStr>(name: &str, default: T) -> T {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn report(differences: &[String]) -> Result<()> {
    let shown: Vec<&str> = differences.iter().take(60).map(String::as_str).collect();
    ensure!(differences.is_empty(), "{} differences:\n{}", differences.len(), shown.join("\n"));
    Ok(())
}

fn describe(case: &Case, ours: &Verdict, server: &Verdict) -> String {
    let lax = if ours.is_lax_beside(server) { "LAX " } else { "" };
    format!(
        "{lax}{}\n  schema {}\n  old    {:?}\n  value  {}\n  ours   {ours:?}\n  server {server:?}",
        case.name, case.schema, case.old, case.value
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn corners_come_out_as_on_the_server() -> Result<()> {
    let table = corners::table()?;
    let cases: Vec<Case> = table.iter().map(|corner| corner.case.clone()).collect();
    let server = Server::start("corners").await?;
    let verdicts = server.ask(&cases).await?;
    let mut differences = Vec::new();
    for (corner, server) in table.iter().zip(&verdicts) {
        let ours = ours::ask(&corner.case);
        let expected = match corner.expected {
            Expected::Same => agree(&ours, server),
            Expected::SamePaths => agree(&ours, server) && sorted(&ours) == sorted(server),
            Expected::Stricter(_) => match server {
                Verdict::Accepts => ours != Verdict::Accepts,
                Verdict::Refuses(..) => matches!(ours, Verdict::RefusesSchema(_)),
                Verdict::RefusesSchema(_) => false,
            },
            Expected::Beyond(_) => {
                matches!(server, Verdict::RefusesSchema(_)) && !matches!(ours, Verdict::RefusesSchema(_))
            }
        };
        if !expected {
            differences.push(format!("{}\n  expected {:?}", describe(&corner.case, &ours, server), corner.expected));
        }
    }
    println!("corners: {} rows", table.len());
    report(&differences)
}

/// The paths, for an exact comparison.
fn sorted(verdict: &Verdict) -> Vec<&String> {
    let mut paths: Vec<&String> = match verdict {
        Verdict::Refuses(paths, _) => paths.iter().collect(),
        Verdict::Accepts | Verdict::RefusesSchema(_) => Vec::new(),
    };
    paths.sort();
    paths.dedup();
    paths
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn generated_schemas_and_documents_come_out_as_on_the_server() -> Result<()> {
    let seed = from_environment("REKINDLE_ORACLE_SEED", 1_u64);
    let count = from_environment("REKINDLE_ORACLE_CASES", 320_u64);
    let cases: Vec<Case> = (seed..seed + count).map(generate::case).collect();
    compare("structure", &cases).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn generated_rules_come_out_as_on_the_server() -> Result<()> {
    let seed = from_environment("REKINDLE_ORACLE_SEED", 1_u64);
    let count = from_environment("REKINDLE_ORACLE_CASES", 120_u64);
    // Each rule is asked with its negation, which tells apart what is false and what cannot be evaluated.
    let cases: Vec<Case> = (seed..seed + count).flat_map(expressions::cases).collect();
    compare("rules", &cases).await
}

async fn compare(group: &str, cases: &[Case]) -> Result<()> {
    let server = Server::start(group).await?;
    let verdicts = server.ask(cases).await?;
    let mut differences = Vec::new();
    let mut counts = [0_usize; 3];
    for (case, server) in cases.iter().zip(&verdicts) {
        let ours = ours::ask(case);
        let kind = match server {
            Verdict::Accepts => 0,
            Verdict::Refuses(..) => 1,
            Verdict::RefusesSchema(_) => 2,
        };
        counts[kind] += 1;
        if !agree(&ours, server) {
            differences.push(describe(case, &ours, server));
        }
    }
    println!("{group}: {} accepted, {} refused, {} schemas refused", counts[0], counts[1], counts[2]);
    // Cases that all come out alike would compare nothing.
    ensure!(counts[0] > cases.len() / 10 && counts[1] > cases.len() / 10, "the cases are one-sided: {counts:?}");
    report(&differences)
}
