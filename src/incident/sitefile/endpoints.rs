//! How a target is reached: the keys of each system.

use super::super::runbook::System;
use super::super::site::{
    Endpoint, FilesEndpoint, HttpEndpoint, PgEndpoint, RedisEndpoint, SentinelEndpoint, Tls,
};
use super::super::strict::{Reader, Table};
use super::checks;
use super::cloud;
use super::defaults;
use super::fields::{Folder, required, text};

/// The endpoint of a target of `system`.
pub(super) fn read(
    reader: &mut Reader<'_>,
    folder: &Folder<'_>,
    table: &mut Table,
    system: System,
) -> Option<Endpoint> {
    match system {
        System::Postgres => postgres(reader, folder, table).map(Endpoint::Postgres),
        System::Redis => redis(reader, folder, table).map(Endpoint::Redis),
        System::Sentinel => sentinel(reader, folder, table).map(Endpoint::Sentinel),
        System::Http => http(reader, folder, table).map(Endpoint::Http),
        System::Files => files(reader, folder, table).map(Endpoint::Files),
        System::Kubernetes => cloud::kubernetes(reader, folder, table).map(Endpoint::Kube),
        System::Rds => cloud::rds(reader, folder, table).map(Endpoint::Rds),
        System::Route53 => cloud::route53(reader, folder, table).map(Endpoint::Dns),
        System::Secrets => cloud::secret(reader, folder, table).map(Endpoint::Secret),
        system => checks::read(reader, folder, table, system),
    }
}

fn postgres(reader: &mut Reader<'_>, folder: &Folder<'_>, table: &mut Table) -> Option<PgEndpoint> {
    let host = host(reader, table);
    let port = port(reader, table, defaults::PG_PORT);
    let user = required(reader, table, "user", "user = \"warroom\"");
    let dbname = text(reader, table, "dbname").unwrap_or_else(|| defaults::PG_DBNAME.to_owned());
    let password = folder.secret(reader, table, "password");
    let tls = tls(reader, table, host.as_deref());
    let heartbeat = table.read(reader, "heartbeat", table_name);
    Some(PgEndpoint {
        host: host?,
        port,
        user: user?,
        dbname,
        password,
        tls,
        heartbeat,
    })
}

/// A table's name, with or without a schema. It goes into a statement, so nothing else does.
fn table_name(text: &str) -> Result<String, String> {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    match text.split('.').count() <= 2 && text.split('.').all(part) {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "{text:?} is no table such as heartbeat or monitor.heartbeat"
        )),
    }
}

fn redis(reader: &mut Reader<'_>, folder: &Folder<'_>, table: &mut Table) -> Option<RedisEndpoint> {
    let host = host(reader, table);
    let port = port(reader, table, defaults::REDIS_PORT);
    let user = text(reader, table, "user");
    let password = folder.secret(reader, table, "password");
    let db = table.integer::<u16>(reader, "db").unwrap_or(0);
    let tls = tls(reader, table, host.as_deref());
    Some(RedisEndpoint {
        host: host?,
        port,
        user,
        password,
        db: i64::from(db),
        tls,
    })
}

fn sentinel(
    reader: &mut Reader<'_>,
    folder: &Folder<'_>,
    table: &mut Table,
) -> Option<SentinelEndpoint> {
    if !table.has("nodes") {
        table.missing(reader, "nodes", "nodes = [\"HOST:26379\"], all of them");
    }
    let mut nodes: Vec<String> = Vec::new();
    for (at, text) in table.texts(reader, "nodes") {
        match node(&text) {
            Some(node) if nodes.contains(&node) => {
                reader.fault(
                    &at,
                    format!("{}: {node} stands twice in nodes", table.name),
                    "take one out",
                );
            }
            Some(node) => nodes.push(node),
            None => reader.fault(
                &at,
                format!("{}: {text:?} is no node", table.name),
                "write HOST:PORT",
            ),
        }
    }
    let master = required(
        reader,
        table,
        "master",
        "master = \"NAME\", as the Sentinels call it",
    );
    let password = folder.secret(reader, table, "password");
    let first = nodes.first().map(|node| {
        node.rsplit_once(':')
            .map_or(node.as_str(), |(host, _)| host)
            .to_owned()
    });
    let tls = tls(reader, table, first.as_deref());
    if nodes.is_empty() {
        return None;
    }
    Some(SentinelEndpoint {
        nodes,
        master: master?,
        password,
        tls,
    })
}

