//! `warroom metrics`: vitals, backups and drills as OpenMetrics; printed, written for a textfile collector, or pushed. A site
//! that can't be read is a metric too: an alert on what is missing fires too late.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::Args;

use super::{Common, block_on, fail, say, site, status};
use crate::console::state::State;
use crate::console::vitals::Vitals;
use crate::incident::drills::Grade;
use crate::incident::drills::schedule::schedule;
use crate::incident::judge::kept;
use crate::incident::openmetrics::Text;
use crate::incident::site::{Backup, Site};
use crate::systems::wire::http;
use crate::world::ledger::{self, RealDisk};
use crate::world::{actor, drillog, places};

/// How long a Pushgateway may take.
const PUSHED_WITHIN: Duration = Duration::from_secs(10);

/// Where the metrics go; nowhere else: to standard output.
#[derive(Debug, Args)]
pub struct To {
    /// Writes them to a file that a reader sees whole: for node_exporter's textfile collector
    #[arg(long, value_name = "FILE")]
    textfile: Option<PathBuf>,
    /// Puts them to a Pushgateway, http://host:9091, as job "warroom" of this host (instance) and the site file's name (site)
    #[arg(long, value_name = "URL")]
    push: Option<String>,
}

/// Looks at everything once, and says it in metrics.
pub fn metrics(common: &Common, to: &To) -> ExitCode {
    let mut text = Text::default();
    text.family("site_readable", "1 when the site file has no fault.");
    let site = site::read(common).ok().map(|(_, site)| site);
    text.sample(&[], yes(site.is_some()));
    if let Some(site) = &site {
        match block_on(status::look(site)) {
            Ok(state) => write(&mut text, site, &state),
            Err(why) => return fail(format!("the runtime can't be started: {why}")),
        }
    }
    let text = text.end();
    let told = match (&to.textfile, &to.push) {
        (None, None) => {
            say(text.trim_end());
            Ok(())
        }
        (file, url) => {
            let written = file.as_deref().map_or(Ok(()), |file| put(file, &text));
            let pushed = url
                .as_deref()
                .map_or(Ok(()), |url| push(url, &stem(common), &text));
            written.and(pushed)
        }
    };
    match told {
        Ok(()) if site.is_some() => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
        Err(why) => fail(why),
    }
}

fn write(text: &mut Text, site: &Site, state: &State) {
    text.family("look_timestamp_seconds", "When everything was looked at.");
    text.sample(&[], stamp(state.now.wall));
    standings(text, &state.vitals);
    targets(text, site, state);
    links(text, site, state);
    backups(text, site, state);
    drills(text, site, state.now.wall);
    incident(text, state);
}

/// 1 for yes, 0 for no.
fn yes(truth: bool) -> f64 {
    u8::from(truth).into()
}

/// Whole seconds since 1970.
fn stamp(at: DateTime<Utc>) -> f64 {
    // Exact for the next 285 million years.
    #[allow(clippy::cast_precision_loss)]
    let seconds = at.timestamp() as f64;
    seconds
}

fn figure(count: u64) -> f64 {
    // Bytes lose their last digit beyond 9 PB.
    #[allow(clippy::cast_precision_loss)]
    let figure = count as f64;
    figure
}

fn standings(text: &mut Text, vitals: &Vitals) {
    text.family(
        "standing",
        "How it stands, as the exit codes of status: 0 fine, 1 watch, 2 breach, 3 unknown.",
    );
    for row in status::rows(vitals) {
        let value = status::code(row.standing);
        text.sample(&[("kind", row.kind), ("name", &row.name)], value.into());
    }
}

fn targets(text: &mut Text, site: &Site, state: &State) {
    let tracks = &state.memory.tracks;
    let seen = || {
        site.targets
            .iter()
            .filter_map(|t| Some((t, tracks.get(&t.id)?)))
    };
    text.family("target_up", "1 when the last look at a target succeeded.");
    for (target, track) in seen() {
        let region = target.region.as_ref().map_or("", |region| region.as_str());
        let system = target.endpoint.system();
        let up = track.failures() == 0;
        let labels = [
            ("target", target.id.as_str()),
            ("system", system),
            ("region", region),
        ];
        text.sample(&labels, yes(up));
    }
    text.family(
        "target_look_seconds",
        "How long the last look at a target took.",
    );
    for (target, track) in seen() {
        text.sample(
            &[("target", target.id.as_str())],
            track.took().as_secs_f64(),
        );
    }
}

fn links(text: &mut Text, site: &Site, state: &State) {
    let vitals: Vec<_> = site
        .links
        .iter()
        .filter_map(|link| {
            let last = |id| state.memory.tracks.get(id)?.last();
            let history = state.memory.links.get(&link.id)?;
            let vital = history.vital(link, last(&link.from), last(&link.to), &state.now);
            Some((link.id.as_str(), vital))
        })
        .collect();
    text.family(
        "link_lag_seconds",
        "How far a replica is behind, where it is known.",
    );
    for (link, vital) in &vitals {
        text.known(&[("link", link)], vital.lag.map(|lag| lag.0.as_secs_f64()));
    }
    text.family(
        "link_lag_bytes",
        "How far a replica is behind, where it is known.",
    );
    for (link, vital) in &vitals {
        text.known(&[("link", link)], vital.bytes.map(|bytes| figure(bytes.0)));
    }
    text.family(
        "link_loss_seconds",
        "What promoting the replica now would lose, where it is known.",
    );
    for (link, vital) in &vitals {
        text.known(
            &[("link", link)],
            vital.loss.lag.map(|lag| lag.0.as_secs_f64()),
        );
    }
}

