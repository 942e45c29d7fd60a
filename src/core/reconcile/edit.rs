//! What becomes of what the sources hold: a new version, or a reason why not.
//! Must not look at targets; where a version goes is decided elsewhere.

use super::observed::{Assessment, Candidate, SchemaState};
use super::plan::{Action, Because, Note, Plan};
use super::situation::Situation;
use crate::breaker::Breaker;
use crate::diff::{Summary, effective_change};
use crate::finding::{Finding, Severity};
use crate::ids::VersionNumber;
use crate::policy::Mode;
use crate::reason::Reason;
use crate::record::{NewVersion, Origin, SeenSource};
use crate::status::{LastEdit, Quarantined};
use crate::version::content::{self, Packed};

/// Numbers that targets report are overtaken below this one; it leaves as many numbers again, all exact in JSON.
///
/// A target that claims more is not believed, or one of them could use up the numbers of a policy.
pub const MAX_OVERTAKEN: VersionNumber = VersionNumber(1 << 52);

/// The judgment of what the sources hold.
#[derive(Debug, Clone)]
pub(super) struct Judged {
    /// The word for it.
    pub outcome: Reason,
    /// The sentence.
    pub message: String,
    /// What is wrong or doubtful.
    pub findings: Vec<Finding>,
    /// The content, when a version is to be recorded for it.
    pub wanted: Option<Packed>,
}

impl Judged {
    fn no(outcome: Reason, message: impl Into<String>) -> Self {
        Self { outcome, message: message.into(), findings: Vec::new(), wanted: None }
    }
}

/// Judges what the sources hold.
pub(super) fn judge(situation: &Situation<'_>) -> Judged {
    match situation.seen.assessment {
        Assessment::SourceMissing { source } => {
            Judged::no(Reason::SourceMissing, format!("{source} does not exist; what runs stays; create it"))
        }
        Assessment::SourceUnreadable { findings } => Judged {
            findings: findings.clone(),
            ..Judged::no(Reason::SourceUnreadable, sentence("the source cannot be used", findings))
        },
        Assessment::Unjudged { .. } => unjudged(situation),
        Assessment::Invalid { digest, findings } => {
            let runs = situation.active.is_some_and(|active| active.digest == *digest);
            let start = if runs { "what runs violates today's schema and stays" } else { "the edit is not valid" };
            Judged { findings: findings.clone(), ..Judged::no(Reason::Invalid, sentence(start, findings)) }
        }
        Assessment::Valid(candidate) => {
            let judged = judge_valid(situation, candidate);
            Judged { findings: candidate.warnings.clone(), ..judged }
        }
    }
}

fn unjudged(situation: &Situation<'_>) -> Judged {
    let named = situation.seen.policy.schema.as_ref().map_or("", |name| name.as_str());
    match situation.seen.schema {
        SchemaState::Broken => Judged::no(
            Reason::SchemaBroken,
            format!("the ConfigSchema {named} is broken, so nothing can be judged; its status says where"),
        ),
        _ => Judged::no(
            Reason::SchemaMissing,
            format!("there is no ConfigSchema {named} in the namespace; create it or mend spec.schemaRef"),
        ),
    }
}

fn judge_valid(situation: &Situation<'_>, candidate: &Candidate) -> Judged {
    let digest = candidate.configuration.digest();
    if let Some(active) = situation.active.filter(|active| active.digest == digest) {
        return tripped(situation)
            .unwrap_or_else(|| Judged::no(Reason::Active, format!("version {} is active", active.number)));
    }
    if let Some(entry) = situation.seen.ledger.quarantined.iter().find(|entry| entry.digest == digest) {
        return quarantined(situation, entry);
    }
    if let Some(entry) = situation.set_aside().iter().find(|entry| entry.digest == digest) {
        let why = format!(
            "the rollback {} left version {} with this content; edit the source to go on",
            entry.rollback, entry.version
        );
        return Judged::no(Reason::SetAside, why);
    }
    if let Some(Ok(active)) = situation.seen.active
        && !effective_change(active, &candidate.configuration)
    {
        return tripped(situation)
            .unwrap_or_else(|| Judged::no(Reason::Unchanged, "the edit changes no value, so no version is needed"));
    }
    if let Breaker::Open { reason, .. } = &situation.breaker {
        return Judged::no(Reason::BreakerOpen, format!("the edit waits while the breaker is open: {reason}"));
    }
    if let (Some(_), Some(failure)) = (situation.record_waits(), &situation.seen.ledger.record_failure) {
        return Judged::no(Reason::RecordFailed, failure.message.clone());
    }
    match content::pack(candidate.configuration.documents()) {
        Ok(packed) => {
            Judged { wanted: Some(packed), ..Judged::no(Reason::Valid, "the edit is valid and becomes a version") }
        }
        Err(error) => Judged::no(Reason::TooLarge, error.to_string()),
    }
}

/// What holds the values of an active version that tripped is no better than it.
fn tripped(situation: &Situation<'_>) -> Option<Judged> {
    let entry = situation.tripped?;
    Some(Judged::no(Reason::Tripped, format!("version {} tripped: {}", entry.version, entry.reason)))
}

fn quarantined(situation: &Situation<'_>, entry: &Quarantined) -> Judged {
    let known = situation.seen.ledger.last_edit.as_ref();
    // The sources were written back, held something else, and hold it again.
    let came_back =
        known.is_some_and(|known| known.digest != Some(entry.digest) || known.outcome == Reason::RevertContested);
    if entry.restored && came_back {
        let why = format!(
            "version {} tripped and the sources were written back, but somebody wrote its content again; they are left \
             alone now: find out who writes them, and edit there",
            entry.version
        );
        return Judged::no(Reason::RevertContested, why);
    }
    let why = format!("version {} with this content tripped: {}; edit the source", entry.version, entry.reason);
    Judged::no(Reason::Quarantined, why)
}

