//! Text, names and regular expressions.

use std::sync::Arc;

use duramen_model::{Keyword, Symbol, Value};
use regex::Captures;

use super::{Builtin, MANY, Outcome, builtin};
use crate::cell::{Cell, Pattern};

pub(super) const TABLE: &[Builtin] = &[
    builtin("str", 0, MANY, |cells| concatenated(cells).map(Cell::string)),
    builtin("subs", 2, 3, subs),
    builtin("name", 1, 1, name),
    builtin("namespace", 1, 1, namespace),
    builtin("keyword", 1, 2, keyword),
    builtin("symbol", 1, 2, symbol),
    builtin("re-pattern", 1, 1, |cells| pattern(&cells[0]).map(Cell::Pattern)),
    builtin("re-find", 2, 2, re_find),
    builtin("re-matches", 2, 2, re_matches),
    builtin("re-seq", 2, 2, re_seq),
    builtin("clojure.string/upper-case", 1, 1, |cells| {
        Ok(Cell::string(text(&cells[0])?.to_uppercase()))
    }),
    builtin("clojure.string/lower-case", 1, 1, |cells| {
        Ok(Cell::string(text(&cells[0])?.to_lowercase()))
    }),
    builtin("clojure.string/capitalize", 1, 1, capitalize),
    builtin("clojure.string/trim", 1, 1, |cells| Ok(Cell::string(text(&cells[0])?.trim()))),
    builtin("clojure.string/triml", 1, 1, |cells| Ok(Cell::string(text(&cells[0])?.trim_start()))),
    builtin("clojure.string/trimr", 1, 1, |cells| Ok(Cell::string(text(&cells[0])?.trim_end()))),
    builtin("clojure.string/blank?", 1, 1, |cells| match &cells[0] {
        Cell::Nil => Ok(Cell::boolean(true)),
        cell => Ok(Cell::boolean(text(cell)?.trim().is_empty())),
    }),
    builtin("clojure.string/starts-with?", 2, 2, |cells| {
        Ok(Cell::boolean(text(&cells[0])?.starts_with(text(&cells[1])?)))
    }),
    builtin("clojure.string/ends-with?", 2, 2, |cells| {
        Ok(Cell::boolean(text(&cells[0])?.ends_with(text(&cells[1])?)))
    }),
    builtin("clojure.string/includes?", 2, 2, |cells| {
        Ok(Cell::boolean(text(&cells[0])?.contains(text(&cells[1])?)))
    }),
    builtin("clojure.string/index-of", 2, 2, index_of),
    builtin("clojure.string/join", 1, 2, join),
    builtin("clojure.string/split", 2, 2, split),
    builtin("clojure.string/replace", 3, 3, replace),
    builtin("clojure.string/reverse", 1, 1, |cells| {
        Ok(Cell::string(text(&cells[0])?.chars().rev().collect::<String>()))
    }),
];

/// Bytes of a text that a function makes: a query could double one in every round of a rule.
const TEXT_BYTES_MAX: usize = 16 << 20;

fn checked(bytes: usize) -> Result<(), String> {
    if bytes > TEXT_BYTES_MAX {
        return Err(format!("a text of more than {TEXT_BYTES_MAX} bytes"));
    }
    Ok(())
}

fn text(cell: &Cell) -> Result<&str, String> {
    match cell {
        Cell::Value(Value::String(text)) => Ok(text),
        other => Err(format!("expected a string, found {}", other.kind())),
    }
}

/// What `str` makes of its arguments: text and characters bare, nil as nothing.
fn concatenated(cells: &[Cell]) -> Result<String, String> {
    let mut out = String::new();
    for cell in cells {
        match cell {
            Cell::Nil => {}
            Cell::Value(Value::String(text) | Value::Uri(text)) => out.push_str(text),
            Cell::Value(Value::Uuid(uuid)) => out.push_str(&uuid.to_string()),
            Cell::Value(Value::Instant(instant)) => out.push_str(&instant.to_string()),
            Cell::Character(character) => out.push(*character),
            Cell::Value(Value::BigInt(number)) => out.push_str(&number.to_string()),
            other => out.push_str(&other.to_edn().to_string()),
        }
        checked(out.len())?;
    }
    Ok(out)
}

fn position(cell: &Cell) -> Result<usize, String> {
    cell.as_long()
        .and_then(|number| usize::try_from(number).ok())
        .ok_or_else(|| format!("expected a position in a text, found {}", cell.to_edn()))
}

fn subs(cells: &[Cell]) -> Outcome {
    let text = text(&cells[0])?;
    let length = text.chars().count();
    let start = position(&cells[1])?;
    let end = cells.get(2).map_or(Ok(length), position)?;
    if start > end || end > length {
        return Err(format!("{start} to {end} of a text of {length} characters"));
    }
    Ok(Cell::string(text.chars().skip(start).take(end - start).collect::<String>()))
}

fn name(cells: &[Cell]) -> Outcome {
    match &cells[0] {
        Cell::Value(Value::Keyword(keyword)) => Ok(Cell::string(keyword.name())),
        Cell::Value(Value::Symbol(symbol)) => Ok(Cell::string(symbol.name())),
        Cell::Value(Value::String(_)) => Ok(cells[0].clone()),
        other => Err(format!("expected a keyword, a symbol or a string, found {}", other.kind())),
    }
}

fn namespace(cells: &[Cell]) -> Outcome {
    let namespace = match &cells[0] {
        Cell::Value(Value::Keyword(keyword)) => keyword.namespace(),
        Cell::Value(Value::Symbol(symbol)) => symbol.namespace(),
        other => return Err(format!("expected a keyword or a symbol, found {}", other.kind())),
    };
    Ok(namespace.map_or(Cell::Nil, Cell::string))
}

