//! Structured operations, taken as the forms that they mean.

use duramen_model::{Edn, Form, Keyword, Value};
use duramen_proto::v1;
use duramen_proto::v1::{entity_ref, operand, operation};

use super::{BadField, values};

/// Entity maps within one another.
const DEPTH_MAX: usize = 64;

/// Takes operations as transaction data.
pub(crate) fn decode(operations: &v1::Operations) -> Result<Form, BadField> {
    let decode = |(i, operation)| decode_operation(operation, &format!("operations[{i}]"));
    let forms = operations.operations.iter().enumerate().map(decode);
    Ok(Edn::Vector(forms.collect::<Result<_, _>>()?).into())
}

fn decode_operation(operation: &v1::Operation, field: &str) -> Result<Form, BadField> {
    use operation::Kind;
    match operation.kind.as_ref() {
        Some(Kind::Entity(map)) => entity_map(map, &format!("{field}.entity"), 0),
        Some(Kind::Add(add)) => {
            let field = format!("{field}.add");
            let v = required_operand(add.value.as_ref(), &field)?;
            Ok(statement("db/add", subject(add.entity.as_ref(), &add.attribute, &field)?, [v]))
        }
        Some(Kind::Retract(retract)) => {
            let field = format!("{field}.retract");
            let (e, a) = (retract.entity.as_ref(), &retract.attribute);
            let value = retract.value.as_ref();
            let v = value.map(|v| operand(v, &format!("{field}.value"), 0)).transpose()?;
            Ok(statement("db/retract", subject(e, a, &field)?, v))
        }
        Some(Kind::Cas(cas)) => compare_and_swap(cas, &format!("{field}.cas")),
        Some(Kind::RetractEntity(retract)) => {
            let e = required_entity(retract.entity.as_ref(), &format!("{field}.retract_entity"))?;
            Ok(statement("db/retractEntity", vec![e], []))
        }
        None => {
            Err(BadField::new(field, "expected one of entity, add, retract, cas, retract_entity"))
        }
    }
}

fn compare_and_swap(cas: &v1::CompareAndSwap, field: &str) -> Result<Form, BadField> {
    let expected = match &cas.expected {
        Some(expected) => operand(expected, &format!("{field}.expected"), 0)?,
        None => Edn::Nil.into(),
    };
    let v = required_operand(cas.value.as_ref(), field)?;
    let subject = subject(cas.entity.as_ref(), &cas.attribute, field)?;
    Ok(statement("db/cas", subject, [expected, v]))
}

fn statement(name: &str, subject: Vec<Form>, rest: impl IntoIterator<Item = Form>) -> Form {
    let name = Form::from(Edn::from(Keyword::new(name)));
    Edn::Vector([name].into_iter().chain(subject).chain(rest).collect()).into()
}

/// The entity and the attribute of a statement.
fn subject(e: Option<&v1::EntityRef>, a: &str, field: &str) -> Result<Vec<Form>, BadField> {
    Ok(vec![required_entity(e, field)?, attribute(a, field)?])
}

fn attribute(name: &str, field: &str) -> Result<Form, BadField> {
    let keyword = values::keyword(name);
    let keyword = keyword.map_err(|why| BadField::new(format!("{field}.attribute"), why))?;
    Ok(Edn::from(keyword).into())
}

fn required_entity(entity: Option<&v1::EntityRef>, field: &str) -> Result<Form, BadField> {
    let field = format!("{field}.entity");
    let entity = entity.ok_or_else(|| BadField::new(&field, "an entity is required"))?;
    entity_ref(entity, &field)
}

fn required_operand(value: Option<&v1::Operand>, field: &str) -> Result<Form, BadField> {
    let field = format!("{field}.value");
    let value = value.ok_or_else(|| BadField::new(&field, "a value is required"))?;
    operand(value, &field, 0)
}

