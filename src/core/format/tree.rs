//! Builds a value from any serde deserializer, within the limits, without places: the path of a valid edit.
//! Must not know which format it reads; what is wrong and where is found out by the format, in a second reading.

use std::cell::Cell;
use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number};

use super::limits::{MAX_DEPTH, NODE_COST, allowance};
use crate::value::Value;

/// 2^63: an integer of that size or more below zero may have lost digits.
const BEYOND_I64: f64 = 9_223_372_036_854_775_808.0;

/// 2^64: an integer of that size or more may have lost digits.
const BEYOND_U64: f64 = 18_446_744_073_709_551_616.0;

/// What is watched while one document is built.
#[derive(Debug)]
pub(super) struct Watch {
    left: Cell<usize>,
    doubtful: Cell<bool>,
}

impl Watch {
    pub(super) fn new(text: &str) -> Self {
        Self { left: Cell::new(allowance(text.len())), doubtful: Cell::new(false) }
    }

    /// Whether a number was seen that may have been an integer beyond 64 bits: only the text can tell.
    pub(super) fn doubtful(&self) -> bool {
        self.doubtful.get()
    }

    fn spend<E: Error>(&self, bytes: usize) -> Result<(), E> {
        let left = self.left.get().checked_sub(bytes.saturating_add(NODE_COST));
        self.left.set(left.ok_or_else(|| E::custom("expansion"))?);
        Ok(())
    }
}

/// The seed that builds one value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tree<'watch> {
    watch: &'watch Watch,
    depth: usize,
}

impl<'watch> Tree<'watch> {
    pub(super) fn new(watch: &'watch Watch) -> Self {
        Self { watch, depth: 0 }
    }

    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH { Err(E::custom("depth")) } else { Ok(Self { depth: self.depth + 1, ..self }) }
    }

    fn scalar<E: Error>(self, value: impl Into<Value>) -> Result<Value, E> {
        self.watch.spend(0)?;
        Ok(value.into())
    }
}

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        self.scalar(value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        self.scalar(value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        self.scalar(value)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        if value <= -BEYOND_I64 || value >= BEYOND_U64 {
            self.watch.doubtful.set(true);
        }
        let number = Number::from_f64(value).ok_or_else(|| E::custom("number"))?;
        self.scalar(number)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.visit_string(value.to_owned())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        self.watch.spend(value.len())?;
        Ok(Value::String(value))
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        self.scalar(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let deeper = self.deeper()?;
        self.watch.spend(0)?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(deeper)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let deeper = self.deeper()?;
        self.watch.spend(0)?;
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            self.watch.spend(key.len())?;
            let value = entries.next_value_seed(deeper)?;
            if map.insert(key, value).is_some() {
                return Err(A::Error::custom("duplicate key"));
            }
        }
        Ok(Value::Object(map))
    }
}
