//! A program that follows its configuration: the files in `config`, and what `APP__…` variables lay over them.
//! Must stay as short as the page about it promises.

use rekindle_client::engine::Outcome;
use rekindle_client::notify::Options;
use rekindle_client::provider::{ConfigProvider, HotReloadProvider, Settings};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let settings = Settings::of_process("config").check_type::<u32>("database.pool");
    let builder = HotReloadProvider::builder(settings).on_outcome(|outcome| {
        if let Outcome::Refused(why) = outcome {
            println!("the last good configuration runs on: {why}");
        }
    });
    let config = builder.start()?;
    println!("pool of {}", config.get::<u32>("database.pool")?);

    let Some(notifier) = config.notifier() else { return Ok(()) };
    let mut changes = notifier.stream(Options::new("main", "database.**")?);
    while let Some(change) = changes.next().await {
        println!("pool of {}", change.after().get::<u32>("database.pool")?);
    }
    Ok(())
}
