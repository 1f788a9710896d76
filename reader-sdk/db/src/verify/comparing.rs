//! Comparing what the indexes hold with what the log leaves.

use std::collections::BTreeMap;

use duramen_index::Layer;
use duramen_model::{AttributeId, Order, Schema};

use super::Verifier;
use super::log::LogContent;
use super::sums::{Content, Sum};
use crate::Checkpoint;

/// What the trees of one order and layer hold.
pub(super) struct IndexContent {
    pub(super) order: Order,
    pub(super) layer: Layer,
    /// `None` where there is damage.
    pub(super) content: Option<Content>,
}

type Sums = BTreeMap<AttributeId, Sum>;

impl Verifier<'_> {
    /// Compares the four indexes of a layer with the log, or when that is damaged with EAVT.
    pub(super) fn compare_layer(
        &mut self,
        checkpoint: &Checkpoint,
        log: &LogContent,
        schema: &Schema,
        layer: Layer,
        indexes: &[IndexContent],
    ) {
        let of_layer = || indexes.iter().filter(|index| index.layer == layer);
        let eavt = of_layer().find(|index| index.order == Order::Eavt);
        let expected = match log.is_whole {
            true => Some(log.layer(layer)),
            false => eavt.and_then(|eavt| eavt.content.as_ref()),
        };
        for IndexContent { order, content, .. } in of_layer() {
            let name = name(*order, layer);
            match (expected, content) {
                (Some(expected), Some(content)) => {
                    let expected = expected_in(*order, expected, checkpoint);
                    self.compare(&name, schema, &expected, &content.all);
                }
                _ => self.report.not_compared.push(name),
            }
        }
    }

    /// Compares the schema that the checkpoint carries along with the log.
    pub(super) fn compare_schema(&mut self, checkpoint: &Checkpoint, log: &LogContent) {
        if !log.is_whole {
            self.report.not_compared.push("the schema of the checkpoint".to_owned());
            return;
        }
        let mut found = Content::default();
        checkpoint.schema.iter().for_each(|datom| found.add_datom(datom));
        let schema = Schema::fold(&checkpoint.schema);
        self.compare("the schema of the checkpoint", &schema, &log.schema.all, &found.all);
    }

    fn compare(&mut self, index: &str, schema: &Schema, expected: &Sums, found: &Sums) {
        let of = |sums: &Sums, a| sums.get(&a).copied().unwrap_or_default();
        let mut attributes: Vec<_> = expected.keys().chain(found.keys()).copied().collect();
        attributes.sort_unstable();
        attributes.dedup();
        for a in attributes {
            self.report.comparisons += 1;
            let (expected, found) = (of(expected, a), of(found, a));
            if expected != found {
                let ident = schema.attribute(a).map_or(String::new(), |own| own.ident.to_string());
                let object = format!("{index}, attribute {a} {ident}");
                self.find(object.trim_end().to_owned(), expected.show(), found.show());
            }
        }
    }
}

/// What an index is to hold of all facts.
fn expected_in(order: Order, all: &Content, checkpoint: &Checkpoint) -> Sums {
    let has = |a: &AttributeId| checkpoint.avet_attributes.contains(a);
    match order {
        Order::Eavt | Order::Aevt => all.all.clone(),
        Order::Avet => all.all.iter().filter(|(a, _)| has(a)).map(|(a, s)| (*a, *s)).collect(),
        Order::Vaet => all.refs.clone(),
    }
}

pub(super) fn name(order: Order, layer: Layer) -> String {
    let order = format!("{order:?}").to_uppercase();
    match layer {
        Layer::Current => format!("{order}, current facts"),
        Layer::History => format!("{order}, closed facts"),
    }
}
