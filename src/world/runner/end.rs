//! An attempt's end: written once, whole, before anybody is told.

use std::io;
use std::path::Path;

use super::end_file;
use crate::incident::journal::{Report, Seq};
use crate::world::ledger::{RealDisk, look, replace};

/// Puts the end in place: temporary file, sync, rename, sync of the folder.
pub(super) fn write(incident: &Path, seq: Seq, report: &Report) -> io::Result<()> {
    let json = serde_json::to_vec_pretty(report)?;
    replace(&RealDisk, &end_file(incident, seq), &json)
}

/// The end, where one stands there.
pub(super) fn read(incident: &Path, seq: Seq) -> Option<Report> {
    let file = look(&end_file(incident, seq)).ok()?;
    serde_json::from_reader(io::BufReader::new(file)).ok()
}