/// Records the version that the judgment wants; says whether it did.
pub(super) fn record(situation: &Situation<'_>, judged: &Judged, plan: &mut Plan) -> bool {
    if let Some(retry_at) = situation.record_waits() {
        plan.look_again(retry_at);
        return false;
    }
    if let Some(version) = ahead(situation).and_then(|above| renumbered(situation, above, plan)) {
        plan.actions.push(version);
        plan.remember(Note::Renumber);
        return true;
    }
    let (Some(packed), Assessment::Valid(candidate)) = (&judged.wanted, situation.seen.assessment) else {
        return false;
    };
    let version = new_version(situation, candidate, packed.clone());
    if let (Some(active), Some(Err(problem))) = (situation.active, situation.seen.active) {
        // The condition would be gone before anybody saw it.
        let told =
            format!("version {} is never pushed: {problem}; version {} follows it", active.number, version.number);
        plan.announce(true, Reason::CorruptVersion, told);
    }
    plan.because.push(Because::new(Reason::Recorded, format!("the edit becomes version {}", version.number)));
    plan.actions.push(recording(situation, version));
    true
}

/// The action that records a version.
pub(super) fn recording(situation: &Situation<'_>, version: NewVersion) -> Action {
    Action::Record { version: Box::new(version), warm: situation.endpoints().cloned().collect() }
}

fn new_version(situation: &Situation<'_>, candidate: &Candidate, content: Packed) -> NewVersion {
    let configuration = &candidate.configuration;
    let before = situation.seen.active.and_then(|active| active.as_ref().ok());
    NewVersion {
        number: situation.next_number(),
        digest: configuration.digest(),
        parent: situation.active.map(|active| active.number),
        last_good: situation.last_good.map(|good| good.number),
        origin: origin(&candidate.seen),
        content,
        documents: configuration.documents().clone(),
        diff: Summary::between(before.map(AsRef::as_ref), configuration),
        warnings: candidate.warnings.clone(),
    }
}

fn origin(seen: &[SeenSource]) -> Origin {
    if seen.iter().any(|source| source.config_map) { Origin::Edit(seen.to_vec()) } else { Origin::File(seen.to_vec()) }
}

/// The highest number that a target reports above the active version, when it was refused for that.
///
/// It happens when a policy was deleted and made anew: its numbers begin with 1, and targets remember higher ones.
fn ahead(situation: &Situation<'_>) -> Option<VersionNumber> {
    let active = situation.active?;
    let ledger = situation.seen.ledger;
    if situation.tripped.is_some() {
        return None;
    }
    let records = situation.standings.iter().filter_map(|(target, _)| ledger.targets.get(&target.key));
    records
        .filter(|record| !record.overtaken)
        .filter_map(|record| record.ahead)
        // One that runs just this calls the leader old, and no number would change that.
        .filter(|running| *running != active.running())
        .map(|running| running.version)
        .filter(|number| (active.number..MAX_OVERTAKEN).contains(number))
        .max()
}

/// Records the active content again, above the numbers that targets report.
fn renumbered(situation: &Situation<'_>, above: VersionNumber, plan: &mut Plan) -> Option<Action> {
    let (Some(active), Some(Ok(configuration))) = (situation.active, situation.seen.active) else { return None };
    let content = content::pack(configuration.documents()).ok()?;
    let version = NewVersion {
        number: situation.next_number().max(above.next()),
        digest: active.digest,
        parent: Some(active.number),
        last_good: situation.last_good.map(|good| good.number),
        origin: active.origin.clone(),
        content,
        documents: configuration.documents().clone(),
        diff: Summary::default(),
        warnings: Vec::new(),
    };
    let why = format!("targets report version {above} of an earlier life of this policy: numbers continue above it");
    plan.because.push(Because::new(Reason::Recorded, why));
    Some(recording(situation, version))
}

/// Forgets what was set aside once the sources moved on; first of all, so that it takes nothing that this plan adds.
pub(super) fn move_on(situation: &Situation<'_>, plan: &mut Plan) {
    if situation.moved_on() && situation.seen.policy.mode != Mode::Paused {
        plan.remember(Note::ClearSetAside);
    }
}

/// Remembers and announces the judgment when it is news.
pub(super) fn note(situation: &Situation<'_>, judged: &Judged, plan: &mut Plan) {
    let digest = situation.seen.assessment.digest();
    let ledger = situation.seen.ledger;
    let edit = LastEdit { digest, outcome: judged.outcome, message: judged.message.clone() };
    let known = ledger.last_edit.as_ref();
    // One more attempt to record what could not be recorded is no news, until it succeeds.
    let again = |known: &LastEdit| known.digest == edit.digest && known.outcome == Reason::RecordFailed;
    if known == Some(&edit) || (edit.outcome == Reason::Valid && known.is_some_and(again)) {
        return;
    }
    let news = known.is_none_or(|known| (known.digest, known.outcome) != (edit.digest, edit.outcome));
    let quiet = matches!(judged.outcome, Reason::Active | Reason::Valid | Reason::Unchanged | Reason::Tripped);
    if news && !quiet && situation.seen.policy.mode != Mode::Paused {
        plan.announce(true, judged.outcome, judged.message.clone());
    }
    plan.remember(Note::LastEdit(edit));
}

fn sentence(start: &str, findings: &[Finding]) -> String {
    let mut errors = findings.iter().filter(|finding| finding.severity == Severity::Error);
    match (errors.next(), errors.count()) {
        (None, _) => start.to_owned(),
        (Some(first), 0) => format!("{start}: {first}"),
        (Some(first), more) => format!("{start}: {first}, and {more} more"),
    }
}
