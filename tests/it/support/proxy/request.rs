//! What a request to the API server asks for, read from its method and path as the server reads them.
//! Must not know what a proxy does with it.

use std::time::Instant;

use http::Method;
use serde_json::Value;

/// One request as the proxy saw it.
#[derive(Debug, Clone)]
pub struct Request {
    /// `get`, `list`, `watch`, `create`, `update`, `patch` or `delete`.
    pub verb: &'static str,
    /// Plural, such as `configversions`; empty for paths such as `/version`.
    pub resource: String,
    /// The object's name; of a create the name in its body, empty where the server makes one up.
    pub name: String,
    /// Such as `status`; mostly empty.
    pub subresource: String,
    /// What it carried.
    pub body: Value,
    /// When it came.
    pub at: Instant,
    /// When the API server had answered or could not any more, if it was asked; whoever asked may be gone by then.
    pub answered: Option<Instant>,
    /// The status code of its answer.
    pub code: Option<u16>,
}

impl Request {
    /// Reads one.
    pub fn read(method: &Method, uri: &http::Uri, body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let parts: Vec<&str> = uri.path().split('/').filter(|part| !part.is_empty()).collect();
        let rest = match parts.as_slice() {
            ["api", _, rest @ ..] | ["apis", _, _, rest @ ..] => rest,
            _ => &[],
        };
        let rest = match rest {
            ["namespaces", _, rest @ ..] if !rest.is_empty() => rest,
            other => other,
        };
        let part = |place: usize| rest.get(place).copied().unwrap_or_default().to_owned();
        let (resource, mut name, subresource) = (part(0), part(1), part(2));
        let watches = uri.query().unwrap_or_default().split('&').any(|pair| pair == "watch=true" || pair == "watch=1");
        let verb = match method.as_str() {
            "POST" => "create",
            "PUT" => "update",
            "PATCH" => "patch",
            "DELETE" => "delete",
            _ if watches => "watch",
            _ if name.is_empty() => "list",
            _ => "get",
        };
        if verb == "create" && name.is_empty() {
            name = body["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        }
        Self { verb, resource, name, subresource, body, at: Instant::now(), answered: None, code: None }
    }

    /// Whether it could change an object.
    pub fn is_write(&self) -> bool {
        matches!(self.verb, "create" | "update" | "patch" | "delete")
    }

    /// Whether the API server carried it out.
    pub fn succeeded(&self) -> bool {
        self.code.is_some_and(|code| (200..300).contains(&code))
    }

    /// Verb, resource, name and subresource in one line.
    pub fn line(&self) -> String {
        let subresource = if self.subresource.is_empty() { String::new() } else { format!("/{}", self.subresource) };
        format!("{} {}{subresource} {}", self.verb, self.resource, self.name)
    }
}
