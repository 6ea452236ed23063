//! What can happen to a simulated site: by an event of the scenario, by an inject of the facilitator, or because
//! somebody's hands did something outside of warroom (a step of a shell, a ticked item).

use std::time::Duration;

use crate::incident::names::{BackupId, LinkId, RegionId, TargetId};

/// One thing that happens to the world, at once.
#[derive(Debug, Clone, PartialEq)]
pub enum Happening {
    /// `stop = "pg-east"`: its process ends; connections are refused.
    Stop(TargetId),
    /// `hang = "pg-east"`: it takes connections and never answers.
    Hang(TargetId),
    /// `cut_off = "pg-east"`: no way leads there, and it goes on working for whoever still reaches it.
    CutOff(TargetId),
    /// `lose_region = "us-east-1"`: everything in it is cut off, and its services are out; its provider's control plane
    /// still answers for its hosts.
    LoseRegion(RegionId),
    /// `lose_zone = { region = "us-east-1", heals_in = "4m" }`: a third of each workload's replicas is gone until the
    /// platform has put them elsewhere.
    LoseZone {
        /// In which region.
        region: RegionId,
        /// How long the platform takes.
        heals_in: Duration,
    },
    /// `bring_back = "pg-east"`: it is there again, as it was.
    BringBack(TargetId),
    /// `bring_back_region = "us-east-1"`
    BringBackRegion(RegionId),
    /// `corrupt = "pg-east"`: rows are wrong from now on, also on its replicas; what is restored to before is right.
    Corrupt(TargetId),
    /// `delete_rows = "pg-east"`: rows are missing from now on, also on its replicas.
    DeleteRows(TargetId),
    /// `put_back = "pg-east"`: rows that were missing are there again, and nothing else was touched.
    PutBack(TargetId),
    /// `restore = { target = "pg-east", from = "pg-dump" }`: its data are those of the newest good backup; what came after
    /// is lost.
    Restore {
        /// The server that is restored.
        target: TargetId,
        /// From which backup.
        from: BackupId,
    },
    /// `restore_to_time = { target = "pg-east" }`: its data are those just before they went wrong; what came after is lost.
    RestoreToTime(TargetId),
    /// `rejoin = { target = "pg-east", of = "pg-west" }`: rebuilt as a standby of another server.
    Rejoin {
        /// The server that is rebuilt; its own divergent writes are gone.
        target: TargetId,
        /// The primary it follows.
        of: TargetId,
    },
    /// `bad_release = "web-east"`: a new revision crashes at its start.
    BadRelease(TargetId),
    /// `scale = { target = "web-west", replicas = 10 }`
    Scale {
        /// The workload.
        target: TargetId,
        /// How many replicas it is to have.
        replicas: u32,
    },
    /// `undo = "web-east"`: back to the revision before.
    Undo(TargetId),
    /// `shift = { record = "public", to = "us-west-2", percent = 100 }`: resolvers follow within the record's TTL.
    Shift {
        /// The DNS target.
        record: TargetId,
        /// The region that gets the share.
        to: RegionId,
        /// Its share; the rest goes where it went before.
        percent: u32,
    },
    /// `leak = "api-keys"`: strangers use a secret until it is rotated and the old version is refused.
    Leak(TargetId),
    /// `rotate = "api-keys"`: a new version; services that were not restarted since go on with the old one.
    Rotate(TargetId),
    /// `backups_fail = { backup = "pg-dump", since = "14d" }`: nothing was written since, and nobody was told.
    BackupsFail {
        /// Which.
        backup: BackupId,
        /// For how long already.
        since: Duration,
    },
    /// `backup_made = "pg-dump"`: one more, now, whole.
    BackupMade(BackupId),
    /// `lag = { link = "pg", behind = "40s" }`: the replica falls behind to there; zero lets it catch up.
    Lag {
        /// Which.
        link: LinkId,
        /// How far.
        behind: Duration,
    },
    /// `traffic = 200`: percent of the usual demand.
    Traffic(u32),
    /// `lie = { target = "api-west", healthy = false }`: its probe says so whatever is true.
    Lie {
        /// Whose probe.
        target: TargetId,
        /// What it says.
        healthy: bool,
    },
    /// `truth = "api-west"`: its probe tells the truth again.
    Truth(TargetId),
    /// `fail_next = { step = "restore", says = "disk full" }`: the next attempt at a step of that id fails.
    FailNext {
        /// The step's id, without the `#`.
        step: String,
        /// What it prints.
        says: String,
    },
    /// `offline = "Database admin"`: somebody can't be reached; said to the participants, nothing more.
    Offline(String),
    /// `provider = { target = "llm", works = false }`: a third party's endpoint fails or works again.
    Provider {
        /// The endpoint.
        target: TargetId,
        /// Whether it works.
        works: bool,
    },
    /// `fall_back = "api-east"`: the service goes on without its failing provider.
    FallBack(TargetId),
}
