//! Names of objects.

use std::fmt;

/// The name of an object within a store: path segments joined by `/`, without a leading one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

impl Key {
    /// Takes a path. Leading and trailing slashes are dropped.
    #[must_use]
    pub fn new(path: impl AsRef<str>) -> Self {
        Self(path.as_ref().trim_matches('/').to_owned())
    }

    /// The object or folder of a name within this folder.
    #[must_use]
    pub fn join(&self, name: impl fmt::Display) -> Self {
        if self.0.is_empty() {
            Self::new(name.to_string())
        } else {
            Self(format!("{}/{name}", self.0))
        }
    }

    /// The whole path.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.0
    }

    /// The last segment of the path.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
