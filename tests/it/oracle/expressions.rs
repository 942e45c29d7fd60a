//! Rules from a seed: well-typed expressions over a value with something of every type, some of it missing.

use serde_json::{Value, json};

use super::Case;
use super::generate::Random;

/// A rule and its negation, about one value.
pub fn cases(seed: u64) -> Vec<Case> {
    let mut random = Random::new(seed);
    let everything: Value = serde_json::from_str(include_str!("../../cases/rules/everything.json")).unwrap_or_default();
    let rule = Maker { random: &mut random, variables: Vec::new() }.boolean(3);
    let mut value = everything["value"].clone();
    vary(&mut random, &mut value);
    let ask = |rule: String| {
        let mut schema = everything["schema"].clone();
        schema["x-kubernetes-validations"] = json!([{ "rule": rule }]);
        Case::new(format!("seed {seed}: {rule}"), schema, value.clone())
    };
    vec![ask(rule.clone()), ask(format!("!({rule})"))]
}

/// Takes keys away and changes numbers and texts.
fn vary(random: &mut Random, value: &mut Value) {
    let Value::Object(fields) = value else { return };
    for key in ["i", "n", "b", "s", "l", "ls", "m", "o", "os", "is", "d", "t"] {
        match random.below(6) {
            0 => {
                fields.remove(key);
            }
            1 => {
                let other = match key {
                    "i" | "is" => json!(random.pick(&[0, -3, 2, 9_007_199_254_740_993_i64])),
                    "n" => json!(random.pick(&[0.0, 2.5, -1.0, 5.0])),
                    "b" => json!(false),
                    "s" => json!(random.pick(&["", "a", "ab", "日本", "5", "a,b"])),
                    "l" => json!(random.pick(&[vec![], vec![0], vec![3, 1, 2], vec![5, 5]])),
                    "ls" => json!(random.pick(&[vec![], vec!["a"], vec!["x", "a", "héllo"]])),
                    "m" => json!(random.pick(&[json!({}), json!({"a": 0}), json!({"x": -1, "b": 5})])),
                    "o" => json!(random.pick(&[json!({}), json!({"y": 3}), json!({"x": 5, "y": 5})])),
                    "os" => json!(random.pick(&[json!([]), json!([{}]), json!([{"x": 5}, {"x": 0}])])),
                    "d" => json!(random.pick(&["0s", "1h", "-5m", "2 days"])),
                    _ => json!(random.pick(&[
                        "2024-01-02T03:04:05Z",
                        "1970-01-01T00:00:00Z",
                        "2024-01-02T04:04:05+01:00"
                    ])),
                };
                fields.insert(key.to_owned(), other);
            }
            _ => {}
        }
    }
}

struct Maker<'random> {
    random: &'random mut Random,
    /// The loop variables that are in scope, all of them integers.
    variables: Vec<String>,
}

