//! SQL as the server reads it: cut at `;`, its variables found, and whether it only looks.

use std::sync::LazyLock;

use regex::Regex;

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// As it is sent: `:NAME` stands as a parameter of the session, `:"NAME"` as a quoted identifier.
    pub sql: String,
    /// Its first word, in capitals.
    pub word: String,
    /// Variables whose values are bound.
    pub bound: Vec<String>,
}

/// What begins a statement that takes bound values. Others are utility statements.
const TAKES_VALUES: [&str; 8] = [
    "SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "WITH", "VALUES", "EXPLAIN",
];

/// What only looks, in a transaction that is READ ONLY; `COMMIT` and the like would leave it.
const LOOKS: [&str; 6] = ["SELECT", "WITH", "VALUES", "TABLE", "SHOW", "EXPLAIN"];

/// Functions that act though the transaction is READ ONLY: they end sessions, move WAL and slots, send, or reach further.
const ACTS: &str = r#"(?i)\b(?:pg_(?:terminate|cancel)_backend|pg_(?:reload_conf|rotate_logfile|switch_wal|promote|notify|log_\w+)|pg_wal_replay_\w+|pg_(?:create|drop|copy)_\w+|pg_replication_\w+|pg_logical_\w+|pg_(?:try_)?advisory_\w+|pg_stat_(?:\w+_)?reset\w*|pg_(?:start_backup|stop_backup|backup_start|backup_stop)|pg_file_\w+|set_config|dblink\w*|lo_\w+)"?\s*\("#;

static ACTING: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(ACTS).ok());

impl Statement {
    /// Why it may do more than look, as a verb: `UPDATE`, `call pg_terminate_backend(`. None: a READ ONLY transaction holds it.
    pub fn acts(&self) -> Option<String> {
        if !LOOKS.contains(&self.word.as_str()) {
            return Some(self.word.clone());
        }
        let found = ACTING.as_ref()?.find(&self.sql)?;
        Some(format!("call {}", found.as_str()))
    }
}

/// Whether every statement of a text only looks, whatever its variables hold; an empty text or one that can't be cut does not.
pub fn only_looks(text: &str) -> bool {
    let statements = cut(text, |_| Some(""), |_| String::from("NULL"));
    statements.is_ok_and(|all| !all.is_empty() && all.iter().all(|one| one.acts().is_none()))
}

/// The statements of a text. `value` gives a variable's value, `name` the SQL that stands for its bound one.
///
/// # Errors
/// A variable that is not set, one in a utility statement, a quote or comment without end.
pub fn cut<'v>(
    text: &str,
    value: impl Fn(&str) -> Option<&'v str>,
    name: impl Fn(&str) -> String,
) -> Result<Vec<Statement>, String> {
    let mut statements = Vec::new();
    let mut at = Statement::empty();
    let mut rest = text;
    let mut before = None;
    while let Some(first) = rest.chars().next() {
        let token = token(rest)?;
        let (piece, after) = rest.split_at(token.length.max(first.len_utf8()));
        match token.kind {
            Kind::End => statements.extend(std::mem::replace(&mut at, Statement::empty()).whole()?),
            Kind::Variable(variable) => match value(variable) {
                Some(_) => {
                    at.bound.push(variable.to_owned());
                    at.sql.push_str(&name(variable));
                }
                // `a[1:n]` is a slice.
                None if matches!(before, Some(c) if c == '[' || char::is_alphanumeric(c)) => {
                    at.sql.push_str(piece);
                }
                None => return Err(format!("the variable {variable} is not set")),
            },
            Kind::Identifier(variable) => match value(variable) {
                Some(value) => {
                    at.sql
                        .push_str(&format!("\"{}\"", value.replace('"', "\"\"")));
                }
                None => return Err(format!("the variable {variable} is not set")),
            },
            Kind::Word => {
                if at.word.is_empty() {
                    at.word = piece.to_uppercase();
                }
                at.sql.push_str(piece);
            }
            Kind::Comment => at.sql.push(' '),
            Kind::Other => at.sql.push_str(piece),
        }
        before = piece.chars().next_back();
        rest = after;
    }
    statements.extend(at.whole()?);
    Ok(statements)
}

