//! Conditions of one sight, and of several that each stand alone.

use std::net::IpAddr;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{FRESH, Seen, either, other_system};
use crate::incident::acts::check::{CheckState, ValueCondition};
use crate::incident::acts::files::{Checksum, FilesSight, Proof};
use crate::incident::acts::http::HttpSight;
use crate::incident::acts::postgres::{PgCondition, PgRole, PgSight};
use crate::incident::acts::redis::{
    RedisCondition, RedisRole, RedisSight, RoleWord, SentinelSight,
};
use crate::incident::judge::{self, Standing, overall, stale_after};
use crate::incident::measure::{Age, Limit, Span};
use crate::incident::names::{BackupId, RegionId, TargetId};
use crate::incident::reading::{Failure, FailureKind, Sight, Verdict};
use crate::incident::site::{Backup, Endpoint, HttpEndpoint, RedisEndpoint, Target};

/// `reachable`: it answered, by the failure to see it when it did not. A fault of this machine says nothing of the target.
pub fn reachable(target: &TargetId, failure: Option<&Failure>) -> Verdict {
    match failure {
        None => Verdict::measured(true, format!("{target} answers")),
        Some(failure) => {
            let saw = format!("{target}: {}", failure.what);
            match failure.kind {
                FailureKind::Local => Verdict::unknown(saw),
                _ => Verdict::measured(false, saw),
            }
        }
    }
}

/// `role`: a Redis server is master or replica.
pub fn role(of: &TargetId, is: RoleWord, seen: &RedisSight) -> Verdict {
    let (found, words) = match &seen.role {
        RedisRole::Master { .. } => (RoleWord::Master, "master".to_owned()),
        RedisRole::Replica { of, .. } => (RoleWord::Replica, format!("replica of {of}")),
    };
    Verdict::measured(found == is, format!("{of} is {words}"))
}

/// `keys`: a Redis server holds at least so many. While it loads its dataset nobody can say.
pub fn keys(of: &TargetId, at_least: u64, seen: &RedisSight) -> Verdict {
    let keys = seen.keys;
    match keys >= at_least {
        _ if seen.loading => Verdict::unknown(format!("{of} is loading its dataset")),
        true => Verdict::measured(true, format!("{of} has {keys} keys ≥ {at_least}")),
        false => Verdict::measured(false, format!("{of} has {keys} keys < {at_least}")),
    }
}

/// `master_is`: all Sentinels that answer give out one of `addresses`, and don't call it down.
pub fn master_is(
    of: &TargetId,
    target: &TargetId,
    seen: &SentinelSight,
    addresses: &[String],
) -> Verdict {
    let SentinelSight { master, flags, .. } = seen;
    let down = flags.iter().any(|flag| flag == "o_down");
    let words = match () {
        () if !seen.agreed => {
            return Verdict::measured(false, format!("the Sentinels of {of} disagree"));
        }
        () if down => format!("{of} gives out {master}, which is down"),
        () => format!("{of} gives out {master}"),
    };
    let is = addresses.contains(master);
    let name = if is {
        format!(" ({target})")
    } else {
        format!(", not {target}")
    };
    Verdict::measured(is && !down, words + &name)
}

/// `healthy`: the endpoint's status and field are what the site calls healthy.
pub fn healthy(target: &TargetId, endpoint: &HttpEndpoint, seen: &HttpSight) -> Verdict {
    let field = match (&endpoint.field, &seen.field) {
        (None, _) => String::new(),
        (Some(field), Some(says)) => format!(", {field} {says}"),
        (Some(field), None) => format!(", no {field}"),
    };
    Verdict::measured(
        seen.healthy,
        format!("{target} answers {}{field}", seen.status),
    )
}

/// `backup`: the newest complete one is younger than asked (else than the site's rule), and its checksum right or itself read
/// through where that is asked.
pub fn backup(
    rule: &Backup,
    younger: Option<Duration>,
    verified: bool,
    seen: &FilesSight,
    now: DateTime<Utc>,
) -> Verdict {
    let (id, limit) = (&rule.id, younger.unwrap_or(rule.younger));
    let Some(file) = &seen.newest else {
        return Verdict::measured(false, format!("{id}: there is no complete backup"));
    };
    let Ok(age) = (now - file.at).to_std().map(Age) else {
        return Verdict::unknown(format!("{id}: {} is dated in the future", file.name));
    };
    let young = age.0 < limit;
    let sign = if young { '<' } else { '≥' };
    let words = format!("{id} {age} {sign} {}", Limit(limit));
    let seconds = age.0.as_secs();
    if !verified {
        return Verdict::measured(young, words).with_badness(seconds);
    }
    match proof(seen, file.checksum) {
        (None, how) if young => Verdict::unknown(format!("{words}, {how}")),
        // One that is too old is not good enough, whatever is found out yet.
        (None, _) => Verdict::measured(false, words).with_badness(seconds),
        (Some(proven), how) => {
            let words = format!("{words}, {how}");
            Verdict::measured(young && proven, words).with_badness(seconds)
        }
    }
}

