//! `Clean`: the only way text of other systems reaches the screen, the journal and the post-mortem.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Text that can't command a terminal or imitate the console: control, bidirectional, zero-width, tag and variation
/// characters are shown as `<U+XXXX>`, never dropped in silence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(transparent)]
pub struct Clean(String);

impl Clean {
    /// Cleans `text`. Newlines stay, tabs become spaces.
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The cleaned text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Clean {
    /// A journal may have been edited: what is read is cleaned again.
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self::new(&String::deserialize(from)?))
    }
}

impl fmt::Display for Clean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
