//! A reader: a process of its own that knows where the databases are, and nothing else.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use duramen::Instant;
use tokio::process::Command;

use super::data;
use super::page::Page;
use super::team::Team;
use crate::cli::exit::{Exit, Failure};

/// Starts this program again, to read.
pub(super) struct Reader {
    program: PathBuf,
    folder: PathBuf,
    catalogue: String,
    inventory: String,
}

impl Reader {
    pub(super) fn new(folder: &Path, shop: &Team, warehouse: &Team) -> Result<Self, Failure> {
        Ok(Self {
            program: std::env::current_exe()?,
            folder: folder.to_owned(),
            catalogue: shop.database_url(),
            inventory: warehouse.database_url(),
        })
    }

    /// Joins both databases, today's or those of an instant.
    pub(super) async fn join(&self, page: &Page, as_of: Option<Instant>) -> Result<(), Failure> {
        let mut words = vec!["query".to_owned(), "--stats".to_owned()];
        words.extend(["--db".to_owned(), format!("cat={}", self.catalogue)]);
        words.extend(["--db".to_owned(), format!("inv={}", self.inventory)]);
        if let Some(instant) = as_of {
            words.extend(["--as-of".to_owned(), instant.to_string()]);
        }
        words.push(data::JOIN.to_owned());
        self.run(page, &words).await
    }

    /// Shows one book.
    pub(super) async fn pull(&self, page: &Page) -> Result<(), Failure> {
        let words = ["pull", "--stats", "--db", &self.catalogue, "[*]", data::BOOK];
        self.run(page, &words.map(str::to_owned)).await
    }

    /// A question as it would be typed.
    pub(super) fn question(&self, query: &str) -> String {
        shown(&["query", "--db", &self.catalogue, query].map(str::to_owned))
    }

    /// As in `the folders hold 61 files, 812.4 KiB`.
    pub(super) fn stored(&self) -> Result<String, Failure> {
        let (files, bytes) = contents(&self.folder)?;
        Ok(format!("the two folders hold {:.1} KiB in {files} files", bytes as f64 / 1024.0))
    }

    async fn run(&self, page: &Page, words: &[String]) -> Result<(), Failure> {
        page.command(&shown(words))?;
        let mut command = Command::new(&self.program);
        // Nothing but the words says anything: neither the environment nor a file.
        command.args(words).env_clear().current_dir(&self.folder).stdin(Stdio::null());
        let output = command.output().await?;
        let told = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            return Err(Failure::new(Exit::Unavailable, format!("the reader failed: {told}")));
        }
        page.lines(&String::from_utf8_lossy(&output.stdout))?;
        page.lines(&told)
    }
}

/// A command as it is typed in a shell, long words on lines of their own.
fn shown(words: &[String]) -> String {
    let mut text = "duramen".to_owned();
    for word in words {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_=:/.".contains(c);
        if word.chars().all(plain) {
            text.push_str(if word == "--db" || word == "--as-of" { " \\\n" } else { " " });
            text.push_str(word);
        } else {
            text.push_str(if word.contains('\n') { " \\\n'" } else { " '" });
            text.push_str(word);
            text.push('\'');
        }
    }
    text
}

/// Files of a folder and of those in it, and their bytes.
fn contents(folder: &Path) -> Result<(u64, u64), Failure> {
    let (mut files, mut bytes) = (0, 0);
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if metadata.is_dir() {
            let (more_files, more_bytes) = contents(&entry.path())?;
            files += more_files;
            bytes += more_bytes;
        } else {
            files += 1;
            bytes += metadata.len();
        }
    }
    Ok((files, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_shown_as_they_are_typed() {
        let words = ["query", "--db", "a=file:///b", "[:find ?a\n :where [?a]]"];
        assert_eq!(
            shown(&words.map(str::to_owned)),
            "duramen query \\\n--db a=file:///b \\\n'[:find ?a\n :where [?a]]'"
        );
    }
}
