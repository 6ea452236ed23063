//! warroom: a full-screen incident console.

pub mod incident;
pub mod systems;
