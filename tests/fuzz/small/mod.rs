//! A small database, for what is to be tried on one.

use duramen_db::Db;
use duramen_db::resolve::TxData;
use duramen_model::Instant;
use duramen_model::edn::read;

const SCHEMA: &str = "
[{:db/ident :p/name :db/valueType :db.type/string :db/cardinality :db.cardinality/one
  :db/unique :db.unique/identity}
 {:db/ident :p/age :db/valueType :db.type/long :db/cardinality :db.cardinality/one :db/index true}
 {:db/ident :p/friend :db/valueType :db.type/ref :db/cardinality :db.cardinality/many}
 {:db/ident :p/pet :db/valueType :db.type/ref :db/cardinality :db.cardinality/many
  :db/isComponent true}
 {:db/ident :p/at :db/valueType :db.type/instant :db/cardinality :db.cardinality/one}
 {:db/ident :p/spot :db/valueType :db.type/tuple :db/tupleTypes [:db.type/long :db.type/string]
  :db/cardinality :db.cardinality/one}]";

const FACTS: &str = "
[{:db/id \"a\" :p/name \"a\" :p/age 1 :p/friend [\"b\" \"c\"] :p/at #inst \"2020\"}
 {:db/id \"b\" :p/name \"b\" :p/age 2 :p/friend [\"c\"] :p/pet {:p/name \"d\"}}
 {:db/id \"c\" :p/name \"c\" :p/friend \"a\" :p/spot [1 nil]}]";

/// People, ages, friends in a circle, and a pet.
pub fn database() -> Db {
    let mut db = Db::genesis();
    for (minute, text) in
        [SCHEMA, FACTS, "[[:db/retract [:p/name \"a\"] :p/age 1]]"].iter().enumerate()
    {
        let form = read(text).expect("the text is right");
        let data = TxData::from_form(&form).expect("the statements are right");
        let now = Instant::from_millis(1_600_000_000_000 + 60_000 * minute as i64);
        let with = futures_executor::block_on(db.with(&data, now));
        db = with.expect("the transaction is right").0;
    }
    db
}
