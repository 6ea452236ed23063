//! How a target that is only looked at is asked: the keys of each check and of each store of backups.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use super::super::checks::{Bound, CheckEndpoint, StoreEndpoint};
use super::super::runbook::System;
use super::super::site::{Endpoint, PgEndpoint};
use super::super::strict::{Reader, Table, Value};
use super::cloud;
use super::defaults;
use super::endpoints::{host, port, tls as tls_of, url};
use super::fields::{Folder, required, text};

/// The endpoint of a check or a store; none for any other system.
pub(super) fn read(
    reader: &mut Reader<'_>,
    folder: &Folder<'_>,
    table: &mut Table,
    system: System,
) -> Option<Endpoint> {
    let check = match system {
        System::Tcp => tcp(reader, table),
        System::Tls => tls(reader, table),
        System::Dns => dns(reader, table),
        System::Prometheus => prometheus(reader, folder, table),
        System::Alertmanager => alertmanager(reader, folder, table),
        System::Etcd => etcd(reader, table),
        System::Vault => needed_url(reader, folder, table).map(|url| CheckEndpoint::Vault { url }),
        System::Docker => docker(reader, folder, table),
        System::Command => command(reader, folder, table),
        System::Pgbouncer => pgbouncer(reader, folder, table),
        System::Cloudwatch => cloudwatch(reader, folder, table),
        System::Ecr => ecr(reader, folder, table),
        System::Cnpg
        | System::Velero
        | System::Argocd
        | System::Ecs
        | System::Elasticache
        | System::Aurora => {
            return cloud::managed(reader, folder, table, system).map(Endpoint::Managed);
        }
        _ => return store(reader, folder, table, system).map(Endpoint::Store),
    };
    check.map(Endpoint::Check)
}

fn tcp(reader: &mut Reader<'_>, table: &mut Table) -> Option<CheckEndpoint> {
    let host = host(reader, table);
    if !table.has("port") {
        table.missing(reader, "port", "port = 5432");
    }
    let port = port(reader, table, 0);
    Some(CheckEndpoint::Tcp {
        host: host?,
        port: Some(port).filter(|port| *port > 0)?,
    })
}

fn tls(reader: &mut Reader<'_>, table: &mut Table) -> Option<CheckEndpoint> {
    let host = host(reader, table);
    let port = port(reader, table, defaults::HTTPS_PORT);
    let watch = table
        .span(reader, "watch")
        .unwrap_or(defaults::EXPIRY_WATCH);
    let breach = table
        .span(reader, "breach")
        .unwrap_or(defaults::EXPIRY_BREACH);
    if breach > watch {
        let what = format!("{}: breach is sooner than watch", table.name);
        reader.fault(
            &table.at,
            what,
            "a certificate is watched before it is too late",
        );
    }
    Some(CheckEndpoint::Tls {
        host: host?,
        port,
        watch,
        breach,
    })
}

fn dns(reader: &mut Reader<'_>, table: &mut Table) -> Option<CheckEndpoint> {
    let name = required(reader, table, "name", "name = \"www.example.net\"");
    if !table.has("resolvers") {
        table.missing(
            reader,
            "resolvers",
            "resolvers = [\"1.1.1.1\", \"8.8.8.8\"], of more than one provider",
        );
    }
    let resolvers = resolvers(reader, table);
    let points_to = table.texts(reader, "points_to").into_iter();
    let points_to = points_to.map(|(_, text)| text).collect();
    let ttl_under: Option<Duration> = table.span(reader, "ttl_under");
    Some(CheckEndpoint::Dns {
        name: name?,
        resolvers: Some(resolvers).filter(|all| !all.is_empty())?,
        points_to,
        ttl_under,
    })
}

