//! The transactions that load a package index.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use duramen_model::Value;
use duramen_model::edn::Edn;

use super::{Package, PackageIndex};

/// Packages in one transaction.
pub const PACKAGES_PER_TRANSACTION: usize = 500;

/// The attributes of packages, sections and maintainers.
pub const SCHEMA: &str = r#"[
 {:db/ident :package/name :db/valueType :db.type/string :db/cardinality :db.cardinality/one
  :db/unique :db.unique/identity :db/doc "The name of a package."}
 {:db/ident :package/version :db/valueType :db.type/string :db/cardinality :db.cardinality/one}
 {:db/ident :package/architecture :db/valueType :db.type/keyword :db/cardinality :db.cardinality/one}
 {:db/ident :package/maintainer :db/valueType :db.type/ref :db/cardinality :db.cardinality/one}
 {:db/ident :package/section :db/valueType :db.type/string :db/cardinality :db.cardinality/one
  :db/index true}
 {:db/ident :package/priority :db/valueType :db.type/keyword :db/cardinality :db.cardinality/one}
 {:db/ident :package/summary :db/valueType :db.type/string :db/cardinality :db.cardinality/one}
 {:db/ident :package/homepage :db/valueType :db.type/uri :db/cardinality :db.cardinality/one}
 {:db/ident :package/sha256 :db/valueType :db.type/string :db/cardinality :db.cardinality/one}
 {:db/ident :package/installed-kib :db/valueType :db.type/long :db/cardinality :db.cardinality/one}
 {:db/ident :package/file-bytes :db/valueType :db.type/long :db/cardinality :db.cardinality/one}
 {:db/ident :package/depends :db/valueType :db.type/ref :db/cardinality :db.cardinality/many}
 {:db/ident :package/tags :db/valueType :db.type/keyword :db/cardinality :db.cardinality/many}
 {:db/ident :maintainer/address :db/valueType :db.type/string :db/cardinality :db.cardinality/one
  :db/unique :db.unique/identity :db/doc "Name and address of a maintainer."}
]"#;

/// The attributes of what is installed on one machine.
pub const INSTALLED_SCHEMA: &str = r#"[
 {:db/ident :installed/name :db/valueType :db.type/string :db/cardinality :db.cardinality/one
  :db/unique :db.unique/identity}
 {:db/ident :installed/version :db/valueType :db.type/string :db/cardinality :db.cardinality/one}
]"#;

/// The transactions that load an index, in order, as EDN text. Loading a later index again
/// changes only what differs.
pub fn of_index(index: &PackageIndex) -> impl Iterator<Item = String> + '_ {
    let packages: Vec<_> = index.packages.iter().collect();
    let chunks: Vec<Vec<_>> =
        packages.chunks(PACKAGES_PER_TRANSACTION).map(<[_]>::to_vec).collect();
    chunks.into_iter().map(|chunk| of_packages(&chunk))
}

/// The transactions that load what is installed.
#[must_use]
pub fn of_installed(installed: &BTreeMap<String, String>) -> Vec<String> {
    let entries: Vec<_> = installed.iter().collect();
    let transaction = |chunk: &[(&String, &String)]| {
        let map = |(name, version): &(&String, &String)| {
            format!("{{:installed/name {} :installed/version {}}}", quoted(name), quoted(version))
        };
        format!("[{}]", chunk.iter().map(map).collect::<Vec<_>>().join("\n"))
    };
    entries.chunks(PACKAGES_PER_TRANSACTION).map(transaction).collect()
}

fn of_packages(packages: &[(&String, &Package)]) -> String {
    let mut text = String::from("[");
    for (name, package) in packages {
        // Writing to a string cannot fail.
        let _ = write_package(&mut text, name, package);
    }
    text.push(']');
    text
}

fn write_package(text: &mut String, name: &str, package: &Package) -> std::fmt::Result {
    write!(text, "{{:package/name {}", quoted(name))?;
    write!(text, " :package/version {}", quoted(&package.version))?;
    write!(text, " :package/maintainer {{:maintainer/address {}}}", quoted(&package.maintainer))?;
    write!(text, " :package/section {}", quoted(&package.section))?;
    write!(text, " :package/summary {}", quoted(&package.summary))?;
    write!(text, " :package/installed-kib {}", package.installed_kib)?;
    write!(text, " :package/file-bytes {}", package.file_bytes)?;
    if !package.architecture.is_empty() {
        write!(text, " :package/architecture :{}", package.architecture)?;
    }
    if !package.priority.is_empty() {
        write!(text, " :package/priority :{}", package.priority)?;
    }
    if let Some(homepage) = &package.homepage {
        write!(text, " :package/homepage #uri {}", quoted(homepage))?;
    }
    if let Some(sha256) = &package.sha256 {
        write!(text, " :package/sha256 {}", quoted(sha256))?;
    }
    write_many(text, "package/depends", package.depends.iter().map(|d| needed(d)))?;
    write_many(text, "package/tags", package.tags.iter().map(|t| format!(":{}", keyword(t))))?;
    text.push_str("}\n");
    Ok(())
}

fn write_many(
    text: &mut String,
    attribute: &str,
    values: impl Iterator<Item = String>,
) -> std::fmt::Result {
    let values: Vec<String> = values.collect();
    if values.is_empty() { Ok(()) } else { write!(text, " :{attribute} [{}]", values.join(" ")) }
}

fn needed(name: &str) -> String {
    format!("{{:package/name {}}}", quoted(name))
}

/// `role::program` as the keyword `:role/program`.
fn keyword(tag: &str) -> String {
    tag.replacen("::", "/", 1).replace("::", ".").replace([' ', '(', ')', '\'', ','], "-")
}

fn quoted(text: &str) -> String {
    Edn::Value(Value::string(text)).to_string()
}
