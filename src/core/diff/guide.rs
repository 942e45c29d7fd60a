//! What a schema tells of the values at each place beyond their rules: which are secret, what identifies list items.
//! Must not know schemas: `validate` makes a guide from one, and anybody may make one by hand.

use std::collections::BTreeMap;

use crate::value::Segment;

/// A map of places; where it says nothing, values are open and items of lists have no identity.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Guide {
    secret: bool,
    identity: Vec<String>,
    keys: BTreeMap<String, Guide>,
    others: Option<Box<Guide>>,
    items: Option<Box<Guide>>,
}

impl Guide {
    /// Says that the value here, and all in it, is secret.
    #[must_use]
    pub fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// Says that the items of the list here are told apart by the values of these keys.
    #[must_use]
    pub fn identified_by(mut self, keys: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.identity = keys.into_iter().map(Into::into).collect();
        self
    }

    /// Says something of the value of one key; of which [`Guide::others`] then says nothing.
    #[must_use]
    pub fn key(mut self, name: impl Into<String>, guide: Self) -> Self {
        self.keys.insert(name.into(), guide);
        self
    }

    /// Says something of the values of all keys that are not named.
    #[must_use]
    pub fn others(mut self, guide: Self) -> Self {
        self.others = Some(Box::new(guide)).filter(|guide| **guide != Self::default());
        self
    }

    /// Says something of each item of the list here.
    #[must_use]
    pub fn items(mut self, guide: Self) -> Self {
        self.items = Some(Box::new(guide)).filter(|guide| **guide != Self::default());
        self
    }

    /// What both say: secret is what either calls so; of two identities the first counts.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        let names: std::collections::BTreeSet<&String> = self.keys.keys().chain(other.keys.keys()).collect();
        let keys = names.into_iter().filter_map(|name| {
            let joined = join(self.at_key(name).cloned(), other.at_key(name).cloned())?;
            Some((name.clone(), joined))
        });
        let keys = keys.collect();
        Self {
            secret: self.secret || other.secret,
            identity: if self.identity.is_empty() { other.identity } else { self.identity },
            keys,
            others: join(self.others.map(|it| *it), other.others.map(|it| *it)).map(Box::new),
            items: join(self.items.map(|it| *it), other.items.map(|it| *it)).map(Box::new),
        }
    }

    /// The keys that identify the items of the list here; none if their places do.
    #[must_use]
    pub fn identity(&self) -> &[String] {
        &self.identity
    }

    /// Whether the value that these steps lead to is secret, or one on the way to it.
    #[must_use]
    pub fn secret_on_the_way(&self, way: &[Segment]) -> bool {
        let mut at = Some(self);
        for segment in way {
            let Some(guide) = at else { return false };
            if guide.secret {
                return true;
            }
            at = match segment {
                Segment::Key(key) => guide.at_key(key),
                Segment::Index(_) => guide.at_items(),
            };
        }
        at.is_some_and(|guide| guide.secret)
    }

    pub(crate) fn at_key(&self, key: &str) -> Option<&Self> {
        self.keys.get(key).or(self.others.as_deref())
    }

    pub(crate) fn at_items(&self) -> Option<&Self> {
        self.items.as_deref()
    }
}

fn join(one: Option<Guide>, other: Option<Guide>) -> Option<Guide> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.join(other)),
        (one, other) => one.or(other),
    }
}
