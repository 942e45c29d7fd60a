//! The rules of the code that a machine can hold: who knows whom, which package is named where, how large things are.
//! Must not look at behavior. Exceptions are lists here that may only shrink.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const LARGEST_FILE: usize = 400;
const LONGEST_FUNCTION: usize = 60;

/// Files above the limit, which are to be split.
const LARGE_FILES: &[&str] = &[];
/// Functions above the limit, as `file:name`.
const LONG_FUNCTIONS: &[&str] = &[];

/// Which text must not occur in the code below which path, except below others: the table of `src/ARCHITECTURE.md`.
const FORBIDDEN: &[(&str, &[&str], &[&str])] = &[
    (
        "src/core",
        &[
            "kube::",
            "k8s_openapi",
            "tokio::",
            "tracing::",
            "prometheus::",
            "rekindle_api",
            "std::fs",
            "std::net::Tcp",
            "std::thread",
            "SystemTime",
            "HashMap",
            "HashSet",
        ],
        &[],
    ),
    ("src/api", &["rekindle_core", "tokio::"], &[]),
    ("src/client", &["kube::", "k8s_openapi", "rekindle_api", "rustls", "crate::cluster"], &[]),
    ("src/convert", &["tokio::", "std::fs", "crate::cluster", "crate::controllers", "crate::ports::Cluster"], &[]),
    ("src/ports.rs", &["kube::", "k8s_openapi", "rekindle_api", "hyper::"], &[]),
    (
        "src/controllers",
        &[
            "kube::",
            "k8s_openapi",
            "rekindle_api",
            "hyper::",
            "crate::cluster",
            "crate::push",
            "crate::web",
            "crate::cli",
            "crate::runtime",
            "SystemTime",
        ],
        &[],
    ),
    ("src/cluster", &["crate::controllers", "crate::push", "crate::web", "crate::cli", "crate::runtime"], &[]),
    (
        "src/push",
        &["kube::", "k8s_openapi", "crate::cluster", "crate::controllers", "crate::web", "crate::runtime"],
        &[],
    ),
    ("src/cli", &["crate::controllers", "crate::cluster", "crate::push", "crate::runtime"], &[]),
    ("src/web.rs", &["crate::controllers", "crate::cluster", "kube::"], &[]),
    ("src/files.rs", &["crate::controllers", "crate::cluster", "kube::", "notify::"], &[]),
];

