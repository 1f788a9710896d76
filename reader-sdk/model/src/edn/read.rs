//! From text to forms.
//!
//! The reader keeps the collections that are open on a stack of its own, so that nesting costs
//! memory and not stack, and is limited by number.

use crate::{Keyword, Symbol, Value};

use super::digest::{self, Digest};
use super::error::{Fault, position, quote};
use super::lexer::{Bracket, Lexer, Token};
use super::{Edn, Form, Span, name, tag};

pub use super::error::EdnError;

/// How much text and how much nesting the reader accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of text; never more than 4 GiB.
    pub text_bytes_max: usize,
    /// Collections, tags and discards within one another; never more than 1,000, because forms
    /// are compared, cloned and dropped recursively.
    pub depth_max: usize,
    /// Forms in all: scalars and collections, also those that are discarded.
    pub forms_max: usize,
    /// Characters of one number: reading a number takes time with the square of its length.
    pub number_chars_max: usize,
}

impl Limits {
    const DEPTH_CEILING: usize = 1_000;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            text_bytes_max: 64 << 20,
            depth_max: 128,
            forms_max: 8 << 20,
            number_chars_max: 10_000,
        }
    }
}

/// Reads one form; nothing but white space, comments and discarded forms may stand beside it.
///
/// ```
/// # use duramen_model::edn::read;
/// let form = read("{:person/name \"Ann\" :person/age 7}")?;
/// assert_eq!(form.edn.get(&read(":person/age")?.edn).and_then(|age| age.as_long()), Some(7));
/// let error = read("[1 2").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "line 1, column 5: expected `]` to close the vector opened at line 1, column 1, \
///      found the end of the text"
/// );
/// # Ok::<(), duramen_model::edn::EdnError>(())
/// ```
///
/// # Errors
/// Says where the text is not EDN, and what was expected.
pub fn read(text: &str) -> Result<Form, EdnError> {
    read_with(text, Limits::default())
}

/// Reads one form within limits.
///
/// # Errors
/// Says where the text is not EDN, and what was expected.
pub fn read_with(text: &str, limits: Limits) -> Result<Form, EdnError> {
    let read = || {
        let mut reader = Reader::new(text, limits)?;
        let form = reader.next_form()?;
        let form = form.ok_or_else(|| Fault::new(text.len(), "a form", "the end of the text"))?;
        match reader.next_form()? {
            None => Ok(form),
            Some(second) => {
                let start = second.span.start as usize;
                let found = quote(&text[start..second.span.end as usize]);
                Err(Fault::new(start, "the end of the text after one form", found))
            }
        }
    };
    read().map_err(|fault: Fault| fault.locate(text))
}

/// Reads all forms of a text.
///
/// # Errors
/// Says where the text is not EDN, and what was expected.
pub fn read_all(text: &str, limits: Limits) -> Result<Vec<Form>, EdnError> {
    let read = || {
        let mut reader = Reader::new(text, limits)?;
        let mut forms = Vec::new();
        while let Some(form) = reader.next_form()? {
            forms.push(form);
        }
        Ok(forms)
    };
    read().map_err(|fault: Fault| fault.locate(text))
}

/// What a frame is waiting to complete.
enum Shape {
    List,
    Vector,
    Set,
    Map { namespace: Option<String> },
    Tagged(Symbol),
    Discard,
}

/// A form that has begun and not ended.
struct Frame {
    shape: Shape,
    start: usize,
    forms: Vec<Form>,
    /// Of the forms, as far as they are needed; see [`Frame::wants_digest`].
    digests: Vec<Digest>,
    /// True if something further out compares this form with others.
    compared: bool,
}

impl Frame {
    /// True if the next form will be compared: as a member of a set, as a key, or within one.
    fn wants_digest(&self) -> bool {
        match self.shape {
            Shape::Set => true,
            Shape::Map { .. } => self.compared || self.forms.len().is_multiple_of(2),
            _ => self.compared,
        }
    }

