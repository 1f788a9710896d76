//! From forms to text.
//!
//! What is printed reads back as the same form, with three exceptions that the text cannot
//! show: a float reads as a double, a reference as a long, a tuple as a vector. Nesting costs
//! memory and not stack.

use std::fmt::{self, Display, Formatter, Write};
use std::slice;

use bigdecimal::BigDecimal;
use num_bigint::Sign;

use crate::Value;

use super::text::char_name;
use super::{Edn, Form};

impl Display for Form {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        print(Piece::Edn(&self.edn), f)
    }
}

impl Display for Edn {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        print(Piece::Edn(self), f)
    }
}

/// As EDN, so a string has quotes.
impl Display for Value {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        print(Piece::Value(self), f)
    }
}

/// Something to print.
enum Piece<'a> {
    Edn(&'a Edn),
    Value(&'a Value),
    Nil,
}

/// The members of a collection that are still to print.
enum Members<'a> {
    Forms(slice::Iter<'a, Form>),
    Entries(slice::Iter<'a, (Form, Form)>),
    /// The value of an entry whose key is printed, then the other entries.
    Entry(&'a Form, slice::Iter<'a, (Form, Form)>),
    Tuple(slice::Iter<'a, Option<Value>>),
}

impl<'a> Members<'a> {
    fn next(&mut self) -> Option<Piece<'a>> {
        match self {
            Self::Forms(forms) => forms.next().map(|form| Piece::Edn(&form.edn)),
            Self::Tuple(values) => {
                values.next().map(|v| v.as_ref().map_or(Piece::Nil, Piece::Value))
            }
            Self::Entries(entries) => {
                let (key, value) = entries.next()?;
                *self = Self::Entry(value, entries.clone());
                Some(Piece::Edn(&key.edn))
            }
            Self::Entry(value, entries) => {
                let value = &value.edn;
                *self = Self::Entries(entries.clone());
                Some(Piece::Edn(value))
            }
        }
    }
}

/// A collection that is being printed.
struct Open<'a> {
    members: Members<'a>,
    closing: &'static str,
    begun: bool,
}

fn print(first: Piece<'_>, f: &mut impl Write) -> fmt::Result {
    let mut stack = Vec::new();
    stack.extend(print_head(first, f)?);
    while let Some(open) = stack.last_mut() {
        let Open { members, closing, begun } = open;
        let Some(piece) = members.next() else {
            f.write_str(closing)?;
            stack.pop();
            continue;
        };
        if std::mem::replace(begun, true) {
            f.write_char(' ')?;
        }
        stack.extend(print_head(piece, f)?);
    }
    Ok(())
}

/// Prints a scalar, or the beginning of a collection that is then to be continued.
fn print_head<'a>(piece: Piece<'a>, f: &mut impl Write) -> Result<Option<Open<'a>>, fmt::Error> {
    let (opening, members, closing) = match piece {
        Piece::Nil | Piece::Edn(Edn::Nil) => {
            f.write_str("nil")?;
            return Ok(None);
        }
        Piece::Edn(Edn::Character(c)) => {
            print_char(*c, f)?;
            return Ok(None);
        }
        Piece::Edn(Edn::Tagged(tag, form)) => {
            write!(f, "#{tag} ")?;
            ("", Members::Forms(slice::from_ref(&**form).iter()), "")
        }
        Piece::Value(Value::Tuple(values)) | Piece::Edn(Edn::Value(Value::Tuple(values))) => {
            ("[", Members::Tuple(values.iter()), "]")
        }
        Piece::Value(value) | Piece::Edn(Edn::Value(value)) => {
            print_scalar(value, f)?;
            return Ok(None);
        }
        Piece::Edn(Edn::List(forms)) => ("(", Members::Forms(forms.iter()), ")"),
        Piece::Edn(Edn::Vector(forms)) => ("[", Members::Forms(forms.iter()), "]"),
        Piece::Edn(Edn::Set(forms)) => ("#{", Members::Forms(forms.iter()), "}"),
        Piece::Edn(Edn::Map(entries)) => ("{", Members::Entries(entries.iter()), "}"),
    };
    f.write_str(opening)?;
    Ok(Some(Open { members, closing, begun: false }))
}

