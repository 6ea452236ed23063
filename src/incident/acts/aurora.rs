//! Aurora global databases: what a probe sees of one.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::measure::Lag;
use super::orders::Order;

/// Whether an order may lose writes that the other regions have not received.
pub fn lossy(order: &Order) -> bool {
    order.word == "failover"
}

/// A global database as one probe saw it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuroraSight {
    /// `available`, `switching-over`, `failing-over`.
    pub status: String,
    /// Its clusters, one a region.
    pub members: Vec<AuroraMember>,
}

/// One cluster of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuroraMember {
    /// Its ARN.
    pub arn: String,
    /// Its region.
    pub region: String,
    /// It takes writes.
    pub writer: bool,
    /// How far it is behind the writer; none of the writer, and when CloudWatch does not say.
    pub lag: Option<Duration>,
}

impl AuroraSight {
    /// The cluster that takes writes.
    pub fn writer(&self) -> Option<&AuroraMember> {
        self.members.iter().find(|member| member.writer)
    }

    /// The cluster of a region.
    pub fn of(&self, region: &str) -> Option<&AuroraMember> {
        self.members.iter().find(|member| member.region == region)
    }

    /// Available, with one that takes writes.
    pub fn fine(&self) -> bool {
        self.status == "available" && self.writer().is_some()
    }

    /// In a few words: `writer us-east-1, us-west-2 0.3 s behind`.
    pub fn words(&self) -> String {
        let writer = self.writer().map_or("none", |member| &member.region);
        let mut words = vec![format!("writer {writer}")];
        if self.status != "available" {
            words.insert(0, self.status.clone());
        }
        let readers = self.members.iter().filter(|member| !member.writer);
        words.extend(readers.map(|reader| match reader.lag {
            Some(lag) => format!("{} {} behind", reader.region, Lag(lag)),
            None => format!("{}, how far behind is not known", reader.region),
        }));
        words.join(", ")
    }
}