/// The addresses of resolvers, each with its port.
pub(super) fn resolvers(reader: &mut Reader<'_>, table: &mut Table) -> Vec<String> {
    let mut resolvers = Vec::new();
    for (at, text) in table.texts(reader, "resolvers") {
        let address = text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 53));
        match address.or_else(|_| text.parse::<SocketAddr>()) {
            Ok(address) => resolvers.push(address.to_string()),
            Err(_) => reader.fault(
                &at,
                format!("{}: {text:?} is no address of a resolver", table.name),
                "write 1.1.1.1, or 1.1.1.1:53",
            ),
        }
    }
    resolvers
}

fn prometheus(
    reader: &mut Reader<'_>,
    folder: &Folder<'_>,
    table: &mut Table,
) -> Option<CheckEndpoint> {
    let url = needed_url(reader, folder, table);
    let query = required(reader, table, "query", "query = \"up == 0\"");
    let limited = table.has("watch") || table.has("breach");
    let watch = table.read(reader, "watch", Bound::read);
    let breach = table.read(reader, "breach", Bound::read);
    if !limited {
        table.missing(reader, "breach", "breach = \"> 0.01\"");
    }
    let bearer = folder.secret(reader, table, "bearer");
    Some(CheckEndpoint::Prometheus {
        url: url?,
        query: query?,
        watch,
        breach,
        bearer,
    })
}

fn alertmanager(
    reader: &mut Reader<'_>,
    folder: &Folder<'_>,
    table: &mut Table,
) -> Option<CheckEndpoint> {
    let url = needed_url(reader, folder, table);
    let filter = table.texts(reader, "filter").into_iter();
    let filter = filter.map(|(_, text)| text).collect();
    let bearer = folder.secret(reader, table, "bearer");
    Some(CheckEndpoint::Alertmanager {
        url: url?,
        filter,
        bearer,
    })
}

fn etcd(reader: &mut Reader<'_>, table: &mut Table) -> Option<CheckEndpoint> {
    if !table.has("members") {
        table.missing(
            reader,
            "members",
            "members = [\"http://HOST:2379\"], all of them",
        );
    }
    let mut members = Vec::new();
    for (at, member) in table.texts(reader, "members") {
        if member.starts_with("http://") || member.starts_with("https://") {
            members.push(member.trim_end_matches('/').to_owned());
        } else {
            let what = format!("{}: {member:?} is no URL", table.name);
            reader.fault(&at, what, "write https://HOST:2379");
        }
    }
    let members = Some(members).filter(|all| !all.is_empty())?;
    Some(CheckEndpoint::Etcd { members })
}

fn docker(
    reader: &mut Reader<'_>,
    folder: &Folder<'_>,
    table: &mut Table,
) -> Option<CheckEndpoint> {
    let socket = folder.path(reader, table, "socket");
    let project = required(
        reader,
        table,
        "project",
        "project = \"NAME\", as compose calls it",
    );
    let service = text(reader, table, "service");
    Some(CheckEndpoint::Docker {
        socket: socket.unwrap_or_else(|| PathBuf::from(defaults::DOCKER_SOCKET)),
        project: project?,
        service,
    })
}

fn pgbouncer(
    reader: &mut Reader<'_>,
    folder: &Folder<'_>,
    table: &mut Table,
) -> Option<CheckEndpoint> {
    let host = host(reader, table);
    let port = port(reader, table, defaults::PGBOUNCER_PORT);
    let user = required(
        reader,
        table,
        "user",
        "user = \"warroom\", one of stats_users",
    );
    let password = folder.secret(reader, table, "password");
    let tls = tls_of(reader, table, host.as_deref());
    Some(CheckEndpoint::Pgbouncer(PgEndpoint {
        host: host?,
        port,
        user: user?,
        dbname: "pgbouncer".to_owned(),
        password,
        tls,
        heartbeat: None,
    }))
}

fn command(
    reader: &mut Reader<'_>,
    folder: &Folder<'_>,
    table: &mut Table,
) -> Option<CheckEndpoint> {
    if !table.has("run") {
        table.missing(reader, "run", "run = [\"PROGRAM\", \"ARGUMENT\"]");
    }
    let run = folder.argv(reader, table, "run")?;
    Some(CheckEndpoint::Command { run })
}

