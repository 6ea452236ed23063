//! PostgreSQL's protocol, which its servers and its poolers speak. Connections: who we are, how long anything may take, and which server is too old.

pub mod failure;
mod pgpass;

use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use rustls_platform_verifier::BuilderVerifierExt;
use secrecy::ExposeSecret;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, Connection, NoTls, SimpleQueryMessage, SimpleQueryRow};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::incident::reading::{Failure, FailureKind};
use crate::incident::site::{PgEndpoint, Tls};
use crate::systems::wire::secret;

/// The oldest version with everything a probe asks for (`reply_time`, `pg_promote`).
const OLDEST: u32 = 120_000;

/// How a dead peer is noticed while an act waits for its answer: after about half a minute.
const KEEPALIVE: Duration = Duration::from_secs(10);

/// How to reach a server.
pub struct Door {
    /// The target and its endpoint, for failures: `pg-west (db-west:5432)`.
    pub on: String,
    endpoint: PgEndpoint,
}

/// A connection whose background task ends with it.
pub struct Session {
    /// The client.
    pub client: Client,
    /// `server_version_num`.
    pub version: u32,
    task: JoinHandle<()>,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What the server itself limits: a query that outlives its console still ends.
#[derive(Clone, Copy)]
pub struct Limits {
    /// `statement_timeout`; none for acts that take as long as they take.
    pub statement: Option<Duration>,
    /// `lock_timeout`.
    pub lock: Duration,
}

impl Limits {
    /// Of a probe that may take `timeout`.
    pub fn probe(timeout: Duration) -> Self {
        Limits {
            statement: Some(timeout),
            lock: timeout / 2,
        }
    }
}

impl Door {
    /// A way to the endpoint; `on` names it in failures.
    pub fn new(on: String, endpoint: PgEndpoint) -> Self {
        Door { on, endpoint }
    }

    /// Connects to the target's own database, or to `dbname`, before `deadline`.
    ///
    /// # Errors
    /// What refused it, with what to do.
    pub async fn open(
        &self,
        dbname: Option<&str>,
        limits: Limits,
        deadline: Instant,
    ) -> Result<Session, Failure> {
        let begun = Instant::now();
        let within = deadline.saturating_duration_since(begun);
        match timeout_at(deadline, self.connect(dbname, limits, within)).await {
            Ok(session) => session,
            Err(_) => Err(failure::timed_out(&self.on, "connect", within)),
        }
    }

    /// Connects to the console of a pooler, which takes no settings, before `deadline`.
    ///
    /// # Errors
    /// As [`Door::open`].
    pub async fn open_console(&self, deadline: Instant) -> Result<Session, Failure> {
        let within = deadline.saturating_duration_since(Instant::now());
        match timeout_at(deadline, self.log_in(&self.endpoint.dbname, within)).await {
            Ok(session) => session,
            Err(_) => Err(failure::timed_out(&self.on, "connect", within)),
        }
    }

    async fn connect(
        &self,
        dbname: Option<&str>,
        limits: Limits,
        within: Duration,
    ) -> Result<Session, Failure> {
        let dbname = dbname.unwrap_or(&self.endpoint.dbname);
        let mut session = self.log_in(dbname, within).await?;
        session.version = self.prepare(&session, limits).await?;
        Ok(session)
    }

    async fn log_in(&self, dbname: &str, within: Duration) -> Result<Session, Failure> {
        let (config, hint) = self.config(dbname, within).await?;
        let opened = match self.endpoint.tls {
            Tls::Off => spawned(config.connect(NoTls).await),
            Tls::Verify => spawned(config.connect(self.verifying()?).await),
        };
        let (client, task) = opened.map_err(|error| {
            let mut failure = failure::of(&error, &self.on, "connect");
            if let (FailureKind::Denied, Some(hint)) = (failure.kind, hint) {
                failure.advice = format!("{}; {hint}", failure.advice);
            }
            failure
        })?;
        Ok(Session {
            client,
            version: 0,
            task,
        })
    }

