//! Acts as a runbook writes them, and what became of them.

use warroom::incident::acts::Act;
use warroom::incident::reading::Outcome;
use warroom::incident::runbook::{Code, parse};

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
