use super::*;
pub(super) async fn run(_cx: &Context<'_>, _on: &TargetId, _text: &str, _tx: bool) -> Ran {
    Ran::refused("stub")
}
pub(super) async fn look(
    _s: &Site,
    _v: &Vars,
    _on: &TargetId,
    _t: &str,
) -> Result<String, Failure> {
    Ok(String::new())
}
