//! Records, rollbacks and what is held back, on contents of one letter; and what a version costs.
//! Must not touch a disk.

use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::cases::cases;
use crate::document::DocumentName;

fn documents(content: &str) -> Documents {
    let name = DocumentName::parse("app.yaml").unwrap();
    Documents::from_ordered(vec![(name, Bytes::from(content.to_owned()))]).unwrap()
}

fn digest(content: &str) -> Digest {
    Digest::of(&documents(content))
}

/// Says what the source holds, and records it if it may become a version.
fn edit(journal: &mut Journal, content: &str) -> Admission {
    let admission = journal.admit(digest(content));
    if admission == Admission::New {
        let entry = journal.next(&documents(content), LocalOrigin::Source, Cause::default(), Timestamp(0)).unwrap();
        journal.commit(entry, Timestamp(0));
    }
    admission
}

fn roll_back(journal: &mut Journal, to: RollbackTo) -> Result<u64, PlanError> {
    let plan = journal.plan(to, Cause::because("slow").asked_by("eve"))?;
    let origin = LocalOrigin::Rollback { from: plan.from, of: plan.of };
    let entry = journal.next(&plan.documents, origin, plan.cause, Timestamp(5)).unwrap();
    journal.commit(entry, Timestamp(5));
    Ok(plan.of.0)
}

fn edited(contents: &[&str]) -> Journal {
    let mut journal = Journal::new(Limits::default());
    for content in contents {
        assert_eq!(edit(&mut journal, content), Admission::New);
    }
    journal
}

fn active(journal: &Journal) -> (u64, Digest) {
    let version = &journal.active().unwrap().version;
    (version.number.0, version.digest)
}

#[test]
fn a_rollback_records_the_older_content_under_a_new_number() {
    let mut journal = edited(&["a", "b", "c"]);
    assert_eq!(roll_back(&mut journal, RollbackTo::Version(VersionNumber(1))), Ok(1));
    assert_eq!(active(&journal), (4, digest("a")));
    let done: Vec<_> = journal.rollbacks().cloned().collect();
    let expected = RollbackDone {
        number: VersionNumber(4),
        from: VersionNumber(3),
        of: VersionNumber(1),
        at: Timestamp(5),
        cause: Cause::because("slow").asked_by("eve"),
    };
    assert_eq!(done, [expected]);
    assert_eq!(journal.active().unwrap().version.parent, Some(VersionNumber(3)));
}

#[test]
fn steps_go_further_back_each_time() {
    let mut journal = edited(&["a", "b", "c"]);
    assert_eq!(roll_back(&mut journal, RollbackTo::Steps(1)), Ok(2));
    assert_eq!(roll_back(&mut journal, RollbackTo::Steps(1)), Ok(1));
    let error = roll_back(&mut journal, RollbackTo::Steps(1)).unwrap_err();
    assert_eq!(error, PlanError::Choose(RollbackError::TooManySteps { wanted: 1, available: 0 }));
    assert_eq!(active(&journal), (5, digest("a")), "nothing was changed by the failure");
    assert!(roll_back(&mut journal, RollbackTo::Version(VersionNumber(99))).is_err());
    assert!(Journal::default().plan(RollbackTo::Steps(1), Cause::default()).is_err());
}

#[test]
fn what_was_rolled_back_from_waits_until_the_source_changes() {
    let mut journal = edited(&["a", "b"]);
    roll_back(&mut journal, RollbackTo::Steps(1)).unwrap();
    let held = Admission::SetAside { version: VersionNumber(2) };
    assert_eq!(edit(&mut journal, "b"), held, "the unchanged file");
    assert_eq!(edit(&mut journal, "b"), held, "however often it is read");
    assert_eq!(edit(&mut journal, "c"), Admission::New);
    assert_eq!(edit(&mut journal, "b"), Admission::New, "somebody wants it after all");
    assert_eq!(edit(&mut journal, "b"), Admission::Active(VersionNumber(5)));
}

#[test]
fn a_source_that_changes_to_another_content_that_was_left_changed_as_well() {
    let mut journal = edited(&["a", "b", "c"]);
    roll_back(&mut journal, RollbackTo::Steps(1)).unwrap();
    roll_back(&mut journal, RollbackTo::Steps(1)).unwrap();
    assert_eq!(edit(&mut journal, "c"), Admission::SetAside { version: VersionNumber(3) });
    assert_eq!(edit(&mut journal, "b"), Admission::New);
}

#[test]
fn a_person_may_ask_for_what_is_set_aside() {
    let mut journal = edited(&["a", "b"]);
    roll_back(&mut journal, RollbackTo::Steps(1)).unwrap();
    assert_eq!(roll_back(&mut journal, RollbackTo::Version(VersionNumber(2))), Ok(2));
    assert_eq!(edit(&mut journal, "b"), Admission::Active(VersionNumber(4)));
    assert_eq!(edit(&mut journal, "a"), Admission::New, "it was left by a person, but the source holds it newly");
}

