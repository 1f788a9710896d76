//! A stretch of an order, by components named as in queries.

use duramen_db::{AttributeRef, Db, EntityRef};
use duramen_index::KeyRange;
use duramen_model::edn::Edn;
use duramen_model::{Attribute, AttributeId, EntityId, Form, Keyword, Order, Value, ValueType};

use crate::Error;

/// Which component comes at which place of an order.
const fn places(order: Order) -> [Component; 3] {
    use Component::{A, E, V};
    match order {
        Order::Eavt => [E, A, V],
        Order::Aevt => [A, E, V],
        Order::Avet => [A, V, E],
        Order::Vaet => [V, A, E],
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Component {
    E,
    A,
    V,
}

/// The stretch of an order that begins with some components. `None` when one of them names
/// nothing, so that there are no such datoms.
pub(crate) async fn range(
    db: &Db,
    order: Order,
    components: &[Edn],
) -> Result<Option<KeyRange>, Error> {
    if components.len() > 3 {
        return Err(Error::call("datoms are found by at most three components: e, a and v"));
    }
    let mut range = KeyRange::all(order);
    for (place, component) in places(order).into_iter().zip(components) {
        range = match place {
            Component::E => match entity(db, component).await? {
                Some(e) => range.with_e(e),
                None => return Ok(None),
            },
            Component::A => range.with_a(attribute(db, component)?.id),
            Component::V => match value(db, range.a, order, component).await? {
                Some(v) => range.with_v(v),
                None => return Ok(None),
            },
        };
    }
    Ok(Some(range))
}

/// The entity that EDN names: by id, ident or lookup ref.
pub(crate) async fn entity(db: &Db, edn: &Edn) -> Result<Option<EntityId>, Error> {
    Ok(db.entity_of(&reference(edn)?).await?)
}

/// Takes EDN for a way to name an entity: an id, an ident or a lookup ref.
pub(crate) fn reference(edn: &Edn) -> Result<EntityRef, Error> {
    match edn {
        Edn::Value(Value::Long(id)) => {
            let id = u64::try_from(*id).ok().and_then(EntityId::new);
            id.map(EntityRef::Id).ok_or_else(|| Error::call("entity ids are from 0 to 2^53 - 1"))
        }
        Edn::Value(Value::Ref(e)) => Ok(EntityRef::Id(*e)),
        Edn::Value(Value::Keyword(ident)) => Ok(EntityRef::Ident(ident.clone())),
        Edn::Vector(members) | Edn::List(members) => lookup(members),
        other => Err(Error::call(format!(
            "expected an entity id, an ident or a lookup ref, found {}",
            other.kind()
        ))),
    }
}

fn lookup(members: &[Form]) -> Result<EntityRef, Error> {
    let refuse = || Error::call("a lookup ref is [attribute value], as in [:person/email \"a@b\"]");
    let [name, value] = members else { return Err(refuse()) };
    let name: &Keyword = name.as_keyword().ok_or_else(refuse)?;
    let value = value.edn.to_value().ok_or_else(refuse)?;
    Ok(EntityRef::lookup(AttributeRef::from(name.clone()), value))
}

fn attribute<'a>(db: &'a Db, edn: &Edn) -> Result<&'a Attribute, Error> {
    let name = match edn {
        Edn::Value(Value::Keyword(name)) => AttributeRef::Ident(name.clone()),
        Edn::Value(Value::Long(id)) => {
            let id = u64::try_from(*id).ok().and_then(EntityId::new);
            let id = id.ok_or_else(|| Error::call("attribute ids are from 0 to 2^53 - 1"))?;
            AttributeRef::Id(AttributeId::from(id))
        }
        other => return Err(Error::call(format!("expected an attribute, found {}", other.kind()))),
    };
    let unknown = || duramen_db::DbError::UnknownAttribute { attribute: name.to_string() };
    Ok(db.attribute(&name).ok_or_else(unknown)?)
}

async fn value(
    db: &Db,
    a: Option<AttributeId>,
    order: Order,
    edn: &Edn,
) -> Result<Option<Value>, Error> {
    let refers = match a.and_then(|a| db.schema().attribute(a)) {
        Some(attribute) => attribute.value_type == ValueType::Ref,
        None => order == Order::Vaet,
    };
    if refers {
        return Ok(entity(db, edn).await?.map(Value::Ref));
    }
    let value = edn.to_value();
    value.map(Some).ok_or_else(|| Error::call(format!("{} is no value of a datom", edn.kind())))
}