fn cloudwatch(
    reader: &mut Reader<'_>,
    folder: &Folder<'_>,
    table: &mut Table,
) -> Option<CheckEndpoint> {
    let prefix = text(reader, table, "prefix").unwrap_or_default();
    let account = cloud::account(reader, folder, table)?;
    Some(CheckEndpoint::Cloudwatch { prefix, account })
}

fn ecr(reader: &mut Reader<'_>, folder: &Folder<'_>, table: &mut Table) -> Option<CheckEndpoint> {
    let repository = required(reader, table, "repository", "repository = \"web\"");
    let tag = required(reader, table, "tag", "tag = \"v1.4.2\"");
    let account = cloud::account(reader, folder, table);
    Some(CheckEndpoint::Ecr {
        repository: repository?,
        tag: tag?,
        account: account?,
    })
}

fn store(
    reader: &mut Reader<'_>,
    folder: &Folder<'_>,
    table: &mut Table,
    system: System,
) -> Option<StoreEndpoint> {
    match system {
        System::Pgbackrest => {
            let stanza = required(reader, table, "stanza", "stanza = \"main\"");
            let run = folder.argv(reader, table, "run");
            Some(StoreEndpoint::Pgbackrest {
                verify: table.flag(reader, "verify").unwrap_or(false),
                stanza: stanza?,
                run: run.unwrap_or_else(|| vec!["pgbackrest".to_owned()]),
            })
        }
        System::Barman => {
            let server = required(reader, table, "server", "server = \"main\"");
            let run = folder.argv(reader, table, "run");
            Some(StoreEndpoint::Barman {
                server: server?,
                run: run.unwrap_or_else(|| vec!["barman".to_owned()]),
            })
        }
        System::Git => {
            if !table.has("path") {
                table.missing(reader, "path", "path = \"/srv/config\"");
            }
            let path = folder.path(reader, table, "path");
            let reference = text(reader, table, "branch").unwrap_or_else(|| "HEAD".to_owned());
            Some(StoreEndpoint::Git {
                path: path?,
                reference,
            })
        }
        System::S3 => {
            let bucket = required(reader, table, "bucket", "bucket = \"backups\"");
            let prefix = text(reader, table, "prefix").unwrap_or_default();
            let account = cloud::account(reader, folder, table);
            Some(StoreEndpoint::S3 {
                bucket: bucket?,
                prefix,
                account: account?,
            })
        }
        _ => metrics(reader, folder, table),
    }
}

fn metrics(
    reader: &mut Reader<'_>,
    folder: &Folder<'_>,
    table: &mut Table,
) -> Option<StoreEndpoint> {
    let url = needed_url(reader, folder, table);
    let metric = text(reader, table, "metric");
    let name = format!("labels of {}", table.name);
    let mut labels = Vec::new();
    let given = table.table(reader, "labels", &name);
    for item in given.into_iter().flat_map(|mut labels| labels.take_all()) {
        match item.value {
            Value::Text(value) => labels.push((item.key, value)),
            _ => {
                let what = format!("{name}: {} is no text", item.key);
                reader.fault(&item.at, what, "write NAME = \"VALUE\"");
            }
        }
    }
    Some(StoreEndpoint::Metrics {
        url: url?,
        metric: metric.unwrap_or_else(|| defaults::BACKUP_METRIC.to_owned()),
        labels,
    })
}

fn needed_url(reader: &mut Reader<'_>, folder: &Folder<'_>, table: &mut Table) -> Option<String> {
    if !table.has("url") {
        table.missing(reader, "url", "url = \"https://HOST\"");
    }
    let url = url(reader, folder, table, "url")?;
    Some(url.trim_end_matches('/').to_owned())
}
