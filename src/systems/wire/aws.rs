//! AWS: one configuration for every account a site names, and what its errors mean.
//!
//! Nothing is retried. The watch loop asks again anyway, and what changes something goes out once: an answer that got lost is
//! unknown, never a second request.

use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_rds::config::http::HttpResponse;
use aws_sdk_rds::error::{ProvideErrorMetadata, SdkError};
use tokio::sync::OnceCell;

use super::Wrong;
use crate::incident::measure::Span;
use crate::incident::reading::{Failure, FailureKind};
use crate::incident::site::AwsAccount;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(3);

/// How long the answer to one request may take. A probe has the target's own time-out besides.
const REQUEST: Duration = Duration::from_secs(30);

/// The accounts of a site: each logs in once, whoever asks.
#[derive(Default)]
pub struct Accounts(Mutex<BTreeMap<AwsAccount, Account>>);

/// One account: its configuration is read and its credentials are fetched when it is first asked.
#[derive(Clone)]
pub struct Account {
    account: AwsAccount,
    config: Arc<OnceCell<SdkConfig>>,
}

impl Accounts {
    /// The account, the same one for all that name it.
    pub fn of(&self, account: &AwsAccount) -> Account {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = || Account {
            account: account.clone(),
            config: Arc::default(),
        };
        known.entry(account.clone()).or_insert_with(fresh).clone()
    }
}

impl Account {
    /// Its configuration: region, profile, endpoint; credentials by AWS' own rules.
    pub async fn config(&self) -> &SdkConfig {
        self.config.get_or_init(|| self.load()).await
    }

    /// Whether it is asked at a place that is not AWS' own.
    pub fn is_elsewhere(&self) -> bool {
        self.account.endpoint.is_some()
    }

    async fn load(&self) -> SdkConfig {
        let times = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .operation_timeout(REQUEST)
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(self.account.region.clone()))
            .retry_config(RetryConfig::disabled())
            .timeout_config(times);
        if let Some(profile) = &self.account.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(endpoint) = &self.account.endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        loader.load().await
    }
}

/// Asks within a probe's time-out.
///
/// # Errors
/// What went wrong, `what` being what was asked and `on` of whom.
pub async fn ask<T, E>(
    (on, what): (&str, &str),
    limit: Duration,
    request: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
) -> Result<T, Failure>
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    match tokio::time::timeout(limit, request).await {
        Ok(answer) => answer.map_err(|error| sorted((on, what), error).into_failure()),
        Err(_) => {
            let what = format!("{what}: no answer within {}", Span(limit));
            Err(Failure::new(FailureKind::TimedOut, on, what, ""))
        }
    }
}

/// What an error means for an act: whether it may have happened all the same.
pub fn sorted<E>((on, what): (&str, &str), error: SdkError<E, HttpResponse>) -> Wrong
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let failure = |kind, words: &str, advice: &str| {
        Failure::new(kind, on, format!("{what}: {words}"), advice)
    };
    match &error {
        SdkError::ServiceError(service) => {
            let status = service.raw().status().as_u16();
            let (code, message) = (service.err().code(), service.err().message());
            let (kind, advice) = meaning(code.unwrap_or_default(), status);
            let words = match (code, message) {
                (Some(code), Some(message)) => format!("{code}: {message}"),
                (Some(code), None) => code.to_owned(),
                _ => format!("HTTP {status}"),
            };
            let failure = failure(kind, &words, advice);
            // A server that broke while it worked may have done it.
            match kind != FailureKind::Busy && status >= 500 {
                true => Wrong::Lost(failure),
                false => Wrong::Undone(failure),
            }
        }
        SdkError::ConstructionFailure(_) => Wrong::Undone(failure(
            FailureKind::Local,
            &last(&error),
            "check its arguments",
        )),
        _ if cause::<CredentialsError>(&error).is_some() => Wrong::Undone(failure(
            FailureKind::Denied,
            &format!("no credentials: {}", last(&error)),
            "log in (aws sso login), or give the target a profile",
        )),
        _ => match cause::<io::Error>(&error).map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => {
                let words = "connection refused";
                Wrong::Undone(failure(FailureKind::Refused, words, "check its endpoint"))
            }
            _ => {
                let kind = match &error {
                    SdkError::TimeoutError(_) => FailureKind::TimedOut,
                    SdkError::DispatchFailure(lost) if lost.is_timeout() => FailureKind::TimedOut,
                    SdkError::DispatchFailure(_) => FailureKind::Unreachable,
                    _ => FailureKind::BadAnswer,
                };
                Wrong::Lost(failure(kind, &last(&error), ""))
            }
        },
    }
}

/// What people can do about an error, by its code.
fn meaning(code: &str, status: u16) -> (FailureKind, &'static str) {
    const EXPIRED: [&str; 5] = [
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
    ];
    match code {
        _ if EXPIRED.contains(&code) => (
            FailureKind::Denied,
            "the credentials have expired or are unknown: log in again",
        ),
        "SignatureDoesNotMatch" => (FailureKind::Denied, "check the secret key, and the clock"),
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => {
            (FailureKind::Denied, "ask for this permission")
        }
        "RequestLimitExceeded"
        | "TooManyRequestsException"
        | "SlowDown"
        | "PriorRequestNotComplete" => (FailureKind::Busy, "probe less often, or wait"),
        _ if code.contains("Throttl") => (FailureKind::Busy, "probe less often, or wait"),
        _ if code.contains("NotFound") || code.starts_with("NoSuch") => {
            (FailureKind::Missing, "check the name and the region")
        }
        _ if status == 403 => (FailureKind::Denied, "check the permissions"),
        _ if status == 404 => (FailureKind::Missing, "check the name and the endpoint"),
        _ => (FailureKind::BadAnswer, ""),
    }
}

fn chain<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error: &&'e (dyn Error + 'static)| {
        error.source()
    })
}

fn cause<'e, T: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e T> {
    chain(error).find_map(|error| error.downcast_ref())
}

/// The innermost cause's words: those outside of it only say that something failed.
fn last(error: &(dyn Error + 'static)) -> String {
    chain(error)
        .last()
        .map(ToString::to_string)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_fall_into_the_kinds_people_act_upon() {
        for (code, status, kind) in [
            ("ExpiredToken", 403, FailureKind::Denied),
            ("AccessDenied", 403, FailureKind::Denied),
            ("Throttling", 400, FailureKind::Busy),
            ("ThrottlingException", 400, FailureKind::Busy),
            ("RequestLimitExceeded", 503, FailureKind::Busy),
            ("DBInstanceNotFound", 404, FailureKind::Missing),
            ("NoSuchHostedZone", 404, FailureKind::Missing),
            ("ResourceNotFoundException", 400, FailureKind::Missing),
            ("", 403, FailureKind::Denied),
            ("InvalidDBInstanceState", 400, FailureKind::BadAnswer),
            ("InternalFailure", 500, FailureKind::BadAnswer),
        ] {
            assert_eq!(meaning(code, status).0, kind, "{code} {status}");
        }
    }
}
