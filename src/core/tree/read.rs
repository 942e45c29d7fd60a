//! Reads parts of a tree as Rust types: a deserializer that keeps the path and forgets the values.
//! Must not know what the types are for.

use std::collections::btree_map;
use std::iter::Enumerate;
use std::slice;
use std::sync::Arc;

use serde::de::value::{BorrowedStrDeserializer, MapAccessDeserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::Number;

use super::Tree;
use super::error::{Mismatch, ReadError};
use crate::value::{Path, Segment};

impl Tree {
    /// Reads the part at a path in its text form as `T`; the empty text is the whole tree.
    ///
    /// A text is taken where a number or a boolean is asked for, if it reads as one: variables are texts. Booleans
    /// are `true`, `yes`, `on`, `1` and their opposites, in any case. Nothing else is converted.
    ///
    /// # Errors
    /// [`ReadError`] names the path and what was expected there, never a value. A path that is missing is null to an
    /// `Option`, and an error to everything else.
    pub fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T, ReadError> {
        let found = self.find_text(path)?;
        T::deserialize(Part(found.unwrap_or(const { &Self::Null }))).map_err(|mismatch| {
            let path = Path::parse(path).unwrap_or_default();
            let wanted = short_name(std::any::type_name::<T>());
            if found.is_none() {
                return ReadError::Missing { path, expected: wanted };
            }
            mismatch.into_error(&path, &wanted)
        })
    }
}

/// `alloc::vec::Vec<core::net::ip_addr::IpAddr>` as `Vec<IpAddr>`.
fn short_name(full: &str) -> String {
    let mut short = String::new();
    for part in full.split_inclusive(|c: char| !c.is_alphanumeric() && c != '_' && c != ':') {
        short.push_str(part.rsplit_once("::").map_or(part, |(_, last)| last));
    }
    short
}

/// What a text says when a boolean is asked for.
pub(crate) fn as_boolean(text: &str) -> Option<bool> {
    let is = |words: [&str; 4]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is(["true", "yes", "on", "1"]) {
        return Some(true);
    }
    is(["false", "no", "off", "0"]).then_some(false)
}

/// What a text says when a number is asked for: a whole one of 64 bits if it can be one, else one with a fraction.
pub(crate) fn as_number(text: &str) -> Option<Number> {
    as_integer(text).or_else(|| text.parse().ok().and_then(Number::from_f64))
}

fn as_integer(text: &str) -> Option<Number> {
    text.parse::<u64>().map(Number::from).or_else(|_| text.parse::<i64>().map(Number::from)).ok()
}

fn visit_number<'de, V: Visitor<'de>>(number: &Number, visitor: V) -> Result<V::Value, Mismatch> {
    match (number.as_u64(), number.as_i64(), number.as_f64()) {
        (Some(number), _, _) => visitor.visit_u64(number),
        (None, Some(number), _) => visitor.visit_i64(number),
        (None, None, Some(number)) => visitor.visit_f64(number),
        (None, None, None) => Err(Mismatch::custom("")),
    }
}

/// A text that a number or a boolean may be read from: a value, or a key of a map.
struct Text<'de>(&'de str);

macro_rules! from_text {
    ($reads:ident: $($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
            match $reads(self.0) {
                Some(number) => visit_number(&number, visitor),
                None => Err(Mismatch::invalid_type(Unexpected::Str(self.0), &visitor)),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Text<'de> {
    type Error = Mismatch;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match as_boolean(self.0) {
            Some(value) => visitor.visit_bool(value),
            None => Err(Mismatch::invalid_type(Unexpected::Str(self.0), &visitor)),
        }
    }

    from_text!(as_integer: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128);
    from_text!(as_number: deserialize_f32 deserialize_f64);

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        visitor.visit_enum(BorrowedStrDeserializer::<Mismatch>::new(self.0))
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

macro_rules! scalars {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
            match self.0 {
                Tree::Text(text) => Text(text).$method(visitor),
                _ => self.deserialize_any(visitor),
            }
        }
    )*};
}

/// A part of a tree, while it is read.
#[derive(Clone, Copy)]
struct Part<'de>(&'de Tree);

impl<'de> Deserializer<'de> for Part<'de> {
    type Error = Mismatch;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.0 {
            Tree::Null => visitor.visit_unit(),
            Tree::Bool(value) => visitor.visit_bool(*value),
            Tree::Number(number) => visit_number(number, visitor),
            Tree::Text(text) => visitor.visit_borrowed_str(text),
            Tree::List(items) => {
                let mut access = Items { items: items.iter().enumerate() };
                let read = visitor.visit_seq(&mut access)?;
                match access.items.len() {
                    0 => Ok(read),
                    _ => Err(Mismatch::invalid_length(items.len(), &"a list of fewer items")),
                }
            }
            Tree::Map(entries) => visitor.visit_map(Entries { entries: entries.iter(), at: None }),
        }
    }

    scalars!(deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32
        deserialize_f64);

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        if *self.0 == Tree::Null { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        match self.0 {
            Tree::Text(text) => Text(text).deserialize_enum(name, variants, visitor),
            Tree::Map(entries) if entries.len() == 1 => {
                visitor.visit_enum(MapAccessDeserializer::new(Entries { entries: entries.iter(), at: None }))
            }
            Tree::Map(_) => Err(Mismatch::invalid_value(Unexpected::Map, &"a map with one key, the variant")),
            _ => self.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

struct Items<'de> {
    items: Enumerate<slice::Iter<'de, Tree>>,
}

impl<'de> SeqAccess<'de> for &mut Items<'de> {
    type Error = Mismatch;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Mismatch> {
        let Some((index, item)) = self.items.next() else { return Ok(None) };
        seed.deserialize(Part(item)).map(Some).map_err(|mismatch| mismatch.under(|| Segment::Index(index)))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

struct Entries<'de> {
    entries: btree_map::Iter<'de, Arc<str>, Tree>,
    at: Option<(&'de str, &'de Tree)>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Mismatch;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Mismatch> {
        let Some((key, value)) = self.entries.next() else { return Ok(None) };
        self.at = Some((key, value));
        seed.deserialize(Text(key)).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Mismatch> {
        let (key, value) = self.at.take().unwrap_or(("", const { &Tree::Null }));
        seed.deserialize(Part(value)).map_err(|mismatch| mismatch.under(|| Segment::Key(key.to_owned())))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.entries.len())
    }
}
