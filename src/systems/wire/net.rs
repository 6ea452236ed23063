//! A TCP connection, and what its errors mean.

use std::io;

use tokio::net::TcpStream;

use crate::incident::reading::{Failure, FailureKind};

/// Connects; the time-out is the caller's.
///
/// # Errors
/// What went wrong, by its kind.
pub async fn connect(on: &str, place: (&str, u16)) -> Result<TcpStream, Failure> {
    TcpStream::connect(place).await.map_err(|error| {
        let (kind, advice) = match error.kind() {
            io::ErrorKind::ConnectionRefused => (FailureKind::Refused, "nothing listens there"),
            io::ErrorKind::TimedOut => (FailureKind::TimedOut, ""),
            _ => (
                FailureKind::Unreachable,
                "check the host's name and the way there",
            ),
        };
        Failure::new(kind, on, format!("connect: {error}"), advice)
    })
}
