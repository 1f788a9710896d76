//! Every future that a reader awaits can be sent to another thread.

use std::collections::BTreeSet;
use std::sync::Arc;

use duramen_index::KeyRange;
use duramen_model::{Instant, Order};
use duramen_store::layout::ObjectName;

use super::bucket::{Bucket, small_nodes};
use crate::{
    Catalog, CheckpointOptions, EntityRef, MergeInput, MergePlan, MergePolicy, Selection, Snapshot,
    merge, write_checkpoint,
};

fn sent<T: Send>(future: T) -> T {
    future
}

#[tokio::test]
async fn futures_are_sent() {
    let bucket = Bucket::create().await;
    let snapshot = sent(Snapshot::open(bucket.location())).await.unwrap();
    let _ = sent(snapshot.refresh()).await;
    let _ = sent(snapshot.refresh_by_listing()).await;
    let catalog = Catalog::new(bucket.store.clone());
    let _ = sent(catalog.list()).await;
    let db = sent(snapshot.db().clone());
    let all = Selection::all();
    let _ = sent(db.select_many(std::slice::from_ref(&all))).await;
    let _ = sent(db.count(&all)).await;
    let _ = sent(db.estimate(&all)).await;
    let _ = sent(db.entity_of(&EntityRef::lookup(duramen_model::builtin::IDENT, true))).await;
    let _ = sent(db.t_at(Instant::from_millis(0))).await;
    let _ = sent(db.tx_range(db.basis_t(), db.basis_t())).await;
    let mut cursor = sent(db.cursor(&KeyRange::all(Order::Eavt)));
    let _ = sent(cursor.next_batch()).await;
    let options = small_nodes();
    let plan = MergePlan::flush(&db, &MergePolicy::default(), &BTreeSet::new()).unwrap();
    let writer = snapshot.root().writer.id;
    let input = MergeInput {
        db: &db,
        plan: &plan,
        segments: &[],
        sum: snapshot.root().sum,
        writer,
        list_seq: 1,
        first_pack_seq: 1,
        options: &options,
    };
    let merged = sent(merge(bucket.store.clone(), input)).await.unwrap();
    let name = ObjectName { writer, seq: 1 };
    let options = CheckpointOptions::default();
    let written =
        sent(write_checkpoint(bucket.store.clone(), &db, &[Arc::new(merged)], name, options)).await;
    let error = written.unwrap_err().to_string();
    assert!(error.contains("expected a log up to transaction 0"), "{error}");
}
