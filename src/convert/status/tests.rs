//! What is written can be read back, fits the fields, and stays the same while nothing changes.
//! Whether the fields really hold it is asked of the real server in the integration tests.

use rekindle_core::document::DocumentName;
use rekindle_core::finding::Rule;
use rekindle_core::status::Condition as Said;
use rekindle_core::value::Path;

use super::*;

fn digest(number: u8) -> Digest {
    Digest::parse(&format!("sha256:{}", format!("{number:02x}").repeat(32))).unwrap()
}

fn name(text: &str) -> ObjectName {
    ObjectName::parse(text).unwrap()
}

fn full() -> PolicyStatus {
    let running = |number| Running { version: VersionNumber(number), digest: digest(1) };
    PolicyStatus {
        generation: 4,
        conditions: vec![
            Said {
                kind: ConditionKind::Ready,
                truth: Truth::False,
                reason: Reason::Quarantined,
                message: "it hurt before".to_owned(),
            },
            Said {
                kind: ConditionKind::BreakerClosed,
                truth: Truth::Unknown,
                reason: Reason::HalfOpen,
                message: String::new(),
            },
        ],
        active: Some(running(7)),
        last_good: Some(running(6)),
        last_number: Some(VersionNumber(8)),
        targets: TargetCounts { total: 4, confirmed: 1, delivered: 1, refused: 1, failed: 1, pending: 0, unusable: 2 },
        failures: vec![TargetFailure { pod: name("a"), version: VersionNumber(7), reason: "too small".to_owned() }],
        breaker: Breaker::Open { until: Timestamp(1_767_323_045_250), reason: "3 pods in a row".to_owned() },
        quarantined: vec![Quarantined {
            digest: digest(2),
            version: VersionNumber(8),
            reason: "3 pods in a row".to_owned(),
            at: Timestamp(1_767_323_044_001),
            restored: true,
        }],
        set_aside: vec![SetAside {
            digest: digest(3),
            version: VersionNumber(5),
            rollback: name("undo"),
            at: Timestamp(1_767_323_044_002),
        }],
        findings: vec![
            Finding::error(Rule::Maximum, "must be at most 100")
                .in_document(&DocumentName::parse("app.yaml").unwrap())
                .at(Path::root().key("pool").key("size"))
                .at_position(3, 7)
                .hint("lower it"),
        ],
        last_edit: LastEdit { digest: Some(digest(2)), outcome: Reason::Quarantined, message: "it hurt".to_owned() },
    }
}

#[test]
fn what_the_core_must_remember_comes_back() {
    let status = full();

    let read = read_policy_status(&policy_status(&status, None, Timestamp(0)));

    let expected = PolicyStatus {
        conditions: Vec::new(),
        targets: TargetCounts::default(),
        failures: Vec::new(),
        findings: Vec::new(),
        ..status
    };
    assert_eq!(read, expected);
}

#[test]
fn each_state_of_the_breaker_comes_back() {
    let open = Breaker::Open { until: Timestamp(5), reason: "x".to_owned() };
    for state in [Breaker::Closed, Breaker::HalfOpen, open] {
        assert_eq!(read_breaker(&breaker(&state)), state);
    }
    let endless = api::BreakerStatus { state: api::BreakerState::Open, ..Default::default() };
    assert_eq!(read_breaker(&endless), Breaker::HalfOpen);
}

#[test]
fn users_see_counts_conditions_and_findings() {
    let shown = policy_status(&full(), None, Timestamp(1_767_323_045_250));

    assert_eq!(shown.targets.unwrap().summary, "2/4");
    let ready = &shown.conditions[0];
    assert_eq!((ready.type_.as_str(), ready.status.as_str(), ready.reason.as_str()), ("Ready", "False", "Quarantined"));
    assert_eq!(ready.observed_generation, Some(4));
    assert_eq!(shown.conditions[1].status, "Unknown");
    let finding = &shown.findings[0];
    assert_eq!((finding.document.as_deref(), finding.line, finding.column), (Some("app.yaml"), Some(3), Some(7)));
    assert_eq!((finding.path.as_deref(), finding.rule.as_str()), (Some("pool.size"), "Maximum"));
}

#[test]
fn nothing_new_changes_nothing() {
    let shown = policy_status(&full(), None, Timestamp(1_000));
    assert_eq!(policy_status(&full(), Some(&shown), Timestamp(99_000)), shown);
    let unusable = unusable_policy_status(5, "spec.sources: none", Some(&shown), Timestamp(2_000));
    assert_eq!(unusable_policy_status(5, "spec.sources: none", Some(&unusable), Timestamp(99_000)), unusable);
}

#[test]
fn an_unusable_specification_loses_nothing_that_is_remembered() {
    let before = policy_status(&full(), None, Timestamp(1_000));

    let after = unusable_policy_status(5, "spec.sources: none", Some(&before), Timestamp(2_000));

    assert_eq!(after.conditions[0].reason, "SpecInvalid");
    assert_eq!((after.observed_generation, after.conditions.len()), (Some(5), 2));
    assert_eq!((after.quarantined, after.active), (before.quarantined, before.active));
}

#[test]
fn long_texts_and_lists_are_cut_to_what_the_fields_hold() {
    let mut status = full();
    status.failures = vec![TargetFailure { pod: name("a"), version: VersionNumber(7), reason: "x".repeat(999) }; 30];
    status.quarantined = (0..60)
        .map(|number| Quarantined {
            digest: digest(number),
            version: VersionNumber(u64::from(number) + 1),
            reason: "x".repeat(5000),
            at: Timestamp(0),
            restored: false,
        })
        .collect();
    status.findings = vec![Finding::error(Rule::Type, "x".repeat(5000)); 60];

    let shown = policy_status(&status, None, Timestamp(0));

    assert_eq!((shown.failures.len(), shown.findings.len(), shown.quarantined.len()), (20, 50, 50));
    assert_eq!(shown.failures[0].reason.chars().count(), 512);
    assert_eq!(shown.quarantined[0].digest, digest(10).to_string(), "the oldest go first");
    assert_eq!(shown.findings[0].message.chars().count(), 512);
}

#[test]
fn what_another_hand_wrote_is_passed_over() {
    let mut shown = policy_status(&full(), None, Timestamp(0));
    shown.quarantined[0].digest = "sha256:none".to_owned();
    let edit = shown.last_edit.as_mut().unwrap();
    edit.outcome = "Unheard".to_owned();

    let read = read_policy_status(&shown);

    assert!(read.quarantined.is_empty());
    assert_eq!((read.last_edit.outcome, read.set_aside.len()), (Reason::NothingRecorded, 1));
}
