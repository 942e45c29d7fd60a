//! Where the operator is killed. Must not know what it is doing there.

use std::sync::Arc;

use crate::support::proxy::{Act, Request, Rule};
use crate::support::stage::Stage;
use crate::support::target::Trap;
use crate::support::victim::Victim;

type Such = fn(&Request) -> bool;

/// A point at which the operator is killed.
pub struct Point {
    /// Its name, as it stands in a failure.
    pub name: String,
    place: Place,
}

enum Place {
    Request(Act, Such),
    Push(Box<dyn Fn(Victim) -> Arc<Trap> + Send + Sync>),
}

impl Point {
    /// Before the API server learns of a request, and after it answered but before the operator learns of that.
    pub fn around(what: &str, such: Such) -> [Self; 2] {
        [("before", Act::KillBefore), ("after", Act::KillAfter)]
            .map(|(when, act)| Self { name: format!("{when} {what}"), place: Place::Request(act, such) })
    }

    /// Between the pushes of a version to three targets.
    pub fn among_pushes_of(version: u64) -> Vec<Self> {
        let point = |what: &str, trap: fn(Victim, u64) -> Arc<Trap>| Self {
            name: format!("{what} version {version}"),
            place: Place::Push(Box::new(move |victim| trap(victim, version))),
        };
        vec![
            point("before any of three targets sees", Trap::before_any_takes),
            point("after one of three targets took, before it answers,", |victim, version| {
                Trap::before_answers(victim, version, 1)
            }),
            point("after one of three targets answered to", |victim, version| Trap::after_answers(victim, version, 1)),
            point("after all took, before any answers,", |victim, version| Trap::before_answers(victim, version, 3)),
            point("after all answered to", |victim, version| Trap::after_answers(victim, version, 3)),
        ]
    }

    /// Sets the trap.
    pub fn arm(self, stage: &Stage) {
        match self.place {
            Place::Request(act, such) => stage.proxy.rule(Rule::once(act, such)),
            Place::Push(trap) => {
                let trap = trap(stage.victim.clone());
                stage.scene.targets.iter().for_each(|target| target.trap(Some(trap.clone())));
            }
        }
    }

    /// Takes every trap away.
    pub fn disarm(stage: &Stage) {
        stage.proxy.clear();
        stage.scene.targets.iter().for_each(|target| target.trap(None));
    }
}
