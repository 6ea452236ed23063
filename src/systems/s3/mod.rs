//! Backups in S3: the newest object below a prefix, how many there are, how large they usually are.

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::types::Object;
use futures_util::future::{BoxFuture, FutureExt};

use super::probe::Probe;
use super::wire::aws::{Accounts, Service, time};
use crate::incident::acts::files::{BackupFile, Checksum, FilesSight};
use crate::incident::measure::Size;
use crate::incident::reading::{Failure, FailureKind, Sight};
use crate::incident::site::{AwsAccount, Target};

/// Pages of a thousand objects that are read at most: a prefix with more is too wide.
const PAGES: usize = 20;

/// Objects below a prefix.
pub struct S3 {
    bucket: String,
    prefix: String,
    service: Service<Client>,
}

impl S3 {
    /// The objects of `target`; nothing is connected yet.
    pub fn new(
        target: &Target,
        (bucket, prefix): (&str, &str),
        account: (&AwsAccount, &Accounts),
    ) -> Self {
        // An endpoint of one's own has no name for each bucket.
        let client: fn(&SdkConfig) -> Client = match account.0.endpoint.is_some() {
            true => {
                |config| Client::from_conf(Builder::from(config).force_path_style(true).build())
            }
            false => Client::new,
        };
        Self {
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            service: Service::new(target, account, client),
        }
    }

    async fn list(&self) -> Result<Sight, Failure> {
        let (mut objects, mut next) = (Vec::new(), None);
        for _ in 0..PAGES {
            let request = async {
                let request = self.service.client().await.list_objects_v2();
                let request = request.bucket(&self.bucket).prefix(&self.prefix);
                request.set_continuation_token(next.take()).send().await
            };
            let page = self.service.ask("ListObjectsV2", request).await?;
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
            &self.service.on,
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
            at: time(at)?,
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
