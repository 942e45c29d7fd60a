//! Who is told of a change: patterns over the paths of a tree, and which of them a change touches.
//! Must not know who subscribes, how they are told, or when; it sees paths only.
//!
//! # What a change touches
//! A path is touched when the value there appears, goes, or becomes another value. A map whose entries change is not
//! touched itself, and neither is a list; their entries are. So a change of `database.pool.size` touches only that
//! path, and a new `database` touches `database` and all that lies below.
//!
//! # Patterns
//! | text | means |
//! |---|---|
//! | `database.pool.size` | exactly this path |
//! | `pools[0].size`, `["a.b"].c` | the same with an index, and with a key that is no plain word |
//! | `database.**` | `database` and everything below it |
//! | `database.*.size` | one step, key or index, in the place of `*` |
//! | `feature.new_*`, `feature.?` | `*` inside a word stands for any characters, `?` for one |
//! | `pools[*].size` | any index |
//! | `**.timeout` | `timeout` at any depth |
//! | `*` or `**` | everything |
//! | `re:^feature\..*` | the path's text matches the expression, anywhere unless it is anchored |
//!
//! Letters are compared exactly. A word of digits, `pools.0`, means the index and the key.

mod delivery;
mod expression;
mod glob;
mod index;
mod pattern;
mod patterns;
mod touched;

#[cfg(test)]
mod tests;

pub use delivery::{Due, Gathering, Overfull, Persistence, Place};
pub use index::Index;
pub use pattern::{InvalidPattern, MAX_PATTERN, Pattern};
pub use patterns::{MAX_PATTERNS, Patterns};
pub use touched::{Part, Shape, touched};
