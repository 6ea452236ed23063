//! CloudWatch alarms: which are in alarm, and which have no data to judge by.

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{MetricAlarm, StateValue};
use futures_util::future::{BoxFuture, FutureExt};

use super::probe::Probe;
use super::wire::aws::{Accounts, Service};
use crate::incident::acts::check::{CheckSight, CheckState};
use crate::incident::reading::{Failure, Sight};
use crate::incident::site::{AwsAccount, Target};

/// Alarms whose names begin alike.
pub struct Cloudwatch {
    prefix: String,
    service: Service<Client>,
}

impl Cloudwatch {
    /// The alarms of `target`; nothing is connected yet.
    pub fn new(target: &Target, prefix: &str, account: (&AwsAccount, &Accounts)) -> Self {
        Self {
            prefix: prefix.to_owned(),
            service: Service::new(target, account, Client::new),
        }
    }

    async fn ask(&self) -> Result<Sight, Failure> {
        let request = async {
            let request = self.service.client().await.describe_alarms();
            let prefix = Some(self.prefix.clone()).filter(|prefix| !prefix.is_empty());
            let pages = request
                .set_alarm_name_prefix(prefix)
                .into_paginator()
                .send();
            pages.collect::<Result<Vec<_>, _>>().await
        };
        let pages = self.service.ask("DescribeAlarms", request).await?;
        let alarms: Vec<MetricAlarm> = pages
            .into_iter()
            .flat_map(|page| page.metric_alarms.unwrap_or_default())
            .collect();
        Ok(Sight::Check(judged(&alarms)))
    }
}

fn judged(alarms: &[MetricAlarm]) -> CheckSight {
    let of = |state: &StateValue| {
        let found = alarms
            .iter()
            .filter(|alarm| alarm.state_value() == Some(state));
        found
            .filter_map(|alarm| alarm.alarm_name())
            .collect::<Vec<_>>()
    };
    let (red, blind) = (of(&StateValue::Alarm), of(&StateValue::InsufficientData));
    let figure = u32::try_from(red.len()).map_or(f64::INFINITY, f64::from);
    let (state, words) = match (red.as_slice(), blind.as_slice()) {
        ([], []) => (
            CheckState::Fine,
            format!("{} alarms, none red", alarms.len()),
        ),
        ([], [first, ..]) => (
            CheckState::Watch,
            format!("{} without data: {first}", blind.len()),
        ),
        ([first, ..], _) => {
            let count = format!("{} of {} in alarm", red.len(), alarms.len());
            (CheckState::Breach, format!("{count}: {first}"))
        }
    };
    CheckSight::new(state, words).with_value(figure)
}

impl Probe for Cloudwatch {
    fn look(&self) -> BoxFuture<'_, Result<Sight, Failure>> {
        self.ask().boxed()
    }
}
