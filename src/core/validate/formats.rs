//! The string and number formats that the API server checks, read as it reads them.
//! Must not know schemas. Formats that it ignores are not here.
//!
//! Source: the formats of custom resource definitions in Kubernetes 1.37 and the Go standard library behind them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::sync::LazyLock;

use regex::Regex;

mod codes;
mod times;
mod uri;

pub(crate) use times::{parse_date, parse_date_time, parse_duration, parse_go_duration};

/// A format of a text or a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Text(TextFormat),
    /// A whole number of 32 bits.
    Int32,
    /// A whole number of 64 bits, as every one is.
    Int64,
    /// A number within the range of a 32-bit float.
    Float,
    /// Any number.
    Double,
}

macro_rules! text_formats {
    ($($variant:ident $name:literal $check:expr;)*) => {
        /// A format of a text.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum TextFormat { $($variant),* }

        impl TextFormat {
            /// Every format by its usual name.
            pub(crate) const NAMES: &[(&str, Self)] = &[$(($name, Self::$variant)),*];

            /// Whether a text is of this format.
            pub(crate) fn holds(self, text: &str) -> bool {
                match self { $(Self::$variant => ($check)(text)),* }
            }
        }
    };
}

text_formats! {
    BsonObjectId "bsonobjectid" |text: &str| text.len() == 24 && is_hex(text);
    Uri "uri" uri::is_request_uri;
    Email "email" is_email;
    Hostname "hostname" is_hostname;
    Ipv4 "ipv4" |text: &str| text.contains('.') && ip_sloppy(text).is_some();
    Ipv6 "ipv6" |text: &str| Ipv6Addr::from_str(text).is_ok();
    Cidr "cidr" is_cidr;
    Mac "mac" codes::is_mac;
    Uuid "uuid" |text: &str| codes::is_uuid(text, None);
    Uuid3 "uuid3" |text: &str| codes::is_uuid(text, Some('3'));
    Uuid4 "uuid4" |text: &str| codes::is_uuid(text, Some('4'));
    Uuid5 "uuid5" |text: &str| codes::is_uuid(text, Some('5'));
    Isbn "isbn" |text: &str| codes::is_isbn10(text) || codes::is_isbn13(text);
    Isbn10 "isbn10" codes::is_isbn10;
    Isbn13 "isbn13" codes::is_isbn13;
    CreditCard "creditcard" codes::is_credit_card;
    Ssn "ssn" codes::is_ssn;
    HexColor "hexcolor" codes::is_hex_color;
    RgbColor "rgbcolor" codes::is_rgb_color;
    Byte "byte" codes::is_base64;
    Password "password" |_: &str| true;
    Date "date" |text: &str| parse_date(text).is_some();
    Duration "duration" |text: &str| parse_duration(text).is_some();
    DateTime "date-time" times::is_date_time;
    ShortName "k8s-short-name" |text: &str| text.len() <= 63 && is_label(text);
    LongName "k8s-long-name" |text: &str| text.len() <= 253 && text.split('.').all(is_label);
}

impl TextFormat {
    /// The format of this name; dashes do not count, as for the API server.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let plain = name.replace('-', "");
        Self::NAMES.iter().find(|(known, _)| known.replace('-', "") == plain).map(|(_, format)| *format)
    }

    /// Its usual name.
    pub(crate) fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, format)| *format == self).map_or("", |(name, _)| name)
    }

    /// Whether this check says yes exactly when the API server's does. The others say no more often.
    pub(crate) fn is_exact(self) -> bool {
        self != Self::Email
    }
}

impl Format {
    /// Its usual name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Text(format) => format.name(),
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Float => "float",
            Self::Double => "double",
        }
    }

    /// The text format, if it is one.
    pub(crate) fn text(self) -> Option<TextFormat> {
        match self {
            Self::Text(format) => Some(format),
            _ => None,
        }
    }
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.bytes().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

