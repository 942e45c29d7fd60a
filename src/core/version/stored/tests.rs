//! Files of versions: round trips, and everything that can be wrong with one.
//! What is damaged is refused, whatever the damage; nothing in a message comes from a document.

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::cases::cases;
use crate::document::DocumentName;
use crate::ids::VersionNumber;
use crate::time::Timestamp;
use crate::version::local::{Cause, LocalOrigin};

const LAYOUTS: [(Container, Compression); 6] = [
    (Container::Json, Compression::None),
    (Container::Json, Compression::Zstd),
    (Container::Json, Compression::Gzip),
    (Container::Yaml, Compression::None),
    (Container::Yaml, Compression::Zstd),
    (Container::Yaml, Compression::Gzip),
];

fn documents(entries: &[(&str, &[u8])]) -> Documents {
    let entries =
        entries.iter().map(|(name, content)| (DocumentName::parse(*name).unwrap(), Bytes::copy_from_slice(content)));
    Documents::from_ordered(entries.collect()).unwrap()
}

fn stored(documents: Documents) -> Stored {
    let digest = Digest::of(&documents);
    let version = LocalVersion {
        number: VersionNumber(7),
        digest,
        parent: Some(VersionNumber(6)),
        created: Timestamp(1_764_140_000_123),
        origin: LocalOrigin::Rollback { from: VersionNumber(6), of: VersionNumber(5) },
        cause: Cause::because("latency: doubled\nagain").asked_by("eve"),
        set_aside: BTreeMap::from([(Digest::of(&Documents::default()), VersionNumber(6))]),
        source: Some(digest),
    };
    Stored { version, documents }
}

fn example() -> Stored {
    stored(documents(&[("app.yaml", b"pool:\n  size: 5\n"), ("logo", &[0xff, 0, 1])]))
}

/// A file with a true line for any payload.
fn sealed(container: &str, compression: &str, payload: &[u8]) -> Vec<u8> {
    let line = format!("rekindle-version 1 {container} {compression} {}", payload.len());
    let mut bytes = format!("{line} {}\n", checksum(line.as_bytes(), payload)).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

#[test]
fn every_layout_gives_back_what_was_written() {
    for (container, compression) in LAYOUTS {
        for stored in [example(), stored(Documents::default())] {
            let bytes = encode(&stored, container, compression).unwrap();
            assert_eq!(decode(&bytes), Ok(stored), "{container:?} {compression:?}");
        }
    }
}

#[test]
fn the_format_is_the_documented_one() {
    let bytes = encode(&example(), Container::Yaml, Compression::None).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (line, container) = text.split_once('\n').unwrap();
    assert!(line.starts_with(&format!("rekindle-version 1 yaml none {} sha256:", container.len())), "{line}");
    let expected = format!(
        "version: 7
digest: {digest}
parent: 6
created: 1764140000123
origin:
  kind: rollback
  from: 6
  of: 5
reason: |-
  latency: doubled
  again
askedBy: eve
setAside:
- version: 6
  digest: {empty}
source: {digest}
documents:
- name: app.yaml
  text: |
    pool:
      size: 5
- name: logo
  base64: /wAB
",
        digest = example().version.digest,
        empty = Digest::of(&Documents::default()),
    );
    assert_eq!(container, expected);
}

#[test]
fn every_truncation_is_noticed() {
    for (container, compression) in LAYOUTS {
        let bytes = encode(&example(), container, compression).unwrap();
        for length in 0..bytes.len() {
            let error = decode(&bytes[..length]).unwrap_err();
            assert!(matches!(error, DecodeError::Line(_) | DecodeError::Length { .. }), "{length}: {error}");
        }
    }
}

#[test]
fn every_changed_bit_is_noticed() {
    let bytes = encode(&example(), Container::Json, Compression::Zstd).unwrap();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << bit;
            assert!(decode(&damaged).is_err(), "byte {at}, bit {bit}");
        }
    }
}

#[test]
fn a_bomb_is_stopped_at_the_limit() {
    let huge = vec![b' '; MAX_CONTAINER + 1];
    let zstd = sealed("json", "zstd", &compress(huge.clone(), Compression::Zstd).unwrap());
    let gzip = sealed("json", "gzip", &compress(huge.clone(), Compression::Gzip).unwrap());
    assert!(zstd.len() < 100_000 && gzip.len() < 100_000);
    assert_eq!(decode(&zstd), Err(DecodeError::TooLarge));
    assert_eq!(decode(&gzip), Err(DecodeError::TooLarge));
    let mut bytes = format!("rekindle-version 1 json none {} sha256:0\n", huge.len()).into_bytes();
    bytes.extend_from_slice(&huge);
    assert_eq!(decode(&bytes), Err(DecodeError::TooLarge), "before anything is computed of it");
}

