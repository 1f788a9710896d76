//! `NAME=REST`, where the name may be left out.

/// What was given for a database, and the name of the database if it was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Named<'a> {
    /// Without the dollar.
    pub(crate) name: Option<&'a str>,
    pub(crate) rest: &'a str,
}

impl<'a> Named<'a> {
    /// Takes a text apart. An equals sign within a URL makes no name of what is before it.
    pub(crate) fn parse(text: &'a str) -> Self {
        match text.split_once('=') {
            Some((name, rest)) if is_name(name) => {
                Self { name: Some(name.trim_start_matches('$')), rest }
            }
            _ => Self { name: None, rest: text },
        }
    }
}

fn is_name(text: &str) -> bool {
    let name = text.strip_prefix('$').unwrap_or(text);
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_precede_an_equals_sign() {
        let parse = |text| {
            let named = Named::parse(text);
            (named.name, named.rest)
        };
        assert_eq!(parse("cat=s3://a/b"), (Some("cat"), "s3://a/b"));
        assert_eq!(parse("$cat=s3://a/b"), (Some("cat"), "s3://a/b"));
        assert_eq!(parse("s3://a/b?c=d"), (None, "s3://a/b?c=d"));
        assert_eq!(parse("=s3://a/b"), (None, "=s3://a/b"));
        assert_eq!(parse("17"), (None, "17"));
    }
}