/// `HOST` or `HOST:PORT`, with the port. An IPv6 address stands in brackets.
fn node(text: &str) -> Option<String> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            (host, port.parse::<u16>().ok().filter(|port| *port > 0)?)
        }
        _ => (text, defaults::SENTINEL_PORT),
    };
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    match bare {
        Some(address) if address.parse::<std::net::Ipv6Addr>().is_ok() => {}
        None if host_ok(host) && !host.contains(':') => {}
        _ => return None,
    }
    Some(format!("{host}:{port}"))
}

fn http(reader: &mut Reader<'_>, folder: &Folder<'_>, table: &mut Table) -> Option<HttpEndpoint> {
    if !table.has("url") {
        table.missing(reader, "url", "url = \"https://HOST/health\"");
    }
    let url = url(reader, folder, table, "url");
    let at = table.at.clone();
    let status = table
        .integer::<u16>(reader, "status")
        .unwrap_or(defaults::HTTP_STATUS);
    if !(100..600).contains(&status) {
        reader.fault(
            &at,
            format!("{}: status is {status}", table.name),
            "write one of 100 to 599",
        );
    }
    let field = text(reader, table, "field");
    let equals = text(reader, table, "equals");
    if equals.is_some() && field.is_none() {
        reader.fault(
            &at,
            format!("{} has equals, and no field", table.name),
            "add field = \"status\": what must be equal",
        );
    }
    let bearer = folder.secret(reader, table, "bearer");
    if bearer.is_some()
        && url
            .as_deref()
            .is_some_and(|url| url.starts_with("http:") && !local(host_of(url)))
    {
        reader.warn(
            &at,
            format!("{} sends its bearer token unencrypted", table.name),
            "use https",
        );
    }
    Some(HttpEndpoint {
        url: url?,
        status,
        field,
        equals,
        bearer,
    })
}

/// An address to ask by HTTP, without credentials in it.
pub(super) fn url(
    reader: &mut Reader<'_>,
    folder: &Folder<'_>,
    table: &mut Table,
    key: &str,
) -> Option<String> {
    let (at, url) = table.text_at(reader, key)?;
    let instead = match key {
        "url" => "write bearer = { env = \"NAME\" } instead, and change them",
        _ => "take them out and change them: a profile has its own",
    };
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    let authority = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    match authority {
        // Neither is repeated: faults are printed and logged.
        Some(authority) if authority.contains('@') => {
            reader.fault(
                &at,
                format!("{}: the {key} holds credentials", table.name),
                instead,
            );
        }
        Some(_) if folder.is_secret("url", &url) => {
            reader.fault(
                &at,
                format!("{}: the {key} holds a secret", table.name),
                instead,
            );
        }
        Some(authority) if !authority.is_empty() && url.chars().all(|c| c.is_ascii_graphic()) => {
            return Some(url);
        }
        _ => reader.fault(
            &at,
            format!("{}: the {key} is neither http nor https", table.name),
            "write https://HOST/PATH",
        ),
    }
    None
}

fn host_of(url: &str) -> &str {
    let authority = url
        .split("://")
        .nth(1)
        .unwrap_or_default()
        .split(['/', '?', '#'])
        .next()
        .unwrap_or_default();
    match authority.strip_prefix('[') {
        Some(address) => address.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    }
}

