//! What tests of every area need. Must not know any area.

pub mod invariants;
pub mod operator;
pub mod proxy;
pub mod scene;
pub mod stage;
pub mod target;
pub mod victim;

use anyhow::{Context, Result};
use rekindle_testplane::{ControlPlane, Namespace};
use tokio::sync::OnceCell;

/// A namespace of its own for one test, in a control plane that serves the custom resources.
pub async fn namespace(prefix: &str) -> Result<Namespace> {
    plane().await?.namespace(prefix).await
}

/// The control plane of this program, with the custom resources as they are committed.
pub async fn plane() -> Result<&'static ControlPlane> {
    static INSTALLED: OnceCell<()> = OnceCell::const_new();
    let plane = rekindle_testplane::shared().await;
    INSTALLED.get_or_try_init(|| install(plane)).await?;
    Ok(plane)
}

/// Installs the custom resources as they are committed.
pub async fn install(plane: &ControlPlane) -> Result<()> {
    let client = plane.client()?;
    for path in files("crds")? {
        let text = std::fs::read_to_string(&path)?;
        rekindle_testplane::apply(&client, "default", &text)
            .await
            .with_context(|| format!("install {}", path.display()))?;
    }
    Ok(())
}

/// The files of a folder of the repository, sorted.
pub fn files(folder: &str) -> Result<Vec<std::path::PathBuf>> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = std::fs::read_dir(&folder).with_context(|| format!("list {}", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}
