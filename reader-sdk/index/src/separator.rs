//! Separators: where the place of a child begins, in as few bytes as may be.

use std::sync::Arc;

use duramen_model::{AttributeId, EntityId, Order, T, Value};

use crate::Layer;
use crate::branch::Separator;
use crate::key::{KeyRef, is_by_time};
use crate::value_ref::ValueRef;

/// Up to which length the value of a tree's first key is kept, in bytes.
const FIRST_BYTES_MAX: usize = 16;

/// The least key of all.
const fn least() -> Separator {
    Separator {
        e: EntityId::MIN,
        a: AttributeId::MIN,
        v: Value::Boolean(false),
        added: T::GENESIS,
        closed: T::GENESIS,
    }
}

/// A key above one and at most the next one: of the next one no more than tells it from the one
/// before, and the least there is after that. It would make branches large, and nobody needs it
/// there.
pub(crate) fn between(
    before: KeyRef<'_>,
    next: KeyRef<'_>,
    order: Order,
    layer: Layer,
) -> Separator {
    let mut separator = least();
    // Takes a component over, and says whether it decides.
    let mut take = |component: Component| match component {
        Component::E => {
            separator.e = next.e;
            before.e != next.e
        }
        Component::A => {
            separator.a = next.a;
            before.a != next.a
        }
        Component::V => {
            separator.v = cut_value(before.v, next.v);
            before.v != next.v
        }
        Component::Added => {
            separator.added = next.added;
            before.added != next.added
        }
        Component::Closed => {
            separator.closed = next.closed;
            before.closed != next.closed
        }
    };
    components(order, layer).iter().any(|component| take(*component));
    separator
}

/// A key at most a given one, and near to it.
pub(crate) fn below(next: KeyRef<'_>) -> Separator {
    let v = match next.v {
        ValueRef::String(text) => Value::string(head(text, FIRST_BYTES_MAX)),
        ValueRef::Uri(text) => Value::Uri(Arc::from(head(text, FIRST_BYTES_MAX))),
        ValueRef::Bytes(bytes) => {
            Value::Bytes(Arc::from(&bytes[..bytes.len().min(FIRST_BYTES_MAX)]))
        }
        other => other.to_value(),
    };
    Separator { v, ..Separator::from(next) }
}

#[derive(Debug, Clone, Copy)]
enum Component {
    E,
    A,
    V,
    Added,
    Closed,
}

/// What keys are compared by, in sequence.
const fn components(order: Order, layer: Layer) -> &'static [Component] {
    use Component::{A, Added, Closed, E, V};
    match order {
        Order::Eavt if is_by_time(order, layer) => &[E, A, Closed, V, Added],
        Order::Aevt if is_by_time(order, layer) => &[A, E, Closed, V, Added],
        Order::Eavt => &[E, A, V, Added],
        Order::Aevt => &[A, E, V, Added],
        Order::Avet => &[A, V, E, Added],
        Order::Vaet => &[V, A, E, Added],
    }
}

/// A value above one and at most the next one, of the same type as the next.
fn cut_value(before: ValueRef<'_>, next: ValueRef<'_>) -> Value {
    match (before, next) {
        (ValueRef::String(low), ValueRef::String(high)) => Value::string(cut_text(low, high)),
        (ValueRef::Uri(low), ValueRef::Uri(high)) => Value::Uri(Arc::from(cut_text(low, high))),
        (ValueRef::Bytes(low), ValueRef::Bytes(high)) => {
            Value::Bytes(Arc::from(&high[..cut(low, high)]))
        }
        // Whatever comes after all values of one type is told by the least of another.
        (_, ValueRef::String(_)) if before.value_type() != next.value_type() => Value::string(""),
        (_, next) => next.to_value(),
    }
}

/// How many bytes of a value it takes to be above a lower one.
fn cut(low: &[u8], high: &[u8]) -> usize {
    let shared = low.iter().zip(high).take_while(|(x, y)| x == y).count();
    (shared + 1).min(high.len())
}

fn cut_text<'a>(low: &str, high: &'a str) -> &'a str {
    head(high, cut(low.as_bytes(), high.as_bytes()))
}

/// So many bytes of a text, and those that the last character goes on with; or all, if the text
/// is not so long.
fn head(text: &str, bytes: usize) -> &str {
    &text[..text.ceil_char_boundary(bytes)]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Layer;

    fn value() -> impl Strategy<Value = Value> {
        let text = "(a{14,18})?[abß]{0,4}";
        prop_oneof![
            text.prop_map(Value::from),
            text.prop_map(|text| Value::Bytes(Arc::from(text.as_bytes()))),
            text.prop_map(|text| Value::Uri(Arc::from(text))),
            (0i64..3).prop_map(Value::Long),
        ]
    }

    fn key() -> impl Strategy<Value = Separator> {
        (0u64..2, 0u64..2, value(), 0u64..2, 0u64..2).prop_map(|(e, a, v, added, closed)| {
            Separator {
                e: EntityId::constant(e),
                a: AttributeId::constant(a),
                v,
                added: T::new(added).unwrap(),
                closed: T::new(closed).unwrap(),
            }
        })
    }

    proptest! {
        #[test]
        fn separators_separate(x in key(), y in key()) {
            for order in Order::ALL {
                for layer in [Layer::Current, Layer::History] {
                    let below = below(y.key());
                    prop_assert!(below.key().compare(&y.key(), order, layer).is_le());
                    if x.key().compare(&y.key(), order, layer).is_lt() {
                        let separator = between(x.key(), y.key(), order, layer);
                        let separator = separator.key();
                        prop_assert!(x.key().compare(&separator, order, layer).is_lt());
                        prop_assert!(separator.compare(&y.key(), order, layer).is_le());
                    }
                }
            }
        }
    }

    #[test]
    fn text_is_cut_behind_the_first_difference() {
        let key = |v: &str| Separator { v: Value::string(v), ..least() };
        let (low, high) = (key("strasse 1"), key("straße der Republik"));
        let separator = between(low.key(), high.key(), Order::Avet, Layer::Current);
        assert_eq!(separator, key("straß"));
        let next = Separator { a: AttributeId::constant(7), ..high };
        let separator = between(low.key(), next.key(), Order::Avet, Layer::Current);
        assert_eq!(separator, Separator { a: AttributeId::constant(7), ..least() });
    }
}
