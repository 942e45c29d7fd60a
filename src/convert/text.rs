//! Cuts texts to what a field of a custom resource holds, so that no status is refused for its length.
//! Must not know what the text says.

/// The text, or its beginning and `…` when it has more than `max` characters. Control characters become blanks.
pub(super) fn bounded(text: &str, max: usize) -> String {
    let mut kept: String = text.chars().take(max).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(max).is_some() {
        kept.pop();
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::bounded;

    #[test]
    fn a_long_text_is_cut_and_shows_it() {
        assert_eq!(bounded("four", 4), "four");
        assert_eq!(bounded("fives", 4), "fiv…");
        assert_eq!(bounded("größe", 5), "größe");
        assert_eq!(bounded("a\nb", 9), "a b");
    }
}
