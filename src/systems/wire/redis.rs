//! The Redis protocol's client for servers and Sentinels: one kept connection, every question within its time, and a
//! change sent once or not at all.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use ::redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ErrorKind, FromRedisValue,
    IntoConnectionInfo, RedisConnectionInfo, RedisError, ServerErrorKind,
};
use secrecy::ExposeSecret;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use crate::incident::measure::Span;
use crate::incident::reading::{Failure, FailureKind};
use crate::incident::site::{SecretRef, Tls};
use crate::systems::wire::{Wrong, secret};

/// Who asks, and as whom.
#[derive(Debug, Clone, Default)]
pub struct Login {
    /// ACL user, when not the default one.
    pub user: Option<String>,
    /// Where the password comes from.
    pub password: Option<SecretRef>,
    /// Database number.
    pub db: i64,
}

/// One Redis or Sentinel process.
pub struct Server {
    on: String,
    address: ConnectionAddr,
    login: Login,
    timeout: Duration,
    kept: Mutex<Option<MultiplexedConnection>>,
}

impl Server {
    /// A server at `host:port`, named `on` in failures; nothing is connected yet.
    pub fn new(
        on: String,
        (host, port): (&str, u16),
        tls: Tls,
        login: Login,
        timeout: Duration,
    ) -> Self {
        let host = host.to_owned();
        let address = match tls {
            Tls::Off => ConnectionAddr::Tcp(host, port),
            Tls::Verify => ConnectionAddr::TcpTls {
                host,
                port,
                insecure: false,
                tls_params: None,
            },
        };
        Self {
            on,
            address,
            login,
            timeout,
            kept: Mutex::new(None),
        }
    }

    /// How failures name it: `redis-west (127.0.0.1:6379)`.
    pub fn on(&self) -> &str {
        &self.on
    }

    /// Asks something that changes nothing, connecting first where needed; all of it within the target's time-out. A kept
    /// connection that turns out closed (the server was started anew) is replaced and the question put once more.
    ///
    /// # Errors
    /// What went wrong, by its kind.
    pub async fn ask<T: FromRedisValue>(&self, cmd: &Cmd) -> Result<T, Failure> {
        let deadline = Instant::now() + self.timeout;
        let (connection, fresh) = self.connection(deadline).await?;
        match self.put(connection, cmd, deadline).await {
            Err(error) if !fresh && closed(&error) => {
                let (connection, _) = self.connection(deadline).await?;
                self.put(connection, cmd, deadline).await
            }
            answer => answer,
        }
        .map_err(|error| self.failure(cmd, &error))
    }

    /// Sends something that changes the server: once, on a connection that has just answered a PING.
    ///
    /// # Errors
    /// [`Wrong::Undone`] when it was not sent or was refused, [`Wrong::Lost`] when nobody can say.
    pub async fn order<T: FromRedisValue>(&self, cmd: &Cmd) -> Result<T, Wrong> {
        let _pong: String = self
            .ask(&::redis::cmd("PING"))
            .await
            .map_err(Wrong::Undone)?;
        let deadline = Instant::now() + self.timeout;
        let (connection, _) = self.connection(deadline).await.map_err(Wrong::Undone)?;
        self.put(connection, cmd, deadline).await.map_err(|error| {
            let failure = self.failure(cmd, &error);
            match error.kind() {
                ErrorKind::Server(_) | ErrorKind::Extension | ErrorKind::Client => {
                    Wrong::Undone(failure)
                }
                _ => Wrong::Lost(failure),
            }
        })
    }

    /// The kept connection, or a new one; true when it is new.
    async fn connection(
        &self,
        deadline: Instant,
    ) -> Result<(MultiplexedConnection, bool), Failure> {
        let mut kept = self.kept.lock().await;
        if let Some(connection) = kept.as_ref() {
            return Ok((connection.clone(), false));
        }
        let connection = self.connect(deadline).await?;
        *kept = Some(connection.clone());
        Ok((connection, true))
    }

    async fn connect(&self, deadline: Instant) -> Result<MultiplexedConnection, Failure> {
        let settings = self.settings(deadline).await?;
        let failed = |error: &RedisError| self.failed("connect", error);
        let info = self
            .address
            .clone()
            .into_connection_info()
            .map_err(|error| failed(&error))?;
        let client =
            Client::open(info.set_redis_settings(settings)).map_err(|error| failed(&error))?;
        // Both limits are the deadline's; the library's own defaults are shorter than a slow link.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None);
        match timeout_at(
            deadline,
            client.get_multiplexed_async_connection_with_config(&config),
        )
        .await
        {
            Ok(connection) => connection.map_err(|error| failed(&error)),
            Err(_) => Err(self.timed_out("connect")),
        }
    }

