//! One backup: how old the newest is, whether it looks like the others, whether it is proven.

use std::borrow::Cow;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{Standing, component, overall, stale_after};
use crate::incident::acts::files::{BackupFile, Checksum, FilesSight, Proof};
use crate::incident::measure::{Age, Limit, Size};
use crate::incident::now::Now;
use crate::incident::reading::{Reading, Sight};
use crate::incident::site::{Backup, Site};
use crate::incident::track::Track;

/// A backup as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct BackupVital {
    /// How it stands; fine when none is intended.
    pub standing: Standing,
    /// False: none is made on purpose, and all else is empty.
    pub intended: bool,
    /// `3 h 12 m < 25 h`, `none intended`, or why it is not known.
    pub words: String,
    /// What else is to be said: `size −41 %`, `checksum wrong`, `never restored`.
    pub notes: Vec<String>,
    /// Age of the newest complete one, the last that was seen when the folder can't be read now.
    pub age: Option<Age>,
}

/// A clock may be this far ahead of another before a time in the future is worth a note.
const SKEW: Duration = Duration::from_secs(60);

/// How a backup stands by the track of the target it is looked for on, and by when it was last restored for a test.
pub fn backup(
    site: &Site,
    rule: &Backup,
    track: Option<&Track>,
    last_restore_test: Option<DateTime<Utc>>,
    now: &Now,
) -> BackupVital {
    if !rule.intended {
        return BackupVital {
            standing: Standing::Fine,
            intended: false,
            words: "none intended".into(),
            notes: vec![],
            age: None,
        };
    }
    let newest = track.and_then(Track::last_good).and_then(newest);
    let judged = match current(site, rule, track, now) {
        Ok(sight) => of_sight(rule, &sight, now),
        Err(why) => (Standing::Unknown, why, vec![]),
    };
    let (standing, words, mut notes) = judged;
    let tested = restore_test(rule, last_restore_test, now);
    notes.extend(tested.clone());
    let also = tested.map(|_| Standing::Watch);
    BackupVital {
        standing: overall([standing].into_iter().chain(also)),
        intended: true,
        words,
        notes,
        age: newest.map(|file| Age(now.since_wall(file.at))),
    }
}

/// Which backups there are now, or why that is not known.
fn current<'a>(
    site: &Site,
    rule: &Backup,
    track: Option<&'a Track>,
    now: &Now,
) -> Result<Cow<'a, FilesSight>, String> {
    let target = rule.of.as_ref().and_then(|of| site.target(of));
    let target = target.ok_or("looked for nowhere")?;
    match track.and_then(Track::last) {
        Some(Reading {
            at,
            value: Ok(sight),
            ..
        }) if now.since(at) <= stale_after(target) => {
            kept(sight).ok_or_else(|| format!("{} keeps no backups", target.id))
        }
        _ => Err(component(target, track, now).words),
    }
}

/// The backups a sight tells of: those of a store, the last save of a Redis server, the newest snapshot of an instance.
pub fn kept(sight: &Sight) -> Option<Cow<'_, FilesSight>> {
    let one = |name: &str, at: Option<DateTime<Utc>>| {
        let file = at.map(|at| BackupFile {
            name: name.to_owned(),
            at,
            size: None,
            checksum: Checksum::NotAsked,
        });
        Some(Cow::Owned(FilesSight::of(file.into_iter().collect(), 0)))
    };
    match sight {
        Sight::Files(files) => Some(Cow::Borrowed(files)),
        // A server that never saved gives the time it was started.
        Sight::Redis(redis) => one("last save", redis.last_save.filter(|_| redis.saved)),
        Sight::Rds(rds) => one("newest snapshot", rds.newest_snapshot),
        Sight::Cnpg(cluster) => one("last backup", cluster.last_backup),
        _ => None,
    }
}

fn newest(reading: &Reading) -> Option<BackupFile> {
    kept(reading.value.as_ref().ok()?)?.newest.clone()
}

