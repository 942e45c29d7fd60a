//! What an application takes in with the library: few crates, no Kubernetes client, no TLS.

use std::collections::BTreeSet;
use std::process::Command;

/// The crates that a build with these arguments compiles for the library, by name.
fn tree(arguments: &[&str]) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "-p", "rekindle-client", "-e", "normal", "--prefix", "none"])
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn the_library_brings_few_crates_and_neither_kubernetes_nor_tls() {
    let bare = ["--no-default-features"];
    for (arguments, most) in [
        (bare.as_slice(), 60),
        (&[], 60),
        (&["--features", "watch"], 75),
        (&["--features", "metrics"], 80),
        (&["--features", "axum"], 75),
    ] {
        let crates = tree(arguments);
        assert!(crates.contains("rekindle-core") && crates.len() <= most, "{arguments:?}: {} crates", crates.len());
        for unwanted in ["kube", "k8s-openapi", "kube-cel", "rustls", "ring", "openssl", "native-tls", "zstd-sys"] {
            assert!(!crates.iter().any(|name| name.starts_with(unwanted)), "{arguments:?}: {unwanted}");
        }
    }
}

/// Zstandard is C, so versions are a feature of their own; all in all they stay within the same bound.
#[test]
fn versions_bring_their_compressors_and_nothing_else_of_weight() {
    let crates = tree(&["--features", "versions"]);
    assert!(crates.contains("zstd-sys") && crates.contains("flate2"));
    assert!(crates.len() <= 75, "{} crates", crates.len());
    for unwanted in ["kube", "k8s-openapi", "kube-cel", "rustls", "ring", "openssl", "notify"] {
        assert!(!crates.iter().any(|name| name.starts_with(unwanted)), "{unwanted}");
    }
}
