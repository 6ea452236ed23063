//! Backups in S3: the newest object below a prefix, how many there are, how large they usually are.

use aws_sdk_s3::Client;
use aws_sdk_s3::types::Object;
use chrono::DateTime;
use futures_util::future::{BoxFuture, FutureExt};
use tokio::sync::OnceCell;

use super::probe::Probe;
use super::wire;
use super::wire::aws::{Account, Accounts, ask};
use crate::incident::acts::files::{BackupFile, Checksum, FilesSight};
use crate::incident::measure::Size;
use crate::incident::reading::{Failure, FailureKind, Sight};
use crate::incident::site::{AwsAccount, Target};

/// Pages of a thousand objects that are read at most: a prefix with more is too wide.
const PAGES: usize = 20;

/// Objects below a prefix.
pub struct S3 {
    on: String,
    timeout: std::time::Duration,
    bucket: String,
    prefix: String,
    account: Account,
    client: OnceCell<Client>,
}

impl S3 {
    /// The objects of `target`; nothing is connected yet.
    pub fn new(
        target: &Target,
        (bucket, prefix): (&str, &str),
        account: &AwsAccount,
        accounts: &Accounts,
    ) -> Self {
        Self {
            on: wire::on(target),
            timeout: target.timeout,
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            account: accounts.of(account),
            client: OnceCell::new(),
        }
    }

    async fn client(&self) -> &Client {
        let client = async || {
            let config = aws_sdk_s3::config::Builder::from(self.account.config().await);
            // An endpoint of one's own has no name for each bucket.
            Client::from_conf(config.force_path_style(self.account.is_elsewhere()).build())
        };
        self.client.get_or_init(client).await
    }

    async fn list(&self) -> Result<Sight, Failure> {
        let (mut objects, mut next) = (Vec::new(), None);
        for _ in 0..PAGES {
            let request = async {
                let request = self.client().await.list_objects_v2();
                let request = request.bucket(&self.bucket).prefix(&self.prefix);
                request.set_continuation_token(next.take()).send().await
            };
            let page = ask((&self.on, "ListObjectsV2"), self.timeout, request).await?;
            next = page.next_continuation_token().map(str::to_owned);
            objects.extend(page.contents.into_iter().flatten());
            if next.is_none() {
                return Ok(Sight::Files(sight(&objects)));
            }
        }
        let what = format!("ListObjectsV2: more than {} objects", PAGES * 1_000);
        let advice = "give the target a longer prefix";
        Err(Failure::new(
            FailureKind::Unsupported,
            &self.on,
            what,
            advice,
        ))
    }
}

fn sight(objects: &[Object]) -> FilesSight {
    let file = |object: &Object| {
        let at = object.last_modified()?;
        let size = u64::try_from(object.size().unwrap_or(0))
            .ok()
            .filter(|size| *size > 0)?;
        Some(BackupFile {
            name: object.key()?.to_owned(),
            at: DateTime::from_timestamp(at.secs(), at.subsec_nanos())?,
            size: Some(Size(size)),
            checksum: Checksum::NotAsked,
        })
    };
    let whole: Vec<BackupFile> = objects.iter().filter_map(file).collect();
    let incomplete = objects.len() - whole.len();
    FilesSight::of(whole, incomplete)
}

impl Probe for S3 {
    fn look(&self) -> BoxFuture<'_, Result<Sight, Failure>> {
        self.list().boxed()
    }
}
