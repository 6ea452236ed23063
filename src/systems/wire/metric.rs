//! CloudWatch's newest figure of a metric.

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, Statistic};
use chrono::Utc;

use super::aws::Service;
use crate::incident::reading::Failure;

/// How old it may be, in seconds: CloudWatch gets one a minute, and late.
const FROM: i64 = 300;

/// The newest figure of RDS, the worst of its minute; none when there is none of the last minutes.
///
/// # Errors
/// What went wrong.
pub async fn newest(
    service: &Service<Client>,
    metric: &str,
    of: &[(&str, &str)],
) -> Result<Option<f64>, Failure> {
    // Its end is left out: a figure of this very second would be.
    let now = Utc::now().timestamp() + 1;
    let dimensions = of
        .iter()
        .map(|(name, value)| Dimension::builder().name(*name).value(*value).build());
    let request = async {
        let request = service.client().await.get_metric_statistics();
        let request = request.namespace("AWS/RDS").metric_name(metric);
        let request = request.set_dimensions(Some(dimensions.collect()));
        let request = request
            .start_time(DateTime::from_secs(now - FROM))
            .end_time(DateTime::from_secs(now))
            .period(60);
        request.statistics(Statistic::Maximum).send().await
    };
    let answer = service.ask("GetMetricStatistics", request).await?;
    let points = answer.datapoints().iter();
    let newest = points.max_by_key(|point| point.timestamp().map(|at| at.secs()));
    // What is broken has -1.
    Ok(newest
        .and_then(|point| point.maximum())
        .filter(|figure| *figure >= 0.0))
}
