//! Formats of codes: identifiers, numbers with check digits, colors, base64.
//! Must not know schemas.

/// Octets in hexadecimal: six, eight or twenty, with colons, dashes, dots (two octets each) or nothing between.
pub(super) fn is_mac(text: &str) -> bool {
    let (separator, digits) = match (text.as_bytes().get(2), text.as_bytes().get(4)) {
        (Some(b':'), _) => (':', 2),
        (Some(b'-'), _) => ('-', 2),
        (_, Some(b'.')) => ('.', 4),
        _ => return text.is_ascii() && matches!(text.len(), 12 | 16 | 40) && super::is_hex(text),
    };
    let groups: Vec<&str> = text.split(separator).collect();
    let octets = groups.len() * digits / 2;
    matches!(octets, 6 | 8 | 20) && groups.iter().all(|group| group.len() == digits && super::is_hex(group))
}

/// A UUID in either case, each dash optional; of one version, when it is given.
pub(super) fn is_uuid(text: &str, version: Option<char>) -> bool {
    let mut rest = text;
    for (index, length) in [8, 4, 4, 4, 12].into_iter().enumerate() {
        if index > 0 {
            rest = rest.strip_prefix('-').unwrap_or(rest);
        }
        let Some((group, after)) = rest.split_at_checked(length) else { return false };
        let first = group.chars().next().unwrap_or('-').to_ascii_lowercase();
        let wrong_version = index == 2 && version.is_some_and(|version| first != version);
        let wrong_variant = index == 3 && matches!(version, Some('4' | '5')) && !"89ab".contains(first);
        if !super::is_hex(group) || wrong_version || wrong_variant {
            return false;
        }
        rest = after;
    }
    rest.is_empty()
}

fn without_spaces_and_dashes(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '\t' | '\n' | '\u{c}' | '\r' | ' ' | '-')).collect()
}

fn digit(c: char) -> u32 {
    c.to_digit(10).unwrap_or(0)
}

/// Ten digits, the last may be X.
pub(super) fn is_isbn10(text: &str) -> bool {
    let code = without_spaces_and_dashes(text);
    let shape =
        code.len() == 10 && code.char_indices().all(|(index, c)| c.is_ascii_digit() || (index == 9 && c == 'X'));
    let weigh = |(weight, c): (u32, char)| weight * if c == 'X' { 10 } else { digit(c) };
    shape && (1..).zip(code.chars()).map(weigh).sum::<u32>() % 11 == 0
}

/// Thirteen digits.
pub(super) fn is_isbn13(text: &str) -> bool {
    let code = without_spaces_and_dashes(text);
    let shape = code.len() == 13 && code.chars().all(|c| c.is_ascii_digit());
    let weigh = |(index, c): (usize, char)| digit(c) * if index % 2 == 0 { 1 } else { 3 };
    shape && code.chars().enumerate().map(weigh).sum::<u32>() % 10 == 0
}

/// A card number of a known issuer, whatever stands between its digits.
pub(super) fn is_credit_card(text: &str) -> bool {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let prefix = |length: usize| digits.get(..length).and_then(|prefix| prefix.parse::<u32>().ok()).unwrap_or(0);
    let known = match digits.len() {
        13 => prefix(1) == 4,
        14 => (300..=305).contains(&prefix(3)) || matches!(prefix(2), 36 | 38),
        15 => matches!(prefix(2), 34 | 37) || matches!(prefix(4), 2131 | 1800),
        16 => prefix(1) == 4 || (51..=55).contains(&prefix(2)) || prefix(4) == 6011 || matches!(prefix(2), 65 | 35),
        _ => false,
    };
    let double = |(index, c): (usize, char)| match digit(c) * if index % 2 == 1 { 2 } else { 1 } {
        large @ 10.. => large - 9,
        small => small,
    };
    known && digits.chars().rev().enumerate().map(double).sum::<u32>() % 10 == 0
}

/// Nine digits as 3-2-4, with dashes or spaces between.
pub(super) fn is_ssn(text: &str) -> bool {
    text.len() == 11
        && text.char_indices().all(|(index, c)| match index {
            3 | 6 => matches!(c, '-' | ' '),
            _ => c.is_ascii_digit(),
        })
}

/// Three or six hexadecimal digits, with or without `#`.
pub(super) fn is_hex_color(text: &str) -> bool {
    let digits = text.strip_prefix('#').unwrap_or(text);
    matches!(digits.len(), 3 | 6) && super::is_hex(digits)
}

/// `rgb(0, 128, 255)`
pub(super) fn is_rgb_color(text: &str) -> bool {
    let space = |c: char| matches!(c, '\t' | '\n' | '\u{c}' | '\r' | ' ');
    let part = |part: &str| {
        let part = part.trim_matches(space);
        let plain = part == "0" || (!part.starts_with('0') && part.chars().all(|c| c.is_ascii_digit()));
        plain && part.parse::<u8>().is_ok()
    };
    let inside = text.strip_prefix("rgb(").and_then(|text| text.strip_suffix(')'));
    inside.is_some_and(|inside| inside.split(',').count() == 3 && inside.split(',').all(part))
}

/// Standard base64 with padding, not empty.
pub(super) fn is_base64(text: &str) -> bool {
    let body = text.strip_suffix("==").or_else(|| text.strip_suffix('=')).unwrap_or(text);
    let alphabet = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    !text.is_empty() && text.len().is_multiple_of(4) && !body.is_empty() && body.bytes().all(alphabet)
}
