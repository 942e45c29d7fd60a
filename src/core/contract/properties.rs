//! What holds for every body, header and answer, however strange: nothing panics, and what is sent is what arrives.

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::answer::{AnswerBody, MAX_REASON, clean, interpret};
use super::body::{Body, Limits, Reason};
use super::signature::{PushKey, PushKeys, sign, verify};
use crate::digest::Digest;
use crate::document::{DocumentName, Documents};
use crate::ids::{Epoch, Namespace, ObjectName, PolicyId, VersionNumber};
use crate::target::Answer;

prop_compose! {
    fn bodies()(
        documents in btree_map("[A-Za-z0-9_-][A-Za-z0-9._-]{0,20}", vec(any::<u8>(), 0..200), 0..6),
        text in any::<String>(),
        changed in vec(any::<String>(), 0..4),
        version in any::<u64>(),
        epoch in any::<u64>(),
    ) -> Body {
        let mut source: BTreeMap<DocumentName, Bytes> = documents
            .into_iter()
            .map(|(name, content)| (DocumentName::parse(name).unwrap(), content.into()))
            .collect();
        source.insert(DocumentName::parse("text").unwrap(), text.into());
        let documents = Documents::join([source]);
        let policy =
            PolicyId { namespace: Namespace::parse("shop").unwrap(), name: ObjectName::parse("checkout").unwrap() };
        let digest = Digest::of(&documents);
        let (version, epoch) = (VersionNumber(version), Epoch(epoch));
        Body { policy, version, digest, epoch, reason: Reason::CatchUp, changed, documents }
    }
}

proptest! {
    #[test]
    fn a_body_arrives_as_it_was_sent(body in bodies()) {
        let encoded = body.encode().unwrap();
        prop_assert_eq!(Body::decode(&encoded, Limits::default()), Ok(body));
    }

    #[test]
    fn a_body_that_was_damaged_on_its_way_is_never_taken_for_another(body in bodies(), at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let mut bytes = body.encode().unwrap().to_vec();
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != to);
        let key = PushKey::new(&[7; 32]).unwrap();
        let header = sign(&key, 1000, &bytes);
        bytes[at] = to;
        let keys = PushKeys { current: key, previous: None };
        prop_assert!(verify(&keys, &header, &bytes, 1000).is_err());
        if let Ok(decoded) = Body::decode(&bytes, Limits::default()) {
            prop_assert_eq!(Digest::of(&decoded.documents), decoded.digest);
        }
    }

    #[test]
    fn nothing_that_arrives_ends_the_process(bytes in vec(any::<u8>(), 0..300), text in any::<String>(), now in any::<i64>()) {
        let _ = Body::decode(&bytes, Limits::default());
        let _ = AnswerBody::decode(&bytes);
        let keys = PushKeys { current: PushKey::new(&[7; 32]).unwrap(), previous: None };
        prop_assert!(verify(&keys, &text, &bytes, now).is_err());
    }

    #[test]
    fn no_header_is_accepted_that_was_not_signed(time in "[0-9]{0,20}", fields in "(,?(v1|t|v2)=[0-9a-f]{0,64}){0,4}") {
        let keys = PushKeys { current: PushKey::new(&[7; 32]).unwrap(), previous: None };
        let now = time.parse().unwrap_or(0);
        let header = format!("t={time}{fields}");
        prop_assert!(verify(&keys, &header, b"body", now).is_err());
    }

    #[test]
    fn whatever_a_target_says_is_one_bounded_line(status in any::<u16>(), said in any::<String>(), bytes in vec(any::<u8>(), 0..100)) {
        let line = clean(&said);
        prop_assert!(line.chars().count() <= MAX_REASON && !line.chars().any(char::is_control));
        let pushed = Digest::of(&Documents::default());
        let answer = serde_json::json!({"running": null, "reason": said}).to_string();
        for body in [answer.as_bytes(), &bytes] {
            match interpret(status, body, pushed) {
                Answer::Ack | Answer::Delivered => prop_assert!(false, "nothing runs"),
                Answer::Nack { reason } | Answer::Failed { reason } => {
                    prop_assert!(reason.chars().count() <= MAX_REASON + 50 && !reason.chars().any(char::is_control));
                }
                Answer::Stale { .. } => {}
            }
        }
    }
}