impl Statement {
    fn empty() -> Self {
        Self {
            sql: String::new(),
            word: String::new(),
            bound: Vec::new(),
        }
    }

    fn whole(self) -> Result<Option<Self>, String> {
        let sql = self.sql.trim().to_owned();
        match self.bound.first() {
            Some(variable) if !TAKES_VALUES.contains(&self.word.as_str()) => Err(format!(
                "{} takes no values: :{variable} can't stand in it (:\"{variable}\" can, for a name)",
                self.word
            )),
            _ if sql.is_empty() => Ok(None),
            _ => Ok(Some(Self { sql, ..self })),
        }
    }
}

enum Kind<'a> {
    End,
    Variable(&'a str),
    Identifier(&'a str),
    Word,
    Comment,
    Other,
}

struct Token<'a> {
    kind: Kind<'a>,
    length: usize,
}

/// The token `rest` begins with.
fn token(rest: &str) -> Result<Token<'_>, String> {
    let of = |kind, length| Ok(Token { kind, length });
    let mut chars = rest.chars();
    match (chars.next(), chars.next()) {
        (Some(';'), _) => of(Kind::End, 1),
        (Some('-'), Some('-')) => of(Kind::Comment, rest.find('\n').unwrap_or(rest.len())),
        (Some('/'), Some('*')) => of(Kind::Comment, comment(rest)?),
        (Some('\''), _) => of(Kind::Other, quoted(rest, '\'', false)?),
        (Some('e' | 'E'), Some('\'')) => {
            let length = quoted(rest.get(1..).unwrap_or_default(), '\'', true)?;
            of(Kind::Other, length + 1)
        }
        (Some('"'), _) => of(Kind::Other, quoted(rest, '"', false)?),
        (Some('$'), _) => of(Kind::Other, dollars(rest)?),
        (Some(':'), Some(':' | '=')) => of(Kind::Other, 2),
        (Some(':'), Some('"')) => {
            let length = quoted(rest.get(1..).unwrap_or_default(), '"', false)? + 1;
            of(
                Kind::Identifier(rest.get(2..length - 1).unwrap_or_default()),
                length,
            )
        }
        (Some(':'), Some(c)) if starts_name(c) => {
            let name = word(rest.get(1..).unwrap_or_default());
            of(Kind::Variable(name), name.len() + 1)
        }
        (Some(c), _) if starts_name(c) => of(Kind::Word, word(rest).len()),
        _ => of(Kind::Other, 0),
    }
}

fn starts_name(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    text.get(..end.unwrap_or(text.len())).unwrap_or_default()
}

/// Length of a quoted text with its quotes; a doubled quote does not end it, nor one behind a `\` where that escapes.
fn quoted(text: &str, quote: char, escapes: bool) -> Result<usize, String> {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' if escapes => {
                chars.next();
            }
            c if c == quote => match chars.peek() {
                Some((_, next)) if *next == quote => {
                    chars.next();
                }
                _ => return Ok(at + quote.len_utf8()),
            },
            _ => {}
        }
    }
    Err(format!("a {quote} is not closed"))
}

/// Length of `$tag$…$tag$`; of the `$` alone where it begins no such quote.
fn dollars(text: &str) -> Result<usize, String> {
    let inner = text.get(1..).unwrap_or_default();
    let name = word(inner);
    let opens = inner
        .get(name.len()..)
        .is_some_and(|rest| rest.starts_with('$'));
    if !opens || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Ok(1);
    }
    let tag = format!("${name}$");
    let body = text.get(tag.len()..).unwrap_or_default();
    match body.find(&tag) {
        Some(end) => Ok(end + 2 * tag.len()),
        None => Err(format!("{tag} is not closed")),
    }
}

