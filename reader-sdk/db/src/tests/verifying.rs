//! Verification: databases of every shape are sound, and damage of every kind is found.

use duramen_store::envelope::Kind;
use proptest::prelude::*;

use super::bucket::{Bucket, small_nodes};
use super::oracle::any_txs;
use super::{block_on, sample_txs};
use crate::verify::{Progress, Report, verify};
use crate::{DbError, TxRecord};

pub(crate) async fn verified(bucket: &Bucket) -> Report {
    try_verify(bucket).await.unwrap()
}

pub(crate) async fn try_verify(bucket: &Bucket) -> Result<Report, DbError> {
    let mut stages = Vec::new();
    let mut watch = |progress: Progress| {
        assert!(progress.done <= progress.total, "{progress:?}");
        stages.push(progress.stage);
    };
    let report = verify(bucket.location(), &mut watch).await?;
    stages.dedup();
    assert!(!stages.is_empty());
    Ok(report)
}

pub(crate) fn assert_sound(report: &Report) {
    assert!(report.is_sound(), "{:#?}", report.findings);
    assert!(report.not_compared.is_empty(), "{:?}", report.not_compared);
}

/// A bucket of transactions, cut into stretches that are spilled, and merged now and then.
async fn grown(records: &[TxRecord], stretch: usize, merge_every: usize) -> Bucket {
    let mut bucket = Bucket::create().await;
    for (number, records) in records.chunks(stretch).enumerate() {
        bucket.transact(records).await;
        bucket.spill(number % 2).await;
        if number % merge_every == merge_every - 1 {
            bucket.merge(&small_nodes()).await;
        }
    }
    bucket.hint().await;
    bucket
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_was_transacted_spilled_and_merged_is_sound(
        records in any_txs(),
        stretch in 1..5_usize,
        merge_every in 1..4_usize,
    ) {
        block_on(async {
            let bucket = grown(&records, stretch, merge_every).await;
            let report = verified(&bucket).await;
            assert_sound(&report);
            assert_eq!(report.transactions, records.len() as u64 + 1);
        });
    }
}

#[test]
fn the_report_counts_what_is_needed_and_what_is_left_over() {
    block_on(async {
        let bucket = grown(&sample_txs(40), 5, 2).await;
        let report = verified(&bucket).await;
        assert_sound(&report);
        let of = |kind| report.objects[&Some(kind)];
        assert_eq!((of(Kind::Claim).live.objects, of(Kind::Head).live.objects), (1, 1));
        assert_eq!(of(Kind::Root).live.objects, 1);
        assert_eq!(of(Kind::Root).unreached.objects, bucket.root.root.place.n);
        assert_eq!(of(Kind::Checkpoint).live.objects, 1);
        assert_eq!(of(Kind::Checkpoint).unreached.objects, 3);
        assert!(report.node_bytes < of(Kind::Pack).live.bytes);
        assert!(report.nodes > 20 && report.comparisons > 20);
    });
}