    async fn settings(&self, deadline: Instant) -> Result<RedisConnectionInfo, Failure> {
        let mut settings = RedisConnectionInfo::default().set_db(self.login.db);
        if let Some(user) = &self.login.user {
            settings = settings.set_username(user);
        }
        let Some(source) = &self.login.password else {
            return Ok(settings);
        };
        let password = timeout_at(deadline, secret::fetch(source, &self.on))
            .await
            .map_err(|_| {
                let what = format!(
                    "password: its source gave none within {}",
                    Span(self.timeout)
                );
                Failure::new(FailureKind::Local, &self.on, what, "ask the source by hand")
            })??;
        Ok(settings.set_password(password.expose_secret()))
    }

    /// Puts one command. A connection that failed is not kept, so a frozen server gathers no queue of questions, nor is
    /// one that is no longer let in: the next one logs in anew.
    async fn put<T: FromRedisValue>(
        &self,
        mut connection: MultiplexedConnection,
        cmd: &Cmd,
        deadline: Instant,
    ) -> Result<T, RedisError> {
        let answer = match timeout_at(deadline, cmd.query_async(&mut connection)).await {
            Ok(answer) => answer,
            Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut).into()),
        };
        if let Err(error) = &answer
            && (error.is_io_error() || kind(error) == FailureKind::Denied)
        {
            *self.kept.lock().await = None;
        }
        answer
    }

    fn failure(&self, cmd: &Cmd, error: &RedisError) -> Failure {
        self.failed(&shown(cmd), error)
    }

    fn failed(&self, tried: &str, error: &RedisError) -> Failure {
        if error.is_timeout() {
            return self.timed_out(tried);
        }
        let kind = kind(error);
        let advice = match kind {
            FailureKind::Denied => "check user and password in the site file",
            FailureKind::Tls => "check the certificate, or the target's tls in the site file",
            FailureKind::Refused => "is it running?",
            _ => "",
        };
        Failure::new(kind, &self.on, format!("{tried}: {}", said(error)), advice)
    }

    fn timed_out(&self, tried: &str) -> Failure {
        let what = format!("{tried}: no answer within {}", Span(self.timeout));
        let advice = match &self.address {
            ConnectionAddr::TcpTls { .. } if tried == "connect" => {
                "a server without TLS leaves its greeting unanswered: check the target's tls"
            }
            _ => "",
        };
        Failure::new(FailureKind::TimedOut, &self.on, what, advice)
    }
}

