//! What becomes of an edit: recorded and pushed, unchanged, refused, or waiting.

use std::sync::Arc;

use super::world::Happened::{Pushed, Recorded};
use super::world::{HURTS, Mood, World, digest, schema, seen, version};
use crate::document::DocumentName;
use crate::finding::{Finding, Rule};
use crate::policy::Mode;
use crate::reason::Reason;
use crate::reconcile::observed::{SchemaState, SourceState};
use crate::reconcile::plan::Action;
use crate::record::Origin;
use crate::status::ConditionKind::{Ready, SchemaReady, SourceReady, Valid};

#[test]
fn the_first_edit_is_recorded_and_goes_out_only_once_the_history_holds_it() {
    let mut world = World::new(2);
    world.edit("pool: 1\n");
    let plan = world.plan();
    assert!(matches!(&plan.actions[..], [Action::Record { version, warm }, Action::Remember(_)]
        if version.number.0 == 1 && version.parent.is_none() && warm.len() == 2));
    world.settle();
    assert_eq!(world.done(), [Recorded(1), Pushed(1, vec!["pod-0".into(), "pod-1".into()])]);
    assert_eq!(world.runs(), [1, 1]);
    assert_eq!(world.ready(), "True Settled");
    assert!(matches!(&world.history[&version(1)].origin, Origin::Edit(sources) if sources == &[seen(true)]));
}

#[test]
fn a_change_of_files_is_recorded_as_such() {
    let mut world = World::running(1);
    world.edit("pool: 2\n");
    let SourceState::Read { documents, .. } = &world.source else { panic!("it was read") };
    world.source = SourceState::Read { documents: documents.clone(), seen: seen(false) };
    world.settle();
    assert!(matches!(world.history[&version(2)].origin, Origin::File(_)));
    assert_eq!(world.history[&version(2)].parent, Some(version(1)));
    assert_eq!(world.history[&version(2)].changed, ["pool"]);
}

#[test]
fn an_unchanged_digest_does_nothing_and_says_so() {
    let mut world = World::running(2);
    let plan = world.plan();
    assert_eq!((plan.actions, plan.again), (vec![], None));
    assert_eq!(plan.because.iter().map(|because| because.reason).collect::<Vec<_>>(), [Reason::Settled]);
}

#[test]
fn an_edit_of_a_comment_needs_no_version() {
    let mut world = World::running(1);
    world.edit("pool: 1 # as few as can be\n");
    world.settle();
    assert_eq!(world.done(), []);
    assert_eq!((world.outcome(), world.ready()), (Reason::Unchanged, "True Settled".to_owned()));
    world.edit("pool: 2\n");
    world.settle();
    assert_eq!(world.active(), Some(2));
}

#[test]
fn an_edit_that_comes_meanwhile_takes_the_place_of_the_one_before() {
    let mut world = World::running(2);
    world.holds_answers = true;
    world.edit("pool: 2\n");
    world.settle();
    world.edit("pool: 3\n");
    world.settle();
    assert_eq!(world.history.len(), 3, "the second edit waits for no answer");
    world.holds_answers = false;
    world.settle();
    assert_eq!(world.runs(), [3, 3]);
    assert_eq!(world.status().last_good.map(|good| good.version), Some(version(3)));
    assert!(!world.history[&version(2)].proven, "what was replaced before all pods answered is not proven");
}

#[test]
fn an_older_content_that_an_author_writes_again_becomes_a_new_version() {
    let mut world = World::running(1);
    world.edit("pool: 2\n");
    world.settle();
    world.edit("pool: 1\n");
    world.settle();
    assert_eq!((world.active(), world.runs()), (Some(3), vec![3]));
    assert_eq!(world.history[&version(3)].digest, world.history[&version(1)].digest);
}