/// An address, with leading zeros in its groups as old versions of Go took them.
pub(crate) fn ip_sloppy(text: &str) -> Option<IpAddr> {
    if !text.contains(':') {
        return ipv4_sloppy(text).map(IpAddr::V4);
    }
    // A dot before the first colon makes it an IPv4 address to Go, and then a bad one.
    if text.find('.').is_some_and(|dot| text.find(':').is_some_and(|colon| dot < colon)) {
        return None;
    }
    ipv6_sloppy(text).map(IpAddr::V6)
}

fn ipv4_sloppy(text: &str) -> Option<Ipv4Addr> {
    let octets: Vec<u8> = text.split('.').map(octet).collect::<Option<_>>()?;
    let octets: [u8; 4] = octets.try_into().ok()?;
    Some(octets.into())
}

fn octet(text: &str) -> Option<u8> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let short = text.trim_start_matches('0');
    if digits && short.is_empty() { Some(0) } else { short.parse().ok().filter(|_| digits) }
}

fn ipv6_sloppy(text: &str) -> Option<Ipv6Addr> {
    let group = |group: &str| -> Option<String> {
        if group.contains('.') {
            return ipv4_sloppy(group).map(|address| address.to_string());
        }
        let short = group.trim_start_matches('0');
        Some(if short.is_empty() && !group.is_empty() { "0".to_owned() } else { short.to_owned() })
    };
    let groups: Vec<String> = text.split(':').map(group).collect::<Option<_>>()?;
    groups.join(":").parse().ok()
}

fn is_cidr(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else { return false };
    let most = match ip_sloppy(address) {
        // Go keeps the form: a mapped address written with colons has 128 bits.
        Some(IpAddr::V4(_)) => 32,
        Some(IpAddr::V6(_)) => 128,
        None => return false,
    };
    let digits = !bits.is_empty() && bits.bytes().all(|byte| byte.is_ascii_digit());
    let short = bits.trim_start_matches('0');
    digits && (short.is_empty() || short.parse::<u32>().is_ok_and(|bits| bits <= most))
}

static LETTER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\A\p{L}\z").ok());
static LETTER_OR_SYMBOL: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\A[\p{L}\p{S}]\z").ok());

fn matches_char(class: &LazyLock<Option<Regex>>, c: char) -> bool {
    class.as_ref().is_some_and(|regex| regex.is_match(c.encode_utf8(&mut [0; 4])))
}

fn host_char(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphanumeric() || "$+<=>^`|~".contains(c) } else { matches_char(&LETTER_OR_SYMBOL, c) }
}

fn host_letter(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphabetic() } else { matches_char(&LETTER, c) }
}

fn is_hostname(text: &str) -> bool {
    let labels: Vec<&str> = text.split('.').collect();
    if text.len() > 255 || labels.iter().any(|label| label.len() > 63) {
        return false;
    }
    match labels.split_last() {
        Some((last, [])) => single_host(last),
        Some((last, rest)) => {
            let top = (2..=63).contains(&last.chars().count()) && last.chars().all(host_letter);
            top && rest.iter().all(|label| inner_host(label))
        }
        None => false,
    }
}

/// A host name without a dot: one dash may follow its first character.
fn single_host(label: &str) -> bool {
    let mut chars = label.chars();
    if !chars.next().is_some_and(host_char) {
        return false;
    }
    let rest = chars.as_str();
    rest.strip_prefix('-').unwrap_or(rest).chars().all(host_char)
}

fn inner_host(label: &str) -> bool {
    let ends = label.starts_with(host_char) && label.ends_with(host_char);
    ends && label.chars().all(|c| c == '-' || host_char(c))
}

/// A plain address, `a@b` or `Name <a@b>`. Go also takes quoted parts, comments and address literals.
fn is_email(text: &str) -> bool {
    let atom = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c))
    };
    let address = match text.strip_suffix('>').and_then(|text| text.split_once('<')) {
        Some((name, address)) => {
            let name = name.strip_suffix(' ').unwrap_or(name);
            if !name.is_empty() && !name.split(' ').all(atom) {
                return false;
            }
            address
        }
        None => text,
    };
    let Some((local, domain)) = address.split_once('@') else { return false };
    local.split('.').all(atom) && domain.split('.').all(atom)
}

#[cfg(test)]
mod tests;
