//! What an answer says of health.

use std::time::Duration;

use serde_json::Value;

use crate::incident::acts::http::HttpSight;
use crate::incident::clean::Clean;
use crate::incident::site::HttpEndpoint;

/// An answer as a sight: healthy when the status is the one the site names, and the field, where it names one, is there
/// and says what it must.
pub fn sight(endpoint: &HttpEndpoint, status: u16, body: &[u8], took: Duration) -> HttpSight {
    let field = endpoint.field.as_deref().and_then(|path| field(body, path));
    let says = match (&endpoint.field, &endpoint.equals, &field) {
        (None, ..) => true,
        (Some(_), None, found) => found.is_some(),
        (Some(_), Some(expected), found) => found.as_ref() == Some(expected),
    };
    HttpSight {
        status,
        healthy: status == endpoint.status && says,
        field: field.as_deref().map(Clean::new),
        took,
    }
}

/// The field at a dotted path, `database.status` or `nodes.0.state`; numbers, booleans and null as JSON writes them.
fn field(body: &[u8], path: &str) -> Option<String> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    let found = path
        .split('.')
        .try_fold(&answer, |value, name| match value {
            Value::Array(items) => items.get(name.parse::<usize>().ok()?),
            _ => value.get(name),
        })?;
    match found {
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_its_path() {
        let body = br#"{"database":{"status":"ok","writable":false,"n":7},"nodes":[{"up":true}]}"#;
        let table = [
            ("database.status", Some("ok")),
            ("database.writable", Some("false")),
            ("database.n", Some("7")),
            ("nodes.0.up", Some("true")),
            ("nodes.1.up", None),
            ("database.status.more", None),
            ("nothing", None),
        ];
        for (path, expected) in table {
            assert_eq!(field(body, path).as_deref(), expected, "{path}");
        }
        assert_eq!(field(b"<html>", "database"), None);
    }

    #[test]
    fn health_is_the_status_and_what_the_field_says() {
        let table = [
            (200, r#"{"s":"ok"}"#, Some("s"), Some("ok"), true),
            (503, r#"{"s":"ok"}"#, Some("s"), Some("ok"), false),
            (200, r#"{"s":"down"}"#, Some("s"), Some("ok"), false),
            (200, "{}", Some("s"), Some("ok"), false),
            (200, r#"{"s":"whatever"}"#, Some("s"), None, true),
            (200, "not JSON", Some("s"), None, false),
            (200, "not JSON", None, None, true),
            (301, "", None, None, false),
        ];
        for (status, body, field, equals, healthy) in table {
            let endpoint = HttpEndpoint {
                url: "http://api/health".into(),
                status: 200,
                field: field.map(str::to_owned),
                equals: equals.map(str::to_owned),
                bearer: None,
            };
            let seen = sight(&endpoint, status, body.as_bytes(), Duration::ZERO);
            assert_eq!(seen.healthy, healthy, "{status} {body}");
        }
    }
}