#[test]
fn an_invalid_edit_goes_nowhere_and_its_findings_are_shown() {
    let mut world = World::running(1);
    world.edit("pool: 500\n");
    world.settle();
    assert_eq!(world.announced(), [Reason::Invalid]);
    assert_eq!((world.outcome(), world.ready()), (Reason::Invalid, "False Invalid".to_owned()));
    assert_eq!(world.says(Valid), "False Invalid");
    let findings = &world.status().findings;
    assert!(matches!(&findings[..], [finding] if finding.rule == Rule::Maximum), "{findings:?}");
    assert!(!world.condition(Ready).message.contains("500"), "no value is shown");
    assert_eq!(world.runs(), [1]);

    world.edit("pool: [\n");
    world.settle();
    assert_eq!((world.done(), world.outcome()), (vec![], Reason::Invalid));
    assert!(world.condition(Valid).message.contains("app.yaml"), "{}", world.condition(Valid).message);
}

#[test]
fn what_runs_stays_and_is_called_invalid_when_the_schema_becomes_stricter() {
    let mut world = World::new(1);
    world.schema = SchemaState::None;
    world.edit("pool: 500\n");
    world.settle();
    assert_eq!(world.says(SchemaReady), "True NoSchema");
    world.schema = schema();
    world.settle();
    assert_eq!((world.runs(), world.ready()), (vec![1], "False Invalid".to_owned()));
    assert!(world.condition(Ready).message.starts_with("what runs violates today's schema and stays"));
    world.restart_pod("pod-0");
    world.settle();
    assert_eq!(world.runs(), [1], "a pod that restarts still gets what was valid when it was recorded");
}

#[test]
fn a_source_that_is_gone_leaves_the_active_version_alone() {
    let mut world = World::running(1);
    world.source = SourceState::Missing;
    world.settle();
    assert_eq!(world.announced(), [Reason::SourceMissing]);
    assert_eq!((world.runs(), world.active()), (vec![1], Some(1)));
    assert_eq!((world.ready(), world.says(SourceReady)), ("False SourceMissing".into(), "False SourceMissing".into()));
    assert!(world.condition(SourceReady).message.contains("the ConfigMap checkout does not exist"));
    world.add_pod("pod-1");
    world.settle();
    assert_eq!(world.runs(), [1, 1], "new pods get what is active");
    world.edit("pool: 1\n");
    world.settle();
    assert_eq!((world.ready(), world.active()), ("True Settled".to_owned(), Some(1)));
}

#[test]
fn a_source_that_holds_no_document_never_empties_a_pod() {
    let mut world = World::running(1);
    world.source = SourceState::Read { documents: Arc::default(), seen: seen(true) };
    world.settle();
    assert_eq!((world.done(), world.ready()), (vec![], "False SourceUnreadable".to_owned()));
    world.source = SourceState::Unreadable(vec![Finding::error(Rule::NotUtf8, "the key is not text")]);
    world.settle();
    assert_eq!((world.done(), world.says(SourceReady)), (vec![], "False SourceUnreadable".to_owned()));
    assert!(world.condition(SourceReady).message.contains("the key is not text"));
}

#[test]
fn nothing_is_pushed_unjudged() {
    for (state, reason) in [(SchemaState::Missing, Reason::SchemaMissing), (SchemaState::Broken, Reason::SchemaBroken)]
    {
        let mut world = World::running(1);
        world.schema = state;
        world.edit("pool: 2\n");
        world.settle();
        assert_eq!(world.announced(), [reason]);
        assert_eq!((world.outcome(), world.runs()), (reason, vec![1]));
        assert_eq!((world.ready(), world.says(Valid)), (format!("False {reason}"), format!("Unknown {reason}")));
        world.schema = schema();
        world.settle();
        assert_eq!(world.runs(), [2], "once it can be judged it goes out");
    }
}