    fn describe(&self) -> &'static str {
        match self.shape {
            Shape::List => "list",
            Shape::Vector => "vector",
            Shape::Set => "set",
            Shape::Map { .. } => "map",
            Shape::Tagged(_) => "tag",
            Shape::Discard => "discard",
        }
    }

    fn closing(&self) -> Option<char> {
        match self.shape {
            Shape::List => Some(')'),
            Shape::Vector => Some(']'),
            Shape::Set | Shape::Map { .. } => Some('}'),
            Shape::Tagged(_) | Shape::Discard => None,
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    lexer: Lexer<'a>,
    limits: Limits,
    forms_read: usize,
    stack: Vec<Frame>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, limits: Limits) -> Result<Self, Fault> {
        let bytes_max = limits.text_bytes_max.min(u32::MAX as usize);
        if text.len() > bytes_max {
            let expected = format!("at most {bytes_max} bytes of text");
            return Err(Fault::new(0, expected, format!("{} bytes", text.len())));
        }
        let lexer = Lexer::new(text, limits.number_chars_max);
        Ok(Self { text, lexer, limits, forms_read: 0, stack: Vec::new() })
    }

    /// The next form on the outside, or `None` at the end of the text.
    fn next_form(&mut self) -> Result<Option<Form>, Fault> {
        loop {
            let (token, start) = self.lexer.next()?;
            let done = match token {
                Token::Open(bracket) => self.open(shape(bracket), start)?,
                Token::OpenNamespaced(namespace) => {
                    self.open(Shape::Map { namespace: Some(namespace) }, start)?
                }
                Token::Tag(tag) => self.open(Shape::Tagged(tag), start)?,
                Token::Discard => self.open(Shape::Discard, start)?,
                Token::Close(found) => self.close(found, start)?,
                Token::Scalar(edn) => self.complete(edn, None, start)?,
                Token::End if self.stack.is_empty() => return Ok(None),
                Token::End => return Err(self.unfinished(start, "the end of the text".into())),
            };
            if done.is_some() {
                return Ok(done);
            }
        }
    }

    fn wants_digest(&self) -> bool {
        self.stack.last().is_some_and(Frame::wants_digest)
    }

    /// Begins a form. Gives nothing, in the shape of the steps that may complete one.
    fn open(&mut self, shape: Shape, start: usize) -> Result<Option<Form>, Fault> {
        let depth_max = self.limits.depth_max.min(Limits::DEPTH_CEILING);
        if self.stack.len() >= depth_max {
            let expected = format!("at most {depth_max} levels of nesting");
            return Err(Fault::new(start, expected, "one more"));
        }
        let compared = self.wants_digest();
        self.stack.push(Frame { shape, start, forms: Vec::new(), digests: Vec::new(), compared });
        Ok(None)
    }

    /// Ends the innermost collection.
    fn close(&mut self, found: char, at: usize) -> Result<Option<Form>, Fault> {
        let Some(frame) = self.stack.pop_if(|frame| frame.closing() == Some(found)) else {
            return Err(self.unfinished(at, quote(&found.to_string())));
        };
        let start = frame.start;
        let (edn, digest) = self.collection(frame, at)?;
        self.complete(edn, Some(digest), start)
    }

    /// Makes the collection of a frame whose closing bracket is at `at`.
    fn collection(&self, frame: Frame, at: usize) -> Result<(Edn, Digest), Fault> {
        let Frame { shape, forms, digests, .. } = frame;
        Ok(match shape {
            Shape::Set => {
                self.refuse_duplicate(digest::duplicate(&digests, |i| &forms[i]), "member")?;
                (Edn::Set(forms), digest::set(&digests))
            }
            Shape::Map { .. } => (self.map(forms, &digests, at)?, digest::map(&digests)),
            Shape::List => (Edn::List(forms), digest::sequence("list", &digests)),
            _ => (Edn::Vector(forms), digest::sequence("vector", &digests)),
        })
    }

    fn map(&self, forms: Vec<Form>, digests: &[Digest], at: usize) -> Result<Edn, Fault> {
        let mut entries = Vec::with_capacity(forms.len() / 2);
        let mut forms = forms.into_iter();
        while let Some(key) = forms.next() {
            let Some(value) = forms.next() else {
                let key = &self.text[key.span.start as usize..key.span.end as usize];
                return Err(Fault::new(at, format!("a value for the key {}", quote(key)), "`}`"));
            };
            entries.push((key, value));
        }
        let keys: Vec<Digest> = digests.iter().step_by(2).copied().collect();
        self.refuse_duplicate(digest::duplicate(&keys, |i| &entries[i].0), "key")?;
        Ok(Edn::Map(entries))
    }

    fn refuse_duplicate(&self, duplicate: Option<Span>, what: &str) -> Result<(), Fault> {
        let Some(span) = duplicate else { return Ok(()) };
        let text = &self.text[span.start as usize..span.end as usize];
        Err(Fault::new(
            span.start as usize,
            format!("each {what} once"),
            format!("{} again", quote(text)),
        ))
    }

    /// Hands a complete form to the frame that waits for it, and completes that one too if it
    /// waited for nothing else. Gives the form if no frame is open.
    fn complete(
        &mut self,
        mut edn: Edn,
        mut digest: Option<Digest>,
        mut start: usize,
    ) -> Result<Option<Form>, Fault> {
        let end = self.lexer.at();
        loop {
            self.forms_read += 1;
            if self.forms_read > self.limits.forms_max {
                let expected = format!("at most {} forms", self.limits.forms_max);
                return Err(Fault::new(start, expected, "one more"));
            }
            let form = Form { edn, span: span(start, end) };
            let Some(frame) = self.stack.last_mut() else { return Ok(Some(form)) };
            match &frame.shape {
                Shape::Discard => {
                    self.stack.pop();
                    return Ok(None);
                }
                Shape::Tagged(tag) => {
                    let tag = tag.clone();
                    digest = digest.map(|inner| digest::tagged(&tag, inner));
                    edn = tag::interpret(tag, form)?;
                    if !matches!(edn, Edn::Tagged(..)) {
                        digest = None;
                    }
                    start = frame.start;
                    self.stack.pop();
                }
                _ => {
                    frame.push(form, digest)?;
                    return Ok(None);
                }
            }
        }
    }

    /// Something else than what the innermost frame waits for.
    fn unfinished(&self, at: usize, found: String) -> Fault {
        let Some(frame) = self.stack.last() else { return Fault::new(at, "a form", found) };
        let (line, column) = position(self.text, frame.start);
        let expected = match (&frame.shape, frame.closing()) {
            (_, Some(closing)) => format!(
                "`{closing}` to close the {} opened at line {line}, column {column}",
                frame.describe()
            ),
            (Shape::Tagged(tag), _) => format!("a form after the tag #{tag}"),
            _ => "a form after `#_`".into(),
        };
        Fault::new(at, expected, found)
    }
}