fn print_scalar(value: &Value, f: &mut impl Write) -> fmt::Result {
    match value {
        Value::Boolean(v) => write!(f, "{v}"),
        Value::Long(v) => write!(f, "{v}"),
        Value::Double(v) if v.is_nan() => f.write_str("##NaN"),
        Value::Double(v) if v.is_infinite() => f.write_str(infinity(*v)),
        // Debug is the shortest text that reads back as the same number, always with a point or
        // an exponent.
        Value::Double(v) => write!(f, "{v:?}"),
        Value::Float(v) if v.is_nan() => f.write_str("##NaN"),
        Value::Float(v) if v.is_infinite() => f.write_str(infinity(f64::from(*v))),
        Value::Float(v) => write!(f, "{v:?}"),
        Value::BigInt(v) => write!(f, "{v}N"),
        Value::BigDec(v) => print_decimal(v, f),
        Value::String(v) => print_string(v, f),
        Value::Keyword(v) => write!(f, "{v}"),
        Value::Symbol(v) => write!(f, "{v}"),
        Value::Instant(v) => write!(f, "#inst \"{v}\""),
        Value::Uuid(v) => write!(f, "#uuid \"{v}\""),
        Value::Uri(v) => {
            f.write_str("#uri ")?;
            print_string(v, f)
        }
        Value::Bytes(v) => print_bytes(v, f),
        Value::Ref(v) => write!(f, "{v}"),
        // Collections are opened by the caller.
        Value::Tuple(_) => Ok(()),
    }
}

fn infinity(number: f64) -> &'static str {
    if number > 0.0 { "##Inf" } else { "##-Inf" }
}

/// Prints digits and scale as they are, so that `1.00M` stays `1.00M`; with an exponent where
/// the zeros would get long, by the rule of Java's `BigDecimal`.
fn print_decimal(decimal: &BigDecimal, f: &mut impl Write) -> fmt::Result {
    const ZEROS_SHOWN_MAX: i128 = 6;
    let (number, scale) = decimal.as_bigint_and_exponent();
    let digits = number.magnitude().to_string();
    if number.sign() == Sign::Minus {
        f.write_char('-')?;
    }
    // Of the first digit. In 128 bits nothing overflows.
    let exponent = digits.len() as i128 - 1 - i128::from(scale);
    if scale == 0 {
        write!(f, "{digits}M")
    } else if scale > 0 && exponent >= 0 {
        let point = usize::try_from(exponent).unwrap_or(usize::MAX).saturating_add(1);
        let (whole, fraction) = digits.split_at(point.min(digits.len()));
        write!(f, "{whole}.{fraction}M")
    } else if scale > 0 && exponent >= -ZEROS_SHOWN_MAX {
        let zeros = usize::try_from(-exponent - 1).unwrap_or(0);
        write!(f, "0.{}{digits}M", "0".repeat(zeros))
    } else {
        let (first, rest) = digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        write!(f, "{first}{point}{rest}E{exponent:+}M")
    }
}

fn print_bytes(bytes: &[u8], f: &mut impl Write) -> fmt::Result {
    f.write_str("#bytes \"")?;
    for byte in bytes {
        write!(f, "{byte:02x}")?;
    }
    f.write_char('"')
}

fn print_string(text: &str, f: &mut impl Write) -> fmt::Result {
    f.write_char('"')?;
    let mut plain_start = 0;
    for (at, c) in text.char_indices() {
        let escape = match c {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            '\u{8}' => "\\b",
            '\u{c}' => "\\f",
            c if c.is_control() => "",
            _ => continue,
        };
        f.write_str(&text[plain_start..at])?;
        plain_start = at + c.len_utf8();
        if escape.is_empty() {
            write!(f, "\\u{:04x}", u32::from(c))?;
        } else {
            f.write_str(escape)?;
        }
    }
    f.write_str(&text[plain_start..])?;
    f.write_char('"')
}

fn print_char(c: char, f: &mut impl Write) -> fmt::Result {
    match char_name(c) {
        Some(name) => write!(f, "\\{name}"),
        // All of these are below U+10000, so that four digits are enough.
        None if c.is_control() || c.is_whitespace() => write!(f, "\\u{:04x}", u32::from(c)),
        None => write!(f, "\\{c}"),
    }
}
