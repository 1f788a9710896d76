//! Packs and pack lists: that they are there, whole, and say the same as the trees.

use std::collections::BTreeMap;

use duramen_store::envelope::Kind;

use super::{Stage, Verifier, pieces};
use crate::malformed::Malformed;
use crate::{CheckpointRun, DbError, PackUse};

impl Verifier<'_> {
    /// Compares the packs that a run names with those that its nodes are in.
    pub(super) async fn check_pack_list(
        &mut self,
        run: &CheckpointRun,
        packs: &BTreeMap<String, u64>,
        is_sound: bool,
    ) -> Result<(), DbError> {
        let Some(reference) = &run.packs else { return Ok(()) };
        let key = self.source.contents.pack_list(reference.name);
        self.reach_bytes(Kind::PackList, &key, reference.bytes);
        let list = self.source.pack_list(reference).await;
        let uses: Vec<PackUse> = match list.and_then(|list| Ok(list.run(reference, &key)?.to_vec()))
        {
            Ok(uses) => uses,
            Err(error) => return Ok(self.report.note(error)?),
        };
        // Nodes below a damaged branch were not met.
        let listed: BTreeMap<String, u64> =
            uses.iter().map(|pack| (pack.name.to_string(), pack.live_bytes)).collect();
        if is_sound && listed != *packs {
            let malformed = Malformed::new(
                format!("the packs of a run and its bytes in them: {packs:?}"),
                format!("{listed:?}"),
            );
            self.report.note_malformed(&key, malformed);
        }
        for pack in uses {
            self.packs.insert(pack.name.to_string(), Some(pack.bytes));
        }
        Ok(())
    }

    /// Checks every pack that a tree reaches: that it is there, its length and its hash.
    pub(super) async fn check_packs(&mut self) -> Result<(), DbError> {
        let packs = std::mem::take(&mut self.packs);
        let total = packs.len() as u64;
        for (pack, listed) in packs {
            let key = self.source.contents.packs().join(&pack);
            match pieces::check(&*self.location.store, Kind::Pack, &key).await {
                Ok(bytes) => {
                    self.reach_bytes(Kind::Pack, &key, bytes);
                    if let Some(listed) = listed.filter(|listed| *listed != bytes) {
                        let expected = format!("{listed} bytes, as its pack list says");
                        let malformed = Malformed::new(expected, format!("{bytes} bytes"));
                        self.report.note_malformed(&key, malformed);
                    }
                }
                Err(error) => {
                    self.reach_bytes(Kind::Pack, &key, 0);
                    self.report.note(error)?;
                }
            }
            self.progress(Stage::Packs, 1, total);
        }
        Ok(())
    }
}
