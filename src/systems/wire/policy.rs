//! What this login may do in an account: asked of IAM's policy simulator, which tries nothing.

use aws_sdk_iam::types::PolicyEvaluationDecisionType::Allowed;
use aws_sdk_iam::types::{EvaluationResult, PolicyEvaluationDecisionType};

use super::aws::Service;
use crate::incident::reading::{Failure, Verdict};

/// Whose login it is.
pub struct Caller {
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
    /// The account's twelve digits.
    pub account: String,
    /// Whose policies count: `arn:aws:iam::123456789012:role/oncall`.
    pub principal: String,
}

impl Caller {
    /// Reads what STS says who one is. Of an assumed role the policies are the role's.
    fn read(arn: &str) -> Option<Self> {
        let mut parts = arn.splitn(6, ':').skip(1);
        let (partition, service) = (parts.next()?, parts.next()?);
        let (_, account, name) = (parts.next()?, parts.next()?, parts.next()?);
        let principal = match name.strip_prefix("assumed-role/") {
            Some(role) => {
                let role = role.split('/').next()?;
                format!("arn:{partition}:iam::{account}:role/{role}")
            }
            None if service == "sts" => format!("arn:{partition}:iam::{account}:{name}"),
            None => arn.to_owned(),
        };
        Some(Self {
            partition: partition.to_owned(),
            account: account.to_owned(),
            principal,
        })
    }

    /// The role, where it is one.
    fn role(&self) -> Option<&str> {
        self.principal.split_once(":role/").map(|(_, name)| name)
    }

    /// The name of something in the account.
    pub fn arn(&self, service: &str, region: &str, rest: &str) -> String {
        let (partition, account) = (&self.partition, &self.account);
        format!("arn:{partition}:{service}:{region}:{account}:{rest}")
    }

    /// The root user has every permission, and no policy to simulate.
    fn is_root(&self) -> bool {
        self.principal.ends_with(":root")
    }
}

impl<C> Service<C> {
    /// Those of `actions` that the login may not do to a resource, or that can't be asked about. `resource` writes its ARN.
    pub async fn forbidden(
        &self,
        actions: &[&str],
        resource: impl Fn(&Caller) -> String,
    ) -> Vec<Verdict> {
        if actions.is_empty() {
            return Vec::new();
        }
        let asked = async {
            let caller = self.caller().await?;
            let resource = resource(&caller);
            let denied = match caller.is_root() {
                true => Vec::new(),
                false => self.denied(&caller, actions, &resource).await?,
            };
            let words = denied.iter().map(|denied| {
                let action = denied.eval_action_name();
                let words = format!("{} may not {action} on {resource}", caller.principal);
                let on = &self.on;
                Verdict::measured(false, format!("{on}: {words} — ask for this permission"))
            });
            Ok::<_, Failure>(words.collect())
        };
        asked
            .await
            .unwrap_or_else(|failure| vec![Verdict::unknown(failure.to_string())])
    }

    async fn caller(&self) -> Result<Caller, Failure> {
        let client = aws_sdk_sts::Client::new(self.config().await);
        let request = client.get_caller_identity().send();
        let seen = self.ask("GetCallerIdentity", request).await?;
        let arn = seen.arn().unwrap_or_default();
        let mut caller = Caller::read(arn).ok_or_else(|| {
            let what = format!("GetCallerIdentity: {arn:?} is nobody's name");
            self.missing(what, "check the endpoint")
        })?;
        if let Some(role) = caller.role() {
            // A session doesn't say what path its role has, and the roles of single sign-on have one.
            let client = aws_sdk_iam::Client::new(self.config().await);
            let request = client.get_role().role_name(role).send();
            let found = self.ask("GetRole", request).await?;
            let arn = found.role().map(|role| role.arn().to_owned());
            caller.principal = arn.unwrap_or(caller.principal);
        }
        Ok(caller)
    }

    async fn denied(
        &self,
        caller: &Caller,
        actions: &[&str],
        resource: &str,
    ) -> Result<Vec<EvaluationResult>, Failure> {
        let client = aws_sdk_iam::Client::new(self.config().await);
        let request = client
            .simulate_principal_policy()
            .policy_source_arn(&caller.principal)
            .set_action_names(Some(actions.iter().map(|&name| name.to_owned()).collect()))
            .resource_arns(resource)
            .send();
        let answer = self.ask("SimulatePrincipalPolicy", request).await?;
        let allowed = |decision: &PolicyEvaluationDecisionType| *decision == Allowed;
        let results = answer.evaluation_results.unwrap_or_default().into_iter();
        let denied = results.filter(|result| !allowed(result.eval_decision()));
        Ok(denied.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policies_of_an_assumed_role_are_the_roles() {
        for (arn, principal) in [
            (
                "arn:aws:iam::123456789012:user/ana",
                "arn:aws:iam::123456789012:user/ana",
            ),
            (
                "arn:aws-cn:sts::123456789012:assumed-role/oncall/ana@laptop",
                "arn:aws-cn:iam::123456789012:role/oncall",
            ),
            (
                "arn:aws:iam::123456789012:root",
                "arn:aws:iam::123456789012:root",
            ),
        ] {
            assert_eq!(Caller::read(arn).unwrap().principal, principal);
        }
        assert!(Caller::read("nobody").is_none());
    }
}
