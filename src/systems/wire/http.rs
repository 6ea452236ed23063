//! HTTP as a probe speaks it: no redirects followed, no proxy in between, and what its errors mean.

use std::error::Error;
use std::io;
use std::path::Path;

use reqwest::{Client, RequestBuilder, redirect};
use secrecy::ExposeSecret;
use serde_json::Value;

use super::{causes, secret};
use crate::incident::reading::{Failure, FailureKind};
use crate::incident::site::SecretRef;

/// The longest answer that is read as a whole.
const BODY_LIMIT: usize = 8 << 20;

/// A client, or why none can be made here.
pub type MaybeClient = Result<Client, String>;

/// A client of probes: one for all of a site, as each would read the trusted certificates again. A redirect is an answer, and a
/// proxy's 503 would be read as the target's own.
///
/// # Errors
/// Why none can be made here.
pub fn client() -> MaybeClient {
    builder().build().map_err(|error| words(&error))
}

/// A client that speaks through a socket of this machine.
///
/// # Errors
/// Why none can be made here.
pub fn client_on(socket: &Path) -> MaybeClient {
    let client = builder().unix_socket(socket).build();
    client.map_err(|error| words(&error))
}

fn builder() -> reqwest::ClientBuilder {
    Client::builder()
        .redirect(redirect::Policy::none())
        .no_proxy()
        .user_agent(concat!("warroom/", env!("CARGO_PKG_VERSION")))
}

/// Somebody who is asked by HTTP.
pub struct Web {
    /// How failures name it.
    pub on: String,
    /// The token that is sent, where it comes from.
    pub bearer: Option<SecretRef>,
    client: MaybeClient,
}

impl Web {
    /// Asks with `client`; nothing is connected yet.
    pub fn new(on: String, client: MaybeClient) -> Self {
        Self {
            on,
            bearer: None,
            client,
        }
    }

    /// The text behind a GET that is answered with one of `statuses`.
    ///
    /// # Errors
    /// What went wrong, `what` being what was asked.
    pub async fn text(&self, what: &str, url: &str, statuses: &[u16]) -> Result<String, Failure> {
        let request = self.client()?.get(url);
        self.answer(what, request, statuses).await
    }

    /// The JSON behind a GET that is answered with 200.
    ///
    /// # Errors
    /// What went wrong, `what` being what was asked.
    pub async fn json(
        &self,
        what: &str,
        url: &str,
        query: &[(&str, &str)],
    ) -> Result<Value, Failure> {
        let request = self.client()?.get(url).query(query);
        let text = self.answer(what, request, &[200]).await?;
        self.read(what, &text)
    }

    /// The JSON behind a POST of JSON that is answered with 200.
    ///
    /// # Errors
    /// What went wrong, `what` being what was asked.
    pub async fn post(&self, what: &str, url: &str, body: &Value) -> Result<Value, Failure> {
        let request = self.client()?.post(url).json(body);
        let text = self.answer(what, request, &[200]).await?;
        self.read(what, &text)
    }

    fn client(&self) -> Result<&Client, Failure> {
        self.client.as_ref().map_err(|why| {
            Failure::new(
                FailureKind::Local,
                &self.on,
                format!("HTTP client: {why}"),
                "",
            )
        })
    }

    async fn answer(
        &self,
        what: &str,
        mut request: RequestBuilder,
        statuses: &[u16],
    ) -> Result<String, Failure> {
        if let Some(source) = &self.bearer {
            let token = secret::fetch(source, &self.on).await?;
            request = request.bearer_auth(token.expose_secret());
        }
        let answer = read(request).await;
        let (status, body) = answer.map_err(|error| failure((&self.on, what), &error))?;
        if statuses.contains(&status) {
            return Ok(body);
        }
        let (kind, advice) = match status {
            401 | 403 => (FailureKind::Denied, "check its token"),
            404 => (FailureKind::Missing, "check the url"),
            429 => (FailureKind::Busy, "probe less often"),
            _ => (FailureKind::BadAnswer, ""),
        };
        let said: String = body
            .split_whitespace()
            .take(20)
            .collect::<Vec<_>>()
            .join(" ");
        let what = format!("{what}: HTTP {status} {said}");
        Err(Failure::new(kind, &self.on, what.trim_end(), advice))
    }

    fn read(&self, what: &str, text: &str) -> Result<Value, Failure> {
        serde_json::from_str(text).map_err(|why| {
            let what = format!("{what}: no JSON: {why}");
            Failure::new(FailureKind::BadAnswer, &self.on, what, "check the url")
        })
    }
}

async fn read(request: RequestBuilder) -> Result<(u16, String), reqwest::Error> {
    let mut response = request.send().await?;
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = BODY_LIMIT - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() >= room {
            break;
        }
    }
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}

/// What an error means, `what` being what was asked and `on` of whom.
pub fn failure((on, what): (&str, &str), error: &reqwest::Error) -> Failure {
    let kind = kind(error);
    let advice = match kind {
        FailureKind::Refused => "is it running?",
        FailureKind::Tls => "check the certificate and the machine's clock",
        FailureKind::Local => "check the target's url in the site file",
        _ => "",
    };
    Failure::new(kind, on, format!("{what}: {}", words(error)), advice)
}

fn kind(error: &reqwest::Error) -> FailureKind {
    let io = causes::chain(error).filter_map(|cause| cause.downcast_ref::<io::Error>());
    match io.last().map(io::Error::kind) {
        _ if error.is_builder() => FailureKind::Local,
        _ if error.is_timeout() => FailureKind::TimedOut,
        _ if error.is_dns() => FailureKind::Unreachable,
        _ if causes::find::<rustls::Error>(error).is_some() => FailureKind::Tls,
        Some(io::ErrorKind::ConnectionRefused) => FailureKind::Refused,
        Some(io::ErrorKind::TimedOut) => FailureKind::TimedOut,
        _ if error.is_connect() => FailureKind::Unreachable,
        _ => FailureKind::BadAnswer,
    }
}

/// What happened, by its innermost cause; the error itself names the URL, which may hold a secret.
fn words(error: &reqwest::Error) -> String {
    match error.source() {
        Some(cause) => causes::innermost(cause),
        None => "the request could not be made".into(),
    }
}
