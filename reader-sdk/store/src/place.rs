//! URLs of stores, and of databases in them.

use std::fmt;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use url::{Position, Url};

use crate::layout::DatabaseName;
use crate::{Key, StoreError};

const SCHEMES: &str = "s3://bucket/folder, gs://bucket/folder, az://container/folder, \
                       file:///folder, memory://name, or https://host/folder to read only";

/// What kind of store a URL names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// Amazon S3, or what speaks its protocol.
    S3,
    /// Google Cloud Storage.
    Gcs,
    /// Azure Blob Storage.
    Azure,
    /// A folder of the local file system.
    File,
    /// Memory of this process.
    Memory,
    /// A web server, to read only.
    Http,
}

/// The URL of a store, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// What kind of store it is.
    pub scheme: Scheme,
    /// The URL of the bucket, container, host or folder.
    pub base: String,
    /// The folder within the bucket; none for `file`, whose folder is the base.
    pub folder: Key,
}

impl Place {
    /// Takes a URL apart.
    ///
    /// # Errors
    /// `Url`, saying what would be right.
    pub fn parse(url: &str) -> Result<Self, StoreError> {
        let wrong = |reason: String| StoreError::Url { url: without_secrets(url), reason };
        let parsed = Url::parse(url).map_err(|e| wrong(format!("{e}; write {SCHEMES}")))?;
        if parsed.password().is_some() || parsed.query().is_some() || parsed.fragment().is_some() {
            return Err(wrong(
                "credentials and options do not belong in the URL: set them apart".to_owned(),
            ));
        }
        let scheme = match parsed.scheme() {
            "s3" | "s3a" => Scheme::S3,
            "gs" => Scheme::Gcs,
            "az" | "azure" | "abfs" | "abfss" => Scheme::Azure,
            "file" => Scheme::File,
            "memory" => Scheme::Memory,
            "http" | "https" => Scheme::Http,
            other => return Err(wrong(format!("unknown scheme {other:?}; write {SCHEMES}"))),
        };
        let host = parsed.host_str().unwrap_or_default();
        match scheme {
            Scheme::File if !host.is_empty() => {
                return Err(wrong("a folder is written file:///folder".to_owned()));
            }
            Scheme::File | Scheme::Memory => {}
            _ if host.is_empty() => {
                return Err(wrong(format!("names no bucket; write {SCHEMES}")));
            }
            _ => {}
        }
        let folder = decoded_folder(parsed.path())
            .ok_or_else(|| wrong("the path is not UTF-8".to_owned()))?;
        let base = parsed[..Position::BeforePath].to_owned();
        Ok(match scheme {
            Scheme::File => {
                Self { scheme, base: format!("file:///{folder}"), folder: Key::new("") }
            }
            _ => Self { scheme, base, folder },
        })
    }

    /// The path of a `file` place.
    #[must_use]
    pub fn file_path(&self) -> &str {
        let path = self.base.trim_start_matches("file://");
        // A drive letter is not below the root.
        match path.as_bytes() {
            [b'/', letter, b':', ..] if letter.is_ascii_alphabetic() => &path[1..],
            _ => path,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)?;
        if self.folder.path().is_empty() {
            return Ok(());
        }
        write!(f, "/{}", self.folder)
    }
}

/// The URL of a database: that of its store, a slash, and its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DatabaseUrl {
    /// The URL of the store.
    pub place: String,
    /// The name of the database.
    pub name: DatabaseName,
}

impl FromStr for DatabaseUrl {
    type Err = StoreError;

    fn from_str(url: &str) -> Result<Self, StoreError> {
        let wrong = |reason: String| StoreError::Url { url: without_secrets(url), reason };
        let (place, name) = url.trim_end_matches('/').rsplit_once('/').ok_or_else(|| {
            wrong("names no database: write the store, a slash and the name".to_owned())
        })?;
        if place.ends_with(['/', ':'])
            && !place.starts_with("file:")
            && !place.starts_with("memory:")
        {
            return Err(wrong(format!("names a store and no database: write {url}/name")));
        }
        Ok(Self {
            place: place.to_owned(),
            name: DatabaseName::new(name).map_err(|e| wrong(e.to_string()))?,
        })
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.place, self.name)
    }
}

/// The URL as far as it may be shown: what stands before an `@` may hold a password, and what
/// comes after a `?` a signature.
fn without_secrets(url: &str) -> String {
    let shown = url.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = shown.split_once("://") else {
        return shown.to_owned();
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    match authority.split_once('@') {
        Some((user, host)) if user.contains(':') => format!("{scheme}://…@{host}{path}"),
        _ => shown.to_owned(),
    }
}

fn decoded_folder(path: &str) -> Option<Key> {
    let decoded = percent_decode_str(path).decode_utf8().ok()?;
    let segments: Vec<&str> = decoded.split('/').filter(|s| !s.is_empty()).collect();
    Some(Key::new(segments.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(url: &str) -> String {
        Place::parse(url).unwrap_err().to_string()
    }

    #[test]
    fn urls_are_taken_apart() {
        for (url, scheme, base, folder) in [
            ("s3://bucket/a/b", Scheme::S3, "s3://bucket", "a/b"),
            ("s3://Bucket.x", Scheme::S3, "s3://Bucket.x", ""),
            ("gs://bucket/a//b/", Scheme::Gcs, "gs://bucket", "a/b"),
            ("az://container@account/x", Scheme::Azure, "az://container@account", "x"),
            ("file:///var/my data/", Scheme::File, "file:///var/my data", ""),
            ("file:///var/my%20data", Scheme::File, "file:///var/my data", ""),
            ("memory://m", Scheme::Memory, "memory://m", ""),
            ("memory:///m/x", Scheme::Memory, "memory://", "m/x"),
            ("https://host:8443/a", Scheme::Http, "https://host:8443", "a"),
        ] {
            let place = Place::parse(url).unwrap();
            let expected = (scheme, base.to_owned(), Key::new(folder));
            assert_eq!((place.scheme, place.base, place.folder), expected, "{url}");
        }
        let file = Place::parse("file:///var/x").unwrap();
        assert_eq!(file.file_path(), "/var/x");
    }

    #[test]
    fn wrong_urls_say_what_is_right() {
        assert!(error("bucket/x").contains("write s3://bucket/folder"));
        assert!(error("ftp://bucket").contains("unknown scheme \"ftp\""));
        assert!(error("s3:///x").contains("names no bucket"));
        assert!(error("file://relative/x").contains("file:///folder"));
    }

    #[test]
    fn secrets_are_refused_and_not_shown() {
        for url in ["s3://key:secret@bucket/x", "az://c/x?sig=secret", "https://h/x#secret"] {
            assert!(error(url).contains("do not belong"), "{url}");
            assert!(!error(url).contains("secret"), "{url}");
        }
    }

    #[test]
    fn a_database_url_is_a_place_and_a_name() {
        for (url, place, name) in [
            ("s3://bucket/a/cat", "s3://bucket/a", "cat"),
            ("s3://bucket/cat/", "s3://bucket", "cat"),
            ("file:///cat", "file://", "cat"),
            ("memory://m/cat", "memory://m", "cat"),
            ("memory:///cat", "memory://", "cat"),
        ] {
            let parsed: DatabaseUrl = url.parse().unwrap();
            assert_eq!((parsed.place.as_str(), parsed.name.as_str()), (place, name));
            Place::parse(&parsed.place).unwrap();
        }
        for url in ["s3://bucket", "cat", "s3://bucket/Cat", "https://host"] {
            assert!(url.parse::<DatabaseUrl>().is_err(), "{url}");
        }
    }
}
