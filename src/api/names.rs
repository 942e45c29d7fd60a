//! Every label, annotation and fixed object name that users see, in one place.
//! Must not know what they do.

/// The API group of the custom resources.
pub const GROUP: &str = "rekindle.dev";
/// The version in which they are served.
pub const VERSION: &str = "v1alpha1";
/// The field manager of everything that the operator writes.
pub const FIELD_MANAGER: &str = "rekindle";
/// The prefix of all labels and annotations.
pub const PREFIX: &str = "rekindle.dev/";

/// Annotation of a pod: `"true"` makes it a target. Label of a ConfigMap: `"true"` gives it a default policy.
pub const RELOAD: &str = "rekindle.dev/reload";
/// Annotation of a pod: the one policy that may reach it.
pub const POLICY: &str = "rekindle.dev/policy";
/// Annotation of a pod: its port, a number or a name; overrides the policy's.
pub const PORT: &str = "rekindle.dev/port";
/// Annotation of a pod: its path; overrides the policy's.
pub const PATH: &str = "rekindle.dev/path";
/// Annotation of a pod: its timeout, such as `500ms`; overrides the policy's.
pub const TIMEOUT: &str = "rekindle.dev/timeout";

/// The Secret of a namespace that holds the key by which pushes are signed.
pub const PUSH_KEY_SECRET: &str = "rekindle-push-key";
