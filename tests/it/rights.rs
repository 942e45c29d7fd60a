//! What the operator may do: all of it is needed, nothing else is, and the lack of any of it is said and lived through.

mod role;
mod story;

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use futures::StreamExt as _;
use futures::future::try_join;

use crate::faults::logged;
use crate::support::operator::ROLE;
use crate::support::plane;
use crate::support::scene::{Ground, condition_of};
use crate::support::stage::Stage;
use role::{Right, needed_by, rights, role_without};

/// So many operators that lack something run at the same time: they mostly wait.
const AT_ONCE: usize = 13;

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_asks_for_all_that_its_role_gives_and_for_nothing_else() -> Result<()> {
    let mark = plane().await?.audit().mark()?;
    let mut stage = story::set(Ground::usual().await?).await?;
    stage.start().await?;
    story::hide_first_record(&stage).await?;
    try_join(story::first_half(&stage), story::read_back(&stage)).await?;
    story::second_half(&mut stage).await?;

    plane().await?.settle_audit().await?;
    let name = stage.scene.namespace.name();
    let entries = plane().await?.audit().since(mark)?;
    // Paths such as /version are open to whoever has an account.
    let asked = || entries.iter().filter(|entry| entry.is_by(name, "operator") && !entry.resource.is_empty());
    let given = rights()?;
    let missing: BTreeSet<_> =
        asked().filter(|entry| !given.iter().any(|right| right.covers(entry))).map(needed_by).collect();
    let spare: Vec<_> = given.iter().filter(|right| !asked().any(|entry| right.covers(entry))).collect();
    ensure!(missing.is_empty(), "asked for and not given: {missing:?}");
    ensure!(spare.is_empty(), "given and never asked for: {spare:?}");
    Ok(())
}

/// How the lack of a right is noticed.
#[derive(Debug, Clone, Copy)]
struct Lack {
    verb: &'static str,
    resource: &'static str,
    /// Whether the policy's condition names it too; the log always does.
    shown: bool,
    /// Whether a policy that does not need it goes on.
    others_go_on: bool,
}

const fn lack(verb: &'static str, resource: &'static str, shown: bool, others_go_on: bool) -> Lack {
    Lack { verb, resource, shown, others_go_on }
}

/// Without a list the operator does not know what there is, and does not begin.
const LACKS: &[Lack] = &[
    lack("list", "reloadpolicies.rekindle.dev", false, false),
    lack("watch", "reloadpolicies.rekindle.dev", false, true),
    lack("create", "reloadpolicies.rekindle.dev", false, true),
    lack("list", "configschemas.rekindle.dev", false, false),
    lack("watch", "configschemas.rekindle.dev", false, true),
    lack("list", "configrollbacks.rekindle.dev", false, false),
    lack("watch", "configrollbacks.rekindle.dev", false, true),
    lack("get", "configversions.rekindle.dev", true, true),
    lack("list", "configversions.rekindle.dev", false, false),
    lack("watch", "configversions.rekindle.dev", false, true),
    lack("create", "configversions.rekindle.dev", true, false),
    lack("delete", "configversions.rekindle.dev", true, true),
    lack("patch", "reloadpolicies.rekindle.dev/status", false, true),
    lack("patch", "configschemas.rekindle.dev/status", false, true),
    lack("patch", "configversions.rekindle.dev/status", false, true),
    lack("patch", "configrollbacks.rekindle.dev/status", false, true),
    lack("get", "configmaps", true, true),
    lack("list", "configmaps", false, false),
    lack("watch", "configmaps", false, false),
    lack("create", "configmaps", true, true),
    lack("patch", "configmaps", true, true),
    lack("list", "pods", false, false),
    lack("watch", "pods", false, true),
    lack("get", "secrets", true, true),
    lack("create", "secrets", true, true),
    lack("create", "events.events.k8s.io", false, true),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_missing_is_named_and_nothing_is_lost_until_it_is_given() -> Result<()> {
    let rights = rights()?;
    ensure!(rights.len() == LACKS.len(), "a row for each of {rights:?}");
    let tries = rights.iter().map(|right| async move {
        let row = LACKS.iter().find(|row| row.verb == right.verb && row.resource == right.resource());
        let Some(row) = row else { bail!("there is no row for {right}") };
        without(right, *row).await.with_context(|| format!("without {right}"))
    });
    let results: Vec<_> = futures::stream::iter(tries).buffer_unordered(AT_ONCE).collect().await;
    let failures: Vec<_> = results.into_iter().filter_map(Result::err).map(|error| format!("{error:#}")).collect();
    if failures.is_empty() { Ok(()) } else { bail!("{}", failures.join("\n\n")) }
}

async fn without(right: &Right, row: Lack) -> Result<()> {
    let name = format!("rekindle-without-{}-{}", row.verb, row.resource.replace('/', "-"));
    let role = role_without(right, &name)?;
    let mut stage = story::set(Ground { plane: plane().await?, role: &role }).await?;
    stage.spawn()?;
    let reads_back = (row.verb, row.resource) == ("get", "configversions.rekindle.dev");
    if reads_back {
        logged(&stage, "rekindle is ready").await?;
        story::hide_first_record(&stage).await?;
    }
    let read_back = async { if reads_back { story::read_back(&stage).await } else { Ok(()) } };
    let mended = try_join(give_back(&stage, row), read_back);
    try_join(story::first_half(&stage), mended).await?;
    story::second_half(&mut stage).await
}

/// Waits until the lack is told, sees that others go on, and gives the right back.
async fn give_back(stage: &Stage, row: Lack) -> Result<()> {
    let words = format!("the operator may not {} {}: grant it in its ClusterRole", row.verb, row.resource);
    logged(stage, &words).await?;
    if row.shown {
        let shown = async || {
            let ready = condition_of(&stage.scene.policy().await?, "Ready");
            Ok(ready["status"] == "False" && ready["message"].as_str().is_some_and(|text| text.starts_with(&words)))
        };
        stage.scene.until("the condition says what is missing", shown).await?;
    }
    if row.others_go_on {
        story::plain_has(stage, 1).await?;
        story::edit_plain(stage, "2").await?;
        story::plain_has(stage, 2).await?;
    }
    plane().await?.service_account(stage.scene.namespace.name(), "operator", ROLE).await?;
    if matches!(row.verb, "list" | "watch") {
        let works = format!("the watch works again resource={:?}", row.resource);
        logged(stage, &works).await?;
    }
    Ok(())
}
