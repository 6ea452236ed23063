//! A TLS certificate: trusted by this machine, made for this name, and how long it is still good.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::{BoxFuture, FutureExt};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use rustls_platform_verifier::ConfigVerifierExt;
use tokio_rustls::TlsConnector;
use x509_cert::Certificate;
use x509_cert::der::Decode;

use super::probe::Probe;
use super::wire::{self, net};
use crate::incident::acts::check::{CheckSight, CheckState};
use crate::incident::measure::Age;
use crate::incident::reading::{Failure, FailureKind, Sight};
use crate::incident::site::Target;

/// One server's certificate.
pub struct Tls {
    on: String,
    host: String,
    port: u16,
    watch: Duration,
    breach: Duration,
}

impl Tls {
    /// The certificate of `target`; to be watched and wrong when it expires within these.
    pub fn new(
        target: &Target,
        (host, port): (&str, u16),
        watch: Duration,
        breach: Duration,
    ) -> Self {
        Self {
            on: wire::on(target),
            host: host.to_owned(),
            port,
            watch,
            breach,
        }
    }

    async fn certificate(&self) -> Result<Sight, Failure> {
        let expires = self.handshake().await?;
        Ok(Sight::Check(self.judged(expires, Utc::now())))
    }

    /// When the certificate expires. A handshake that fails has told why: unknown issuer, another name, expired.
    async fn handshake(&self) -> Result<DateTime<Utc>, Failure> {
        let config = ClientConfig::with_platform_verifier().map_err(|error| {
            let what = format!("TLS: this machine's certificates: {error}");
            Failure::new(
                FailureKind::Local,
                &self.on,
                what,
                "install ca-certificates",
            )
        })?;
        let name = ServerName::try_from(self.host.clone()).map_err(|error| {
            Failure::new(
                FailureKind::Local,
                &self.on,
                format!("TLS: {error}"),
                "check its host",
            )
        })?;
        let stream = net::connect(&self.on, (&self.host, self.port)).await?;
        let connected = TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await;
        let connected = connected.map_err(|error| self.failure(&error))?;
        let chain = connected
            .get_ref()
            .1
            .peer_certificates()
            .unwrap_or_default();
        let expires = chain.first().and_then(|first| not_after(first));
        expires.ok_or_else(|| {
            let what = "TLS: its certificate says no end";
            Failure::new(FailureKind::BadAnswer, &self.on, what, "")
        })
    }

    fn failure(&self, error: &io::Error) -> Failure {
        let ours = error
            .get_ref()
            .is_some_and(|inner| inner.is::<rustls::Error>());
        let advice = match ours {
            true => "renew it, or check the host's name and the clock",
            false => "does it speak TLS on this port?",
        };
        let kind = FailureKind::Tls;
        Failure::new(kind, &self.on, format!("TLS: {error}"), advice)
    }

    fn judged(&self, expires: DateTime<Utc>, now: DateTime<Utc>) -> CheckSight {
        let left = (expires - now).to_std().unwrap_or_default();
        let state = match left {
            _ if left <= self.breach => CheckState::Breach,
            _ if left <= self.watch => CheckState::Watch,
            _ => CheckState::Fine,
        };
        let days = left.as_secs_f64() / 86_400.0;
        CheckSight::new(state, format!("expires in {}", Age(left))).with_value(days.floor())
    }
}

impl Probe for Tls {
    fn look(&self) -> BoxFuture<'_, Result<Sight, Failure>> {
        self.certificate().boxed()
    }
}

fn not_after(der: &[u8]) -> Option<DateTime<Utc>> {
    let certificate = Certificate::from_der(der).ok()?;
    let end = certificate.tbs_certificate.validity.not_after;
    let seconds = i64::try_from(end.to_unix_duration().as_secs()).ok()?;
    DateTime::from_timestamp(seconds, 0)
}
