//! Names and numbers that identify things: policies, versions, pods, epochs.
//! A name that exists as one of these types has been checked; nothing behind the border checks it again.
//! Must not know what the names are used for.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a text is not a usable name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a valid {what}: {problem}")]
pub struct InvalidName {
    /// What kind of name was wanted.
    pub what: &'static str,
    /// The offending text, shortened to 80 characters.
    pub text: String,
    /// What is wrong with it and what is allowed.
    pub problem: &'static str,
}

impl InvalidName {
    pub(crate) fn new(what: &'static str, text: &str, problem: &'static str) -> Self {
        let text = text.chars().take(80).collect();
        Self { what, text, problem }
    }
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $what:literal, $check:path) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub struct $name(String);

        impl $name {
            /// Checks the text and wraps it.
            ///
            /// # Errors
            /// [`InvalidName`] says what the text should have been.
            pub fn parse(text: impl Into<String>) -> Result<Self, InvalidName> {
                let text = text.into();
                match $check(&text) {
                    Ok(()) => Ok(Self(text)),
                    Err(problem) => Err(InvalidName::new($what, &text, problem)),
                }
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}
pub(crate) use name_type;

/// RFC 1123 subdomain, as Kubernetes demands of object names.
fn check_subdomain(text: &str) -> Result<(), &'static str> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    let ends_well = |label: &str| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-');
    if text.is_empty() || text.len() > 253 {
        return Err("it must have 1 to 253 characters");
    }
    if !text.chars().all(allowed) || !text.split('.').all(ends_well) {
        return Err("use lower case letters, digits, `-` and `.`, beginning and ending with a letter or digit");
    }
    Ok(())
}

/// RFC 1123 label, as Kubernetes demands of namespaces.
fn check_label(text: &str) -> Result<(), &'static str> {
    if text.len() > 63 {
        return Err("it must have 1 to 63 characters");
    }
    if text.contains('.') {
        return Err("use lower case letters, digits and `-`");
    }
    check_subdomain(text)
}

fn check_uid(text: &str) -> Result<(), &'static str> {
    if text.is_empty() || text.len() > 128 { Err("it must have 1 to 128 characters") } else { Ok(()) }
}

name_type!(
    /// The name of a namespace.
    Namespace,
    "namespace",
    check_label
);
name_type!(
    /// The name of an object inside a namespace.
    ObjectName,
    "object name",
    check_subdomain
);
name_type!(
    /// The unique id that the API server gave an object.
    Uid,
    "uid",
    check_uid
);

/// A policy's place: everything that Rekindle does happens on behalf of one policy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct PolicyId {
    /// Where the policy, its sources and its targets live.
    pub namespace: Namespace,
    /// The policy's name.
    pub name: ObjectName,
}

impl fmt::Display for PolicyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// The number of a version: given once per policy, only rising, beginning with 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VersionNumber(pub u64);

impl VersionNumber {
    /// The number after this one; stays at the maximum, which no history reaches.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for VersionNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Rises with every change of leader; fences late pushes of a deposed one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Epoch(pub u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules_of_kubernetes() {
        for good in ["a", "checkout-config", "a.b-c.d0", &"x".repeat(253)] {
            assert!(ObjectName::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "A", "a_b", "-a", "a-", "a..b", ".a", "a/b", "../x", &"x".repeat(254)] {
            assert!(ObjectName::parse(bad).is_err(), "{bad}");
        }
        assert!(Namespace::parse("a.b").is_err());
        assert!(Namespace::parse("x".repeat(64)).is_err());
    }

    #[test]
    fn an_invalid_name_says_what_is_allowed() {
        let error = ObjectName::parse("Check Out").map(|_| ()).map_err(|error| error.to_string());
        assert_eq!(
            error,
            Err("`Check Out` is not a valid object name: use lower case letters, digits, `-` and `.`, \
                 beginning and ending with a letter or digit"
                .to_owned())
        );
    }
}