/// Which outside package is named only where, so that it can be replaced by editing one place.
const NAMED_ONLY_IN: &[(&str, &[&str])] = &[
    ("notify::", &["src/client/watch.rs"]),
    ("prometheus::", &["src/metrics.rs", "src/client/metrics"]),
    ("serde_yaml::", &["src/cli/yaml.rs", "src/core/format", "src/core/version/stored"]),
    ("flate2::", &["src/core/version/stored"]),
    ("dotenvy::", &["src/core/format"]),
    ("serde_saphyr::", &["src/core/format", "src/cluster", "src/cli"]),
    ("granit_parser::", &["src/core/format"]),
    ("toml::", &["src/core/format"]),
    ("kube_cel::", &["src/core/validate/cel"]),
    ("zstd::", &["src/core/version"]),
    ("axum::", &["src/web.rs", "src/client", "src/cli"]),
    ("clap::", &["src/cli", "src/runtime/settings.rs", "src/main.rs"]),
    ("kube::", &["src/api", "src/cluster", "src/convert"]),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

struct Source {
    name: String,
    lines: Vec<String>,
}

impl Source {
    fn is_test(&self) -> bool {
        self.name.ends_with("/tests.rs") || self.name.contains("/tests/") || self.name.starts_with("tests/")
    }

    /// The lines before an inline test module.
    fn code(&self) -> &[String] {
        let end = self
            .lines
            .windows(2)
            .position(|pair| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{'));
        &self.lines[..end.unwrap_or(self.lines.len())]
    }
}

fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    for folder in ["src", "tests", "examples", "bench", "demo"] {
        collect(&root().join(folder), &mut found);
    }
    assert!(found.len() > 100, "the sources were found");
    found
}

fn collect(path: &Path, found: &mut Vec<Source>) {
    let Ok(entries) = fs::read_dir(path) else { return };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() && !path.ends_with("target") {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
            let lines = fs::read_to_string(&path).unwrap().lines().map(str::to_owned).collect();
            found.push(Source { name, lines });
        }
    }
}

fn check(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

#[test]
fn every_file_says_what_it_is_for() {
    let without = sources().into_iter().filter(|source| {
        let header = source.lines.iter().take_while(|line| line.starts_with("//!")).count();
        let text = source.lines.iter().take(header).map(|line| line.len()).sum::<usize>();
        header == 0 || text < 40
    });
    check(&without.map(|source| format!("{}: begin with two to six lines of //!", source.name)).collect::<Vec<_>>());
}

#[test]
fn files_stay_readable_in_one_sitting() {
    let mut problems = Vec::new();
    for source in sources().iter().filter(|source| !source.is_test()) {
        let count = source.code().len();
        let excepted = LARGE_FILES.contains(&source.name.as_str());
        if count > LARGEST_FILE && !excepted {
            problems.push(format!("{}: {count} lines, at most {LARGEST_FILE}: split it", source.name));
        }
        if count <= LARGEST_FILE && excepted {
            problems.push(format!("{}: no longer too large: take it off the list", source.name));
        }
    }
    check(&problems);
}

#[test]
fn functions_fit_a_screen() {
    let mut problems = Vec::new();
    for source in sources().iter().filter(|source| !source.is_test()) {
        let lines = source.code();
        for (start, line) in lines.iter().enumerate() {
            let Some(name) = function_name(line) else { continue };
            let signature_ends = lines[start..].iter().find(|line| line.ends_with('{') || line.ends_with(';'));
            if signature_ends.is_some_and(|line| line.ends_with(';')) {
                // A declaration, which may take several lines.
                continue;
            }
            let indent = &line[..line.len() - line.trim_start().len()];
            let end = lines[start..].iter().position(|line| *line == format!("{indent}}}"));
            let length = end.map_or(0, |end| end + 1);
            let key = format!("{}:{name}", source.name);
            if length > LONGEST_FUNCTION && !LONG_FUNCTIONS.contains(&key.as_str()) {
                problems.push(format!("{key}: {length} lines, at most {LONGEST_FUNCTION}"));
            }
        }
    }
    check(&problems);
}

fn function_name(line: &str) -> Option<&str> {
    if is_comment(line) || line.trim_end().ends_with('}') {
        return None;
    }
    let (before, after) = line.split_once("fn ")?;
    let plain = before.trim().split(' ').all(|word| {
        word.is_empty()
            || word.starts_with("pub")
            || ["async", "const", "in", "super)", "super::super)"].contains(&word)
    });
    plain.then(|| after.split(['(', '<']).next().unwrap_or_default())
}

#[test]
fn nobody_knows_whom_they_must_not() {
    let mut problems = Vec::new();
    for source in sources().iter().filter(|source| !source.is_test()) {
        for (place, words, except) in FORBIDDEN {
            let inside = source.name.starts_with(&format!("{place}/"))
                || source.name == *place
                || source.name == format!("{place}.rs");
            if !inside || except.iter().any(|except| source.name.starts_with(except)) {
                continue;
            }
            for (number, line) in source.code().iter().enumerate().filter(|(_, line)| !is_comment(line)) {
                for word in words.iter().filter(|word| mentions(line, word)) {
                    problems.push(format!("{}:{}: must not know {word}", source.name, number + 1));
                }
            }
        }
    }
    check(&problems);
}

/// Whether a line names the word as a path of its own, not as the end of a longer name.
fn mentions(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        !line[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_' || before == ':')
            && !line[..at].contains('"')
    })
}

#[test]
fn outside_packages_are_named_in_few_places() {
    let mut problems = Vec::new();
    for source in sources().iter().filter(|source| source.name.starts_with("src/") && !source.is_test()) {
        for (word, places) in NAMED_ONLY_IN {
            if places.iter().any(|place| source.name.starts_with(place.trim_end_matches('/'))) {
                continue;
            }
            for (number, line) in source.code().iter().enumerate().filter(|(_, line)| !is_comment(line)) {
                if mentions(line, word) {
                    problems.push(format!("{}:{}: {word} belongs into {places:?}", source.name, number + 1));
                }
            }
        }
    }
    check(&problems);
}

#[test]
fn every_file_is_part_of_a_module() {
    let sources = sources();
    let mut problems = Vec::new();
    for source in &sources {
        let path = Path::new(&source.name);
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        let folder = path.parent().unwrap();
        if ["main", "lib", "mod", "build"].contains(&stem.as_str())
            || folder.ends_with("bin")
            || folder.ends_with("benches")
        {
            continue;
        }
        let parents =
            [folder.with_extension("rs"), folder.join("lib.rs"), folder.join("main.rs"), folder.join("mod.rs")];
        let listed = sources.iter().any(|parent| {
            parents.contains(&PathBuf::from(&parent.name))
                && parent.lines.iter().any(|line| {
                    let line = line.trim();
                    line.ends_with(&format!("mod {stem};")) && !line.starts_with("//")
                })
        });
        // A program of its own, as Cargo finds it.
        let is_program = folder.ends_with("tests") && root().join(folder).with_file_name("Cargo.toml").exists();
        if !listed && !is_program {
            problems.push(format!("{}: no module lists it", source.name));
        }
    }
    check(&problems);
}

#[test]
fn every_dependency_has_a_reason() {
    let reasons = fs::read_to_string(root().join("docs/dependencies.md")).unwrap();
    let rows: BTreeSet<&str> = reasons
        .lines()
        .filter(|line| line.starts_with("| "))
        .flat_map(|line| line.trim_start_matches("| ").split(" | ").next().unwrap_or_default().split([',', ' ']))
        .filter(|word| !word.is_empty())
        .collect();
    let mut problems = BTreeSet::new();
    for manifest in manifests() {
        let mut inside = false;
        for line in fs::read_to_string(&manifest).unwrap().lines() {
            if line.starts_with('[') {
                inside = line.ends_with("dependencies]");
            } else if inside && line.starts_with(|first: char| first.is_ascii_lowercase()) {
                let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
                if !name.starts_with("rekindle") && !rows.contains(name) {
                    problems.insert(format!("docs/dependencies.md: give the reason of {name}"));
                }
            }
        }
    }
    check(&problems.into_iter().collect::<Vec<_>>());
}

fn manifests() -> Vec<PathBuf> {
    let listed = Command::new("git").args(["ls-files", "*Cargo.toml"]).current_dir(root()).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let found: Vec<_> = listed.lines().map(|line| root().join(line)).collect();
    assert!(found.len() >= 4, "the manifests were found");
    found
}

#[test]
fn the_libraries_drag_in_nothing_that_they_must_not() {
    let tree = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO"))
            .args(["tree", "--offline", "--locked", "--edges", "normal", "--prefix", "none", "--format", "{p}"])
            .args(arguments)
            .current_dir(root())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect::<BTreeSet<_>>()
    };
    let core = tree(&["-p", "rekindle-core"]);
    let client = tree(&["-p", "rekindle-client", "--no-default-features"]);
    for (what, names, banned) in [
        (
            "rekindle-core",
            &core,
            &["kube", "kube-client", "k8s-openapi", "tokio", "notify", "prometheus", "tracing"][..],
        ),
        ("rekindle-client", &client, &["kube", "kube-client", "k8s-openapi", "rustls", "notify", "axum"][..]),
    ] {
        let found: Vec<_> = banned.iter().filter(|name| names.contains(**name)).collect();
        assert!(found.is_empty(), "{what} drags in {found:?}");
    }
    assert!(client.len() <= 60, "rekindle-client needs {} crates, at most 60", client.len());
}

#[test]
fn nothing_names_a_registry_or_a_path_of_somebodys_machine() {
    let banned = [
        ["crates", ".io"],
        ["pypi", ".org"],
        ["proxy.golang", ".org"],
        ["registry.npmjs", ".org"],
        ["/wo", "rk/"],
        ["/ro", "ot/"],
    ];
    let banned: Vec<String> = banned.iter().map(|parts| parts.concat()).collect();
    let listed = Command::new("git").args(["ls-files"]).current_dir(root()).output().unwrap();
    let mut problems = Vec::new();
    for name in String::from_utf8(listed.stdout).unwrap().lines() {
        let generated = name.ends_with("Cargo.lock") || name.ends_with("go.sum");
        let Ok(text) = fs::read_to_string(root().join(name)) else { continue };
        for word in banned.iter().filter(|word| !generated && text.contains(*word)) {
            problems.push(format!("{name}: names {word}"));
        }
    }
    check(&problems);
}
