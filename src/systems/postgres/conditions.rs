//! What is asked of one server. The judgement is `incident::asked`'s; here is only the asking.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::Postgres;
use crate::incident::acts::Condition;
use crate::incident::acts::postgres::PgCondition;
use crate::incident::asked;
use crate::incident::reading::{Failure, FailureKind, Verdict};
use crate::systems::wire::pg::{Limits, Session, failure, identifier};

/// How long counting the rows of a database may take.
const COUNT_TIMEOUT: Duration = Duration::from_secs(600);

impl Postgres {
    pub(super) async fn judge(&self, condition: &Condition) -> Result<Verdict, Failure> {
        let id = &self.target.id;
        match condition {
            Condition::Reachable { .. } => Ok(asked::reachable(id, self.sight().await.as_ref())),
            Condition::Postgres(PgCondition::Writable { .. }) => {
                Ok(asked::writable(id, &self.sight().await?))
            }
            Condition::Postgres(PgCondition::ReadOnly { .. }) => {
                Ok(asked::read_only(id, &self.sight().await?))
            }
            Condition::Postgres(PgCondition::Fenced { .. }) => {
                let sight = self.sight().await;
                let host = match &sight {
                    Ok(_) => None,
                    Err(_) => self.host_word().await,
                };
                Ok(asked::fenced(id, sight.as_ref(), host.as_ref()))
            }
            Condition::Postgres(PgCondition::RowCounts {
                database,
                baseline,
                tolerance,
                ..
            }) => {
                let expected = self.baseline(baseline)?;
                let found = self.count(database.as_deref(), &expected).await?;
                let of = database.as_deref().unwrap_or("its database");
                Ok(asked::row_counts(of, &expected, &found, *tolerance))
            }
            _ => Ok(Verdict::unknown(format!(
                "{id} alone can't tell: this is judged from both ends of a link"
            ))),
        }
    }

    /// A JSON object of table → rows, as it was recorded with a backup.
    fn baseline(&self, path: &str) -> Result<BTreeMap<String, u64>, Failure> {
        let local = |why: String| {
            Failure::new(
                FailureKind::Local,
                self.on(),
                format!("row counts: {path}: {why}"),
                "it must be a JSON object of table and rows",
            )
        };
        let text = std::fs::read_to_string(path).map_err(|e| local(e.to_string()))?;
        serde_json::from_str(&text).map_err(|e| local(e.to_string()))
    }

    /// Rows of every table of a database, counted in one snapshot.
    async fn count(
        &self,
        database: Option<&str>,
        expected: &BTreeMap<String, u64>,
    ) -> Result<BTreeMap<String, u64>, Failure> {
        let limits = Limits {
            statement: Some(COUNT_TIMEOUT),
            // Recovery up to just before a DROP TABLE pauses holding the lock: a count would wait for ever.
            lock: Duration::from_secs(5),
        };
        let connecting = Instant::now() + self.target.timeout;
        let session = self.door.open(database, limits, connecting).await?;
        let counting = count_all(&session, expected);
        match timeout_at(Instant::now() + COUNT_TIMEOUT, counting).await {
            Ok(counts) => counts.map_err(|e| failure::of(&e, self.on(), "count rows")),
            Err(_) => Err(failure::timed_out(self.on(), "count rows", COUNT_TIMEOUT)),
        }
    }
}

/// Every ordinary or partitioned table of users; a partition is counted with its parent.
const TABLES: &str = "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%' ORDER BY 1, 2";

async fn count_all(
    session: &Session,
    expected: &BTreeMap<String, u64>,
) -> Result<BTreeMap<String, u64>, tokio_postgres::Error> {
    let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;";
    let tables = session.rows(&format!("{begin} {TABLES}")).await?;
    let mut found = BTreeMap::new();
    for row in &tables {
        let (schema, table) = (
            row.get(0).unwrap_or_default(),
            row.get(1).unwrap_or_default(),
        );
        let full = format!("{schema}.{table}");
        let name = match schema {
            "public" if !expected.contains_key(&full) => table.to_owned(),
            _ => full,
        };
        let quoted = format!("{}.{}", identifier(schema), identifier(table));
        let counted = session
            .rows(&format!("SELECT count(*) FROM {quoted}"))
            .await?;
        let rows = counted.first().and_then(|row| row.get(0)?.parse().ok());
        found.insert(name, rows.unwrap_or_default());
    }
    session.rows("COMMIT").await?;
    Ok(found)
}
