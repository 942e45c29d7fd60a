//! Formats: texts that are of them and texts that are nearly so.

use serde_json::{Value, json};

use super::*;

#[test]
fn formats_take_what_they_take_on_the_server() {
    let text = include_str!("../../../../tests/cases/texts.json");
    let recorded: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}"));
    let texts: Vec<&str> = recorded["texts"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    for (name, holding) in recorded["formats"].as_object().unwrap() {
        let format = TextFormat::parse(name).unwrap_or_else(|| panic!("{name}"));
        let found: Vec<usize> =
            texts.iter().enumerate().filter(|(_, text)| format.holds(text)).map(|(index, _)| index).collect();
        assert_eq!(json!(found), *holding, "{name}");
    }
}

#[test]
fn formats_have_names() {
    assert_eq!(TextFormat::parse("datetime"), Some(TextFormat::DateTime));
    assert_eq!(TextFormat::parse("nonsense"), None);
    let named = [Format::Int32, Format::Int64, Format::Float, Format::Double, Format::Text(TextFormat::Uri)];
    assert_eq!(named.map(Format::name), ["int32", "int64", "float", "double", "uri"]);
    assert_eq!(Format::Int32.text(), None);
    assert_eq!(Format::Text(TextFormat::Uri).text(), Some(TextFormat::Uri));
    let inexact: Vec<&str> =
        TextFormat::NAMES.iter().filter(|(_, format)| !format.is_exact()).map(|(name, _)| *name).collect();
    assert_eq!(inexact, ["email"]);
}

#[test]
fn dates_count_from_1970() {
    assert_eq!(parse_date("1970-01-01"), Some(0));
    assert_eq!(parse_date("1969-12-31"), Some(-1));
    assert_eq!(parse_date("2000-03-01"), Some(11_017));
    assert_eq!(parse_date("0001-01-01"), Some(-719_162));
    assert_eq!(parse_date("9999-12-31"), Some(2_932_896));
}

#[test]
fn times_are_read_with_their_zone() {
    let second = 1_000_000_000;
    let table = [
        ("1970-01-01T00:00:00Z", Some(0)),
        ("1970-01-01T00:00:01.5Z", Some(second + second / 2)),
        ("1970-01-01T00:00:00.1234567891Z", Some(123_456_789)),
        ("1970-01-01T01:00:00+01:00", Some(0)),
        ("1969-12-31T23:30:00-00:30", Some(0)),
        ("1970-01-01t00:00:00Z", None),
        ("1970-01-01T00:00:00z", None),
        ("1970-01-01T00:00:00", None),
        ("1970-01-01T00:00:00,5Z", None),
        ("1970-01-01T00:00:00+24:00", None),
        ("1970-01-01T00:00:00+00:60", None),
        ("1970-01-01T25:00:00Z", None),
        ("1970-02-30T00:00:00Z", None),
        ("1970-01-01T00:00", None),
    ];
    for (text, nanos) in table {
        assert_eq!(parse_date_time(text), nanos, "{text}");
    }
}

#[test]
fn durations_are_read_in_two_ways() {
    let table = [
        ("1h30m", Some(5_400_000_000_000), Some(5_400_000_000_000)),
        ("-1.5h", Some(-5_400_000_000_000), Some(-5_400_000_000_000)),
        ("+1us", Some(1_000), Some(1_000)),
        ("0", Some(0), Some(0)),
        ("", None, None),
        ("-", None, None),
        ("2 days", None, Some(172_800_000_000_000)),
        ("1 week 1 day", None, Some(691_200_000_000_000)),
        ("99999999999999999999 days", None, None),
        ("5", None, None),
        ("-9223372036854775808ns", Some(i64::MIN), Some(i64::MIN)),
        ("0.000000000000000000000001h", Some(0), Some(0)),
    ];
    for (text, strict, loose) in table {
        assert_eq!(parse_go_duration(text), strict, "{text}");
        assert_eq!(parse_duration(text), loose, "{text}");
    }
}