impl Maker<'_> {
    fn below(&mut self, limit: usize) -> usize {
        self.random.below(limit)
    }

    fn pick(&mut self, all: &[&str]) -> String {
        (*self.random.pick(all)).to_owned()
    }

    fn boolean(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self.pick(&[
                "true",
                "false",
                "self.b",
                "has(self.i)",
                "has(self.o)",
                "has(self.o.y)",
                "has(self.s)",
                "has(self.m.a)",
                "has(self.nil)",
            ]);
        }
        let depth = depth - 1;
        match self.below(19) {
            0 => format!("({} && {})", self.boolean(depth), self.boolean(depth)),
            1 => format!("({} || {})", self.boolean(depth), self.boolean(depth)),
            2 => format!("!{}", self.boolean(depth)),
            3 => format!("({} ? {} : {})", self.boolean(depth), self.boolean(depth), self.boolean(depth)),
            4 | 5 => format!("{} {} {}", self.integer(depth), self.comparison(), self.integer(depth)),
            6 => format!("{} {} {}", self.double(depth), self.comparison(), self.double(depth)),
            7 => format!("{} {} {}", self.double(depth), self.pick(&["<", "<=", ">", ">="]), self.integer(depth)),
            8 => format!("{} {} {}", self.text(depth), self.comparison(), self.text(depth)),
            9 => format!("{} {} {}", self.integers(depth), self.pick(&["==", "!="]), self.integers(depth)),
            10 => format!(
                "{}.{}({})",
                self.text(depth),
                self.pick(&["contains", "startsWith", "endsWith"]),
                self.text(depth)
            ),
            11 => format!(
                "{}.matches({})",
                self.text(depth),
                self.pick(&["'^a'", "'[0-9]+'", "'l{2}'", r"r'^\w*$'", "'^$'"])
            ),
            12 => format!("{} in {}", self.integer(depth), self.integers(depth)),
            13 => format!("{} in self.m", self.text(depth)),
            14 => self.quantified(depth),
            15 => format!("{} {} {}", self.duration(depth), self.comparison(), self.duration(depth)),
            16 => format!("(type(self.is) == int ? self.is > {} : self.is == 'x')", self.integer(depth)),
            17 => format!("{} {} {}", self.time(depth), self.comparison(), self.time(depth)),
            _ => format!("{}.isSorted()", self.integers(depth)),
        }
    }

    fn comparison(&mut self) -> String {
        self.pick(&["==", "!=", "<", "<=", ">", ">="])
    }

    fn quantified(&mut self, depth: usize) -> String {
        let variable = format!("v{}", self.variables.len());
        let range = self.integers(depth);
        self.variables.push(variable.clone());
        let body = self.boolean(depth);
        self.variables.pop();
        format!("{range}.{}({variable}, {body})", self.pick(&["all", "exists", "exists_one"]))
    }

    fn integer(&mut self, depth: usize) -> String {
        if depth == 0 || self.below(4) == 0 {
            if let Some(variable) = self.variables.last().cloned().filter(|_| self.below(2) == 0) {
                return variable;
            }
            return self.pick(&[
                "0",
                "1",
                "2",
                "-3",
                "5",
                "self.i",
                "self.o.x",
                "self.o.y",
                "self.m.a",
                "self.m['b']",
                "self.a__dash__b",
                "9223372036854775807",
            ]);
        }
        let depth = depth - 1;
        match self.below(11) {
            0..=2 => {
                format!("({} {} {})", self.integer(depth), self.pick(&["+", "-", "*", "/", "%"]), self.integer(depth))
            }
            3 => format!("size({})", self.text(depth)),
            4 => format!("{}.size()", self.integers(depth)),
            5 => format!("{}[{}]", self.integers(depth), self.integer(0)),
            6 => format!("-{}", self.integer(depth)),
            7 => format!("({} ? {} : {})", self.boolean(depth), self.integer(depth), self.integer(depth)),
            8 => format!("{}.indexOf({})", self.text(depth), self.text(depth)),
            // The sum of an empty list that a rule makes has no result here; see `corners`.
            9 if self.below(3) == 0 => format!("{}.sum()", self.integers(0)),
            9 => format!("{}.{}()", self.integers(depth), self.pick(&["min", "max"])),
            _ => format!("int({})", self.double(depth)),
        }
    }

    fn double(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self.pick(&["0.0", "1.5", "self.n", "2.5", "-1.0", "self.ln[1]"]);
        }
        let depth = depth - 1;
        match self.below(4) {
            0 => format!("({} {} {})", self.double(depth), self.pick(&["+", "-", "*", "/"]), self.double(depth)),
            1 => format!("double({})", self.integer(depth)),
            2 => format!("-{}", self.double(depth)),
            _ => self.double(0),
        }
    }

    fn text(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self.pick(&[
                "''",
                "'a'",
                "'l'",
                "'é'",
                "self.s",
                "self.s",
                "self.e",
                "self.ls[0]",
                "self.__namespace__",
                "'5'",
            ]);
        }
        let depth = depth - 1;
        match self.below(9) {
            0 => format!("({} + {})", self.text(depth), self.text(depth)),
            1 => format!("{}.substring({})", self.text(depth), self.pick(&["0", "1", "2", "0, 1", "1, 3"])),
            2 => format!("{}.{}()", self.text(depth), self.pick(&["upperAscii", "lowerAscii", "trim"])),
            3 => format!("{}.replace({}, {})", self.text(depth), self.text(0), self.text(0)),
            4 => format!("{}.split({}).join('-')", self.text(depth), self.text(0)),
            5 => format!("string({})", self.integer(depth)),
            6 => format!("{}.charAt({})", self.text(depth), self.pick(&["0", "1", "9"])),
            7 => format!("({} ? {} : {})", self.boolean(depth), self.text(depth), self.text(depth)),
            _ => self.text(0),
        }
    }

    fn integers(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self.pick(&["self.l", "self.l", "[1, 2, 3]", "self.empty", "[5]"]);
        }
        let depth = depth - 1;
        let variable = format!("w{}", self.variables.len());
        match self.below(5) {
            0 => format!("({} + {})", self.integers(depth), self.integers(depth)),
            1 => {
                let range = self.integers(depth);
                self.variables.push(variable.clone());
                let body = self.integer(depth);
                self.variables.pop();
                format!("{range}.map({variable}, {body})")
            }
            2 => {
                let range = self.integers(depth);
                self.variables.push(variable.clone());
                let body = self.boolean(depth);
                self.variables.pop();
                format!("{range}.filter({variable}, {body})")
            }
            3 => "self.os.map(o, o.x)".to_owned(),
            _ => format!("[{}, {}]", self.integer(depth), self.integer(depth)),
        }
    }

    fn duration(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self.pick(&["self.d", "duration('1h')", "duration('90m')", "duration('-5m')"]);
        }
        match self.below(3) {
            0 => format!("({} {} {})", self.duration(depth - 1), self.pick(&["+", "-"]), self.duration(depth - 1)),
            1 => format!("({} - {})", self.time(0), self.time(0)),
            _ => self.duration(0),
        }
    }

    fn time(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self.pick(&["self.t", "self.day", "timestamp('2024-01-02T03:04:05Z')"]);
        }
        format!("({} {} {})", self.time(depth - 1), self.pick(&["+", "-"]), self.duration(0))
    }
}
