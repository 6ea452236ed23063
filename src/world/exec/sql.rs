//! `sql` fences: statement by statement, stopping at the first error. Values are bound, never pasted.

use std::pin::pin;
use std::time::Duration;

use futures_util::TryStreamExt;
use secrecy::ExposeSecret;
use tokio::time::Instant;
use tokio_postgres::{Client, Error, SimpleQueryMessage};

use super::expect::NULL;
use super::{Context, Ran};
use crate::incident::clean::Clean;
use crate::incident::digest::hex;
use crate::incident::names::TargetId;
use crate::incident::reading::{Failure, FailureKind, Outcome};
use crate::incident::runbook::Vars;
use crate::incident::site::{Endpoint, Site};
use crate::incident::statements::{self, Statement};
use crate::systems::wire::pg::{self, Door, Limits};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);

/// How long a statement waits for a lock: as long as it takes, for its step has a time-out of its own.
const LOCK: Duration = Duration::ZERO;

/// So many rows are aligned with each other.
const PAGE: usize = 100;

/// Runs the statements: each its own transaction, unless they are to be one.
pub(super) async fn run(cx: &Context<'_>, on: &TargetId, text: &str, tx: bool) -> Ran {
    if text.to_lowercase().replace(' ', "").contains("pg_promote(") {
        return Ran::refused(
            "pg_promote: use the typed act postgres.promote, which has its guards",
        );
    }
    let value = |name: &str| -> Option<&str> {
        let secret = || cx.secrets.get(name).map(ExposeSecret::expose_secret);
        cx.vars.get(name).map(String::as_str).or_else(secret)
    };
    let statements = match statements::cut(text, value, parameter) {
        Ok(statements) => statements,
        Err(why) => return Ran::failed(failure(on, &why, "correct the fence; nothing ran")),
    };
    let connection = match open(cx.site, on).await {
        Ok(open) => open,
        Err(failure) => return Ran::failed(failure),
    };
    let mut session = Session {
        client: &connection.client,
        on,
        output: String::new(),
    };
    let outcome = session
        .all(&statements, value, tx, |line| cx.sink.line(line))
        .await;
    Ran {
        outcome,
        output: session.output,
    }
}

/// Evaluates a check: in a READ ONLY transaction, within the target's time-out. Gives the first column of the first row;
/// `line` is told every row.
pub(super) async fn look(
    site: &Site,
    vars: &Vars,
    on: &TargetId,
    text: &str,
    line: impl Fn(String),
) -> Result<String, Failure> {
    let value = |name: &str| vars.get(name).map(String::as_str);
    let statements = statements::cut(text, value, parameter)
        .map_err(|why| failure(on, &why, "correct the check"))?;
    if let Some(acts) = statements.iter().find_map(Statement::acts) {
        let what = format!("a check may not {acts}");
        return Err(failure(on, &what, "make it a run fence"));
    }
    let within = site.target(on).map_or(CONNECT, |target| target.timeout);
    let looking = async {
        let connection = open(site, on).await?;
        let mut session = Session {
            client: &connection.client,
            on,
            output: String::new(),
        };
        session.plain("BEGIN READ ONLY").await?;
        match session.all(&statements, value, false, line).await {
            Outcome::Failed { failure, .. } | Outcome::Unknown { failure } => Err(failure),
            Outcome::Done { .. } | Outcome::Refused { .. } => Ok(session.output),
        }
    };
    match tokio::time::timeout(within, looking).await {
        Ok(answer) => answer,
        Err(_) => {
            let what = format!("no answer within {} s", within.as_secs_f32());
            Err(Failure::new(FailureKind::TimedOut, on, what, ""))
        }
    }
}

/// The session parameter that a value is bound to: its name is free of the value and of the variable's case.
fn parameter_name(variable: &str) -> String {
    format!("warroom.v{}", hex(variable))
}

/// What stands in a statement for a variable: text, as a bound parameter is, in every place an expression may stand.
fn parameter(variable: &str) -> String {
    format!("current_setting('{}')", parameter_name(variable))
}

struct Session<'a> {
    client: &'a Client,
    on: &'a TargetId,
    output: String,
}

