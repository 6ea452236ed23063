//! The lab's pair of PostgreSQL servers as an operator in a cluster keeps it: one service leads to whichever is the primary.

use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;

use crate::common::lab::Lab;

/// Asks a server of the lab by psql, in its database `app` as its superuser; gives what it printed.
pub fn psql(lab: &Lab, server: &str, sql: &str) -> String {
    psql_as(lab, server, ("postgres", "pg-admin", "app"), sql)
}

/// The same as somebody, by the file of their password, in a database.
pub fn psql_as(
    lab: &Lab,
    server: &str,
    (user, secret, database): (&str, &str, &str),
    sql: &str,
) -> String {
    let password = std::fs::read_to_string(lab.path("secrets").join(secret)).unwrap();
    let mut psql = Command::new("psql");
    psql.args(["-X", "-h", "127.0.0.1", "-At", "-v", "ON_ERROR_STOP=1"])
        .args(["-U", user, "-d", database])
        .args(["-p", &lab.port(server).to_string(), "-c", sql])
        .env("PGPASSWORD", password.trim());
    let done = psql.output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{server}: {sql}: {said}");
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

/// A service of the cluster: connections to its port lead where it points when they are made.
pub struct Service {
    /// The port.
    pub port: u16,
    to: Arc<AtomicU16>,
}

impl Service {
    /// A service that leads to a port of this machine.
    pub fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let service = Self {
            port: listener.local_addr().unwrap().port(),
            to: Arc::new(AtomicU16::new(port)),
        };
        let to = Arc::clone(&service.to);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // Nobody listens there: the client finds its connection closed.
                if let Ok(server) = TcpStream::connect(("127.0.0.1", to.load(Ordering::SeqCst))) {
                    join(&client, &server);
                }
            }
        });
        service
    }

    /// Leads elsewhere from now on.
    pub fn leads_to(&self, port: u16) {
        self.to.store(port, Ordering::SeqCst);
    }
}

/// Carries bytes both ways; when one side ends, so does the other.
fn join(client: &TcpStream, server: &TcpStream) {
    for (from, to) in [(client, server), (server, client)] {
        let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
        thread::spawn(move || {
            // A side that was cut off is at its end too.
            let _ = io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Both);
        });
    }
}
