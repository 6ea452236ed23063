//! `~/.pgpass`, read as libpq reads it: one `host:port:database:user:password` a line, `*` for any, `\` before `:` and `\`.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

/// What the password file has to say.
pub(super) struct Found {
    /// The password of the first line that matches.
    pub(super) password: Option<SecretString>,
    /// Why there is none, for the advice of a refused login; `None` when there is no such file at all.
    pub(super) why_not: Option<String>,
}

impl Found {
    fn nothing(why: Option<String>) -> Self {
        Found {
            password: None,
            why_not: why,
        }
    }
}

/// Looks a password up in `$PGPASSFILE`, else in `~/.pgpass`. A file that others may read is not used, as by libpq.
pub(super) fn look_up(host: &str, port: u16, dbname: &str, user: &str) -> Found {
    let home = || std::env::home_dir().map(|home| home.join(".pgpass"));
    match std::env::var_os("PGPASSFILE")
        .map(PathBuf::from)
        .or_else(home)
    {
        Some(path) => in_file(&path, [host, &port.to_string(), dbname, user]),
        None => Found::nothing(None),
    }
}

fn in_file(path: &Path, login: [&str; 4]) -> Found {
    let shown = path.display();
    let Ok(metadata) = std::fs::metadata(path) else {
        return Found::nothing(None);
    };
    if metadata.mode() & 0o077 != 0 {
        return Found::nothing(Some(format!(
            "{shown} may be read by others and was not used: chmod 600 {shown}"
        )));
    }
    match std::fs::read_to_string(path) {
        Err(error) => Found::nothing(Some(format!("{shown} was not used: {error}"))),
        Ok(text) => match text.lines().find_map(|line| matching(line, login)) {
            Some(password) => Found {
                password: Some(SecretString::from(password)),
                why_not: None,
            },
            None => Found::nothing(Some(format!("{shown} has no line for this login"))),
        },
    }
}

/// The password of a line, when its first four fields are the login's.
fn matching(line: &str, login: [&str; 4]) -> Option<String> {
    if line.starts_with('#') {
        return None;
    }
    let fields = fields(line);
    let [host, port, dbname, user, password] = fields.as_slice() else {
        return None;
    };
    [host, port, dbname, user]
        .iter()
        .zip(login)
        .all(|(field, wanted)| *field == "*" || *field == wanted)
        .then(|| password.clone())
}

/// Splits at the first four bare colons; the password keeps any further ones.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        let last = fields.len() - 1;
        match c {
            '\\' => fields[last].extend(chars.next()),
            ':' if fields.len() < 5 => fields.push(String::new()),
            c => fields[last].push(c),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use secrecy::ExposeSecret;

    use super::*;

    const LOGIN: [&str; 4] = ["db-west", "5432", "app", "warroom"];

    #[test]
    fn a_line_matches_as_libpq_matches_it() {
        let table = [
            ("db-west:5432:app:warroom:s3cret", Some("s3cret")),
            ("*:*:*:warroom:s3cret", Some("s3cret")),
            (r"*:*:*:warroom:with\:colon\\", Some(r"with:colon\")),
            ("*:*:*:warroom:a:b", Some("a:b")),
            ("db-east:5432:app:warroom:no", None),
            ("*:5433:*:warroom:no", None),
            ("# *:*:*:*:no", None),
            ("nonsense", None),
        ];
        for (line, password) in table {
            assert_eq!(matching(line, LOGIN).as_deref(), password, "{line}");
        }
    }

    #[test]
    fn a_file_that_others_may_read_is_not_used_and_that_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pgpass");
        std::fs::write(&path, "*:*:*:warroom:s3cret\n").unwrap();
        for (mode, used) in [(0o600, true), (0o640, false)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let found = in_file(&path, LOGIN);
            assert_eq!(
                found
                    .password
                    .as_ref()
                    .map(|p| p.expose_secret().to_owned()),
                used.then(|| "s3cret".to_owned())
            );
            assert_eq!(
                found.why_not.is_some_and(|why| why.contains("chmod 600")),
                !used
            );
        }
        assert!(
            in_file(&folder.path().join("none"), LOGIN)
                .why_not
                .is_none()
        );
    }
}
