//! The text that `apt-cache dumpavail` prints, and what is kept of it.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// An index with fewer bytes of text is none: its lists have not been fetched.
const ENOUGH_BYTES: usize = 10 << 20;

/// Packages by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackageIndex {
    /// Every package once: of several versions the one named first.
    pub packages: BTreeMap<String, Package>,
}

/// A package, as far as it is loaded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Package {
    /// The version.
    pub version: String,
    /// The architecture.
    pub architecture: String,
    /// Name and address of the maintainer.
    pub maintainer: String,
    /// The section, such as `games`.
    pub section: String,
    /// The priority, such as `optional`.
    pub priority: String,
    /// The first line of the description.
    pub summary: String,
    /// The home page.
    pub homepage: Option<String>,
    /// SHA-256 of the package file, in hexadecimal.
    pub sha256: Option<String>,
    /// KiB on disk when installed.
    pub installed_kib: i64,
    /// Bytes of the package file.
    pub file_bytes: i64,
    /// The packages that must be there: the first of each set of alternatives.
    pub depends: BTreeSet<String>,
    /// Labels such as `role::program`.
    pub tags: BTreeSet<String>,
}

/// The text of this machine's package index, after fetching lists if it has none.
///
/// # Errors
/// When there is no `apt-cache`, or it knows no packages.
pub fn text_of_this_machine() -> Result<String> {
    let mut text = apt_cache_dumpavail()?;
    if text.len() < ENOUGH_BYTES {
        let updated = Command::new("apt-get").args(["-qq", "update"]).status()?;
        ensure!(updated.success(), "apt-get update failed");
        text = apt_cache_dumpavail()?;
    }
    ensure!(text.len() >= ENOUGH_BYTES, "apt-cache prints only {} bytes", text.len());
    Ok(text)
}

impl PackageIndex {
    /// Reads stanzas of `Field: value` lines, separated by empty lines.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut packages = BTreeMap::new();
        for stanza in text.split("\n\n") {
            let fields = fields(stanza);
            if let Some(name) = fields.get("Package") {
                packages.entry(name.clone()).or_insert_with(|| Package::from_fields(&fields));
            }
        }
        Self { packages }
    }

    /// The same index some weeks later: a release of one package in fifty.
    #[must_use]
    pub fn later(&self) -> Self {
        let mut later = self.clone();
        for package in later.packages.values_mut().step_by(50) {
            package.version.push_str("+later");
            package.installed_kib += 1;
        }
        later
    }
}

fn apt_cache_dumpavail() -> Result<String> {
    let output = Command::new("apt-cache").arg("dumpavail").output().context("apt-cache")?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Names and versions of what is installed on this machine.
///
/// # Errors
/// When there is no `dpkg-query`.
pub fn installed() -> Result<BTreeMap<String, String>> {
    let query = ["-W", "-f", "${db:Status-Abbrev}\t${Package}\t${Version}\n"];
    let output = Command::new("dpkg-query").args(query).output().context("dpkg-query")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let package = |line: &str| {
        let (status, rest) = line.split_once('\t')?;
        let (name, version) = rest.split_once('\t')?;
        status.starts_with("ii").then(|| (name.to_owned(), version.to_owned()))
    };
    Ok(text.lines().filter_map(package).collect())
}

/// The fields of a stanza, continuation lines joined to theirs.
fn fields(stanza: &str) -> BTreeMap<&str, String> {
    let mut fields: BTreeMap<&str, String> = BTreeMap::new();
    let mut current = None;
    for line in stanza.lines() {
        if line.starts_with(' ') {
            if let Some(text) = current.and_then(|name| fields.get_mut(name)) {
                text.push_str(line);
            }
        } else if let Some((name, value)) = line.split_once(':') {
            current = Some(name);
            fields.insert(name, value.trim().to_owned());
        }
    }
    fields
}

impl Package {
    fn from_fields(fields: &BTreeMap<&str, String>) -> Self {
        let text = |name| fields.get(name).cloned().unwrap_or_default();
        let number = |name| fields.get(name).and_then(|n| n.parse().ok()).unwrap_or(0);
        let listed = |name| fields.get(name).map(String::as_str).unwrap_or_default();
        Self {
            version: text("Version"),
            architecture: text("Architecture"),
            maintainer: text("Maintainer"),
            section: text("Section"),
            priority: text("Priority"),
            summary: text("Description"),
            homepage: fields.get("Homepage").cloned(),
            sha256: fields.get("SHA256").cloned(),
            installed_kib: number("Installed-Size"),
            file_bytes: number("Size"),
            depends: first_alternatives(listed("Pre-Depends"))
                .chain(first_alternatives(listed("Depends")))
                .collect(),
            tags: items(listed("Tag")).map(str::to_owned).collect(),
        }
    }
}

fn items(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|item| !item.is_empty())
}

/// `libc6 (>= 2.34), a | b` names `libc6` and `a`.
fn first_alternatives(list: &str) -> impl Iterator<Item = String> {
    let name = |item: &str| item.split([' ', '|', '(', ':']).next().map(str::to_owned);
    items(list).filter_map(name).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_stanza() {
        let text = "Package: a\nVersion: 1-2\nInstalled-Size: 12\nMaintainer: M <m@x>\n\
                    Pre-Depends: dpkg (>= 1.15)\nDepends: b:any (>= 1), c | d, e\n\
                    Tag: role::app-data, uitoolkit::sdl,\n x11::application\n\
                    Description: one\n\nPackage: a\nVersion: 0\n";
        let index = PackageIndex::parse(text);
        let a = &index.packages["a"];
        assert_eq!((a.version.as_str(), a.installed_kib), ("1-2", 12));
        assert_eq!(a.depends.iter().collect::<Vec<_>>(), ["b", "c", "dpkg", "e"]);
        assert_eq!(a.tags.len(), 3);
        assert_eq!(index.later().packages["a"].version, "1-2+later");
    }
}
