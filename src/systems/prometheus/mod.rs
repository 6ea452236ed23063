//! What a Prometheus query gives, against the limits the site states. No data is no answer: a rule that is silent when its
//! number is missing has never helped anybody.

use futures_util::future::{BoxFuture, FutureExt};
use serde_json::Value;

use super::probe::Probe;
use super::wire;
use super::wire::http::{MaybeClient, Web};
use crate::incident::acts::check::{CheckSight, CheckState};
use crate::incident::checks::Bound;
use crate::incident::reading::{Failure, FailureKind, Sight};
use crate::incident::site::{SecretRef, Target};

/// One query of the site.
pub struct Prometheus {
    web: Web,
    url: String,
    query: String,
    watch: Option<Bound>,
    breach: Option<Bound>,
}

impl Prometheus {
    /// The query of `target`, and when its value is to be watched and wrong.
    pub fn new(
        target: &Target,
        (url, query): (&str, &str),
        (watch, breach): (Option<Bound>, Option<Bound>),
        bearer: Option<SecretRef>,
        client: &MaybeClient,
    ) -> Self {
        let mut web = Web::new(wire::on(target), client.clone());
        web.bearer = bearer;
        Self {
            web,
            url: format!("{url}/api/v1/query"),
            query: query.to_owned(),
            watch,
            breach,
        }
    }

    async fn ask(&self) -> Result<Sight, Failure> {
        let what = format!("query {}", self.query);
        let answer = self
            .web
            .json(&what, &self.url, &[("query", &self.query)])
            .await?;
        let values = values(&answer["data"]);
        let Some(value) = self.worst(&values) else {
            let what = format!("{what}: no data");
            let advice = "does anybody still scrape it?";
            return Err(Failure::new(
                FailureKind::Missing,
                &self.web.on,
                what,
                advice,
            ));
        };
        Ok(Sight::Check(self.judged(
            value,
            values.len(),
            &answer["warnings"],
        )))
    }

    /// The worst of several series, by the side of the limit.
    fn worst(&self, values: &[f64]) -> Option<f64> {
        let numbers = values.iter().copied().filter(|value| !value.is_nan());
        match self.breach.or(self.watch) {
            Some(Bound::Below(_)) => numbers.min_by(f64::total_cmp),
            _ => numbers.max_by(f64::total_cmp),
        }
    }

    fn judged(&self, value: f64, series: usize, warnings: &Value) -> CheckSight {
        let over = |bound: Option<Bound>| bound.filter(|bound| bound.holds(value));
        let (state, limit) = match (over(self.breach), over(self.watch)) {
            (Some(limit), _) => (CheckState::Breach, Some(limit)),
            (None, Some(limit)) => (CheckState::Watch, Some(limit)),
            (None, None) => (CheckState::Fine, None),
        };
        let limit = limit.map(|limit| format!(" {limit}")).unwrap_or_default();
        let of = if series > 1 {
            format!(", worst of {series}")
        } else {
            String::new()
        };
        let warned = warnings.as_array().and_then(|all| all.first()?.as_str());
        let warned = warned.map(|text| format!(" ({text})")).unwrap_or_default();
        CheckSight::new(state, format!("{}{limit}{of}{warned}", short(value))).with_value(value)
    }
}

/// The values of a vector or a scalar; they come as text.
fn values(data: &Value) -> Vec<f64> {
    let number = |sample: &Value| sample.get(1)?.as_str()?.parse().ok();
    match data["resultType"].as_str() {
        Some("scalar") => number(&data["result"]).into_iter().collect(),
        _ => {
            let series = data["result"].as_array().into_iter().flatten();
            series.filter_map(|one| number(&one["value"])).collect()
        }
    }
}

/// A figure as people read it: four digits that count.
fn short(value: f64) -> String {
    match value.abs() {
        size if size == 0.0 || size >= 1_000.0 || value.fract() == 0.0 => format!("{value:.0}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

impl Probe for Prometheus {
    fn look(&self) -> BoxFuture<'_, Result<Sight, Failure>> {
        self.ask().boxed()
    }
}
