//! Composes the events of a YAML text into a value, in either dialect, and says of everything wrong where it stands.
//! Must not know which parser gives the events.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Map;

use super::super::Dialect;
use super::super::limits::{MAX_DEPTH, NODE_COST, allowance};
use super::super::problem::{Problem, Problems};
use super::events::{Event, Events, Kind, Properties, Tag};
use super::scalar::{Meaning, meaning};
use crate::finding::Rule;
use crate::value::{Segment, Value};

/// Reads a YAML text.
///
/// What is decided here, for both dialects:
/// - Keys are text as written: `8080: x` has the key `8080`, `on: x` the key `on`. A null, list or map as a key is
///   refused, and so are two keys that are the same text, such as `8080` and `"8080"`.
/// - `<<` merges a map, or a list of maps, of which the first wins; keys of the map itself win over merged ones.
/// - A file holds one YAML document. An empty file is null.
/// - `!`, `!!str` and `!!binary` keep the text; `!!null`, `!!bool`, `!!int`, `!!float`, `!!seq` and `!!map` are checked;
///   any other tag is refused, because it would mean something to the application that is lost here.
pub(super) fn compose(text: &str, dialect: Dialect) -> Result<Value, Vec<Problem>> {
    let mut composer = Composer {
        text,
        events: Events::new(text),
        dialect,
        anchors: BTreeMap::new(),
        left: allowance(text.len()),
        problems: Problems::default(),
    };
    let value = composer.stream().unwrap_or(Value::Null);
    composer.problems.or(value)
}

struct Composer<'text> {
    text: &'text str,
    events: Events<'text>,
    dialect: Dialect,
    anchors: BTreeMap<usize, Anchored<'text>>,
    left: usize,
    problems: Problems,
}

/// A finished node: what it costs to repeat, and how many levels it has.
#[derive(Clone)]
struct Built {
    value: Value,
    cost: usize,
    height: usize,
}

/// What an alias stands for, as a value and as a key.
struct Anchored<'text> {
    built: Built,
    /// None when it cannot be a key.
    key: Option<Cow<'text, str>>,
}

/// Nothing more can be read; the problem is among the problems.
struct Stop;

impl<'text> Composer<'text> {
    fn stream(&mut self) -> Result<Value, Stop> {
        let mut root = None;
        loop {
            let event = self.next()?;
            match event.kind {
                Kind::Stream => return Ok(root.unwrap_or(Value::Null)),
                Kind::Document if root.is_some() => {
                    let problem = Problem::new(Rule::Unsupported, "a second YAML document begins in this file");
                    return Err(self.stop(event.at, problem.hint("give each YAML document its own file or key")));
                }
                Kind::Document => {
                    let event = self.next()?;
                    root = Some(self.node(event, 0)?.value);
                }
                _ => return Err(self.out_of_order(event.at)),
            }
        }
    }

