//! What the API server says: many schemas are properties of one definition, each document is a dry-run create with
//! strict decoding.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use futures::stream::{self, StreamExt, TryStreamExt};
use kube::Client;
use kube::core::Status;
use rekindle_testplane::shared;
use serde_json::{Map, Value, json};

use super::{Case, Verdict};

/// How many schemas one definition holds; the server adds up the estimated cost of their rules.
const PER_DEFINITION: usize = 40;
/// How many requests of one definition are under way at the same time.
const AT_ONCE: usize = 8;
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);
const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

pub struct Server {
    client: Client,
    group: String,
}

impl Server {
    /// A client of the shared control plane, for definitions of one API group.
    pub async fn start(group: &str) -> Result<Self> {
        Ok(Self { client: shared().await.client()?, group: format!("{group}.oracle.rekindle.dev") })
    }

    /// The server's verdicts, in the order of the cases.
    pub async fn ask(&self, cases: &[Case]) -> Result<Vec<Verdict>> {
        let chunks = cases.chunks(PER_DEFINITION).enumerate();
        let asked = chunks.map(|(number, chunk)| self.ask_chunk(number, chunk));
        let verdicts: Vec<Vec<Verdict>> = stream::iter(asked).buffered(4).try_collect().await?;
        Ok(verdicts.into_iter().flatten().collect())
    }

    async fn ask_chunk(&self, number: usize, cases: &[Case]) -> Result<Vec<Verdict>> {
        let plural = format!("c{number}s");
        let mut refused: Vec<Option<String>> = vec![None; cases.len()];
        self.define(&plural, cases, &mut refused).await.with_context(|| format!("define {plural}"))?;
        let mut asked = Vec::new();
        for (index, (case, refused)) in cases.iter().zip(refused).enumerate() {
            let plural = &plural;
            asked.push(async move {
                match refused {
                    Some(reason) => Ok(Verdict::RefusesSchema(reason)),
                    None => self.ask_one(plural, index, case).await.with_context(|| format!("ask about {}", case.name)),
                }
            });
        }
        stream::iter(asked).buffered(AT_ONCE).try_collect().await
    }

    async fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Result<Value, Status>> {
        let body = body.map(serde_json::to_vec).transpose()?.unwrap_or_default();
        let mut attempts = 0;
        loop {
            let request = http::Request::builder().method(method).uri(path).header("Content-Type", "application/json");
            match self.client.request::<Value>(request.body(body.clone())?).await {
                Ok(answer) => return Ok(Ok(answer)),
                Err(kube::Error::Api(status)) => return Ok(Err(*status)),
                // A connection that breaks under load says nothing about the case.
                Err(kube::Error::Service(_)) if attempts < 3 => attempts += 1,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Creates the definition, without the schemas that the server refuses.
    async fn define(&self, plural: &str, cases: &[Case], refused: &mut [Option<String>]) -> Result<()> {
        for _ in 0..10 {
            let definition = self.definition(plural, cases, refused);
            let Err(status) = self.send("POST", DEFINITIONS, Some(&definition)).await? else {
                return self.wait_until_established(plural).await;
            };
            let before = refused.iter().flatten().count();
            blame(&status, refused);
            if refused.iter().flatten().count() == before {
                // What cannot even be decoded is not said to be in one of them.
                self.try_each(plural, cases, refused).await?;
            }
            ensure!(refused.iter().flatten().count() > before, "no schema is to blame for {}", status.message);
        }
        bail!("the server keeps finding more schemas that it refuses")
    }

    async fn try_each(&self, plural: &str, cases: &[Case], refused: &mut [Option<String>]) -> Result<()> {
        for index in 0..cases.len() {
            let mut others: Vec<Option<String>> = vec![Some(String::new()); cases.len()];
            others[index] = refused[index].clone();
            let definition = self.definition(plural, cases, &others);
            if let Err(status) = self.send("POST", &format!("{DEFINITIONS}?dryRun=All"), Some(&definition)).await? {
                refused[index].get_or_insert(status.message);
            }
        }
        Ok(())
    }

    fn definition(&self, plural: &str, cases: &[Case], refused: &[Option<String>]) -> Value {
        let schemas = cases.iter().zip(refused).enumerate().filter(|(_, (_, refused))| refused.is_none());
        let properties: Map<String, Value> =
            schemas.map(|(index, (case, _))| (format!("c{index}"), case.schema.clone())).collect();
        let singular = plural.trim_end_matches('s');
        json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("{plural}.{}", self.group)},
            "spec": {
                "group": self.group, "scope": "Cluster",
                "names": {"kind": singular.to_ascii_uppercase(), "plural": plural, "singular": singular},
                "versions": [{
                    "name": "v1", "served": true, "storage": true,
                    "schema": {"openAPIV3Schema": {"type": "object", "properties": properties}},
                }],
            },
        })
    }

