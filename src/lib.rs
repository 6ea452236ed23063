//! warroom: a full-screen incident console.

pub mod console;
pub mod incident;
pub mod screen;
pub mod systems;
pub mod world;
