//! AWS: one configuration for every account a site names, and what its errors mean.
//!
//! Nothing is retried. The watch loop asks again anyway, and what changes something goes out once: an answer that got lost is
//! unknown, never a second request.

use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_rds::config::http::HttpResponse;
use aws_sdk_rds::error::{ProvideErrorMetadata, SdkError};
use chrono::{DateTime, Utc};
use tokio::sync::OnceCell;

use super::causes::innermost;
use super::{Wrong, causes};
use crate::incident::reading::{Failure, FailureKind};
use crate::incident::site::{AwsAccount, Target};

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
            let login = self.login(profile);
            loader = loader.profile_name(profile).credentials_provider(login);
        }
        if let Some(endpoint) = &self.account.endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        loader.load().await
    }
}

impl Account {
    /// The login of a profile that the site names. Found by AWS' own rules it would be whatever keys the environment holds.
    fn login(&self, profile: &str) -> ProfileFileCredentialsProvider {
        let region = Region::new(self.account.region.clone());
        let around = ProviderConfig::without_region()
            .with_behavior_version(Some(BehaviorVersion::latest()))
            .with_region(Some(region));
        ProfileFileCredentialsProvider::builder()
            .configure(&around)
            .profile_name(profile)
            .build()
    }
}

/// One of AWS' services, asked about one target.
pub struct Service<C> {
    /// How failures name the target.
    pub on: String,
    /// How long a look may take.
    pub timeout: Duration,
    account: Account,
    make: fn(&SdkConfig) -> C,
    client: OnceCell<C>,
}

impl<C> Service<C> {
    /// The service in an account, by its library's `Client::new`; nothing is connected yet.
    pub fn new(
        target: &Target,
        (account, accounts): (&AwsAccount, &Accounts),
        make: fn(&SdkConfig) -> C,
    ) -> Self {
        Self {
            on: super::on(target),
            timeout: target.timeout,
            account: accounts.of(account),
            make,
            client: OnceCell::new(),
        }
    }

    /// Where it is asked.
    pub fn region(&self) -> &str {
        &self.account.account.region
    }

    /// The account's configuration, for other services of it.
    pub async fn config(&self) -> &SdkConfig {
        self.account.config().await
    }

    /// Its client, made when it is first asked.
    pub async fn client(&self) -> &C {
        let make = async || (self.make)(self.account.config().await);
        self.client.get_or_init(make).await
    }

    /// Asks, `what` being what is asked.
    ///
    /// # Errors
    /// What went wrong.
    pub async fn ask<T, E>(
        &self,
        what: &str,
        request: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, Failure>
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        self.order(what, request).await.map_err(Wrong::into_failure)
    }

    /// Sends what changes something.
    ///
    /// # Errors
    /// Whether it may have happened all the same.
    pub async fn order<T, E>(
        &self,
        what: &str,
        request: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, Wrong>
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        // Requests are futures of many kilobytes: kept in line, a few of them would fill a thread's stack.
        let answer = Box::pin(request).await;
        answer.map_err(|error| sorted((&self.on, what), &error))
    }

    /// What can be said of an act that was refused here.
    pub fn undone(&self, what: impl AsRef<str>, advice: &str) -> Wrong {
        Wrong::Undone(Failure::new(FailureKind::BadAnswer, &self.on, what, advice))
    }

    /// What can be said of an act that was taken, and whose end was waited for in vain.
    pub fn lost(&self, what: impl AsRef<str>, advice: &str) -> Wrong {
        Wrong::Lost(Failure::new(FailureKind::TimedOut, &self.on, what, advice))
    }

    /// What is not where it was looked for.
    pub fn missing(&self, what: impl AsRef<str>, advice: &str) -> Failure {
        Failure::new(FailureKind::Missing, &self.on, what, advice)
    }
}

/// An instant as the libraries give it.
pub fn time(at: &aws_sdk_rds::primitives::DateTime) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(at.secs(), at.subsec_nanos())
}

/// An error of what was asked in a few words, where nothing depends on its kind.
pub fn words<E>(what: &str, error: &SdkError<E, HttpResponse>) -> String
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    sorted(("", what), error).into_failure().what.to_string()
}

/// What an error means for an act: whether it may have happened all the same.
fn sorted<E>((on, what): (&str, &str), error: &SdkError<E, HttpResponse>) -> Wrong
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let failure = |kind, words: &str, advice: &str| {
        Failure::new(kind, on, format!("{what}: {words}"), advice)
    };
    match error {
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
            &innermost(error),
            "check its arguments",
        )),
        _ if causes::find::<CredentialsError>(error).is_some() => Wrong::Undone(failure(
            FailureKind::Denied,
            &format!("no credentials: {}", innermost(error)),
            "log in (aws sso login), or give the target a profile",
        )),
        _ => match causes::find::<io::Error>(error).map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => {
                let words = "connection refused";
                Wrong::Undone(failure(FailureKind::Refused, words, "check its endpoint"))
            }
            _ => {
                let kind = match error {
                    SdkError::TimeoutError(_) => FailureKind::TimedOut,
                    SdkError::DispatchFailure(lost) if lost.is_timeout() => FailureKind::TimedOut,
                    SdkError::DispatchFailure(_) => FailureKind::Unreachable,
                    _ => FailureKind::BadAnswer,
                };
                Wrong::Lost(failure(kind, &innermost(error), ""))
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
