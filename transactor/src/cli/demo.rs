//! `demo`: the whole of it on this machine.
//!
//! Two teams keep their databases in two stores (folders here), each behind a transactor of its
//! own. Readers are processes of their own that know the two folders and nothing else.

mod data;
mod page;
mod reader;
mod team;

use std::path::{Path, PathBuf};
use std::time::Duration;

use duramen::Instant;

use super::arguments::Demo;
use super::exit::Failure;
use page::Page;
use reader::Reader;
use team::Team;

/// Shows everything.
pub(crate) async fn run(flags: &Demo) -> Result<(), Failure> {
    let folder = Folder::make(flags.dir.as_deref())?;
    let page = Page::new();
    page.title("Two teams, two stores, two transactors")?;
    let shop = Team::start("shop", "catalogue", folder.path()).await?;
    let warehouse = Team::start("warehouse", "inventory", folder.path()).await?;
    for team in [&shop, &warehouse] {
        let (transactor, url) = (&team.address, team.database_url());
        page.line(format_args!("{}  transactor at {transactor}, {url}", team.label()))?;
    }
    let earlier = write(&page, &shop, &warehouse).await?;
    let reader = Reader::new(folder.path(), &shop, &warehouse)?;
    read(&page, &reader, earlier).await?;
    page.title("The transactors stop. A reader does not notice")?;
    shop.stop().await?;
    warehouse.stop().await?;
    reader.pull(&page).await?;
    page.title("What to try next")?;
    folder.next_steps(&page, &reader)
}

/// Both teams write. Returns the instant before the last change.
async fn write(page: &Page, shop: &Team, warehouse: &Team) -> Result<Instant, Failure> {
    page.title("They write, over gRPC")?;
    shop.create(page).await?;
    shop.transact(page, data::CATALOGUE_SCHEMA).await?;
    shop.transact(page, data::BOOKS).await?;
    shop.load(page, data::books()).await?;
    warehouse.create(page).await?;
    warehouse.transact(page, data::INVENTORY_SCHEMA).await?;
    warehouse.transact(page, data::ITEMS).await?;
    let earlier = warehouse.load(page, data::items()).await?;
    // Instants are in milliseconds: what comes next is later by more than that.
    tokio::time::sleep(Duration::from_millis(20)).await;
    warehouse.transact(page, data::SALE).await?;
    shop.merged().await?;
    warehouse.merged().await?;
    Ok(earlier)
}

/// Readers answer.
async fn read(page: &Page, reader: &Reader, earlier: Instant) -> Result<(), Failure> {
    page.title("A reader joins both: a process that knows two folders, and no server")?;
    reader.join(page, None).await?;
    page.line(reader.stored()?)?;
    page.title("The same join, as of a moment before the sale")?;
    reader.join(page, Some(earlier)).await
}

/// Where the stores are.
enum Folder {
    /// Removed in the end.
    Temporary(tempfile::TempDir),
    Kept(PathBuf),
}

impl Folder {
    fn make(dir: Option<&Path>) -> Result<Self, Failure> {
        let Some(dir) = dir else {
            let folder = tempfile::Builder::new().prefix("duramen-").tempdir()?;
            return Ok(Self::Temporary(folder));
        };
        let failed = |error| Failure::usage(format!("{}: {error}", dir.display()));
        std::fs::create_dir_all(dir).map_err(failed)?;
        if std::fs::read_dir(dir).map_err(failed)?.next().is_some() {
            return Err(Failure::usage(format!("{}: the folder is not empty", dir.display())));
        }
        Ok(Self::Kept(dir.canonicalize().map_err(failed)?))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Temporary(folder) => folder.path(),
            Self::Kept(folder) => folder,
        }
    }

    fn next_steps(&self, page: &Page, reader: &Reader) -> Result<(), Failure> {
        let first = match self {
            Self::Temporary(_) => "duramen demo --dir /tmp/teams             # keeps the folders",
            Self::Kept(_) => &reader.question("[:find (count ?b) :where [?b :book/sku]]"),
        };
        page.command(first)?;
        page.command("duramen serve --store s3://bucket/prefix  # a bucket: gs:// and az:// too")?;
        page.command("duramen --help                            # examples of everything")
    }
}
