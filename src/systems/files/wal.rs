//! An archive of WAL: segments that ought to follow one another without a gap, on each timeline.

use std::collections::BTreeMap;

/// The first thing that is missing, in words, by the names in the archive; the newest timeline is looked at first. Compressed
/// segments have an ending; backup labels and half segments don't count.
pub fn gap<'a>(names: impl Iterator<Item = &'a str>, segment: u64) -> Option<String> {
    let per_log = (1_u64 << 32) / segment.max(1 << 20);
    let mut timelines = BTreeMap::<u32, Vec<u64>>::new();
    let mut histories = Vec::new();
    for name in names {
        let stem = name.split('.').next().unwrap_or_default();
        if let (8, Ok(timeline)) = (stem.len(), u32::from_str_radix(stem, 16)) {
            histories.push(timeline);
        } else if let Some((timeline, number)) = place(name, stem, per_log) {
            timelines.entry(timeline).or_default().push(number);
        }
    }
    timelines
        .into_iter()
        .rev()
        .find_map(|(timeline, mut numbers)| {
            if timeline > 1 && !histories.contains(&timeline) {
                return Some(format!("{timeline:08X}.history is missing"));
            }
            numbers.sort_unstable();
            numbers.dedup();
            let before = numbers.windows(2).find(|two| two[0] + 1 != two[1])?[0];
            let (log, at) = ((before + 1) / per_log, (before + 1) % per_log);
            Some(format!("{timeline:08X}{log:08X}{at:08X} is missing"))
        })
}

/// Timeline and running number of a whole segment: 24 hexadecimal digits, and perhaps how it is compressed.
fn place(name: &str, stem: &str, per_log: u64) -> Option<(u32, u64)> {
    let ending = &name[stem.len()..];
    let whole = ["", ".gz", ".zst", ".lz4", ".bz2", ".xz", ".gpg"].contains(&ending);
    if stem.len() != 24 || !whole {
        return None;
    }
    let part = |at: usize| u64::from_str_radix(stem.get(at..at + 8)?, 16).ok();
    let timeline = u32::try_from(part(0)?).ok()?;
    Some((timeline, part(8)? * per_log + part(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB16: u64 = 16 << 20;

    #[test]
    fn the_first_gap_is_named() {
        let table: [(&[&str], Option<&str>); 7] = [
            (&[], None),
            (
                &["000000010000000000000001", "000000010000000000000002.gz"],
                None,
            ),
            (
                &["000000010000000000000001", "000000010000000000000003"],
                Some("000000010000000000000002 is missing"),
            ),
            // The last of 256 in a log is followed by the first of the next.
            (
                &["0000000100000000000000FF", "000000010000000100000000"],
                None,
            ),
            (
                &["0000000100000000000000FF", "000000010000000100000001"],
                Some("000000010000000100000000 is missing"),
            ),
            // Half segments and labels are none.
            (
                &[
                    "000000010000000000000001",
                    "000000010000000000000002.partial",
                    "000000010000000000000002.00000028.backup",
                    "000000010000000000000003",
                ],
                Some("000000010000000000000002 is missing"),
            ),
            (
                &["000000010000000000000001", "000000020000000000000002"],
                Some("00000002.history is missing"),
            ),
        ];
        for (names, missing) in table {
            let found = gap(names.iter().copied(), MB16);
            assert_eq!(found.as_deref(), missing, "{names:?}");
        }
        let switched = [
            "000000010000000000000001",
            "000000020000000000000001",
            "00000002.history",
        ];
        assert_eq!(gap(switched.into_iter(), MB16), None);
        // Of 64 MB there are 64 in a log.
        let large = ["00000001000000000000003F", "000000010000000100000000"];
        assert_eq!(gap(large.into_iter(), 64 << 20), None);
    }
}
