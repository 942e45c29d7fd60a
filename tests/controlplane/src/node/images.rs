//! Images for the node, made of programs of this machine: one layer, written as an OCI archive.
//!
//! They hold a program, the shared libraries that it names and what a test adds, and nothing of a distribution.
//! The image that Rekindle ships is not made here.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tar::{Builder, Header};

use crate::programs::program;

/// An image to be: files by their path in it, and what it runs.
#[derive(Debug, Clone)]
pub struct Image {
    name: String,
    files: BTreeMap<PathBuf, ImageFile>,
    entrypoint: Vec<String>,
}

/// Where the bytes of a file come from. All are readable and executable for everybody.
#[derive(Debug, Clone)]
pub enum ImageFile {
    /// Copied from this machine.
    From(PathBuf),
    /// Given here.
    Text(String),
    /// An empty directory that everybody may write to.
    Directory,
}

impl Image {
    /// What holds the namespaces of a pod.
    pub const PAUSE: &str = "localhost/pause:1";

    /// An image that runs one program with no arguments; `name` with its tag, such as `localhost/checkout:1`.
    pub fn running(name: &str, program: &Path) -> Result<Self> {
        let entrypoint = vec![format!("/{}", file_name(program)?)];
        Self { name: name.to_owned(), files: BTreeMap::new(), entrypoint }.with_program(program)
    }

    pub(super) fn pause() -> Result<Self> {
        let mut image = Self::running(Self::PAUSE, &program("busybox")?)?;
        image.entrypoint.extend(["sleep", "infinity"].map(String::from));
        Ok(image)
    }

    /// Adds a program at the top, with the shared libraries that it names.
    pub fn with_program(self, program: &Path) -> Result<Self> {
        let path = Path::new("/").join(file_name(program)?);
        let image = self.with(&path, ImageFile::From(program.to_owned()));
        let libraries = libraries(program)?;
        Ok(libraries.into_iter().fold(image, |image, library| image.with(&library.clone(), ImageFile::From(library))))
    }

    /// Adds a file at an absolute path.
    #[must_use]
    pub fn with(mut self, path: &Path, file: ImageFile) -> Self {
        self.files.insert(path.strip_prefix("/").unwrap_or(path).to_owned(), file);
        self
    }

    /// Writes it as an OCI archive.
    pub fn write(&self, archive: &Path) -> Result<()> {
        let layer = self.layer().with_context(|| format!("pack {}", self.name))?;
        let config = serde_json::to_vec(&json!({
            "architecture": if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" },
            "os": "linux",
            "config": {"Entrypoint": self.entrypoint},
            "rootfs": {"type": "layers", "diff_ids": [digest(&layer)]},
        }))?;
        let manifest = serde_json::to_vec(&json!({
            "schemaVersion": 2,
            "mediaType": media_type("manifest.v1+json"),
            "config": descriptor("config.v1+json", &config),
            "layers": [descriptor("layer.v1.tar", &layer)],
        }))?;
        let named = json!({"io.containerd.image.name": self.name, "org.opencontainers.image.ref.name": self.name});
        let entry = json!({
            "mediaType": media_type("manifest.v1+json"),
            "digest": digest(&manifest),
            "size": manifest.len(),
            "annotations": named,
        });
        let index = serde_json::to_vec(&json!({"schemaVersion": 2, "manifests": [entry]}))?;

        let file = File::create(archive).with_context(|| format!("make {}", archive.display()))?;
        let mut out = Builder::new(file);
        append(&mut out, Path::new("oci-layout"), br#"{"imageLayoutVersion":"1.0.0"}"#)?;
        append(&mut out, Path::new("index.json"), &index)?;
        for blob in [&layer, &config, &manifest] {
            let path = Path::new("blobs/sha256").join(digest(blob).trim_start_matches("sha256:"));
            append(&mut out, &path, blob)?;
        }
        out.into_inner().and_then(|mut file| file.flush()).with_context(|| format!("write {}", archive.display()))
    }

    fn layer(&self) -> Result<Vec<u8>> {
        let mut layer = Builder::new(Vec::new());
        for (path, file) in &self.files {
            match file {
                ImageFile::From(source) => {
                    let content = fs::read(source).with_context(|| format!("read {}", source.display()))?;
                    append(&mut layer, path, &content)?;
                }
                ImageFile::Text(text) => append(&mut layer, path, text.as_bytes())?,
                ImageFile::Directory => {
                    let mut header = Header::new_gnu();
                    header.set_entry_type(tar::EntryType::Directory);
                    header.set_size(0);
                    header.set_mode(0o1777);
                    layer.append_data(&mut header, path, std::io::empty())?;
                }
            }
        }
        Ok(layer.into_inner()?)
    }
}

fn append(out: &mut Builder<impl Write>, path: &Path, content: &[u8]) -> Result<()> {
    let mut header = Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o755);
    out.append_data(&mut header, path, content).with_context(|| format!("pack {}", path.display()))
}

fn descriptor(kind: &str, content: &[u8]) -> Value {
    json!({"mediaType": media_type(kind), "digest": digest(content), "size": content.len()})
}

fn media_type(kind: &str) -> String {
    format!("application/vnd.oci.image.{kind}")
}

fn digest(content: &[u8]) -> String {
    let hex: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

fn file_name(path: &Path) -> Result<&str> {
    path.file_name().and_then(|name| name.to_str()).with_context(|| format!("find the name of {}", path.display()))
}

/// What the loader would load, itself included; nothing for a static program.
fn libraries(program: &Path) -> Result<Vec<PathBuf>> {
    let output = Command::new("ldd").arg(program).output().context("run ldd")?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(!text.contains("not found"), "{} needs libraries that are not here:\n{text}", program.display());
    Ok(text
        .split_whitespace()
        .filter(|word| word.starts_with('/'))
        .map(|word| word.trim_end_matches(':').into())
        .collect())
}
