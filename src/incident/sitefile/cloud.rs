//! How a target of a control plane is reached: a context of Kubernetes, an account of AWS.

use std::collections::BTreeMap;

use super::super::managed::ManagedEndpoint;
use super::super::names::{RegionId, TargetId};
use super::super::runbook::System;
use super::super::site::{AwsAccount, DnsEndpoint, KubeEndpoint, RdsEndpoint, SecretEndpoint};
use super::super::strict::{Reader, Table, Value};
use super::endpoints::url;
use super::fields::{Folder, required, text};

/// The bytes a rotation may generate: fewer are guessed, more do not fit.
const BYTES: std::ops::RangeInclusive<u16> = 16..=1024;

pub(super) fn kubernetes(
    reader: &mut Reader<'_>,
    folder: &Folder<'_>,
    table: &mut Table,
) -> Option<KubeEndpoint> {
    let context = required(
        reader,
        table,
        "context",
        "context = \"west\", or \"in-cluster\"",
    );
    let kubeconfig = folder.path(reader, table, "kubeconfig");
    let namespace = text(reader, table, "namespace").unwrap_or_else(|| "default".to_owned());
    let workload = table.read(reader, "workload", workload);
    Some(KubeEndpoint {
        context: context?,
        kubeconfig,
        namespace,
        workload,
    })
}

/// What an operator or a provider runs.
pub(super) fn managed(
    reader: &mut Reader<'_>,
    folder: &Folder<'_>,
    table: &mut Table,
    system: System,
) -> Option<ManagedEndpoint> {
    match system {
        System::Cnpg => {
            let at = operator(reader, folder, table, "default");
            let cluster = required(reader, table, "cluster", "cluster = \"pg\"");
            Some(ManagedEndpoint::Cnpg {
                at: at?,
                cluster: cluster?,
            })
        }
        System::Velero => {
            let at = operator(reader, folder, table, "velero");
            let schedule = text(reader, table, "schedule");
            Some(ManagedEndpoint::Velero { at: at?, schedule })
        }
        System::Argocd => {
            let at = operator(reader, folder, table, "argocd");
            let application = required(reader, table, "application", "application = \"web\"");
            Some(ManagedEndpoint::Argocd {
                at: at?,
                application: application?,
            })
        }
        System::Ecs => {
            let cluster = required(reader, table, "cluster", "cluster = \"production\"");
            let service = required(reader, table, "service", "service = \"web\"");
            let account = account(reader, folder, table);
            Some(ManagedEndpoint::Ecs {
                cluster: cluster?,
                service: service?,
                account: account?,
            })
        }
        System::Aurora => {
            let global = required(reader, table, "global", "global = \"orders\"");
            let account = account(reader, folder, table);
            Some(ManagedEndpoint::Aurora {
                global: global?,
                account: account?,
            })
        }
        System::Elasticache => {
            let group = required(reader, table, "group", "group = \"cache\"");
            let account = account(reader, folder, table);
            Some(ManagedEndpoint::Elasticache {
                group: group?,
                account: account?,
            })
        }
        _ => None,
    }
}

/// Where an operator's objects lie.
fn operator(
    reader: &mut Reader<'_>,
    folder: &Folder<'_>,
    table: &mut Table,
    namespace: &str,
) -> Option<KubeEndpoint> {
    let given = table.has("namespace");
    let at = kubernetes(reader, folder, table)?;
    Some(match given {
        true => at,
        false => KubeEndpoint {
            namespace: namespace.to_owned(),
            ..at
        },
    })
}

fn workload(text: &str) -> Result<String, String> {
    match text.split_once('/') {
        Some(("deployment" | "statefulset", name)) if !name.is_empty() && !name.contains('/') => {
            Ok(text.to_owned())
        }
        _ => Err(format!(
            "{text:?} is neither deployment/NAME nor statefulset/NAME"
        )),
    }
}

pub(super) fn rds(
    reader: &mut Reader<'_>,
    folder: &Folder<'_>,
    table: &mut Table,
) -> Option<RdsEndpoint> {
    let instance = required(reader, table, "instance", "instance = \"NAME\"");
    let account = account(reader, folder, table);
    Some(RdsEndpoint {
        instance: instance?,
        account: account?,
    })
}

pub(super) fn secret(
    reader: &mut Reader<'_>,
    folder: &Folder<'_>,
    table: &mut Table,
) -> Option<SecretEndpoint> {
    let name = required(reader, table, "name", "name = \"NAME\"");
    let account = account(reader, folder, table);
    let consumers = table.texts(reader, "consumers").into_iter();
    let consumers = consumers.map(|(_, name)| TargetId(name)).collect();
    let at = table.key_at("generate");
    let generate = table.integer::<u16>(reader, "generate");
    if generate.is_some_and(|bytes| !BYTES.contains(&bytes)) {
        let what = format!("{}: generate is {}", table.name, generate.unwrap_or(0));
        reader.fault(&at, what, "write how many random bytes, 16 to 1024");
    }
    Some(SecretEndpoint {
        name: name?,
        account: account?,
        consumers,
        generate,
    })
}

pub(super) fn route53(
    reader: &mut Reader<'_>,
    folder: &Folder<'_>,
    table: &mut Table,
) -> Option<DnsEndpoint> {
    let zone = required(reader, table, "zone", "zone = \"Z0123456789\"");
    let record = required(reader, table, "record", "record = \"www.example.net\"");
    let mut sets = BTreeMap::new();
    let name = format!("sets of {}", table.name);
    let given = table.table(reader, "sets", &name);
    for item in given.into_iter().flat_map(|mut sets| sets.take_all()) {
        match item.value {
            Value::Text(region) => {
                sets.insert(item.key, RegionId(region));
            }
            _ => reader.fault(
                &item.at,
                format!("{name}: {} is no text", item.key),
                "write SET_IDENTIFIER = \"REGION\"",
            ),
        }
    }
    let resolvers = super::checks::resolvers(reader, table);
    // Route 53 is one for all regions, and its requests are signed for this one.
    let account = account_in(reader, folder, table, Some("us-east-1"));
    Some(DnsEndpoint {
        zone: zone?,
        record: record?,
        sets,
        resolvers,
        account: account?,
    })
}

pub(super) fn account(
    reader: &mut Reader<'_>,
    folder: &Folder<'_>,
    table: &mut Table,
) -> Option<AwsAccount> {
    account_in(reader, folder, table, None)
}

fn account_in(
    reader: &mut Reader<'_>,
    folder: &Folder<'_>,
    table: &mut Table,
    default: Option<&str>,
) -> Option<AwsAccount> {
    let region = match (table.has("aws_region"), default) {
        (false, Some(region)) => Some(region.to_owned()),
        _ => required(reader, table, "aws_region", "aws_region = \"us-east-1\""),
    };
    let profile = text(reader, table, "profile");
    let endpoint = url(reader, folder, table, "endpoint");
    Some(AwsAccount {
        region: region?,
        profile,
        endpoint,
    })
}
