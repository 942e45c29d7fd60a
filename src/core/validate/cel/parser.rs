//! Parses the text of a rule, within limits that no text can exceed: length, nesting, number of parts.
//! Must not know types or values.
//!
//! Caveats: struct literals, optional syntax (`.?`, `[?`) and macros with two variables are refused by name.

use super::lexer::{self, Placed, Token};
use super::syntax::{Expr, Kind, Literal, Offset, Operator, RuleFault};

mod calls;

/// The longest rule, in bytes.
pub(crate) const MAX_TEXT: usize = 4096;
/// How many expressions a rule may consist of.
pub(crate) const MAX_PARTS: usize = 1000;
/// How deep its tree may be; a chain of operators counts by its length.
pub(crate) const MAX_DEPTH: usize = 150;
/// How deep its macros may be nested.
pub(crate) const MAX_LOOPS: usize = 4;
/// How deep its brackets may be nested.
const MAX_BRACKETS: usize = 40;

const RESERVED: [&str; 18] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// Parses a rule.
pub(crate) fn parse(text: &str) -> Result<Expr, RuleFault> {
    if text.len() > MAX_TEXT {
        return Err(
            RuleFault::new(0, format!("a rule may have at most {MAX_TEXT} bytes")).hint("split it into several rules")
        );
    }
    let end = text.chars().count();
    let mut parser = Parser { tokens: lexer::tokens(text)?, next: 0, end, parts: 0, brackets: 0, loops: 0 };
    let expr = parser.expression()?;
    match parser.tokens.get(parser.next) {
        None => Ok(expr),
        Some((at, _)) => Err(RuleFault::new(*at, "this does not continue the expression")),
    }
}

struct Parser {
    tokens: Vec<Placed>,
    next: usize,
    end: Offset,
    parts: usize,
    brackets: usize,
    loops: usize,
}