#[test]
fn what_no_version_can_hold_is_refused_before_anything_is_pushed() {
    let mut world = World::running(1);
    // Noise, which no compressor makes smaller: a small generator, so that the test is the same every time.
    let mut state = 1_u64;
    let noise: String = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from(b'0' + u8::try_from(state >> 58).unwrap())
    })
    .take(1_700_000)
    .collect();
    let (one, other) = noise.split_at(850_000);
    let entries = [("app.yaml", "pool: 1\n".to_owned()), ("noise-1", one.to_owned()), ("noise-2", other.to_owned())];
    let documents = entries.map(|(name, text)| (DocumentName::parse(name).unwrap(), text.into()));
    world.source = SourceState::Read { documents: Arc::new(documents.into()), seen: seen(true) };
    world.settle();
    let says = &world.condition(Valid).message;
    assert_eq!((world.outcome(), world.says(Valid)), (Reason::TooLarge, "False TooLarge".to_owned()), "{says}");
    assert_eq!(world.done(), []);
}

#[test]
fn a_record_that_fails_is_tried_again_in_time_and_nothing_goes_out_before() {
    let mut world = World::running(1);
    world.records_fail = true;
    world.edit("pool: 2\n");
    world.settle();
    let failure = world.ledger.record_failure.clone().unwrap();
    assert_eq!((world.outcome(), world.runs()), (Reason::RecordFailed, vec![1]));
    assert_eq!(world.plan().again, Some(failure.retry_at));
    assert_eq!(world.announced(), [Reason::RecordFailed]);
    world.settle_for(30);
    assert!(world.ledger.record_failure.as_ref().is_some_and(|failure| (3..100).contains(&failure.attempts)));
    assert_eq!(world.announced(), [], "one more attempt is no news");
    world.add_pod("pod-1");
    world.settle();
    assert_eq!(world.runs(), [1, 1], "other work goes on");
    world.records_fail = false;
    world.settle_for(60);
    assert_eq!((world.runs(), world.ready()), (vec![2, 2], "True Settled".to_owned()));
    assert_eq!(world.ledger.record_failure, None);
}

#[test]
fn a_first_record_that_fails_is_what_the_policy_tells_of() {
    let mut world = World::new(1);
    world.records_fail = true;
    world.edit("pool: 1\n");
    world.settle();
    assert_eq!(world.ready(), "False RecordFailed");
}

#[test]
fn observe_decides_and_touches_nothing() {
    let mut world = World::running(1);
    world.policy.mode = Mode::Observe;
    world.edit("pool: 2\n");
    world.add_pod("pod-1");
    world.settle();
    assert_eq!((world.done(), world.runs()), (vec![], vec![1, 0]));
    assert_eq!((world.outcome(), world.ready()), (Reason::Valid, "Unknown Observing".to_owned()));
    assert!(world.condition(Ready).message.contains("the edit is valid and becomes a version"));
    world.edit("pool: 500\n");
    world.settle();
    assert_eq!(world.announced(), [Reason::Invalid], "what it would refuse, it tells");
    world.policy.mode = Mode::Enforce;
    world.edit("pool: 2\n");
    world.settle();
    assert_eq!(world.runs(), [2, 2]);
}

#[test]
fn a_paused_policy_holds_everything_as_it_is() {
    let mut world = World::running(3);
    world.edit(HURTS);
    world.round();
    world.round();
    world.policy.mode = Mode::Paused;
    world.settle();
    world.pods.values_mut().for_each(|pod| pod.mood = Mood::Careless);
    world.add_pod("pod-3");
    world.settle_for(600);
    world.happened.clear();
    world.settle();
    assert_eq!((world.done(), world.ready()), (vec![], "Unknown Paused".to_owned()));
    assert_eq!(world.reverts(), 0, "the pods that refused are not acted upon");
    world.policy.mode = Mode::Enforce;
    world.settle();
    assert_eq!(world.reverts(), 1);
    assert_eq!(world.runs(), [3, 3, 3, 3]);
}

#[test]
fn the_judgment_names_what_the_sources_hold() {
    let mut world = World::running(1);
    assert_eq!(world.status().last_edit.digest, Some(digest("pool: 1\n")));
    world.source = SourceState::Missing;
    world.settle();
    assert_eq!(world.status().last_edit.digest, None);
}
