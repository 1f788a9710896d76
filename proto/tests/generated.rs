//! Keeps the generated code in step with the `.proto` files.

use std::fs;
use std::path::{Path, PathBuf};

use protox::prost::Message;

/// Generates anew and compares. What differs is written over the committed file, so that running
/// the test twice and committing is all there is to do after a change of a `.proto` file.
#[test]
fn generated_code_is_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = proto_files(&root.join("duramen"));
    let descriptors = protox::compile(&sources, [root]).expect("the .proto files compile");
    let fresh = Path::new(env!("CARGO_TARGET_TMPDIR")).join("generated");
    let _ = fs::remove_dir_all(&fresh);
    fs::create_dir_all(&fresh).expect("a folder for the output");
    fs::write(fresh.join("descriptors.bin"), descriptors.encode_to_vec()).expect("written");
    tonic_prost_build::configure()
        .out_dir(&fresh)
        .bytes(".duramen.stored.v1")
        .btree_map(".")
        .emit_rerun_if_changed(false)
        .compile_fds(descriptors)
        .expect("code is generated");
    let changed = update(&fresh, &root.join("src/generated"));
    assert!(changed.is_empty(), "regenerated, review and commit: {changed:?}");
}

fn proto_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(proto_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Copies the files that differ; returns their names.
fn update(fresh: &Path, committed: &Path) -> Vec<String> {
    let mut changed = Vec::new();
    for entry in fs::read_dir(fresh).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a file").to_string_lossy().into_owned();
        let bytes = fs::read(&path).expect("readable");
        if fs::read(committed.join(&name)).ok() != Some(bytes.clone()) {
            fs::write(committed.join(&name), bytes).expect("written");
            changed.push(name);
        }
    }
    changed.sort();
    changed
}
