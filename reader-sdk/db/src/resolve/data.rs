//! Transaction data: statements with their shape checked, and nothing known of the schema.

use std::sync::Arc;

use duramen_model::{Edn, EntityId, Form, Keyword, Span, Value};

use super::error::{TxError, TxErrorKind};

/// The temporary id that stands for the transaction itself.
const CURRENT_TX: &str = "datomic.tx";
/// The keyword that stands for the transaction itself.
const CURRENT_TX_KEYWORD: &str = "db/current-tx";

/// A transaction as an application writes it: a list of statements, each a list form such as
/// `[:db/add e a v]` or a map form such as `{:db/id e, a v}`.
///
/// The shape of every statement has been checked. Whether its attributes exist, what its strings
/// and vectors mean and whether it may be carried out depends on a database.
///
/// ```
/// # use duramen_model::{Edn, Form};
/// # use duramen_db::resolve::TxData;
/// assert!(TxData::from_form(&Form::from(Edn::Vector(vec![]))).is_ok());
/// assert!(TxData::from_form(&Form::from(Edn::Nil)).is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TxData {
    statements: Vec<Statement>,
}

/// One statement, and where it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement {
    pub(crate) span: Span,
    pub(crate) operation: Operation,
}

/// What a statement does. Values are forms still: what they mean depends on the attribute.
/// Entities are forms that a [`Place`] can be read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Operation {
    Add {
        e: Form,
        a: AttributePlace,
        v: Form,
    },
    Retract {
        e: Form,
        a: AttributePlace,
        v: Option<Form>,
    },
    Cas {
        e: Form,
        a: AttributePlace,
        old: Form,
        new: Form,
    },
    RetractEntity {
        e: Form,
    },
    /// A form that [`MapForm`] can be read from.
    Map(Form),
}

/// Several facts of one entity. It borrows its values: maps in maps would otherwise be copied once
/// for each map around them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MapForm<'f> {
    pub(crate) id: Option<Place<'f>>,
    pub(crate) entries: Vec<(AttributePlace, &'f Form)>,
}

/// An entity as a statement names it. It borrows the value of a lookup ref, which may hold more of
/// them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place<'f> {
    Id(i64),
    Temp(Arc<str>),
    CurrentTx,
    Ident(Keyword),
    Lookup(AttributePlace, &'f Form),
}

/// An attribute as a statement names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AttributePlace {
    Ident(Keyword),
    Id(EntityId),
}

impl TxData {
    /// Checks the shape of a transaction: a vector or a list of statements.
    ///
    /// # Errors
    /// [`TxErrorKind::Malformed`] says which statement is not one, and what was expected.
    pub fn from_form(form: &Form) -> Result<Self, TxError> {
        let Some(forms) = form.as_sequence() else {
            let found = form.edn.kind();
            return Err(malformed(form, format!("expected a vector of statements, found {found}")));
        };
        let statement = |(index, form): (usize, &Form)| {
            Statement::from_form(form).map_err(|error| error.at(index, form.span))
        };
        Ok(Self { statements: forms.iter().enumerate().map(statement).collect::<Result<_, _>>()? })
    }

    /// How many statements there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.statements.len()
    }

    /// Whether there are no statements. Such a transaction is accepted, and records its instant.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }

    pub(crate) fn statements(&self) -> &[Statement] {
        &self.statements
    }
}

impl Statement {
    fn from_form(form: &Form) -> Result<Self, TxError> {
        let operation = match &form.edn {
            Edn::Map(_) => MapForm::from_form(form).map(|_| Operation::Map(form.clone()))?,
            Edn::Vector(parts) | Edn::List(parts) => Operation::from_parts(form, parts)?,
            other => {
                let found = other.kind();
                let message =
                    format!("expected a statement such as [:db/add …] or a map, found {found}");
                return Err(malformed(form, message));
            }
        };
        Ok(Self { span: form.span, operation })
    }
}

impl Operation {
    fn from_parts(form: &Form, parts: &[Form]) -> Result<Self, TxError> {
        let Some((name, arguments)) = parts.split_first() else {
            return Err(malformed(form, "a statement is empty: expected [:db/add e a v]"));
        };
        let name = name.as_keyword().map_or("", Keyword::text);
        let place = |form: &Form| Place::from_form(form).map(|_| form.clone());
        let attribute = AttributePlace::from_form;
        match (name, arguments) {
            ("db/add", [e, a, v]) => Ok(Self::Add { e: place(e)?, a: attribute(a)?, v: v.clone() }),
            ("db/retract", [e, a]) => Ok(Self::Retract { e: place(e)?, a: attribute(a)?, v: None }),
            ("db/retract", [e, a, v]) => {
                Ok(Self::Retract { e: place(e)?, a: attribute(a)?, v: Some(v.clone()) })
            }
            ("db/cas" | "db.fn/cas", [e, a, old, new]) => {
                Ok(Self::Cas { e: place(e)?, a: attribute(a)?, old: old.clone(), new: new.clone() })
            }
            ("db/retractEntity" | "db.fn/retractEntity", [e]) => {
                Ok(Self::RetractEntity { e: place(e)? })
            }
            _ => Err(not_an_operation(form, name, &parts[0])),
        }
    }
}

