//! The parts of a pattern that stand for one character: escapes, Unicode classes, brackets.
//! Must not know groups or repetitions.

use regex::Regex;

use super::{PatternFault, Step, Translator, push_literal};

impl Translator {
    pub(super) fn escape(&mut self) -> Step {
        let Some(c) = self.peek_at(1) else { return Err(self.fault("the pattern ends in a backslash")) };
        let replacement = match c {
            'A' => r"\A",
            'z' => r"\z",
            'b' => r"(?-u:\b)",
            'B' => r"(?-u:\B)",
            'Q' => {
                self.quoted();
                return Ok(());
            }
            _ => {
                let class = self.escaped_class()?;
                if let Some(class) = class {
                    self.out.push_str(&class);
                    self.atom(1);
                } else {
                    let c = self.escaped_char()?;
                    self.literal(c);
                }
                return Ok(());
            }
        };
        self.out.push_str(replacement);
        self.at += 2;
        self.atom(1);
        Ok(())
    }

    /// `\Q…\E`
    fn quoted(&mut self) {
        self.at += 2;
        while let Some(c) = self.peek() {
            if self.looking_at(r"\E") {
                self.at += 2;
                return;
            }
            self.at += 1;
            self.literal(c);
        }
    }

    /// `\d`, `\pL`, `\p{Greek}` and their like, as a class of the `regex` crate.
    fn escaped_class(&mut self) -> Result<Option<String>, PatternFault> {
        let class = match self.peek_at(1) {
            Some('d') => "[0-9]",
            Some('D') => "[^0-9]",
            Some('s') => r"[\t\n\f\r ]",
            Some('S') => r"[^\t\n\f\r ]",
            Some('w') => "[0-9A-Za-z_]",
            Some('W') => "[^0-9A-Za-z_]",
            Some(c @ ('p' | 'P')) => return self.unicode_class(c).map(Some),
            _ => return Ok(None),
        };
        self.at += 2;
        Ok(Some(class.to_owned()))
    }

    fn unicode_class(&mut self, letter: char) -> Result<String, PatternFault> {
        let (mut name, length) = match self.peek_at(2) {
            Some('{') => {
                let name: String = self.text.iter().skip(self.at + 3).take_while(|c| **c != '}').collect();
                let length = 4 + name.chars().count();
                // An open brace ends nowhere, and no class has such a name.
                let name = if self.peek_at(length - 1) == Some('}') { name } else { String::new() };
                (name, length)
            }
            Some(c) => (c.to_string(), 3),
            None => (String::new(), 2),
        };
        let mut negated = letter == 'P';
        if let Some(rest) = name.strip_prefix('^') {
            negated = !negated;
            name = rest.to_owned();
        }
        // Go knows categories and scripts by their own spelling only; the regex crate is more generous.
        let category = name.len() <= 2 && "LMNPSZC".contains(name.get(..1).unwrap_or("-"));
        let script = name.len() > 2 && name.starts_with(|c: char| c.is_ascii_uppercase());
        let plain = name.chars().all(|c| c.is_ascii_alphabetic() || c == '_');
        let class = format!("\\{}{{{name}}}", if negated { 'P' } else { 'p' });
        if !plain || !(category || script) || Regex::new(&class).is_err() {
            return Err(self.fault("this Unicode class is not known"));
        }
        self.at += length;
        Ok(class)
    }

    /// One character that is written with a backslash.
    fn escaped_char(&mut self) -> Result<char, PatternFault> {
        let Some(c) = self.peek_at(1) else { return Err(self.fault("the pattern ends in a backslash")) };
        let control = match c {
            'a' => Some('\u{7}'),
            'f' => Some('\u{c}'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'v' => Some('\u{b}'),
            _ if c.is_ascii_punctuation() => Some(c),
            _ => None,
        };
        if let Some(control) = control {
            self.at += 2;
            return Ok(control);
        }
        match c {
            'x' => self.hexadecimal(),
            '1'..='7' if !self.peek_at(2).is_some_and(|c| matches!(c, '0'..='7')) => {
                Err(self.fault("a reference to a group is not supported"))
            }
            '0'..='7' => {
                let digits: String =
                    self.text.iter().skip(self.at + 1).take(3).take_while(|c| matches!(c, '0'..='7')).collect();
                self.at += 1 + digits.len();
                self.char_of(&digits, 8)
            }
            _ => Err(self.fault(format!("`\\{c}` is not known"))),
        }
    }

    fn hexadecimal(&mut self) -> Result<char, PatternFault> {
        let digits: String = if self.peek_at(2) == Some('{') {
            let digits: String = self.text.iter().skip(self.at + 3).take_while(|c| **c != '}').collect();
            if self.peek_at(3 + digits.chars().count()) != Some('}') {
                return Err(self.fault("`\\x{` is not closed"));
            }
            self.at += 4 + digits.chars().count();
            digits
        } else {
            let digits: String = self.text.iter().skip(self.at + 2).take(2).collect();
            if digits.chars().count() != 2 {
                return Err(self.fault("`\\x` needs two digits"));
            }
            self.at += 4;
            digits
        };
        self.char_of(&digits, 16)
    }

    fn char_of(&self, digits: &str, radix: u32) -> Result<char, PatternFault> {
        let valid = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
        let code = u32::from_str_radix(digits, radix).ok().filter(|_| valid);
        code.and_then(char::from_u32).ok_or_else(|| self.fault("this is not the number of a character"))
    }

    pub(super) fn class(&mut self) -> Step {
        self.push_raw('[');
        if self.peek() == Some('^') {
            self.push_raw('^');
        }
        let mut first = true;
        loop {
            match self.peek() {
                None => return Err(self.fault("a `[` is not closed")),
                Some(']') if !first => break,
                Some('[') if self.peek_at(1) == Some(':') => self.posix()?,
                Some(_) => self.class_item()?,
            }
            first = false;
        }
        self.push_raw(']');
        self.atom(1);
        Ok(())
    }

    fn class_item(&mut self) -> Step {
        if self.peek() == Some('\\')
            && let Some(class) = self.escaped_class()?
        {
            self.out.push_str(&class);
            return Ok(());
        }
        let low = self.class_char()?;
        if self.peek() != Some('-') || self.peek_at(1).is_none_or(|c| c == ']') {
            push_literal(&mut self.out, low);
            return Ok(());
        }
        self.at += 1;
        let high = self.class_char()?;
        if high < low {
            return Err(self.fault("this range runs backwards"));
        }
        push_literal(&mut self.out, low);
        self.out.push('-');
        push_literal(&mut self.out, high);
        Ok(())
    }

    fn class_char(&mut self) -> Result<char, PatternFault> {
        match self.peek() {
            Some('\\') => self.escaped_char(),
            Some(c) => {
                self.at += 1;
                Ok(c)
            }
            None => Err(self.fault("a `[` is not closed")),
        }
    }

    fn posix(&mut self) -> Step {
        const NAMES: [&str; 14] = [
            "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper",
            "word", "xdigit",
        ];
        let rest: String = self.text.iter().skip(self.at + 2).take_while(|c| **c != ':').collect();
        let name = rest.strip_prefix('^').unwrap_or(&rest);
        let closed = self.peek_at(2 + rest.len()) == Some(':') && self.peek_at(3 + rest.len()) == Some(']');
        if !(closed && NAMES.contains(&name)) {
            return Err(self.fault("this class is not known"));
        }
        self.out.push_str(&format!("[:{rest}:]"));
        self.at += rest.len() + 4;
        Ok(())
    }
}
