use super::*;
pub(super) async fn run(_cx: &Context<'_>, _text: &str, _e: bool) -> Ran {
    Ran::refused("stub")
}
pub(super) fn only_looks(_t: &str) -> bool {
    false
}
pub(super) async fn look(_v: &Vars, _t: &str, _e: bool) -> Result<String, Failure> {
    Ok(String::new())
}
