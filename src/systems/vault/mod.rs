//! HashiCorp Vault: sealed or not, active or standing by, and how its disaster-recovery replication stands.

use futures_util::future::{BoxFuture, FutureExt};
use serde_json::Value;

use super::probe::Probe;
use super::wire;
use super::wire::http::{MaybeClient, Web};
use crate::incident::acts::check::{CheckSight, CheckState};
use crate::incident::reading::{Failure, FailureKind, Sight};
use crate::incident::site::Target;

/// Health answers with a status of its own for each state; all of them carry the same JSON.
const STATES: [u16; 6] = [200, 429, 472, 473, 501, 503];

/// One Vault.
pub struct Vault {
    web: Web,
    url: String,
}

impl Vault {
    /// The Vault of `target`.
    pub fn new(target: &Target, url: &str, client: &MaybeClient) -> Self {
        Self {
            web: Web::new(wire::on(target), client.clone()),
            url: url.to_owned(),
        }
    }

    async fn ask(&self) -> Result<Sight, Failure> {
        let url = format!("{}/v1/sys/health", self.url);
        let text = self.web.text("health", &url, &STATES).await?;
        let health: Value = serde_json::from_str(&text).map_err(|why| {
            let what = format!("health: no JSON: {why}");
            Failure::new(FailureKind::BadAnswer, &self.web.on, what, "check the url")
        })?;
        let mode = health["replication_dr_mode"].as_str();
        let replication = match mode {
            Some("primary" | "secondary") => {
                let url = format!("{}/v1/sys/replication/dr/status", self.url);
                let answer = self.web.json("replication status", &url, &[]).await?;
                Some(answer["data"].clone())
            }
            _ => None,
        };
        Ok(Sight::Check(judged(&health, replication.as_ref())))
    }
}

fn judged(health: &Value, replication: Option<&Value>) -> CheckSight {
    let flag = |name: &str| health[name].as_bool().unwrap_or(false);
    if !flag("initialized") {
        return CheckSight::new(CheckState::Breach, "not initialized");
    }
    if flag("sealed") {
        return CheckSight::new(CheckState::Breach, "sealed");
    }
    let part = if flag("standby") { "standby" } else { "active" };
    let Some(replication) = replication else {
        return CheckSight::new(CheckState::Fine, format!("unsealed, {part}"));
    };
    let text = |name: &str| replication[name].as_str().unwrap_or("unknown");
    let (mode, state) = (text("mode"), text("state"));
    let number = |name: &str| replication[name].as_u64();
    let behind = number("last_wal").zip(number("last_remote_wal"));
    let behind = behind.map(|(ours, theirs)| ours.abs_diff(theirs));
    let standing = match state {
        "running" | "stream-wals" => CheckState::Fine,
        "idle" | "merkle-diff" | "merkle-sync" => CheckState::Watch,
        _ => CheckState::Breach,
    };
    let words = format!("unsealed, {part}, DR {mode} {state}");
    let check = CheckSight::new(standing, words);
    match behind.and_then(|behind| u32::try_from(behind).ok()) {
        Some(behind) => check.with_value(f64::from(behind)),
        None => check,
    }
}

impl Probe for Vault {
    fn look(&self) -> BoxFuture<'_, Result<Sight, Failure>> {
        self.ask().boxed()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_sealed_vault_is_wrong_and_a_replication_that_waits_is_watched() {
        let health =
            |sealed: bool| json!({ "initialized": true, "sealed": sealed, "standby": false });
        let state = |health: &Value, replication: Option<&Value>| judged(health, replication).state;
        assert_eq!(state(&health(true), None), CheckState::Breach);
        assert_eq!(
            state(&json!({ "initialized": false }), None),
            CheckState::Breach
        );
        assert_eq!(state(&health(false), None), CheckState::Fine);
        let dr = |state: &str| json!({ "mode": "secondary", "state": state, "last_wal": 10, "last_remote_wal": 14 });
        assert_eq!(
            state(&health(false), Some(&dr("stream-wals"))),
            CheckState::Fine
        );
        assert_eq!(
            state(&health(false), Some(&dr("merkle-sync"))),
            CheckState::Watch
        );
        assert_eq!(
            state(&health(false), Some(&dr("shutdown"))),
            CheckState::Breach
        );
        assert_eq!(
            judged(&health(false), Some(&dr("stream-wals"))).value,
            Some(4.0)
        );
    }
}