fn files(reader: &mut Reader<'_>, folder: &Folder<'_>, table: &mut Table) -> Option<FilesEndpoint> {
    if !table.has("path") {
        table.missing(reader, "path", "path = \"/var/backups\"");
    }
    let path = folder.path(reader, table, "path");
    let name = |text: &str| match text.is_empty() || text.contains('/') {
        true => Err(format!("{text:?} is no name of files such as *.dump")),
        false => Ok(text.to_owned()),
    };
    let pattern = table
        .read(reader, "pattern", name)
        .unwrap_or_else(|| defaults::PATTERN.to_owned());
    let checksum = table.flag(reader, "checksum").unwrap_or(false);
    let proof = proof(reader, folder, table);
    let wal_segment = table.read(reader, "wal_segment", segment);
    Some(FilesEndpoint {
        proof,
        wal_segment,
        path: path?,
        pattern,
        checksum,
    })
}

/// `wal_segment_size` as PostgreSQL shows it: a power of two, its MB being 2^20 bytes.
fn segment(text: &str) -> Result<u64, String> {
    let megabytes = match (text.strip_suffix("MB"), text.strip_suffix("GB")) {
        (Some(count), _) => count.parse::<u64>().ok(),
        (_, Some(count)) => count.parse::<u64>().ok().map(|count| count * 1024),
        _ => None,
    };
    let fits = |size: &u64| size.is_power_of_two() && *size <= 1024;
    let size = megabytes.filter(fits).map(|size| size << 20);
    size.ok_or_else(|| format!("{text:?} is no segment size such as 16MB"))
}

/// A program that fails on a damaged file.
fn proof(reader: &mut Reader<'_>, folder: &Folder<'_>, table: &mut Table) -> Option<Vec<String>> {
    let at = table.key_at("proof");
    let argv = folder.argv(reader, table, "proof")?;
    let lists = |arg: &String| ["-l", "--list"].contains(&arg.as_str());
    let restores = argv
        .first()
        .is_some_and(|name| name.ends_with("pg_restore"));
    if restores && argv.iter().any(lists) {
        let what = format!("{}: pg_restore -l passes on half a dump", table.name);
        reader.fault(
            &at,
            what,
            "write proof = [\"pg_restore\", \"-f\", \"/dev/null\"]",
        );
    }
    Some(argv)
}

/// A name, an address, or the folder of a PostgreSQL socket. The value is not repeated in a fault: it may be a URL with
/// its password.
pub(super) fn host(reader: &mut Reader<'_>, table: &mut Table) -> Option<String> {
    if !table.has("host") {
        table.missing(reader, "host", "host = \"db.example.net\"");
    }
    let (at, host) = table.text_at(reader, "host")?;
    if host_ok(&host) || host.starts_with('/') {
        return Some(host);
    }
    reader.fault(
        &at,
        format!("{}: host is no host name or address", table.name),
        "write the name or the address alone; port and user have keys of their own",
    );
    None
}

fn host_ok(host: &str) -> bool {
    host.parse::<std::net::IpAddr>().is_ok()
        || host.starts_with(|c: char| c.is_ascii_alphanumeric())
            && host
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-._".contains(c))
}

pub(super) fn port(reader: &mut Reader<'_>, table: &mut Table, default: u16) -> u16 {
    let at = table.at.clone();
    match table.integer::<u16>(reader, "port") {
        Some(0) => {
            reader.fault(
                &at,
                format!("{}: port is 0", table.name),
                format!("write 1 to 65535; {default} when not given"),
            );
            default
        }
        given => given.unwrap_or(default),
    }
}

pub(super) fn tls(reader: &mut Reader<'_>, table: &mut Table, host: Option<&str>) -> Tls {
    let at = table.at.clone();
    let tls = table
        .choice(reader, "tls", &[("verify", Tls::Verify), ("off", Tls::Off)])
        .unwrap_or(Tls::Verify);
    if tls == Tls::Off && host.is_some_and(|host| !local(host)) {
        reader.warn(
            &at,
            format!(
                "{}: TLS is off, so its password crosses the network in the clear",
                table.name
            ),
            "take tls = \"off\" out, unless a tunnel protects it",
        );
    }
    tls
}

/// Whether a host is this machine.
fn local(host: &str) -> bool {
    let address: Option<std::net::IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    host == "localhost"
        || host.starts_with('/')
        || address.is_some_and(|address| address.is_loopback())
}
