//! Health checks of a record's sets: a set whose check fails is not answered, whatever its weight, as long as another's holds.

use std::collections::BTreeMap;

use aws_sdk_route53::types::{HealthCheckObservation, ResourceRecordSet};
use futures_util::future::join_all;

use super::Route53;
use super::weights::region;
use crate::incident::names::RegionId;

/// Route 53 holds an endpoint for healthy while more than so many percent of its checkers reach it.
const HEALTHY_ABOVE: usize = 18;

impl Route53 {
    /// The regions whose sets' checks fail, or can't be asked, and why.
    pub(super) async fn sick(&self, sets: &[ResourceRecordSet]) -> BTreeMap<RegionId, String> {
        let checks: BTreeMap<&str, RegionId> = sets
            .iter()
            .filter_map(|set| Some((set.health_check_id()?, region(set, &self.endpoint.sets))))
            .collect();
        let asked = checks
            .into_iter()
            .map(|(check, region)| async { Some((region, self.ails(check).await?)) });
        join_all(asked).await.into_iter().flatten().collect()
    }

    async fn ails(&self, check: &str) -> Option<String> {
        let what = format!("GetHealthCheckStatus {check}");
        let request = async {
            let request = self.service.client().await.get_health_check_status();
            request.health_check_id(check).send().await
        };
        match self.service.ask(&what, request).await {
            Ok(answer) => wrong(answer.health_check_observations()),
            Err(failure) => Some(format!("its health check can't be asked: {failure}")),
        }
    }
}

/// What the checkers say, when too few of them reach the endpoint.
fn wrong(seen: &[HealthCheckObservation]) -> Option<String> {
    let said = |one: &HealthCheckObservation| {
        let report = one.status_report()?;
        report.status().map(str::to_owned)
    };
    let said: Vec<String> = seen.iter().filter_map(said).collect();
    let reach = said
        .iter()
        .filter(|words| words.starts_with("Success"))
        .count();
    if reach * 100 > said.len() * HEALTHY_ABOVE {
        return None;
    }
    let first = said.iter().find(|words| !words.starts_with("Success"));
    let count = said.len();
    Some(match first {
        Some(words) => format!("{reach} of {count} checkers reach it: {words}"),
        None => "no checker has looked yet".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_route53::types::StatusReport;

    use super::*;

    #[test]
    fn a_set_is_healthy_while_more_than_18_percent_of_the_checkers_reach_it() {
        let seen = |reach: usize, not: usize| {
            let said = |words: &str| {
                let report = StatusReport::builder().status(words).build();
                HealthCheckObservation::builder()
                    .status_report(report)
                    .build()
            };
            let well = std::iter::repeat_n(said("Success: HTTP Status Code 200, OK"), reach);
            let ill = std::iter::repeat_n(said("Failure: Connection timed out"), not);
            wrong(&well.chain(ill).collect::<Vec<_>>())
        };
        assert_eq!(seen(16, 0), None);
        assert_eq!(seen(19, 81), None);
        let few = "18 of 100 checkers reach it: Failure: Connection timed out";
        assert_eq!(seen(18, 82).as_deref(), Some(few));
        assert_eq!(seen(0, 0).as_deref(), Some("no checker has looked yet"));
    }
}
