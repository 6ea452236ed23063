//! An error's causes. Libraries bury what happened several layers deep, and say on the outside only that something failed.

use std::error::Error;
use std::io;

type Cause = dyn Error + 'static;

/// The error and its causes, the outermost first. An I/O error leaves the error inside it out of its own chain.
pub fn chain<'e>(error: &'e Cause) -> impl Iterator<Item = &'e Cause> {
    std::iter::successors(Some(error), |&error: &&'e Cause| {
        let inside = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        inside.map_or_else(|| error.source(), |inner| Some(inner))
    })
}

/// The first cause of a type.
pub fn find<T: Error + 'static>(error: &Cause) -> Option<&T> {
    chain(error).find_map(|cause| cause.downcast_ref())
}

/// The innermost cause's words.
pub fn innermost(error: &Cause) -> String {
    chain(error)
        .last()
        .map(ToString::to_string)
        .unwrap_or_default()
}
