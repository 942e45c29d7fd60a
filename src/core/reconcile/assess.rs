//! From what the sources hold to a judgment: join, parse, validate.
//! Must not look at versions or targets beyond the content that runs now, which rules may compare with.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::observed::{Assessment, Candidate, SchemaState, SourceState};
use crate::configuration::Configuration;
use crate::document::{DocumentName, Documents};
use crate::finding::{Finding, Rule, any_error};
use crate::policy::Source;
use crate::record::SeenSource;

/// Judges the sources; the states stand in the order of the policy's sources.
///
/// The order of the questions is fixed: is every source there and readable, does it hold documents, does it parse,
/// can the schema be used, does it satisfy the schema. The first that fails is the answer.
#[must_use]
pub fn assess(
    sources: &[Source],
    states: &[SourceState],
    schema: &SchemaState,
    active: Option<&Configuration>,
) -> Assessment {
    let (contents, seen) = match collect(sources, states) {
        Ok(collected) => collected,
        Err(assessment) => return assessment,
    };
    let documents = Documents::join(contents);
    if documents.is_empty() {
        return Assessment::SourceUnreadable { findings: vec![no_documents()] };
    }
    judge(documents, seen, schema, active)
}

/// What is found where there is nothing to judge: a slip, for nothing asks a target to run nothing.
#[must_use]
pub fn no_documents() -> Finding {
    Finding::error(Rule::NoDocuments, "the sources hold no document")
        .hint("add an entry, or widen the include patterns of the policy")
}

type Collected = (Vec<BTreeMap<DocumentName, bytes::Bytes>>, Vec<SeenSource>);

fn collect(sources: &[Source], states: &[SourceState]) -> Result<Collected, Assessment> {
    let mut contents = Vec::new();
    let mut seen = Vec::new();
    let mut findings = Vec::new();
    for (source, state) in sources.iter().zip(states) {
        match state {
            SourceState::Missing => return Err(Assessment::SourceMissing { source: in_words(source) }),
            SourceState::Unreadable(problems) => findings.extend(problems.iter().cloned()),
            SourceState::Read { documents, seen: place } => {
                contents.push(documents.as_ref().clone());
                seen.push(place.clone());
            }
        }
    }
    if findings.is_empty() { Ok((contents, seen)) } else { Err(Assessment::SourceUnreadable { findings }) }
}

fn in_words(source: &Source) -> String {
    match source {
        Source::ConfigMap { name, .. } => format!("the ConfigMap {name}"),
        Source::Files { path } => format!("the directory {path} below the files root"),
    }
}

fn judge(
    documents: Documents,
    seen: Vec<SeenSource>,
    schema: &SchemaState,
    active: Option<&Configuration>,
) -> Assessment {
    let digest = crate::digest::Digest::of(&documents);
    let usable = match schema {
        SchemaState::None => None,
        SchemaState::Ready(schema) => Some(schema),
        SchemaState::Missing | SchemaState::Broken => return Assessment::Unjudged { digest },
    };
    let dialect = usable.map_or_else(Default::default, |schema| schema.dialect());
    let configuration = match Configuration::parse(documents, dialect) {
        Ok(configuration) => configuration,
        Err(findings) => return Assessment::Invalid { digest, findings },
    };
    let findings = usable.map_or_else(Vec::new, |schema| schema.validate(&configuration, active));
    if any_error(&findings) {
        return Assessment::Invalid { digest, findings };
    }
    Assessment::Valid(Candidate { configuration: Arc::new(configuration), seen, warnings: findings })
}
