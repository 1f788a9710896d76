//! What a day of small commits leaves in the bucket.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::Result;
use duramen_store::file::MissingFolder;
use duramen_store::{FileStore, Key, ReadStore, WriteStore};
use duramen_transactor::Settings;

use super::steady::transaction;
use super::{Effort, mebibytes, memory, per};
use crate::bench::bucket::{Objects, Survey};
use crate::bench::data_set::{DataSet, Place, SEED};
use crate::bench::overlay::Overlay;
use crate::bench::people::People;
use crate::bench::report::Figure;
use crate::bench::writer::Writer;

/// One in four seconds.
const COMMITS: u64 = 21_600;

pub(super) async fn measure(place: &Place, effort: Effort) -> Result<Vec<Figure>> {
    if place.data == DataSet::Packages {
        return Ok(Vec::new());
    }
    let folder = tempfile::tempdir_in(place.folder())?;
    let above: Arc<dyn WriteStore> = Arc::new(FileStore::new(folder.path(), MissingFolder::Empty));
    let store = Arc::new(Overlay::new(place.store() as Arc<dyn ReadStore>, above));
    let on_top = Arc::clone(&store) as Arc<dyn WriteStore>;
    let settings = Settings::default();
    let writer = Writer::new(on_top, place.name(), settings.clone());
    let mut people = People::new(SEED, 0);
    let commits = effort.choose(COMMITS, 100);
    for number in 0..commits {
        // One client: every transaction is a commit of its own.
        writer.send(&transaction(&mut people, place.data, number)?).await?;
    }
    writer.rest().await?;
    writer.stop().await;
    let memory = memory(settings.cache_bytes_max);
    let survey = Survey::of(place, store).await?;
    // The folder of the day is inside that of the data set.
    let objects = Objects::of(&[place.folder(), folder.path()], &place.name())?;
    Ok(figures(commits, &survey, &objects).into_iter().chain(memory).collect())
}

fn figures(commits: u64, survey: &Survey, objects: &Objects) -> Vec<Figure> {
    let log = objects.bytes_of_kind("segment") + objects.bytes_of_kind("log");
    let small: u64 = [&survey.checkpoint, &survey.root].into_iter().flatten().map(|o| o.1).sum();
    let live = survey.node_bytes() + log + small;
    // A pack is kept as it is while one node in it is in use.
    let packs: BTreeSet<&Key> = survey.packs.keys().collect();
    let kept: u64 = packs.iter().map(|key| objects.bytes_of(key)).sum::<u64>() + log + small;
    let collectable = objects.bytes().saturating_sub(kept);
    vec![
        Figure::new("commits", commits as f64, ""),
        Figure::new("objects", objects.count() as f64, ""),
        Figure::new("roots among them", objects.count_of_kind("root") as f64, ""),
        Figure::new("in the bucket", mebibytes(objects.bytes()), "MiB"),
        Figure::new("that can be collected", mebibytes(collectable), "MiB"),
        Figure::new("live", mebibytes(live), "MiB"),
        Figure::new("kept, against live", per(kept, live), "").at_most(1.3),
    ]
}