fn qualified(cells: &[Cell]) -> Result<String, String> {
    Ok(match cells {
        [Cell::Value(Value::Keyword(keyword))] => keyword.text().to_owned(),
        [Cell::Value(Value::Symbol(symbol))] => symbol.text().to_owned(),
        [namespace, name] => format!("{}/{}", text(namespace)?, text(name)?),
        cells => text(&cells[0])?.to_owned(),
    })
}

fn keyword(cells: &[Cell]) -> Outcome {
    Ok(Cell::Value(Value::Keyword(Keyword::new(qualified(cells)?))))
}

fn symbol(cells: &[Cell]) -> Outcome {
    Ok(Cell::Value(Value::Symbol(Symbol::new(qualified(cells)?))))
}

/// A compiled expression, or one made from text.
pub(super) fn pattern(cell: &Cell) -> Result<Arc<Pattern>, String> {
    match cell {
        Cell::Pattern(pattern) => Ok(Arc::clone(pattern)),
        Cell::Value(Value::String(text)) => Pattern::new(text).map(Arc::new),
        other => Err(format!("expected a regular expression, found {}", other.kind())),
    }
}

/// The text of a match; with groups a vector of the whole and of each group.
fn matched(captures: &Captures<'_>) -> Cell {
    let group = |at: usize| captures.get(at).map_or(Cell::Nil, |m| Cell::string(m.as_str()));
    if captures.len() == 1 { group(0) } else { Cell::vector((0..captures.len()).map(group)) }
}

fn re_find(cells: &[Cell]) -> Outcome {
    let captures = pattern(&cells[0])?;
    let captures = captures.anywhere().captures(text(&cells[1])?);
    Ok(captures.map_or(Cell::Nil, |captures| matched(&captures)))
}

fn re_matches(cells: &[Cell]) -> Outcome {
    let pattern = pattern(&cells[0])?;
    let whole = pattern.whole().ok_or("the regular expression is too large")?;
    let captures = whole.captures(text(&cells[1])?);
    Ok(captures.map_or(Cell::Nil, |captures| matched(&captures)))
}

fn re_seq(cells: &[Cell]) -> Outcome {
    let pattern = pattern(&cells[0])?;
    let text = text(&cells[1])?;
    let found: Vec<Cell> =
        pattern.anywhere().captures_iter(text).map(|captures| matched(&captures)).collect();
    Ok(if found.is_empty() { Cell::Nil } else { Cell::vector(found) })
}

fn capitalize(cells: &[Cell]) -> Outcome {
    let mut characters = text(&cells[0])?.chars();
    let first = characters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    Ok(Cell::string(first + &characters.as_str().to_lowercase()))
}

fn index_of(cells: &[Cell]) -> Outcome {
    let (whole, part) = (text(&cells[0])?, text(&cells[1])?);
    let found = whole.find(part);
    let position = |bytes: usize| i64::try_from(whole[..bytes].chars().count()).ok();
    Ok(found.and_then(position).map_or(Cell::Nil, Cell::long))
}

fn join(cells: &[Cell]) -> Outcome {
    let (separator, members) = match cells {
        [separator, members] => (concatenated(std::slice::from_ref(separator))?, members),
        cells => (String::new(), &cells[0]),
    };
    let members = members
        .members()
        .ok_or_else(|| format!("expected a collection, found {}", members.kind()))?;
    let mut joined = String::new();
    for (at, member) in members.iter().enumerate() {
        if at > 0 {
            joined.push_str(&separator);
        }
        joined.push_str(&concatenated(std::slice::from_ref(member))?);
        checked(joined.len())?;
    }
    Ok(Cell::string(joined))
}

/// Empty parts at the end are dropped, as in Clojure.
fn split(cells: &[Cell]) -> Outcome {
    let pattern = pattern(&cells[1])?;
    let mut parts: Vec<&str> = pattern.anywhere().split(text(&cells[0])?).collect();
    while parts.len() > 1 && parts.last().is_some_and(|part| part.is_empty()) {
        parts.pop();
    }
    Ok(Cell::vector(parts.into_iter().map(Cell::string)))
}

/// Text replaces text; for an expression `$1` in the replacement stands for a group.
fn replace(cells: &[Cell]) -> Outcome {
    let (whole, replacement) = (text(&cells[0])?, text(&cells[2])?);
    let mut replaced = String::new();
    let mut end = 0;
    let mut put = |from: usize, to: usize, fill: &mut dyn FnMut(&mut String)| {
        replaced.push_str(&whole[end..from]);
        fill(&mut replaced);
        end = to;
        checked(replaced.len())
    };
    match &cells[1] {
        Cell::Pattern(pattern) => {
            for captures in pattern.anywhere().captures_iter(whole) {
                let found = captures.get_match();
                let mut fill = |to: &mut String| captures.expand(replacement, to);
                put(found.start(), found.end(), &mut fill)?;
            }
        }
        part => {
            for (from, part) in whole.match_indices(text(part)?) {
                put(from, from + part.len(), &mut |to| to.push_str(replacement))?;
            }
        }
    }
    replaced.push_str(&whole[end..]);
    Ok(Cell::string(replaced))
}

/// Whether the first argument of a function is a regular expression, so that a constant text can
/// be compiled once.
pub(crate) fn takes_pattern(name: &str) -> bool {
    matches!(name, "re-find" | "re-matches" | "re-seq")
}
