//! PgBouncer by its admin console: what is paused, who waits for a server, how many connections there are.

use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_postgres::SimpleQueryRow;

use super::probe::Probe;
use super::wire;
use super::wire::pg::{Door, Session};
use crate::incident::acts::check::{CheckSight, CheckState};
use crate::incident::clean::Clean;
use crate::incident::measure::Span;
use crate::incident::reading::{Failure, FailureKind, Sight};
use crate::incident::site::{PgEndpoint, Target};

/// Clients that have waited longer than this are locked out.
const WAITED: u64 = 5;

/// One pooler.
pub struct Pgbouncer {
    on: String,
    timeout: Duration,
    door: Door,
    /// The last look's session, as long as it answers.
    kept: Mutex<Option<Session>>,
}

impl Pgbouncer {
    /// The pooler of `target`; nothing is connected yet.
    pub fn new(target: &Target, at: &PgEndpoint) -> Self {
        let on = wire::on(target);
        Self {
            door: Door::new(on.clone(), at.clone()),
            on,
            timeout: target.timeout,
            kept: Mutex::new(None),
        }
    }

    async fn ask(&self) -> Result<Sight, Failure> {
        let mut kept = self.kept.lock().await;
        if let Some(session) = kept.take()
            && let Ok(seen) = self.shown(&session).await
        {
            *kept = Some(session);
            return Ok(seen);
        }
        let deadline = Instant::now() + self.timeout;
        let session = self.door.open_console(deadline).await?;
        let seen = self.shown(&session).await?;
        *kept = Some(session);
        Ok(seen)
    }

    async fn shown(&self, session: &Session) -> Result<Sight, Failure> {
        let databases = self.rows(session, "SHOW DATABASES").await?;
        let pools = self.rows(session, "SHOW POOLS").await?;
        Ok(Sight::Check(judged(&databases, &pools)))
    }

    async fn rows(&self, session: &Session, what: &str) -> Result<Vec<Row>, Failure> {
        let rows = session.rows(what).await.map_err(|error| {
            let what = format!("{what}: {error}");
            let advice = "the role has to be among admin_users or stats_users";
            Failure::new(FailureKind::Denied, &self.on, what, advice)
        })?;
        Ok(rows.iter().map(Row::read).collect())
    }
}

impl Probe for Pgbouncer {
    fn look(&self) -> BoxFuture<'_, Result<Sight, Failure>> {
        self.ask().boxed()
    }
}

/// A row of the console, of which versions have different columns.
#[derive(Default)]
struct Row(Vec<(String, String)>);

impl Row {
    fn read(row: &SimpleQueryRow) -> Self {
        let columns = row.columns().iter().enumerate();
        let pairs = columns.map(|(at, column)| {
            let value = row.get(at).unwrap_or_default();
            (column.name().to_owned(), value.to_owned())
        });
        Self(pairs.collect())
    }

    fn text(&self, name: &str) -> &str {
        let mut pairs = self.0.iter();
        pairs
            .find(|(column, _)| column == name)
            .map_or("", |(_, value)| value)
    }

    fn count(&self, name: &str) -> u64 {
        self.text(name).parse().unwrap_or(0)
    }
}

fn judged(databases: &[Row], pools: &[Row]) -> CheckSight {
    let stopped = |column: &str| {
        let stopped = databases.iter().filter(|row| row.count(column) > 0);
        stopped.map(|row| row.text("name")).collect::<Vec<_>>()
    };
    let (paused, disabled) = (stopped("paused"), stopped("disabled"));
    // Its own console is a pool, too.
    let of_clients = || {
        pools
            .iter()
            .filter(|row| row.text("database") != "pgbouncer")
    };
    let sum = |column: &str| of_clients().map(|row| row.count(column)).sum::<u64>();
    let (active, waiting) = (sum("cl_active"), sum("cl_waiting"));
    let waited = of_clients()
        .map(|row| row.count("maxwait"))
        .max()
        .unwrap_or(0);
    let waits = match waiting {
        1 => "1 client waits".to_owned(),
        _ => format!("{waiting} clients wait"),
    };
    let (state, words) = match () {
        () if !disabled.is_empty() => (
            CheckState::Breach,
            format!("disabled: {}", disabled.join(", ")),
        ),
        () if !paused.is_empty() => (CheckState::Watch, format!("paused: {}", paused.join(", "))),
        () if waiting > 0 && waited >= WAITED => {
            let waited = Span(Duration::from_secs(waited));
            (CheckState::Breach, format!("{waits}, up to {waited}"))
        }
        () if waiting > 0 => (CheckState::Watch, waits),
        () => (CheckState::Fine, format!("{active} clients, none waits")),
    };
    CheckSight {
        state,
        words: Clean::new(&words),
        value: Some(f64::from(u32::try_from(waiting).unwrap_or(u32::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(pairs: &[(&str, &str)]) -> Row {
        let pairs = pairs.iter();
        Row(pairs
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect())
    }

    #[test]
    fn waiting_and_stopped_clients_are_told() {
        let app = |stopped: &str| vec![row(&[("name", "app"), (stopped, "1")])];
        let pool = |waiting: &str, maxwait: &str| {
            let own = row(&[
                ("database", "pgbouncer"),
                ("cl_active", "1"),
                ("cl_waiting", "9"),
            ]);
            let of = [
                ("database", "app"),
                ("cl_active", "12"),
                ("cl_waiting", waiting),
                ("maxwait", maxwait),
            ];
            vec![own, row(&of)]
        };
        for (databases, pools, state, words) in [
            (
                app("x"),
                pool("0", "0"),
                CheckState::Fine,
                "12 clients, none waits",
            ),
            (
                app("x"),
                pool("3", "1"),
                CheckState::Watch,
                "3 clients wait",
            ),
            (
                app("x"),
                pool("3", "7"),
                CheckState::Breach,
                "3 clients wait, up to 7.0 s",
            ),
            (
                app("paused"),
                pool("3", "7"),
                CheckState::Watch,
                "paused: app",
            ),
            (
                app("disabled"),
                pool("0", "0"),
                CheckState::Breach,
                "disabled: app",
            ),
        ] {
            let seen = judged(&databases, &pools);
            assert_eq!((seen.state, seen.words.as_str()), (state, words));
        }
    }
}
