//! What an output is expected to say, and the part of JSON that is kept. Empty output and NULL fail.

use serde_json::Value;

use crate::incident::reading::Verdict;
use crate::incident::runbook::{Compare, Expect};

/// How an SQL NULL is printed.
pub const NULL: &str = "NULL";

/// Whether `output` (trimmed) is what was expected.
pub fn judge(expect: &Expect, output: &str) -> Verdict {
    let output = output.trim();
    if output.is_empty() || output == NULL {
        let what = if output.is_empty() { "nothing" } else { NULL };
        return Verdict::measured(false, format!("the output is {what}"));
    }
    let (truth, wanted) = match expect {
        Expect::Equals(text) => (output == text, format!("== {text}")),
        Expect::Differs(text) => (output != text, format!("!= {text}")),
        Expect::Contains(text) => (output.contains(text.as_str()), format!("contains {text}")),
        Expect::Json { path, equals } => match part(output, path) {
            Ok(found) => {
                let saw = format!("{path} is {found}, expected {equals}");
                return Verdict::measured(found == *equals && found != "null", saw);
            }
            Err(why) => return Verdict::measured(false, why),
        },
        Expect::Number { op, than } => match output.parse::<f64>() {
            Ok(number) => (compare(number, *op, *than), format!("{} {than}", sign(*op))),
            Err(_) => return Verdict::measured(false, format!("{} is no number", short(output))),
        },
    };
    Verdict::measured(truth, format!("{}, expected {wanted}", short(output)))
}

/// The part of a JSON text at `$.a.b[0]`, as text.
///
/// # Errors
/// Why there is none, in words.
pub fn part(json: &str, path: &str) -> Result<String, String> {
    let value: Value =
        serde_json::from_str(json.trim()).map_err(|e| format!("the output is no JSON: {e}"))?;
    let rest = path.strip_prefix('$').unwrap_or(path);
    let mut at = &value;
    for key in rest.split(['.', '[']).filter(|key| !key.is_empty()) {
        let index = key.strip_suffix(']').map(|n| n.trim_matches(['"', '\'']));
        let next = match (index.map(str::parse::<usize>), at) {
            (Some(Ok(index)), Value::Array(items)) => items.get(index),
            _ => at.get(index.unwrap_or(key)),
        };
        at = next.ok_or_else(|| format!("{path}: there is no {key}"))?;
    }
    Ok(match at {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    })
}

fn compare(number: f64, op: Compare, than: f64) -> bool {
    match op {
        Compare::Less => number < than,
        Compare::AtMost => number <= than,
        Compare::Equal => (number - than).abs() < f64::EPSILON * than.abs().max(1.0),
        Compare::AtLeast => number >= than,
        Compare::More => number > than,
    }
}

fn sign(op: Compare) -> &'static str {
    match op {
        Compare::Less => "<",
        Compare::AtMost => "<=",
        Compare::Equal => "==",
        Compare::AtLeast => ">=",
        Compare::More => ">",
    }
}

/// The first line, as far as it fits one.
fn short(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(60) {
        Some((cut, _)) => format!("{}…", line.get(..cut).unwrap_or_default()),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::reading::Holds;

    #[test]
    fn an_output_is_judged_by_its_predicate_and_nothing_never_passes() {
        let json = |path: &str, equals: &str| Expect::Json {
            path: path.into(),
            equals: equals.into(),
        };
        let number = |op, than| Expect::Number { op, than };
        for (expect, output, holds) in [
            (Expect::Equals("t".into()), " t\n", true),
            (Expect::Equals("t".into()), "f", false),
            (Expect::Differs("t".into()), "f", true),
            (Expect::Differs("t".into()), "", false),
            (Expect::Differs("t".into()), "NULL", false),
            (Expect::Contains("ok".into()), "all ok here", true),
            (json("$.a.b[1]", "x"), r#"{"a":{"b":[0,"x"]}}"#, true),
            (json("$.a", "null"), r#"{"a":null}"#, false),
            (json("$.c", "x"), r#"{"a":null}"#, false),
            (json("$.a", "1"), "not json", false),
            (number(Compare::More, 5.0), "6", true),
            (number(Compare::AtMost, 5.0), "6", false),
            (number(Compare::Equal, 0.1), "0.1", true),
            (number(Compare::Less, 5.0), "few", false),
        ] {
            let found = judge(&expect, output);
            let wanted = if holds { Holds::Yes } else { Holds::No };
            assert_eq!(
                found.holds, wanted,
                "{expect:?} on {output:?}: {}",
                found.saw
            );
        }
    }
}
