//! Duramen itself, loaded and asked as the others are.

use std::path::Path;

use anyhow::{Context, Result};
use duramen_db::{AttributeRef, EntityRef, Selection, Snapshot};
use duramen_tests::bench::bucket::{Objects, Survey};
use duramen_tests::bench::data_set::{DataSet, Place};
use duramen_tests::bench::importer;
use duramen_tests::bench::measure;
use duramen_tests::bench::schema::Attribute;
use duramen_transactor::bulk::BulkOptions;

use crate::engine::Engine;

/// What is kept of decoded nodes, in bytes: as much as SQLite keeps of its pages.
const CACHE_BYTES: u64 = 64 << 20;

/// A snapshot in a folder.
pub struct Duramen {
    place: Place,
    snapshot: Snapshot,
}

impl Engine for Duramen {
    const NAME: &'static str = "Duramen";

    async fn load(folder: &Path, data: DataSet) -> Result<Self> {
        let place = Place::new(data, folder);
        importer::import(&place, BulkOptions::default()).await?;
        Self::open(folder).await
    }

    async fn open(folder: &Path) -> Result<Self> {
        let data = std::fs::read_dir(folder)?.next().context("nothing is loaded")??;
        let data: DataSet = data.file_name().to_string_lossy().parse()?;
        let place = Place::new(data, folder);
        let snapshot = place.open(CACHE_BYTES).await?;
        Ok(Self { place, snapshot })
    }

    async fn describe(&self, email: &str) -> Result<usize> {
        let db = self.snapshot.db();
        let wanted = EntityRef::lookup(Attribute::Email.keyword(), email);
        let e = db.entity_of(&wanted).await?.context("nobody has the address")?;
        Ok(db.select(&Selection::all().with_e(e)).await?.len())
    }

    async fn ages(&self) -> Result<(u64, i64)> {
        let db = self.snapshot.db();
        let a = db.attribute(&AttributeRef::Ident(Attribute::Age.keyword())).context("ages")?.id;
        measure::sum_of(db, a).await
    }

    /// The indexes: the others keep no log.
    async fn bytes(&self, folder: &Path) -> Result<u64> {
        let survey = Survey::of(&self.place, self.place.store()).await?;
        let objects = Objects::of(&[self.place.folder()], &self.place.name())?;
        eprintln!("{}: {} bytes with the log and garbage", folder.display(), objects.bytes());
        Ok(survey.node_bytes() + survey.checkpoint.map_or(0, |(_, bytes)| bytes))
    }

    async fn close(self) -> Result<()> {
        Ok(())
    }
}
