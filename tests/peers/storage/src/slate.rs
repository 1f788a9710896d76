//! SlateDB: every fact as a key in each of three orders, compressed by LZ4.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use duramen_model::Value;
use duramen_tests::bench::data_set::DataSet;
use duramen_tests::bench::schema::Attribute;
use slatedb::config::{CompressionCodec, FlushOptions, FlushType};
use slatedb::object_store::ObjectStore;
use slatedb::object_store::local::LocalFileSystem;
use slatedb::{Db, Settings, WriteBatch};

use crate::engine::{Engine, facts};
use crate::key;

/// Facts of one batch.
const FACTS_AT_ONCE: usize = 5_000;
/// How long compactions are waited for.
const COMPACTED_WITHIN: Duration = Duration::from_secs(600);

/// Keys in files of a local object store.
pub struct Slate(Db);

impl Engine for Slate {
    const NAME: &'static str = "SlateDB";

    async fn load(folder: &Path, data: DataSet) -> Result<Self> {
        let slate = Self::open(folder).await?;
        let mut facts = facts(data).peekable();
        while facts.peek().is_some() {
            let mut batch = WriteBatch::new();
            for fact in facts.by_ref().take(FACTS_AT_ONCE) {
                key::keys_of(&fact).for_each(|key| batch.put(key, [1]));
            }
            slate.0.write(batch).await?;
        }
        let everything = FlushOptions { flush_type: FlushType::MemTable };
        slate.0.flush_with_options(everything).await?;
        Ok(slate)
    }

    async fn open(folder: &Path) -> Result<Self> {
        let store: Arc<dyn ObjectStore> = Arc::new(LocalFileSystem::new_with_prefix(folder)?);
        let settings =
            Settings { compression_codec: Some(CompressionCodec::Lz4), ..Settings::default() };
        Ok(Self(Db::builder("facts", store).with_settings(settings).build().await?))
    }

    async fn describe(&self, email: &str) -> Result<usize> {
        let value = key::value(&Value::string(email));
        let prefix = key::prefix_of_value(Attribute::Email as u8, &value);
        let mut found = self.0.scan_prefix(prefix, ..).await?;
        let found = found.next().await?.context("nobody has the address")?;
        let e = key::entity_of(&found.key).context("a key is short")?;
        let mut facts = self.0.scan_prefix(key::prefix_of_entity(e), ..).await?;
        let mut count = 0;
        while facts.next().await?.is_some() {
            count += 1;
        }
        Ok(count)
    }

    async fn ages(&self) -> Result<(u64, i64)> {
        let prefix = key::prefix_of_attribute(Attribute::Age as u8);
        let mut facts = self.0.scan_prefix(prefix, ..).await?;
        let (mut count, mut sum) = (0, 0);
        while let Some(fact) = facts.next().await? {
            count += 1;
            sum += key::number_of(&fact.key).context("a key is short")?;
        }
        Ok((count, sum))
    }

    /// The files that the newest manifest names, after compactions have come to rest.
    async fn bytes(&self, _folder: &Path) -> Result<u64> {
        let started = Instant::now();
        let mut last = (0, 0);
        let mut quiet = 0;
        while quiet < 10 && started.elapsed() < COMPACTED_WITHIN {
            tokio::time::sleep(Duration::from_secs(1)).await;
            self.0.refresh_manifest().await?;
            let manifest = self.0.manifest();
            let now = (manifest.l0().len(), manifest.compacted().len());
            quiet = if now == last { quiet + 1 } else { 0 };
            last = now;
        }
        Ok(self.0.manifest().all_sst_views().map(|sst| sst.estimate_size()).sum())
    }

    async fn close(self) -> Result<()> {
        Ok(self.0.close().await?)
    }
}
