//! Keeps the map of ARCHITECTURE.md true: which crate may name which, and what the reader must
//! never reach for.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// Every crate of the workspace and the crates of the workspace that it may name.
const ARROWS: &[(&str, &[&str])] = &[
    ("proto", &[]),
    ("reader-sdk/model", &[]),
    ("reader-sdk/store", &[]),
    ("reader-sdk/index", &["duramen-model", "duramen-store"]),
    ("reader-sdk/db", &["duramen-index", "duramen-model", "duramen-proto", "duramen-store"]),
    ("reader-sdk/query", &["duramen-db", "duramen-model"]),
    // The facade wires: it makes the cache of nodes that its connections share.
    (
        "reader-sdk",
        &["duramen-db", "duramen-index", "duramen-model", "duramen-query", "duramen-store"],
    ),
    (
        "transactor",
        &[
            "duramen",
            "duramen-db",
            "duramen-index",
            "duramen-model",
            "duramen-proto",
            "duramen-query",
            "duramen-store",
        ],
    ),
];

/// Crates of others that would let a reader do what it must never do.
const FOREIGN_TO_READERS: &[&str] = &["tonic", "axum", "clap", "rand", "tracing-subscriber"];

/// Folders and files at the top, beside those that every repository has.
const TOP_LEVEL: &[&str] = &["deploy", "proto", "reader-sdk", "tests", "transactor"];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn manifest(folder: &str) -> Result<toml::Table> {
    let path = workspace().join(folder).join("Cargo.toml");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    Ok(text.parse()?)
}

/// The dependencies of a manifest, those of single targets included, without test dependencies.
fn dependencies(manifest: &toml::Table) -> BTreeSet<String> {
    let names = |table: &toml::Table| -> Vec<String> {
        let dependencies = table.get("dependencies").and_then(toml::Value::as_table);
        dependencies.into_iter().flat_map(|d| d.keys().cloned()).collect()
    };
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    let of_targets = targets.into_iter().flat_map(|t| t.values()).filter_map(toml::Value::as_table);
    names(manifest).into_iter().chain(of_targets.flat_map(names)).collect()
}

#[test]
fn dependencies_point_one_way() -> Result<()> {
    for (folder, allowed) in ARROWS {
        for name in dependencies(&manifest(folder)?) {
            let ours = name == "duramen" || name.starts_with("duramen-");
            ensure!(!ours || allowed.contains(&name.as_str()), "{folder} must not name {name}");
        }
    }
    Ok(())
}

#[test]
fn every_crate_is_on_the_map() -> Result<()> {
    let root = manifest(".")?;
    let members = root["workspace"]["members"].as_array().context("members")?;
    let on_map: BTreeSet<&str> = ARROWS.iter().map(|(folder, _)| *folder).collect();
    for member in members.iter().filter_map(toml::Value::as_str).filter(|m| *m != "tests") {
        ensure!(on_map.contains(member), "{member} is not on the map: add it here and draw it");
    }
    Ok(())
}

#[test]
fn readers_link_no_server() -> Result<()> {
    for (folder, _) in ARROWS.iter().filter(|(folder, _)| folder.starts_with("reader-sdk")) {
        for name in dependencies(&manifest(folder)?) {
            ensure!(!FOREIGN_TO_READERS.contains(&name.as_str()), "{folder} must not name {name}");
        }
    }
    Ok(())
}

#[test]
fn crates_are_published_under_one_set_of_lints() -> Result<()> {
    for (folder, _) in ARROWS {
        let manifest = manifest(folder)?;
        let inherited = manifest.get("lints").and_then(|l| l.get("workspace"));
        ensure!(inherited == Some(&toml::Value::Boolean(true)), "{folder} must inherit the lints");
    }
    Ok(())
}

#[test]
fn the_top_level_is_as_promised() -> Result<()> {
    let folders: BTreeSet<String> = fs::read_dir(workspace())?
        .filter_map(Result::ok)
        .filter(|entry| entry.path().is_dir())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.') && name != "target")
        .collect();
    let promised: BTreeSet<String> = TOP_LEVEL.iter().map(|name| (*name).to_owned()).collect();
    ensure!(folders == promised, "top-level folders are {folders:?}");
    Ok(())
}

/// No file is a drawer for everything.
#[test]
fn no_file_is_a_drawer() -> Result<()> {
    let mut names = BTreeMap::new();
    for (folder, _) in ARROWS {
        collect(&workspace().join(folder).join("src"), &mut names)?;
    }
    for (path, stem) in names {
        let drawer = ["utils", "util", "common", "helpers", "misc"].contains(&stem.as_str());
        ensure!(!drawer, "{} has no one purpose: name what it holds", path.display());
    }
    Ok(())
}

fn collect(folder: &Path, names: &mut BTreeMap<PathBuf, String>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, names)?;
        }
        if let Some(stem) = path.file_stem().and_then(|stem| stem.to_str()) {
            names.insert(path.clone(), stem.to_owned());
        }
    }
    Ok(())
}
