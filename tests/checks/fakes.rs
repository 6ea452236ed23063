//! Vault and the Docker engine: a few lines of HTTP answer for them, as they can't be had here.

use super::*;

/// Answers every request on a connection with one body, by path.
async fn answer(
    mut stream: impl AsyncReadExt + AsyncWriteExt + Unpin,
    bodies: &[(&str, u16, Value)],
) {
    let mut request = vec![0; 4096];
    let Ok(read) = stream.read(&mut request).await else {
        return;
    };
    let request = String::from_utf8_lossy(&request[..read]).into_owned();
    let path = request.split(' ').nth(1).unwrap_or_default();
    let found = bodies
        .iter()
        .find(|(prefix, _, _)| path.starts_with(prefix));
    let (status, body) = found.map_or((404, "{}".to_owned()), |(_, status, body)| {
        (*status, body.to_string())
    });
    let head = format!(
        "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all((head + &body).as_bytes()).await;
}

#[tokio::test]
async fn a_vault_says_sealed_by_a_status_of_its_own() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let target = format!("system = \"vault\"\nurl = \"{url}\"");
    let health = |sealed: bool| json!({ "initialized": true, "sealed": sealed, "standby": false, "replication_dr_mode": "secondary" });
    let dr = json!({ "data": { "mode": "secondary", "state": "stream-wals", "last_wal": 7, "last_remote_wal": 9 } });
    let serving = tokio::spawn(async move {
        for (status, sealed) in [(200, false), (200, false), (503, true), (503, true)] {
            let bodies = [
                ("/v1/sys/health", status, health(sealed)),
                ("/v1/sys/replication/dr/status", 200, dr.clone()),
            ];
            let (stream, _) = listener.accept().await.unwrap();
            answer(stream, &bodies).await;
        }
    });
    let unsealed = check(&target).await;
    assert_eq!(
        (unsealed.state, unsealed.value),
        (Fine, Some(2.0)),
        "{unsealed:?}"
    );
    assert_eq!(
        unsealed.words.as_str(),
        "unsealed, active, DR secondary stream-wals"
    );
    assert_eq!(check(&target).await.state, Breach);
    serving.abort();
}

#[tokio::test]
async fn containers_are_counted_by_what_the_engine_says_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("engine.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let target = format!(
        "system = \"docker\"\nsocket = \"{}\"\nproject = \"app\"",
        socket.display()
    );
    let container = |service: &str, state: &str, status: &str| json!({ "Labels": { "com.docker.compose.service": service }, "State": state, "Status": status });
    let answers = [
        json!([
            container("web", "running", "Up 2 hours (healthy)"),
            container("db", "running", "Up 2 hours")
        ]),
        json!([container(
            "web",
            "running",
            "Up 3 seconds (health: starting)"
        )]),
        json!([
            container("web", "running", "Up 2 hours (unhealthy)"),
            container("db", "running", "Up 2 hours")
        ]),
        json!([container("db", "exited", "Exited (137) 4 minutes ago")]),
        json!([]),
    ];
    let serving = tokio::spawn(async move {
        for body in answers {
            let (stream, _) = listener.accept().await.unwrap();
            // Without the project's label the engine would give everybody's containers.
            let asked = "/containers/json?all=true&filters=%7B%22label%22%3A%5B%22com.docker.compose.project%3Dapp%22%5D%7D";
            answer(stream, &[(asked, 200, body)]).await;
        }
    });
    for (state, words) in [
        (Fine, "2 of 2 run"),
        (Watch, "web is starting"),
        (Breach, "1 of 2 run, web unhealthy"),
        (Breach, "0 of 1 run, db exited"),
        (Breach, "no containers"),
    ] {
        let seen = check(&target).await;
        assert_eq!((seen.state, seen.words.as_str()), (state, words));
    }
    serving.abort();
}
