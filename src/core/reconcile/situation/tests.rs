//! Where a target stands, from what it answered.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::super::ledger::Ledger;
use super::*;
use crate::document::Documents;
use crate::ids::Uid;
use crate::record::StoredContent;
use crate::target::{Answer, TargetKey};
use crate::version::content::Encoding;

const NOW: Timestamp = Timestamp(1000);

fn version(origin: Origin) -> Recorded {
    Recorded {
        number: VersionNumber(4),
        digest: Digest::of(&Documents::default()),
        parent: None,
        last_good: None,
        origin,
        content: StoredContent { encoding: Ok(Encoding::Zstd), bytes: bytes::Bytes::new() },
        changed: Vec::new(),
        proven: false,
        acks: BTreeMap::new(),
        created: NOW,
    }
}

fn after_nack(origin: Origin, payload: Payload, check: impl FnOnce(Standing<'_>)) {
    let active = version(origin);
    let key = TargetKey { uid: Uid::parse("pod").unwrap(), started: NOW };
    let mut ledger = Ledger::default();
    ledger.pushed(&key, active.number);
    ledger.answered(&key, active.running(), Answer::Nack { reason: "status 500".to_owned() }, NOW);
    let endpoint = Endpoint {
        address: IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)),
        port: 9090,
        path: "/-/reload".to_owned(),
        payload,
        timeout: Duration::from_secs(2),
    };
    check(standing_of(&active, &endpoint, &ledger.targets[&key]));
}

fn revert() -> Origin {
    Origin::Revert { from: VersionNumber(3), of: VersionNumber(2), reason: String::new() }
}

#[test]
fn a_refusal_stands_until_another_version_comes() {
    for (origin, payload) in [
        (Origin::Edit(Vec::new()), Payload::Content),
        (Origin::Edit(Vec::new()), Payload::Notice),
        (revert(), Payload::Content),
    ] {
        after_nack(origin, payload, |standing| assert_eq!(standing, Standing::Refused("status 500")));
    }
}

#[test]
fn a_refused_notice_of_the_way_back_is_repeated_because_the_file_may_lag() {
    after_nack(revert(), Payload::Notice, |standing| match standing {
        Standing::Retrying { reason, retry_at } => assert!(reason == "status 500" && retry_at >= NOW),
        other => panic!("{other:?}"),
    });
}
