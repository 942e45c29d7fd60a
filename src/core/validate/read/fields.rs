//! Reads single members of a schema as what they must be.
//! Must not know what they mean.

use super::super::schema::{Counts, Type};
use super::{Fields, Reader};
use crate::value::Value;

impl Reader {
    pub(super) fn text(&mut self, fields: &Fields, key: &str, place: &str) -> Option<String> {
        match fields.get(key) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(_) => {
                self.fault(&format!("{place}.{key}"), "must be a text", "");
                None
            }
        }
    }

    pub(super) fn texts(&mut self, fields: &Fields, key: &str, place: &str) -> Vec<String> {
        let texts = match fields.get(key) {
            None | Some(Value::Null) => Some(Vec::new()),
            Some(Value::Array(values)) => values.iter().map(|value| value.as_str().map(str::to_owned)).collect(),
            Some(_) => None,
        };
        texts.unwrap_or_else(|| {
            self.fault(&format!("{place}.{key}"), "must be a list of texts", "");
            Vec::new()
        })
    }

    pub(super) fn flag(&mut self, fields: &Fields, key: &str, place: &str) -> bool {
        match fields.get(key) {
            None | Some(Value::Null) => false,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => {
                self.fault(&format!("{place}.{key}"), "must be true or false", "");
                false
            }
        }
    }

    pub(super) fn number(&mut self, fields: &Fields, key: &str, place: &str, kind: Option<Type>) -> Option<f64> {
        let value = fields.get(key).filter(|value| !value.is_null())?;
        let number = value.as_f64();
        match number {
            None => self.fault(&format!("{place}.{key}"), "must be a number", ""),
            // The server accepts the schema and then no value at all.
            Some(number) if kind == Some(Type::Integer) && number.fract() != 0.0 => {
                self.fault(&format!("{place}.{key}"), "must be a whole number for an integer", "use type number");
            }
            Some(_) => {}
        }
        number
    }

    pub(super) fn counts(&mut self, fields: &Fields, min: &str, max: &str, place: &str) -> Counts {
        let mut count = |key: &str| {
            let value = fields.get(key).filter(|value| !value.is_null())?;
            let count = value.as_u64();
            if count.is_none() {
                self.fault(&format!("{place}.{key}"), "must be a whole number from 0", "");
            }
            count
        };
        Counts { min: count(min), max: count(max) }
    }
}
