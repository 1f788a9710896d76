//! The grammar of symbols, keywords and tags.

use super::lexer::is_blank;

/// Checks the text of a symbol; says what is wrong with it.
///
/// A symbol is a name, or a namespace, a slash and a name. `/` alone is a name, and so is the
/// second slash of `clojure.core//`.
pub(super) fn check_symbol(text: &str) -> Result<(), &'static str> {
    if matches!(text, "nil" | "true" | "false") {
        return Err("a symbol other than nil, true and false");
    }
    check(text, false)
}

/// Checks the text of a keyword without its colon; says what is wrong with it.
///
/// Other than in a symbol a part may begin with a digit, as in `:2024` and `:size/2x`: Clojure
/// reads these, and data from elsewhere has them.
pub(super) fn check_keyword(text: &str) -> Result<(), &'static str> {
    if text.starts_with('/') {
        return Err("a keyword whose name does not begin with a slash");
    }
    if text.starts_with(':') {
        return Err("a keyword with one colon: EDN has no `::`, write the namespace out");
    }
    check(text, true)
}

fn check(text: &str, digit_first: bool) -> Result<(), &'static str> {
    if text == "/" {
        return Ok(());
    }
    match text.find('/') {
        None => check_part(text, digit_first),
        Some(slash) => {
            let (namespace, name) = (&text[..slash], &text[slash + 1..]);
            if namespace.is_empty() || name.is_empty() {
                return Err("a name on both sides of the slash");
            }
            check_part(namespace, digit_first)?;
            if name == "/" { Ok(()) } else { check_part(name, digit_first) }
        }
    }
}

/// Checks a namespace, or a name without one.
pub(super) fn check_part(part: &str, digit_first: bool) -> Result<(), &'static str> {
    let mut chars = part.chars();
    let Some(first) = chars.next() else { return Err("a name") };
    if first.is_ascii_digit() && !digit_first {
        return Err("a name that does not begin with a digit");
    }
    if matches!(first, '+' | '-' | '.')
        && !digit_first
        && chars.clone().next().is_some_and(|second| second.is_ascii_digit())
    {
        return Err("a name, or a number with a digit before the point");
    }
    if matches!(first, ':' | '#' | '\'') {
        return Err("a name that begins with a letter or one of . * + ! - _ ? $ % & = < > |");
    }
    if part.ends_with(':') || part.contains("::") {
        return Err("a name with single colons only, and none at its end");
    }
    if part.contains('/') {
        return Err("one slash, between a namespace and a name");
    }
    if part.chars().all(is_name_char) {
        Ok(())
    } else {
        Err("a name of letters, digits and . * + ! - _ ? $ % & = < > : # ' |")
    }
}

/// True for the characters that names are made of. EDN names the ASCII ones; of the others all
/// are taken that are not white space or control characters, as Clojure does.
fn is_name_char(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_alphanumeric() || ".*+!-_?$%&=<>:#'|".contains(c)
    } else {
        !is_blank(c) && !c.is_control()
    }
}
