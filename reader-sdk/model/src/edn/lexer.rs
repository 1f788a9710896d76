//! From text to tokens: brackets, prefixes and scalars, each with its place.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};

use crate::{Keyword, Symbol, Value};

use super::error::{Fault, quote};
use super::{Edn, name, number, text};

/// What the text is made of.
#[derive(Debug)]
pub(super) enum Token {
    /// `(`, `[`, `{` or `#{`.
    Open(Bracket),
    /// `#:namespace{`
    OpenNamespaced(String),
    /// `)`, `]` or `}`.
    Close(char),
    /// `#_`
    Discard,
    /// `#tag`
    Tag(Symbol),
    /// Anything that is complete by itself.
    Scalar(Edn),
    /// The end of the text.
    End,
}

/// The collections, as their opening brackets tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bracket {
    List,
    Vector,
    Map,
    Set,
}

/// Cuts a text into tokens.
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    digits_max: usize,
    /// Keywords met so far: the same few are the keys of most maps, and share their text then.
    keywords: HashMap<&'a str, Keyword, BuildHasherDefault<DefaultHasher>>,
}

/// More different keywords than this are not shared, so that a text cannot make sharing slow.
const KEYWORDS_SHARED_MAX: usize = 1024;

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str, digits_max: usize) -> Self {
        Self { text, at: 0, digits_max, keywords: HashMap::default() }
    }

    /// The offset after the last token.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The next token and the offset of its first byte.
    pub(super) fn next(&mut self) -> Result<(Token, usize), Fault> {
        self.skip_blank();
        let start = self.at;
        let Some(byte) = self.text.as_bytes().get(start) else { return Ok((Token::End, start)) };
        let token = match byte {
            b'(' => self.bracket(Token::Open(Bracket::List)),
            b'[' => self.bracket(Token::Open(Bracket::Vector)),
            b'{' => self.bracket(Token::Open(Bracket::Map)),
            b')' | b']' | b'}' => self.bracket(Token::Close(char::from(*byte))),
            b'#' => self.dispatch()?,
            _ => Token::Scalar(self.scalar(*byte)?),
        };
        Ok((token, start))
    }

    fn bracket(&mut self, token: Token) -> Token {
        self.at += 1;
        token
    }

    /// Skips white space, commas and comments.
    fn skip_blank(&mut self) {
        loop {
            let rest = &self.text[self.at..];
            let blank = rest.find(|c| !is_blank(c)).unwrap_or(rest.len());
            self.at += blank;
            if !rest[blank..].starts_with(';') {
                return;
            }
            self.at += rest[blank..].find('\n').unwrap_or(rest.len() - blank);
        }
    }

    /// Takes the characters up to the next one that cannot be within a name or a number.
    fn take_word(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let end = rest.find(ends_word).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn scalar(&mut self, first: u8) -> Result<Edn, Fault> {
        let second = self.text.as_bytes().get(self.at + 1).copied().unwrap_or(b' ');
        match first {
            b'"' => self.string(),
            b'\\' => self.character(),
            b':' => self.keyword(),
            b'0'..=b'9' => self.number(),
            b'+' | b'-' if second.is_ascii_digit() => self.number(),
            b'\'' | b'`' | b'~' | b'@' | b'^' => Err(self.not_edn(first)),
            _ => self.symbol(),
        }
    }

    fn not_edn(&self, first: u8) -> Fault {
        let expected = match first {
            b'\'' | b'`' => "a form: EDN needs no quote, write the form itself",
            b'^' => "a form: metadata is not supported, leave it out",
            _ => "a form",
        };
        Fault::new(self.at, expected, quote(&char::from(first).to_string()))
    }

    fn string(&mut self) -> Result<Edn, Fault> {
        let (string, end) = text::parse_string(self.text, self.at)?;
        self.at = end;
        Ok(Edn::Value(string.into()))
    }

    fn character(&mut self) -> Result<Edn, Fault> {
        let start = self.at;
        self.at += 1;
        let token_start = self.at;
        // The first character may be one that otherwise ends a word, as in `\(`.
        match self.text[self.at..].chars().next() {
            Some(c) if !c.is_whitespace() => self.at += c.len_utf8(),
            found => {
                let found = found.map_or("the end of the text", |_| "white space");
                return Err(Fault::new(start, "a character after `\\`, such as \\space", found));
            }
        }
        self.take_word();
        let token = &self.text[token_start..self.at];
        let c = text::parse_char(token)
            .map_err(|expected| Fault::new(start, expected, quote(&self.text[start..self.at])))?;
        Ok(Edn::Character(c))
    }

    fn keyword(&mut self) -> Result<Edn, Fault> {
        let start = self.at;
        let word = self.take_word();
        if let Some(keyword) = self.keywords.get(word) {
            return Ok(Edn::Value(keyword.clone().into()));
        }
        name::check_keyword(&word[1..])
            .map_err(|expected| Fault::new(start, expected, quote(word)))?;
        let keyword = Keyword::new(&word[1..]);
        if self.keywords.len() < KEYWORDS_SHARED_MAX {
            self.keywords.insert(word, keyword.clone());
        }
        Ok(Edn::Value(keyword.into()))
    }

    fn number(&mut self) -> Result<Edn, Fault> {
        let start = self.at;
        let word = self.take_word();
        number::parse(word, self.digits_max)
            .map(Edn::Value)
            .map_err(|expected| Fault::new(start, expected, quote(word)))
    }

    fn symbol(&mut self) -> Result<Edn, Fault> {
        let start = self.at;
        let word = self.take_word();
        match word {
            "nil" => return Ok(Edn::Nil),
            "true" => return Ok(Edn::Value(Value::Boolean(true))),
            "false" => return Ok(Edn::Value(Value::Boolean(false))),
            _ => {}
        }
        name::check_symbol(word).map_err(|expected| Fault::new(start, expected, quote(word)))?;
        Ok(Edn::Value(Symbol::new(word).into()))
    }

    /// Reads what begins with `#`.
    fn dispatch(&mut self) -> Result<Token, Fault> {
        let start = self.at;
        self.at += 1;
        let next = self.text[self.at..].chars().next();
        let expected = match next {
            Some('{') => return Ok(self.bracket(Token::Open(Bracket::Set))),
            Some('_') => return Ok(self.bracket(Token::Discard)),
            Some(':') => return self.namespaced_map(start),
            Some('#') => return self.symbolic_value(start),
            Some(c) if c.is_alphabetic() => return self.tag(start),
            Some('"') => "a form: EDN has no regex literal, write (re-pattern \"…\")",
            Some('(') => "a form: EDN has no function literal",
            Some('\'') => "a form: EDN has no var quote",
            Some('?') => "a form: EDN has no reader conditional",
            Some('^') => "a form: metadata is not supported, leave it out",
            _ => "`{`, `_`, `:`, `##Inf` or a tag that begins with a letter after `#`",
        };
        let end = next.map_or(self.at, |c| self.at + c.len_utf8());
        Err(Fault::new(start, expected, quote(&self.text[start..end])))
    }

    fn tag(&mut self, start: usize) -> Result<Token, Fault> {
        let word = self.take_word();
        name::check_symbol(word).map_err(|expected| {
            Fault::new(start, format!("a tag: {expected}"), quote(&format!("#{word}")))
        })?;
        Ok(Token::Tag(Symbol::new(word)))
    }

    fn namespaced_map(&mut self, start: usize) -> Result<Token, Fault> {
        self.at += 1;
        let word = self.take_word();
        let fault = |at: usize, expected: &str, found: &str| Fault::new(at, expected, found);
        if word.starts_with(':') {
            let expected = "a map with its namespace written out: EDN has no `#::`";
            return Err(fault(start, expected, &quote(&format!("#:{word}"))));
        }
        name::check_part(word, false)
            .map_err(|expected| fault(start, expected, &quote(&format!("#:{word}"))))?;
        self.skip_blank();
        match self.text[self.at..].chars().next() {
            Some('{') => Ok(self.bracket(Token::OpenNamespaced(word.to_owned()))),
            Some(c) => {
                Err(fault(self.at, "`{` after the namespace of a map", &quote(&c.to_string())))
            }
            None => Err(fault(self.at, "`{` after the namespace of a map", "the end of the text")),
        }
    }

    fn symbolic_value(&mut self, start: usize) -> Result<Token, Fault> {
        self.at += 1;
        let word = self.take_word();
        let number = match word {
            "Inf" => f64::INFINITY,
            "-Inf" => f64::NEG_INFINITY,
            "NaN" => f64::NAN,
            _ => {
                let found = quote(&format!("##{word}"));
                return Err(Fault::new(start, "##Inf, ##-Inf or ##NaN", found));
            }
        };
        Ok(Token::Scalar(Edn::Value(Value::Double(number))))
    }
}

/// True for white space, for commas, and for the byte order mark that some editors begin a file
/// with, wherever files were put together.
pub(super) fn is_blank(c: char) -> bool {
    c.is_whitespace() || c == ',' || c == '\u{feff}'
}

/// True for the characters that end a name, a number or a tag.
fn ends_word(c: char) -> bool {
    is_blank(c)
        || matches!(c, '"' | ';' | '(' | ')' | '[' | ']' | '{' | '}' | '\\' | '@' | '^' | '`' | '~')
}
