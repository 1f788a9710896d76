//! The report of a transaction, as it is printed.

use std::collections::BTreeMap;

use duramen::{Edn, Form, Instant, Keyword, Symbol, Value, edn};
use duramen_proto::v1;
use duramen_proto::v1::value::Kind;
use duramen_transactor::client::Transacted;

/// What a transaction did, as a map.
pub(crate) fn edn(transacted: &Transacted, with_datoms: bool) -> Edn {
    let report = &transacted.report;
    let instant = Value::Instant(Instant::from_millis(report.instant_ms));
    let mut entries = vec![
        entry("t", number(report.t)),
        entry("tx", number(report.tx)),
        entry("instant", Edn::Value(instant)),
        entry("tempids", tempids(report)),
        entry("count", number(report.datoms.len() as u64)),
    ];
    if with_datoms {
        let datoms = report.datoms.iter().map(|datom| Form::from(datom_edn(report, datom)));
        entries.push(entry("datoms", Edn::Vector(datoms.collect())));
    }
    if transacted.replayed {
        entries.push(entry("replayed", Edn::from(true)));
    }
    Edn::Map(entries)
}

fn tempids(report: &v1::TxReport) -> Edn {
    let sorted: BTreeMap<_, _> = report.tempids.iter().collect();
    let entry = |(tempid, entity): (&String, &u64)| {
        (Edn::from(Value::string(tempid)).into(), number(*entity).into())
    };
    Edn::Map(sorted.into_iter().map(entry).collect())
}

/// `[entity attribute value t added]`
fn datom_edn(report: &v1::TxReport, datom: &v1::Datom) -> Edn {
    let attribute = match report.attributes.get(&datom.attribute) {
        Some(ident) => Edn::from(Keyword::new(ident)),
        None => number(datom.attribute),
    };
    let members = [
        number(datom.entity),
        attribute,
        datom.value.as_ref().map_or(Edn::Nil, value),
        number(datom.t),
        Edn::from(datom.added),
    ];
    Edn::Vector(members.into_iter().map(Form::from).collect())
}

/// A value from the wire, as results show it.
fn value(value: &v1::Value) -> Edn {
    match &value.kind {
        None => Edn::Nil,
        Some(Kind::Boolean(v)) => Edn::from(*v),
        Some(Kind::Long(v)) => Edn::from(*v),
        Some(Kind::Double(v)) => Edn::from(*v),
        Some(Kind::Float(v)) => Edn::Value(Value::Float(*v)),
        Some(Kind::Bigint(digits)) => digits_edn(digits, 'N'),
        Some(Kind::Bigdec(digits)) => digits_edn(digits, 'M'),
        Some(Kind::String(v)) => Edn::Value(Value::string(v)),
        Some(Kind::Keyword(v)) => Edn::from(Keyword::new(v)),
        Some(Kind::Symbol(v)) => Edn::from(Symbol::new(v)),
        Some(Kind::InstantMs(v)) => Edn::Value(Value::Instant(Instant::from_millis(*v))),
        Some(Kind::Uuid(bytes)) => uuid::Uuid::from_slice(bytes).map_or(Edn::Nil, Edn::from),
        Some(Kind::Uri(v)) => Edn::Value(Value::Uri(v.as_str().into())),
        Some(Kind::Bytes(v)) => Edn::Value(Value::Bytes(v.as_slice().into())),
        Some(Kind::Ref(entity)) => number(*entity),
        Some(Kind::Tuple(tuple)) => Edn::Vector(
            tuple.members.iter().map(|member| Form::from(self::value(member))).collect(),
        ),
    }
}

/// The reader of EDN knows how long a number may be.
fn digits_edn(digits: &str, suffix: char) -> Edn {
    let form = edn::read(&format!("{digits}{suffix}"));
    form.map_or_else(|_| Edn::Value(Value::string(digits)), |form| form.edn)
}

/// Ids and transaction numbers, which are under 2^53.
pub(crate) fn number(number: u64) -> Edn {
    Edn::from(i64::try_from(number).unwrap_or(i64::MAX))
}

/// An entry of a map, with a keyword for its key.
pub(crate) fn entry(key: &str, value: Edn) -> (Form, Form) {
    (Edn::from(Keyword::new(key)).into(), value.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(kind: Kind) -> Option<v1::Value> {
        Some(v1::Value { kind: Some(kind) })
    }

    fn report() -> v1::TxReport {
        let datom = |value, added| v1::Datom { entity: 7, attribute: 1024, value, t: 3, added };
        v1::TxReport {
            t: 3,
            tx: 11,
            instant_ms: 0,
            tempids: [("b".to_owned(), 8), ("a".to_owned(), 7)].into(),
            datoms: vec![
                datom(wire(Kind::Bigdec("1.50".to_owned())), true),
                datom(wire(Kind::Tuple(v1::Tuple { members: vec![v1::Value::default()] })), false),
            ],
            attributes: [(1024, "item/price".to_owned())].into(),
            root: 5,
        }
    }

    #[test]
    fn a_report_is_a_map() {
        let transacted = Transacted { report: report(), replayed: false };
        assert_eq!(
            edn(&transacted, false).to_string(),
            "{:t 3 :tx 11 :instant #inst \"1970-01-01T00:00:00.000Z\" \
             :tempids {\"a\" 7 \"b\" 8} :count 2}"
        );
    }

    #[test]
    fn datoms_are_shown_by_the_names_of_their_attributes() {
        let transacted = Transacted { report: report(), replayed: true };
        let printed = edn(&transacted, true).to_string();
        let datoms = "[[7 :item/price 1.50M 3 true] [7 :item/price [nil] 3 false]]";
        assert!(printed.ends_with(&format!(":datoms {datoms} :replayed true}}")), "{printed}");
    }
}
