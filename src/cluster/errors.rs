//! What the client's errors mean for whoever asked. Must not pass on anything out of an object's content.

use kube::core::Status;

use crate::ports::ClusterError;

/// The longest part of the server's words that is passed on, in characters.
const MAX_DETAIL: usize = 512;

/// What is asked of the API server, in the words of an error.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// The verb, as a ClusterRole has it.
    pub verb: &'static str,
    /// The resource, as a ClusterRole has it.
    pub resource: &'static str,
    /// The object, such as `the ConfigVersion shop/checkout-v3`.
    pub what: String,
}

impl Asked {
    /// Why it was not done.
    pub(super) fn failed(&self, error: &kube::Error) -> ClusterError {
        match error {
            kube::Error::Api(status) => self.refused(status),
            // The parser quotes what it does not like, and that may be a value.
            kube::Error::SerdeError(error) => self.unreadable(error),
            other => self.unavailable(plain(&other.to_string())),
        }
    }

    /// The answer is no object of the kind.
    pub(super) fn unreadable(&self, error: &serde_json::Error) -> ClusterError {
        let (line, column) = (error.line(), error.column());
        self.unavailable(format!("its answer cannot be read at line {line}, column {column}"))
    }

    /// It is worth another try.
    pub(super) fn unavailable(&self, detail: String) -> ClusterError {
        ClusterError::Unavailable { what: self.what.clone(), detail }
    }

    fn refused(&self, status: &Status) -> ClusterError {
        let what = self.what.clone();
        let detail = plain(&status.message);
        match (status.code, status.reason.as_str()) {
            (403, _) if lacks_right(status) => {
                ClusterError::Forbidden { verb: self.verb, resource: self.resource, detail }
            }
            // A namespace that is being deleted takes nothing new.
            (403, _) if detail.contains("being terminated") => ClusterError::Missing { what },
            (404, _) => ClusterError::Missing { what },
            (409, "AlreadyExists") => ClusterError::Exists { what },
            (409, "Conflict") => ClusterError::Conflict { what },
            // No smaller object will come of a second try.
            (500, _) if detail.contains("request is too large") => ClusterError::Refused { what, detail },
            (400 | 403 | 405 | 406 | 413 | 415 | 422, _) => ClusterError::Refused { what, detail },
            _ => ClusterError::Unavailable { what, detail },
        }
    }
}

/// Whether it is the lack of a right, and not a quota or an admission webhook, that forbids the request.
pub(super) fn lacks_right(status: &Status) -> bool {
    status.code == 403 && status.message.contains(" cannot ")
}

/// The text on one line, bounded.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_DETAIL).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(code: u16, reason: &str, message: &str) -> ClusterError {
        let asked = Asked { verb: "create", resource: "configversions.rekindle.dev", what: "the object".to_owned() };
        asked.failed(&kube::Error::Api(Status::failure(message, reason).with_code(code).boxed()))
    }

    #[test]
    fn a_missing_right_names_verb_and_resource() {
        let words = r#"configversions.rekindle.dev is forbidden: User "x" cannot create resource "configversions""#;
        let error = answer(403, "Forbidden", words);
        assert!(matches!(&error, ClusterError::Forbidden { verb: "create", .. }), "{error}");
        let start = "the operator may not create configversions.rekindle.dev: grant it in its ClusterRole";
        assert!(error.to_string().starts_with(start), "{error}");
    }

    #[test]
    fn a_quota_is_no_missing_right() {
        let error = answer(403, "Forbidden", "exceeded quota: small, requested: count=1, used: count=5");
        assert!(matches!(error, ClusterError::Refused { .. }), "{error}");
    }

    #[test]
    fn each_answer_says_whether_another_try_helps() {
        assert!(matches!(answer(409, "AlreadyExists", ""), ClusterError::Exists { .. }));
        assert!(matches!(answer(404, "NotFound", ""), ClusterError::Missing { .. }));
        assert!(matches!(answer(422, "Invalid", ""), ClusterError::Refused { .. }));
        assert!(matches!(answer(500, "", "etcdserver: request is too large"), ClusterError::Refused { .. }));
        for (code, reason) in [(409, "Conflict"), (429, "TooManyRequests"), (500, "InternalError"), (503, "")] {
            assert!(answer(code, reason, "").is_passing(), "{code} {reason}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_not_quoted() {
        let error = serde_json::from_str::<u32>("\"hunter2\"").unwrap_err();
        let asked = Asked { verb: "get", resource: "secrets", what: "the Secret a/b".to_owned() };
        let text = asked.failed(&kube::Error::SerdeError(error)).to_string();
        assert!(!text.contains("hunter2"), "{text}");
    }
}
