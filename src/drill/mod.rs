//! A world that is not there: the simulated site, the scenarios played on it, and what an exercise comes to.
//!
//! Everything here is pure: a world is a function of a scenario, a seed, what was done and how much time went by. It
//! speaks the observations, conditions and acts of the real systems, so that console, checklist, guards, journal and
//! post-mortem are the same code in an exercise and in an outage.

pub mod happening;
pub mod report;
pub mod scenario;
pub mod score;
#[cfg(test)]
mod told;
pub mod world;
