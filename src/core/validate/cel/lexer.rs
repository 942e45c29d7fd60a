//! Cuts the text of a rule into tokens. Must not know what they mean together.

use super::syntax::{Literal, Offset, RuleFault};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Ident(String),
    Literal(Literal),
    /// Digits of a whole number, whose sign may stand before it.
    Whole(String),
    Symbol(&'static str),
}

/// A token and where it begins.
pub(super) type Placed = (Offset, Token);

const SYMBOLS: [&str; 27] = [
    "&&", "||", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "<", ">", "!", "?", ":", ".", ",", "(", ")", "[", "]",
    "{", "}", "=", "&", "|",
];

/// Cuts a text into tokens.
pub(super) fn tokens(text: &str) -> Result<Vec<Placed>, RuleFault> {
    let mut lexer = Lexer { text: text.chars().collect(), at: 0 };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next()? {
        tokens.push(token);
    }
    Ok(tokens)
}

struct Lexer {
    text: Vec<char>,
    at: usize,
}

impl Lexer {
    fn peek(&self, offset: usize) -> Option<char> {
        self.text.get(self.at + offset).copied()
    }

    fn looking_at(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(offset, c)| self.peek(offset) == Some(c))
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let taken: String = self.text.iter().skip(self.at).take_while(|c| wanted(**c)).collect();
        self.at += taken.chars().count();
        taken
    }

    fn next(&mut self) -> Result<Option<Placed>, RuleFault> {
        loop {
            self.take_while(|c| matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}'));
            if !self.looking_at("//") {
                break;
            }
            self.take_while(|c| c != '\n');
        }
        let at = self.at;
        let Some(c) = self.peek(0) else { return Ok(None) };
        if let Some(prefix) = self.text_prefix() {
            return self.text_literal(prefix).map(|literal| Some((at, Token::Literal(literal))));
        }
        if c.is_ascii_digit() || (c == '.' && self.peek(1).is_some_and(|c| c.is_ascii_digit())) {
            return self.number().map(|token| Some((at, token)));
        }
        if c.is_ascii_alphabetic() || c == '_' {
            let word = self.take_while(|c| c.is_ascii_alphanumeric() || c == '_');
            let token = match word.as_str() {
                "true" => Token::Literal(Literal::Bool(true)),
                "false" => Token::Literal(Literal::Bool(false)),
                "null" => Token::Literal(Literal::Null),
                _ => Token::Ident(word),
            };
            return Ok(Some((at, token)));
        }
        match SYMBOLS.iter().find(|symbol| self.looking_at(symbol)) {
            Some(symbol) => {
                self.at += symbol.len();
                Ok(Some((at, Token::Symbol(symbol))))
            }
            None => Err(RuleFault::new(at, format!("the character {c:?} has no meaning here"))),
        }
    }

    /// How many characters of `r`, `b` and `br` stand before a quote; none if this is no text.
    fn text_prefix(&self) -> Option<usize> {
        let quote = |offset: usize| matches!(self.peek(offset), Some('"' | '\''));
        let letter = |offset: usize, c: char| self.peek(offset).is_some_and(|found| found.eq_ignore_ascii_case(&c));
        if quote(0) {
            Some(0)
        } else if (letter(0, 'r') || letter(0, 'b')) && quote(1) {
            Some(1)
        } else if letter(0, 'b') && letter(1, 'r') && quote(2) {
            Some(2)
        } else {
            None
        }
    }

    fn text_literal(&mut self, prefix: usize) -> Result<Literal, RuleFault> {
        let start = self.at;
        let letters: String = self.text.iter().skip(start).take(prefix).collect::<String>().to_ascii_lowercase();
        let (raw, bytes) = (letters.contains('r'), letters.contains('b'));
        self.at += prefix;
        let quote = self.peek(0).unwrap_or('"');
        let triple = self.peek(1) == Some(quote) && self.peek(2) == Some(quote);
        let fence: String = std::iter::repeat_n(quote, if triple { 3 } else { 1 }).collect();
        self.at += fence.len();
        let mut content = Vec::new();
        while !self.looking_at(&fence) {
            match self.peek(0) {
                None => return Err(RuleFault::new(start, "this text is not closed")),
                Some('\n' | '\r') if !triple => {
                    return Err(RuleFault::new(start, "this text is not closed on its line").hint("use three quotes"));
                }
                Some('\r') => {
                    // Line ends count as one character, whatever the editor wrote.
                    self.at += if self.peek(1) == Some('\n') { 2 } else { 1 };
                    content.push(b'\n');
                }
                Some('\\') if !raw => self.escape(bytes, &mut content)?,
                Some(c) => {
                    // A backslash keeps a quote from ending a raw text only by being itself part of the text.
                    self.at += 1;
                    push_char(&mut content, c);
                }
            }
        }
        self.at += fence.len();
        if bytes {
            return Ok(Literal::Bytes(content));
        }
        String::from_utf8(content).map(Literal::Text).map_err(|_| RuleFault::new(start, "this text is not UTF-8"))
    }

    fn escape(&mut self, bytes: bool, content: &mut Vec<u8>) -> Result<(), RuleFault> {
        let at = self.at;
        let fault = |message: &str| RuleFault::new(at, message);
        let c = self.peek(1).ok_or_else(|| fault("this text is not closed"))?;
        self.at += 2;
        let simple = match c {
            'a' => Some('\u{7}'),
            'b' => Some('\u{8}'),
            'f' => Some('\u{c}'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'v' => Some('\u{b}'),
            '\\' | '\'' | '"' | '`' | '?' => Some(c),
            _ => None,
        };
        if let Some(simple) = simple {
            push_char(content, simple);
            return Ok(());
        }
        let (length, radix) = match c {
            'x' | 'X' => (2, 16),
            'u' if !bytes => (4, 16),
            'U' if !bytes => (8, 16),
            '0'..='3' => {
                self.at -= 1;
                (3, 8)
            }
            _ => return Err(fault("this escape is not known").hint("write a backslash as \\\\, or use r'…'")),
        };
        let digits: String = self.text.iter().skip(self.at).take(length).collect();
        self.at += length;
        let valid = digits.chars().count() == length && digits.chars().all(|c| c.is_digit(radix));
        let code = u32::from_str_radix(&digits, radix).ok().filter(|_| valid);
        match code {
            Some(code) if bytes => content.push(u8::try_from(code).unwrap_or(u8::MAX)),
            Some(code) => push_char(content, char::from_u32(code).ok_or_else(|| fault("this is not a character"))?),
            None => return Err(fault("this escape has too few digits")),
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Token, RuleFault> {
        let at = self.at;
        let fault = |message: &str| RuleFault::new(at, message);
        if self.looking_at("0x") {
            self.at += 2;
            let digits = self.take_while(|c| c.is_ascii_hexdigit());
            let value = u64::from_str_radix(&digits, 16).map_err(|_| fault("this number is too large"))?;
            if self.unsigned_suffix() {
                return Ok(Token::Literal(Literal::UInt(value)));
            }
            return Ok(Token::Whole(value.to_string()));
        }
        let mut number = self.take_while(|c| c.is_ascii_digit());
        let mut float = false;
        if self.peek(0) == Some('.') && self.peek(1).is_some_and(|c| c.is_ascii_digit()) {
            float = true;
            self.at += 1;
            number.push('.');
            number.push_str(&self.take_while(|c| c.is_ascii_digit()));
        }
        let sign = usize::from(matches!(self.peek(1), Some('+' | '-')));
        if matches!(self.peek(0), Some('e' | 'E')) && self.peek(1 + sign).is_some_and(|c| c.is_ascii_digit()) {
            float = true;
            number.extend(self.text.iter().skip(self.at).take(1 + sign));
            self.at += 1 + sign;
            number.push_str(&self.take_while(|c| c.is_ascii_digit()));
        }
        if float {
            let value: f64 = number.parse().map_err(|_| fault("this is not a number"))?;
            return if value.is_finite() {
                Ok(Token::Literal(Literal::Double(value)))
            } else {
                Err(fault("this number is too large"))
            };
        }
        if self.unsigned_suffix() {
            let value = number.parse().map_err(|_| fault("this number is too large"))?;
            return Ok(Token::Literal(Literal::UInt(value)));
        }
        Ok(Token::Whole(number))
    }

    fn unsigned_suffix(&mut self) -> bool {
        let found = matches!(self.peek(0), Some('u' | 'U'));
        self.at += usize::from(found);
        found
    }
}

fn push_char(content: &mut Vec<u8>, c: char) {
    content.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}
