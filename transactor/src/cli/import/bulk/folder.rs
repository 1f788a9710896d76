//! The folder that a load works in, and what is written there to go on from.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use duramen_transactor::bulk::Savepoint;
use serde::{Deserialize, Serialize};

use crate::cli::exit::{Exit, Failure};

/// The version of the manifest. It is read by the version that wrote it only.
const VERSION: &str = env!("CARGO_PKG_VERSION");
const MANIFEST: &str = "import.json";
const LOCK: &str = "import.lock";
/// Begins the names of spills.
const SPILL: &str = "spill-";
/// Bytes of a file that are compared.
const BEGINNING_BYTES: u64 = 1 << 20;

/// What is imported, and into what: who goes on must be asked for the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    version: String,
    file: PathBuf,
    bytes: u64,
    modified_ms: u128,
    /// BLAKE3 of the first MiB.
    beginning: String,
    store: String,
    database: String,
    /// How rows become facts.
    plan: String,
}

/// What is written in the folder.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    identity: Identity,
    savepoint: Savepoint,
}

/// A folder that this process works in, and no other.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    identity: Identity,
    _lock: File,
}

impl Identity {
    /// What there is to know of a file without reading all of it.
    pub(super) fn of(file: &Path, store: String, database: &str, plan: String) -> io::Result<Self> {
        let opened = File::open(file)?;
        let metadata = opened.metadata()?;
        let mut beginning = Vec::new();
        (&opened).take(BEGINNING_BYTES).read_to_end(&mut beginning)?;
        let modified = metadata.modified()?.duration_since(UNIX_EPOCH);
        Ok(Self {
            version: VERSION.to_owned(),
            file: file.canonicalize()?,
            bytes: metadata.len(),
            modified_ms: modified.map_or(0, |since| since.as_millis()),
            beginning: blake3::hash(&beginning).to_hex().to_string(),
            store,
            database: database.to_owned(),
            plan,
        })
    }

    /// What differs, as people call it.
    fn difference(&self, other: &Self) -> Option<&'static str> {
        let parts = [
            (self.version == other.version, "version of duramen"),
            (self.file == other.file, "file"),
            (self.bytes == other.bytes, "length of the file"),
            (self.modified_ms == other.modified_ms, "time that the file was modified"),
            (self.beginning == other.beginning, "beginning of the file"),
            (self.store == other.store, "store"),
            (self.database == other.database, "database"),
            (self.plan == other.plan, "mapping, key or batch"),
        ];
        parts.into_iter().find(|(same, _)| !same).map(|(_, what)| what)
    }
}

impl Folder {
    /// Takes a folder, and makes it if need be. The savepoint is what an import that broke off left
    /// there.
    pub(super) fn open(
        path: &Path,
        identity: Identity,
    ) -> Result<(Self, Option<Savepoint>), Failure> {
        let failed = |error: io::Error| Failure::from(error).within(path.display());
        fs::create_dir_all(path).map_err(failed)?;
        let lock = File::create(path.join(LOCK)).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let message = format!("{}: another import works in it", path.display());
                return Err(Failure::new(Exit::Conflict, message));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let folder = Self { path: path.to_owned(), identity, _lock: lock };
        let savepoint = folder.savepoint()?;
        Ok((folder, savepoint))
    }

    fn savepoint(&self) -> Result<Option<Savepoint>, Failure> {
        let path = self.path.join(MANIFEST);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::from(error).within(path.display())),
        };
        let other = |what: String| {
            let advice = "choose another folder, or remove this one to begin anew";
            Failure::new(Exit::Conflict, format!("{}: {what}: {advice}", path.display()))
        };
        let manifest: Manifest =
            serde_json::from_slice(&text).map_err(|error| other(error.to_string()))?;
        match manifest.identity.difference(&self.identity) {
            None => Ok(Some(manifest.savepoint)),
            Some(what) => Err(other(format!("it belongs to another import, of another {what}"))),
        }
    }

    /// Writes down where another process can go on, in place of what was there.
    pub(super) fn save(&self, savepoint: Savepoint) -> Result<(), Failure> {
        let manifest = Manifest { identity: self.identity.clone(), savepoint };
        let write = || {
            let (path, temporary) = (self.path.join(MANIFEST), self.path.join("import.json.new"));
            let mut file = File::create(&temporary)?;
            file.write_all(&serde_json::to_vec(&manifest)?)?;
            file.sync_all()?;
            fs::rename(&temporary, &path)?;
            File::open(&self.path)?.sync_all()
        };
        write().map_err(|error: io::Error| Failure::from(error).within(self.path.display()))
    }

    /// Removes what the import has put there, and the folder if nothing else is in it.
    pub(super) fn clear(self) -> io::Result<()> {
        // First what leads to the rest.
        let mut names = vec![MANIFEST.into()];
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            if name.to_str().is_some_and(|name| name.starts_with(SPILL)) {
                names.push(name);
            }
        }
        names.push(LOCK.into());
        for name in names {
            match fs::remove_file(self.path.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        // It stays when there is more in it.
        let _ = fs::remove_dir(&self.path);
        Ok(())
    }
}
