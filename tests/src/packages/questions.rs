//! What is asked of the package index, by a reader that knows only the buckets.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use duramen::{Db, Form, Input, T, edn};

use super::{PackageIndex, answers};

/// The databases, and the texts that they were loaded from.
#[derive(Debug)]
pub struct Asked<'a> {
    /// The package index, before its second load.
    pub before: &'a PackageIndex,
    /// The package index, after it.
    pub after: &'a PackageIndex,
    /// What is installed.
    pub installed: &'a BTreeMap<String, String>,
    /// The last transaction of the first load.
    pub first_load: T,
}

/// A question. Asking it also checks the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// The packages of the busiest maintainer.
    Maintainer,
    /// Everything that `git` needs, by a recursive rule.
    Closure,
    /// The ten largest sections by installed size.
    Sections,
    /// What changed between two loads.
    Changed,
    /// Which installed packages are outdated: a join over two stores.
    Outdated,
    /// The same join as of the first load.
    OutdatedBefore,
}

impl Question {
    /// All questions.
    pub const ALL: [Self; 6] = [
        Self::Maintainer,
        Self::Closure,
        Self::Sections,
        Self::Changed,
        Self::Outdated,
        Self::OutdatedBefore,
    ];

    /// Asks, compares the answer with the one computed from the text, and returns its rows.
    ///
    /// # Errors
    /// When the query fails, or answers wrongly.
    pub async fn ask(self, packages: &Db, installed: &Db, asked: &Asked<'_>) -> Result<usize> {
        match self {
            Self::Maintainer => maintainer(packages, asked.after).await,
            Self::Closure => closure(packages, asked.after).await,
            Self::Sections => sections(packages, asked.after).await,
            Self::Changed => changed(packages, asked).await,
            Self::Outdated => outdated(packages, installed, asked.after, asked.installed).await,
            Self::OutdatedBefore => {
                let then = packages.as_of(asked.first_load);
                outdated(&then, installed, asked.before, asked.installed).await
            }
        }
    }
}

async fn maintainer(db: &Db, index: &PackageIndex) -> Result<usize> {
    let busiest = answers::busiest_maintainer(index);
    let query = "[:find [?name ...] :in $ ?address
                  :where [?m :maintainer/address ?address] [?p :package/maintainer ?m]
                         [?p :package/name ?name]]";
    let inputs = vec![Input::from(db), Input::from(busiest.as_str())];
    let names: BTreeSet<String> = rows(query, inputs).await?;
    same(names, answers::packages_of(index, &busiest))
}

async fn closure(db: &Db, index: &PackageIndex) -> Result<usize> {
    let query = r#"[:find [?name ...] :in $ %
                    :where [?git :package/name "git"] (needs ?git ?p) [?p :package/name ?name]]"#;
    let rules = "[[(needs ?a ?b) [?a :package/depends ?b]]
                  [(needs ?a ?b) [?a :package/depends ?x] (needs ?x ?b)]]";
    let inputs = vec![Input::from(db), Input::Rules(form(rules)?)];
    let names: BTreeSet<String> = rows(query, inputs).await?;
    same(names, answers::dependency_closure(index, "git"))
}

async fn sections(db: &Db, index: &PackageIndex) -> Result<usize> {
    let query = "[:find ?section (sum ?kib) :with ?p
                  :where [?p :package/section ?section] [?p :package/installed-kib ?kib]]";
    let mut sizes: Vec<(String, i64)> = rows(query, vec![Input::from(db)]).await?;
    sizes.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    sizes.truncate(10);
    same(sizes, answers::largest_sections(index))
}

async fn changed(db: &Db, asked: &Asked<'_>) -> Result<usize> {
    let query = "[:find ?name ?version :in $ $later
                  :where [$later ?p :package/version ?version] [?p :package/name ?name]]";
    let inputs = vec![Input::from(db), Input::from(&db.since(asked.first_load))];
    let versions: BTreeSet<(String, String)> = rows(query, inputs).await?;
    same(versions, answers::changed(asked.before, asked.after))
}

async fn outdated(
    packages: &Db,
    machine: &Db,
    index: &PackageIndex,
    installed: &BTreeMap<String, String>,
) -> Result<usize> {
    let query = "[:find ?name ?have ?offered :in $ $machine
                  :where [$machine ?i :installed/name ?name] [$machine ?i :installed/version ?have]
                         [?p :package/name ?name] [?p :package/version ?offered]
                         [(not= ?have ?offered)]]";
    let inputs = vec![Input::from(packages), Input::from(machine)];
    let names: BTreeSet<(String, String, String)> = rows(query, inputs).await?;
    same(names, answers::outdated(index, installed))
}

async fn rows<T, C>(query: &str, inputs: Vec<Input>) -> Result<C>
where
    T: serde::de::DeserializeOwned,
    C: FromIterator<T> + IntoIterator<Item = T>,
{
    Ok(duramen::q(query, inputs).await?.rows_as::<T>()?.into_iter().collect())
}

fn form(text: &str) -> Result<Form> {
    edn::read(text).with_context(|| text.to_owned())
}

fn same<C>(found: C, expected: C) -> Result<usize>
where
    C: PartialEq + std::fmt::Debug + IntoIterator,
{
    ensure!(found == expected, "found {found:.0?}\nexpected {expected:.0?}");
    Ok(found.into_iter().count())
}