/// The command's words, `SENTINEL FAILOVER cache`. No command sent through here holds a secret.
fn shown(cmd: &Cmd) -> String {
    let words = cmd.args_iter().map(|arg| match arg {
        ::redis::Arg::Simple(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        _ => String::new(),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The connection had been closed before the question was put.
fn closed(error: &RedisError) -> bool {
    error.is_connection_dropped()
}

fn kind(error: &RedisError) -> FailureKind {
    match error.kind() {
        ErrorKind::AuthenticationFailed | ErrorKind::Server(ServerErrorKind::NoPerm) => {
            FailureKind::Denied
        }
        _ if matches!(error.code(), Some("NOAUTH" | "WRONGPASS" | "NOPERM")) => FailureKind::Denied,
        ErrorKind::Io => io_error(error).map_or(FailureKind::Unreachable, io_kind),
        ErrorKind::InvalidClientConfig => FailureKind::Unreachable,
        _ => FailureKind::BadAnswer,
    }
}

fn io_kind(error: &io::Error) -> FailureKind {
    let tls = error
        .get_ref()
        .is_some_and(|inner| inner.is::<rustls::Error>());
    match error.kind() {
        _ if tls => FailureKind::Tls,
        io::ErrorKind::ConnectionRefused => FailureKind::Refused,
        io::ErrorKind::TimedOut => FailureKind::TimedOut,
        // Names that don't resolve come as "other"; what is closed half-way is out of reach too.
        _ => FailureKind::Unreachable,
    }
}

/// The library keeps the operating system's error in an `Arc` that stands as the source itself.
fn io_error(error: &RedisError) -> Option<&io::Error> {
    let source = error.source()?;
    match source.downcast_ref::<Arc<dyn Error + Send + Sync>>() {
        Some(inner) => inner.downcast_ref(),
        None => source.downcast_ref(),
    }
}

/// What happened, in the server's or the operating system's words.
fn said(error: &RedisError) -> String {
    match (error.code(), error.detail()) {
        (Some("ERR"), Some(detail)) => detail.to_owned(),
        (Some(code), Some(detail)) => format!("{code} {detail}"),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::reading::Outcome;

    #[test]
    fn errors_fall_into_the_kinds_people_act_upon() {
        let io = |kind| RedisError::from(io::Error::from(kind));
        let tls = rustls::Error::General("no".into());
        let table = [
            (io(io::ErrorKind::ConnectionRefused), FailureKind::Refused),
            (io(io::ErrorKind::HostUnreachable), FailureKind::Unreachable),
            (io(io::ErrorKind::ConnectionReset), FailureKind::Unreachable),
            (
                io::Error::new(io::ErrorKind::InvalidData, tls).into(),
                FailureKind::Tls,
            ),
            (
                (ErrorKind::AuthenticationFailed, "no").into(),
                FailureKind::Denied,
            ),
            (
                (ErrorKind::UnexpectedReturnType, "a list").into(),
                FailureKind::BadAnswer,
            ),
        ];
        for (error, expected) in table {
            assert_eq!(kind(&error), expected, "{error}");
        }
    }

    #[tokio::test]
    async fn nothing_listening_is_refused_and_says_what_was_tried() {
        let port = {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap().port()
        };
        let place = ("127.0.0.1", port);
        let on = format!("cache (127.0.0.1:{port})");
        let server = Server::new(
            on.clone(),
            place,
            Tls::Off,
            Login::default(),
            Duration::from_secs(1),
        );
        let failure = server
            .ask::<String>(&::redis::cmd("PING"))
            .await
            .unwrap_err();
        assert_eq!(failure.kind, FailureKind::Refused);
        assert!(
            failure.to_string().starts_with(&format!("{on}: connect: ")),
            "{failure}"
        );
        let wrong = server
            .order::<()>(&::redis::cmd("BGSAVE"))
            .await
            .unwrap_err();
        assert!(matches!(wrong, Wrong::Undone(_)), "{wrong:?}");
    }

    #[tokio::test]
    async fn a_server_that_accepts_and_says_nothing_is_timed_out() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let place = ("127.0.0.1", listener.local_addr().unwrap().port());
        let within = Duration::from_millis(100);
        let server = Server::new("cache".into(), place, Tls::Off, Login::default(), within);
        let failure = server
            .ask::<String>(&::redis::cmd("PING"))
            .await
            .unwrap_err();
        assert_eq!(failure.kind, FailureKind::TimedOut);
        assert!(
            failure.to_string().ends_with("no answer within 100 ms"),
            "{failure}"
        );
    }

    #[tokio::test]
    async fn what_answers_tls_with_something_else_is_a_fault_of_tls() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let place = ("127.0.0.1", listener.local_addr().unwrap().port());
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            io::Write::write_all(&mut stream, b"-ERR unknown command\r\n").unwrap();
            let _ = io::Read::read(&mut stream, &mut [0; 4096]);
        });
        let within = Duration::from_secs(5);
        let server = Server::new("cache".into(), place, Tls::Verify, Login::default(), within);
        let failure = server
            .ask::<String>(&::redis::cmd("PING"))
            .await
            .unwrap_err();
        assert_eq!(failure.kind, FailureKind::Tls, "{failure}");
    }

    /// A server that greets, answers PING and then keeps its mouth shut; it tells of each command that came.
    fn lets_down(listener: std::net::TcpListener) -> std::sync::mpsc::Receiver<String> {
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = io::Read::read(&mut stream, &mut buffer) {
                let came = String::from_utf8_lossy(&buffer[..read]).into_owned();
                let greetings = "+OK\r\n".repeat(came.matches("SETINFO").count());
                let pongs = "+PONG\r\n".repeat(came.matches("PING").count());
                io::Write::write_all(&mut stream, (greetings + &pongs).as_bytes()).unwrap();
                let _ = tell.send(came);
            }
        });
        told
    }

    #[tokio::test]
    async fn a_change_whose_answer_is_lost_was_sent_once_and_is_unknown() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let place = ("127.0.0.1", listener.local_addr().unwrap().port());
        let told = lets_down(listener);
        let within = Duration::from_millis(300);
        let server = Server::new("cache".into(), place, Tls::Off, Login::default(), within);
        let wrong = server.order::<String>(&::redis::cmd("BGSAVE")).await;
        let outcome = wrong.unwrap_err().outcome();
        assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
        drop(server);
        let came = tokio::task::spawn_blocking(move || told.iter().collect::<String>());
        let came = came.await.unwrap();
        assert_eq!(came.matches("BGSAVE").count(), 1, "{came}");
    }
}
