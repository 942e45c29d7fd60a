//! Which names in a directory are not documents: what editors, copy tools and a kubelet leave beside the real files.
//! Must not look at the files.

/// Whether a file of this name is somebody's temporary or backup file, or a kubelet's own link.
///
/// Sources: the manuals of vim (`.x.swp`, `4913`, `x~`), emacs (`#x#`, `.#x`, `x~`), nano (`.x.swp`), JetBrains
/// (`x___jb_tmp___`, `x___jb_old___`), gedit and GLib (`.goutputstream-…`), rsync (`.x.AbCdEf`), sed (`sedAbCdEf`),
/// and the atomic writer of the kubelet (`..data`, `..2024_01_02`).
#[must_use]
pub(super) fn is_passing(name: &str) -> bool {
    name.starts_with("..")
        || name.ends_with('~')
        || name == "4913"
        || name.starts_with(".#")
        || (name.starts_with('#') && name.ends_with('#'))
        || name.ends_with("___jb_tmp___")
        || name.ends_with("___jb_old___")
        || name.starts_with(".goutputstream-")
        || is_swap(name)
        || name.ends_with(".tmp")
        || name.ends_with(".bak")
        || is_random(name, "sed", 6)
        || is_rsync(name)
}

fn is_swap(name: &str) -> bool {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    name.starts_with('.') && matches!(extension, "swp" | "swo" | "swn" | "swx")
}

fn is_random(name: &str, prefix: &str, letters: usize) -> bool {
    name.strip_prefix(prefix).is_some_and(|rest| rest.len() == letters && has_random_look(rest))
}

fn is_rsync(name: &str) -> bool {
    let Some((base, random)) = name.strip_prefix('.').and_then(|rest| rest.rsplit_once('.')) else { return false };
    base.contains('.') && random.len() == 6 && has_random_look(random)
}

/// Letters and digits, both cases: what `mkstemp` makes, and hardly what a person names a file.
fn has_random_look(text: &str) -> bool {
    text.chars().all(|letter| letter.is_ascii_alphanumeric())
        && text.chars().any(|letter| letter.is_ascii_uppercase())
        && text.chars().any(|letter| letter.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::is_passing;

    #[test]
    fn what_tools_leave_is_passed_over_and_what_people_name_is_not() {
        for passing in [
            "..data",
            "..2026_11_25_10_00_00.123",
            "app.yaml~",
            "4913",
            ".#app.yaml",
            "#app.yaml#",
            "app.yaml___jb_tmp___",
            ".goutputstream-ABCDEF",
            ".app.yaml.swp",
            "app.yaml.tmp",
            "app.yaml.bak",
            "sedA1b2C3",
            ".app.yaml.Ab12Cd",
        ] {
            assert!(is_passing(passing), "{passing}");
        }
        for kept in ["app.yaml", ".env", ".env.local", "sedona", "a.properties", ".app.config.legacy", "swp", "x.swp"] {
            assert!(!is_passing(kept), "{kept}");
        }
    }
}
