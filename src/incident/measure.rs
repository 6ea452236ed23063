//! Measures as types: a lag is not an age, bytes of WAL are not bytes of a file.
//!
//! Durations are read and printed one way everywhere ([`parse_span`], [`Span`]).

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How far a replica is behind in time: what a promotion now would lose, in seconds of writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Lag(pub Duration);

/// How far a replica is behind in bytes of WAL (PostgreSQL) or of replication stream (Redis).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WalBytes(pub u64);

/// How long ago something succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Age(pub Duration);

/// The size of a file or an object, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Size(pub u64);

/// A position in PostgreSQL's write-ahead log, printed as the server prints it (`16/B374D848`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Lsn(pub u64);

impl Lsn {
    /// Bytes from `other` up to `self`; zero when `self` is not ahead.
    pub fn ahead_of(self, other: Lsn) -> WalBytes {
        WalBytes(self.0.saturating_sub(other.0))
    }
}

impl FromStr for Lsn {
    type Err = String;

    /// `HIGH/LOW` in hexadecimal, as `pg_lsn` prints it.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || format!("{text:?} is not an LSN such as 16/B374D848");
        let (high, low) = text.split_once('/').ok_or_else(bad)?;
        let high = u32::from_str_radix(high, 16).map_err(|_| bad())?;
        let low = u32::from_str_radix(low, 16).map_err(|_| bad())?;
        Ok(Lsn(u64::from(high) << 32 | u64::from(low)))
    }
}

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}/{:X}", self.0 >> 32, self.0 & 0xFFFF_FFFF)
    }
}

/// A duration as it is printed everywhere: its two largest units, `340 ms`, `12.4 s`, `7 m 40 s`, `3 h 12 m`, `43 d 2 h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, millis) = (self.0.as_secs(), self.0.subsec_millis());
        let text = match seconds {
            0 => format!("{millis} ms"),
            // Tenths are cut, not rounded: 59.96 s must not print as 60.0 s.
            1..60 => format!("{seconds}.{} s", millis / 100),
            60..3_600 => format!("{} m {:02} s", seconds / 60, seconds % 60),
            3_600..86_400 => format!("{} h {:02} m", seconds / 3_600, seconds % 3_600 / 60),
            _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
        };
        f.pad(&text)
    }
}

/// A limit as the site file would write it, in the largest unit that divides it: `30 s`, `25 h`, `90 d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(pub Duration);

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        // A day is written as 24 h; two are days.
        let units = [
            (86_400_000, 2, "d"),
            (3_600_000, 1, "h"),
            (60_000, 1, "m"),
            (1_000, 1, "s"),
        ];
        let whole =
            |&(unit, least, _): &(u128, u128, _)| millis % unit == 0 && millis >= least * unit;
        let (unit, _, name) = units.into_iter().find(whole).unwrap_or((1, 1, "ms"));
        f.pad(&format!("{} {name}", millis / unit))
    }
}

macro_rules! shown_as_span {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { Span(self.0).fmt(f) }
        }
    )*};
}
shown_as_span!(Lag, Age);

/// Bytes in the largest unit that leaves one to three digits before the point: `48 B`, `386 kB`, `7.4 MB` (powers of 1000).
fn show_bytes(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 1_000 {
        return format!("{bytes} B");
    }
    // Exact in integers: hundreds of a unit are enough for one decimal.
    let (mut tenths, mut unit) = (u128::from(bytes) * 10 / 1_000, 0);
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths /= 1_000;
        unit += 1;
    }
    match tenths {
        0..100 => format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit]),
        _ => format!("{} {}", tenths / 10, UNITS[unit]),
    }
}

impl fmt::Display for WalBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&show_bytes(self.0))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&show_bytes(self.0))
    }
}

/// Reads `500ms`, `30s`, `5m`, `1h`, `90d`, `2w`, and sums such as `1h30m`.
///
/// # Errors
/// A sentence that says what was read and gives an example.
pub fn parse_span(text: &str) -> Result<Duration, String> {
    let bad = || format!("{text:?} is not a duration such as 30s, 5m, 1h30m or 90d");
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return Err(bad());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?;
        let number: u64 = rest[..digits].parse().map_err(|_| bad())?;
        rest = &rest[digits..];
        let letters = rest
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(rest.len());
        let scale = match &rest[..letters] {
            "ms" => Duration::from_millis(1),
            "s" => Duration::from_secs(1),
            "m" => Duration::from_secs(60),
            "h" => Duration::from_secs(3_600),
            "d" => Duration::from_secs(86_400),
            "w" => Duration::from_secs(604_800),
            _ => return Err(bad()),
        };
        let part = u32::try_from(number)
            .ok()
            .and_then(|n| scale.checked_mul(n))
            .ok_or_else(bad)?;
        total = total.checked_add(part).ok_or_else(bad)?;
        rest = rest[letters..].trim_start();
    }
    Ok(total)
}

/// Reads `512`, `512B`, `64kB`, `64MB`, `2GB`, `1TB` (powers of 1000).
///
/// # Errors
/// A sentence that says what was read and gives an example.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let bad = || format!("{text:?} is not a size such as 512, 64kB or 2GB");
    let text = text.trim();
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let number: u64 = text[..digits].parse().map_err(|_| bad())?;
    let scale: u64 = match text[digits..].trim() {
        "" | "B" => 1,
        "kB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        _ => return Err(bad()),
    };
    number.checked_mul(scale).ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_print_their_two_largest_units() {
        let table = [
            (0, "0 ms"),
            (340, "340 ms"),
            (12_499, "12.4 s"),
            (59_990, "59.9 s"),
            (60_000, "1 m 00 s"),
            (460_000, "7 m 40 s"),
            (11_520_000, "3 h 12 m"),
            (3_722_400_000, "43 d 2 h"),
        ];
        for (millis, shown) in table {
            assert_eq!(Span(Duration::from_millis(millis)).to_string(), shown);
        }
    }

    #[test]
    fn limits_print_as_they_were_written() {
        for text in [
            "30 s", "90 s", "5 m", "1 h", "24 h", "25 h", "90 d", "500 ms",
        ] {
            let limit = parse_span(&text.replace(' ', "")).unwrap();
            assert_eq!(Limit(limit).to_string(), text);
        }
    }

    #[test]
    fn spans_are_read_and_faults_quote_what_was_read() {
        assert_eq!(parse_span("1h30m"), Ok(Duration::from_secs(5_400)));
        assert_eq!(parse_span("500ms"), Ok(Duration::from_millis(500)));
        for bad in ["", "5", "5 minutes", "m", "-5m", "5y", "99999999999d"] {
            assert!(parse_span(bad).is_err(), "{bad:?} was read");
        }
    }

    #[test]
    fn bytes_print_and_read() {
        for (bytes, shown) in [
            (48, "48 B"),
            (386_000, "386 kB"),
            (7_400_000, "7.4 MB"),
            (5_300_000_000, "5.3 GB"),
        ] {
            assert_eq!(WalBytes(bytes).to_string(), shown);
        }
        assert_eq!(parse_bytes("64MB"), Ok(64_000_000));
        assert!(parse_bytes("64mb").is_err());
    }

    #[test]
    fn an_lsn_reads_as_the_server_prints_it() {
        let lsn: Lsn = "16/B374D848".parse().unwrap();
        assert_eq!(lsn.to_string(), "16/B374D848");
        assert_eq!(lsn.ahead_of(Lsn(lsn.0 - 48)), WalBytes(48));
        assert_eq!(Lsn(1).ahead_of(Lsn(9)), WalBytes(0));
        assert!("16-B3".parse::<Lsn>().is_err());
    }
}
