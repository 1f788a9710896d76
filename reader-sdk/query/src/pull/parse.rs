//! From forms to patterns.
//!
//! ```text
//! pattern   = [spec+]
//! spec      = attribute | * | "*" | {(attribute (pattern | recursion))+}
//! attribute = :a | [:a option+] | (:a option+) | (limit :a n) | (default :a any)
//! option    = :as any | :limit (n | nil) | :default any | :xform symbol
//! recursion = n | ...
//! ```
//!
//! A name that begins with an underscore, as in `:book/_authors`, follows the attribute backwards.

use duramen_model::edn::Edn;
use duramen_model::{Form, Keyword, Span, Value};

use super::pattern::{AttributeSpec, LIMIT_DEFAULT, Next, PullPattern};
use super::{PullError, PullErrorKind};

/// Patterns within patterns. Reading text stops at the same depth.
const DEPTH_MAX: usize = 128;

/// Takes a form for a pattern.
pub(super) fn pattern(form: &Form) -> Result<PullPattern, PullError> {
    nested(form, 0)
}

fn nested(form: &Form, depth: usize) -> Result<PullPattern, PullError> {
    if depth > DEPTH_MAX {
        return Err(malformed(form.span, format!("patterns nest at most {DEPTH_MAX} deep")));
    }
    let Some(specs) = form.as_sequence() else {
        return Err(expected("a pull pattern such as [:db/id :person/name]", form));
    };
    if specs.is_empty() {
        return Err(malformed(form.span, "a pull pattern asks for at least one attribute"));
    }
    let mut pattern = PullPattern::default();
    for spec in specs {
        if is_name(spec, "*") {
            pattern.wildcard = true;
        } else if let Edn::Map(entries) = &spec.edn {
            map_spec(entries, spec.span, depth, &mut pattern.attributes)?;
        } else {
            pattern.attributes.push(attribute(spec)?);
        }
    }
    Ok(pattern)
}

fn map_spec(
    entries: &[(Form, Form)],
    span: Span,
    depth: usize,
    attributes: &mut Vec<AttributeSpec>,
) -> Result<(), PullError> {
    if entries.is_empty() {
        return Err(malformed(span, "a map in a pull pattern names at least one attribute"));
    }
    for (key, value) in entries {
        let spec = attribute(key)?;
        if spec.is_id() {
            return Err(malformed(key.span, ":db/id is not a reference that can be followed"));
        }
        attributes.push(AttributeSpec { next: next(value, depth)?, ..spec });
    }
    Ok(())
}

fn next(form: &Form, depth: usize) -> Result<Next, PullError> {
    match &form.edn {
        Edn::Value(Value::Symbol(symbol)) if symbol.text() == "..." => Ok(Next::Recursion(None)),
        Edn::Value(Value::Long(levels)) => match u32::try_from(*levels) {
            Ok(levels) if levels > 0 => Ok(Next::Recursion(Some(levels))),
            _ => Err(malformed(form.span, format!("recursion goes 1 level or more, not {levels}"))),
        },
        Edn::Vector(_) | Edn::List(_) => Ok(Next::Pattern(nested(form, depth + 1)?)),
        _ => Err(expected("a pattern, a number of levels, or ...", form)),
    }
}

fn attribute(form: &Form) -> Result<AttributeSpec, PullError> {
    if let Some(name) = form.as_keyword() {
        return Ok(AttributeSpec::plain(name, form.span));
    }
    match form.as_sequence() {
        Some([first, rest @ ..]) if first.as_keyword().is_some() => with_options(first, rest),
        Some([first, name, argument]) if is_name(first, "limit") => {
            Ok(AttributeSpec { limit: limit(argument)?, ..named(name)? })
        }
        Some([first, name, argument]) if is_name(first, "default") => {
            Ok(AttributeSpec { default: Some(argument.edn.clone()), ..named(name)? })
        }
        _ => Err(expected("an attribute such as :person/name or [:person/name :as :name]", form)),
    }
}

fn named(form: &Form) -> Result<AttributeSpec, PullError> {
    let name = form.as_keyword().ok_or_else(|| expected("the name of an attribute", form))?;
    Ok(AttributeSpec::plain(name, form.span))
}

fn with_options(name: &Form, options: &[Form]) -> Result<AttributeSpec, PullError> {
    let mut spec = named(name)?;
    for option in options.chunks(2) {
        let [key, argument] = option else {
            return Err(malformed(name.span, "every option of an attribute has a value"));
        };
        match key.as_keyword().map(Keyword::text) {
            Some("as") => spec.key = argument.edn.clone(),
            Some("limit") => spec.limit = limit(argument)?,
            Some("default") => spec.default = Some(argument.edn.clone()),
            Some("xform") => {
                let symbol = argument.as_symbol();
                let symbol = symbol.ok_or_else(|| expected("the name of a function", argument))?;
                spec.transform = Some(symbol.clone());
            }
            _ => return Err(expected("one of :as, :limit, :default, :xform", key)),
        }
    }
    Ok(spec)
}

fn limit(form: &Form) -> Result<Option<usize>, PullError> {
    match &form.edn {
        Edn::Nil => Ok(None),
        Edn::Value(Value::Long(limit)) if *limit > 0 => {
            Ok(Some(usize::try_from(*limit).unwrap_or(usize::MAX)))
        }
        Edn::Value(Value::Long(limit)) => {
            Err(malformed(form.span, format!("a limit is at least 1, not {limit}")))
        }
        _ => Err(expected("a limit: a positive integer, or nil for none", form)),
    }
}

impl AttributeSpec {
    /// An attribute without options.
    fn plain(name: &Keyword, span: Span) -> Self {
        let (attribute, reverse) = match name.name().strip_prefix('_') {
            Some(forward) if !forward.is_empty() => {
                let forward = match name.namespace() {
                    Some(namespace) => Keyword::qualified(namespace, forward),
                    None => Keyword::new(forward),
                };
                (forward, true)
            }
            _ => (name.clone(), false),
        };
        Self {
            name: attribute,
            reverse,
            key: Edn::from(name.clone()),
            limit: Some(LIMIT_DEFAULT),
            default: None,
            transform: None,
            next: Next::Plain,
            span,
        }
    }

    /// Whether the id of the entity itself is asked for.
    pub(super) fn is_id(&self) -> bool {
        !self.reverse && self.name.text() == "db/id"
    }
}

fn is_name(form: &Form, name: &str) -> bool {
    form.as_symbol().map(|symbol| symbol.text()).or(form.as_str()) == Some(name)
}

fn expected(what: &str, form: &Form) -> PullError {
    malformed(form.span, format!("expected {what}, found {}", form.edn.kind()))
}

fn malformed(span: Span, message: impl Into<String>) -> PullError {
    PullError::at(PullErrorKind::Malformed, span, message)
}
