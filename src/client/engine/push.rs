//! Lets the operator's pushes run: what the receiver verified is offered to the engine, and the verdict goes back.
//! Must not know HTTP or signatures; what it is given has been verified.

use std::sync::Arc;

use rekindle_core::digest::Digest;
use rekindle_core::target::Running;
use tokio::time::Instant;

use super::{Engine, Offer, Outcome};
use crate::directory::Contents;
use crate::update::{self, Apply, Update};

/// The application's side of a [`Receiver`](crate::Receiver) for a provider that reloads.
///
/// # Flow
/// The documents of a push take the place of the files: those that are layers are merged, with the process's variables
/// over them, and checked as files are. What may not run, is vetoed or is held is refused with the reason, and what ran
/// before runs on.
///
/// # Guarantees
/// It answers that a version runs once readers get it; participants then commit, and subscribers are told. A push is
/// not kept for later when it is held: the operator comes again.
///
/// # Caveats
/// From the first push that is taken, files are not followed any more until the process starts anew, and rolling back
/// is the operator's affair. Documents that are no layer are not read, as other files in the directory are not.
///
/// ```
/// use rekindle_client::engine::Pushes;
/// use rekindle_client::provider::HotReloadProvider;
/// use rekindle_client::{Keys, Receiver};
///
/// fn receiver(provider: &HotReloadProvider) -> Option<Receiver<Pushes>> {
///     let keys = Keys::directory("/etc/rekindle/push-key");
///     Some(Receiver::builder(keys).build(provider.pushes()?))
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Pushes {
    engine: Arc<Engine>,
}

impl Pushes {
    pub(crate) fn new(engine: Arc<Engine>) -> Self {
        Self { engine }
    }
}

impl Apply for Pushes {
    async fn apply(&self, update: Update) -> Result<(), update::Refusal> {
        match self.engine.offer_pushed(update).await {
            Outcome::Unchanged | Outcome::Applied(_) => Ok(()),
            Outcome::Refused(refusal) => Err(update::Refusal::new(refusal.to_string())),
        }
    }
}

impl Engine {
    /// Takes what the operator pushed, or says why not. Returns as soon as readers get it.
    async fn offer_pushed(&self, update: Update) -> Outcome {
        let since = Instant::now();
        let Update { version, documents, .. } = update;
        let files = documents.iter().map(|(name, content)| (name.clone(), content.clone())).collect();
        let digest = Digest::of(&self.sources.layout.documents(&files));
        let active = self.active.clone().lock_owned().await;
        let offer = Offer { contents: Contents::Read(files), pushed: Some(Running { version, digest }), since };
        let (outcome, _goes_on_by_itself) = self.go_through(active, offer).await;
        outcome
    }
}
