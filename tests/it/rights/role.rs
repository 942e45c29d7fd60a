//! The ClusterRole that ships, right by right. Must not know what a right is for.

use std::fmt;

use anyhow::{Context, Result, ensure};
use rekindle_testplane::audit::Entry;
use rekindle_testplane::parse_documents;
use serde_json::Value;

use crate::support::operator::ROLE;

/// One verb on one resource, and where the rule names it, on one object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// API group; empty for the core group.
    group: String,
    /// With its subresource, such as `configversions/status`.
    plural: String,
    /// The verb.
    pub verb: String,
    /// The only object that it is about, if it is.
    name: Option<String>,
}

impl Right {
    /// The resource as messages have it, such as `configversions.rekindle.dev/status`.
    pub fn resource(&self) -> String {
        let group = if self.group.is_empty() { String::new() } else { format!(".{}", self.group) };
        match self.plural.split_once('/') {
            Some((plural, subresource)) => format!("{plural}{group}/{subresource}"),
            None => format!("{}{group}", self.plural),
        }
    }

    /// Whether it is what this request needs.
    pub fn covers(&self, entry: &Entry) -> bool {
        (&self.group, &self.plural, &self.verb) == (&entry.group, &plural_of(entry), &entry.verb)
            && self.name.as_ref().is_none_or(|name| *name == entry.name)
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource())
    }
}

fn plural_of(entry: &Entry) -> String {
    if entry.subresource.is_empty() {
        entry.resource.clone()
    } else {
        format!("{}/{}", entry.resource, entry.subresource)
    }
}

/// The right that a request needs, without the name of its object.
pub fn needed_by(entry: &Entry) -> Right {
    Right { group: entry.group.clone(), plural: plural_of(entry), verb: entry.verb.clone(), name: None }
}

/// Every right that the ClusterRole gives.
pub fn rights() -> Result<Vec<Right>> {
    let mut rights = Vec::new();
    for role in parse_documents(ROLE)? {
        for rule in role.data["rules"].as_array().context("the role has no rules")? {
            let names = if rule["resourceNames"].is_null() { vec![None] } else { some(texts(rule, "resourceNames")?) };
            for group in texts(rule, "apiGroups")? {
                for plural in texts(rule, "resources")? {
                    for verb in texts(rule, "verbs")? {
                        let right =
                            |name| Right { group: group.clone(), plural: plural.clone(), verb: verb.clone(), name };
                        rights.extend(names.iter().cloned().map(right));
                    }
                }
            }
        }
    }
    Ok(rights)
}

fn some(names: Vec<String>) -> Vec<Option<String>> {
    names.into_iter().map(Some).collect()
}

fn texts(rule: &Value, field: &str) -> Result<Vec<String>> {
    serde_json::from_value(rule[field].clone()).with_context(|| format!("reading {field} of {rule}"))
}

/// The ClusterRole without one right, under a name of its own.
pub fn role_without(right: &Right, name: &str) -> Result<String> {
    let mut role = parse_documents(ROLE)?.into_iter().next().context("there is no role")?;
    role.metadata.name = Some(name.to_owned());
    let rules = role.data["rules"].as_array_mut().context("the role has no rules")?;
    let mut split = Vec::new();
    for rule in rules.iter() {
        // One resource a rule, so that a verb can be taken from one without taking it from the others.
        for plural in texts(rule, "resources")? {
            let mut verbs = texts(rule, "verbs")?;
            let mut rule = rule.clone();
            let named = rule["resourceNames"].get(0).and_then(Value::as_str) == right.name.as_deref();
            if plural == right.plural && rule["apiGroups"][0] == right.group.as_str() && named {
                verbs.retain(|verb| *verb != right.verb);
            }
            rule["resources"] = vec![plural].into();
            rule["verbs"] = verbs.clone().into();
            split.extend((!verbs.is_empty()).then_some(rule));
        }
    }
    let left: usize = split.iter().filter_map(|rule| rule["verbs"].as_array()).map(Vec::len).sum();
    ensure!(left + 1 == self::rights()?.len(), "taking away {right} leaves {left} rights");
    *rules = split;
    serde_json::to_string(&role).context("writing the role")
}