fn entity_ref(entity: &v1::EntityRef, field: &str) -> Result<Form, BadField> {
    use entity_ref::Kind;
    let bad = |message| BadField::new(field, message);
    match &entity.kind {
        Some(Kind::Id(id)) => Ok(Edn::Value(Value::Ref(values::entity(*id).map_err(bad)?)).into()),
        Some(Kind::Tempid(name)) => Ok(Edn::from(name.as_str()).into()),
        Some(Kind::Ident(ident)) => Ok(Edn::from(values::keyword(ident).map_err(bad)?).into()),
        Some(Kind::Lookup(lookup)) => {
            let a = attribute(&lookup.attribute, field)?;
            let v = value(lookup.value.as_ref(), &format!("{field}.value"))?;
            Ok(Edn::Vector(vec![a, v]).into())
        }
        None => Err(bad("expected one of id, tempid, ident, lookup".to_owned())),
    }
}

fn operand(operand: &v1::Operand, field: &str, depth: usize) -> Result<Form, BadField> {
    use operand::Kind;
    match &operand.kind {
        Some(Kind::Value(v)) => value(Some(v), field),
        Some(Kind::Entity(entity)) => entity_ref(entity, field),
        Some(Kind::Map(map)) => entity_map(map, field, depth + 1),
        None => Err(BadField::new(field, "expected one of value, entity, map")),
    }
}

fn entity_map(map: &v1::EntityMap, field: &str, depth: usize) -> Result<Form, BadField> {
    if depth > DEPTH_MAX {
        let message = format!("more than {DEPTH_MAX} entity maps within one another");
        return Err(BadField::new(field, message));
    }
    let mut entries = Vec::with_capacity(map.attributes.len() + 1);
    if let Some(entity) = &map.entity {
        let id = Edn::from(Keyword::new("db/id"));
        entries.push((id.into(), entity_ref(entity, &format!("{field}.entity"))?));
    }
    for (i, attribute_values) in map.attributes.iter().enumerate() {
        let field = format!("{field}.attributes[{i}]");
        let name = attribute(&attribute_values.attribute, &field)?;
        if entries.iter().any(|(key, _)| *key == name) {
            let message = format!("{} occurs twice: list its values", attribute_values.attribute);
            return Err(BadField::new(field, message));
        }
        entries.push((name, several(&attribute_values.values, &field, depth)?));
    }
    Ok(Edn::Map(entries).into())
}

/// The values of an attribute. Several are a set, because a vector may also be a tuple or a
/// lookup ref.
fn several(operands: &[v1::Operand], field: &str, depth: usize) -> Result<Form, BadField> {
    let one = |(i, value)| operand(value, &format!("{field}.values[{i}]"), depth);
    let mut forms = operands.iter().enumerate().map(one).collect::<Result<Vec<_>, _>>()?;
    match (forms.pop(), forms.is_empty()) {
        (None, _) => Err(BadField::new(field, "at least one value is required")),
        (Some(only), true) => Ok(only),
        (Some(last), false) => {
            forms.push(last);
            Ok(Edn::Set(forms).into())
        }
    }
}

fn value(value: Option<&v1::Value>, field: &str) -> Result<Form, BadField> {
    let value = value.map(|value| values::decode(value, field)).transpose()?.flatten();
    let value = value.ok_or_else(|| BadField::new(field, "a value is required, not nil"))?;
    Ok(value_form(value))
}

/// A value as EDN has it: tuples are vectors there.
fn value_form(value: Value) -> Form {
    match value {
        Value::Tuple(members) => {
            let member = |member: &Option<Value>| match member {
                Some(value) => value_form(value.clone()),
                None => Edn::Nil.into(),
            };
            Edn::Vector(members.iter().map(member).collect()).into()
        }
        other => Edn::Value(other).into(),
    }
}

#[cfg(test)]
mod tests {
    use duramen_model::edn;

    use super::*;

    fn text(value: &str) -> v1::Operand {
        let value = values::encode(&Value::string(value));
        v1::Operand { kind: Some(operand::Kind::Value(value)) }
    }

