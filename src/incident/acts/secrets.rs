//! Secrets and who uses them: what a probe sees, what can be done, what can be asked. The secret itself is never read.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::super::names::TargetId;
use super::super::runbook::Danger;
use super::super::strict::{Reader, Table};
use super::read;

/// A secret as one probe saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretSight {
    /// The version that is current, by its id.
    pub version: String,
    /// When it became current.
    pub changed: DateTime<Utc>,
    /// The version before it is still accepted.
    pub old_accepted: bool,
}

/// What can be done to a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretAct {
    /// A new version becomes current; the old one is accepted until it is revoked.
    Rotate {
        /// The secret.
        target: TargetId,
    },
    /// The old version is refused from here on: whoever still uses it is locked out.
    RevokeOld {
        /// The secret.
        target: TargetId,
    },
}

impl SecretAct {
    /// Every word behind `secrets.`.
    pub const WORDS: [&'static str; 2] = ["rotate", "revoke_old"];

    /// Reads the table behind `secrets.WORD =`; faults go to the reader.
    pub fn read(reader: &mut Reader<'_>, word: &str, table: &mut Table) -> Option<Self> {
        let target = read::target(reader, table, "target", "api-keys");
        match word {
            "rotate" => Some(SecretAct::Rotate { target: target? }),
            "revoke_old" => Some(SecretAct::RevokeOld { target: target? }),
            _ => None,
        }
    }

    /// Every text in it that a variable may stand for.
    pub fn texts_mut(&mut self) -> Vec<&mut String> {
        match self {
            SecretAct::Rotate { target } | SecretAct::RevokeOld { target } => vec![&mut target.0],
        }
    }

    /// The word behind `secrets.`.
    pub fn word(&self) -> &'static str {
        match self {
            SecretAct::Rotate { .. } => "rotate",
            SecretAct::RevokeOld { .. } => "revoke_old",
        }
    }

    /// The secret it changes.
    pub fn target(&self) -> &TargetId {
        match self {
            SecretAct::Rotate { target } | SecretAct::RevokeOld { target } => target,
        }
    }

    /// See [`super::Act::least_danger`].
    pub fn least_danger(&self) -> Danger {
        match self {
            SecretAct::Rotate { .. } => Danger::Change,
            SecretAct::RevokeOld { .. } => Danger::Destructive,
        }
    }
}

impl fmt::Display for SecretAct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.word(), self.target())
    }
}

/// What can be asked of a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretCondition {
    /// `version_is_new = { of = "api-keys", than = "$BEFORE" }`
    VersionIsNew {
        /// The secret.
        of: TargetId,
        /// The version it was.
        than: String,
    },
    /// `consumers_current = "api-keys"`: nobody uses an older version.
    ConsumersCurrent {
        /// The secret.
        target: TargetId,
    },
    /// `old_refused = "api-keys"`: the version before is not accepted any more.
    OldRefused {
        /// The secret.
        target: TargetId,
    },
}

impl SecretCondition {
    /// Every condition word of secrets.
    pub const WORDS: [&'static str; 3] = ["version_is_new", "consumers_current", "old_refused"];

    /// Reads what stands behind one of [`SecretCondition::WORDS`]: several conditions when it is a list.
    pub fn read(reader: &mut Reader<'_>, word: &str, card: &mut Table) -> Vec<Self> {
        match word {
            "consumers_current" => read::each_target(reader, card, word, |target| {
                Self::ConsumersCurrent { target }
            }),
            "old_refused" => {
                read::each_target(reader, card, word, |target| Self::OldRefused { target })
            }
            _ => read::each_table(reader, card, word, |reader, table| {
                let of = read::target(reader, table, "of", "api-keys");
                let than = read::count(reader, table, "than", "than = 3");
                Some(Self::VersionIsNew {
                    of: of?,
                    than: than?,
                })
            }),
        }
    }

    /// The secret that is asked about.
    pub fn of(&self) -> &TargetId {
        match self {
            SecretCondition::VersionIsNew { of, .. } => of,
            SecretCondition::ConsumersCurrent { target }
            | SecretCondition::OldRefused { target } => target,
        }
    }

    /// Every text in it that a variable may stand for.
    pub fn texts_mut(&mut self) -> Vec<&mut String> {
        match self {
            SecretCondition::VersionIsNew { of, than } => vec![&mut of.0, than],
            SecretCondition::ConsumersCurrent { target }
            | SecretCondition::OldRefused { target } => vec![&mut target.0],
        }
    }
}

impl fmt::Display for SecretCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SecretCondition::VersionIsNew { of, than } => {
                write!(f, "version of {of} newer than {than}")
            }
            SecretCondition::ConsumersCurrent { target } => {
                write!(f, "consumers of {target} current")
            }
            SecretCondition::OldRefused { target } => write!(f, "old version of {target} refused"),
        }
    }
}
