//! `redis` fences: one command a line, stopping at the first error reply. `$NAME` is one argument whatever it holds.

use std::time::Duration;

use ::redis::Value;
use secrecy::ExposeSecret;

use super::{Context, Ran};
use crate::incident::clean::Clean;
use crate::incident::names::TargetId;
use crate::incident::reading::{Failure, FailureKind, Outcome};
use crate::incident::site::{Endpoint, Site};
use crate::systems::wire::redis::{Login, Server};

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
    let server = match server(cx.site, on) {
        Ok(server) => server,
        Err(failure) => return Ran::failed(failure),
    };
    let mut output = String::new();
    for (number, words) in (1..).zip(&commands) {
        let Some((name, arguments)) = words.split_first() else {
            continue;
        };
        let mut command = ::redis::cmd(name);
        command.arg(arguments);
        match server.order::<Value>(&command).await {
            Ok(reply) => {
                output = lines(&reply).join("\n");
                cx.sink.line(&output);
            }
            Err(wrong) => {
                cx.sink.line(format!("command {number} ({name}) ended it"));
                return Ran {
                    outcome: wrong.outcome(),
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

/// The target's server, whose replies may take longer than a probe's.
fn server(site: &Site, on: &TargetId) -> Result<Server, Failure> {
    let Some(Endpoint::Redis(at)) = site.target(on).map(|target| &target.endpoint) else {
        let what = "is no Redis target of the site";
        return Err(Failure::new(FailureKind::Local, on, what, "correct on="));
    };
    let login = Login {
        user: at.user.clone(),
        password: at.password.clone(),
        db: at.db,
    };
    let named = format!("{on} ({}:{})", at.host, at.port);
    Ok(Server::new(
        named,
        (&at.host, at.port),
        at.tls,
        login,
        REPLY,
    ))
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
