//! A public name: its record is one of the AWS lab, and a real resolver answers by the record's weights, as Route 53 does.

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
    hosts: PathBuf,
    server: Server,
    changes: u64,
}

impl<'a> Resolver<'a> {
    /// A resolver that knows a weighted name of the lab.
    pub fn new(aws: &'a Aws, name: &str, hosts: PathBuf) -> Self {
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
            hosts,
            server,
            changes: u64::MAX,
        };
        resolver.follows();
        resolver
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
        let address = heaviest["ResourceRecords"][0]["Value"].as_str().unwrap();
        fs::write(&self.hosts, format!("{address} {}\n", self.name)).unwrap();
        self.server.signal("HUP");
        true
    }
}

/// The weighted sets of a name, of type A, as boto3 reads them.
pub fn weighted(aws: &Aws, name: &str) -> Vec<Value> {
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

/// The weight of the set with that identifier.
pub fn weight(aws: &Aws, name: &str, set: &str) -> i64 {
    let sets = weighted(aws, name);
    let one = sets.iter().find(|one| one["SetIdentifier"] == set).unwrap();
    one["Weight"].as_i64().unwrap()
}
