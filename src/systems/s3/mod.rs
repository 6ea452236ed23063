//! Backups in S3: the newest object below a prefix, how many there are, how large they usually are; and fetched from there.

mod acts;

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::types::Object;
use futures_util::future::{BoxFuture, FutureExt, TryFutureExt};

use super::wire;
use super::wire::aws::{Accounts, Service, time};
use super::wire::policy::Caller;
use super::{Output, System};
use crate::incident::acts::Act;
use crate::incident::acts::files::{BackupFile, Checksum, FilesSight};
use crate::incident::acts::orders::words_to;
use crate::incident::measure::Size;
use crate::incident::names::TargetId;
use crate::incident::reading::{Failure, FailureKind, Observation, Outcome, Sight, Verdict};
use crate::incident::runbook;
use crate::incident::site::{AwsAccount, Target};

/// Pages of a thousand objects that are read at most: a prefix with more is too wide.
const PAGES: usize = 20;

/// Objects below a prefix.
pub struct S3 {
    id: TargetId,
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
            id: target.id.clone(),
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            service: Service::new(target, account, client),
        }
    }

    async fn objects(&self) -> Result<Vec<Object>, Failure> {
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
                return Ok(objects);
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

impl System for S3 {
    fn observe(&self) -> BoxFuture<'_, Observation> {
        let look = self
            .objects()
            .map_ok(|objects| Sight::Files(sight(&objects)));
        let look = wire::within(&self.service.on, self.service.timeout, look);
        wire::observed(&self.id, look).boxed()
    }

    fn perform<'a>(&'a self, act: &'a Act, out: &'a Output) -> BoxFuture<'a, Outcome> {
        self.carry_out(act, out).map(wire::outcome).boxed()
    }

    fn forbidden<'a>(&'a self, acts: &'a [Act]) -> BoxFuture<'a, Vec<Verdict>> {
        let any = words_to(acts, runbook::System::S3).next();
        let actions = Vec::from_iter(any.map(|_| "s3:GetObject"));
        async move {
            let arn = |caller: &Caller| {
                let (partition, bucket, prefix) = (&caller.partition, &self.bucket, &self.prefix);
                format!("arn:{partition}:s3:::{bucket}/{prefix}*")
            };
            self.service.forbidden(&actions, arn).await
        }
        .boxed()
    }
}
