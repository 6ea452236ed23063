//! CloudWatch alarms: which are in alarm, and which have no data to judge by.

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{MetricAlarm, StateValue};
use futures_util::future::{BoxFuture, FutureExt};
use tokio::sync::OnceCell;

use super::probe::Probe;
use super::wire;
use super::wire::aws::{Account, Accounts, ask};
use crate::incident::acts::check::{CheckSight, CheckState};
use crate::incident::reading::{Failure, Sight};
use crate::incident::site::{AwsAccount, Target};

/// Alarms whose names begin alike.
pub struct Cloudwatch {
    on: String,
    timeout: std::time::Duration,
    prefix: String,
    account: Account,
    client: OnceCell<Client>,
}

impl Cloudwatch {
    /// The alarms of `target`; nothing is connected yet.
    pub fn new(target: &Target, prefix: &str, account: &AwsAccount, accounts: &Accounts) -> Self {
        Self {
            on: wire::on(target),
            timeout: target.timeout,
            prefix: prefix.to_owned(),
            account: accounts.of(account),
            client: OnceCell::new(),
        }
    }

    async fn ask(&self) -> Result<Sight, Failure> {
        let request = async {
            let client = async || Client::new(self.account.config().await);
            let request = self.client.get_or_init(client).await.describe_alarms();
            let prefix = Some(self.prefix.clone()).filter(|prefix| !prefix.is_empty());
            request
                .set_alarm_name_prefix(prefix)
                .max_records(100)
                .send()
                .await
        };
        let answer = ask((&self.on, "DescribeAlarms"), self.timeout, request).await?;
        Ok(Sight::Check(judged(answer.metric_alarms())))
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
