//! Rollbacks that people ask for: validated before they act, carried out once.
//! Must not revert by itself; that is the verdict's part.

use std::collections::BTreeMap;

use super::edit::recording;
use super::observed::SchemaState;
use super::plan::{Action, Because, Note, Plan};
use super::situation::{Situation, Standing};
use super::verdict::returning;
use crate::configuration::Configuration;
use crate::finding::{Severity, any_error};
use crate::ids::{ObjectName, Uid};
use crate::reason::Reason;
use crate::record::{Origin, Recorded, RollbackRequest};
use crate::status::{RollbackStatus, SetAside, Truth};
use crate::version::content::UnpackError;
use crate::version::history::{Lineage, RollbackError};

/// Carries out the oldest rollback that is neither finished nor recorded; says whether it recorded a version.
pub(super) fn carry_out(situation: &Situation<'_>, plan: &mut Plan) -> bool {
    let mut open: Vec<&RollbackRequest> = situation
        .seen
        .rollbacks
        .iter()
        .filter(|request| !request.finished && recorded_for(situation, request).is_none())
        .filter(|request| !situation.seen.ledger.ended_rollbacks.contains_key(&request.uid))
        .collect();
    if let (Some(retry_at), false) = (situation.record_waits(), open.is_empty()) {
        plan.because.push(Because::new(Reason::RecordFailed, "the rollback could not be recorded and is tried again"));
        plan.look_again(retry_at);
        return false;
    }
    open.sort_by_key(|request| (request.created, &request.name));
    for request in open {
        match attempt(situation, request) {
            Ok((version, set_aside)) => {
                let message = format!(
                    "the rollback {} records version {} with the content asked for",
                    request.name, version.number
                );
                plan.because.push(Because::new(Reason::RollingBack, message));
                plan.actions.push(recording(situation, version));
                if let Some(set_aside) = set_aside {
                    plan.remember(Note::SetAside(set_aside));
                }
                return true;
            }
            Err(refusal) => {
                let message = format!("the rollback {} is refused: {}", request.name, refusal.message);
                plan.because.push(Because::new(refusal.reason, message.clone()));
                plan.announce(true, refusal.reason, message);
                plan.remember(Note::RollbackEnded(request.uid.clone(), refusal));
            }
        }
    }
    false
}

/// The version that a rollback led to, when it was carried out.
pub(super) fn recorded_for<'a>(situation: &Situation<'a>, request: &RollbackRequest) -> Option<&'a Recorded> {
    situation.seen.history.values().map(AsRef::as_ref).find(|version| match &version.origin {
        Origin::Rollback { uid, .. } => *uid == request.uid,
        _ => false,
    })
}

fn attempt(
    situation: &Situation<'_>,
    request: &RollbackRequest,
) -> Result<(crate::record::NewVersion, Option<SetAside>), RollbackStatus> {
    let refuse = |reason, message: String| refused(situation, reason, message);
    let Some(active) = situation.active else {
        return Err(refuse(Reason::NoSuchVersion, "no version was recorded yet".to_owned()));
    };
    let to = find(situation, active, request).map_err(|(reason, message)| refuse(reason, message))?;
    if !request.force {
        check(situation, to).map_err(|(reason, message)| refuse(reason, message))?;
    }
    let origin = Origin::Rollback {
        name: request.name.clone(),
        uid: request.uid.clone(),
        from: active.number,
        of: to.number,
        forced: request.force,
        reason: request.reason.clone(),
    };
    let version = returning(situation, to, origin).map_err(|error| {
        let (reason, message) = damaged(to, &error);
        refuse(reason, message)
    })?;
    let set_aside =
        SetAside { digest: active.digest, version: active.number, rollback: request.name.clone(), at: situation.now };
    Ok((version, Some(set_aside).filter(|left| left.digest != to.digest)))
}

fn find<'a>(
    situation: &Situation<'a>,
    active: &'a Recorded,
    request: &RollbackRequest,
) -> Result<&'a Recorded, (Reason, String)> {
    let history = situation.seen.history;
    let ledger = situation.seen.ledger;
    let quarantined = ledger.quarantined.iter().map(|entry| entry.digest);
    let lineage = Lineage {
        history: history.iter().map(|(number, version)| (*number, version.digest)).collect(),
        active: Some(active.number),
        last_good: situation.last_good.map(|good| good.number),
        avoided: quarantined.chain(ledger.set_aside.iter().map(|entry| entry.digest)).collect(),
    };
    let number = match lineage.resolve(request.to) {
        Ok(number) => number,
        // What tripped goes to nobody any more. A person may insist that it is tried again.
        Err(RollbackError::AlreadyActive { wanted, .. }) if request.force && situation.tripped.is_some() => wanted,
        Err(error) => return Err((reason_of(&error), error.to_string())),
    };
    let found = history.get(&number).map(AsRef::as_ref);
    found.ok_or_else(|| (Reason::NoSuchVersion, format!("there is no version {number}")))
}