impl Session<'_> {
    async fn all<'v>(
        &mut self,
        statements: &[Statement],
        value: impl Fn(&str) -> Option<&'v str>,
        tx: bool,
        line: impl Fn(String),
    ) -> Outcome {
        if let Err(failure) = self.bind(statements, value).await {
            return self.failed(failure);
        }
        if tx && let Err(failure) = self.plain("BEGIN").await {
            return self.failed(failure);
        }
        for (number, statement) in (1..).zip(statements) {
            if let Err(error) = self.one(&statement.sql, &line).await {
                let what = format!("statement {number} ({}): {}", statement.word, words(&error));
                return self.ended(&error, &what);
            }
        }
        if tx && let Err(error) = self.client.batch_execute("COMMIT").await {
            return self.ended(&error, &format!("COMMIT: {}", words(&error)));
        }
        Outcome::Done {
            said: Clean::new(&format!("{} statements", statements.len())),
        }
    }

    /// Binds each value once, to a parameter of this session.
    async fn bind<'v>(
        &self,
        statements: &[Statement],
        value: impl Fn(&str) -> Option<&'v str>,
    ) -> Result<(), Failure> {
        let mut names: Vec<_> = statements.iter().flat_map(|s| &s.bound).collect();
        names.sort();
        names.dedup();
        for name in names {
            let (parameter, value) = (parameter_name(name), value(name).unwrap_or_default());
            let bound = "SELECT set_config($1, $2, false)";
            let bound = self.client.query_one(bound, &[&parameter, &value]).await;
            bound.map_err(|e| failure(self.on, &format!("bind {name}: {}", words(&e)), ""))?;
        }
        Ok(())
    }

    async fn plain(&self, sql: &str) -> Result<(), Failure> {
        let done = self.client.batch_execute(sql).await;
        done.map_err(|e| failure(self.on, &format!("{sql}: {}", words(&e)), ""))
    }

    /// Nothing of the operator's text was sent yet.
    fn failed(&self, failure: Failure) -> Outcome {
        Outcome::Failed {
            failure,
            exit: None,
        }
    }

    /// The server's word is a failure; a lost connection leaves the statement unknown.
    fn ended(&self, error: &Error, what: &str) -> Outcome {
        // 57P01 to 57P03: the server is shutting down, or crashed under the statement.
        let told = error.as_db_error();
        let told = told.filter(|e| !e.code().code().starts_with("57P"));
        match told {
            Some(_) => self.failed(failure(self.on, what, "")),
            None => Outcome::Unknown {
                failure: failure(self.on, what, "look whether it took effect"),
            },
        }
    }

    /// Sends one statement and prints its rows.
    async fn one(&mut self, sql: &str, line: impl Fn(String)) -> Result<(), Error> {
        let mut messages = pin!(self.client.simple_query_raw(sql).await?);
        let mut page = Vec::new();
        let mut first = true;
        while let Some(message) = messages.try_next().await? {
            match message {
                SimpleQueryMessage::RowDescription(columns) => {
                    page.push(columns.iter().map(|c| c.name().to_owned()).collect());
                    (self.output, first) = (String::new(), true);
                }
                SimpleQueryMessage::Row(row) => {
                    let cells: Vec<String> = (0..row.len())
                        .map(|n| row.get(n).unwrap_or(NULL).to_owned())
                        .collect();
                    if std::mem::take(&mut first) {
                        self.output = cells.first().cloned().unwrap_or_default();
                    }
                    page.push(cells);
                }
                SimpleQueryMessage::CommandComplete(count) => {
                    print(&mut page, &line);
                    line(format!("({count} rows)"));
                }
                _ => {}
            }
            if page.len() > PAGE {
                print(&mut page, &line);
            }
        }
        print(&mut page, &line);
        Ok(())
    }
}

/// Prints rows with their columns aligned.
fn print(page: &mut Vec<Vec<String>>, line: impl Fn(String)) {
    let columns = page.iter().map(Vec::len).max().unwrap_or(0);
    let cells = |n: usize| page.iter().filter_map(move |row| row.get(n));
    let widest = |n: usize| cells(n).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|n| widest(n).unwrap_or(0)).collect();
    for row in page.drain(..) {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        let cells: Vec<_> = cells.collect();
        line(cells.join(" | ").trim_end().to_owned());
    }
}

/// What the server says, with its hint; the client's own words otherwise.
fn words(error: &Error) -> String {
    match error.as_db_error() {
        Some(db) => match db.hint() {
            Some(hint) => format!("{} ({hint})", db.message()),
            None => db.message().to_owned(),
        },
        None => error.to_string(),
    }
}

fn failure(on: &TargetId, what: &str, advice: &str) -> Failure {
    Failure::new(FailureKind::BadAnswer, on, what, advice)
}

/// A connection to a target, which has as long for its statements as they take; it is closed when dropped.
async fn open(site: &Site, on: &TargetId) -> Result<pg::Session, Failure> {
    let target = site.target(on);
    let Some((target, Endpoint::Postgres(at))) = target.map(|t| (t, &t.endpoint)) else {
        return Err(failure(
            on,
            "is no PostgreSQL target of the site",
            "correct on=",
        ));
    };
    let door = Door::new(format!("{on} ({})", target.endpoint.place()), at.clone());
    let limits = Limits {
        statement: None,
        lock: LOCK,
    };
    door.open(None, limits, Instant::now() + CONNECT).await
}
