//! Packing and unpacking, with every kind of damage.
//! Must not depend on how well the compressor does beyond what the limits promise.

use proptest::prelude::*;

use super::*;

fn name(text: &str) -> DocumentName {
    DocumentName::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

fn documents(entries: &[(&str, &[u8])]) -> Documents {
    let entries = entries.iter().map(|(key, content)| (name(key), Bytes::copy_from_slice(content))).collect();
    Documents::from_ordered(entries).unwrap_or_else(|error| panic!("{error}"))
}

/// Bytes that do not compress, from a fixed seed.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

fn sample() -> Documents {
    documents(&[("z.yaml", b"pool: 5\n"), ("logo", &[0xff, 0, 0xfe]), ("app.env", b""), (".env", b"A=1\nB=2\n")])
}

/// Compresses what is not a container that `pack` would make.
fn forged(container: &[u8]) -> Vec<u8> {
    compress(container).unwrap_or_else(|error| panic!("{error}"))
}

fn refusal(container: &[u8]) -> UnpackError {
    let digest = Digest::of(&Documents::default());
    match unpack(Encoding::Zstd, &forged(container), &digest) {
        Ok(documents) => panic!("accepted {documents:?}"),
        Err(error) => error,
    }
}

#[test]
fn what_was_packed_comes_back_in_merge_order() {
    for documents in [Documents::default(), sample()] {
        let packed = pack(&documents).unwrap();
        assert_eq!(packed.encoding.as_str(), "zstd");
        assert_eq!(packed.size, documents.size());
        assert_eq!(unpack(packed.encoding, &packed.bytes, &Digest::of(&documents)), Ok(documents));
    }
}

#[test]
fn the_same_documents_are_packed_into_the_same_bytes() {
    assert_eq!(pack(&sample()), pack(&sample()));
}

#[test]
fn the_largest_config_map_fits_even_when_it_does_not_compress() {
    let content = noise(1024 * 1024 - 199);
    let keys: Vec<String> = (0..200).map(|key| format!("{key:0>253}")).collect();
    let mut entries: Vec<(&str, &[u8])> = keys.iter().map(|key| (key.as_str(), b"x".as_ref())).collect();
    entries.truncate(199);
    entries.push((&keys[199], &content));
    let documents = documents(&entries);
    assert_eq!(documents.size(), 1024 * 1024);

    let packed = pack(&documents).unwrap();
    assert!(packed.bytes.len() <= MAX_PACKED, "{packed:?}");
    let base64 = packed.bytes.len().div_ceil(3) * 4;
    assert!(base64 + 80 * 1024 < 3 * 1024 * 1024 / 2, "{base64}");
    assert_eq!(unpack(packed.encoding, &packed.bytes, &Digest::of(&documents)), Ok(documents));
}

#[test]
fn more_than_fits_is_a_finding_with_the_sizes() {
    let error = pack(&documents(&[("blob", &noise(MAX_PACKED + 1))])).unwrap_err();
    assert!(matches!(error, PackError::Packed { size, packed } if size == MAX_PACKED + 1 && packed > size));
    let finding = error.to_finding();
    assert_eq!(finding.rule, Rule::TooLarge);
    assert!(finding.message.contains("1114113 bytes") && finding.message.contains("at most 1114112"), "{finding}");
    assert!(finding.hint.is_some());

    let zeros = vec![0; MAX_UNPACKED];
    let error = pack(&documents(&[("zeros", &zeros)])).unwrap_err();
    assert_eq!(error, PackError::Unpacked { size: MAX_UNPACKED + 17 });
    assert!(error.to_finding().message.contains("10485777 bytes"), "{error}");
}

#[test]
fn a_small_content_with_one_key_of_a_hundred_changed_takes_little_room() {
    let text: String = (0..100).map(|key| format!("setting_number_{key}: value of {key}\n")).collect();
    let packed = pack(&documents(&[("app.yaml", text.replace("of 57", "anew").as_bytes())])).unwrap();
    assert!(packed.bytes.len() < 2 * 1024, "{packed:?}");
}

#[test]
fn a_record_that_would_unpack_to_too_much_is_refused_unread() {
    let bomb = forged(&vec![0; MAX_UNPACKED + 1]);
    assert!(bomb.len() < 10_000);
    let digest = Digest::of(&Documents::default());
    assert_eq!(unpack(Encoding::Zstd, &bomb, &digest), Err(UnpackError::TooLarge));
}

#[test]
fn frames_that_state_less_than_they_hold_are_refused() {
    let digest = Digest::of(&sample());
    let packed = pack(&sample()).unwrap().bytes;
    let mut twice = packed.to_vec();
    twice.extend(forged(&vec![0; MAX_UNPACKED]));
    let refused = unpack(Encoding::Zstd, &twice, &digest);
    assert!(matches!(refused, Err(UnpackError::Decompress { .. })), "{refused:?}");

    let unstated = zstd::stream::encode_all(vec![0; 1024 * 1024].as_slice(), 3).unwrap();
    let refused = unpack(Encoding::Zstd, &unstated, &digest);
    assert!(matches!(refused, Err(UnpackError::Decompress { .. })), "{refused:?}");
}

#[test]
fn a_record_cut_anywhere_is_refused() {
    let digest = Digest::of(&sample());
    let bytes = pack(&sample()).unwrap().bytes;
    for end in 0..bytes.len() {
        assert!(unpack(Encoding::Zstd, &bytes[..end], &digest).is_err(), "cut at {end}");
    }
    let mut container = Vec::from(MAGIC);
    container.extend(b"\0\0\0\x01\0\0\0\x02ahi");
    for end in (0..container.len()).filter(|end| *end != MAGIC.len()) {
        let error = refusal(&container[..end]);
        assert!(matches!(error, UnpackError::Container(_)), "cut at {end}: {error}");
    }
}

#[test]
fn containers_that_no_release_wrote_are_refused() {
    let container = |entries: &[u8]| [MAGIC, entries].concat();
    assert!(matches!(refusal(b"RKV2"), UnpackError::Container(_)));
    assert!(matches!(refusal(&container(b"\xff\xff\xff\xff\xff\xff\xff\xffab")), UnpackError::Container(_)));
    assert!(matches!(refusal(&container(b"\0\0\0\x01\0\0\0\0\xff")), UnpackError::Container(_)));
    assert!(matches!(refusal(&container(b"\0\0\0\x02\0\0\0\0..")), UnpackError::Name(_)));
    assert!(matches!(refusal(&container(b"\0\0\0\x01\0\0\0\0a\0\0\0\x01\0\0\0\0a")), UnpackError::Name(_)));
}

#[test]
fn another_content_under_the_same_digest_is_refused() {
    let forged = pack(&documents(&[("app.yaml", b"pool: 6\n")])).unwrap();
    let expected = Digest::of(&documents(&[("app.yaml", b"pool: 5\n")]));
    let error = unpack(forged.encoding, &forged.bytes, &expected).unwrap_err();
    assert!(matches!(error, UnpackError::Digest { .. }));
    assert!(!error.to_string().contains("pool"), "{error}");
}

#[test]
fn only_known_encodings_are_read() {
    assert_eq!(Encoding::parse(&Encoding::Zstd.to_string()), Ok(Encoding::Zstd));
    let error = Encoding::parse(&"x".repeat(90)).unwrap_err();
    assert_eq!(error, UnpackError::UnknownEncoding("x".repeat(40)));
}

#[test]
fn debug_output_tells_sizes_and_no_content() {
    let packed = pack(&sample()).unwrap();
    assert_eq!(format!("{packed:?}"), format!("Packed(zstd, {} bytes of 19)", packed.bytes.len()));
}

fn any_documents() -> impl Strategy<Value = Documents> {
    let entry = ("[a-zA-Z0-9_-]{1,12}", proptest::collection::vec(any::<u8>(), 0..200));
    proptest::collection::vec(entry, 0..6).prop_map(|entries| {
        let mut seen = std::collections::BTreeSet::new();
        let unique = entries.into_iter().filter(|(key, _)| seen.insert(key.clone()));
        let entries = unique.map(|(key, content)| (name(&key), Bytes::from(content))).collect();
        Documents::from_ordered(entries).unwrap()
    })
}

proptest! {
    #[test]
    fn any_documents_come_back(documents in any_documents()) {
        let packed = pack(&documents).unwrap();
        prop_assert_eq!(unpack(packed.encoding, &packed.bytes, &Digest::of(&documents)), Ok(documents));
    }

    /// Some bits of a frame's header mean nothing, so a flipped bit may also leave the documents as they were.
    #[test]
    fn damage_never_changes_what_comes_back(
        documents in any_documents(),
        flips in proptest::collection::vec((any::<proptest::sample::Index>(), 1_u8..), 1..4),
        cut in any::<proptest::sample::Index>(),
    ) {
        let digest = Digest::of(&documents);
        let packed = pack(&documents).unwrap();
        let mut damaged = packed.bytes.to_vec();
        for (at, flip) in flips {
            let at = at.index(damaged.len());
            damaged[at] ^= flip;
        }
        if let Ok(found) = unpack(Encoding::Zstd, &damaged, &digest) {
            prop_assert_eq!(&found, &documents);
        }
        damaged.truncate(cut.index(damaged.len()));
        prop_assert!(unpack(Encoding::Zstd, &damaged, &digest).is_err());
        prop_assert!(unpack(Encoding::Zstd, &packed.bytes[..cut.index(packed.bytes.len())], &digest).is_err());
    }

    #[test]
    fn arbitrary_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let digest = Digest::of(&documents(&[("a", b"1")]));
        prop_assert!(unpack(Encoding::Zstd, &bytes, &digest).is_err());
        prop_assert!(unpack(Encoding::Zstd, &forged(&bytes), &digest).is_err());
        let framed = [MAGIC, &bytes].concat();
        prop_assert!(unpack(Encoding::Zstd, &forged(&framed), &digest).is_err());
    }
}