    /// Sets the server's own limits and asks how old it is, in one round trip.
    async fn prepare(&self, session: &Session, limits: Limits) -> Result<u32, Failure> {
        let statement = limits.statement.map_or(0, |limit| limit.as_millis());
        let lock = limits.lock.as_millis();
        let sql = format!(
            "SET statement_timeout = {statement}; SET lock_timeout = {lock}; SHOW server_version_num"
        );
        let rows = session
            .rows(&sql)
            .await
            .map_err(|error| failure::of(&error, &self.on, "connect"))?;
        let version = rows.first().and_then(|row| row.get(0)).unwrap_or_default();
        match version.parse() {
            Ok(version) if version >= OLDEST => Ok(version),
            _ => Err(Failure::new(
                FailureKind::Unsupported,
                &self.on,
                format!("connect: server version {version} is older than PostgreSQL 12"),
                "upgrade it, or take the target out of the site file",
            )),
        }
    }

    /// The client's configuration, and what to say of the password file when the login is refused.
    async fn config(
        &self,
        dbname: &str,
        within: Duration,
    ) -> Result<(Config, Option<String>), Failure> {
        let PgEndpoint {
            host, port, user, ..
        } = &self.endpoint;
        let (password, hint) = match &self.endpoint.password {
            Some(reference) => (Some(secret::fetch(reference, &self.on).await?), None),
            None => {
                let found = pgpass::look_up(host, *port, dbname, user);
                (found.password, found.why_not)
            }
        };
        let mut config = Config::new();
        config
            .host(host)
            .port(*port)
            .user(user)
            .dbname(dbname)
            .application_name("warroom")
            .connect_timeout(within)
            .tcp_user_timeout(KEEPALIVE * 3)
            .keepalives(true)
            .keepalives_idle(KEEPALIVE)
            .keepalives_interval(KEEPALIVE / 2)
            .keepalives_retries(4)
            .ssl_mode(match self.endpoint.tls {
                Tls::Off => SslMode::Disable,
                Tls::Verify => SslMode::Require,
            });
        if let Some(password) = password {
            config.password(password.expose_secret());
        }
        Ok((config, hint))
    }

    /// TLS with the machine's own trust store, and a provider named so that no other crate's choice matters.
    fn verifying(&self) -> Result<MakeRustlsConnect, Failure> {
        let local = |error: rustls::Error| {
            Failure::new(
                FailureKind::Tls,
                &self.on,
                format!("connect: TLS: {error}"),
                "check this machine's certificates (ca-certificates)",
            )
        };
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(BuilderVerifierExt::with_platform_verifier)
            .map_err(local)?
            .with_no_client_auth();
        Ok(MakeRustlsConnect::new(config))
    }
}

type Opened<S, T> = Result<(Client, Connection<S, T>), tokio_postgres::Error>;

/// Lets the connection work in the background; its end shows in the client.
fn spawned<S, T>(opened: Opened<S, T>) -> Result<(Client, JoinHandle<()>), tokio_postgres::Error>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (client, connection) = opened?;
    let task = tokio::spawn(async move {
        let _ = connection.await;
    });
    Ok((client, task))
}

impl Session {
    /// The rows of one or more statements, as text, in one round trip.
    pub async fn rows(&self, sql: &str) -> Result<Vec<SimpleQueryRow>, tokio_postgres::Error> {
        let messages = self.client.simple_query(sql).await?;
        Ok(messages
            .into_iter()
            .filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => Some(row),
                _ => None,
            })
            .collect())
    }
}

/// A name as SQL quotes it: `public.orders` becomes `"public"."orders"`, and nothing in it can end the quotes.
pub fn relation(name: &str) -> String {
    name.split('.')
        .map(identifier)
        .collect::<Vec<_>>()
        .join(".")
}

/// One identifier, quoted.
pub fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_so_that_they_stay_names() {
        for (name, quoted) in [
            ("heartbeat", r#""heartbeat""#),
            ("ops.heartbeat", r#""ops"."heartbeat""#),
            (r#"a"; DROP TABLE b; --"#, r#""a""; DROP TABLE b; --""#),
        ] {
            assert_eq!(relation(name), quoted);
        }
    }
}
