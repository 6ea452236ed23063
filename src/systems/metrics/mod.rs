//! When a backup job last succeeded, by a metric it exposes (Prometheus' text format): to a Pushgateway, an exporter, a file that a
//! web server gives out.

mod text;

use chrono::DateTime;
use futures_util::future::{BoxFuture, FutureExt};

use super::probe::Probe;
use super::wire;
use super::wire::http::{MaybeClient, Web};
use crate::incident::acts::files::{BackupFile, Checksum, FilesSight};
use crate::incident::reading::{Failure, FailureKind, Sight};
use crate::incident::site::Target;

/// One metric of the site.
pub struct Metrics {
    web: Web,
    url: String,
    metric: String,
    labels: Vec<(String, String)>,
}

impl Metrics {
    /// The metric of `target`, with all of the labels.
    pub fn new(
        target: &Target,
        (url, metric): (&str, &str),
        labels: &[(String, String)],
        client: &MaybeClient,
    ) -> Self {
        Self {
            web: Web::new(wire::on(target), client.clone()),
            url: url.to_owned(),
            metric: metric.to_owned(),
            labels: labels.to_vec(),
        }
    }

    async fn ask(&self) -> Result<Sight, Failure> {
        let text = self.web.text("metrics", &self.url, &[200]).await?;
        let samples = text::samples(&text, &self.metric);
        let fits = |sample: &text::Sample| {
            self.labels
                .iter()
                .all(|label| sample.labels.contains(label))
        };
        // Of several jobs the one that has been silent longest counts.
        let oldest = samples
            .filter(fits)
            .map(|sample| sample.value)
            .min_by(f64::total_cmp);
        let Some(seconds) = oldest.filter(|seconds| seconds.is_finite()) else {
            let what = format!("metrics: no {} with these labels", self.metric);
            let advice = "does the job expose it, also when it fails?";
            return Err(Failure::new(
                FailureKind::Missing,
                &self.web.on,
                what,
                advice,
            ));
        };
        // Before the first success jobs expose 0.
        let time = (seconds > 0.0).then(|| DateTime::from_timestamp(whole(seconds), 0));
        let newest = time.flatten().map(|at| BackupFile {
            name: self.metric.clone(),
            at,
            size: None,
            checksum: Checksum::NotAsked,
        });
        Ok(Sight::Files(FilesSight::of(
            newest.into_iter().collect(),
            0,
        )))
    }
}

/// Seconds without their fraction.
fn whole(seconds: f64) -> i64 {
    format!("{seconds:.0}").parse().unwrap_or(i64::MAX)
}

impl Probe for Metrics {
    fn look(&self) -> BoxFuture<'_, Result<Sight, Failure>> {
        self.ask().boxed()
    }
}
