//! Which files and variables make up the configuration of one process, and which lies over which.
//! Must not read files or an environment: both are arguments.
//!
//! From the lowest to the highest: the base file, the file of the environment, the `.env` files in the order `.env`,
//! `.env.<environment>`, `.env.local`, `.env.<environment>.local`, and last the process's own environment.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::Map;

use crate::configuration::Configuration;
use crate::document::{DocumentName, Documents};
use crate::finding::{Finding, Rule};
use crate::format::{self, Dialect};
use crate::value::{Value, merge};

mod names;
mod switch;
mod variables;

#[cfg(test)]
mod tests;

pub use names::{BaseName, EnvironmentName, Prefix};
pub use switch::{Because, InvalidSwitch, Switch};
use variables::Layer;
pub use variables::Variables;

/// The extensions that a base file and the file of an environment may have.
pub const EXTENSIONS: [&str; 5] = ["yaml", "yml", "json", "toml", "properties"];

/// Which files and variables are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The name of the base file; also the first part of the environment's file, `app.production.yaml`.
    pub base: BaseName,
    /// Whether a configuration without a base file is refused.
    pub base_required: bool,
    /// The environment; without one there is no file of an environment.
    pub environment: Option<EnvironmentName>,
    /// Which variables are meant.
    pub prefix: Prefix,
    /// How YAML is read.
    pub dialect: Dialect,
}

/// What a file is for, in the order in which files are laid over each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    Base,
    Environment,
    Variables { local: bool, of_environment: bool },
}

impl Layout {
    /// Whether a file of this name takes part.
    #[must_use]
    pub fn wants(&self, name: &str) -> bool {
        self.role(name).is_some()
    }

    fn role(&self, name: &str) -> Option<Role> {
        if let Some(rest) = name.strip_prefix(".env") {
            let (rest, local) = rest.strip_suffix(".local").map_or((rest, false), |rest| (rest, true));
            let of_environment = match rest.strip_prefix('.') {
                Some(name) => self.environment.as_ref().filter(|environment| environment.as_str() == name).is_some(),
                None => false,
            };
            return (rest.is_empty() || of_environment).then_some(Role::Variables { local, of_environment });
        }
        let (stem, extension) = name.rsplit_once('.')?;
        let rest = stem.strip_prefix(self.base.as_str()).filter(|_| EXTENSIONS.contains(&extension))?;
        if rest.is_empty() {
            return Some(Role::Base);
        }
        let environment = self.environment.as_ref()?;
        (rest.strip_prefix('.')? == environment.as_str()).then_some(Role::Environment)
    }

    /// Lays the files and the variables over each other.
    ///
    /// The digest is that of the files, and so the one that an operator gives the same documents, as long as no
    /// variable of the process takes part; with one it covers these too.
    ///
    /// # Errors
    /// Every finding: files that cannot be read, two files for one place, variables that fit nowhere.
    pub fn lay(
        &self,
        files: &BTreeMap<DocumentName, Bytes>,
        process: &Variables,
    ) -> Result<Configuration, Vec<Finding>> {
        let mut findings = Vec::new();
        let chosen = self.choose(files, &mut findings);
        let mut parsed = BTreeMap::new();
        for (_, name, content) in &chosen {
            match format::parse(name, content, self.dialect) {
                Ok(value) => drop(parsed.insert((*name).clone(), value.unwrap_or_default())),
                Err(found) => findings.extend(found),
            }
        }
        let mut tree = Value::Object(Map::new());
        let mut layers = Vec::new();
        for (role, name, content) in &chosen {
            match (role, parsed.get(*name)) {
                (Role::Variables { .. }, Some(values)) => layers.push(Layer::file(name, content, values)),
                (_, Some(values @ Value::Object(_))) => merge(&mut tree, values.clone()),
                (_, None | Some(Value::Null)) => {}
                _ => findings.push(Finding::error(Rule::Type, "must be a map of keys").in_document(name)),
            }
        }
        layers.push(Layer::process(process));
        let of_process = variables::lay(&mut tree, &layers, &self.prefix, &mut findings);
        if !findings.is_empty() {
            return Err(findings);
        }
        let documents = chosen.into_iter().map(|(_, name, content)| (name.clone(), content.clone())).collect();
        Ok(Configuration::assembled(Documents::from_unique(documents), parsed, tree, &of_process))
    }

    /// The files that take part, in the order in which they are laid, whatever is in them.
    #[must_use]
    pub fn documents(&self, files: &BTreeMap<DocumentName, Bytes>) -> Documents {
        let chosen = self.choose(files, &mut Vec::new()).into_iter();
        Documents::from_unique(chosen.map(|(_, name, content)| (name.clone(), content.clone())).collect())
    }

    fn choose<'files>(
        &self,
        files: &'files BTreeMap<DocumentName, Bytes>,
        findings: &mut Vec<Finding>,
    ) -> Vec<(Role, &'files DocumentName, &'files Bytes)> {
        let mut chosen: Vec<_> =
            files.iter().filter_map(|(name, content)| Some((self.role(name.as_str())?, name, content))).collect();
        chosen.sort_by_key(|(role, name, _)| (*role, *name));
        for pair in chosen.windows(2) {
            if let [(before, first, _), (role, second, _)] = pair
                && before == role
            {
                let finding = Finding::error(Rule::Unsupported, format!("stands in one place with {first}"));
                findings.push(finding.in_document(second).hint("keep one of the two"));
            }
        }
        if self.base_required && !chosen.iter().any(|(role, ..)| *role == Role::Base) {
            let finding = Finding::error(Rule::RequiredDocument, "there is no base file");
            findings.push(finding.hint(format!("write {}.yaml, or another of {EXTENSIONS:?}", self.base)));
        }
        chosen
    }
}
