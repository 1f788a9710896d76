//! The URL of a database: that of its store, and its name.

use duramen_store::layout::DatabaseName;

use crate::Error;

/// Takes the URL of a database apart: `s3://bucket/prefix/shop` is `shop` in `s3://bucket/prefix`.
pub(crate) fn split(url: &str) -> Result<(String, DatabaseName), Error> {
    let refuse = |reason: String| Error::Url { url: without_secrets(url), reason };
    let trimmed = url.trim_end_matches('/');
    let Some((place, name)) = trimmed.rsplit_once('/') else {
        return Err(refuse("expected a URL such as s3://bucket/prefix/database".to_owned()));
    };
    // What is left of `s3://shop` is no store.
    if !place.contains("://") {
        return Err(refuse("expected the name of a database after that of the store".to_owned()));
    }
    let name = DatabaseName::new(name).map_err(|error| refuse(error.to_string()))?;
    Ok((place.to_owned(), name))
}

/// A URL as messages may show it: without a user and password before the host.
fn without_secrets(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let host_end = rest.find('/').unwrap_or(rest.len());
    match rest[..host_end].rfind('@') {
        Some(at) => format!("{scheme}://{}", &rest[at + 1..]),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_segment_is_the_name() {
        for (url, place, name) in [
            ("s3://bucket/a/b/shop", "s3://bucket/a/b", "shop"),
            ("gs://bucket/shop/", "gs://bucket", "shop"),
            ("file:///var/lib/duramen/shop", "file:///var/lib/duramen", "shop"),
            ("memory:///test/shop", "memory:///test", "shop"),
            ("memory:///shop", "memory://", "shop"),
        ] {
            let (found, database) = split(url).expect(url);
            assert_eq!((found.as_str(), database.as_str()), (place, name));
        }
    }

    #[test]
    fn urls_that_name_no_database_are_refused() {
        for url in ["", "shop", "s3://shop", "s3://bucket/My Shop", "s3://bucket/.."] {
            let error = split(url).expect_err(url);
            assert_eq!(error.kind(), crate::ErrorKind::Invalid, "{url}");
            assert!(error.to_string().starts_with(url), "{error}");
        }
    }

    #[test]
    fn messages_hold_no_secrets() {
        let error = split("https://me:secret@host/My Shop").expect_err("no name");
        assert!(error.to_string().starts_with("https://host/My Shop: "), "{error}");
    }
}
