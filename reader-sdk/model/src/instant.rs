//! Instants: milliseconds since 1970, as Datomic keeps them.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(i64);

impl Instant {
    /// Takes milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// The milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }
}

/// Text that is not an instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an instant such as 2024-05-01T12:30:00.000Z")]
pub struct ParseInstantError {
    /// The text in question.
    pub text: String,
}

/// Reads RFC 3339 with the tolerance of EDN's `#inst`: a date alone, a time without seconds, and
/// a missing offset (UTC) are allowed; digits below a millisecond are dropped. Milliseconds such as
/// `-99999999999999999ms` are read too: they are how an instant beyond the calendar is printed.
impl FromStr for Instant {
    type Err = ParseInstantError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseInstantError { text: text.to_owned() };
        if let Some(millis) = text.strip_suffix("ms") {
            return millis.parse().map(Self).map_err(|_| error());
        }
        if let Ok(timestamp) = text.parse::<Timestamp>() {
            return Ok(Self(floor_millis(timestamp)));
        }
        let padded = match text.len() {
            4 => format!("{text}-01-01"),
            7 => format!("{text}-01"),
            _ => text.to_owned(),
        };
        let civil: jiff::civil::DateTime = padded.parse().map_err(|_| error())?;
        TimeZone::UTC.to_timestamp(civil).map(floor_millis).map(Self).map_err(|_| error())
    }
}

fn floor_millis(timestamp: Timestamp) -> i64 {
    timestamp.as_nanosecond().div_euclid(1_000_000) as i64
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Timestamp::from_millisecond(self.0) {
            Ok(timestamp) => write!(f, "{timestamp:.3}"),
            // Beyond the years that a calendar can name.
            Err(_) => write!(f, "{}ms", self.0),
        }
    }
}

/// As RFC 3339 where the format is text, else as milliseconds.
impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_i64(self.0)
        }
    }
}

/// From milliseconds; where the format is text, from RFC 3339 too.
impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(InstantVisitor)
        } else {
            i64::deserialize(deserializer).map(Self)
        }
    }
}

struct InstantVisitor;

impl Visitor<'_> for InstantVisitor {
    type Value = Instant;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an instant in milliseconds or as RFC 3339")
    }

    fn visit_i64<E: de::Error>(self, millis: i64) -> Result<Instant, E> {
        Ok(Instant(millis))
    }

    fn visit_u64<E: de::Error>(self, millis: u64) -> Result<Instant, E> {
        i64::try_from(millis).map(Instant).map_err(E::custom)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Instant, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(text: &str) -> i64 {
        text.parse::<Instant>().map(Instant::millis).unwrap_or(i64::MIN)
    }

    #[test]
    fn reads_what_edn_allows() {
        assert_eq!(millis("1970-01-01T00:00:00.001Z"), 1);
        assert_eq!(millis("1970-01-01T01:00:00+01:00"), 0);
        assert_eq!(millis("1970-01-02"), 86_400_000);
        assert_eq!(millis("1970"), 0);
        assert_eq!(millis("1970-02"), 31 * 86_400_000);
        assert_eq!(millis("1969-12-31T23:59:59.9995Z"), -1);
        assert_eq!(millis("-7ms"), -7);
        assert!("yesterday".parse::<Instant>().is_err());
        assert!("2021-13-01".parse::<Instant>().is_err());
    }

    #[test]
    fn every_instant_reads_back() {
        let mut instants =
            vec![i64::MIN, i64::MAX, 0, -1, 253_402_300_799_999, -62_167_219_200_001];
        instants.extend((0..63).flat_map(|bit| [1_i64 << bit, -(1_i64 << bit) - 1]));
        for instant in instants.into_iter().map(Instant::from_millis) {
            assert_eq!(instant.to_string().parse(), Ok(instant));
        }
    }

    #[test]
    fn prints_what_it_reads() {
        for text in ["2021-01-01T09:00:00.000Z", "1969-12-31T23:59:59.999Z"] {
            assert_eq!(text.parse::<Instant>().map(|i| i.to_string()), Ok(text.to_owned()));
        }
    }
}
