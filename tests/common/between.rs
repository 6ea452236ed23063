//! Stands between a client and a server: counts what is asked for, and loses an answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What becomes of the connection that asks for it.
#[derive(Clone, Copy, PartialEq)]
pub enum Cut {
    /// The question gets through, the answer does not.
    Answer,
    /// The question does not get through, and nothing does afterwards.
    All,
}

/// Its port, and how often what holds `word` was asked for.
pub async fn between(server: u16, cut: Cut, word: &'static str) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            if cut == Cut::Answer || count.load(Ordering::SeqCst) == 0 {
                let server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
                tokio::spawn(carry(client, server, (cut, word), count.clone()));
            }
        }
    });
    (port, asked)
}

async fn carry(
    mut client: TcpStream,
    mut server: TcpStream,
    (cut, word): (Cut, &str),
    count: Arc<AtomicUsize>,
) {
    let (mut question, mut answer) = ([0; 16_384], [0; 16_384]);
    loop {
        tokio::select! {
            Ok(n @ 1..) = client.read(&mut question) => {
                let mut parts = question[..n].windows(word.len());
                let asks = parts.any(|bytes| bytes == word.as_bytes());
                if asks {
                    count.fetch_add(1, Ordering::SeqCst);
                }
                if !asks || cut == Cut::Answer {
                    server.write_all(&question[..n]).await.unwrap();
                }
                if asks {
                    // Until the server has answered, or it might not have read the question.
                    if cut == Cut::Answer {
                        let _ = server.read(&mut answer).await;
                    }
                    return;
                }
            }
            // A client that has gone wants no answer.
            Ok(n @ 1..) = server.read(&mut answer) => match client.write_all(&answer[..n]).await {
                Ok(()) => {}
                Err(_) => return,
            },
            else => return,
        }
    }
}
