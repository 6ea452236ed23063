//! `http` fences: one request as `.http` files write it. Sent once; on anything but GET and HEAD a lost answer is unknown.

use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, redirect, retry};
use secrecy::ExposeSecret;

use super::{Context, Ran, shell};
use crate::incident::clean::Clean;
use crate::incident::reading::{Failure, FailureKind, Outcome};
use crate::incident::runbook::{Vars, http_method};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);

/// How long a check may take; an act takes as long as it takes.
const LOOK: Duration = Duration::from_secs(10);

/// What stays as it is in a URL (RFC 3986, unreserved).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A request with its variables filled in.
#[derive(Debug, PartialEq, Eq)]
struct Request {
    method: Method,
    url: String,
    headers: Vec<(String, String)>,
    body: String,
}

/// An answer.
struct Answer {
    status: u16,
    body: String,
}

/// Sends the request. Success is any 2xx; where a predicate is given, it decides on the body instead.
pub(super) async fn run(cx: &Context<'_>, text: &str, expected: bool) -> Ran {
    let value = |name: &str| {
        let secret = || cx.secrets.get(name).map(ExposeSecret::expose_secret);
        cx.vars.get(name).map(String::as_str).or_else(secret)
    };
    let request = match read(text, value) {
        Ok(request) => request,
        Err(why) => return Ran::failed(fail("http", &why, "correct the fence; nothing was sent")),
    };
    let on = format!("{} {}", request.method, cx.sink.redact(&request.url));
    let safe = matches!(request.method, Method::GET | Method::HEAD);
    match send(request, None).await {
        Ok(answer) => {
            cx.sink.line(format!("HTTP {}", answer.status));
            cx.sink.line(&answer.body);
            Ran {
                outcome: judged(&on, &answer, expected, safe),
                output: answer.body,
            }
        }
        Err(error) => {
            let what = cx.sink.redact(&words(&error));
            let lost = !safe && !error.is_connect() && !error.is_builder();
            let failure = fail(
                &on,
                what.as_str(),
                if lost {
                    "look whether it took effect"
                } else {
                    ""
                },
            );
            Ran {
                outcome: match lost {
                    true => Outcome::Unknown { failure },
                    false => Outcome::Failed {
                        failure,
                        exit: None,
                    },
                },
                output: String::new(),
            }
        }
    }
}

/// What an answer means. A 5xx to a change is unknown: what stands before the server may have given up on it while the
/// server had not.
fn judged(on: &str, answer: &Answer, expected: bool, safe: bool) -> Outcome {
    let status = answer.status;
    let failure = |advice| fail(on, &format!("answered {status}"), advice);
    match status {
        status if expected || (200..300).contains(&status) => Outcome::Done {
            said: Clean::new(&format!("HTTP {status}")),
        },
        500..600 if !safe => Outcome::Unknown {
            failure: failure("look whether it took effect"),
        },
        _ => Outcome::Failed {
            failure: failure("read its body"),
            exit: None,
        },
    }
}

/// Whether the request is GET or HEAD, which change nothing.
pub(super) fn only_looks(text: &str) -> bool {
    matches!(http_method(text), Some("GET" | "HEAD"))
}

/// Sends a check's request; gives its body.
pub(super) async fn look(vars: &Vars, text: &str, expected: bool) -> Result<String, Failure> {
    let value = |name: &str| vars.get(name).map(String::as_str);
    let request = read(text, value).map_err(|why| fail("http", &why, "correct the check"))?;
    let on = format!("{} {}", request.method, request.url);
    let answer = send(request, Some(LOOK))
        .await
        .map_err(|e| fail(&on, &words(&e), ""))?;
    match judged(&on, &answer, expected, true) {
        Outcome::Done { said } if answer.body.trim().is_empty() && !expected => {
            Ok(said.to_string())
        }
        Outcome::Done { .. } => Ok(answer.body),
        _ => Err(fail(&on, &format!("answered {}", answer.status), "")),
    }
}

