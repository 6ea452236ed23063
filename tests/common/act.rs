//! Acts as a runbook writes them, and what became of them.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::Value;
use warroom::incident::acts::{Act, Condition};
use warroom::incident::reading::Outcome;
use warroom::incident::runbook::{Check, Code, parse};
use warroom::systems::{Output, Shared};

/// Carries an act out; gives what it printed, and its outcome.
pub async fn perform(system: &Shared, act: &Act) -> (Vec<String>, Outcome) {
    let (output, mut lines) = Output::new();
    let outcome = system.perform(act, &output).await;
    drop(output);
    let mut printed = Vec::new();
    while let Some(line) = lines.recv().await {
        printed.push(line.to_string());
    }
    (printed, outcome)
}

/// An order to a lab's proxy at `host`; gives the requests it counted.
pub fn order(host: &str, what: &Value) -> Value {
    let mut stream = TcpStream::connect(host).unwrap();
    let body = what.to_string();
    let head = format!(
        "POST /_lab HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap()
}

/// An act as a runbook writes it: `rds.failover = { target = "orders" }`.
pub fn act(text: &str) -> Act {
    let markdown = format!("# R\n\n## Step {{#step}}\n\n```toml\n{text}\n```\n");
    let (runbook, faults) = parse("r.md", &markdown, "r".into());
    let runbook = runbook.unwrap_or_else(|| panic!("{text}: {faults:#?}"));
    let code = runbook.steps[0].actions().next().unwrap().code.clone();
    match code {
        Code::Act { act } => act,
        other => panic!("{text} is no act: {other:?}"),
    }
}

/// A condition as a check of a runbook writes it: `rollout = "web"`.
pub fn condition(text: &str) -> Condition {
    let markdown = format!("# R\n\n## Step {{#step}}\n\n```toml check\n{text}\n```\n");
    let (runbook, faults) = parse("r.md", &markdown, "r".into());
    let runbook = runbook.unwrap_or_else(|| panic!("{text}: {faults:#?}"));
    match runbook.steps[0].checks.first() {
        Some(Check::Condition(condition)) => condition.clone(),
        other => panic!("{text} is no condition: {other:?}"),
    }
}

/// What an act that was done says.
pub fn done(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done { said } => said.to_string(),
        other => panic!("{other:?}"),
    }
}

/// Why an act that did not happen was refused.
pub fn refused(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Failed { failure, .. } => failure.to_string(),
        other => panic!("{other:?}"),
    }
}
