//! From EDN to a checked [`Query`].
//!
//! A query is a vector of sections (`[:find … :in … :where …]`), a map of them, or the text of
//! either. The parser refuses whatever does not follow the grammar, with the place in the text;
//! what needs the inputs (rules, schemas) is refused when the query is prepared, still before it
//! runs.

mod binding;
mod clause;
mod find;
mod finish;
mod rules;
mod term;

use std::sync::Arc;

use duramen_model::{Edn, Form, Keyword, Span, edn};

use crate::ast::{Amount, Clause, InputBinding, Query, QueryParts, Variable};
use crate::error::QueryError;
use crate::query::Memo;

pub(crate) use rules::parse_rules;

/// Clauses within clauses that are accepted.
pub(crate) const DEPTH_MAX: usize = 64;

const SECTIONS: [&str; 12] = [
    "find", "with", "in", "where", "keys", "strs", "syms", "having", "order-by", "limit", "offset",
    "timeout",
];

/// Sections that a map may give a single form for.
const SINGLE: [&str; 4] = ["order-by", "limit", "offset", "timeout"];

impl Query {
    /// Reads a query from text.
    ///
    /// ```
    /// # use duramen_query::{Query, QueryErrorKind};
    /// let error = Query::parse("[:where [?a :author/name ?n]]").unwrap_err();
    /// assert_eq!(error.kind, QueryErrorKind::Malformed);
    /// ```
    ///
    /// # Errors
    /// When the text is not EDN, or not a query; the error says where.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let form = edn::read(text).map_err(|error| {
            let start = u32::try_from(error.offset).unwrap_or(u32::MAX);
            let end = start.saturating_add(1).min(u32::try_from(text.len()).unwrap_or(u32::MAX));
            let span = Span { start, end: end.max(start) };
            QueryError::malformed(span, error.to_string())
        })?;
        if form.as_str().is_some() {
            return Self::from_form(&form);
        }
        Self::of(&form, text.into(), DEPTH_MAX)
    }

    /// Reads a query from EDN: a vector, a map, or a string that holds either.
    ///
    /// # Errors
    /// When the form is not a query; the error says where.
    pub fn from_form(form: &Form) -> Result<Self, QueryError> {
        match form.as_str() {
            Some(text) => Self::parse(text),
            None => Self::of(form, form.to_string().into(), DEPTH_MAX),
        }
    }

    /// Reads a query that stands within another.
    pub(crate) fn nested(form: &Form, depth: usize) -> Result<Self, QueryError> {
        Self::of(form, Arc::from(""), depth)
    }

    fn of(form: &Form, text: Arc<str>, depth: usize) -> Result<Self, QueryError> {
        let parts = Sections::split(form, depth)?.query(text)?;
        let query = Self { parts: Arc::new(parts) };
        query.check_find_is_bindable()?;
        Ok(query)
    }

    /// Find and `:with` name variables that something in the query could bind. Whether it really
    /// does is for the planner, which knows the rules.
    fn check_find_is_bindable(&self) -> Result<(), QueryError> {
        let bound = clause::variables_of(&self.parts.clauses, &self.parts.inputs);
        let wanted = self.parts.find.elements.iter().map(crate::ast::Element::variable);
        for variable in wanted.chain(&self.parts.with) {
            if !bound.contains(&variable.name) {
                return Err(unbound(variable));
            }
        }
        Ok(())
    }
}

pub(crate) fn unbound(variable: &Variable) -> QueryError {
    QueryError::unbound(variable.span, format!("nothing binds {}", variable.name))
}

fn is_direction(keyword: &Keyword) -> bool {
    matches!(keyword.text(), "asc" | "desc")
}

/// Whether a section holds one aggregate without brackets around it: `{:order-by (count ?x)}`.
fn is_call(keyword: &Keyword, value: &Form) -> bool {
    keyword.text() == "order-by" && matches!(value.edn, Edn::List(_))
}

/// The forms after each section's keyword.
struct Sections<'a> {
    span: Span,
    /// How deep clauses may be nested.
    depth: usize,
    sections: Vec<(&'a Keyword, Span, Vec<&'a Form>)>,
}

impl<'a> Sections<'a> {
    fn split(form: &'a Form, depth: usize) -> Result<Self, QueryError> {
        let mut sections = Self { span: form.span, depth, sections: Vec::new() };
        match &form.edn {
            Edn::Vector(forms) | Edn::List(forms) => sections.split_vector(forms)?,
            Edn::Map(entries) => sections.split_map(entries)?,
            other => {
                let message = format!("a query is a vector or a map, not {}", other.kind());
                return Err(QueryError::malformed(form.span, message));
            }
        }
        Ok(sections)
    }