    async fn wait_until_established(&self, plural: &str) -> Result<()> {
        let path = format!("{DEFINITIONS}/{plural}.{}", self.group);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let object = self.send("GET", &path, None).await?.map_err(|status| anyhow::anyhow!(status.message))?;
            let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
            let is_true = |one: &Value| one["type"] == "Established" && one["status"] == "True";
            if conditions.into_iter().flatten().any(is_true) {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "{path} is not established");
            tokio::time::sleep(POLL).await;
        }
    }

    async fn ask_one(&self, plural: &str, index: usize, case: &Case) -> Result<Verdict> {
        let key = format!("c{index}");
        let path = format!("/apis/{}/v1/{plural}", self.group);
        let object = |value: &Value| {
            json!({
                "apiVersion": format!("{}/v1", self.group), "kind": plural.trim_end_matches('s').to_ascii_uppercase(),
                "metadata": {"name": format!("case-{index}")}, &key: value,
            })
        };
        let answer = match &case.old {
            None => {
                self.send_served("POST", &format!("{path}?dryRun=All&fieldValidation=Strict"), &object(&case.value))
                    .await?
            }
            Some(old) => {
                let made = self.send_served("POST", &path, &object(old)).await?;
                let made = made.map_err(|status| anyhow::anyhow!("what it replaces is refused: {}", status.message))?;
                let mut new = object(&case.value);
                new["metadata"]["resourceVersion"] = made["metadata"]["resourceVersion"].clone();
                let path = format!("{path}/case-{index}?dryRun=All&fieldValidation=Strict");
                self.send_served("PUT", &path, &new).await?
            }
        };
        match answer {
            Ok(_) => Ok(Verdict::Accepts),
            Err(status) if matches!(status.code, 400 | 422) => {
                Ok(Verdict::Refuses(paths(&status, &key), status.message))
            }
            Err(status) => bail!("{} {}", status.code, status.message),
        }
    }

    /// A definition that is established may take a moment until its path is served.
    async fn send_served(&self, method: &str, path: &str, body: &Value) -> Result<Result<Value, Status>> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.send(method, path, Some(body)).await? {
                Err(status) if status.code == 404 && Instant::now() < deadline => tokio::time::sleep(POLL).await,
                answer => return Ok(answer),
            }
        }
    }
}

/// Finds the schemas that the server's causes are about.
fn blame(status: &Status, refused: &mut [Option<String>]) {
    for cause in status.details.iter().flat_map(|details| &details.causes) {
        let index =
            cause.field.split("properties[c").nth(1).and_then(|rest| rest.split(']').next()?.parse::<usize>().ok());
        if let Some(entry) = index.and_then(|index| refused.get_mut(index)) {
            entry.get_or_insert_default().push_str(&format!("{}: {}; ", cause.field, cause.message));
        }
    }
    // What cannot be decoded has no causes.
    for (index, entry) in refused.iter_mut().enumerate() {
        if status.message.contains(&format!(".properties[c{index}]"))
            || status.message.contains(&format!(".properties.c{index}."))
        {
            entry.get_or_insert_with(|| status.message.clone());
        }
    }
}

/// The paths that the server names, without the case's own key.
fn paths(status: &Status, key: &str) -> Vec<String> {
    let causes = status.details.iter().flat_map(|details| &details.causes).map(|cause| cause.field.clone());
    let unknown = status.message.split("unknown field \"").skip(1).filter_map(|rest| rest.split('"').next());
    let fields = causes.chain(unknown.map(str::to_owned));
    fields.filter_map(|field| field.strip_prefix(key).map(plain)).collect()
}

/// A path in one spelling: keys after dots, indexes in brackets.
pub fn plain(path: &str) -> String {
    let path = path.replace("[\"", ".").replace("\"]", "");
    let mut plain = String::new();
    for part in path.split('[') {
        match part.split_once(']') {
            Some((index, rest)) if index.parse::<usize>().is_ok() => plain.push_str(&format!("[{index}]{rest}")),
            Some((key, rest)) => plain.push_str(&format!(".{key}{rest}")),
            None => plain.push_str(part),
        }
    }
    plain.trim_start_matches('.').to_owned()
}