#[test]
fn what_is_no_version_is_refused_by_name() {
    let good = String::from_utf8(encode(&example(), Container::Json, Compression::None).unwrap()).unwrap();
    let members = good.split_once('\n').unwrap().1;
    let json = |members: &str| decode(&sealed("json", "none", members.as_bytes())).unwrap_err();
    let newer = good.replacen(" 1 ", " 2 ", 1);
    assert_eq!(decode(newer.as_bytes()), Err(DecodeError::Newer(2)));
    assert!(!DecodeError::Newer(2).is_damage() && DecodeError::Checksum.is_damage());
    for (line, problem) in [
        ("", "it does not end within 256 bytes"),
        ("\n", "it does not say what it is"),
        ("hello world\n", "it does not begin with `rekindle-version`"),
        ("rekindle-version 0 json none 0 x\n", "it names no format"),
        ("rekindle-version 1 json none 0\n", "it does not have six words"),
        ("rekindle-version 1 xml none 0 x\n", "it names no container"),
        ("rekindle-version 1 json lz4 0 x\n", "it names no compression"),
        ("rekindle-version 1 json none +0 x\n", "it names no length"),
    ] {
        assert_eq!(decode(line.as_bytes()), Err(DecodeError::Line(problem)), "{line}");
    }
    assert_eq!(decode(b"rekindle-version 1 json none 0 sha256:00\n"), Err(DecodeError::Checksum));
    assert!(matches!(json("{"), DecodeError::Shape { problem: "it is not JSON", .. }));
    assert!(matches!(json(&members.replace("\"parent\"", "\"mother\"")), DecodeError::Shape { line: 1, .. }));
    assert!(matches!(json(&members.replace("size: 5", "size: 6")), DecodeError::Digest { .. }));
    assert!(matches!(json(&members.replace("app.yaml", "../x")), DecodeError::Name(_)));
    assert!(matches!(json(&members.replace("\"logo\"", "\"app.yaml\"")), DecodeError::Name(_)));
    assert_eq!(json(&members.replace("/wAB", "!")), DecodeError::Member("documents: base64"));
    assert_eq!(json(&members.replace("sha256:", "md5:")), DecodeError::Member("setAside"));
    let both = members.replace("\"base64\":", "\"text\":\"\",\"base64\":");
    assert_eq!(json(&both), DecodeError::Member("documents: each has either a text or base64"));
}

#[test]
fn no_message_holds_a_value() {
    let secret = "hunter2";
    for (container, members) in [
        ("json", format!("{{\"version\":\"{secret}\"}}")),
        ("yaml", format!("version: {secret}\n")),
        ("yaml", format!("{secret}: [\n")),
        ("json", format!("{{\"{secret}\":1}}")),
    ] {
        let error = decode(&sealed(container, "none", members.as_bytes())).unwrap_err();
        assert!(!format!("{error} {error:?}").contains(secret), "{error}");
    }
}

#[test]
fn too_large_documents_are_refused_and_the_largest_fit() {
    let most = |byte: u8, size: usize| stored(documents(&[("a", &vec![byte; size])]));
    assert_eq!(
        encode(&most(b'x', MAX_UNPACKED + 1), Container::Json, Compression::Zstd),
        Err(EncodeError::TooLarge { size: MAX_UNPACKED + 1 })
    );
    // JSON needs six bytes for a control character, and nothing needs more.
    let worst = most(1, 100_000);
    let bytes = encode(&worst, Container::Json, Compression::None).unwrap();
    assert!((600_000..=6 * 100_000 + 1024).contains(&bytes.len()), "{}", bytes.len());
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn any_text_survives_any_layout(
        texts in proptest::collection::vec(prop_oneof![
            any::<String>(),
            "[ \\t\\n\\r:#|>'\"&*!%@`{}\\[\\],?0-9a-z~-]{0,30}",
            "(yes|no|null|~|0x1f|1e3|---|\\.\\.\\.|2001-01-01| )\\n{0,3}",
        ], 0..4),
        bytes in proptest::collection::vec(any::<u8>(), 0..40),
        layout in proptest::sample::select(LAYOUTS.to_vec()),
    ) {
        let mut entries: Vec<_> = texts.iter().enumerate()
            .map(|(index, text)| (DocumentName::parse(format!("d{index}")).unwrap(), Bytes::from(text.clone())))
            .collect();
        entries.push((DocumentName::parse("bytes").unwrap(), Bytes::from(bytes)));
        let mut stored = stored(Documents::from_ordered(entries).unwrap());
        stored.version.cause = Cause { reason: texts.first().cloned(), asked_by: texts.last().cloned() };
        let bytes = encode(&stored, layout.0, layout.1).unwrap();
        prop_assert_eq!(decode(&bytes), Ok(stored));
    }

    #[test]
    fn no_bytes_end_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 0_usize..200) {
        let mut mixed = encode(&example(), Container::Yaml, Compression::Gzip).unwrap();
        let at = cut.min(mixed.len());
        mixed.splice(at.., bytes.clone());
        prop_assert!(decode(&mixed).is_err());
        for container in ["json", "yaml"] {
            for compression in ["none", "zstd", "gzip"] {
                prop_assert!(decode(&sealed(container, compression, &bytes)).is_err());
            }
        }
    }
}