type Parsed = Result<Expr, RuleFault>;

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|(_, token)| token)
    }

    fn at(&self) -> Offset {
        self.tokens.get(self.next).map_or(self.end, |(at, _)| *at)
    }

    fn fault(&self, message: impl Into<String>) -> RuleFault {
        RuleFault::new(self.at(), message)
    }

    fn accept(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Symbol(found)) if *found == symbol);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, symbol: &str) -> Result<(), RuleFault> {
        if self.accept(symbol) { Ok(()) } else { Err(self.fault(format!("`{symbol}` is missing here"))) }
    }

    fn make(&mut self, at: Offset, kind: Kind) -> Parsed {
        let mut expr = Expr { at, depth: 0, kind };
        let mut below = 0;
        expr.each_child(|child| below = below.max(child.depth));
        expr.depth = below + 1;
        self.parts += 1;
        if self.parts > MAX_PARTS || expr.depth > MAX_DEPTH {
            let message = format!("a rule may have {MAX_PARTS} parts, nested or chained {MAX_DEPTH} deep");
            return Err(RuleFault::new(at, message).hint("split it into several rules"));
        }
        Ok(expr)
    }

    /// Whatever stands in brackets.
    fn inside<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T, RuleFault>) -> Result<T, RuleFault> {
        self.brackets += 1;
        if self.brackets > MAX_BRACKETS {
            let message = format!("brackets may be nested {MAX_BRACKETS} deep");
            return Err(self.fault(message).hint("split it into several rules"));
        }
        let parsed = parse(self);
        self.brackets -= 1;
        parsed
    }

    fn expression(&mut self) -> Parsed {
        let at = self.at();
        let condition = self.or()?;
        if !self.accept("?") {
            return Ok(condition);
        }
        let yes = self.inside(Self::or)?;
        self.expect(":")?;
        let no = self.inside(Self::expression)?;
        self.make(at, Kind::Conditional(Box::new(condition), Box::new(yes), Box::new(no)))
    }

    fn or(&mut self) -> Parsed {
        let mut left = self.and()?;
        loop {
            let at = self.at();
            if !self.accept("||") {
                return Ok(left);
            }
            let right = self.and()?;
            left = self.make(at, Kind::Or(Box::new(left), Box::new(right)))?;
        }
    }

    fn and(&mut self) -> Parsed {
        let mut left = self.binary(1)?;
        loop {
            let at = self.at();
            if !self.accept("&&") {
                return Ok(left);
            }
            let right = self.binary(1)?;
            left = self.make(at, Kind::And(Box::new(left), Box::new(right)))?;
        }
    }

    fn operator(&self) -> Option<Operator> {
        let symbol = match self.peek()? {
            Token::Symbol(symbol) => *symbol,
            Token::Ident(word) if word == "in" => "in",
            _ => return None,
        };
        use Operator::{
            Add, Divide, Equal, Greater, GreaterOrEqual, In, Less, LessOrEqual, Multiply, NotEqual, Remainder, Subtract,
        };
        const ALL: [Operator; 12] = [
            Add,
            Subtract,
            Multiply,
            Divide,
            Remainder,
            Equal,
            NotEqual,
            Less,
            LessOrEqual,
            Greater,
            GreaterOrEqual,
            In,
        ];
        ALL.into_iter().find(|operator| operator.symbol() == symbol)
    }

    fn binary(&mut self, precedence: u8) -> Parsed {
        let mut left = if precedence == 4 { return self.unary() } else { self.binary(precedence + 1)? };
        while let Some(operator) = self.operator().filter(|operator| operator.precedence() == precedence) {
            let at = self.at();
            self.next += 1;
            let right = self.binary(precedence + 1)?;
            left = self.make(at, Kind::Binary(operator, Box::new(left), Box::new(right)))?;
        }
        Ok(left)
    }

    fn unary(&mut self) -> Parsed {
        let at = self.at();
        let (nots, minuses) = (self.count("!"), self.count("-"));
        if nots > 0 && minuses > 0 {
            return Err(RuleFault::new(at, "`!` does not apply to a number"));
        }
        let (mut expr, minuses) = match self.peek().cloned() {
            // The last minus belongs to a whole number, so that the smallest one can be written.
            Some(Token::Whole(digits)) if minuses > 0 => {
                self.next += 1;
                let number = self.whole(at, &format!("-{digits}"))?;
                (self.suffixes(number)?, minuses - 1)
            }
            _ => (self.member()?, minuses),
        };
        // Pairs cancel out before anything is looked at, as they do for the server.
        if nots % 2 == 1 {
            expr = self.make(at, Kind::Not(Box::new(expr)))?;
        }
        if minuses % 2 == 1 {
            expr = self.make(at, Kind::Negate(Box::new(expr)))?;
        }
        Ok(expr)
    }

    fn count(&mut self, symbol: &str) -> usize {
        let start = self.next;
        while self.accept(symbol) {}
        self.next - start
    }

    fn member(&mut self) -> Parsed {
        let expr = self.primary()?;
        self.suffixes(expr)
    }

    fn suffixes(&mut self, mut expr: Expr) -> Parsed {
        loop {
            let at = self.at();
            if self.accept(".") {
                if matches!(self.peek(), Some(Token::Symbol("?"))) {
                    return Err(RuleFault::new(at, "optional selection `.?` is not supported").hint("use has()"));
                }
                let (name_at, name) = self.name("a field or function")?;
                expr = if self.accept("(") {
                    let args = self.arguments(")")?;
                    self.call(name_at, name, Some(expr), args)?
                } else {
                    self.make(name_at, Kind::Select { of: Box::new(expr), field: name, test: false })?
                };
            } else if self.accept("[") {
                if matches!(self.peek(), Some(Token::Symbol("?"))) {
                    return Err(self.fault("optional indexing `[?` is not supported").hint("use `in` or size()"));
                }
                let index = self.inside(Self::expression)?;
                self.expect("]")?;
                expr = self.make(at, Kind::Index(Box::new(expr), Box::new(index)))?;
            } else if matches!(self.peek(), Some(Token::Symbol("{"))) {
                let fault = self.fault("struct literals are not supported");
                return Err(fault.hint("use a map: {'key': value}"));
            } else {
                return Ok(expr);
            }
        }
    }

    fn name(&mut self, what: &str) -> Result<(Offset, String), RuleFault> {
        let at = self.at();
        match self.peek() {
            Some(Token::Ident(word)) if word != "in" => {
                let word = word.clone();
                self.next += 1;
                Ok((at, word))
            }
            _ => Err(self.fault(format!("the name of {what} is missing here"))),
        }
    }

    fn primary(&mut self) -> Parsed {
        let at = self.at();
        let Some(token) = self.peek().cloned() else { return Err(self.fault("the expression ends too early")) };
        match token {
            Token::Literal(literal) => {
                self.next += 1;
                self.make(at, Kind::Literal(literal))
            }
            Token::Whole(digits) => {
                self.next += 1;
                self.whole(at, &digits)
            }
            Token::Ident(word) => self.identifier(at, word),
            Token::Symbol("(") => {
                self.next += 1;
                let expr = self.inside(Self::expression)?;
                self.expect(")")?;
                Ok(expr)
            }
            Token::Symbol("[") => {
                self.next += 1;
                let items = self.arguments("]")?;
                self.make(at, Kind::List(items))
            }
            Token::Symbol("{") => {
                self.next += 1;
                let entries = self.inside(Self::entries)?;
                self.make(at, Kind::Map(entries))
            }
            Token::Symbol(symbol) => Err(self.fault(format!("a value is missing before `{symbol}`"))),
        }
    }

    fn whole(&mut self, at: Offset, digits: &str) -> Parsed {
        match digits.parse() {
            Ok(number) => self.make(at, Kind::Literal(Literal::Int(number))),
            Err(_) => Err(RuleFault::new(at, "this number is too large").hint("whole numbers have 64 bits")),
        }
    }

    fn identifier(&mut self, at: Offset, word: String) -> Parsed {
        if RESERVED.contains(&word.as_str()) {
            return Err(self.fault(format!("`{word}` is a reserved word")));
        }
        self.next += 1;
        if self.accept("(") {
            let args = self.arguments(")")?;
            return self.call(at, word, None, args);
        }
        self.make(at, Kind::Ident(word))
    }

    /// Expressions up to a closing bracket; a comma may stand at the end of a list.
    fn arguments(&mut self, close: &str) -> Result<Vec<Expr>, RuleFault> {
        self.inside(|parser| {
            let mut args = Vec::new();
            while !parser.accept(close) {
                if !args.is_empty() {
                    parser.expect(",")?;
                    if close == "]" && parser.accept(close) {
                        break;
                    }
                }
                if matches!(parser.peek(), Some(Token::Symbol("?"))) {
                    return Err(parser.fault("optional items are not supported"));
                }
                args.push(parser.expression()?);
            }
            Ok(args)
        })
    }

    fn entries(&mut self) -> Result<Vec<(Expr, Expr)>, RuleFault> {
        let mut entries = Vec::new();
        while !self.accept("}") {
            if !entries.is_empty() {
                self.expect(",")?;
                if self.accept("}") {
                    break;
                }
            }
            let key = self.expression()?;
            self.expect(":")?;
            entries.push((key, self.expression()?));
        }
        Ok(entries)
    }
}