/// Whether a backup is proven to be whole, and how that is known; none while it is being found out.
fn proof(seen: &FilesSight, checksum: Checksum) -> (Option<bool>, String) {
    match (&seen.gap, &seen.proof, checksum) {
        (Some(gap), ..) => (Some(false), gap.clone()),
        (_, Proof::Damaged(why), _) => (Some(false), format!("damaged: {why}")),
        (.., Checksum::Wrong) => (Some(false), "checksum wrong".into()),
        (_, Proof::Unread(why), _) => (Some(false), format!("not read through: {why}")),
        (_, Proof::Pending, _) => (None, "being read through".into()),
        (_, Proof::Whole, _) => (Some(true), "read through".into()),
        (.., Checksum::Right) => (Some(true), "checksum right".into()),
        (.., Checksum::Pending) => (None, "checksum being computed".into()),
        (.., Checksum::Missing | Checksum::NotAsked) => (Some(false), "no checksum".into()),
    }
}

/// `objective`: at least this much of the recovery time is left.
pub(super) fn objective(least: Duration, left: Option<Duration>) -> Verdict {
    let Some(left) = left else {
        return Verdict::unknown("no recovery time is running");
    };
    let holds = left >= least;
    let sign = if holds { '≥' } else { '<' };
    Verdict::measured(
        holds,
        format!("RTO {} left {sign} {}", Span(left), Limit(least)),
    )
}

