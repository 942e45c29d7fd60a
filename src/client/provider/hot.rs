//! The provider that reloads: the plain one, and with it a watch and an engine where reloading is on.
//! Must not do anything else than the plain one where it is off.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rekindle_core::ids::VersionNumber;
use rekindle_core::layers::Switch;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch as signal};
use tokio::task::AbortHandle;

use super::sources::LoadError;
use super::{ConfigProvider, EnvironmentProvider, Peek, Settings};
#[cfg(feature = "receiver")]
use crate::engine::Pushes;
#[cfg(feature = "versions")]
use crate::engine::Refusal;
use crate::engine::holding::HoldListener;
use crate::engine::line::Line;
use crate::engine::{Beginning, DEFAULT_DEADLINE, Engine, Listener, Outcome, Stats, Status};
use crate::metrics::Metrics;
use crate::notify::Notifier;
use crate::safety::{self, Event, Safeguard};
use crate::store::Snapshot;
#[cfg(feature = "versions")]
use crate::versions::{Cause, RollbackFailed, RollbackTo, Versions};
use crate::watch::{self, watch_wanted};

/// The variable that switches reloading on or off.
pub const RELOAD_VARIABLE: &str = "REKINDLE_HOT_RELOAD";

/// An [`EnvironmentProvider`] that follows its files while the process runs.
///
/// Whether it does is decided once, at the start: by [`Builder::reload`], else by the variable `REKINDLE_HOT_RELOAD`,
/// else it does not in production (`REKINDLE_ENV` is `production` or `prod`) unless [`Builder::allow_in_production`]
/// was called. Where it does not, it answers as the plain provider and starts nothing.
///
/// A change of a file runs once it was read, merged and checked; what is refused changes nothing. The variables of
/// the process are those that were given, for ever: an environment does not change from outside.
///
/// ```
/// use rekindle_client::provider::{ConfigProvider, HotReloadProvider, Settings};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// let file = directory.path().join("app.yaml");
/// std::fs::write(&file, "pool: 5")?;
/// let settings = Settings::new(directory.path(), []).check_type::<u32>("pool");
/// let provider = HotReloadProvider::builder(settings).reload(true).start()?;
///
/// std::fs::write(&file, "pool: 20")?;
/// provider.statuses().wait_for(|status| status.applied == 1).await?;
/// assert_eq!(provider.get::<u32>("pool")?, 20);
///
/// std::fs::write(&file, "pool: many")?;
/// provider.statuses().wait_for(|status| status.refusal.is_some()).await?;
/// assert_eq!(provider.get::<u32>("pool")?, 20);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct HotReloadProvider {
    plain: EnvironmentProvider,
    switch: Switch,
    engine: Arc<Engine>,
    following: Option<Following>,
}

/// How a [`HotReloadProvider`] reloads.
pub struct Builder {
    settings: Settings,
    reload: Option<bool>,
    allowed_in_production: bool,
    watch: watch::Settings,
    deadline: Duration,
    listener: Option<Listener>,
    line: Line,
    safety: safety::Settings,
    hold_listener: Option<HoldListener>,
    metrics: Option<Box<dyn Metrics>>,
}

impl Builder {
    /// Reloads, or does not, whatever the environment says. Default: the environment decides.
    #[must_use]
    pub fn reload(mut self, reload: bool) -> Self {
        self.reload = Some(reload);
        self
    }

    /// Reloads in production too, unless `REKINDLE_HOT_RELOAD` says otherwise.
    #[must_use]
    pub fn allow_in_production(mut self) -> Self {
        self.allowed_in_production = true;
        self
    }

    /// How the directory is watched; its limits do not count, those of [`Settings`] do.
    #[must_use]
    pub fn watch(mut self, watch: watch::Settings) -> Self {
        self.watch = watch;
        self
    }

    /// How long reading and checking may take. Default: 10 s.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Calls a function with every outcome, for a log. It must be quick.
    #[must_use]
    pub fn on_outcome(mut self, listener: impl Fn(&Outcome) + Send + Sync + 'static) -> Self {
        self.listener = Some(Arc::new(listener));
        self
    }

    /// When reloads are held: emergency stop, breaker, rate. The switch among these settings does not count; the
    /// provider's own does. Default: [`safety::Settings::default`], which names no file.
    ///
    /// What is held runs as soon as nothing holds it any more, unless the files have changed again by then.
    #[must_use]
    pub fn safety(mut self, safety: safety::Settings) -> Self {
        self.safety = safety;
        self
    }

    /// Calls a function when something begins or ceases to hold reloads, for a log. It must be quick, and must not
    /// call the provider or its safeguard.
    #[must_use]
    pub fn on_hold(mut self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.hold_listener = Some(Arc::new(listener));
        self
    }

    /// Counts what is reloaded for the program's own metrics too. Default: for [`HotReloadProvider::stats`] only.
    #[must_use]
    pub fn metrics(mut self, metrics: impl Metrics) -> Self {
        self.metrics = Some(Box::new(metrics));
        self
    }

    /// Keeps versions here, where other runs of the program may have kept theirs. Default: in memory.
    ///
    /// What the files hold at the start may not run, because it is refused or was rolled back from: then the last good
    /// version runs, and the status says why.
    #[cfg(feature = "versions")]
    #[must_use]
    pub fn versions(mut self, versions: Arc<Versions>) -> Self {
        self.line = Line { versions };
        self
    }

