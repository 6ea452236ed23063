//! What the client's errors mean to an operator: a class for decisions, and a sentence that says what to do.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use tokio_postgres::Error;
use tokio_postgres::error::{DbError, SqlState};

use crate::incident::measure::Span;
use crate::incident::reading::{Failure, FailureKind};

/// A failure of `tried` on `on`, from what the client reports.
pub fn of(error: &Error, on: &str, tried: &str) -> Failure {
    if let Some(db) = error.as_db_error() {
        return said_by_server(db, on, tried);
    }
    let text = error.to_string();
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    let what = |why: &str| format!("{tried}: {why}");
    if let Some(io) = error.source().and_then(|e| e.downcast_ref::<io::Error>()) {
        return of_io(io, on, tried);
    }
    // The client names its kinds of error only in its words.
    match text.as_str() {
        "error performing TLS handshake" => Failure::new(
            FailureKind::Tls,
            on,
            what(&format!("TLS: {cause}")),
            "give the server a certificate this machine trusts, or tls = \"off\" on a trusted network",
        ),
        "invalid configuration" | "authentication error" => Failure::new(
            FailureKind::Denied,
            on,
            what(if cause.is_empty() { &text } else { &cause }),
            "give the target a password in the site file or in ~/.pgpass",
        ),
        "connection closed" => Failure::new(
            FailureKind::Unreachable,
            on,
            what("the server closed the connection"),
            "see the server's log",
        ),
        _ => Failure::new(
            FailureKind::BadAnswer,
            on,
            what(&[text.as_str(), cause.as_str()].join(" ")),
            "check that a PostgreSQL server listens there",
        ),
    }
}

/// No answer within `within`: a frozen server accepts connections, so this is how it is found.
pub fn timed_out(on: &str, tried: &str, within: Duration) -> Failure {
    Failure::new(
        FailureKind::TimedOut,
        on,
        format!("{tried}: no answer within {}", Span(within)),
        "slow, frozen or cut off: look at its host",
    )
}

/// Whether an error leaves open what the server did with the statement.
pub fn is_lost(error: &Error) -> bool {
    error
        .as_db_error()
        .is_none_or(|db| db.code().code().starts_with("57P0"))
}

fn of_io(error: &io::Error, on: &str, tried: &str) -> Failure {
    use io::ErrorKind::{
        ConnectionRefused, HostUnreachable, NetworkUnreachable, TimedOut, UnexpectedEof,
    };
    let (kind, why, advice) = match error.kind() {
        ConnectionRefused => (
            FailureKind::Refused,
            "connection refused".to_owned(),
            "nothing listens there: is the server stopped?",
        ),
        TimedOut => (
            FailureKind::TimedOut,
            "no answer in time".to_owned(),
            "slow, frozen or cut off: look at its host",
        ),
        HostUnreachable | NetworkUnreachable => (
            FailureKind::Unreachable,
            error.to_string(),
            "check the network, the tunnel or the VPN",
        ),
        UnexpectedEof => (
            FailureKind::Unreachable,
            "the server closed the connection".to_owned(),
            "see the server's log",
        ),
        _ if error.to_string().contains("lookup") => (
            FailureKind::Unreachable,
            error.to_string(),
            "check the host's name in the site file, and the resolver",
        ),
        _ => (
            FailureKind::Unreachable,
            error.to_string(),
            "check the network, the tunnel or the VPN",
        ),
    };
    Failure::new(kind, on, format!("{tried}: {why}"), advice)
}

/// PgBouncer calls every refusal a violation of the protocol.
fn said_by_server(db: &DbError, on: &str, tried: &str) -> Failure {
    let code = db.code();
    let (kind, advice) = if *code == SqlState::INVALID_PASSWORD
        || *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION
        || (*code == SqlState::PROTOCOL_VIOLATION && db.message().contains("auth"))
    {
        (
            FailureKind::Denied,
            "check user and password of the target, and pg_hba.conf",
        )
    } else if *code == SqlState::INSUFFICIENT_PRIVILEGE {
        (
            FailureKind::Denied,
            "grant it to the target's user; monitoring needs pg_monitor",
        )
    } else if *code == SqlState::TOO_MANY_CONNECTIONS {
        (
            FailureKind::Denied,
            "end sessions, or keep some back with reserved_connections",
        )
    } else if *code == SqlState::CANNOT_CONNECT_NOW {
        // Starting up, shutting down, or a standby that is not consistent yet.
        (
            FailureKind::Refused,
            "it takes no connections yet: wait, and see its log",
        )
    } else if *code == SqlState::ADMIN_SHUTDOWN || *code == SqlState::CRASH_SHUTDOWN {
        (FailureKind::Refused, "it ended the session: see its log")
    } else if *code == SqlState::INVALID_CATALOG_NAME {
        (
            FailureKind::Missing,
            "check dbname of the target in the site file",
        )
    } else if *code == SqlState::UNDEFINED_TABLE || *code == SqlState::UNDEFINED_COLUMN {
        (FailureKind::Missing, "")
    } else if *code == SqlState::QUERY_CANCELED {
        (FailureKind::TimedOut, "it is slow, or something blocks it")
    } else if *code == SqlState::LOCK_NOT_AVAILABLE {
        (
            FailureKind::TimedOut,
            "something holds a lock on it: see pg_locks",
        )
    } else if *code == SqlState::T_R_SERIALIZATION_FAILURE {
        (
            FailureKind::TimedOut,
            "replay on the standby ended the query: try again",
        )
    } else {
        (FailureKind::BadAnswer, "")
    };
    Failure::new(
        kind,
        on,
        format!("{tried}: {} ({})", db.message(), code.code()),
        advice,
    )
}
