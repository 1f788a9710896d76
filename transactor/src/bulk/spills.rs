//! The spills of a load, and the folder that they are in.

use std::path::PathBuf;
use std::sync::Arc;

use duramen_model::Order;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::attributes::Attributes;
use super::error::BulkError;
use super::options::BulkOptions;
use super::rows::{Rows, Sorted};
use super::spill::SpillWriter;

/// The spills of a load.
#[derive(Debug)]
pub(crate) struct Spills {
    work: Work,
    /// Begins the names of new files, so that no two processes use one name.
    prefix: String,
    /// What the files are called, without their orders.
    names: Vec<String>,
    spilling: Option<JoinHandle<Result<Rows, BulkError>>>,
    spare: Rows,
}

impl Spills {
    /// Goes on after spills that are in a folder.
    pub(crate) fn after(work: Work, prefix: String, names: Vec<String>) -> Self {
        Self { work, prefix, names, spilling: None, spare: Rows::default() }
    }

    /// What they are called, those that are being written included.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// Waits until what was started is spilled. Gives rows back that are empty, with the memory
    /// that they had.
    pub(crate) async fn finished(&mut self) -> Result<Rows, BulkError> {
        match self.spilling.take() {
            Some(spilling) => spilling.await?,
            None => Ok(std::mem::take(&mut self.spare)),
        }
    }

    /// Begins to sort and write rows.
    pub(crate) fn start(
        &mut self,
        mut rows: Rows,
        attributes: &Arc<Attributes>,
        options: &BulkOptions,
    ) {
        let name = format!("{}-{}", self.prefix, self.names.len());
        // What another process may go on from must survive the machine.
        let (block_bytes, durable) = (options.block_bytes(), options.work.is_some());
        let paths = Order::ALL.map(|order| (order, self.work.spill(&name, order)));
        let attributes = Arc::clone(attributes);
        self.spilling = Some(tokio::task::spawn_blocking(move || {
            let sorted = Sorted::of(&rows, &attributes);
            for (order, path) in &paths {
                let mut writer = SpillWriter::create(path, &attributes, block_bytes)?;
                for place in sorted.in_order(*order) {
                    writer.push(&rows.get(*place))?;
                }
                writer.finish(durable)?;
            }
            rows.clear();
            Ok(rows)
        }));
        self.names.push(name);
    }

    /// The files of an order.
    pub(crate) fn files(&self, order: Order) -> impl Iterator<Item = PathBuf> {
        self.names.iter().map(move |name| self.work.spill(name, order))
    }
}

/// The folder that a load works in.
#[derive(Debug)]
pub(crate) struct Work {
    path: PathBuf,
    /// Removed when the load is over.
    _temporary: Option<TempDir>,
}

impl Work {
    pub(crate) fn of(options: &BulkOptions) -> Result<Self, BulkError> {
        if let Some(path) = &options.work {
            return Ok(Self { path: path.clone(), _temporary: None });
        }
        let folder = tempfile::Builder::new().prefix("duramen-load-").tempdir();
        let folder = folder.map_err(|error| BulkError::work(std::env::temp_dir(), error))?;
        Ok(Self { path: folder.path().to_owned(), _temporary: Some(folder) })
    }

    fn spill(&self, name: &str, order: Order) -> PathBuf {
        let order = match order {
            Order::Eavt => "eavt",
            Order::Aevt => "aevt",
            Order::Avet => "avet",
            Order::Vaet => "vaet",
        };
        self.path.join(format!("{name}.{order}"))
    }
}