fn of_sight(rule: &Backup, sight: &FilesSight, now: &Now) -> (Standing, String, Vec<String>) {
    let Some(file) = &sight.newest else {
        return (Standing::Breach, "no backup".into(), vec![]);
    };
    let (age, limit) = (now.since_wall(file.at), rule.younger);
    let (by_age, sign) = match age < limit {
        true => (Standing::Fine, '<'),
        false => (Standing::Breach, '>'),
    };
    let ahead = (file.at - now.wall)
        .to_std()
        .is_ok_and(|ahead| ahead > SKEW);
    let notes = [
        ahead.then(|| (Standing::Watch, "dated in the future".to_owned())),
        sum_note(file.checksum).map(|(standing, note)| (standing, note.to_owned())),
        proof_note(&sight.proof),
        sight.gap.clone().map(|gap| (Standing::Breach, gap)),
        file.size
            .and_then(|size| size_note(rule, size, sight.usual_size))
            .map(|note| (Standing::Watch, note)),
    ];
    let (standings, notes): (Vec<_>, Vec<_>) = notes.into_iter().flatten().unzip();
    let standing = overall(standings.into_iter().chain([by_age]));
    (
        standing,
        format!("{} {sign} {}", Age(age), Limit(limit)),
        notes,
    )
}

fn sum_note(checksum: Checksum) -> Option<(Standing, &'static str)> {
    match checksum {
        Checksum::NotAsked | Checksum::Right => None,
        Checksum::Pending => Some((Standing::Watch, "checksum being computed")),
        Checksum::Missing => Some((Standing::Watch, "no checksum")),
        Checksum::Wrong => Some((Standing::Breach, "checksum wrong")),
    }
}

fn proof_note(proof: &Proof) -> Option<(Standing, String)> {
    match proof {
        Proof::NotAsked | Proof::Whole => None,
        Proof::Pending => Some((Standing::Watch, "being read through".into())),
        Proof::Damaged(why) => Some((Standing::Breach, format!("damaged: {why}"))),
        Proof::Unread(why) => Some((Standing::Watch, format!("not read through: {why}"))),
    }
}

/// `size −41 %` when the newest differs from the usual size by more than the site allows.
fn size_note(rule: &Backup, size: Size, usual: Option<Size>) -> Option<String> {
    let (is, was) = (i128::from(size.0), i128::from(usual?.0));
    let percent = ((is - was) * 100).checked_div(was)?;
    let sign = if percent < 0 { '−' } else { '+' };
    let percent = percent.unsigned_abs();
    (percent > u128::from(rule.size_change)).then(|| format!("size {sign}{percent} %"))
}

