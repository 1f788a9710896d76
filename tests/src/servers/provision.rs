//! Putting the servers in place: once, beside the build, at pinned versions.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// An interpreter with what the server scripts need.
pub(super) struct Environment {
    interpreter: PathBuf,
    arguments: Vec<PathBuf>,
}

impl Environment {
    /// The command that runs one of the scripts.
    pub(super) fn command(&self, script: &str) -> Command {
        let mut command = Command::new(&self.interpreter);
        command.arg(sources().join(script)).args(&self.arguments);
        command
    }
}

/// Python with moto.
pub(super) fn python() -> Result<Environment> {
    let place = provisioned("python", "requirements.txt", |place, list| {
        run(Command::new("python3").args(["-m", "venv"]).arg(place))?;
        let pip = place.join("bin/pip");
        let quiet = ["install", "--quiet", "--disable-pip-version-check", "-r"];
        run(Command::new(pip).args(quiet).arg(list))
    })?;
    Ok(Environment { interpreter: place.join("bin/python"), arguments: Vec::new() })
}

/// Node with Azurite.
pub(super) fn node() -> Result<Environment> {
    let place = provisioned("node", "package.json", |place, list| {
        fs::create_dir_all(place)?;
        fs::copy(list, place.join("package.json"))?;
        let quiet = ["install", "--no-audit", "--no-fund", "--loglevel=error"];
        run(Command::new("npm").args(quiet).current_dir(place))
    })?;
    Ok(Environment {
        interpreter: PathBuf::from("node"),
        arguments: vec![place.join("node_modules")],
    })
}

/// The folder in which an environment is, made unless it was made from this very list. Test
/// processes that come at once wait for the first.
fn provisioned(
    name: &str,
    list: &str,
    make: impl FnOnce(&Path, &Path) -> Result<()>,
) -> Result<PathBuf> {
    let folder = target().join("test-servers");
    fs::create_dir_all(&folder)?;
    let lock = File::create(folder.join(format!("{name}.lock")))?;
    lock.lock()?;
    let place = folder.join(name);
    let list = sources().join(list);
    let (wanted, marker) = (fs::read(&list)?, folder.join(format!("{name}.made-from")));
    if fs::read(&marker).is_ok_and(|made_from| made_from == wanted) {
        return Ok(place);
    }
    if place.exists() {
        fs::remove_dir_all(&place)?;
    }
    make(&place, &list).with_context(|| format!("cannot put {name} in place"))?;
    fs::write(&marker, wanted)?;
    Ok(place)
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        bail!("{command:?}: {}: {said}", output.status);
    }
    Ok(())
}

/// Where the scripts and the lists of packages are.
fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("servers")
}

/// Where the build goes, which a clean-up clears: the folder that cargo marked, above this program.
fn target() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    let marked = program.ancestors().find(|above| above.join("CACHEDIR.TAG").exists());
    let usual = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
    marked.map_or_else(usual, Path::to_owned)
}
