//! Sources: what patterns are matched against.

use std::sync::Arc;

use duramen_db::{AttributeRef, Db, DbError, EntityRef};
use duramen_model::attribute::TupleShape;
use duramen_model::{Attribute, EntityId, Span, T, Value, ValueType};

use crate::cell::{Cell, long_entity};
use crate::error::{QueryError, QueryErrorKind};
use crate::functions::Number;

/// What patterns are matched against.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// A database, at whatever time its view shows.
    Db(Box<Db>),
    /// A plain relation; rows may differ in length.
    Rows(Arc<Vec<Vec<Cell>>>),
}

/// The entity that a cell names: an id, an ident or a lookup ref. `None` when it names none.
pub(crate) async fn entity_of(
    db: &Db,
    cell: &Cell,
    span: Span,
) -> Result<Option<EntityId>, QueryError> {
    match cell {
        Cell::Value(Value::Long(number)) => Ok(long_entity(*number)),
        Cell::Value(Value::Keyword(ident)) => Ok(db.schema().entity(ident)),
        Cell::Vector(parts) => match &**parts {
            [attribute, value] => look_up(db, attribute, value, span).await,
            _ => Ok(None),
        },
        _ => Ok(None),
    }
}

async fn look_up(
    db: &Db,
    attribute: &Cell,
    value: &Cell,
    span: Span,
) -> Result<Option<EntityId>, QueryError> {
    let Some(attribute) = attribute_named(db, attribute) else {
        return Err(unknown_attribute(attribute, span));
    };
    // Boxed: a lookup ref may hold a lookup ref.
    let value = Box::pin(value_of_constant(db, value, attribute, span)).await?;
    let Some(value) = value else { return Ok(None) };
    let entity = EntityRef::Lookup(AttributeRef::Id(attribute.id), value);
    db.entity_of(&entity).await.map_err(|error| QueryError::from_db(error, span))
}

/// The attribute that a cell names, by ident or by id.
pub(crate) fn attribute_named<'d>(db: &'d Db, cell: &Cell) -> Option<&'d Attribute> {
    match cell {
        Cell::Value(Value::Keyword(ident)) => db.schema().attribute_named(ident),
        Cell::Value(Value::Long(id)) => db.schema().attribute(long_entity(*id)?.into()),
        _ => None,
    }
}

pub(crate) fn unknown_attribute(cell: &Cell, span: Span) -> QueryError {
    let message = format!("no attribute {}", cell.to_edn());
    QueryError::new(QueryErrorKind::UnknownAttribute, span, message)
}

/// The value that a constant, or what an input gave, stands for: as the value of a reference an
/// ident or a lookup ref names an entity, and a number takes the type of the attribute where that
/// loses nothing. `None` when no fact of the attribute can have such a value.
pub(crate) async fn value_of_constant(
    db: &Db,
    cell: &Cell,
    attribute: &Attribute,
    span: Span,
) -> Result<Option<Value>, QueryError> {
    if attribute.value_type == ValueType::Ref {
        return Ok(entity_of(db, cell, span).await?.map(Value::Ref));
    }
    Ok(value_of(cell, attribute, true))
}

/// The value of an attribute that a cell equals. With `widen` numbers take the attribute's type.
pub(crate) fn value_of(cell: &Cell, attribute: &Attribute, widen: bool) -> Option<Value> {
    if attribute.value_type != ValueType::Tuple {
        return scalar(cell, attribute.value_type, widen);
    }
    let Cell::Vector(cells) = cell else { return None };
    let types = |place: usize| match &attribute.tuple {
        Some(TupleShape::Homogeneous(value_type)) => Some(*value_type),
        Some(TupleShape::Heterogeneous(types)) => types.get(place).copied(),
        // The types of a composite's parts are those of other attributes.
        Some(TupleShape::Composite(_)) | None => None,
    };
    let member = |(place, cell): (usize, &Cell)| match (cell, types(place)) {
        (Cell::Nil, _) => Some(None),
        (cell, Some(value_type)) => scalar(cell, value_type, widen).map(Some),
        (Cell::Value(value), None) => Some(Some(value.clone())),
        _ => None,
    };
    cells.iter().enumerate().map(member).collect::<Option<_>>().map(Value::Tuple)
}

fn scalar(cell: &Cell, value_type: ValueType, widen: bool) -> Option<Value> {
    match cell {
        Cell::Value(Value::Long(number)) if value_type == ValueType::Ref => {
            long_entity(*number).map(Value::Ref)
        }
        Cell::Value(value) if value.value_type() == value_type => Some(value.clone()),
        Cell::Value(value) if widen => Number::of_value(value)?.as_type(value_type),
        _ => None,
    }
}

/// The transaction that a cell names: its entity, or its `t`.
pub(crate) fn transaction(cell: &Cell) -> Option<T> {
    let entity = long_entity(cell.as_long()?)?;
    entity.t().or_else(|| T::new(entity.get()))
}

impl QueryError {
    /// A failure of the database, while the part of the query at `span` was answered.
    pub(crate) fn from_db(error: DbError, span: Span) -> Self {
        let kind = match &error {
            DbError::UnknownAttribute { .. } => QueryErrorKind::UnknownAttribute,
            DbError::NotUnique { .. } => QueryErrorKind::Malformed,
            _ => QueryErrorKind::Unavailable,
        };
        Self::new(kind, span, error.to_string()).caused_by(error)
    }
}
