//! Hostile texts for the property tests: soups of a format's tokens and damaged valid documents.
//! Must not know what a parser makes of them.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::value::Value;

pub(crate) use crate::cases::cases;

/// Texts made of these tokens in any order.
pub(crate) fn soup(tokens: &'static [&'static str]) -> impl Strategy<Value = String> {
    vec(select(tokens), 0..40).prop_map(|tokens| tokens.concat())
}

/// One of the seeds after a few edits: bytes removed, doubled, changed, or tokens put in.
pub(crate) fn damaged(
    seeds: &'static [&'static str],
    tokens: &'static [&'static str],
) -> impl Strategy<Value = Vec<u8>> {
    let edit = (0..4_u8, any::<Index>(), any::<Index>(), select(tokens), any::<u8>());
    (select(seeds), vec(edit, 0..6)).prop_map(|(seed, edits)| {
        let mut text = seed.as_bytes().to_vec();
        for (kind, from, length, token, byte) in edits {
            let from = from.index(text.len() + 1);
            let to = (from + length.index(12)).min(text.len());
            match kind {
                0 => drop(text.drain(from..to)),
                1 => {
                    let part = text[from..to].to_vec();
                    text.splice(from..from, part);
                }
                2 if from < text.len() => text[from] = byte,
                _ => drop(text.splice(from..from, token.bytes())),
            }
        }
        text
    })
}

/// Any value that every format but `.env` and `.properties` can hold.
pub(crate) fn value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e15..1e15).prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    scalar.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map(text(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Texts that look like something else, besides any text.
fn text() -> impl Strategy<Value = String> {
    let lookalikes = select(
        &[
            "",
            " ",
            "~",
            "null",
            "yes",
            "no",
            "true",
            "0755",
            "1_000",
            "0x1F",
            "1e3",
            ".inf",
            "-",
            "- a",
            "? b",
            "a: b",
            "#",
            "a #b",
            "*a",
            "&a",
            "!a",
            "|",
            ">",
            "%",
            "@",
            "`",
            "'",
            "\"",
            "\\",
            "a\nb",
            "\ta",
            "a\r\n",
            "\u{feff}",
            "<<",
            "=",
            "${HOME}",
            "1:30",
            "2001-01-01",
            "é",
            "\u{1F600}",
            "[",
            "}",
            ",",
        ][..],
    );
    prop_oneof![lookalikes.prop_map(str::to_owned), "[ -~]{0,12}", "\\PC{0,8}"]
}
