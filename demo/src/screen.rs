//! What the demo prints. Must not know what it means.

use std::io::{IsTerminal, Write};
use std::time::Duration;

fn line(text: &str) {
    // Nobody reads on when the other end of the pipe is gone; the outcome is in the exit status.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

fn styled(code: &str, text: &str) -> String {
    if std::io::stdout().is_terminal() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

/// Begins a part of the story.
pub fn heading(text: &str) {
    line("");
    line(&styled("1", text));
}

/// A command as a user would type it.
pub fn command(text: &str) {
    line(&format!("  {}", styled("36", &format!("$ {text}"))));
}

/// What a command printed, or other text below it.
pub fn text(text: &str) {
    for part in text.trim_end().lines() {
        line(&format!("    {}", part.trim_end()));
    }
}

/// What was found to be so.
pub fn fact(text: &str) {
    line(&format!("  {} {text}", styled("32", "✓")));
}

/// A span for people: milliseconds, with one digit below ten; from a second on, seconds with one digit.
pub fn span(span: Duration) -> String {
    match span.as_secs_f64() * 1000.0 {
        millis if millis < 10.0 => format!("{millis:.1} ms"),
        millis if millis < 1_000.0 => format!("{millis:.0} ms"),
        millis => format!("{:.1} s", millis / 1000.0),
    }
}
