//! What secrets look like when nobody has told us their value.

use std::sync::LazyLock;

use regex::Regex;

/// Each pattern with the secret as its first group that takes part; without groups, all of it is the secret. What stands
/// before a secret is bounded, so that a stream knows how much to hold back.
const PATTERNS: [&str; 15] = [
    // AWS access keys, GitHub, Slack, Google, Stripe, and the `sk-` of several APIs.
    r"\b(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}\b",
    r"\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_[A-Za-z0-9_]{20,}",
    r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}|hooks\.slack\.com/services/([A-Za-z0-9/_-]+)",
    r"\bAIza[0-9A-Za-z_-]{35}",
    r"\b[srp]k_(?:live|test)_[0-9A-Za-z]{10,}|\bsk-[A-Za-z0-9_-]{20,}",
    // JSON Web Tokens: header and payload are JSON objects, `{"` is `eyJ`.
    r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*",
    // A whole private key, else the beginning of one up to what can't belong to it.
    r"(-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----[\w+/=\s\\:,-]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|\z))|(-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----[\w+/=\s\\:,-]*)",
    // The password of a URL; up to the last `@`, for those who did not encode theirs.
    r#"[A-Za-z][A-Za-z0-9+.-]{0,30}://[^\s/:@?#"'<>]{0,256}:([^\s/?#"'<>]+)@"#,
    r#"(?i)\bauthorization["']?[ \t]{0,8}[:=][ \t]{0,8}["']?(?:(?:basic|bearer|digest|token|negotiate|apikey)[ \t]{1,8})?([^\s"',]+)"#,
    r"(?i)\bbearer[ \t]{1,8}([A-Za-z0-9._~+/=-]{8,})",
    // Programs that take a password as an argument.
    r#"\bredis-cli\b[^\n|;&]{0,512}?[ \t](?:-a|--pass)[ \t=]{0,8}("[^"\n]*|'[^'\n]*|[^\s"';&|]+)"#,
    r#"\bsshpass\b[^\n|;&]{0,64}?[ \t]-p[ \t]{0,8}("[^"\n]*|'[^'\n]*|[^\s"';&|]+)"#,
    // NAME=value, "name": "value", --name value; the name may be part of a longer one: DB_PASSWORD, aws_secret_access_key.
    r#"(?i)(?:password|passwd|passphrase|\bpwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|rediscli_auth|credentials?)[a-z0-9_-]{0,40}["']?[ \t]{0,8}(?:=>?[ \t]{0,8}(?:"([^"\n]+)|'([^'\n]+)|([^\s"'{&;]+))|:[ \t]{0,8}(?:"([^"\n]+)|'([^'\n]+)))|(?i)--(?:password|passwd|pass|token|secret|requirepass|masterauth)(?:=|[ \t]{1,8})["']?([^\s"'&;]+)"#,
    // A line of YAML: one word behind the colon. More words are a sentence about a password.
    r#"(?im)^[ \t]{0,64}(?:-[ \t]{0,8})?[a-z0-9_.-]{0,40}(?:password|passwd|passphrase|secret|token|api_?key|access_?key)[a-z0-9_.-]{0,40}:[ \t]{1,8}([^\s"'{]+)[ \t]*\r?$"#,
    // SQL and Redis commands and settings.
    r#"(?i)\b(?:password|identified by)[ \t]{1,8}'([^'\n]+)|(?i)\b(?:requirepass|masterauth|auth-pass|sentinel_pass)[ \t"']{1,8}([^\s"']+)|(?m)^[ \t]{0,8}AUTH[ \t]{1,8}([^\r\n]+)"#,
];

static COMPILED: LazyLock<Vec<Regex>> =
    LazyLock::new(|| PATTERNS.iter().filter_map(|p| Regex::new(p).ok()).collect());

/// All patterns, compiled once.
pub(super) fn patterns() -> &'static [Regex] {
    &COMPILED
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        for pattern in PATTERNS {
            Regex::new(pattern).unwrap();
        }
        assert_eq!(patterns().len(), PATTERNS.len());
    }
}
