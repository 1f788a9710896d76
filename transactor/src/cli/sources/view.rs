//! How a database is looked at: as of a time, since a time, with its history.

use std::fmt;

use duramen::{Db, Instant, T};

use super::named::Named;
use crate::cli::arguments::Sources;
use crate::cli::exit::Failure;

/// A way to look at one database, or at all of them.
#[derive(Debug)]
pub(crate) struct View<'a> {
    flag: &'static str,
    /// The database, or nothing for all.
    name: Option<&'a str>,
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    AsOf(Time),
    Since(Time),
    History,
}

/// A transaction, or a point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Time {
    T(T),
    Instant(Instant),
}

impl<'a> View<'a> {
    /// The views that were asked for: first the times, then the histories.
    pub(crate) fn all(flags: &'a Sources) -> Result<Vec<Self>, Failure> {
        let timed = |flag, text, what: fn(Time) -> What| {
            let Named { name, rest } = Named::parse(text);
            Ok(Self { flag, name, what: what(Time::parse(flag, rest)?) })
        };
        let history = |name: &'a String| {
            let name = Some(name.trim_start_matches('$')).filter(|name| !name.is_empty());
            Ok(Self { flag: "--history", name, what: What::History })
        };
        let as_of = flags.as_of.iter().map(|text| timed("--as-of", text, What::AsOf));
        let since = flags.since.iter().map(|text| timed("--since", text, What::Since));
        as_of.chain(since).chain(flags.history.iter().map(history)).collect()
    }

    /// Refuses a view of a database that is not there, and a view of several databases that makes
    /// sense for one.
    pub(crate) fn check(&self, databases: &[Named<'_>]) -> Result<(), Failure> {
        let flag = self.flag;
        match (self.name, self.what) {
            (Some(name), _) if !databases.iter().any(|database| self.concerns(database)) => {
                Err(Failure::usage(format!("{flag} {name}: no --db {name}=URL was given")))
            }
            (None, What::AsOf(Time::T(t)) | What::Since(Time::T(t))) if databases.len() > 1 => {
                Err(Failure::usage(format!(
                    "{flag} {t}: databases count their transactions apart: give {flag} NAME={t}"
                )))
            }
            _ => Ok(()),
        }
    }

    /// Whether it is about a database.
    pub(crate) fn concerns(&self, database: &Named<'_>) -> bool {
        self.name.is_none_or(|name| database.name == Some(name))
    }

    /// The database, looked at this way.
    pub(crate) async fn of(&self, db: &Db) -> Result<Db, Failure> {
        Ok(match self.what {
            What::AsOf(time) => db.as_of(time.t(db).await?),
            What::Since(time) => db.since(time.t(db).await?),
            What::History => db.history(),
        })
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::T(t) => t.fmt(f),
            Self::Instant(instant) => instant.fmt(f),
        }
    }
}

impl Time {
    /// Reads a time; the flag is for the message.
    pub(crate) fn parse(flag: &str, text: &str) -> Result<Self, Failure> {
        if let Ok(number) = text.parse::<u64>() {
            let t = T::new(number).ok_or_else(|| {
                Failure::usage(format!("{flag} {text}: larger than any transaction number"))
            })?;
            return Ok(Self::T(t));
        }
        text.parse().map(Self::Instant).map_err(|_| {
            Failure::usage(format!(
                "{flag} {text}: expected the number of a transaction, or an instant such as \
                 2024-05-01 or 2024-05-01T12:30:00Z"
            ))
        })
    }

    /// The transaction that was the newest one then.
    pub(crate) async fn t(self, db: &Db) -> Result<T, Failure> {
        match self {
            Self::T(t) => Ok(t),
            Self::Instant(instant) => Ok(db.t_at(instant).await.map_err(duramen::Error::from)?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(as_of: &[&str], history: &[&str]) -> Sources {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Sources {
            databases: Vec::new(),
            as_of: owned(as_of),
            since: Vec::new(),
            history: owned(history),
            stats: false,
            disk_cache: None,
            disk_cache_mib: 0,
        }
    }

    #[test]
    fn times_are_transactions_or_instants() {
        let t = |n| Time::T(T::new(n).unwrap());
        assert_eq!(Time::parse("", "17").unwrap(), t(17));
        let instant = "2024-05-01T00:00:00Z".parse().unwrap();
        assert_eq!(Time::parse("", "2024-05-01").unwrap(), Time::Instant(instant));
        for wrong in ["", "yesterday", "-1", "99999999999999999999"] {
            assert!(Time::parse("--as-of", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_view_concerns_the_database_it_names() {
        let (one, other) = (Named::parse("a=memory://x/a"), Named::parse("memory://x/b"));
        let flags = flags(&["a=3"], &["", "$a"]);
        let views = View::all(&flags).unwrap();
        let concerned: Vec<_> =
            views.iter().map(|view| (view.concerns(&one), view.concerns(&other))).collect();
        assert_eq!(concerned, [(true, false), (true, true), (true, false)]);
    }

    #[test]
    fn views_that_make_no_sense_are_refused() {
        let databases = [Named::parse("a=memory://x/a"), Named::parse("b=memory://x/b")];
        for (as_of, right) in [("a=3", true), ("2024-05-01", true), ("3", false), ("c=3", false)] {
            let flags = flags(&[as_of], &[]);
            let views = View::all(&flags).unwrap();
            assert_eq!(views[0].check(&databases).is_ok(), right, "{as_of}");
        }
    }
}