impl Seen<'_> {
    pub(super) fn reachable(&self, target: &TargetId) -> Verdict {
        match self.reading(target, FRESH) {
            Ok(reading) => reachable(target, reading.value.as_ref().err()),
            Err(unknown) => unknown,
        }
    }

    pub(super) fn healthy(&self, target: &TargetId) -> Result<Verdict, Verdict> {
        match self.sight(target, FRESH)? {
            Sight::Check(check) => {
                let saw = format!("{target}: {}", check.words);
                Ok(Verdict::measured(check.state != CheckState::Breach, saw))
            }
            Sight::Aurora(seen) => Ok(Verdict::measured(
                seen.fine(),
                format!("{target}: {}", seen.words()),
            )),
            Sight::Cnpg(cluster) => {
                let saw = format!("{target}: {}", cluster.words());
                Ok(Verdict::measured(cluster.fine(), saw))
            }
            _ => {
                let (endpoint, seen) = self.http(target)?;
                Ok(healthy(target, endpoint, seen))
            }
        }
    }

    /// A check's figure against its limits.
    pub(super) fn value(&self, condition: &ValueCondition) -> Result<Verdict, Verdict> {
        let of = &condition.of;
        let Sight::Check(check) = self.sight(of, FRESH)? else {
            return Err(other_system(of, "check"));
        };
        let nothing = || Verdict::unknown(format!("{of} has no figure: {}", check.words));
        let value = check.value.ok_or_else(nothing)?;
        let limit = |text: &str| {
            let wrong = || Verdict::unknown(format!("{text:?} is no number"));
            text.parse::<f64>().map_err(|_| wrong())
        };
        let under = condition.under.as_deref().map(limit).transpose()?;
        let over = condition.over.as_deref().map(limit).transpose()?;
        let holds = under.is_none_or(|under| value < under) && over.is_none_or(|over| value > over);
        Ok(Verdict::measured(
            holds,
            format!("{of} is {value}: {}", check.words),
        ))
    }

    pub(super) fn backup(
        &self,
        of: &BackupId,
        younger: Option<Duration>,
        verified: bool,
    ) -> Result<Verdict, Verdict> {
        let rule = self.site.backups.iter().find(|rule| &rule.id == of);
        let rule =
            rule.ok_or_else(|| Verdict::unknown(format!("{of} is no backup of this site")))?;
        let Some(target) = &rule.of else {
            return Err(Verdict::unknown(format!("{of}: none is intended")));
        };
        Ok(backup(
            rule,
            younger,
            verified,
            &*self.backups(target)?,
            self.now.wall,
        ))
    }

    /// Every component by itself; names those that are not fine.
    pub(super) fn region(&self, region: &RegionId) -> Verdict {
        let targets = self
            .site
            .targets
            .iter()
            .filter(|t| t.region.as_ref() == Some(region));
        let parts: Vec<(Standing, String)> = targets.map(|target| self.part(target)).collect();
        let total = parts.len();
        let whole = overall(parts.iter().map(|(standing, _)| *standing));
        let bad = parts
            .into_iter()
            .filter(|(standing, _)| *standing != Standing::Fine);
        let bad: Vec<String> = bad.map(|(_, words)| words).collect();
        let saw = match bad.as_slice() {
            [] => format!("{region} {total}/{total}"),
            _ => format!("{region} {}/{total}: {}", total - bad.len(), bad.join(", ")),
        };
        match whole {
            Standing::Unknown => Verdict::unknown(saw),
            _ => Verdict::measured(whole == Standing::Fine, saw).with_badness(bad.len() as u64),
        }
    }

    fn part(&self, target: &Target) -> (Standing, String) {
        let id = &target.id;
        let reading = match self.reading(id, stale_after(target).max(FRESH)) {
            Ok(reading) => reading,
            Err(unknown) => return (Standing::Unknown, unknown.saw.to_string()),
        };
        match &reading.value {
            Ok(sight) => {
                let (standing, words) = judge::seen(target, sight, Duration::ZERO);
                (standing, format!("{id} {words}"))
            }
            Err(failure) if failure.kind == FailureKind::Local => {
                (Standing::Unknown, format!("{id}: {}", failure.what))
            }
            Err(failure) => (Standing::Breach, format!("{id}: {}", failure.what)),
        }
    }

    pub(super) fn postgres_condition(&self, condition: &PgCondition) -> Option<Verdict> {
        let of = |id: &TargetId, judge: fn(&TargetId, &PgSight) -> Verdict| {
            Some(either(self.postgres(id).map(|seen| judge(id, seen))))
        };
        match condition {
            PgCondition::Writable { target } => of(target, |id, seen| {
                let (writable, words) = writes(seen);
                Verdict::measured(writable, format!("{id} is {words}"))
            }),
            PgCondition::ReadOnly { target } => of(target, |id, seen| {
                let (writable, words) = writes(seen);
                Verdict::measured(!writable, format!("{id} is {words}"))
            }),
            PgCondition::SameTimeline { targets } => Some(either(self.same_timeline(targets))),
            PgCondition::Fenced { .. }
            | PgCondition::Loss { .. }
            | PgCondition::RowCounts { .. } => None,
        }
    }

    fn same_timeline(&self, targets: &[TargetId]) -> Result<Verdict, Verdict> {
        let seen = targets.iter().map(|id| Ok((id, self.postgres(id)?)));
        let seen: Vec<(&TargetId, &PgSight)> = seen.collect::<Result<_, Verdict>>()?;
        let [(first, one), others @ ..] = seen.as_slice() else {
            return Err(Verdict::unknown("no server is named"));
        };
        for (other, two) in others {
            if one.system_id != two.system_id {
                let saw = format!("{first} and {other} are not of one cluster");
                return Ok(Verdict::measured(false, saw));
            }
            if one.timeline != two.timeline {
                let (is, are) = (one.timeline, two.timeline);
                let saw = format!("{first} is on timeline {is}, {other} on {are}");
                return Ok(Verdict::measured(false, saw));
            }
        }
        let names: Vec<&str> = targets.iter().map(TargetId::as_str).collect();
        let saw = format!("{}: timeline {}", names.join(", "), one.timeline);
        Ok(Verdict::measured(true, saw))
    }

    pub(super) fn redis_condition(&self, condition: &RedisCondition) -> Option<Verdict> {
        match condition {
            RedisCondition::Role { of, is } => {
                Some(either(self.redis(of).map(|seen| role(of, *is, seen))))
            }
            RedisCondition::Keys { of, at_least } => {
                Some(either(self.redis(of).map(|seen| keys(of, *at_least, seen))))
            }
            RedisCondition::MasterIs { of, target } => self.master_is(of, target),
        }
    }

    /// None when the site names the server by a name that would have to be resolved.
    fn master_is(&self, of: &TargetId, target: &TargetId) -> Option<Verdict> {
        let endpoint = match self.target(target) {
            Ok(target) => &target.endpoint,
            Err(unknown) => return Some(unknown),
        };
        let Endpoint::Redis(RedisEndpoint { host, port, .. }) = endpoint else {
            return Some(other_system(target, "Redis server"));
        };
        let seen = match self.sentinel(of) {
            Ok(seen) => seen,
            Err(unknown) => return Some(unknown),
        };
        let address = format!("{host}:{port}");
        let comparable = host.parse::<IpAddr>().is_ok() || seen.master == address;
        comparable.then(|| master_is(of, target, seen, &[address]))
    }
}

/// Whether a fresh session may write, in words.
fn writes(seen: &PgSight) -> (bool, &'static str) {
    match &seen.role {
        PgRole::Primary(_) if seen.default_read_only => (false, "primary, read-only by default"),
        PgRole::Primary(_) => (true, "primary, writable"),
        PgRole::Standby(_) => (false, "standby"),
    }
}
