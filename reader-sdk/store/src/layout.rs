//! What objects are called within a store: the one place where paths are made and read back.
//!
//! ```text
//! <database>/
//!   claim/<k>                             what the name means: created, dropped
//!   HEAD/<branch>                         hint: a copy of a recent root
//!   <id>/branch/<branch>/root/<n>         the roots
//!   <id>/checkpoint/<writer>-<seq>        what a merge made
//!   <id>/pack/<writer>-<seq>              index nodes
//!   <id>/segment/<writer>-<seq>           spilled stretches of the log
//!   <id>/log-index/<writer>-<seq>         where the segments of long ago are
//! ```
//!
//! `<id>` and `<writer>` are 128 bits in 32 hexadecimal digits, `<seq>` is decimal. `<k>` and `<n>`
//! are written as 10^20-1-n in 20 digits, so that a plain listing gives the newest first.

use std::fmt;
use std::str::FromStr;

use crate::Key;

/// The largest number that a name counts down from.
const COUNTDOWN: u128 = 10u128.pow(COUNTDOWN_DIGITS as u32) - 1;

const COUNTDOWN_DIGITS: usize = 20;

/// The longest name of a database or branch, in bytes.
pub const NAME_BYTES_MAX: usize = 64;

/// A name that breaks the rules of [`DatabaseName`] or [`BranchName`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{name:?} is no {what} name: 1 to {NAME_BYTES_MAX} of a-z 0-9 _ -, beginning with a letter or a digit"
)]
pub struct NameError {
    /// The name as given.
    pub name: String,
    what: &'static str,
}

/// The name of a database within a store: 1 to 64 of `a-z 0-9 _ -`, beginning with a letter or a
/// digit. So it is a path segment on every backend and needs no quoting in a shell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DatabaseName(String);

impl DatabaseName {
    /// Takes a name.
    ///
    /// # Errors
    /// When it breaks the rules above.
    pub fn new(name: impl Into<String>) -> Result<Self, NameError> {
        checked_name(name.into(), "database").map(Self)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DatabaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for DatabaseName {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        Self::new(name)
    }
}

/// The name of a branch of a database; the rules are those of [`DatabaseName`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BranchName(String);

impl BranchName {
    /// Takes a name.
    ///
    /// # Errors
    /// When it breaks the rules.
    pub fn new(name: impl Into<String>) -> Result<Self, NameError> {
        checked_name(name.into(), "branch").map(Self)
    }

    /// The branch that every database has.
    #[must_use]
    pub fn main() -> Self {
        Self("main".to_owned())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BranchName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for BranchName {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        Self::new(name)
    }
}

fn checked_name(name: String, what: &'static str) -> Result<String, NameError> {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    let first = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    if first && name.len() <= NAME_BYTES_MAX && name.bytes().all(allowed) {
        Ok(name)
    } else {
        Err(NameError { name, what })
    }
}

/// Text that is not 32 lowercase hexadecimal digits, or not a name that this module makes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no {what}")]
pub struct IdError {
    /// The text as given.
    pub text: String,
    what: &'static str,
}

/// What tells a database from another that had the same name before it: 128 random bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DatabaseId(pub [u8; 16]);

impl fmt::Display for DatabaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, self.0)
    }
}

impl FromStr for DatabaseId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        parse_hex(text)
            .map(Self)
            .ok_or_else(|| IdError { text: text.to_owned(), what: "database id" })
    }
}

/// Who wrote an object: 128 bits drawn anew at each claim of an epoch, so that no two writers ever
/// use one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WriterId(pub [u8; 16]);

impl fmt::Display for WriterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, self.0)
    }
}

impl FromStr for WriterId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        parse_hex(text)
            .map(Self)
            .ok_or_else(|| IdError { text: text.to_owned(), what: "writer id" })
    }
}

/// The name of a checkpoint, pack or segment: `<writer>-<seq>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName {
    /// Who wrote it.
    pub writer: WriterId,
    /// Counts the objects of that writer.
    pub seq: u64,
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.writer, self.seq)
    }
}

impl FromStr for ObjectName {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let parts = text.split_once('-');
        let name = parts.and_then(|(writer, seq)| {
            Some(Self { writer: writer.parse().ok()?, seq: seq.parse().ok()? })
        });
        // One name, one spelling: `+1` and `01` parse as numbers but are not what is written.
        name.filter(|name| name.to_string() == text)
            .ok_or_else(|| IdError { text: text.to_owned(), what: "object name" })
    }
}

/// The folder of everything that ever had one database name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DatabaseFolder {
    folder: Key,
}

impl DatabaseFolder {
    /// The folder of a name.
    #[must_use]
    pub fn new(name: &DatabaseName) -> Self {
        Self { folder: Key::new(name.as_str()) }
    }

    /// The folder of the claims; the newest is listed first.
    #[must_use]
    pub fn claims(&self) -> Key {
        self.folder.join("claim")
    }

    /// The claim of a number; numbers are dense from 0.
    #[must_use]
    pub fn claim(&self, number: u64) -> Key {
        self.claims().join(countdown(number))
    }

    /// The hint at the newest root of a branch.
    #[must_use]
    pub fn head(&self, branch: &BranchName) -> Key {
        self.folder.join("HEAD").join(branch)
    }

    /// The folder of one database that has, or had, the name.
    #[must_use]
    pub fn contents(&self, id: DatabaseId) -> ContentsFolder {
        ContentsFolder { folder: self.folder.join(id) }
    }
}

/// The folder of what one database consists of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ContentsFolder {
    folder: Key,
}

