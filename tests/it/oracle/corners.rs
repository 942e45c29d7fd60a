//! The hard corners, by hand.
use super::Case;
use serde_json::json;
pub struct Corner {
    pub case: Case,
    pub stricter: Option<&'static str>,
}
pub fn table() -> Vec<Corner> {
    vec![
        Corner { case: Case::new("x", json!({"type": "integer"}), json!(1)), stricter: None },
        Corner { case: Case::new("y", json!({"type": "integer"}), json!("1")), stricter: None },
    ]
}
