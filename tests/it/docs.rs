//! Whatever the documentation shows is tried: YAML by the API server, commands by a shell, links by the file system.
//! Sessions run where the reader runs them, on the stage that `make demo KEEP=1` leaves; those about the installation
//! in a cluster of their own.

mod installation;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::discovery::{Scope, pinned_kind};
use rekindle_testplane::{Namespace, parse_documents, program};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::support::{files, namespace};

const STAGE_LIMIT: Duration = Duration::from_secs(180);
const COMMAND_LIMIT: Duration = Duration::from_secs(60);
/// What the demo prints when it begins to wait for Ctrl-C.
const STAYS: &str = "It stays until Ctrl-C";

/// A fenced block of a Markdown file.
#[derive(Clone)]
struct Block {
    /// Where it begins, for messages.
    place: String,
    language: String,
    text: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn pages() -> Result<Vec<PathBuf>> {
    let is_page = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "md");
    let pages: Vec<_> = [files("")?, files("docs")?, files("src")?].concat().into_iter().filter(is_page).collect();
    ensure!(pages.iter().any(|page| page.ends_with("README.md")), "there is no README.md");
    Ok(pages)
}

fn blocks(page: &Path) -> Result<Vec<Block>> {
    let text = std::fs::read_to_string(page).with_context(|| format!("read {}", page.display()))?;
    let shown = page.strip_prefix(root()).unwrap_or(page).display();
    let mut found = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in (1..).zip(text.lines()) {
        match (&mut open, line.trim_start().strip_prefix("```")) {
            (None, Some(language)) => {
                open = Some(Block {
                    place: format!("{shown}:{number}"),
                    language: language.to_owned(),
                    text: String::new(),
                });
            }
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some(block), None) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    ensure!(open.is_none(), "{shown}: a block does not end");
    Ok(found)
}

/// The blocks of one language on all pages, page after page.
fn blocks_in(language: &str) -> Result<Vec<Block>> {
    let pages = pages()?;
    let all = pages.iter().map(|page| blocks(page)).collect::<Result<Vec<_>>>()?;
    Ok(all.into_iter().flatten().filter(|block| block.language == language).collect())
}

/// A command of a session and what it should print.
struct Step {
    command: String,
    expected: String,
}

/// Reads `$ command` with its continuations `> more`, each followed by what it prints.
fn steps(block: &Block) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in block.text.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step { command: command.to_owned(), expected: String::new() });
        } else if let Some(step) = steps.last_mut() {
            match line.strip_prefix("> ") {
                Some(more) if step.expected.is_empty() => step.command = format!("{}\n{more}", step.command),
                _ => step.expected.push_str(&format!("{line}\n")),
            }
        }
    }
    steps
}

/// Whether a text is what the documentation shows, where `…` stands for anything and blanks for any blanks.
fn is_as_shown(shown: &str, text: &str) -> bool {
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (shown, text) = (flat(shown), flat(text));
    let parts: Vec<_> = shown.split('…').map(str::trim).collect();
    let (Some((first, rest)), true) = (parts.split_first(), !shown.is_empty()) else { return true };
    let Some(mut left) = text.strip_prefix(first) else { return false };
    let Some((last, middle)) = rest.split_last() else { return left.is_empty() };
    for part in middle {
        match left.split_once(part) {
            Some((_, after)) => left = after,
            None => return false,
        }
    }
    left.ends_with(last)
}

#[test]
fn what_is_shown_is_compared_with_room_for_what_varies() {
    assert!(is_as_shown("NAME AGE\na …s\n", "NAME   AGE\na      12s\n"));
    assert!(is_as_shown("a … c … e", "a b c d e"));
    assert!(is_as_shown("", "anything"));
    assert!(!is_as_shown("a … c", "a b d"));
    assert!(!is_as_shown("a b", "a b c"));
}

#[tokio::test]
async fn every_manifest_in_the_documentation_is_taken_by_the_api_server() -> Result<()> {
    let namespace = namespace("docs").await?;
    let mut taken = 0;
    for block in blocks_in("yaml")? {
        let objects = parse_documents(&block.text).with_context(|| block.place.clone())?;
        for object in objects.into_iter().filter(|object| object.types.is_some()) {
            take(&namespace, &object).await.with_context(|| block.place.clone())?;
            taken += 1;
        }
    }
    ensure!(taken > 0, "the documentation shows no manifest");
    Ok(())
}

async fn take(namespace: &Namespace, object: &DynamicObject) -> Result<()> {
    let types = object.types.as_ref().context("a manifest without a kind")?;
    let name = object.metadata.name.as_deref().context("a manifest without a name")?;
    let (resource, capabilities) = pinned_kind(&namespace.client(), &types.try_into()?).await?;
    let api: Api<DynamicObject> = match capabilities.scope {
        Scope::Cluster => Api::all_with(namespace.client(), &resource),
        Scope::Namespaced => Api::namespaced_with(namespace.client(), namespace.name(), &resource),
    };
    let params = PatchParams {
        dry_run: true,
        field_validation: Some(kube::api::ValidationDirective::Strict),
        ..PatchParams::apply("docs")
    };
    api.patch(name, &params, &Patch::Apply(object)).await.with_context(|| format!("{} {name}", types.kind))?;
    Ok(())
}

