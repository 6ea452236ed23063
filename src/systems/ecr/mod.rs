//! An image in ECR: whether the standby region could start what the primary one runs.

use aws_sdk_ecr::Client;
use aws_sdk_ecr::types::ImageIdentifier;
use chrono::Utc;
use futures_util::future::{BoxFuture, FutureExt};

use super::probe::Probe;
use super::wire::aws::{Accounts, Service, time};
use crate::incident::acts::check::{CheckSight, CheckState};
use crate::incident::measure::Age;
use crate::incident::reading::{Failure, FailureKind, Sight};
use crate::incident::site::{AwsAccount, Target};

/// One image by its tag.
pub struct Ecr {
    repository: String,
    tag: String,
    service: Service<Client>,
}

impl Ecr {
    /// The image of `target`; nothing is connected yet.
    pub fn new(
        target: &Target,
        (repository, tag): (&str, &str),
        account: (&AwsAccount, &Accounts),
    ) -> Self {
        Self {
            repository: repository.to_owned(),
            tag: tag.to_owned(),
            service: Service::new(target, account, Client::new),
        }
    }

    async fn ask(&self) -> Result<Sight, Failure> {
        let request = async {
            let request = self.service.client().await.describe_images();
            let image = ImageIdentifier::builder().image_tag(&self.tag).build();
            request
                .repository_name(&self.repository)
                .image_ids(image)
                .send()
                .await
        };
        let answer = self.service.ask("DescribeImages", request).await;
        let found = match answer {
            Ok(answer) => answer.image_details.into_iter().flatten().next(),
            // A repository that is not there holds no image either, and says so in the same way.
            Err(failure) if failure.kind == FailureKind::Missing => None,
            Err(failure) => return Err(failure),
        };
        let Some(image) = found else {
            let words = format!("no image {}:{}", self.repository, self.tag);
            return Ok(Sight::Check(CheckSight::new(CheckState::Breach, words)));
        };
        let pushed = image.image_pushed_at().and_then(time);
        let words = match pushed.and_then(|at| (Utc::now() - at).to_std().ok()) {
            Some(age) => format!("there, pushed {} ago", Age(age)),
            None => "there".to_owned(),
        };
        Ok(Sight::Check(CheckSight::new(CheckState::Fine, words)))
    }
}

impl Probe for Ecr {
    fn look(&self) -> BoxFuture<'_, Result<Sight, Failure>> {
        self.ask().boxed()
    }
}