fn reason_of(error: &RollbackError) -> Reason {
    match error {
        RollbackError::NoLastGood => Reason::NoLastGood,
        RollbackError::AlreadyActive { .. } => Reason::NothingToDo,
        _ => Reason::NoSuchVersion,
    }
}

fn damaged(version: &Recorded, error: &UnpackError) -> (Reason, String) {
    (Reason::CorruptVersion, format!("the record of version {} is damaged: {error}; name another", version.number))
}

/// Validates an older content against today's schema.
fn check(situation: &Situation<'_>, to: &Recorded) -> Result<(), (Reason, String)> {
    if situation.is_quarantined(to.digest) {
        let message = format!("version {} tripped; set spec.force to return to it nevertheless", to.number);
        return Err((Reason::Quarantined, message));
    }
    let schema = match situation.seen.schema {
        SchemaState::None => None,
        SchemaState::Ready(schema) => Some(schema),
        SchemaState::Missing => {
            let message = "the policy's schema does not exist, so the version cannot be judged".to_owned();
            return Err((Reason::SchemaMissing, message));
        }
        SchemaState::Broken => {
            let message = "the policy's schema is broken, so the version cannot be judged".to_owned();
            return Err((Reason::SchemaBroken, message));
        }
    };
    let documents = to.open().map_err(|error| damaged(to, &error))?;
    let dialect = schema.map_or_else(Default::default, |schema| schema.dialect());
    let findings = match Configuration::parse(documents, dialect) {
        Ok(configuration) => {
            let old = situation.seen.active.and_then(|active| active.as_ref().ok());
            schema.map_or_else(Vec::new, |schema| schema.validate(&configuration, old.map(AsRef::as_ref)))
        }
        Err(findings) => findings,
    };
    if !any_error(&findings) {
        return Ok(());
    }
    let first = findings.iter().find(|finding| finding.severity == Severity::Error);
    let what = first.map_or_else(String::new, ToString::to_string);
    Err((
        Reason::RollbackInvalid,
        format!("version {} violates today's schema: {what}; spec.force skips this", to.number),
    ))
}

fn refused(situation: &Situation<'_>, reason: Reason, message: String) -> RollbackStatus {
    RollbackStatus {
        complete: Truth::False,
        reason,
        message,
        from: situation.active.map(|active| active.number),
        to: None,
        version: None,
        pods: None,
    }
}

/// What the rollbacks show that were carried out or refused, and whose own status does not say so yet.
pub(super) fn progress(situation: &Situation<'_>, plan: &mut Plan) {
    let mut ended: BTreeMap<&Uid, &RollbackStatus> = situation.seen.ledger.ended_rollbacks.iter().collect();
    ended.extend(plan.actions.iter().filter_map(|action| match action {
        Action::Remember(Note::RollbackEnded(uid, shown)) => Some((uid, shown)),
        _ => None,
    }));
    let open = situation.seen.rollbacks.iter().filter(|request| !request.finished);
    let shown: BTreeMap<&ObjectName, RollbackStatus> = open
        .filter_map(|request| {
            let carried_out = recorded_for(situation, request).and_then(|version| status(situation, version));
            Some((&request.name, carried_out.or_else(|| ended.get(&request.uid).map(|shown| (*shown).clone()))?))
        })
        .collect();
    plan.shown.rollbacks = shown.into_iter().map(|(name, status)| (name.clone(), status)).collect();
}

fn status(situation: &Situation<'_>, version: &Recorded) -> Option<RollbackStatus> {
    let Origin::Rollback { from, of, .. } = version.origin else { return None };
    let (complete, reason, message) = outcome(situation, version);
    let counts = situation.counts();
    // What runs elsewhere by now says nothing about this version.
    let active = situation.active.is_some_and(|active| active.number == version.number);
    Some(RollbackStatus {
        complete,
        reason,
        message,
        from: Some(from),
        to: Some(of),
        version: Some(version.number),
        pods: active.then(|| (counts.confirmed.saturating_add(counts.delivered), counts.total)),
    })
}

fn outcome(situation: &Situation<'_>, version: &Recorded) -> (Truth, Reason, String) {
    let number = version.number;
    let active = situation.active.is_some_and(|active| active.number == number);
    if situation.seen.ledger.quarantined.iter().any(|entry| entry.version == number) {
        return (Truth::False, Reason::RollbackFailed, format!("version {number} tripped the breaker"));
    }
    if !active {
        return (Truth::True, Reason::Superseded, format!("version {number} was recorded and replaced by a newer one"));
    }
    let refused = situation.standings.iter().filter(|(_, standing)| matches!(standing, Standing::Refused(_))).count();
    if !situation.is_proven(version) {
        return (Truth::Unknown, Reason::RollingBack, format!("version {number} is on its way"));
    }
    if refused > 0 {
        return (Truth::True, Reason::RolledBack, format!("version {number} is active; {refused} pods refuse it"));
    }
    (Truth::True, Reason::RolledBack, format!("version {number} is active"))
}