fn not_an_operation(form: &Form, name: &str, first: &Form) -> TxError {
    let expected = match name {
        "db/add" => "[:db/add e a v]",
        "db/retract" => "[:db/retract e a] or [:db/retract e a v]",
        "db/cas" | "db.fn/cas" => "[:db/cas e a old new]",
        "db/retractEntity" | "db.fn/retractEntity" => "[:db/retractEntity e]",
        "" => {
            let found = first.edn.kind();
            let message = format!("a statement begins with {found}, expected :db/add or the like");
            return malformed(first, message);
        }
        other => {
            let known = ":db/add, :db/retract, :db/cas and :db/retractEntity";
            return malformed(first, format!("no operation :{other}; there are {known}"));
        }
    };
    malformed(form, format!("a :{name} has the wrong number of arguments: expected {expected}"))
}

impl<'f> MapForm<'f> {
    /// Checks the shape of a map form, also of one that is a value within another.
    pub(crate) fn from_form(form: &'f Form) -> Result<Self, TxError> {
        let Edn::Map(pairs) = &form.edn else {
            return Err(malformed(form, format!("expected a map, found {}", form.edn.kind())));
        };
        let mut id = None;
        let mut entries = Vec::with_capacity(pairs.len());
        for (key, value) in pairs {
            if key.as_keyword().is_some_and(|key| key.text() == "db/id") {
                id = Some(Place::from_form(value)?);
            } else {
                entries.push((AttributePlace::from_form(key)?, value));
            }
        }
        Ok(Self { id, entries })
    }
}

impl<'f> Place<'f> {
    /// Reads what names an entity.
    pub(crate) fn from_form(form: &'f Form) -> Result<Self, TxError> {
        match &form.edn {
            Edn::Value(Value::Long(id)) => Ok(Self::from_number(*id)),
            Edn::Value(Value::Ref(e)) => Ok(Self::from_entity(*e)),
            Edn::Value(Value::String(name)) => Ok(Self::from_text(name)),
            Edn::Value(Value::Keyword(ident)) => Ok(Self::from_keyword(ident)),
            Edn::Vector(parts) | Edn::List(parts) => match parts.as_slice() {
                [a, v] => Ok(Self::Lookup(AttributePlace::from_form(a)?, v)),
                _ => Err(malformed(form, "a lookup ref has two parts: [attribute value]")),
            },
            other => {
                let expected = "an entity id, a temporary id, an ident or a lookup ref";
                Err(malformed(form, format!("expected {expected}, found {}", other.kind())))
            }
        }
    }

    pub(crate) fn from_text(name: &Arc<str>) -> Self {
        if &**name == CURRENT_TX { Self::CurrentTx } else { Self::Temp(Arc::clone(name)) }
    }

    pub(crate) fn from_keyword(ident: &Keyword) -> Self {
        if ident.text() == CURRENT_TX_KEYWORD {
            Self::CurrentTx
        } else {
            Self::Ident(ident.clone())
        }
    }

    /// A negative number is a temporary id, as DataScript has it: the one named by its digits.
    pub(crate) fn from_number(id: i64) -> Self {
        if id < 0 { Self::Temp(Arc::from(id.to_string())) } else { Self::Id(id) }
    }

    pub(crate) fn from_entity(e: EntityId) -> Self {
        // Ids are under 2^53.
        Self::Id(e.get() as i64)
    }
}

impl AttributePlace {
    fn from_form(form: &Form) -> Result<Self, TxError> {
        let id = match &form.edn {
            Edn::Value(Value::Keyword(ident)) => return Ok(Self::Ident(ident.clone())),
            Edn::Value(Value::Long(id)) => u64::try_from(*id).ok().and_then(EntityId::new),
            Edn::Value(Value::Ref(e)) => Some(*e),
            _ => None,
        };
        id.map(Self::Id).ok_or_else(|| {
            let found = form.edn.kind();
            malformed(form, format!("expected an attribute such as :person/name, found {found}"))
        })
    }
}

fn malformed(form: &Form, message: impl Into<String>) -> TxError {
    TxError::new(TxErrorKind::Malformed, message).within(form.span)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyword(text: &str) -> Form {
        Edn::from(Keyword::new(text)).into()
    }

    fn vector(forms: Vec<Form>) -> Form {
        Edn::Vector(forms).into()
    }

    fn text(text: &str) -> Form {
        Edn::from(text).into()
    }

    fn refused(statement: Form) -> String {
        let error = TxData::from_form(&vector(vec![statement])).expect_err("malformed");
        assert_eq!((error.kind, error.statement), (TxErrorKind::Malformed, Some(0)));
        error.message
    }

    #[test]
    fn a_statement_names_its_operation() {
        let add = vector(vec![keyword("db/add"), text("t"), keyword("p/name"), text("Ada")]);
        let data = TxData::from_form(&vector(vec![add])).expect("well-formed");
        assert!(matches!(
            &data.statements()[0].operation,
            Operation::Add { e, .. } if e.as_str() == Some("t")
        ));
    }

    #[test]
    fn the_transaction_itself_has_two_names() {
        assert_eq!(Place::from_form(&text("datomic.tx")).expect("fine"), Place::CurrentTx);
        assert_eq!(Place::from_form(&keyword("db/current-tx")).expect("fine"), Place::CurrentTx);
    }

    #[test]
    fn what_is_not_a_statement_is_refused() {
        assert!(refused(text("just a string")).contains("found a string"));
        assert!(refused(vector(vec![])).contains("empty"));
        assert!(
            refused(vector(vec![keyword("db/frobnicate"), text("t")])).contains(":db/frobnicate")
        );
        let short = vector(vec![keyword("db/add"), text("t"), keyword("p/name")]);
        assert!(refused(short).contains("[:db/add e a v]"));
        let odd = vector(vec![keyword("db/add"), Edn::Nil.into(), keyword("p/name"), text("x")]);
        assert!(refused(odd).contains("found nil"));
    }
}
