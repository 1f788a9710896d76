//! One data set as two databases, of which each has some of the attributes; and as one.

use anyhow::Result;
use duramen_transactor::Settings;
use duramen_transactor::bulk::BulkOptions;

use crate::bench::data_set::Place;
use crate::bench::importer;
use crate::bench::schema::Attribute;
use crate::bench::writer::settle;

/// Where the databases are. The entities are the same in all of them.
#[derive(Debug)]
pub struct Halves {
    /// Names, addresses and companies.
    pub here: Place,
    /// Titles, cities, salaries and friends.
    pub there: Place,
    /// The facts of both.
    pub whole: Place,
}

impl Halves {
    /// Imports the people of a data set, as far as they were not, into folders beside it.
    ///
    /// # Errors
    /// When they cannot be written.
    pub async fn of(place: &Place) -> Result<Self> {
        let beside = |name| Place::new(place.data, &place.folder().with_file_name(name));
        let [here, there, whole] = ["here", "there", "whole"].map(beside);
        load(&here, |a| !is_there(a)).await?;
        load(&there, is_there).await?;
        load(&whole, |_| true).await?;
        Ok(Self { here, there, whole })
    }
}

const fn is_there(a: Attribute) -> bool {
    use Attribute::{City, Friend, Salary, Title};
    matches!(a, Title | City | Salary | Friend)
}

async fn load(place: &Place, wanted: impl Fn(Attribute) -> bool) -> Result<()> {
    if place.is_loaded() {
        return Ok(());
    }
    place.clear()?;
    importer::import_some(place, BulkOptions::default(), wanted).await?;
    settle(place.store(), place.name(), &Settings::default()).await?;
    place.set_loaded()
}