fn backups(text: &mut Text, site: &Site, state: &State) {
    let intended = || site.backups.iter().filter(|rule| rule.intended);
    let tests = &state.memory.restore_tests;
    let newest = |rule: &Backup| {
        let track = state.memory.tracks.get(rule.of.as_ref()?)?;
        let good = track.last_good()?.value.as_ref().ok()?;
        kept(good)?.newest.clone()
    };
    text.family(
        "backup_last_success_timestamp_seconds",
        "When the newest complete backup was made; absent when none is known.",
    );
    for rule in intended() {
        let made = newest(rule).map(|file| stamp(file.at));
        text.known(&[("backup", rule.id.as_str())], made);
    }
    text.family(
        "backup_size_bytes",
        "Size of the newest complete backup, where it is known.",
    );
    for rule in intended() {
        let size = newest(rule).and_then(|file| file.size);
        text.known(
            &[("backup", rule.id.as_str())],
            size.map(|size| figure(size.0)),
        );
    }
    text.family(
        "restore_test_timestamp_seconds",
        "When a backup was last restored for a test; absent when it never was.",
    );
    for rule in intended() {
        let tested = tests.get(&rule.id).copied().map(stamp);
        text.known(&[("backup", rule.id.as_str())], tested);
    }
}

fn drills(text: &mut Text, site: &Site, now: DateTime<Utc>) {
    let log = match places::state_root(site) {
        Ok(root) => drillog::read(&root).0,
        Err(_) => Vec::new(),
    };
    let states = schedule(&site.drills, &log, now);
    let each = |text: &mut Text, of: &dyn Fn(usize) -> Option<f64>| {
        for (at, state) in states.iter().enumerate() {
            text.known(&[("drill", state.drill.id.as_str())], of(at));
        }
    };
    text.family(
        "drill_last_timestamp_seconds",
        "When a drill was last held; absent when it never was.",
    );
    each(text, &|at| states[at].last.map(|last| stamp(last.at)));
    text.family(
        "drill_passed",
        "1 when the last drill ended in PASS, 0 when in PARTIAL or FAIL.",
    );
    each(text, &|at| Some(yes(states[at].last?.grade == Grade::Pass)));
    text.family(
        "drill_rto_seconds",
        "Recovery time that the last drill measured.",
    );
    each(text, &|at| Some(states[at].last?.rto_actual?.as_secs_f64()));
    text.family(
        "drill_next_due_timestamp_seconds",
        "When a drill is due; one that was never held is due now.",
    );
    each(text, &|at| Some(stamp(states[at].due.unwrap_or(now))));
}

fn incident(text: &mut Text, state: &State) {
    let open = state.incident.as_ref();
    let open = open.filter(|incident| incident.resolved.is_none());
    text.family("incident_open", "1 while an incident is open.");
    text.sample(&[], yes(open.is_some()));
    text.family(
        "incident_declared_timestamp_seconds",
        "When the open incident was declared.",
    );
    text.known(&[], open.map(|incident| stamp(incident.declared.wall)));
}

/// A collector runs as somebody else: the file is readable by everybody, and holds nothing that `status` doesn't say.
fn put(file: &Path, text: &str) -> Result<(), String> {
    let whole = std::path::absolute(file).and_then(|whole| {
        ledger::replace(&RealDisk, &whole, text.as_bytes())?;
        fs::set_permissions(&whole, Permissions::from_mode(0o644))
    });
    whole.map_err(|why| format!("{}: write: {why} — look at the folder", file.display()))
}

/// The site file's name without its end: known also when the file can't be read.
fn stem(common: &Common) -> String {
    let path = site::path(common);
    let stem = path.as_deref().and_then(Path::file_stem);
    stem.map_or("site".into(), |stem| stem.to_string_lossy().into_owned())
}

fn push(url: &str, site: &str, text: &str) -> Result<(), String> {
    let to = format!("{}/metrics/job/warroom", url.trim_end_matches('/'));
    let pushed = block_on(async {
        let client = http::client()?;
        let mut to = reqwest::Url::parse(&to).map_err(|why| why.to_string())?;
        if let Ok(mut path) = to.path_segments_mut() {
            path.extend(["instance", &actor().host, "site", site]);
        }
        let request = client.put(to).timeout(PUSHED_WITHIN);
        let answer = request.body(text.to_owned()).send().await;
        let answer = answer.map_err(|why| why.without_url().to_string())?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status => Err(format!(
                "{status}: {}",
                answer.text().await.unwrap_or_default().trim()
            )),
        }
    });
    let why = match pushed {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(why)) => why,
        Err(why) => why.to_string(),
    };
    Err(format!("{to}: push: {why} — is it a Pushgateway?"))
}
