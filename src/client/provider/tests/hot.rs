//! Reloading against a real directory: what runs, what is kept, and what is said of it.
//! Must not wait for time: each test waits for a status.

use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use super::*;
use crate::engine::{Outcome, Refusal, Status};

const PATIENCE: Duration = Duration::from_secs(20);

fn start(directory: &TempDir, variables: &[(&str, &str)]) -> HotReloadProvider {
    let settings = settings(directory, variables).check_type::<Option<u8>>("pool");
    HotReloadProvider::builder(settings).start().unwrap()
}

/// Waits for a status.
async fn until(provider: &HotReloadProvider, wanted: impl FnMut(&Status) -> bool) -> Status {
    let mut statuses = provider.statuses();
    match tokio::time::timeout(PATIENCE, statuses.wait_for(wanted)).await {
        Ok(status) => status.unwrap().clone(),
        Err(_) => panic!("still {:?}", provider.status()),
    }
}

/// As editors and a careful program do it.
fn replace(directory: &Path, name: &str, content: &str) {
    let temporary = directory.join(format!("{name}.tmp"));
    fs::write(&temporary, content).unwrap();
    fs::rename(temporary, directory.join(name)).unwrap();
}

#[tokio::test]
async fn a_change_comes_to_run_whole_and_a_refused_one_changes_nothing() {
    let directory = directory(&[("app.yaml", "pool: 5\nmode: slow\n")]);
    let provider = start(&directory, &[("APP__MODE", "fast")]);
    let before = provider.snapshot();
    assert!(provider.switch().on);

    replace(directory.path(), "app.yaml", "pool: 6\nmode: slow\n");
    let status = until(&provider, |status| status.applied == 1).await;
    assert_eq!((provider.get("pool"), provider.get("mode")), (Ok(6), Ok("fast".to_owned())));
    assert_eq!((status.version, status.digest), (provider.version(), provider.digest()));
    assert_eq!((before.get("pool"), before.version(), provider.version()), (Ok(5), VersionNumber(1), VersionNumber(2)));

    for (bad, rule) in [("pool: [", "Syntax"), ("pool: 6000", "Custom"), ("- 1", "Type")] {
        replace(directory.path(), "app.yaml", bad);
        let refused =
            until(&provider, |status| status.refusal.as_ref().is_some_and(|why| why.to_string().contains(rule)));
        let status = refused.await;
        assert_eq!((status.version, provider.get("pool")), (VersionNumber(2), Ok(6)));
    }
    fs::remove_file(directory.path().join("app.yaml")).unwrap();
    until(&provider, |status| status.refusal.as_ref().is_some_and(|why| why.to_string().contains("no base file")))
        .await;
    assert_eq!(provider.get("pool"), Ok(6));

    replace(directory.path(), "app.yaml", "# the same again\nmode: slow\npool: 6\n");
    let status = until(&provider, |status| status.refusal.is_none()).await;
    assert_eq!((status.version, status.applied), (VersionNumber(2), 1), "a comment makes no version");
    replace(directory.path(), ".env.local", "APP__POOL=7\n");
    until(&provider, |status| status.version == VersionNumber(3)).await;
    assert_eq!(provider.get("pool"), Ok(7));
}

#[tokio::test]
async fn the_environment_switches_and_production_is_safe() {
    let directory = directory(&[("app.yaml", "pool: 5\n")]);
    let production = ("REKINDLE_ENV", "production");
    let off = start(&directory, &[production]);
    assert_eq!(off.switch(), Switch { on: false, because: Because::Production });
    assert_eq!(off.reload_now().await, None);
    assert!(start(&directory, &[production, ("REKINDLE_HOT_RELOAD", "on")]).switch().on);
    assert!(!start(&directory, &[("REKINDLE_HOT_RELOAD", "off")]).switch().on);
    let allowed = HotReloadProvider::builder(settings(&directory, &[production])).allow_in_production();
    assert_eq!(allowed.start().unwrap().switch().because, Because::AllowedInProduction);
    let unclear = HotReloadProvider::builder(settings(&directory, &[("REKINDLE_HOT_RELOAD", "maybe")])).start();
    assert_eq!(unclear.unwrap_err().to_string(), "find out whether to reload");
}

#[test]
fn without_a_runtime_there_is_no_reloading_and_that_is_said() {
    let directory = directory(&[("app.yaml", "pool: 5\n")]);
    let started = HotReloadProvider::builder(settings(&directory, &[])).start();
    assert!(matches!(started, Err(LoadError::NoRuntime)));
    assert!(HotReloadProvider::builder(settings(&directory, &[])).reload(false).start().is_ok());
}

#[tokio::test]
async fn files_can_be_read_at_once_and_every_outcome_is_told() {
    let directory = directory(&[("app.yaml", "pool: 5\n")]);
    let told = Arc::new(Mutex::new(Vec::new()));
    let log = told.clone();
    let quiet = crate::watch::Settings { events: false, poll_without_events: PATIENCE, ..Default::default() };
    let provider = HotReloadProvider::builder(settings(&directory, &[]))
        .watch(quiet)
        .on_outcome(move |outcome| {
            log.lock().unwrap().push(outcome.clone());
            if let Outcome::Refused(_) = outcome {
                panic!("the log is full");
            }
        })
        .start()
        .unwrap();
    // The first look of the watch, which finds what was loaded.
    until(&provider, |status| status.unchanged == 1).await;
    fs::write(directory.path().join("app.yaml"), "pool: 6\n").unwrap();
    let applied = provider.reload_now().await.unwrap();
    assert_eq!(applied, Outcome::Applied(provider.snapshot()));
    fs::write(directory.path().join("app.yaml"), "pool: {\n").unwrap();
    let refused = provider.reload_now().await.unwrap();
    assert!(matches!(&refused, Outcome::Refused(Refusal::Findings(findings)) if findings.len() == 1));
    assert_eq!(*told.lock().unwrap(), [Outcome::Unchanged, applied, refused]);
    assert_eq!(provider.get("pool"), Ok(6));
}
