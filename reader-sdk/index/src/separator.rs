//! Separators: where the place of a child begins, in as few bytes as may be.

use std::sync::Arc;

use duramen_model::{Order, Value};

use crate::branch::Separator;
use crate::key::KeyRef;

/// Values up to this length are kept whole, in bytes.
const WHOLE_BYTES_MAX: usize = 16;

/// A key above one and at most the next one. Long text is cut off behind the first difference:
/// it would make branches large, and nobody needs it there.
pub(crate) fn between(before: KeyRef<'_>, next: KeyRef<'_>, order: Order) -> Separator {
    // Only where all that comes before the value in the order is the same does the value decide.
    let value_decides = match order {
        Order::Eavt | Order::Aevt => (before.e, before.a) == (next.e, next.a),
        Order::Avet => before.a == next.a,
        Order::Vaet => true,
    };
    if !value_decides {
        return below(next);
    }
    let v = match (before.v, next.v) {
        (Value::String(low), Value::String(high)) => Value::string(cut_text(low, high)),
        (Value::Uri(low), Value::Uri(high)) => Value::Uri(Arc::from(cut_text(low, high))),
        (Value::Bytes(low), Value::Bytes(high)) => Value::Bytes(Arc::from(&high[..cut(low, high)])),
        _ => return Separator::from(next),
    };
    Separator { v, ..Separator::from(next) }
}

/// A key at most a given one, with all but the value the same.
pub(crate) fn below(next: KeyRef<'_>) -> Separator {
    let v = match next.v {
        Value::String(_) => Value::string(""),
        Value::Uri(_) => Value::Uri(Arc::from("")),
        Value::Bytes(_) => Value::Bytes(Arc::from([])),
        other => other.clone(),
    };
    Separator { v, ..Separator::from(next) }
}

/// How many bytes of a value it takes to be above a lower one.
fn cut(low: &[u8], high: &[u8]) -> usize {
    let shared = low.iter().zip(high).take_while(|(x, y)| x == y).count();
    (shared + 1).max(WHOLE_BYTES_MAX).min(high.len())
}

fn cut_text<'a>(low: &str, high: &'a str) -> &'a str {
    let end = cut(low.as_bytes(), high.as_bytes());
    &high[..high.ceil_char_boundary(end)]
}

#[cfg(test)]
mod tests {
    use duramen_model::{AttributeId, EntityId, T};
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

    proptest! {
        #[test]
        fn separators_separate(
            (e1, a1, v1, t1) in (0u64..2, 0u64..2, value(), 0u64..2),
            (e2, a2, v2, t2) in (0u64..2, 0u64..2, value(), 0u64..2),
        ) {
            let key = |e: u64, a: u64, v: &Value, t: u64| Separator {
                e: EntityId::new(e).unwrap(),
                a: AttributeId::from(EntityId::new(a).unwrap()),
                v: v.clone(),
                added: T::new(t).unwrap(),
            };
            let (x, y) = (key(e1, a1, &v1, t1), key(e2, a2, &v2, t2));
            for order in Order::ALL {
                for layer in [Layer::Current, Layer::History] {
                    let ascends = x.key().compare(&y.key(), order, layer).is_lt();
                    if ascends {
                        let separator = between(x.key(), y.key(), order);
                        let separator = separator.key();
                        prop_assert!(x.key().compare(&separator, order, layer).is_lt());
                        prop_assert!(separator.compare(&y.key(), order, layer).is_le());
                    }
                }
            }
        }
    }
}
