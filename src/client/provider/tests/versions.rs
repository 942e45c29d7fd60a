//! Going back, and beginning with what ran last, through the provider that reloads.
//! Must not know how versions are kept.

use std::path::Path;
use std::sync::Weak;
use std::time::Duration;

use super::*;
use crate::disk;
use crate::engine::{Outcome, Refusal};
use crate::notify::{Change, Failure, Options, Participant};
use crate::versions::{Cause, Limits, RollbackFailed, RollbackTo, Versions};

/// Files are read when the test says so.
fn builder(directory: &TempDir) -> Builder {
    let never = Duration::from_secs(3600);
    let watch = crate::watch::Settings { events: false, poll: never, poll_without_events: never, ..Default::default() };
    HotReloadProvider::builder(settings(directory, &[]).check_type::<u8>("pool")).reload(true).watch(watch)
}

/// Started, and the first look of the watch is over.
async fn start(builder: Builder) -> HotReloadProvider {
    let provider = builder.start().unwrap();
    provider.statuses().wait_for(|status| status.unchanged + status.refused == 1).await.unwrap();
    provider
}

/// Ended, with all that its tasks held.
async fn end(provider: HotReloadProvider, versions: Weak<Versions>) {
    drop(provider);
    let gone = async {
        while versions.strong_count() > 0 {
            tokio::task::yield_now().await
        }
    };
    tokio::time::timeout(Duration::from_secs(20), gone).await.unwrap();
}

async fn write(provider: &HotReloadProvider, directory: &TempDir, content: &str) -> Outcome {
    fs::write(directory.path().join("app.yaml"), content).unwrap();
    provider.reload_now().await.unwrap()
}

fn on_disk(directory: &Path) -> Arc<Versions> {
    let (versions, incidents) = Versions::on_disk(disk::Settings::new(directory), Limits::default()).unwrap();
    assert!(incidents.is_empty(), "{incidents:?}");
    Arc::new(versions)
}

fn back() -> (RollbackTo, Cause) {
    (RollbackTo::Steps(1), Cause::because("latency doubled"))
}

#[tokio::test]
async fn what_was_rolled_back_from_stays_away_until_the_file_changes() {
    let directory = directory(&[("app.yaml", "pool: 5")]);
    let provider = start(builder(&directory)).await;
    let mut changes = provider.notifier().unwrap().stream(Options::new("test", "pool").unwrap());
    assert!(matches!(write(&provider, &directory, "pool: 6").await, Outcome::Applied(_)));

    let (to, cause) = back();
    let snapshot = provider.rollback(to, cause).await.unwrap().unwrap();
    assert_eq!(
        (snapshot.version(), provider.version(), provider.get("pool")),
        (VersionNumber(3), VersionNumber(3), Ok(5))
    );
    let seen: Vec<u8> = [changes.next().await.unwrap(), changes.next().await.unwrap()]
        .iter()
        .map(|change| change.after().get("pool").unwrap())
        .collect();
    assert_eq!(seen, [6, 5]);

    let aside = Outcome::Refused(Refusal::SetAside(VersionNumber(2)));
    assert_eq!(provider.reload_now().await.unwrap(), aside);
    assert_eq!(provider.get("pool"), Ok(5));
    let Outcome::Applied(next) = write(&provider, &directory, "pool: 7").await else { panic!("not applied") };
    assert_eq!((next.version(), provider.status().unkept), (VersionNumber(4), None));
}

struct Never;

impl Participant<Snapshot> for Never {
    async fn prepare(&self, _: Change<Snapshot>) -> Result<(), Failure> {
        Err(Failure::new("not today"))
    }

    async fn commit(&self, _: Change<Snapshot>) {}

    async fn abort(&self, _: Change<Snapshot>) {}
}

#[tokio::test]
async fn a_rollback_that_may_not_run_changes_nothing() {
    let directory = directory(&[("app.yaml", "pool: 5")]);
    let provider = start(builder(&directory)).await;
    let (to, cause) = back();
    assert!(matches!(provider.rollback(to, cause).await, Some(Err(RollbackFailed::Plan(_)))), "there is no older one");
    write(&provider, &directory, "pool: 6").await;

    let never = provider.notifier().unwrap().participate(Options::new("never", "*").unwrap(), Never);
    let (to, cause) = back();
    let refused = provider.rollback(to, cause).await.unwrap();
    assert!(matches!(refused, Err(RollbackFailed::Refused { source: Refusal::Vetoed(_), .. })), "{refused:?}");
    assert_eq!((provider.version(), provider.get("pool")), (VersionNumber(2), Ok(6)));
    drop(never);
    let off = builder(&directory).reload(false).start().unwrap();
    let (to, cause) = back();
    assert!(off.rollback(to, cause).await.is_none());
}

#[tokio::test]
async fn a_start_with_bad_files_begins_with_the_last_good_version() {
    let (directory, kept) = (directory(&[("app.yaml", "pool: 5")]), TempDir::new().unwrap());
    let versions = on_disk(kept.path());
    let held = Arc::downgrade(&versions);
    let first = start(builder(&directory).versions(versions)).await;
    write(&first, &directory, "pool: 6").await;
    assert_eq!(first.version(), VersionNumber(2));
    end(first, held).await;

    fs::write(directory.path().join("app.yaml"), "pool: many").unwrap();
    assert!(builder(&directory).start().is_err(), "with nothing to fall back to");
    let versions = on_disk(kept.path());
    let held = Arc::downgrade(&versions);
    let second = start(builder(&directory).versions(versions)).await;
    assert_eq!((second.version(), second.get("pool")), (VersionNumber(2), Ok(6)));
    let refusal = second.status().refusal.unwrap().to_string();
    assert!(refusal.contains("`pool` must be u8"), "{refusal}");

    let Outcome::Applied(mended) = write(&second, &directory, "pool: 7").await else { panic!("not applied") };
    assert_eq!(mended.version(), VersionNumber(3));
    let (to, cause) = back();
    second.rollback(to, cause).await.unwrap().unwrap();
    end(second, held).await;
    let third = start(builder(&directory).versions(on_disk(kept.path()))).await;
    assert_eq!((third.version(), third.get("pool")), (VersionNumber(4), Ok(6)));
    assert_eq!(third.status().refusal, Some(Refusal::SetAside(VersionNumber(3))));
}

#[tokio::test]
async fn an_unchanged_file_is_the_same_version_after_a_restart() {
    let (directory, kept) = (directory(&[("app.yaml", "pool: 5")]), TempDir::new().unwrap());
    for _ in 0..2 {
        let versions = on_disk(kept.path());
        let held = Arc::downgrade(&versions);
        let provider = start(builder(&directory).versions(versions)).await;
        assert_eq!(provider.version(), VersionNumber(1));
        end(provider, held).await;
    }
}
