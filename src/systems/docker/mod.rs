//! Services of a compose project by the Docker Engine API (Docker's or Podman's): which run, and which say that they are healthy.

use std::path::Path;

use futures_util::future::{BoxFuture, FutureExt};
use serde_json::{Value, json};

use super::probe::Probe;
use super::wire;
use super::wire::http::{self, Web};
use crate::incident::acts::check::{CheckSight, CheckState};
use crate::incident::reading::{Failure, Sight};
use crate::incident::site::Target;

/// One project, or one service of it.
pub struct Docker {
    web: Web,
    filters: String,
}

impl Docker {
    /// The project of `target`, asked at the engine's socket.
    pub fn new(target: &Target, socket: &Path, project: &str, service: Option<&str>) -> Self {
        let mut labels = vec![format!("com.docker.compose.project={project}")];
        labels.extend(service.map(|service| format!("com.docker.compose.service={service}")));
        Self {
            web: Web::new(wire::on(target), http::client_on(socket)),
            filters: json!({ "label": labels }).to_string(),
        }
    }

    async fn ask(&self) -> Result<Sight, Failure> {
        // No version in the path: the engine then speaks its newest.
        let query = [("all", "true"), ("filters", self.filters.as_str())];
        let answer = self
            .web
            .json("containers", "http://docker/containers/json", &query)
            .await?;
        let containers = answer.as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(Sight::Check(judged(containers)))
    }
}

fn judged(containers: &[Value]) -> CheckSight {
    let text =
        |container: &Value, key: &str| container[key].as_str().unwrap_or_default().to_owned();
    let service = |container: &Value| {
        let label = container["Labels"]["com.docker.compose.service"].as_str();
        label.unwrap_or("a container").to_owned()
    };
    let mut wrong = Vec::new();
    let mut starting = Vec::new();
    for container in containers {
        let (state, status) = (text(container, "State"), text(container, "Status"));
        match state.as_str() {
            "running" if status.contains("(unhealthy)") => {
                wrong.push(format!("{} unhealthy", service(container)));
            }
            "running" if status.contains("starting)") => starting.push(service(container)),
            "running" => {}
            _ => wrong.push(format!("{} {state}", service(container))),
        }
    }
    let count = containers.len();
    let run = count - wrong.len();
    let (state, words) = match (count, wrong.first(), starting.first()) {
        (0, _, _) => (CheckState::Breach, "no containers".to_owned()),
        (_, Some(first), _) => (CheckState::Breach, format!("{run} of {count} run, {first}")),
        (_, None, Some(first)) => (CheckState::Watch, format!("{first} is starting")),
        (_, None, None) => (CheckState::Fine, format!("{count} of {count} run")),
    };
    CheckSight::new(state, words).with_value(u32::try_from(run).map_or(0.0, f64::from))
}

impl Probe for Docker {
    fn look(&self) -> BoxFuture<'_, Result<Sight, Failure>> {
        self.ask().boxed()
    }
}
