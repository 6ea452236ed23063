//! Orders to ECS: a new deployment, another number of tasks, the task definition before. Done when the service is stable.

use std::time::Duration;

use aws_sdk_ecs::types::{Service, SortOrder, TaskDefinitionStatus};

use super::{Ecs, failed, judged, stable};
use crate::incident::acts::Act;
use crate::systems::Output;
use crate::systems::wire::watched::{Look, watched};
use crate::systems::wire::{self, Wrong};

/// How often the service is asked while it changes, and for how long.
const EVERY: Duration = Duration::from_secs(2);
const STABLE_WITHIN: Duration = Duration::from_secs(1_200);

/// What is changed of the service.
#[derive(Default)]
struct Change {
    tasks: Option<i32>,
    definition: Option<String>,
    anew: bool,
}

impl Ecs {
    pub(super) async fn carry_out(&self, act: &Act, out: &Output) -> Result<String, Wrong> {
        let order = match act {
            Act::Order(order) if order.target == self.id => order,
            other => {
                return Err(Wrong::Undone(wire::not_known(
                    &self.service.on,
                    other.word(),
                )));
            }
        };
        let before = self.describe().await.map_err(Wrong::Undone)?;
        let change = match order.word.as_str() {
            "redeploy" => Change {
                anew: true,
                ..Change::default()
            },
            "scale" => Change {
                tasks: Some(self.number(order.arg("tasks"))?),
                ..Change::default()
            },
            "undo" => Change {
                definition: Some(self.definition_before(&before).await?),
                ..Change::default()
            },
            _ => return Err(Wrong::Undone(wire::not_known(&self.service.on, act.word()))),
        };
        let (tasks, definition) = (
            before.desired_count(),
            before.task_definition().unwrap_or("none"),
        );
        out.line(format!(
            "{} before: {tasks} tasks of {}",
            self.name,
            short(definition)
        ));
        self.update(change, out).await?;
        self.became_stable(out).await
    }

    async fn update(&self, change: Change, out: &Output) -> Result<(), Wrong> {
        if let Some(definition) = &change.definition {
            out.line(format!("{}: back to {}", self.name, short(definition)));
        }
        let request = self.service.client().await.update_service();
        let request = request
            .cluster(&self.cluster)
            .service(&self.name)
            .set_desired_count(change.tasks)
            .set_task_definition(change.definition)
            .force_new_deployment(change.anew);
        self.service.order("UpdateService", request.send()).await?;
        Ok(())
    }

    async fn became_stable(&self, out: &Output) -> Result<String, Wrong> {
        let look = || async move {
            let name = &self.name;
            match self.describe().await {
                Ok(service) if failed(&service) => {
                    let what = format!("{name}: {}", judged(&service).words);
                    Look::Failed(self.service.undone(what, "see the service's events"))
                }
                Ok(service) => {
                    let words = format!("{name}: {}", judged(&service).words);
                    if stable(&service) {
                        Look::Done(words)
                    } else {
                        Look::Still(words)
                    }
                }
                Err(failure) => Look::Still(format!("{name}: {}", failure.what)),
            }
        };
        let advice = "ECS took the order: see the service's events";
        let lost = |what: String| self.service.lost(what, advice);
        watched(out, (STABLE_WITHIN, EVERY), lost, look).await
    }

    /// The newest active task definition of the family before the one that runs.
    async fn definition_before(&self, service: &Service) -> Result<String, Wrong> {
        let now = service.task_definition().unwrap_or_default();
        let (family, revision) = parts(now).ok_or_else(|| {
            self.service.undone(
                format!("undo: {now:?} names no revision"),
                "name one by hand",
            )
        })?;
        let request = async {
            let request = self.service.client().await.list_task_definitions();
            let request = request
                .family_prefix(family)
                .status(TaskDefinitionStatus::Active);
            request.sort(SortOrder::Desc).send().await
        };
        let all = self.service.ask("ListTaskDefinitions", request).await;
        let all = all.map_err(Wrong::Undone)?;
        let earlier = all
            .task_definition_arns()
            .iter()
            .filter(|arn| parts(arn).is_some_and(|(of, number)| of == family && number < revision));
        let newest = earlier.max_by_key(|arn| parts(arn).map(|(_, number)| number));
        newest.cloned().ok_or_else(|| {
            let what = format!("undo: {family} has no active revision before {revision}");
            self.service.undone(what, "register the one before again")
        })
    }

    fn number(&self, text: &str) -> Result<i32, Wrong> {
        let number = text.parse().ok().filter(|number: &i32| *number >= 0);
        number.ok_or_else(|| {
            self.service
                .undone(format!("{text:?} is no number of tasks"), "write a number")
        })
    }
}

/// Family and revision of a task definition's ARN, `…:task-definition/web:7`.
fn parts(arn: &str) -> Option<(&str, u32)> {
    let (family, revision) = short(arn).rsplit_once(':')?;
    Some((family, revision.parse().ok()?))
}

fn short(arn: &str) -> &str {
    arn.rsplit_once('/').map_or(arn, |(_, name)| name)
}
