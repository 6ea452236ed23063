//! `redis` fences: one command a line, stopping at the first error reply. `$NAME` is one argument whatever it holds.

use std::time::Duration;

use ::redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ErrorKind, IntoConnectionInfo,
    RedisConnectionInfo, RedisError, Value,
};
use secrecy::ExposeSecret;

use super::{Context, Ran};
use crate::incident::clean::Clean;
use crate::incident::names::TargetId;
use crate::incident::reading::{Failure, FailureKind, Outcome};
use crate::incident::site::{Endpoint, RedisEndpoint, Site, Tls};
use crate::systems::wire::secret;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);

/// How long a reply may take; after that the command is unknown.
const REPLY: Duration = Duration::from_secs(30);

/// Runs the commands.
pub(super) async fn run(cx: &Context<'_>, on: &TargetId, text: &str) -> Ran {
    let value = |name: &str| {
        let secret = || cx.secrets.get(name).map(ExposeSecret::expose_secret);
        cx.vars.get(name).map(String::as_str).or_else(secret)
    };
    let failed = |what: &str, advice: &str| {
        Ran::failed(Failure::new(FailureKind::BadAnswer, on, what, advice))
    };
    let commands = match commands(text, value) {
        Ok(commands) => commands,
        Err(why) => return failed(&why, "correct the fence; nothing ran"),
    };
    let mut connection = match connect(cx.site, on).await {
        Ok(connection) => connection,
        Err(failure) => return Ran::failed(failure),
    };
    let mut output = String::new();
    for (number, words) in (1..).zip(&commands) {
        let Some((name, arguments)) = words.split_first() else {
            continue;
        };
        let mut command = ::redis::cmd(name);
        command.arg(arguments);
        let reply = match command.query_async::<Value>(&mut connection).await {
            Ok(Value::ServerError(error)) => Err(error.into()),
            reply => reply,
        };
        match reply {
            Ok(reply) => {
                output = lines(&reply).join("\n");
                cx.sink.line(&output);
            }
            Err(error) => {
                let what = format!("command {number} ({name}): {error}");
                return Ran {
                    outcome: ended(&error, on, &what),
                    output,
                };
            }
        }
    }
    let said = Clean::new(&format!("{} commands", commands.len()));
    Ran {
        outcome: Outcome::Done { said },
        output,
    }
}

/// An error reply is a failure; a lost one leaves the command unknown.
fn ended(error: &RedisError, on: &TargetId, what: &str) -> Outcome {
    let failure = |advice| Failure::new(FailureKind::BadAnswer, on, what, advice);
    match error.kind() {
        ErrorKind::Server(_) | ErrorKind::Extension | ErrorKind::Client => Outcome::Failed {
            failure: failure(""),
            exit: None,
        },
        _ => Outcome::Unknown {
            failure: failure("look whether it took effect"),
        },
    }
}

async fn connect(
    site: &Site,
    on: &TargetId,
) -> Result<::redis::aio::MultiplexedConnection, Failure> {
    let Some(Endpoint::Redis(at)) = site.target(on).map(|target| &target.endpoint) else {
        let what = "is no Redis target of the site";
        return Err(Failure::new(FailureKind::Local, on, what, "correct on="));
    };
    let fail = |e: RedisError| {
        let on = format!("{on} ({}:{})", at.host, at.port);
        Failure::new(FailureKind::Refused, on, format!("connect: {e}"), "")
    };
    let info = address(at).into_connection_info().map_err(fail)?;
    let info = info.set_redis_settings(login(at, on).await?);
    let client = Client::open(info).map_err(fail)?;
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT))
        .set_response_timeout(Some(REPLY));
    let connection = client.get_multiplexed_async_connection_with_config(&config);
    connection.await.map_err(fail)
}

fn address(at: &RedisEndpoint) -> ConnectionAddr {
    match at.tls {
        Tls::Off => ConnectionAddr::Tcp(at.host.clone(), at.port),
        Tls::Verify => ConnectionAddr::TcpTls {
            host: at.host.clone(),
            port: at.port,
            insecure: false,
            tls_params: None,
        },
    }
}

async fn login(at: &RedisEndpoint, on: &TargetId) -> Result<RedisConnectionInfo, Failure> {
    let mut login = RedisConnectionInfo::default().set_db(at.db);
    if let Some(user) = &at.user {
        login = login.set_username(user);
    }
    if let Some(source) = &at.password {
        let password = secret::fetch(source, on.as_str()).await?;
        login = login.set_password(password.expose_secret());
    }
    Ok(login)
}

/// The commands of a text, each as its words.
fn commands<'v>(
    text: &str,
    value: impl Fn(&str) -> Option<&'v str>,
) -> Result<Vec<Vec<String>>, String> {
    let lines = text.lines().map(str::trim);
    let commands = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    commands.map(|line| words(line, &value)).collect()
}

/// The words of a line, quoted as in a shell: all is literal between `'`, `\` escapes elsewhere, `$NAME` is filled in but
/// never cut.
fn words<'v>(line: &str, value: &impl Fn(&str) -> Option<&'v str>) -> Result<Vec<String>, String> {
    let mut all = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, quote) {
            (c, None) if c.is_whitespace() => all.extend(word.take()),
            ('\'' | '"', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, Some(open)) if c == open => quote = None,
            ('\\', None | Some('"')) => {
                let next = chars.next().ok_or("the line ends with a \\")?;
                word.get_or_insert_default().push(next);
            }
            ('$', None | Some('"')) => {
                let mut name = String::new();
                while let Some(next) = chars.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
                    name.push(next);
                }
                let value = value(&name).ok_or(format!("the variable {name} is not set"))?;
                word.get_or_insert_default().push_str(value);
            }
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    match quote {
        Some(open) => Err(format!("a {open} is not closed")),
        None => {
            all.extend(word);
            Ok(all)
        }
    }
}

/// A reply as lines.
fn lines(reply: &Value) -> Vec<String> {
    match reply {
        Value::Nil => vec![super::expect::NULL.into()],
        Value::Int(number) => vec![number.to_string()],
        Value::Okay => vec!["OK".into()],
        Value::SimpleString(text) => vec![text.clone()],
        Value::BulkString(bytes) => vec![String::from_utf8_lossy(bytes).into_owned()],
        Value::Double(number) => vec![number.to_string()],
        Value::Boolean(truth) => vec![truth.to_string()],
        Value::VerbatimString { text, .. } => vec![text.clone()],
        Value::Array(items) | Value::Set(items) => items.iter().flat_map(lines).collect(),
        Value::Map(pairs) => {
            let pair = |(key, value): &(Value, Value)| {
                format!("{} {}", lines(key).join(" "), lines(value).join(" "))
            };
            pairs.iter().map(pair).collect()
        }
        other => vec![format!("{other:?}")],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_one_argument_whatever_it_holds() {
        let value = |name: &str| match name {
            "K" => Some("a b'; FLUSHALL"),
            _ => None,
        };
        let found = commands(
            "# why\nSET $K \"x $K\" 'lit $K' a\\ b ''\n\nGET pre$K\n",
            value,
        );
        let set = [
            "SET",
            "a b'; FLUSHALL",
            "x a b'; FLUSHALL",
            "lit $K",
            "a b",
            "",
        ];
        let get = ["GET", "prea b'; FLUSHALL"];
        assert_eq!(found.unwrap(), [set.to_vec(), get.to_vec()]);
        for (text, why) in [("GET $NOPE", "not set"), ("GET 'x", "not closed")] {
            assert!(commands(text, value).unwrap_err().contains(why));
        }
    }
}
