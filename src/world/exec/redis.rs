use super::*;
pub(super) async fn run(_cx: &Context<'_>, _on: &TargetId, _text: &str) -> Ran {
    Ran::refused("stub")
}
