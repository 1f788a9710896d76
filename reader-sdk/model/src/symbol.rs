//! Keywords and symbols: names with an optional namespace.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $sigil:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Makes one from its text without the sigil, as in `person/name`.
            #[must_use]
            pub fn new(text: impl AsRef<str>) -> Self {
                Self(Arc::from(text.as_ref()))
            }

            /// Makes one from a namespace and a name.
            #[must_use]
            pub fn qualified(namespace: &str, name: &str) -> Self {
                Self(Arc::from(format!("{namespace}/{name}")))
            }

            /// The whole text, without the sigil.
            #[must_use]
            pub fn text(&self) -> &str {
                &self.0
            }

            /// The part before the slash.
            #[must_use]
            pub fn namespace(&self) -> Option<&str> {
                self.split().0
            }

            /// The part after the slash, or all of it.
            #[must_use]
            pub fn name(&self) -> &str {
                self.split().1
            }

            fn split(&self) -> (Option<&str>, &str) {
                match self.0.find('/') {
                    Some(slash) if slash > 0 => (Some(&self.0[..slash]), &self.0[slash + 1..]),
                    _ => (None, &self.0),
                }
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        // Without a namespace first, then by namespace, then by name: Clojure's order.
        impl Ord for $name {
            fn cmp(&self, other: &Self) -> Ordering {
                self.split().cmp(&other.split())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($sigil)?;
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        /// As its text without the sigil.
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        /// From its text, with or without the sigil.
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <Cow<'de, str>>::deserialize(deserializer)?;
                Ok(Self::new(text.strip_prefix($sigil).unwrap_or(&text)))
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }
    };
}

name!(
    /// A keyword such as `:person/name`.
    ///
    /// ```
    /// # use duramen_model::Keyword;
    /// let name = Keyword::new("person/name");
    /// assert_eq!((name.namespace(), name.name()), (Some("person"), "name"));
    /// assert_eq!(name.to_string(), ":person/name");
    /// ```
    Keyword,
    ":"
);
name!(
    /// A symbol such as `?person` or `clojure.string/blank?`.
    Symbol,
    ""
);