#[test]
fn pins_hold_and_numbers_are_given_once() {
    let mut journal = Journal::new(Limits { count: 3, ..Limits::default() });
    for content in ["a", "b"] {
        edit(&mut journal, content);
    }
    assert!(journal.pin(VersionNumber(1), true) && !journal.pin(VersionNumber(9), true));
    for content in ["c", "d", "e"] {
        edit(&mut journal, content);
    }
    let numbers: Vec<_> = journal.entries().map(|entry| entry.version.number.0).collect();
    assert_eq!(numbers, [1, 4, 5]);
    assert!(journal.is_pinned(VersionNumber(1)) && journal.pin(VersionNumber(1), false));
    edit(&mut journal, "f");
    assert!(journal.get(VersionNumber(1)).is_none());
    let aged = Limits { age: Some(Duration::from_millis(3)), ..Limits::default() };
    let kept: Vec<_> = journal.entries().cloned().collect();
    let mut restored = Journal::restore(aged, kept, BTreeSet::new(), Some(VersionNumber(40)));
    assert_eq!(restored.prune(Timestamp(4)).len(), 2);
    edit(&mut restored, "g");
    assert_eq!(active(&restored).0, 41, "above the highest that ever was");
}

#[test]
fn causes_are_bounded() {
    let journal = edited(&["a"]);
    let cause = Cause::because("x".repeat(5000)).asked_by("é".repeat(5000));
    let entry = journal.next(&documents("b"), LocalOrigin::Update, cause, Timestamp(0)).unwrap();
    let Cause { reason, asked_by } = entry.version.cause;
    assert_eq!((reason.unwrap().chars().count(), asked_by.unwrap().chars().count()), (1024, 1024));
}

/// A configuration of 100 keys as they come, one of which is `changed`.
fn hundred_keys(changed: usize) -> String {
    let line = |key: usize| {
        let value = if key == 50 { changed } else { key * 7919 };
        format!(
            "service_{key}:\n  url: https://service-{key}.example.net:{}/v1/path/{value}\n  timeout: {key}s\n",
            8000 + key
        )
    };
    (0..100).map(line).collect()
}

#[test]
fn a_version_with_one_of_a_hundred_keys_changed_takes_less_than_ten_kilobytes() {
    let mut journal = Journal::new(Limits { count: 1000, ..Limits::default() });
    for changed in 0..100 {
        edit(&mut journal, &hundred_keys(changed));
    }
    let each = journal.memory() / 100;
    assert!(hundred_keys(0).len() > 7_000, "{}", hundred_keys(0).len());
    assert!(each <= 4_000, "{each} bytes a version");
}

#[derive(Debug, Clone)]
enum Event {
    Edit(char),
    Back(u32),
    To(u64),
    Pin(u64, bool),
    Restart,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => prop_oneof![Just('a'), Just('b'), Just('c'), Just('d')].prop_map(Event::Edit),
        2 => (1_u32..3).prop_map(Event::Back),
        1 => (1_u64..12).prop_map(Event::To),
        1 => ((1_u64..12), any::<bool>()).prop_map(|(number, pin)| Event::Pin(number, pin)),
        1 => Just(Event::Restart),
    ]
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn the_laws_of_the_line_hold_through_any_history(events in proptest::collection::vec(event(), 1..40)) {
        let limits = Limits { count: 4, ..Limits::default() };
        let mut journal = Journal::new(limits);
        let mut given = BTreeSet::new();
        for event in events {
            let before = journal.active().map(|active| active.version.clone());
            let source = journal.seen;
            match event {
                Event::Edit(content) => {
                    let held = digest(&content.to_string());
                    match edit(&mut journal, &content.to_string()) {
                        Admission::New => prop_assert_eq!(active(&journal).1, held),
                        Admission::Active(number) => prop_assert_eq!(active(&journal), (number.0, held)),
                        Admission::SetAside { .. } => prop_assert_eq!(source, Some(held), "only the unchanged source is held back"),
                    }
                }
                Event::Back(steps) => drop(roll_back(&mut journal, RollbackTo::Steps(steps))),
                Event::To(number) => drop(roll_back(&mut journal, RollbackTo::Version(VersionNumber(number)))),
                Event::Pin(number, pin) => drop(journal.pin(VersionNumber(number), pin)),
                Event::Restart => {
                    let entries: Vec<_> = journal.entries().cloned().collect();
                    let restored = Journal::restore(limits, entries, journal.pinned.clone(), journal.highest);
                    prop_assert_eq!(&restored.entries, &journal.entries);
                    journal = restored;
                }
            }
            if let (Some(before), Some(now)) = (before, journal.active()) {
                let now = &now.version;
                if now.number != before.number {
                    prop_assert!(now.number > before.number && now.digest != before.digest);
                    prop_assert!(given.insert(now.number), "a number is given once");
                    prop_assert_eq!(now.parent, Some(before.number));
                }
                let expendable = journal.entries.keys().filter(|number| !journal.is_pinned(**number)).count();
                prop_assert!(journal.entries.len() <= 4 || expendable <= 1);
            }
            for entry in journal.entries() {
                prop_assert!(entry.documents().is_ok());
            }
        }
    }
}
