//! The program as a newcomer meets it: started in a directory, while somebody edits the file.
//! Must not wait for time: each step waits for what the program prints.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests may fail loudly")]

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

const PATIENCE: Duration = Duration::from_secs(60);

fn write(directory: &Path, content: &str) {
    let temporary = directory.join("config/app.yaml.tmp");
    std::fs::write(&temporary, content).unwrap();
    std::fs::rename(temporary, directory.join("config/app.yaml")).unwrap();
}

#[tokio::test]
async fn the_program_follows_its_file_and_keeps_what_was_good() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("config")).unwrap();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/app.yaml");
    write(directory.path(), &std::fs::read_to_string(shipped).unwrap());

    let mut program = Command::new(env!("CARGO_BIN_EXE_rekindle-in-process"))
        .current_dir(directory.path())
        .env_clear()
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
    let mut next = async || tokio::time::timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap().unwrap();

    assert_eq!(next().await, "pool of 5");
    write(directory.path(), "database: {host: localhost, pool: 20}\n");
    assert_eq!(next().await, "pool of 20");
    write(directory.path(), "database: {host: localhost, pool: many}\n");
    let refused =
        "the last good configuration runs on: `database.pool` must be u32, but is of the type string (Custom)";
    assert_eq!(next().await, refused);
    write(directory.path(), "database: {host: localhost, pool: 21}\n");
    assert_eq!(next().await, "pool of 21");
    program.kill().await.unwrap();
}
