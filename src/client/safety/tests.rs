//! The safeguard with real files and paused time.
//! Must not test what the core decides.

use rekindle_core::layers::Because;

use super::*;

const NEVER_SET: &str = "REKINDLE_TEST_STOP_THAT_NOBODY_SETS";

struct World {
    safeguard: Safeguard,
    events: Arc<Mutex<Vec<String>>>,
}

impl World {
    fn new(settings: Settings) -> Self {
        let events = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&events);
        let safeguard = Safeguard::new(settings, move |event| {
            told.lock().unwrap().push(match event {
                Event::Began(hold) => format!("+{}", hold.why.code()),
                Event::Ended(why) => format!("-{}", why.code()),
            });
        });
        Self { safeguard, events }
    }

    fn events(&self) -> Vec<String> {
        std::mem::take(&mut *self.events.lock().unwrap())
    }

    fn held(&self) -> Option<Held> {
        self.safeguard.begin(Intent::Reload).err()
    }
}

fn settings() -> Settings {
    Settings { stop_variable: NEVER_SET.to_owned(), ..Settings::default() }
}

#[tokio::test(start_paused = true)]
async fn a_file_stops_everything_while_it_exists() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stop");
    let world = World::new(Settings { stop_file: Some(path.clone()), ..settings() });
    assert!(world.held().is_none());
    std::fs::write(&path, "latency doubled\n").unwrap();
    let held = world.held().unwrap();
    assert_eq!(held.to_string(), "reloads are held: emergency stop by file: latency doubled");
    assert_eq!((held.again, world.events()), (None, vec!["+stop_file".to_owned()]));
    assert!(world.safeguard.begin(Intent::Rollback).is_ok(), "harm can be undone");
    let (safeguard, waited) = (world.safeguard.clone(), Instant::now());
    let released = tokio::spawn(async move { safeguard.released().await });
    tokio::time::sleep(Duration::from_secs(90)).await;
    assert!(!released.is_finished());
    std::fs::remove_file(&path).unwrap();
    released.await.unwrap();
    assert!(waited.elapsed() <= Duration::from_secs(91));
    assert_eq!(world.events(), ["-stop_file"]);
}

#[tokio::test]
async fn whatever_stands_at_the_place_of_the_file_is_a_stop() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(look_at(folder.path()), Sign::Stop(String::new()), "a directory");
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert_eq!(look_at(&pipe), Sign::Stop(String::new()), "a pipe that nobody writes to");
    let binary = folder.path().join("binary");
    std::fs::write(&binary, vec![0xff; 10_000]).unwrap();
    assert!(matches!(look_at(&binary), Sign::Stop(_)));
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&link, &link).unwrap();
    assert_eq!(look_at(&link), Sign::Unreadable, "a link that leads to itself");
    assert_eq!(look_at(&folder.path().join("nothing")), Sign::Absent);
    assert_eq!(look_at(&binary.join("below a file")), Sign::Absent);
}

#[tokio::test]
async fn a_variable_and_a_switch_that_is_off_hold() {
    // Cargo sets it for every test.
    let stop_variable = "CARGO_PKG_NAME".to_owned();
    let switch = Some(Switch { on: false, because: Because::Production });
    let world = World::new(Settings { stop_variable, switch, ..settings() });
    let codes: Vec<_> = world.held().unwrap().holds.iter().map(|hold| hold.why.code()).collect();
    assert_eq!(codes, ["switched_off", "stop_variable"]);
    assert_eq!(world.events(), ["+switched_off", "+stop_variable"]);
    assert!(world.safeguard.begin(Intent::Rollback).is_err());
}

#[tokio::test(start_paused = true)]
async fn a_call_stops_and_releases_whoever_waits() {
    let world = World::new(settings());
    world.safeguard.stop("by hand");
    assert_eq!(world.events(), ["+stop_call"]);
    let safeguard = world.safeguard.clone();
    let released = tokio::spawn(async move { safeguard.released().await });
    tokio::task::yield_now().await;
    let start = Instant::now();
    world.safeguard.release();
    released.await.unwrap();
    assert_eq!((start.elapsed(), world.events()), (Duration::ZERO, vec!["-stop_call".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn failures_open_the_breaker_and_it_says_when_to_come_again() {
    let world = World::new(settings());
    for _ in 0..3 {
        drop(world.safeguard.begin(Intent::Reload).unwrap());
        world.safeguard.begin(Intent::Reload).unwrap().failed("the pool refused it");
    }
    assert_eq!(world.held().unwrap().again, Some(Duration::from_secs(30)));
    let start = Instant::now();
    world.safeguard.released().await;
    assert_eq!(start.elapsed(), Duration::from_secs(30));
    let trial = world.safeguard.begin(Intent::Reload).unwrap();
    assert_eq!(world.held().unwrap().holds, [Hold { why: Why::Trial, until: None }]);
    trial.applied();
    assert!(world.safeguard.status().is_empty());
    assert_eq!(world.events(), ["+breaker", "-breaker", "+trial", "-trial"]);
    for _ in 0..3 {
        world.safeguard.begin(Intent::Reload).unwrap().failed("again");
    }
    world.safeguard.close_breaker();
    assert!(world.held().is_none());
}

#[tokio::test(start_paused = true)]
async fn the_rate_limit_holds_for_as_long_as_it_says() {
    let rate = Rate { reloads: 2, per: Duration::from_secs(10) };
    let world = World::new(Settings { rules: Rules { rate, ..Rules::default() }, ..settings() });
    world.safeguard.begin(Intent::Reload).unwrap().applied();
    tokio::time::advance(Duration::from_secs(4)).await;
    world.safeguard.begin(Intent::Reload).unwrap().applied();
    assert_eq!(world.held().unwrap().again, Some(Duration::from_secs(6)));
    tokio::time::advance(Duration::from_secs(6)).await;
    assert!(world.held().is_none());
    assert_eq!(world.events(), ["+rate", "-rate", "+rate"]);
}

#[tokio::test]
async fn whoever_listens_may_panic() {
    let safeguard = Safeguard::new(settings(), |_| panic!("SECRET"));
    safeguard.stop("by hand");
    assert_eq!(safeguard.status().len(), 1);
}
