//! Where the programs of the control plane are: the folder of `KUBEBUILDER_ASSETS`, else the cache that
//! `scripts/setup` fills. Knows nothing of how they are started.

use std::env;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

/// The `go.mod` files are where the versions are written down; `scripts/setup` reads the same lines.
const KUBERNETES_MODULE: &str = include_str!("../go/kubernetes/go.mod");
const ETCD_MODULE: &str = include_str!("../go/etcd/go.mod");
const HELM_MODULE: &str = include_str!("../go/helm/go.mod");

/// Finds a program such as `kube-apiserver`, `kubectl`, `helm` or `promtool`.
pub fn program(name: &str) -> Result<PathBuf> {
    let own = env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from);
    let cache = cache_of(name)?;
    for folder in own.iter().chain([&cache]) {
        let candidate = folder.join(name);
        if candidate.is_file() {
            return Ok(candidate);
        }
    }
    bail!("{name} is neither in KUBEBUILDER_ASSETS nor in {}: run scripts/setup", cache.display())
}

fn cache_of(name: &str) -> Result<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = set("REKINDLE_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|folder| folder.join("rekindle")))
        .or_else(|| set("HOME").map(|folder| folder.join(".cache/rekindle")))
        .context("find the cache: neither REKINDLE_CACHE nor HOME is set")?;
    let controlplane = base.join("controlplane");
    if name == "helm" {
        return Ok(controlplane.join(format!("helm-{}", required_version(HELM_MODULE, "helm.sh/helm/v4")?)));
    }
    let kubernetes = required_version(KUBERNETES_MODULE, "k8s.io/kubernetes")?;
    let etcd = required_version(ETCD_MODULE, "go.etcd.io/etcd/server/v3")?;
    Ok(controlplane.join(format!("kubernetes-{kubernetes}-etcd-{etcd}")))
}

fn required_version<'a>(go_mod: &'a str, module: &str) -> Result<&'a str> {
    go_mod
        .lines()
        .find_map(|line| line.strip_prefix("require ")?.strip_prefix(module)?.strip_prefix(' '))
        .map(str::trim)
        .with_context(|| format!("read the version of {module} from its go.mod"))
}
