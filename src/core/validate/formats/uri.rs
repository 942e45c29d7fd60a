//! The format `uri`: an absolute URI or an absolute path, as Go's `url.ParseRequestURI` takes it.
//! Must not know schemas.

use std::net::Ipv6Addr;

/// Whether a text is an absolute URI or an absolute path.
pub(super) fn is_request_uri(text: &str) -> bool {
    if text.is_empty() || text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
        return false;
    }
    if text == "*" {
        return true;
    }
    let Some((scheme, rest)) = split_scheme(text) else { return false };
    let rest = rest.split_once('?').map_or(rest, |(before, _)| before);
    if !rest.starts_with('/') {
        // After a scheme, anything that is no path is opaque.
        return !scheme.is_empty();
    }
    match rest.strip_prefix("//").filter(|_| !scheme.is_empty()) {
        Some(rest) => {
            let slash = rest.find('/').unwrap_or(rest.len());
            let (authority, path) = rest.split_at_checked(slash).unwrap_or((rest, ""));
            is_authority(scheme, authority) && escapes_hold(path)
        }
        None => escapes_hold(rest),
    }
}

/// The scheme (empty without one) and what follows it; none when a colon comes first.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))).unwrap_or(text.len());
    let (scheme, rest) = text.split_at_checked(end)?;
    match rest.strip_prefix(':') {
        Some(_) if scheme.is_empty() => None,
        Some(rest) if scheme.starts_with(|c: char| c.is_ascii_alphabetic()) => Some((scheme, rest)),
        _ => Some(("", text)),
    }
}

fn is_authority(scheme: &str, authority: &str) -> bool {
    match authority.rsplit_once('@') {
        Some((user, host)) => is_user(user) && is_host(scheme, host),
        None => is_host(scheme, authority),
    }
}

fn is_user(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c);
    text.chars().all(allowed) && text.splitn(2, ':').all(escapes_hold)
}

fn is_host(scheme: &str, host: &str) -> bool {
    match host.rfind('[') {
        Some(0) => {
            let Some((address, port)) = host.strip_prefix('[').and_then(|host| host.rsplit_once(']')) else {
                return false;
            };
            // With a zone: `%25` and a name.
            let (address, zone) = address.split_once("%25").map_or((address, None), |(at, zone)| (at, Some(zone)));
            is_port(port) && zone.is_none_or(is_zone) && address.parse::<Ipv6Addr>().is_ok()
        }
        Some(_) => false,
        None => {
            let strict = matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https");
            let colon = if strict { host.find(':') } else { host.rfind(':') };
            let port = colon.and_then(|colon| host.get(colon..)).unwrap_or_default();
            is_port(port) && host_escapes_hold(host)
        }
    }
}

/// The name of a zone; what is escaped in it must be allowed unescaped, or be a space or a percent sign.
fn is_zone(text: &str) -> bool {
    let mut parts = text.split('%');
    let escape_holds = |escape: &str| match u8::from_str_radix(escape, 16) {
        Ok(b' ' | b'%') => true,
        Ok(byte) => byte < 0x80 && is_host_byte(byte),
        Err(_) => false,
    };
    !text.is_empty()
        && parts.next().is_some_and(|part| part.bytes().all(is_host_byte))
        && parts.all(|part| {
            part.get(..2).is_some_and(|escape| super::is_hex(escape) && escape_holds(escape))
                && part.bytes().skip(2).all(is_host_byte)
        })
}

fn is_port(text: &str) -> bool {
    text.is_empty() || text.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_host_byte(byte: u8) -> bool {
    byte >= 0x80 || byte.is_ascii_alphanumeric() || b"!\"$&'()*+,-.:;<=>[]_~".contains(&byte)
}

/// In a host only bytes beyond ASCII are escaped, and the percent sign itself.
fn host_escapes_hold(text: &str) -> bool {
    let escape_holds =
        |escape: &str| escape == "25" || escape.bytes().next().is_some_and(|byte| byte.to_ascii_lowercase() >= b'8');
    let mut parts = text.split('%');
    let first_holds = parts.next().is_some_and(|part| part.bytes().all(is_host_byte));
    first_holds
        && parts.all(|part| {
            part.get(..2).is_some_and(|escape| super::is_hex(escape) && escape_holds(escape))
                && part.bytes().skip(2).all(is_host_byte)
        })
}

fn escapes_hold(text: &str) -> bool {
    text.split('%').skip(1).all(|part| part.get(..2).is_some_and(super::is_hex))
}