/// Length of a comment, which may hold comments.
fn comment(text: &str) -> Result<usize, String> {
    let mut depth = 0_usize;
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(pair) = bytes.get(at..at + 2) {
        match pair {
            b"/*" => (depth, at) = (depth + 1, at + 2),
            b"*/" => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return Ok(at);
        }
    }
    Err("a /* is not closed".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lex(text: &str) -> Result<Vec<String>, String> {
        let value = |name: &str| match name {
            "N" => Some("7"),
            "T" => Some("a\"b"),
            _ => None,
        };
        let cut = cut(text, value, |name| format!("<{name}>"))?;
        Ok(cut.into_iter().map(|statement| statement.sql).collect())
    }

    #[test]
    fn statements_are_cut_where_the_server_would() {
        for (text, statements) in [
            ("SELECT 1; SELECT 2;", &["SELECT 1", "SELECT 2"][..]),
            (
                "SELECT ';'; SELECT 'it''s;'",
                &["SELECT ';'", "SELECT 'it''s;'"],
            ),
            (r"SELECT E'\';'; SELECT 2", &[r"SELECT E'\';'", "SELECT 2"]),
            (r"SELECT '\'; SELECT 2", &[r"SELECT '\'", "SELECT 2"]),
            ("SELECT \"a;b\"", &["SELECT \"a;b\""]),
            (
                "DO $$ a; b $$; SELECT $x$ ; $$ ; $x$",
                &["DO $$ a; b $$", "SELECT $x$ ; $$ ; $x$"],
            ),
            (
                "-- no; not this\nSELECT 1 /* ; /* ; */ ; */;",
                &["SELECT 1"],
            ),
            (
                "SELECT :N, ':N', 1::int, a[1:n]",
                &["SELECT <N>, ':N', 1::int, a[1:n]"],
            ),
            ("CREATE DATABASE :\"T\"", &["CREATE DATABASE \"a\"\"b\""]),
            ("SELECT $1, é", &["SELECT $1, é"]),
            (" ;; ", &[]),
        ] {
            assert_eq!(lex(text).unwrap(), statements, "{text}");
        }
    }

    #[test]
    fn what_can_not_be_sent_is_said_before_anything_is() {
        for (text, why) in [
            ("SELECT :NOPE", "NOPE is not set"),
            ("VACUUM :N", "VACUUM takes no values"),
            ("SELECT 'x", "is not closed"),
            ("SELECT $a$ x", "$a$ is not closed"),
            ("SELECT /* x", "/* is not closed"),
        ] {
            let said = lex(text).unwrap_err();
            assert!(said.contains(why), "{text}: {said}");
        }
    }

    #[test]
    fn what_acts_is_told_from_what_only_looks() {
        for text in [
            "SELECT 1",
            "-- UPDATE\nwith a AS (SELECT 1) TABLE a; show port;",
            "SELECT pg_current_wal_lsn(), pg_stat_get_db_numbackends(1), set_config FROM t",
            "SELECT ':N', :V",
        ] {
            assert!(only_looks(text), "{text}");
        }
        for (text, acts) in [
            ("UPDATE t SET a = 1", "UPDATE"),
            ("commit", "COMMIT"),
            (
                "SELECT pg_terminate_backend (7)",
                "call pg_terminate_backend (",
            ),
            ("SELECT \"pg_promote\"()", "call pg_promote\"("),
            ("SELECT PG_SWITCH_WAL()", "call PG_SWITCH_WAL("),
            (
                "SELECT pg_stat_statements_reset()",
                "call pg_stat_statements_reset(",
            ),
            ("SELECT * FROM dblink('x', 'y')", "call dblink("),
        ] {
            assert!(!only_looks(text), "{text}");
            let statements = cut(text, |_| None, str::to_owned).unwrap();
            assert_eq!(statements[0].acts().as_deref(), Some(acts));
        }
        for text in ["", " ; ", "SELECT 'open"] {
            assert!(!only_looks(text), "{text}");
        }
    }
}
