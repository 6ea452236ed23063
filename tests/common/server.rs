//! A real server of the machine's own packages, for one test, that goes away with it.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running server.
pub struct Server(Child);

impl Server {
    /// Starts a program, which must be there, and waits until `port` takes connections.
    pub fn start(program: &str, args: &[String], port: u16) -> Server {
        let mut server = Server::launch(program, args);
        let until = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = server.0.try_wait().unwrap();
            assert!(ended.is_none(), "{program} ended at once: {ended:?}");
            assert!(
                Instant::now() < until,
                "{program} does not listen on {port}"
            );
            std::thread::sleep(Duration::from_millis(30));
        }
        server
    }

    /// Starts a program, which must be there, and waits for nothing.
    pub fn launch(program: &str, args: &[String]) -> Server {
        let child = Command::new(program)
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Server(child.unwrap_or_else(|error| panic!("{program}: {error}")))
    }

    /// Sends it a signal: `STOP`, `CONT`, `KILL`.
    pub fn signal(&self, name: &str) {
        let id = self.0.id().to_string();
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &id])
            .status();
        assert!(sent.unwrap().success());
    }

    /// Ends it.
    pub fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
