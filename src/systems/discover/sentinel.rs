//! The masters that Sentinels watch.

use std::collections::HashMap;
use std::time::Duration;

use ::redis::cmd;

use super::{Found, Shown, shown};
use crate::incident::site::Tls;
use crate::systems::wire::redis::{Login, Server};

/// How long a Sentinel may take.
const ANSWERS: Duration = Duration::from_secs(5);

/// The masters that the Sentinel at `host:port` watches.
pub async fn look(node: &str) -> Shown {
    let asked = async {
        let (host, port) = node.rsplit_once(':').unwrap_or((node, "26379"));
        let port = port
            .parse()
            .map_err(|_| format!("{node:?} is no host:port"))?;
        let at = (host, port);
        let server = Server::new(node.to_owned(), at, Tls::Off, Login::default(), ANSWERS);
        let mut ask = cmd("SENTINEL");
        ask.arg("MASTERS");
        let masters = server.ask::<Vec<HashMap<String, String>>>(&ask).await;
        let masters = masters.map_err(|failure| failure.what.to_string())?;
        let each = masters.iter().filter_map(|master| {
            let name = master.get("name")?;
            let others = master.get("num-other-sentinels")?;
            Some(Found {
                name: name.clone(),
                keys: vec![
                    ("system", "sentinel".into()),
                    ("nodes", vec![node].into()),
                    ("master", name.clone().into()),
                    ("tls", "off".into()),
                ],
                note: format!("name the {others} other Sentinels in nodes, too"),
            })
        });
        Ok(each.collect())
    };
    shown(format!("Sentinel at {node}"), asked).await
}