    fn next(&mut self) -> Result<Event<'text>, Stop> {
        self.events.next().map_err(|problem| {
            self.problems.push(problem);
            Stop
        })
    }

    fn report(&mut self, at: usize, problem: Problem) {
        self.problems.push(problem.at_offset(self.text, at));
    }

    fn stop(&mut self, at: usize, problem: Problem) -> Stop {
        self.report(at, problem);
        Stop
    }

    fn out_of_order(&mut self, at: usize) -> Stop {
        self.stop(at, Problem::new(Rule::Syntax, "this is not valid YAML"))
    }

    fn spend(&mut self, at: usize, cost: usize) -> Result<(), Stop> {
        if let Some(left) = self.left.checked_sub(cost) {
            self.left = left;
            return Ok(());
        }
        let problem = Problem::new(Rule::Expansion, "with its aliases expanded the document grows beyond the limit");
        Err(self.stop(at, problem.hint("write the repeated parts out, or repeat less")))
    }

    fn node(&mut self, event: Event<'text>, depth: usize) -> Result<Built, Stop> {
        let at = event.at;
        let (built, anchor) = match event.kind {
            Kind::Scalar { text, plain, properties } => return self.scalar_node(at, text, plain, properties),
            Kind::List(properties) => {
                self.check_collection(at, properties, Tag::List, depth)?;
                (self.list(depth)?, properties.anchor)
            }
            Kind::Map(properties) => {
                self.check_collection(at, properties, Tag::Map, depth)?;
                (self.map(depth)?, properties.anchor)
            }
            Kind::Alias(anchor) => return Ok(self.alias(at, anchor, depth)?.built.clone()),
            Kind::End | Kind::Document | Kind::Stream => return Err(self.out_of_order(at)),
        };
        self.remember(at, anchor, &built, None)?;
        Ok(built)
    }

    fn scalar_node(
        &mut self,
        at: usize,
        text: Cow<'text, str>,
        plain: bool,
        properties: Properties,
    ) -> Result<Built, Stop> {
        let cost = text.len() + NODE_COST;
        self.spend(at, cost)?;
        let key = (properties.anchor != 0).then(|| text.clone());
        let built = Built { value: self.scalar(at, text, plain, properties), cost, height: 0 };
        let key = key.filter(|_| !built.value.is_null());
        self.remember(at, properties.anchor, &built, key)?;
        Ok(built)
    }

    fn remember(&mut self, at: usize, anchor: usize, built: &Built, key: Option<Cow<'text, str>>) -> Result<(), Stop> {
        if anchor != 0 {
            // The copy is memory too: nested anchors would otherwise multiply it.
            self.spend(at, built.cost)?;
            self.anchors.insert(anchor, Anchored { built: built.clone(), key });
        }
        Ok(())
    }

    fn alias(&mut self, at: usize, anchor: usize, depth: usize) -> Result<&Anchored<'text>, Stop> {
        let Some((cost, height)) = self.anchors.get(&anchor).map(|found| (found.built.cost, found.built.height)) else {
            let problem = Problem::new(Rule::Expansion, "the alias stands inside of what it repeats");
            return Err(self.stop(at, problem));
        };
        self.spend(at, cost)?;
        if depth + height > MAX_DEPTH {
            return Err(self.stop(at, Problem::too_deep()));
        }
        self.anchors.get(&anchor).ok_or(Stop)
    }

    fn check_collection(&mut self, at: usize, properties: Properties, own: Tag, depth: usize) -> Result<(), Stop> {
        self.spend(at, NODE_COST)?;
        if ![Tag::None, Tag::Plain, own].contains(&properties.tag) {
            self.report(properties.tag_at, unsupported_tag(properties.tag));
        }
        if depth == MAX_DEPTH { Err(self.stop(at, Problem::too_deep())) } else { Ok(()) }
    }

    fn list(&mut self, depth: usize) -> Result<Built, Stop> {
        let mut items = Vec::new();
        let (mut cost, mut height) = (NODE_COST, 0);
        loop {
            let event = self.next()?;
            if matches!(event.kind, Kind::End) {
                return Ok(Built { value: Value::Array(items), cost, height: height + 1 });
            }
            let known = self.problems.len();
            let item = self.node(event, depth + 1);
            self.problems.below(known, || Segment::Index(items.len()));
            let item = item?;
            (cost, height) = (cost + item.cost, height.max(item.height));
            items.push(item.value);
        }
    }

    fn map(&mut self, depth: usize) -> Result<Built, Stop> {
        let mut map = Map::new();
        let mut merged = Vec::new();
        let (mut cost, mut height) = (NODE_COST, 0);
        loop {
            let event = self.next()?;
            if matches!(event.kind, Kind::End) {
                break;
            }
            let key_at = event.at;
            let key = self.key(event, depth)?;
            let value_event = self.next()?;
            let value_at = value_event.at;
            let known = self.problems.len();
            let value = self.node(value_event, depth + 1);
            let Some(key) = key else {
                value?;
                continue;
            };
            self.problems.below(known, || Segment::Key(key.name().to_owned()));
            let value = value?;
            (cost, height) = (cost + value.cost, height.max(value.height));
            match key {
                Key::Merge => self.merge_later(&mut merged, value_at, value.value),
                Key::Name(name) if map.contains_key(name.as_ref()) => {
                    let path = crate::value::Path::root().key(name);
                    self.report(key_at, Problem::duplicate_key().in_path(path));
                }
                Key::Name(name) => {
                    cost += name.len() + NODE_COST;
                    map.insert(name.into_owned(), value.value);
                }
            }
        }
        for (name, value) in merged {
            map.entry(name).or_insert(value);
        }
        Ok(Built { value: Value::Object(map), cost, height: height + 1 })
    }

    /// The entries that a merge key brings in, to be laid under the map's own.
    fn merge_later(&mut self, merged: &mut Vec<(String, Value)>, at: usize, value: Value) {
        let sources = match value {
            Value::Array(sources) => sources,
            source => vec![source],
        };
        for source in sources {
            match source {
                Value::Object(source) => merged.extend(source),
                Value::Null => {}
                _ => {
                    let problem = Problem::new(Rule::Syntax, "the merge key `<<` takes a map or a list of maps");
                    return self.report(at, problem);
                }
            }
        }
    }

    /// The key, or none when it cannot be one, which is then reported.
    fn key(&mut self, event: Event<'text>, depth: usize) -> Result<Option<Key<'text>>, Stop> {
        let at = event.at;
        let key = match event.kind {
            Kind::Scalar { text, plain, properties } => {
                // What a key would mean as a value matters only to an alias for it.
                match properties.anchor {
                    0 => self.spend(at, text.len() + NODE_COST)?,
                    _ => drop(self.scalar_node(at, text.clone(), plain, properties)?),
                }
                self.scalar_key(text, plain, properties.tag)
            }
            Kind::Alias(anchor) => self.alias(at, anchor, depth)?.key.clone().map(Key::Name).ok_or_else(not_a_key),
            kind => {
                self.node(Event { at, kind }, depth + 1)?;
                Err(not_a_key())
            }
        };
        match key {
            Ok(key) => Ok(Some(key)),
            Err(problem) => {
                self.report(at, problem);
                Ok(None)
            }
        }
    }

    fn scalar_key(&self, text: Cow<'text, str>, plain: bool, tag: Tag) -> Result<Key<'text>, Problem> {
        match tag {
            Tag::Merge if text == "<<" => Ok(Key::Merge),
            Tag::None if plain && text == "<<" => Ok(Key::Merge),
            Tag::None if plain && meaning(&text, self.dialect) == Meaning::Value(Value::Null) => Err(not_a_key()),
            Tag::None | Tag::Plain | Tag::Text => Ok(Key::Name(text)),
            _ => Err(unsupported_tag(tag)),
        }
    }

    fn scalar(&mut self, at: usize, text: Cow<'text, str>, plain: bool, properties: Properties) -> Value {
        let tag = properties.tag;
        match tag {
            Tag::None if plain => {}
            Tag::None | Tag::Plain | Tag::Text => return Value::String(text.into_owned()),
            Tag::List | Tag::Map | Tag::Merge | Tag::Unsupported => {
                self.report(properties.tag_at, unsupported_tag(tag));
                return Value::Null;
            }
            Tag::Null => return Value::Null,
            Tag::Int | Tag::Float | Tag::Bool => {}
        }
        let problem = match (meaning(&text, self.dialect), tag) {
            (Meaning::Value(value), Tag::None) => return value,
            (Meaning::Text, Tag::None) => return Value::String(text.into_owned()),
            (Meaning::Value(value @ Value::Bool(_)), Tag::Bool) => return value,
            (Meaning::Value(Value::Number(number)), Tag::Int) if !number.is_f64() => return Value::Number(number),
            (Meaning::Value(Value::Number(number)), Tag::Float) => {
                return number.as_f64().map_or(Value::Null, Value::from);
            }
            (Meaning::TooWide, Tag::None | Tag::Int) => Problem::too_wide(),
            (Meaning::NotFinite, Tag::None | Tag::Float) => Problem::not_finite(),
            _ => Problem::new(Rule::Syntax, "the text is not of the type that its tag says"),
        };
        self.report(at, problem);
        Value::Null
    }
}

enum Key<'text> {
    Name(Cow<'text, str>),
    Merge,
}

impl Key<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Name(name) => name,
            Self::Merge => "<<",
        }
    }
}

fn not_a_key() -> Problem {
    Problem::new(Rule::Unsupported, "null, a list or a map cannot be a key").hint("write the key as text")
}

fn unsupported_tag(tag: Tag) -> Problem {
    match tag {
        Tag::Unsupported => Problem::new(Rule::Unsupported, "the tag is not one of YAML's own").hint("remove the tag"),
        _ => Problem::new(Rule::Syntax, "the tag does not fit what stands behind it").hint("remove the tag"),
    }
}
