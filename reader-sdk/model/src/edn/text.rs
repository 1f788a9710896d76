//! Strings and characters, and their escapes.

use std::char;

use super::error::{Fault, quote};

/// Names of characters that would not show.
const NAMED: [(&str, char); 6] = [
    ("newline", '\n'),
    ("return", '\r'),
    ("space", ' '),
    ("tab", '\t'),
    ("formfeed", '\u{c}'),
    ("backspace", '\u{8}'),
];

/// The name of a character that has one.
pub(super) fn char_name(c: char) -> Option<&'static str> {
    NAMED.iter().find(|(_, named)| *named == c).map(|(name, _)| *name)
}

/// Reads what follows the backslash of a character. Says what would have been right.
pub(super) fn parse_char(token: &str) -> Result<char, String> {
    let mut chars = token.chars();
    if let (Some(c), None) = (chars.next(), chars.next()) {
        return Ok(c);
    }
    if let Some((_, c)) = NAMED.iter().find(|(name, _)| *name == token) {
        return Ok(*c);
    }
    if let Some(hex) = token.strip_prefix('u') {
        let code = hex4(hex).filter(|_| hex.len() == 4);
        return code
            .and_then(|code| char::from_u32(u32::from(code)))
            .ok_or_else(|| "\\u with the four hexadecimal digits of a character".into());
    }
    if let Some(octal) = token.strip_prefix('o') {
        return octal_char(octal).ok_or_else(|| "\\o with an octal number up to 377".into());
    }
    let names: Vec<&str> = NAMED.iter().map(|(name, _)| *name).collect();
    Err(format!("a single character or one of {}, uXXXX, oNNN", names.join(", ")))
}

/// Reads a string from its opening quote at `start`; gives it and the offset after its end.
pub(super) fn parse_string(text: &str, start: usize) -> Result<(String, usize), Fault> {
    let mut out = String::new();
    let mut at = start + 1;
    loop {
        let rest = &text[at..];
        let Some(stop) = rest.bytes().position(|byte| byte == b'"' || byte == b'\\') else {
            return Err(unclosed(text, start));
        };
        out.push_str(&rest[..stop]);
        at += stop;
        if rest.as_bytes()[stop] == b'"' {
            return Ok((out, at + 1));
        }
        let (c, next) = parse_escape(text, start, at)?;
        out.push(c);
        at = next;
    }
}

fn unclosed(text: &str, start: usize) -> Fault {
    let (line, column) = super::error::position(text, start);
    Fault::new(
        text.len(),
        format!("`\"` to close the string opened at line {line}, column {column}"),
        "the end of the text",
    )
}

/// Reads the escape whose backslash is at `at`; gives the character and the offset after it.
fn parse_escape(text: &str, start: usize, at: usize) -> Result<(char, usize), Fault> {
    let rest = &text[at + 1..];
    let Some(first) = rest.chars().next() else { return Err(unclosed(text, start)) };
    let simple = match first {
        't' => '\t',
        'r' => '\r',
        'n' => '\n',
        'b' => '\u{8}',
        'f' => '\u{c}',
        '\\' | '"' => first,
        'u' => return unicode_escape(text, at),
        '0'..='7' => return octal_escape(text, at),
        _ => {
            let found = quote(&text[at..at + 1 + first.len_utf8()]);
            let expected = r#"one of the escapes \t \r \n \b \f \\ \" \uXXXX \NNN"#;
            return Err(Fault::new(at, expected, found));
        }
    };
    Ok((simple, at + 2))
}

/// `\uXXXX`, or two of them that are the halves of a surrogate pair.
fn unicode_escape(text: &str, at: usize) -> Result<(char, usize), Fault> {
    let fault = |expected: &str| {
        let shown: String = text[at..].chars().take(6).collect();
        Fault::new(at, expected, quote(&shown))
    };
    let unit = text.get(at + 2..at + 6).and_then(hex4);
    let Some(unit) = unit else { return Err(fault("\\u and four hexadecimal digits")) };
    if let Some(c) = char::from_u32(u32::from(unit)) {
        return Ok((c, at + 6));
    }
    let low = text.get(at + 6..at + 8).filter(|mark| *mark == "\\u");
    let low = low.and_then(|_| text.get(at + 8..at + 12)).and_then(hex4);
    let pair = [unit, low.unwrap_or(0)];
    match char::decode_utf16(pair).next() {
        Some(Ok(c)) if low.is_some() => Ok((c, at + 12)),
        _ => Err(fault("both halves of a surrogate pair, as in \\ud83d\\ude00")),
    }
}

fn octal_escape(text: &str, at: usize) -> Result<(char, usize), Fault> {
    let digits = text[at + 1..].bytes().take(3).take_while(|b| (b'0'..=b'7').contains(b)).count();
    let end = at + 1 + digits;
    match octal_char(&text[at + 1..end]) {
        Some(c) => Ok((c, end)),
        None => Err(Fault::new(at, "an octal escape up to \\377", quote(&text[at..end]))),
    }
}

fn octal_char(digits: &str) -> Option<char> {
    if digits.is_empty() || digits.len() > 3 || digits.starts_with('+') {
        return None;
    }
    u8::from_str_radix(digits, 8).ok().map(char::from)
}

/// The number that exactly four hexadecimal digits make.
fn hex4(digits: &str) -> Option<u16> {
    if digits.len() != 4 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u16::from_str_radix(digits, 16).ok()
}