fn restore_test(rule: &Backup, last: Option<DateTime<Utc>>, now: &Now) -> Option<String> {
    let every = rule.restore_test?;
    match last {
        None => Some("never restored".into()),
        Some(at) => {
            let age = now.since_wall(at);
            (age > every).then(|| format!("restored {} ago > {}", Age(age), Limit(every)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sights::*;
    use super::*;
    use crate::incident::reading::{Failure, FailureKind};
    use Standing::{Breach, Fine, Unknown, Watch};

    const HOUR: u64 = 3_600;

    fn rule() -> Backup {
        Backup {
            id: "dump".into(),
            of: Some("dumps".into()),
            intended: true,
            younger: Duration::from_secs(25 * HOUR),
            size_change: 30,
            restore_test: None,
        }
    }

    /// The newest file finished at second `at`, with 100 as the usual size.
    fn found(at: i64, size: u64, checksum: Checksum) -> Result<Sight, Failure> {
        Ok(files(Some(file(at, size, checksum))))
    }

    #[test]
    fn age_size_and_checksum_are_judged() {
        let site = site(vec![files_target("dumps")]);
        let table = [
            (
                "fresh",
                found(0, 100, Checksum::Right),
                11_520,
                Fine,
                "3 h 12 m < 25 h",
                "",
            ),
            (
                "too old",
                found(0, 100, Checksum::Right),
                26 * HOUR,
                Breach,
                "1 d 2 h > 25 h",
                "",
            ),
            (
                "shrunk",
                found(0, 59, Checksum::Right),
                HOUR,
                Watch,
                "1 h 00 m < 25 h",
                "size −41 %",
            ),
            (
                "grown",
                found(0, 150, Checksum::Right),
                HOUR,
                Watch,
                "1 h 00 m < 25 h",
                "size +50 %",
            ),
            (
                "within the rule",
                found(0, 70, Checksum::Right),
                HOUR,
                Fine,
                "1 h 00 m < 25 h",
                "",
            ),
            (
                "corrupt",
                found(0, 100, Checksum::Wrong),
                HOUR,
                Breach,
                "1 h 00 m < 25 h",
                "checksum wrong",
            ),
            (
                "unproven",
                found(0, 100, Checksum::Missing),
                HOUR,
                Watch,
                "1 h 00 m < 25 h",
                "no checksum",
            ),
            (
                "from tomorrow",
                found(86_400, 100, Checksum::Right),
                0,
                Watch,
                "0 ms < 25 h",
                "dated in the future",
            ),
            ("empty folder", Ok(files(None)), 0, Breach, "no backup", ""),
            (
                "no folder",
                failure(FailureKind::Missing),
                0,
                Unknown,
                "missing ×1",
                "",
            ),
            (
                "another system",
                Ok(http(200, true)),
                0,
                Unknown,
                "dumps keeps no backups",
                "",
            ),
            (
                // Its last save is the time it was started.
                "a Redis server that never saved",
                Ok(redis_master(1)),
                0,
                Breach,
                "no backup",
                "",
            ),
        ];
        for (what, value, now, standing, words, notes) in table {
            let mut track = Track::default();
            track.observe(reading(now, value), Duration::ZERO);
            let vital = backup(&site, &rule(), Some(&track), None, &at(now));
            assert_eq!(
                (vital.standing, vital.words.as_str()),
                (standing, words),
                "{what}"
            );
            assert_eq!(vital.notes.join(", "), notes, "{what}");
        }
    }

    #[test]
    fn a_folder_that_went_away_keeps_the_age_and_an_old_look_is_unknown() {
        let site = site(vec![files_target("dumps")]);
        let mut track = Track::default();
        track.observe(reading(0, found(0, 100, Checksum::Right)), Duration::ZERO);
        let stale = backup(&site, &rule(), Some(&track), None, &at(HOUR));
        assert_eq!(
            (stale.standing, stale.words.as_str()),
            (Unknown, "1 h silent")
        );
        track.observe(reading(HOUR, failure(FailureKind::Missing)), Duration::ZERO);
        let gone = backup(&site, &rule(), Some(&track), None, &at(HOUR));
        assert_eq!(gone.standing, Unknown);
        assert_eq!(gone.age, Some(Age(Duration::from_secs(HOUR))));
    }

    #[test]
    fn a_backup_nobody_restored_is_worth_an_eye() {
        let site = site(vec![files_target("dumps")]);
        let every = Some(Duration::from_secs(90 * 24 * HOUR));
        let rule = Backup {
            restore_test: every,
            ..rule()
        };
        let day = 24 * HOUR;
        let table = [
            (None, Watch, vec!["never restored"]),
            (Some(day), Fine, vec![]),
            (
                Some(100 * day),
                Watch,
                vec!["restored 100 d 0 h ago > 90 d"],
            ),
        ];
        for (ago, standing, notes) in table {
            let now = at(200 * day);
            let newest = i64::try_from(200 * day).unwrap();
            let mut track = Track::default();
            track.observe(
                reading(200 * day, found(newest, 100, Checksum::Right)),
                Duration::ZERO,
            );
            let tested = ago.map(|ago| now.wall - Duration::from_secs(ago));
            let vital = backup(&site, &rule, Some(&track), tested, &now);
            assert_eq!(vital.standing, standing, "{ago:?}");
            assert_eq!(vital.notes, notes, "{ago:?}");
        }
    }

    #[test]
    fn none_intended_is_not_missing() {
        let rule = Backup {
            intended: false,
            of: None,
            ..rule()
        };
        let vital = backup(&site(vec![]), &rule, None, None, &at(0));
        assert_eq!((vital.standing, vital.intended), (Fine, false));
        assert_eq!(vital.words, "none intended");
    }
}
