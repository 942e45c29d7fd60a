//! TEMPORARY
use crate::configuration::Configuration;
use crate::finding::Finding;
use crate::format::Dialect;
#[derive(Debug)]
pub struct Schema;
impl Schema {
    pub fn validate(&self, _n: &Configuration, _o: Option<&Configuration>) -> Vec<Finding> {
        vec![]
    }
    pub fn dialect(&self) -> Dialect {
        Dialect::default()
    }
}
