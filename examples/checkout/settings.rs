//! The configuration of the example: what it reads from its documents, and what it cannot live with.
//! Must not know how the documents arrived; no message holds a value.

use rekindle_client::{Documents, Refusal};
use serde_json::{Map, Value, json};

/// The document that the service reads.
pub const DOCUMENT: &str = "app.yaml";

/// The currencies that it can settle in.
const CURRENCIES: [&str; 5] = ["CHF", "EUR", "GBP", "JPY", "USD"];

/// What the service works with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Connections to the payment provider.
    pub pool: u64,
    /// What it settles in.
    pub currency: String,
    /// Everything that the document holds, also what this version of the service does not use.
    pub all: Map<String, Value>,
}

impl Settings {
    /// Reads `app.yaml`, and refuses what the service cannot run with although it may be well-formed.
    ///
    /// `max_pool` is what the license of this installation allows: no schema can know it.
    ///
    /// # Errors
    /// A refusal that says which key, and what is allowed.
    pub fn read(documents: &Documents, max_pool: u64) -> Result<Self, Refusal> {
        let content = documents.iter().find(|(name, _)| name.as_str() == DOCUMENT).map(|(_, content)| content);
        let content = content.ok_or_else(|| Refusal::new(format!("{DOCUMENT} is missing")))?;
        let text = std::str::from_utf8(content).map_err(|_| Refusal::new(format!("{DOCUMENT} is not UTF-8")))?;
        let value: Value = serde_saphyr::from_str(text).map_err(|_| Refusal::new(format!("{DOCUMENT} is not YAML")))?;
        let Value::Object(all) = value else {
            return Err(Refusal::new(format!("{DOCUMENT} does not hold keys and values")));
        };
        let pool = all.get("pool").and_then(Value::as_u64).filter(|pool| *pool > 0);
        let pool = pool.ok_or_else(|| Refusal::new("pool must be a whole number above 0"))?;
        if pool > max_pool {
            return Err(Refusal::new(format!("pool is above the {max_pool} connections that the license allows")));
        }
        let currency = all.get("currency").and_then(Value::as_str).unwrap_or_default().to_owned();
        if !CURRENCIES.contains(&currency.as_str()) {
            return Err(Refusal::new(format!("currency must be one of {}", CURRENCIES.join(", "))));
        }
        Ok(Self { pool, currency, all })
    }

    /// The values as the page shows them.
    pub fn values(&self) -> Value {
        json!(self.all)
    }
}

#[cfg(test)]
mod tests {
    use rekindle_client::DocumentName;

    use super::*;

    fn read(name: &str, text: &str) -> Result<Settings, String> {
        let entry = (DocumentName::parse(name).unwrap(), text.to_owned().into());
        let documents = Documents::from_ordered(vec![entry]).unwrap();
        Settings::read(&documents, 50).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn a_good_document_is_taken_whole() {
        let settings = read("app.yaml", "pool: 50\ncurrency: EUR\ndatabase: {host: db}\n").unwrap();
        assert_eq!((settings.pool, settings.currency.as_str()), (50, "EUR"));
        assert_eq!(settings.values(), json!({"pool": 50, "currency": "EUR", "database": {"host": "db"}}));
    }

    #[test]
    fn what_it_cannot_live_with_is_refused_by_key_and_without_the_value() {
        let cases = [
            ("other.yaml", "pool: 1", "app.yaml is missing"),
            ("app.yaml", "a: [SECRET", "app.yaml is not YAML"),
            ("app.yaml", "- SECRET", "app.yaml does not hold keys and values"),
            ("app.yaml", "currency: EUR", "pool must be a whole number above 0"),
            ("app.yaml", "pool: SECRET", "pool must be a whole number above 0"),
            ("app.yaml", "pool: 0", "pool must be a whole number above 0"),
            ("app.yaml", "pool: 51", "pool is above the 50 connections that the license allows"),
            ("app.yaml", "pool: 5", "currency must be one of CHF, EUR, GBP, JPY, USD"),
            ("app.yaml", "pool: 5\ncurrency: SECRET", "currency must be one of CHF, EUR, GBP, JPY, USD"),
        ];
        for (name, text, expected) in cases {
            assert_eq!(read(name, text), Err(expected.to_owned()), "{text}");
        }
    }
}
