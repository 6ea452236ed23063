//! Two regions' clusters of CloudNativePG, one of which replicates from the other. Their objects are real ones; their operator is the
//! test, which does with the lab's two servers what the operator does with its instances.

use std::fs;

use serde_json::{Value, json};

use crate::common::lab::Lab;
use crate::database::psql;
use crate::place::Place;

/// A Cluster object, which is a target of its name, and the lab's server that it keeps.
pub type Kept = (&'static str, &'static str);

/// Adds the objects to a place: the first is the primary, and the second replicates from it.
pub fn clusters(place: &mut Place, (primary, _): Kept, (replica, _): Kept) {
    for name in [primary, replica] {
        place.kubernetes(name, "cnpg", &format!("cluster = \"{name}\""));
        place.kube.apply(&json!({
            "apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster",
            "metadata": { "name": name, "namespace": place.namespace },
            "spec": { "instances": 1, "replica": { "primary": primary, "source": primary } },
        }));
    }
}

/// The operator of both.
pub struct Operator<'a> {
    place: &'a Place,
    lab: &'a Lab,
    primary: Kept,
    replica: Kept,
    /// How far the primary came, once it was demoted.
    token: Option<String>,
    promoted: bool,
}

impl<'a> Operator<'a> {
    /// Keeps the clusters that were added to a place.
    pub fn of(place: &'a Place, lab: &'a Lab, primary: Kept, replica: Kept) -> Self {
        Self {
            place,
            lab,
            primary,
            replica,
            token: None,
            promoted: false,
        }
    }

    /// Does what the objects ask for now.
    pub fn works(&mut self) {
        let (other, server) = self.replica;
        if self.token.is_none() && self.says(self.primary.0)["primary"] == other {
            self.token = Some(self.demotes());
        }
        let wanted = self.says(other);
        if !self.promoted && wanted["primary"] == other {
            // Without a token it goes on from where it is; with one that is not the other's it would wait for ever.
            let token = wanted["promotionToken"].as_str();
            assert_eq!(token, self.token.as_deref(), "the token of the primary");
            psql(self.lab, server, "SELECT pg_promote()");
            self.promoted = true;
        }
    }

    fn path(&self, name: &str) -> String {
        let namespace = &self.place.namespace;
        format!("/apis/postgresql.cnpg.io/v1/namespaces/{namespace}/clusters/{name}")
    }

    /// What an object says of replication.
    fn says(&self, name: &str) -> Value {
        self.place.kube.read(&self.path(name))["spec"]["replica"].clone()
    }

    /// The primary is shut down cleanly and comes back as a replica; gives the token, which stands in its status.
    fn demotes(&self) -> String {
        let (name, server) = self.primary;
        self.lab.cmd(&["stop", server]);
        let signal = format!("{server}/data/standby.signal");
        fs::write(self.lab.path(&signal), "").unwrap();
        self.lab.cmd(&["start", server]);
        let token = psql(
            self.lab,
            server,
            "SELECT 'came-to-' || pg_last_wal_replay_lsn()",
        );
        let status = format!("{}/status", self.path(name));
        self.place.kube.write(&status, |object| {
            object["status"] = json!({ "demotionToken": token });
        });
        token
    }
}
