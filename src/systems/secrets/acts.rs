//! Rotating a secret, and taking the version before away.

use std::time::Duration;

use aws_sdk_secretsmanager::primitives::Blob;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{CURRENT, PREVIOUS, Secrets, staged};
use crate::incident::acts::Act;
use crate::incident::acts::secrets::SecretAct;
use crate::incident::digest::hex;
use crate::systems::Output;
use crate::systems::wire::watched::{Look, watched};
use crate::systems::wire::{self, Wrong};

/// How often a rotation is asked for.
const EVERY: Duration = Duration::from_secs(2);

/// A rotation function has 15 minutes at most.
const ROTATED_WITHIN: Duration = Duration::from_secs(900);

impl Secrets {
    pub(super) async fn carry_out(&self, act: &Act, out: &Output) -> Result<String, Wrong> {
        match act {
            Act::Secret(act) if act.target() == &self.id => match act {
                SecretAct::Rotate { .. } => self.rotate(out).await,
                SecretAct::RevokeOld { .. } => self.revoke_old(out).await,
            },
            other => Err(Wrong::Undone(wire::not_known(
                &self.service.on,
                other.word(),
            ))),
        }
    }

    /// What a policy calls the request of an act.
    pub(super) fn action(&self, act: &Act) -> Option<&'static str> {
        let Act::Secret(act) = act else {
            return None;
        };
        Some(match act {
            SecretAct::Rotate { .. } if self.endpoint.generate.is_some() => {
                "secretsmanager:PutSecretValue"
            }
            SecretAct::Rotate { .. } => "secretsmanager:RotateSecret",
            SecretAct::RevokeOld { .. } => "secretsmanager:UpdateSecretVersionStage",
        })
    }

    async fn rotate(&self, out: &Output) -> Result<String, Wrong> {
        let before = self.describe().await.map_err(Wrong::Undone)?;
        let current = staged(&before, CURRENT).unwrap_or("none").to_owned();
        let token = token().map_err(|why| self.service.undone(why, "look at this machine"))?;
        out.line(format!("current version: {current}"));
        match (
            self.endpoint.generate,
            before.rotation_enabled().unwrap_or(false),
        ) {
            (Some(bytes), _) => self.store(bytes, &token, out).await?,
            (None, true) => {
                out.line(format!("rotate, as version {token}"));
                let request = self.service.client().await.rotate_secret();
                let request = request.secret_id(&self.endpoint.name);
                let request = request.client_request_token(&token);
                self.service.order("RotateSecret", request.send()).await?;
            }
            (None, false) => {
                let what = "rotate: the secret has no rotation function".to_owned();
                let advice = "give the target generate = 32, or store a new value by hand";
                return Err(self.service.undone(what, advice));
            }
        }
        self.became_current(&token, out).await?;
        Ok(format!(
            "version {token} is current; it was {current}, which is still accepted"
        ))
    }

    /// Stores random bytes as the new version. They are seen by nobody, this program's output included.
    async fn store(&self, bytes: u16, token: &str, out: &Output) -> Result<(), Wrong> {
        let value = random(usize::from(bytes))
            .map_err(|why| self.service.undone(why, "look at this machine"))?;
        out.line(format!("store {bytes} random bytes, as version {token}"));
        let request = self.service.client().await.put_secret_value();
        let request = request
            .secret_id(&self.endpoint.name)
            .client_request_token(token)
            .secret_string(STANDARD.encode(value));
        self.service.order("PutSecretValue", request.send()).await?;
        Ok(())
    }

    async fn became_current(&self, version: &str, out: &Output) -> Result<String, Wrong> {
        let look = || async move {
            match self.describe().await {
                Ok(seen) if staged(&seen, CURRENT) == Some(version) => Look::Done(String::new()),
                Ok(_) => Look::Still(format!("version {version} is not current yet")),
                Err(failure) => Look::Still(failure.what.to_string()),
            }
        };
        let lost = |what: String| {
            self.service
                .lost(what, "look at the rotation function's log")
        };
        watched(out, (ROTATED_WITHIN, EVERY), lost, look).await
    }

    async fn revoke_old(&self, out: &Output) -> Result<String, Wrong> {
        let seen = self.describe().await.map_err(Wrong::Undone)?;
        let Some(old) = staged(&seen, PREVIOUS).map(str::to_owned) else {
            return Ok(
                "no version before the current one has a stage; nothing was sent".to_owned(),
            );
        };
        out.line(format!("take {PREVIOUS} from version {old}"));
        let request = self.service.client().await.update_secret_version_stage();
        let request = request
            .secret_id(&self.endpoint.name)
            .version_stage(PREVIOUS)
            .remove_from_version_id(&old);
        self.service
            .order("UpdateSecretVersionStage", request.send())
            .await?;
        let seen = self.describe().await.map_err(Wrong::Lost)?;
        match staged(&seen, PREVIOUS) {
            None => Ok(format!("version {old} is given out no more")),
            Some(still) => Err(self.service.undone(
                format!("{PREVIOUS} is still on version {still}"),
                "try again",
            )),
        }
    }
}

fn random(count: usize) -> Result<Blob, String> {
    let mut bytes = vec![0; count];
    let filled = rustls::crypto::aws_lc_rs::default_provider()
        .secure_random
        .fill(&mut bytes);
    filled.map_err(|_| "no random bytes to be had".to_owned())?;
    Ok(Blob::new(bytes))
}

/// An id for the new version: it makes a request that arrives twice one version.
fn token() -> Result<String, String> {
    let bytes = random(16)?;
    let hex = hex(bytes);
    Ok(format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    ))
}