#[test]
fn every_make_target_in_the_documentation_exists() -> Result<()> {
    let mut seen = 0;
    for Block { place, text, .. } in blocks_in("sh")? {
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let advice = "show it as a `$ ` line of a console block";
            ensure!(line.starts_with("make "), "{place}: `{line}` is tried by no test: {advice}");
            let words = line.split(" #").next().unwrap_or(line).split_whitespace().skip(1);
            let output = std::process::Command::new("make").arg("-n").args(words).current_dir(root()).output()?;
            let complaint = String::from_utf8_lossy(&output.stderr);
            ensure!(output.status.success(), "{place}: {line}: {complaint}");
            seen += 1;
        }
    }
    ensure!(seen > 0, "the documentation shows no make target");
    Ok(())
}

#[test]
fn every_relative_link_leads_to_a_file() -> Result<()> {
    for page in pages()? {
        let text = std::fs::read_to_string(&page)?;
        let folder = page.parent().context("a page in no folder")?;
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().unwrap_or_default();
            let is_local = !file.is_empty() && !link.contains("://") && !link.contains(' ');
            ensure!(!is_local || folder.join(file).exists(), "{}: {link} leads nowhere", page.display());
        }
    }
    Ok(())
}

#[tokio::test]
async fn every_session_in_the_documentation_goes_as_it_is_shown() -> Result<()> {
    let elsewhere = |block: &Block| installation::PAGES.iter().any(|page| block.place.starts_with(page));
    let sessions: Vec<_> = blocks_in("console")?.into_iter().filter(|block| !elsewhere(block)).collect();
    let stage = Stage::set().await?;
    let place = Place { kubeconfig: PathBuf::from(&stage.kubeconfig), variables: Vec::new() };
    let outcome = play(&place, &stage.told, &sessions).await;
    stage.clear().await?;
    outcome
}

/// Plays sessions, where `make demo` has told this.
async fn play(place: &Place, told: &str, sessions: &[Block]) -> Result<()> {
    let mut played = 0;
    for block in sessions {
        for Step { command, expected } in steps(block) {
            let shown = format!("{}: {command}", block.place);
            if command == "make demo" {
                let tells = is_as_shown(&format!("…{expected}…"), told);
                ensure!(tells, "{shown}: the demo does not tell this:\n{told}");
                continue;
            }
            let printed = place.run(&command).await.with_context(|| shown.clone())?;
            ensure!(is_as_shown(&expected, &printed), "{shown} prints\n{printed}\nand not\n{expected}");
            played += 1;
        }
    }
    ensure!(played > 0, "the documentation shows no session");
    Ok(())
}

/// Where a reader types commands.
struct Place {
    kubeconfig: PathBuf,
    /// What else is in the environment.
    variables: Vec<(&'static str, PathBuf)>,
}

impl Place {
    /// Runs a command as a reader would, at the root of the repository, and returns what it prints.
    async fn run(&self, command: &str) -> Result<String> {
        let (kubectl, helm) = (program("kubectl")?, program("helm")?);
        let folders = [kubectl.parent().map(Path::to_owned), helm.parent().map(Path::to_owned), Some(programs()?)];
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(folders.into_iter().flatten().chain(std::env::split_paths(&path)))?;
        let output = Command::new("bash")
            .args(["-euo", "pipefail", "-c", command])
            .current_dir(root())
            .env("KUBECONFIG", &self.kubeconfig)
            .env("KUBECACHEDIR", self.kubeconfig.with_file_name("kubectl"))
            .env("PATH", path)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = timeout(COMMAND_LIMIT, output).await.context("it does not end")??;
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(output.status.success(), "it fails: {printed}{}", String::from_utf8_lossy(&output.stderr));
        Ok(printed)
    }
}

/// The demo, played to its end and kept.
struct Stage {
    demo: Child,
    output: Lines<BufReader<ChildStdout>>,
    told: String,
    kubeconfig: String,
}

impl Stage {
    async fn set() -> Result<Self> {
        let programs = programs()?;
        let mut demo = Command::new(programs.join("rekindle-demo"))
            .env("KEEP", "1")
            .env_remove("KUBECONFIG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("start the demo")?;
        let output = BufReader::new(demo.stdout.take().context("the demo's output")?).lines();
        let mut stage = Self { demo, output, told: String::new(), kubeconfig: String::new() };
        timeout(STAGE_LIMIT, stage.listen())
            .await
            .with_context(|| format!("the demo is not done:\n{}", stage.told))??;
        Ok(stage)
    }

    async fn listen(&mut self) -> Result<()> {
        while let Some(line) = self.output.next_line().await? {
            if let Some(path) = line.trim().strip_prefix("export KUBECONFIG=") {
                self.kubeconfig = path.to_owned();
                return Ok(());
            }
            if !line.contains(STAYS) {
                self.told.push_str(&format!("{line}\n"));
            }
        }
        anyhow::bail!("the demo ended:\n{}", self.told)
    }

    /// Ctrl-C, and then nothing of it may be left.
    async fn clear(mut self) -> Result<()> {
        let id = self.demo.id().context("the demo ended by itself")?.to_string();
        Command::new("kill").args(["-INT", &id]).status().await?;
        let ended = timeout(COMMAND_LIMIT, self.demo.wait()).await.context("the demo does not end")??;
        ensure!(ended.success(), "the demo ends with {ended}");
        let folder = Path::new(&self.kubeconfig).parent().context("a folder")?;
        ensure!(!folder.exists(), "{} is left", folder.display());
        Ok(())
    }
}

/// The folder of this repository's programs, as the build of the whole workspace leaves it.
fn programs() -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_BIN_EXE_rekindle")).parent().context("a folder")?.to_owned();
    for name in ["rekindle-demo", "rekindle-checkout"] {
        ensure!(
            folder.join(name).is_file(),
            "{name} is not built: run the tests of the whole workspace, or `make demo`"
        );
    }
    Ok(folder)
}