    /// Reads and checks everything, as the plain provider does, and begins to follow the files if it is to.
    ///
    /// # Errors
    /// [`LoadError`], as for the plain provider; besides, when `REKINDLE_HOT_RELOAD` says neither yes nor no, and when
    /// there is no tokio runtime to follow the files in.
    pub fn start(self) -> Result<HotReloadProvider, LoadError> {
        let variable = self.settings.variable(RELOAD_VARIABLE).map(str::to_owned);
        let sources = self.settings.into_sources()?;
        let (environment, allowed) = (sources.layout.environment.as_ref(), self.allowed_in_production);
        let switch = Switch::decide(self.reload, variable.as_deref(), environment, allowed)?;
        let runtime = if switch.on { Some(Handle::try_current().map_err(|_| LoadError::NoRuntime)?) } else { None };

        let judged = sources.judge(&sources.read(), None);
        let started = match switch.on {
            true => self.line.start(&sources, judged),
            false => judged.map(|accepted| (accepted, VersionNumber(1), None)),
        };
        let (accepted, version, refusal) = started.map_err(|findings| sources.refused(findings))?;
        let plain = EnvironmentProvider::of(sources, accepted, version);
        let engine = Arc::new(Engine::new(Beginning {
            sources: plain.sources.clone(),
            store: plain.store.clone(),
            accepted: plain.accepted.clone(),
            line: self.line,
            refusal,
            notifier: runtime.as_ref().map(|_| Notifier::new()),
            deadline: self.deadline,
            listener: self.listener,
            safety: safety::Settings { switch: Some(switch), ..self.safety },
            hold_listener: self.hold_listener,
            metrics: self.metrics,
        }));
        // So that what holds from the start is told at the start.
        let _told = engine.safeguard().status();
        let following = runtime.map(|runtime| Following::start(&runtime, &plain, &engine, self.watch));
        Ok(HotReloadProvider { plain, switch, engine, following })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("settings", &self.settings)
            .field("reload", &self.reload)
            .finish_non_exhaustive()
    }
}

impl HotReloadProvider {
    /// How to reload; each setting has a default.
    #[must_use]
    pub fn builder(settings: Settings) -> Builder {
        Builder {
            settings,
            reload: None,
            allowed_in_production: false,
            watch: watch::Settings::default(),
            deadline: DEFAULT_DEADLINE,
            listener: None,
            line: Line::new(),
            safety: safety::Settings::default(),
            hold_listener: None,
            metrics: None,
        }
    }

    /// Whether it reloads, and what decided it.
    #[must_use]
    pub fn switch(&self) -> Switch {
        self.switch
    }

    /// Where reloading stands. Looks for what holds it at this moment.
    #[must_use]
    pub fn status(&self) -> Status {
        let _told = self.safeguard().status();
        self.statuses().borrow().clone()
    }

    /// What became of all reloads since the start, in numbers.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.engine.stats()
    }

    /// What holds reloads, and the emergency stop by call: `safeguard().stop("latency doubled")` and `release()`.
    #[must_use]
    pub fn safeguard(&self) -> &Safeguard {
        self.engine.safeguard()
    }

    /// The same as [`Self::status`], to wait on; shows what was found at the last look.
    #[must_use]
    pub fn statuses(&self) -> signal::Receiver<Status> {
        self.engine.status()
    }

    /// Where to subscribe to changes, and to have a say in them. None where reloading is off: nothing changes there.
    #[must_use]
    pub fn notifier(&self) -> Option<&Notifier<Snapshot>> {
        self.engine.notifier()
    }

    /// Goes back to an older version. Its files are merged and checked as they are today, participants may veto, and it
    /// runs as a new version. What was left is not taken up again until the files change. None where reloading is off.
    ///
    /// # Errors
    /// [`RollbackFailed`] when there is no such version or it may not run; then nothing changed.
    #[cfg(feature = "versions")]
    pub async fn rollback(
        &self,
        to: RollbackTo,
        cause: Cause,
    ) -> Option<Result<Arc<Snapshot>, RollbackFailed<Refusal>>> {
        self.following.as_ref()?;
        Some(self.engine.rollback(to, cause).await)
    }

    /// What takes the operator's pushes: `Receiver::builder(keys).build(pushes)`, behind whichever server the program
    /// has. None where reloading is off.
    #[cfg(feature = "receiver")]
    #[must_use]
    pub fn pushes(&self) -> Option<Pushes> {
        self.following.as_ref().map(|_| Pushes::new(self.engine.clone()))
    }

    /// Reads the files now, without waiting for the watch. None where reloading is off.
    pub async fn reload_now(&self) -> Option<Outcome> {
        self.following.as_ref()?;
        Some(self.engine.read().await)
    }
}

impl ConfigProvider for HotReloadProvider {
    fn peek(&self) -> Peek {
        self.plain.peek()
    }
}

/// The task that follows the files; ends with its owner.
#[derive(Debug)]
struct Following(AbortHandle);

impl Following {
    fn start(runtime: &Handle, plain: &EnvironmentProvider, engine: &Arc<Engine>, watch: watch::Settings) -> Self {
        let (sources, engine) = (plain.sources.clone(), engine.clone());
        let task = runtime.spawn(async move {
            let (told, mut contents) = mpsc::channel(1);
            let settings = watch::Settings { limits: sources.limits, ..watch };
            let wanted = Arc::new({
                let sources = sources.clone();
                move |name: &str| sources.layout.wants(name)
            });
            let watching = watch_wanted(PathBuf::from("/"), sources.directory.clone(), settings, wanted, told);
            let taking = async {
                while let Some(contents) = contents.recv().await {
                    engine.offer(contents).await;
                }
            };
            tokio::join!(watching, taking, engine.go_on_when_released());
        });
        Self(task.abort_handle())
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.0.abort();
    }
}
