//! RDS instances, hosted zones and buckets of an account.

use aws_sdk_s3::config::Builder;

use toml::Value;

use super::{Found, Shown, shown};
use crate::incident::site::AwsAccount;
use crate::systems::wire::aws::{Accounts, words};

/// What the account shows in its region, and `everywhere` what belongs to none.
pub async fn look(account: &AwsAccount, everywhere: bool) -> Vec<Shown> {
    let region = &account.region;
    let config = Accounts::default().of(account);
    let config = config.config().await;
    let keys = |system: &str, key: &'static str, name: &str| {
        let given = [
            ("profile", &account.profile),
            ("endpoint", &account.endpoint),
        ];
        let given = given
            .into_iter()
            .filter_map(|(key, value)| Some((key, value.as_deref()?)));
        let keys = [
            ("system", system),
            (key, name),
            ("aws_region", region.as_str()),
        ];
        let keys = keys.into_iter().chain(given);
        keys.map(|(key, value)| (key, Value::from(value))).collect()
    };
    let found = |name: &str, keys, note: &str| Found {
        name: name.to_owned(),
        keys,
        note: note.to_owned(),
    };
    let instances = async {
        let pages = aws_sdk_rds::Client::new(config).describe_db_instances();
        let pages = pages.into_paginator().items().send();
        let all = Box::pin(pages.collect::<Result<Vec<_>, _>>()).await;
        let all = all.map_err(|error| words("DescribeDBInstances", &error))?;
        let each = all.iter().filter_map(|one| {
            let name = one.db_instance_identifier()?;
            let note = one.engine().unwrap_or_default();
            Some(found(name, keys("rds", "instance", name), note))
        });
        Ok(each.collect())
    };
    let zones = async {
        let pages = aws_sdk_route53::Client::new(config).list_hosted_zones();
        let pages = pages.into_paginator().items().send();
        let all = Box::pin(pages.collect::<Result<Vec<_>, _>>()).await;
        let all = all.map_err(|error| words("ListHostedZones", &error))?;
        let each = all.iter().map(|zone| {
            let id = zone.id().trim_start_matches("/hostedzone/");
            let note = format!("system = \"route53\", zone = \"{id}\", and which record");
            found(zone.name(), Vec::new(), &note)
        });
        Ok(each.collect())
    };
    let buckets = async {
        // An endpoint of one's own has no name for each bucket.
        let own = Builder::from(config).force_path_style(account.endpoint.is_some());
        let request = aws_sdk_s3::Client::from_conf(own.build()).list_buckets();
        let all = Box::pin(request.send()).await;
        let all = all.map_err(|error| words("ListBuckets", &error))?;
        let names = all.buckets().iter().filter_map(|bucket| bucket.name());
        Ok(names
            .map(|name| found(name, keys("s3", "bucket", name), ""))
            .collect())
    };
    let instances = shown(format!("RDS in {region}"), instances);
    if !everywhere {
        return vec![instances.await];
    }
    let (instances, zones, buckets) = tokio::join!(
        instances,
        shown("Route 53".into(), zones),
        shown("S3".into(), buckets)
    );
    vec![instances, zones, buckets]
}
