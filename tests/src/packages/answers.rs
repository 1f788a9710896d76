//! What the queries must answer, computed from the text without a database.

use std::collections::{BTreeMap, BTreeSet};

use super::PackageIndex;

/// The names of a maintainer's packages.
#[must_use]
pub fn packages_of(index: &PackageIndex, maintainer: &str) -> BTreeSet<String> {
    let own = index.packages.iter().filter(|(_, package)| package.maintainer == maintainer);
    own.map(|(name, _)| name.clone()).collect()
}

/// The maintainer with the most packages; of several the first by name.
#[must_use]
pub fn busiest_maintainer(index: &PackageIndex) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for package in index.packages.values() {
        *counts.entry(&package.maintainer).or_default() += 1;
    }
    let most = counts.values().max().copied();
    let busiest = counts.into_iter().find(|(_, count)| Some(*count) == most);
    busiest.map(|(maintainer, _)| maintainer.to_owned()).unwrap_or_default()
}

/// Everything a package needs, directly or not, packages that are only named included.
#[must_use]
pub fn dependency_closure(index: &PackageIndex, name: &str) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut waiting = vec![name.to_owned()];
    while let Some(name) = waiting.pop() {
        let depends = index.packages.get(&name).into_iter().flat_map(|package| &package.depends);
        for needed in depends {
            if reached.insert(needed.clone()) {
                waiting.push(needed.clone());
            }
        }
    }
    reached
}

/// All sections with the KiB that their packages take when installed.
#[must_use]
pub fn section_sizes(index: &PackageIndex) -> BTreeMap<String, i64> {
    let mut sizes = BTreeMap::new();
    for package in index.packages.values() {
        *sizes.entry(package.section.clone()).or_default() += package.installed_kib;
    }
    sizes
}

/// The ten largest sections, the largest first; of equal ones the first by name.
#[must_use]
pub fn largest_sections(index: &PackageIndex) -> Vec<(String, i64)> {
    let mut sizes: Vec<_> = section_sizes(index).into_iter().collect();
    sizes.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    sizes.truncate(10);
    sizes
}

/// Names and new versions of the packages whose version differs.
#[must_use]
pub fn changed(before: &PackageIndex, after: &PackageIndex) -> BTreeSet<(String, String)> {
    let version = |name: &str| before.packages.get(name).map(|package| &package.version);
    let differ = after.packages.iter().filter(|(name, p)| version(name) != Some(&p.version));
    differ.map(|(name, package)| (name.clone(), package.version.clone())).collect()
}

/// Installed packages whose version is not the one offered: name, installed, offered.
#[must_use]
pub fn outdated(
    index: &PackageIndex,
    installed: &BTreeMap<String, String>,
) -> BTreeSet<(String, String, String)> {
    let offered = |name: &str| index.packages.get(name).map(|package| package.version.clone());
    installed
        .iter()
        .filter_map(|(name, have)| Some((name.clone(), have.clone(), offered(name)?)))
        .filter(|(_, have, offered)| have != offered)
        .collect()
}