async fn send(request: Request, within: Option<Duration>) -> Result<Answer, reqwest::Error> {
    let mut client = reqwest::Client::builder()
        .connect_timeout(CONNECT)
        .redirect(redirect::Policy::none())
        .retry(retry::never());
    if let Some(within) = within {
        client = client.timeout(within);
    }
    let mut sending = client.build()?.request(request.method, request.url);
    for (name, value) in request.headers {
        sending = sending.header(name, value);
    }
    if !request.body.is_empty() {
        sending = sending.body(request.body);
    }
    let mut answer = sending.send().await?;
    let status = answer.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        let room = shell::KEPT.saturating_sub(body.len()).min(chunk.len());
        body.extend_from_slice(chunk.get(..room).unwrap_or_default());
    }
    Ok(Answer {
        status,
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}

/// The error with what caused it: the first sentence alone says little.
fn words(error: &reqwest::Error) -> String {
    let mut words = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        words.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    words
}

fn fail(on: &str, what: &str, advice: &str) -> Failure {
    Failure::new(FailureKind::BadAnswer, on, what, advice)
}

/// Lines without the comments and the name before the request.
fn request_lines(text: &str) -> impl Iterator<Item = &str> {
    let comment = |line: &&str| {
        let line = line.trim();
        line.is_empty() || line.starts_with('#') || line.starts_with("//")
    };
    text.lines().skip_while(comment)
}

/// Reads a request: `METHOD URL`, headers, an empty line, the body.
fn read<'v>(text: &str, value: impl Fn(&str) -> Option<&'v str>) -> Result<Request, String> {
    let mut lines = request_lines(text);
    let mut first = lines.next().unwrap_or_default().split_whitespace();
    let (method, url) = match (first.next(), first.next()) {
        (Some(method), Some(url)) => (method, url),
        (Some(url), None) if http_method(url).is_some() => ("GET", url),
        _ => return Err("the first line wants METHOD URL".into()),
    };
    let method =
        Method::from_bytes(method.as_bytes()).map_err(|_| format!("{method} is no method"))?;
    let encode = |value: &str| utf8_percent_encode(value, ENCODED).to_string();
    let url = fill(url, &value, encode)?;
    let mut headers = Vec::new();
    for line in lines.by_ref().take_while(|line| !line.trim().is_empty()) {
        let (name, text) = line.split_once(':').ok_or(format!("{line} is no header"))?;
        let text = fill(text.trim(), &value, str::to_owned)?;
        if text.contains(char::is_control) {
            return Err(format!("the header {name} holds control characters"));
        }
        headers.push((name.trim().to_owned(), text));
    }
    let body: Vec<_> = lines.collect();
    if body.iter().any(|line| line.starts_with("###")) {
        return Err("holds more than one request".into());
    }
    let kind = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let kind = kind.map_or("", |(_, kind)| kind.as_str());
    let escape = |value: &str| match kind {
        kind if kind.contains("json") => json(value),
        kind if kind.contains("x-www-form-urlencoded") => encode(value),
        _ => value.to_owned(),
    };
    let body = fill(&body.join("\n"), &value, escape)?;
    Ok(Request {
        method,
        url,
        headers,
        body,
    })
}

/// A text as it stands between the quotes of a JSON string.
fn json(value: &str) -> String {
    let quoted = serde_json::Value::from(value).to_string();
    let inner = quoted
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    inner.unwrap_or_default().to_owned()
}

/// Fills `{{NAME}}` in.
fn fill<'v>(
    text: &str,
    value: &impl Fn(&str) -> Option<&'v str>,
    escape: impl Fn(&str) -> String,
) -> Result<String, String> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, inner)) = rest.split_once("{{") {
        let (name, after) = inner.split_once("}}").ok_or("a {{ is not closed")?;
        let value = value(name.trim()).ok_or(format!("the variable {} is not set", name.trim()))?;
        filled.push_str(before);
        filled.push_str(&escape(value));
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped_for_where_they_stand() {
        let value = |name: &str| match name {
            "V" => Some("a/b?c=\"d\"&e"),
            "CRLF" => Some("x\r\nEvil: y"),
            _ => None,
        };
        let post = |kind: &str| {
            let text = format!(
                "# why\nPOST http://h/{{{{V}}}} HTTP/1.1\nContent-Type: {kind}\nX: {{{{V}}}}\n\nv={{{{ V }}}}\n"
            );
            read(&text, value).unwrap()
        };
        let encoded = "a%2Fb%3Fc%3D%22d%22%26e";
        assert_eq!(post("text/plain").url, format!("http://h/{encoded}"));
        for (kind, body) in [
            ("text/plain", "v=a/b?c=\"d\"&e"),
            ("application/json", "v=a/b?c=\\\"d\\\"&e"),
            ("application/x-www-form-urlencoded", &format!("v={encoded}")),
        ] {
            assert_eq!(post(kind).body, body, "{kind}");
        }
        for (text, why) in [
            ("GET http://h/{{NOPE}}", "not set"),
            ("GET http://h/\nX: {{CRLF}}", "control characters"),
            ("GET", "wants METHOD URL"),
            ("GET http://h/\n\n### two\nGET http://h/", "more than one"),
        ] {
            assert!(read(text, value).unwrap_err().contains(why), "{text}");
        }
    }
}
