//! The files that containerd, its network plugins and the kubelet are started with.
//!
//! Each setting that is not a path has its reason: the node is a process among others on a machine that it does not
//! own, with version 1 or 2 of the control groups, and without the right to lower the score of the out-of-memory killer.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;

use super::{CONTROL_GROUP, Image};
use crate::plane::ControlPlane;
use crate::programs::program;

pub(super) fn write(dir: &Path, plane: &ControlPlane) -> Result<()> {
    let network = dir.join("network");
    fs::create_dir_all(&network).with_context(|| format!("make {}", network.display()))?;
    let write = |name: &str, text: String| fs::write(dir.join(name), text).with_context(|| format!("write {name}"));
    write("containerd.toml", containerd(dir)?)?;
    write("network/10-bridge.conflist", bridge(dir).to_string())?;
    write("kubelet.yaml", kubelet(dir, plane)?.to_string())
}

fn containerd(dir: &Path) -> Result<String> {
    let programs = program("runc")?;
    let programs = programs.parent().context("find the folder of runc")?;
    let (dir, programs, pause) = (dir.display(), programs.display(), Image::PAUSE);
    Ok(format!(
        r#"version = 3
root = "{dir}/containerd"
state = "/run/containerd"
[grpc]
  address = "{dir}/containerd.sock"
[plugins."io.containerd.cri.v1.images"]
  snapshotter = "native"
[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "{pause}"
[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = true
[plugins."io.containerd.cri.v1.runtime".cni]
  bin_dirs = ["{programs}"]
  conf_dir = "{dir}/network"
[plugins."io.containerd.cri.v1.runtime".containerd]
  default_runtime_name = "runc"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
  BinaryName = "{programs}/runc"
  SystemdCgroup = false
"#
    ))
}

/// Pods on the bridge that carries the node's own address: no routes, no translation of addresses.
fn bridge(dir: &Path) -> serde_json::Value {
    json!({
        "cniVersion": "1.0.0",
        "name": "pods",
        "plugins": [{
            "type": "bridge",
            "bridge": "node0",
            "isGateway": true,
            "hairpinMode": true,
            "ipam": {
                "type": "host-local",
                "dataDir": dir.join("addresses"),
                "ranges": [[{"subnet": "10.88.0.0/16", "rangeStart": "10.88.1.0", "gateway": "10.88.0.1"}]],
                "routes": [{"dst": "0.0.0.0/0"}]
            }
        }]
    })
}

fn kubelet(dir: &Path, plane: &ControlPlane) -> Result<serde_json::Value> {
    let group = std::env::var(CONTROL_GROUP).with_context(|| format!("read {CONTROL_GROUP}"))?;
    Ok(json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {"anonymous": {"enabled": true}, "webhook": {"enabled": false},
                           "x509": {"clientCAFile": plane.authority()}},
        "authorization": {"mode": "AlwaysAllow"},
        "containerRuntimeEndpoint": format!("unix://{}/containerd.sock", dir.display()),
        "podLogsDir": dir.join("logs"),
        "volumePluginDir": dir.join("volume-plugins"),
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": format!("/{group}"),
        "failCgroupV1": false,
        "failSwapOn": false,
        "enforceNodeAllocatable": [],
        "localStorageCapacityIsolation": false,
        "imageMinimumGCAge": "24h",
        "evictionHard": {"memory.available": "0%", "nodefs.available": "0%", "imagefs.available": "0%"},
        "healthzPort": 0,
        "nodeStatusUpdateFrequency": "1s",
        "maxPods": 250,
    }))
}