    fn split_vector(&mut self, forms: &'a [Form]) -> Result<(), QueryError> {
        for form in forms {
            match (form.as_keyword(), self.sections.last_mut()) {
                // A direction belongs to what it stands behind.
                (Some(keyword), Some((section, _, content)))
                    if section.text() == "order-by" && is_direction(keyword) =>
                {
                    content.push(form);
                }
                (Some(keyword), _) => self.begin(keyword, form.span)?,
                (None, Some((_, _, content))) => content.push(form),
                (None, None) => {
                    let message = "a query begins with the keyword of a section, such as :find";
                    return Err(QueryError::malformed(form.span, message));
                }
            }
        }
        Ok(())
    }

    fn split_map(&mut self, entries: &'a [(Form, Form)]) -> Result<(), QueryError> {
        for (key, value) in entries {
            let keyword = key.as_keyword().ok_or_else(|| {
                QueryError::malformed(key.span, "the keys of a query are keywords")
            })?;
            self.begin(keyword, key.span)?;
            let content = match &value.edn {
                Edn::Vector(forms) | Edn::List(forms) if !is_call(keyword, value) => {
                    forms.as_slice()
                }
                _ if SINGLE.contains(&keyword.text()) => std::slice::from_ref(value),
                _ => {
                    let message = format!("{keyword} takes a vector");
                    return Err(QueryError::malformed(value.span, message));
                }
            };
            if let Some((_, _, forms)) = self.sections.last_mut() {
                forms.extend(content);
            }
        }
        Ok(())
    }

    fn begin(&mut self, keyword: &'a Keyword, span: Span) -> Result<(), QueryError> {
        if keyword.namespace().is_some() || !SECTIONS.contains(&keyword.name()) {
            let known = SECTIONS.map(|name| format!(":{name}")).join(" ");
            let message = format!("no section {keyword}: a query has {known}");
            return Err(QueryError::malformed(span, message));
        }
        if self.sections.iter().any(|(own, _, _)| *own == keyword) {
            return Err(QueryError::malformed(span, format!("{keyword} stands twice")));
        }
        self.sections.push((keyword, span, Vec::new()));
        Ok(())
    }

    fn get(&self, name: &str) -> Option<(Span, &[&'a Form])> {
        self.sections
            .iter()
            .find(|(keyword, _, _)| keyword.text() == name)
            .map(|(_, span, forms)| (*span, forms.as_slice()))
    }

    fn query(&self, text: Arc<str>) -> Result<QueryParts, QueryError> {
        let (span, forms) =
            self.get("find").ok_or_else(|| QueryError::malformed(self.span, "no :find"))?;
        let mut find = find::parse_find(span, forms)?;
        find.keys = self.keys(&find)?;
        let with = match self.get("with") {
            Some((_, forms)) => forms.iter().map(|form| term::variable(form)).collect(),
            None => Ok(Vec::new()),
        }?;
        let order = self.get("order-by").map(|(span, forms)| finish::parse_order(span, forms));
        let timeout = self.get("timeout").map(|(span, forms)| finish::parse_timeout(span, forms));
        let having = self.get("having").map(|(_, forms)| finish::parse_having(forms));
        Ok(QueryParts {
            text,
            memo: Memo::default(),
            find,
            with,
            inputs: self.inputs()?,
            clauses: self.clauses()?,
            having: having.transpose()?.unwrap_or_default(),
            order: order.transpose()?.unwrap_or_default(),
            limit: self.amount("limit")?,
            offset: self.amount("offset")?,
            timeout: timeout.transpose()?,
        })
    }

    fn amount(&self, section: &str) -> Result<Option<Amount>, QueryError> {
        let amount = |(span, forms): (Span, &[&Form])| finish::parse_amount(section, span, forms);
        self.get(section).map(amount).transpose()
    }

    fn keys(&self, find: &crate::ast::Find) -> Result<Option<Vec<Edn>>, QueryError> {
        let mut keys = None;
        for name in ["keys", "strs", "syms"] {
            let Some((span, forms)) = self.get(name) else { continue };
            if keys.is_some() {
                let message = "only one of :keys, :strs and :syms";
                return Err(QueryError::malformed(span, message));
            }
            keys = Some(find::parse_keys(name, span, forms, find)?);
        }
        Ok(keys)
    }

    fn inputs(&self) -> Result<Vec<InputBinding>, QueryError> {
        match self.get("in") {
            Some((_, forms)) => binding::parse_inputs(forms),
            None => Ok(vec![binding::default_source()]),
        }
    }

    fn clauses(&self) -> Result<Vec<Clause>, QueryError> {
        let Some((_, forms)) = self.get("where") else { return Ok(Vec::new()) };
        let mut clauses = Vec::with_capacity(forms.len());
        for form in forms {
            clause::parse_into(form, self.depth, &mut clauses)?;
        }
        Ok(clauses)
    }
}
