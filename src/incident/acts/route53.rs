//! DNS records with weights (Route 53): what a probe sees, what can be done, what can be asked.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::names::{RegionId, TargetId};
use super::super::runbook::Danger;
use super::super::strict::{Reader, Table};
use super::read;
use super::say::limit;

/// A weighted record as one probe saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnsSight {
    /// The weights as text, to be kept and read back: `us-east-1=100,us-west-2=0`.
    pub weights: String,
    /// The share of each region as it is set, in percent.
    pub set: BTreeMap<RegionId, u32>,
    /// The share of each region in what resolvers answer, in percent; none: no resolver was asked.
    pub resolves: Option<BTreeMap<RegionId, u32>>,
    /// How long resolvers keep an answer.
    pub ttl: Duration,
    /// Whether the last change has reached every name server; none: only who made it can ask.
    pub in_sync: Option<bool>,
    /// What is wrong by the health checks of a region's sets: such a set is not answered, whatever its weight.
    #[serde(default)]
    pub sick: BTreeMap<RegionId, String>,
}

/// What can be done to a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DnsAct {
    /// Gives a region a share; the rest keeps its proportions. Done when every name server has it.
    Shift {
        /// The record.
        target: TargetId,
        /// The region.
        to: RegionId,
        /// Its share in percent; a variable may stand for it.
        percent: String,
    },
    /// Sets the weights that were kept before: `us-east-1=100,us-west-2=0`.
    Point {
        /// The record.
        target: TargetId,
        /// The weights.
        to: String,
    },
}

impl DnsAct {
    /// Every word behind `route53.`.
    pub const WORDS: [&'static str; 2] = ["shift", "point"];

    /// Reads the table behind `route53.WORD =`; faults go to the reader.
    pub fn read(reader: &mut Reader<'_>, word: &str, table: &mut Table) -> Option<Self> {
        let target = read::target(reader, table, "target", "public");
        match word {
            "shift" => {
                let to = read::required(reader, table, "to", "to = \"us-west-2\"");
                let percent = read::count(reader, table, "percent", "percent = 100");
                Some(DnsAct::Shift {
                    target: target?,
                    to: RegionId(to?),
                    percent: percent?,
                })
            }
            "point" => {
                let to = read::required(reader, table, "to", "to = \"us-east-1=100,us-west-2=0\"");
                Some(DnsAct::Point {
                    target: target?,
                    to: to?,
                })
            }
            _ => None,
        }
    }

    /// Every text in it that a variable may stand for.
    pub fn texts_mut(&mut self) -> Vec<&mut String> {
        match self {
            DnsAct::Shift {
                target,
                to,
                percent,
            } => vec![&mut target.0, &mut to.0, percent],
            DnsAct::Point { target, to } => vec![&mut target.0, to],
        }
    }

    /// The word behind `route53.`.
    pub fn word(&self) -> &'static str {
        match self {
            DnsAct::Shift { .. } => "shift",
            DnsAct::Point { .. } => "point",
        }
    }

    /// The record it changes.
    pub fn target(&self) -> &TargetId {
        match self {
            DnsAct::Shift { target, .. } | DnsAct::Point { target, .. } => target,
        }
    }

    /// See [`super::Act::least_danger`].
    pub fn least_danger(&self) -> Danger {
        Danger::Change
    }
}

impl fmt::Display for DnsAct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DnsAct::Shift {
                target,
                to,
                percent,
            } => write!(f, "shift {target}: {percent} % to {to}"),
            DnsAct::Point { target, to } => write!(f, "point {target} at {to}"),
        }
    }
}

/// What can be asked of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DnsCondition {
    /// `weight = { of = "public", region = "us-west-2", at_least = 100 }`: as it is set.
    Weight {
        /// The record.
        of: TargetId,
        /// The region.
        region: RegionId,
        /// Percent.
        at_least: String,
    },
    /// `resolves = { of = "public", to = "us-west-2", at_least = 95 }`: as resolvers answer.
    Resolves {
        /// The record.
        of: TargetId,
        /// The region.
        to: RegionId,
        /// Percent.
        at_least: String,
    },
    /// `ttl_under = { of = "public", under = "60s" }`: at most that.
    TtlUnder {
        /// The record.
        of: TargetId,
        /// The most it may be.
        under: Duration,
    },
}

impl DnsCondition {
    /// Every condition word of records.
    pub const WORDS: [&'static str; 3] = ["weight", "resolves", "ttl_under"];

    /// Reads what stands behind one of [`DnsCondition::WORDS`]: several conditions when it is a list.
    pub fn read(reader: &mut Reader<'_>, word: &str, card: &mut Table) -> Vec<Self> {
        read::each_table(reader, card, word, |reader, table| {
            let of = read::target(reader, table, "of", "public");
            match word {
                "weight" => {
                    let region = read::required(reader, table, "region", "region = \"us-west-2\"");
                    let at_least = read::count(reader, table, "at_least", "at_least = 100");
                    Some(Self::Weight {
                        of: of?,
                        region: RegionId(region?),
                        at_least: at_least?,
                    })
                }
                "resolves" => {
                    let to = read::required(reader, table, "to", "to = \"us-west-2\"");
                    let at_least = read::count(reader, table, "at_least", "at_least = 95");
                    Some(Self::Resolves {
                        of: of?,
                        to: RegionId(to?),
                        at_least: at_least?,
                    })
                }
                _ => {
                    if !table.has("under") {
                        table.missing(reader, "under", "under = \"60s\"");
                    }
                    let under = table.span(reader, "under");
                    Some(Self::TtlUnder {
                        of: of?,
                        under: under?,
                    })
                }
            }
        })
    }

    /// The record that is asked about.
    pub fn of(&self) -> &TargetId {
        match self {
            DnsCondition::Weight { of, .. }
            | DnsCondition::Resolves { of, .. }
            | DnsCondition::TtlUnder { of, .. } => of,
        }
    }

    /// Every text in it that a variable may stand for.
    pub fn texts_mut(&mut self) -> Vec<&mut String> {
        match self {
            DnsCondition::Weight {
                of,
                region: to,
                at_least,
            }
            | DnsCondition::Resolves { of, to, at_least } => {
                vec![&mut of.0, &mut to.0, at_least]
            }
            DnsCondition::TtlUnder { of, .. } => vec![&mut of.0],
        }
    }
}

impl fmt::Display for DnsCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DnsCondition::Weight {
                of,
                region,
                at_least,
            } => write!(f, "weight of {region} in {of} ≥ {at_least} %"),
            DnsCondition::Resolves { of, to, at_least } => {
                write!(f, "{of} resolves to {to} ≥ {at_least} %")
            }
            DnsCondition::TtlUnder { of, under } => write!(f, "TTL of {of} ≤ {}", limit(*under)),
        }
    }
}
