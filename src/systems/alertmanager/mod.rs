//! Active alerts that nobody silenced: how many, the worst severity, and which has been there longest.

use futures_util::future::{BoxFuture, FutureExt};
use serde_json::Value;

use super::probe::Probe;
use super::wire;
use super::wire::http::{MaybeClient, Web};
use crate::incident::acts::check::{CheckSight, CheckState};
use crate::incident::reading::{Failure, Sight};
use crate::incident::site::{SecretRef, Target};

/// Severities that are wrong, not only to be watched.
const SEVERE: [&str; 3] = ["critical", "page", "error"];

/// The alerts of one Alertmanager.
pub struct Alertmanager {
    web: Web,
    url: String,
    filter: Vec<String>,
}

impl Alertmanager {
    /// The alerts of `target` that fit every matcher.
    pub fn new(
        target: &Target,
        (url, filter): (&str, &[String]),
        bearer: Option<SecretRef>,
        client: &MaybeClient,
    ) -> Self {
        let mut web = Web::new(wire::on(target), client.clone());
        web.bearer = bearer;
        Self {
            web,
            url: format!("{url}/api/v2/alerts"),
            filter: filter.to_vec(),
        }
    }

    async fn ask(&self) -> Result<Sight, Failure> {
        let mut query = vec![
            ("active", "true"),
            ("silenced", "false"),
            ("inhibited", "false"),
        ];
        query.extend(self.filter.iter().map(|filter| ("filter", filter.as_str())));
        let answer = self.web.json("alerts", &self.url, &query).await?;
        let alerts = answer.as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(Sight::Check(judged(alerts)))
    }
}

fn judged(alerts: &[Value]) -> CheckSight {
    let severe = |alert: &&Value| {
        let severity = alert["labels"]["severity"].as_str().unwrap_or_default();
        SEVERE.contains(&severity)
    };
    let count = alerts.len();
    let severe: Vec<&Value> = alerts.iter().filter(severe).collect();
    let (state, shown) = match (severe.as_slice(), alerts) {
        ([], []) => (CheckState::Fine, None),
        ([], all) => (CheckState::Watch, oldest(all.iter())),
        (severe, _) => (CheckState::Breach, oldest(severe.iter().copied())),
    };
    let name = shown.map(|name| format!(": {name}")).unwrap_or_default();
    let words = match (count, severe.len()) {
        (0, _) => "no alerts".to_owned(),
        (1, 0) => format!("1 alert{name}"),
        (_, 0) => format!("{count} alerts{name}"),
        (_, severe) => format!("{severe} of {count} critical{name}"),
    };
    let figure = u32::try_from(count).map_or(f64::INFINITY, f64::from);
    CheckSight::new(state, words).with_value(figure)
}

/// The name of the alert that has been there longest: it is most likely the cause.
fn oldest<'a>(alerts: impl Iterator<Item = &'a Value>) -> Option<String> {
    let first = alerts.min_by_key(|alert| alert["startsAt"].as_str().unwrap_or("~").to_owned())?;
    first["labels"]["alertname"].as_str().map(str::to_owned)
}

impl Probe for Alertmanager {
    fn look(&self) -> BoxFuture<'_, Result<Sight, Failure>> {
        self.ask().boxed()
    }
}
