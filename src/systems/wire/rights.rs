//! What this login may do in a cluster: asked of the API server itself (`SelfSubjectAccessReview`), which tries nothing.

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::Api;
use kube::api::PostParams;

use super::kube::{Cluster, ask};
use crate::incident::reading::Verdict;

/// A verb on a kind of object: `right("patch", "apps", "deployments")`.
pub fn right(verb: &str, group: &str, resource: &str) -> ResourceAttributes {
    ResourceAttributes {
        verb: Some(verb.to_owned()),
        group: Some(group.to_owned()),
        resource: Some(resource.to_owned()),
        ..ResourceAttributes::default()
    }
}

/// Those of `rights` that the login has not, or that can't be asked about; `on` is the target.
pub async fn forbidden(
    cluster: &Cluster,
    on: &str,
    rights: Vec<ResourceAttributes>,
) -> Vec<Verdict> {
    if rights.is_empty() {
        return Vec::new();
    }
    let client = match cluster.client(on).await {
        Ok(client) => client,
        Err(failure) => return vec![Verdict::unknown(failure.to_string())],
    };
    let mut forbidden = Vec::new();
    for right in rights {
        let words = words(&right);
        let review = SelfSubjectAccessReview {
            spec: SelfSubjectAccessReviewSpec {
                resource_attributes: Some(right),
                ..SelfSubjectAccessReviewSpec::default()
            },
            ..SelfSubjectAccessReview::default()
        };
        let api: Api<SelfSubjectAccessReview> = Api::all(client.clone());
        let what = format!("ask whether it may {words}");
        let params = PostParams::default();
        match ask((on, &what), api.create(&params, &review)).await {
            Err(failure) => forbidden.push(Verdict::unknown(failure.to_string())),
            Ok(answer) if answer.status.as_ref().is_some_and(|status| status.allowed) => {}
            Ok(_) => forbidden.push(Verdict::measured(
                false,
                format!("{on}: this login may not {words} — ask for this permission"),
            )),
        }
    }
    forbidden
}

/// `patch deployments.apps in shop`, as kubectl's errors name it.
fn words(right: &ResourceAttributes) -> String {
    let text = |part: &Option<String>| part.clone().unwrap_or_default();
    let mut words = format!("{} {}", text(&right.verb), text(&right.resource));
    if let Some(group) = right.group.as_deref().filter(|group| !group.is_empty()) {
        words = format!("{words}.{group}");
    }
    if let Some(part) = &right.subresource {
        words = format!("{words}/{part}");
    }
    match &right.namespace {
        Some(namespace) => format!("{words} in {namespace}"),
        None => words,
    }
}