fn shape(bracket: Bracket) -> Shape {
    match bracket {
        Bracket::List => Shape::List,
        Bracket::Vector => Shape::Vector,
        Bracket::Set => Shape::Set,
        Bracket::Map => Shape::Map { namespace: None },
    }
}

fn span(start: usize, end: usize) -> Span {
    // Offsets fit: longer texts are refused at the beginning.
    let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span { start: offset(start), end: offset(end) }
}

impl Frame {
    fn push(&mut self, mut form: Form, digest: Option<Digest>) -> Result<(), Fault> {
        let wants_digest = self.wants_digest();
        if let Shape::Map { namespace: Some(namespace) } = &self.shape
            && self.forms.len().is_multiple_of(2)
        {
            qualify(&mut form, namespace)?;
        }
        if wants_digest {
            self.digests.push(digest.unwrap_or_else(|| digest::scalar(&form.edn)));
        } else if matches!(self.shape, Shape::Map { .. }) {
            // Keeps keys at even places.
            self.digests.push(Digest::default());
        }
        self.forms.push(form);
        Ok(())
    }
}

/// Puts a key of a namespaced map into the namespace, if it is a name that has none; takes the
/// namespace `_` away.
fn qualify(key: &mut Form, namespace: &str) -> Result<(), Fault> {
    let start = key.span.start as usize;
    let fault = |expected, text: &str| Fault::new(start, expected, quote(text));
    match &mut key.edn {
        Edn::Value(Value::Keyword(keyword)) => {
            let text = qualified(keyword.text(), namespace);
            name::check_keyword(&text).map_err(|expected| fault(expected, &text))?;
            *keyword = Keyword::new(text);
        }
        Edn::Value(Value::Symbol(symbol)) => {
            let text = qualified(symbol.text(), namespace);
            name::check_symbol(&text).map_err(|expected| fault(expected, &text))?;
            *symbol = Symbol::new(text);
        }
        _ => {}
    }
    Ok(())
}

fn qualified(text: &str, namespace: &str) -> String {
    match text.split_once('/') {
        Some(("_", name)) => name.to_owned(),
        Some((before, _)) if !before.is_empty() => text.to_owned(),
        _ => format!("{namespace}/{text}"),
    }
}
