//! From EDN to a checked [`Query`].
//!
//! A query is a vector of sections (`[:find … :in … :where …]`), a map of them, or the text of
//! either. The parser refuses whatever does not follow the grammar, with the place in the text;
//! what needs the inputs (rules, schemas) is refused when the query is prepared, still before it
//! runs.

mod binding;
mod clause;
mod find;
mod rules;
mod term;

use duramen_model::{Edn, Form, Keyword, Span, edn};

use crate::ast::{Clause, InputBinding, Query, Variable};
use crate::error::QueryError;

pub(crate) use rules::parse_rules;

/// Clauses within clauses that are accepted.
pub(crate) const DEPTH_MAX: usize = 64;

const SECTIONS: [&str; 7] = ["find", "with", "in", "where", "keys", "strs", "syms"];

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
        Self::from_form(&form)
    }

    /// Reads a query from EDN: a vector, a map, or a string that holds either.
    ///
    /// # Errors
    /// When the form is not a query; the error says where.
    pub fn from_form(form: &Form) -> Result<Self, QueryError> {
        if let Some(text) = form.as_str() {
            return Self::parse(text);
        }
        let sections = Sections::split(form)?;
        let query = sections.query()?;
        query.check_find_is_bindable()?;
        Ok(query)
    }

    /// Find and `:with` name variables that something in the query could bind. Whether it really
    /// does is for the planner, which knows the rules.
    fn check_find_is_bindable(&self) -> Result<(), QueryError> {
        let bound = clause::variables_of(&self.clauses, &self.inputs);
        let wanted = self.find.elements.iter().map(crate::ast::Element::variable);
        for variable in wanted.chain(&self.with) {
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

/// The forms after each section's keyword.
struct Sections<'a> {
    span: Span,
    sections: Vec<(&'a Keyword, Span, Vec<&'a Form>)>,
}

impl<'a> Sections<'a> {
    fn split(form: &'a Form) -> Result<Self, QueryError> {
        let mut sections = Self { span: form.span, sections: Vec::new() };
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
            let content = value.as_sequence().ok_or_else(|| {
                QueryError::malformed(value.span, format!("{keyword} takes a vector"))
            })?;
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

    fn query(&self) -> Result<Query, QueryError> {
        let (span, forms) =
            self.get("find").ok_or_else(|| QueryError::malformed(self.span, "no :find"))?;
        let mut find = find::parse_find(span, forms)?;
        find.keys = self.keys(&find)?;
        let with = match self.get("with") {
            Some((_, forms)) => forms.iter().map(|form| term::variable(form)).collect(),
            None => Ok(Vec::new()),
        }?;
        let inputs = self.inputs()?;
        let clauses = self.clauses()?;
        Ok(Query { find, with, inputs, clauses })
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
            clause::parse_into(form, DEPTH_MAX, &mut clauses)?;
        }
        Ok(clauses)
    }
}
