//! Rules from a seed.
use super::Case;
use serde_json::json;
pub fn cases(seed: u64) -> Vec<Case> {
    vec![
        Case::new(format!("{seed}"), json!({"type": "integer"}), json!(1)),
        Case::new(format!("{seed}"), json!({"type": "integer"}), json!("1")),
    ]
}
