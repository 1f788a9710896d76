//! What the teams of the demo write and ask.

use std::fmt::Write;

pub(super) const CATALOGUE_SCHEMA: &str = "\
[{:db/ident :book/sku    :db/valueType :db.type/string :db/cardinality :db.cardinality/one
  :db/unique :db.unique/identity}
 {:db/ident :book/title  :db/valueType :db.type/string :db/cardinality :db.cardinality/one}
 {:db/ident :book/author :db/valueType :db.type/string :db/cardinality :db.cardinality/one
  :db/index true}
 {:db/ident :book/price  :db/valueType :db.type/bigdec :db/cardinality :db.cardinality/one}]";

pub(super) const INVENTORY_SCHEMA: &str = "\
[{:db/ident :item/sku  :db/valueType :db.type/string :db/cardinality :db.cardinality/one
  :db/unique :db.unique/identity}
 {:db/ident :item/left :db/valueType :db.type/long :db/cardinality :db.cardinality/one}]";

pub(super) const BOOKS: &str = r#"[{:book/sku "oak-1" :book/title "The Heartwood"   :book/author "Ines Holm" :book/price 18.50M}
 {:book/sku "oak-2" :book/title "Rings and Years" :book/author "Ines Holm" :book/price 24.00M}
 {:book/sku "oak-3" :book/title "What Stays"      :book/author "Ines Holm" :book/price 9.90M}]"#;

pub(super) const ITEMS: &str = r#"[{:item/sku "oak-1" :item/left 40}
 {:item/sku "oak-2" :item/left 3}
 {:item/sku "oak-3" :item/left 12}]"#;

pub(super) const SALE: &str = r#"[{:item/sku "oak-1" :item/left 37}
 {:item/sku "oak-2" :item/left 0}]"#;

pub(super) const JOIN: &str = r#"[:find ?title ?price ?left :in $cat $inv
 :where [$cat ?book :book/author "Ines Holm"]
        [$cat ?book :book/title ?title] [$cat ?book :book/price ?price]
        [$cat ?book :book/sku ?sku]
        [$inv ?item :item/sku ?sku] [$inv ?item :item/left ?left]]"#;

pub(super) const BOOK: &str = r#"[:book/sku "oak-2"]"#;

/// Transactions of the rest.
const TRANSACTIONS: usize = 10;
/// Books or items in each of them.
const IN_EACH: usize = 250;

const QUALITIES: [&str; 12] = [
    "Quiet", "Red", "Long", "Hollow", "Northern", "Last", "Slow", "Green", "Broken", "Early",
    "Hidden", "Winter",
];
const THINGS: [&str; 11] = [
    "Orchard", "River", "Garden", "Ladder", "Hill", "Mill", "Letter", "Harbour", "Field", "Bridge",
    "Lantern",
];
const AUTHORS: [&str; 7] =
    ["Ada Lind", "Bo Marten", "Cleo Frank", "Dag Umber", "Eve Rowan", "Finn Alder", "Gro Birk"];

/// The other books.
pub(super) fn books() -> Vec<String> {
    transactions(|n, text| {
        let (quality, thing) = (QUALITIES[n % QUALITIES.len()], THINGS[n % THINGS.len()]);
        let author = AUTHORS[n % AUTHORS.len()];
        let (whole, cents) = (5 + n % 40, n % 100);
        write!(
            text,
            "{{:book/sku \"elm-{n}\" :book/title \"The {quality} {thing} {n}\" \
             :book/author \"{author}\" :book/price {whole}.{cents:02}M}}"
        )
    })
}

/// How many of them there are.
pub(super) fn items() -> Vec<String> {
    transactions(|n, text| write!(text, "{{:item/sku \"elm-{n}\" :item/left {}}}", n % 60))
}

fn transactions(entity: impl Fn(usize, &mut String) -> std::fmt::Result) -> Vec<String> {
    let transaction = |number: usize| {
        let mut text = "[".to_owned();
        for n in number * IN_EACH..(number + 1) * IN_EACH {
            entity(n, &mut text).expect("a string takes everything");
            text.push('\n');
        }
        text.push(']');
        text
    };
    (0..TRANSACTIONS).map(transaction).collect()
}
