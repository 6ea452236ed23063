//! A public name: its record is one of the AWS lab, and a real resolver answers by the record's weights, as Route 53 does.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::aws::Aws;
use crate::server::{Server, free_port};

/// A resolver of one name.
pub struct Resolver<'a> {
    /// Where it is asked.
    pub port: u16,
    aws: &'a Aws,
    name: String,
    /// What its sets may be aliases of, with their addresses.
    aliases: BTreeMap<String, String>,
    hosts: PathBuf,
    server: Server,
    changes: u64,
}

impl<'a> Resolver<'a> {
    /// A resolver that knows a weighted name of the lab, and what it may be an alias of: names and their addresses.
    pub fn new(aws: &'a Aws, name: &str, aliases: &[(&str, &str)], hosts: PathBuf) -> Self {
        let port = free_port();
        fs::write(&hosts, "").unwrap();
        let args = [
            "--no-daemon".to_owned(),
            "--no-resolv".to_owned(),
            "--no-hosts".to_owned(),
            "--conf-file=/dev/null".to_owned(),
            "--listen-address=127.0.0.1".to_owned(),
            "--bind-interfaces".to_owned(),
            format!("--port={port}"),
            format!("--addn-hosts={}", hosts.display()),
        ];
        let server = Server::start("/usr/sbin/dnsmasq", &args, port);
        let mut resolver = Self {
            port,
            aws,
            name: name.to_owned(),
            aliases: aliases
                .iter()
                .map(|(name, address)| ((*name).to_owned(), (*address).to_owned()))
                .collect(),
            hosts,
            server,
            changes: u64::MAX,
        };
        resolver.follows();
        resolver
    }

    /// The address of a set: its own, or that of the name it is an alias of.
    fn address<'b>(&'b self, set: &'b Value) -> &'b str {
        let own = set["ResourceRecords"][0]["Value"].as_str();
        own.unwrap_or_else(|| {
            let alias = set["AliasTarget"]["DNSName"].as_str().unwrap();
            &self.aliases[alias.trim_end_matches('.')]
        })
    }

    /// Answers by the weights of now: the address of the set that has the most. Whether they are others than before.
    pub fn follows(&mut self) -> bool {
        let changes = self.aws.count("ChangeResourceRecordSets");
        if changes == self.changes {
            return false;
        }
        self.changes = changes;
        let sets = weighted(self.aws, &self.name);
        let heaviest = sets
            .iter()
            .max_by_key(|set| set["Weight"].as_i64())
            .unwrap();
        let mut lines = format!("{} {}\n", self.address(heaviest), self.name);
        for (name, address) in &self.aliases {
            writeln!(lines, "{address} {name}").unwrap();
        }
        fs::write(&self.hosts, lines).unwrap();
        self.server.signal("HUP");
        true
    }
}

/// The weighted sets of a name, of type A, as boto3 reads them.
fn weighted(aws: &Aws, name: &str) -> Vec<Value> {
    let zone = json!({ "HostedZoneId": aws.fact("zone") });
    let found = aws.boto("route53", "list_resource_record_sets", &zone);
    let sets = found["ResourceRecordSets"].as_array().unwrap().iter();
    let dotted = format!("{name}.");
    let of_name = |set: &&Value| set["Name"] == name || set["Name"] == dotted.as_str();
    let sets = sets
        .filter(of_name)
        .filter(|set| set["Type"] == "A" && set["Weight"].is_number());
    sets.cloned().collect()
}

/// The weights of its sets `blue` and `green`.
pub fn weights(aws: &Aws, name: &str) -> (i64, i64) {
    let sets = weighted(aws, name);
    let of = |set: &str| {
        let one = sets.iter().find(|one| one["SetIdentifier"] == set).unwrap();
        one["Weight"].as_i64().unwrap()
    };
    (of("blue"), of("green"))
}