impl ContentsFolder {
    /// The path of the folder, with a slash behind.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}/", self.folder.path())
    }

    /// The folder of the roots of a branch; the newest is listed first.
    #[must_use]
    pub fn roots(&self, branch: &BranchName) -> Key {
        self.folder.join("branch").join(branch).join("root")
    }

    /// The root of a number.
    #[must_use]
    pub fn root(&self, branch: &BranchName, number: u64) -> Key {
        self.roots(branch).join(countdown(number))
    }

    /// The folder of the checkpoints.
    #[must_use]
    pub fn checkpoints(&self) -> Key {
        self.folder.join("checkpoint")
    }

    /// A checkpoint.
    #[must_use]
    pub fn checkpoint(&self, name: ObjectName) -> Key {
        self.checkpoints().join(name)
    }

    /// The folder of the packs.
    #[must_use]
    pub fn packs(&self) -> Key {
        self.folder.join("pack")
    }

    /// A pack.
    #[must_use]
    pub fn pack(&self, name: ObjectName) -> Key {
        self.packs().join(name)
    }

    /// The folder of the pack lists.
    #[must_use]
    pub fn pack_lists(&self) -> Key {
        self.folder.join("pack-list")
    }

    /// A pack list.
    #[must_use]
    pub fn pack_list(&self, name: ObjectName) -> Key {
        self.pack_lists().join(name)
    }

    /// The folder of the segments.
    #[must_use]
    pub fn segments(&self) -> Key {
        self.folder.join("segment")
    }

    /// The folder of the log indexes.
    #[must_use]
    pub fn log_indexes(&self) -> Key {
        self.folder.join("log-index")
    }

    /// A log index.
    #[must_use]
    pub fn log_index(&self, name: ObjectName) -> Key {
        self.log_indexes().join(name)
    }

    /// A segment.
    #[must_use]
    pub fn segment(&self, name: ObjectName) -> Key {
        self.segments().join(name)
    }
}

/// The number of a root or claim, read back from its key. `None` when the last segment of the key
/// is not one that this module makes.
#[must_use]
pub fn number_of(key: &Key) -> Option<u64> {
    let name = key.name();
    if name.len() != COUNTDOWN_DIGITS || !name.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let remaining: u128 = name.parse().ok()?;
    u64::try_from(COUNTDOWN.checked_sub(remaining)?).ok()
}

/// Whether a key is a hint: the only objects that are overwritten.
#[must_use]
pub fn is_hint(key: &Key) -> bool {
    key.path().rsplit('/').nth(1) == Some("HEAD")
}

fn countdown(number: u64) -> String {
    let remaining = COUNTDOWN - u128::from(number);
    format!("{remaining:0COUNTDOWN_DIGITS$}")
}

fn write_hex(f: &mut fmt::Formatter<'_>, bytes: [u8; 16]) -> fmt::Result {
    write!(f, "{:032x}", u128::from_be_bytes(bytes))
}

fn parse_hex(text: &str) -> Option<[u8; 16]> {
    let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if text.len() != 32 || !text.bytes().all(digit) {
        return None;
    }
    let value = u128::from_str_radix(text, 16).ok()?;
    Some(value.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn contents() -> ContentsFolder {
        let folder = DatabaseFolder::new(&DatabaseName::new("cat").unwrap());
        folder.contents(DatabaseId([0xab; 16]))
    }

    #[test]
    fn paths_are_as_documented() {
        let folder = DatabaseFolder::new(&DatabaseName::new("cat").unwrap());
        let main = BranchName::main();
        let name = ObjectName { writer: WriterId([1; 16]), seq: 7 };
        assert_eq!(folder.claim(0).path(), "cat/claim/99999999999999999999");
        assert_eq!(folder.head(&main).path(), "cat/HEAD/main");
        assert!(is_hint(&folder.head(&main)) && !is_hint(&folder.claim(0)));
        let id = "abababababababababababababababab";
        assert_eq!(
            contents().root(&main, 1).path(),
            format!("cat/{id}/branch/main/root/99999999999999999998")
        );
        let writer = "01010101010101010101010101010101";
        assert_eq!(contents().pack(name).path(), format!("cat/{id}/pack/{writer}-7"));
        assert_eq!(contents().segment(name).path(), format!("cat/{id}/segment/{writer}-7"));
        assert_eq!(contents().checkpoint(name).path(), format!("cat/{id}/checkpoint/{writer}-7"));
    }

    #[test]
    fn names_that_would_be_awkward_somewhere_are_refused() {
        for name in ["a", "9", "a-b_c", &"x".repeat(64)] {
            DatabaseName::new(name).unwrap();
        }
        for name in ["", "-a", "_a", "A", "a b", "a/b", "..", "é", "a.b", &"x".repeat(65)] {
            let error = DatabaseName::new(name).unwrap_err();
            assert!(error.to_string().contains("a-z 0-9"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn newer_roots_are_listed_first(a: u64, b: u64) {
            let root = |n| contents().root(&BranchName::main(), n);
            prop_assert_eq!(a.cmp(&b), root(b).cmp(&root(a)));
            prop_assert_eq!(number_of(&root(a)), Some(a));
        }

        #[test]
        fn object_names_are_read_back(writer: [u8; 16], seq: u64) {
            let name = ObjectName { writer: WriterId(writer), seq };
            prop_assert_eq!(name.to_string().parse(), Ok(name));
        }

        #[test]
        fn other_names_are_not_taken_for_ours(text in "[0-9a-f+-]{0,40}") {
            if let Ok(name) = text.parse::<ObjectName>() {
                prop_assert_eq!(name.to_string(), text.clone());
            }
            if let Some(number) = number_of(&Key::new(&text)) {
                prop_assert_eq!(countdown(number), text);
            }
        }
    }
}
