//! How long the logins of a site's AWS accounts last, as far as the credentials say: for `warroom check --live`.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_credential_types::provider::ProvideCredentials as _;
use chrono::{DateTime, Utc};
use tokio::time::timeout;

use super::wire::aws::{Account, Accounts};
use crate::incident::measure::Span;
use crate::incident::reading::Verdict;
use crate::incident::site::{AwsAccount, Site};

/// How long a login may take: a program that gives the keys may hang.
const WITHIN: Duration = Duration::from_secs(15);

/// Each login by its name, with its end. One that fails is not here: every target that wants it says why.
pub async fn ends(site: &Site) -> Vec<(String, Verdict)> {
    let accounts = Accounts::default();
    let used = site.targets.iter().filter_map(|t| t.endpoint.account());
    // Regions share a login.
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for account in used.filter(|account| seen.insert(account.profile.clone())) {
        if let Some(end) = end(&accounts.of(account)).await {
            found.push((name(account), verdict(end, Utc::now())));
        }
    }
    found
}

fn name(account: &AwsAccount) -> String {
    match &account.profile {
        Some(profile) => format!("AWS profile {profile}"),
        None => "AWS login".to_owned(),
    }
}

/// When the credentials end; none of those inside when they have no end; none when there are none.
async fn end(account: &Account) -> Option<Option<DateTime<Utc>>> {
    let asked = async {
        let provider = account.config().await.credentials_provider()?;
        provider.provide_credentials().await.ok()
    };
    let credentials = timeout(WITHIN, asked).await.ok()??;
    Some(credentials.expiry().map(DateTime::from))
}

fn verdict(end: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Verdict {
    let Some(end) = end else {
        return Verdict::measured(true, "the login has no end");
    };
    let at = end.format("%H:%M UTC");
    match (end - now).to_std() {
        Ok(left) => Verdict::measured(true, format!("the login ends at {at}, in {}", Span(left))),
        Err(_) => Verdict::measured(false, format!("the login ended at {at} — log in again")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::reading::Holds;

    #[test]
    fn a_login_that_has_ended_is_a_fault() {
        let now: DateTime<Utc> = "2026-11-21T14:00:00Z".parse().unwrap();
        let in_minutes = |minutes| verdict(Some(now + chrono::TimeDelta::minutes(minutes)), now);
        let (later, before) = (in_minutes(42), in_minutes(-1));
        assert_eq!(
            later.saw.as_str(),
            "the login ends at 14:42 UTC, in 42 m 00 s"
        );
        assert_eq!(
            before.saw.as_str(),
            "the login ended at 13:59 UTC — log in again"
        );
        assert_eq!((later.holds, before.holds), (Holds::Yes, Holds::No));
        assert_eq!(verdict(None, now).holds, Holds::Yes);
    }
}