    fn tempid(name: &str) -> v1::EntityRef {
        v1::EntityRef { kind: Some(entity_ref::Kind::Tempid(name.to_owned())) }
    }

    fn by_email(email: &str) -> v1::EntityRef {
        let value = Some(values::encode(&Value::string(email)));
        let lookup = v1::LookupRef { attribute: "person/email".to_owned(), value };
        v1::EntityRef { kind: Some(entity_ref::Kind::Lookup(lookup)) }
    }

    fn decoded(kind: operation::Kind) -> Result<Form, BadField> {
        decode(&v1::Operations { operations: vec![v1::Operation { kind: Some(kind) }] })
    }

    fn map(entity: Option<v1::EntityRef>, entries: Vec<(&str, Vec<v1::Operand>)>) -> v1::EntityMap {
        let attributes = entries
            .into_iter()
            .map(|(a, values)| v1::AttributeValues { attribute: a.to_owned(), values })
            .collect();
        v1::EntityMap { entity, attributes }
    }

    #[test]
    fn operations_are_the_forms_they_mean() {
        let attribute = "person/name".to_owned();
        let (entity, value) = (Some(tempid("ann")), Some(text("Ann")));
        let add = v1::Add { entity, attribute: attribute.clone(), value: value.clone() };
        let entity = Some(by_email("a@b"));
        let retract =
            v1::Retract { entity: entity.clone(), attribute: attribute.clone(), value: None };
        let cas = v1::CompareAndSwap { entity: entity.clone(), attribute, expected: None, value };
        let cases = [
            (operation::Kind::Add(add), r#"[[:db/add "ann" :person/name "Ann"]]"#),
            (
                operation::Kind::Retract(retract),
                r#"[[:db/retract [:person/email "a@b"] :person/name]]"#,
            ),
            (
                operation::Kind::Cas(cas),
                r#"[[:db/cas [:person/email "a@b"] :person/name nil "Ann"]]"#,
            ),
            (
                operation::Kind::RetractEntity(v1::RetractEntity { entity }),
                r#"[[:db/retractEntity [:person/email "a@b"]]]"#,
            ),
        ];
        for (kind, form) in cases {
            assert_eq!(decoded(kind), Ok(edn::read(form).unwrap()));
        }
    }

    #[test]
    fn several_values_are_a_set_and_maps_nest() {
        let home = map(None, vec![("address/city", vec![text("Graz")])]);
        let home = v1::Operand { kind: Some(operand::Kind::Map(home)) };
        let person = map(
            Some(tempid("ann")),
            vec![("person/alias", vec![text("a"), text("b")]), ("person/home", vec![home])],
        );
        let form =
            r#"[{:db/id "ann" :person/alias #{"a" "b"} :person/home {:address/city "Graz"}}]"#;
        assert_eq!(decoded(operation::Kind::Entity(person)), Ok(edn::read(form).unwrap()));
    }

    #[test]
    fn what_is_missing_is_named() {
        let add = v1::Add { entity: Some(tempid("x")), attribute: "a/b".to_owned(), value: None };
        assert_eq!(
            decoded(operation::Kind::Add(add)).unwrap_err().field,
            "operations[0].add.value"
        );
        let twice = map(None, vec![("a/b", vec![text("1")]), ("a/b", vec![text("2")])]);
        assert!(decoded(operation::Kind::Entity(twice)).unwrap_err().message.contains("twice"));
        let nothing = decode(&v1::Operations { operations: vec![v1::Operation { kind: None }] });
        assert!(nothing.is_err());
        let mut deep = map(None, vec![]);
        for _ in 0..100 {
            let operand = v1::Operand { kind: Some(operand::Kind::Map(deep)) };
            deep = map(None, vec![("a/b", vec![operand])]);
        }
        assert!(decoded(operation::Kind::Entity(deep)).unwrap_err().message.contains("within"));
    }
}
