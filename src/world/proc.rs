//! Processes by what `/proc` says of them. A pid alone names nobody: with its start time and the boot it does.

use std::fs;

use super::clock;

/// What is read of `/proc/PID/stat`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    /// The program's short name.
    pub name: String,
    /// `R`, `S`, `Z`, …
    pub state: char,
    /// Its process group.
    pub group: u32,
    /// Its start in clock ticks since boot (field 22).
    pub start_time: u64,
}

/// What `/proc` says of a process; none when it is not there.
pub fn stat(pid: u32) -> Option<Stat> {
    parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The name stands in parentheses and may hold any characters, so the last `)` ends it.
fn parse(line: &str) -> Option<Stat> {
    let (before, after) = line.rsplit_once(')')?;
    let (_, name) = before.split_once('(')?;
    let fields: Vec<&str> = after.split_whitespace().collect();
    Some(Stat {
        name: name.to_owned(),
        state: fields.first()?.chars().next()?,
        group: fields.get(2)?.parse().ok()?,
        start_time: fields.get(19)?.parse().ok()?,
    })
}

/// Whether that very process runs: same boot, same start, not a zombie.
pub fn runs(pid: u32, start_time: u64, boot_id: &str) -> bool {
    let same = |stat: Stat| stat.start_time == start_time && !matches!(stat.state, 'Z' | 'X');
    boot_id == clock::boot_id() && stat(pid).is_some_and(same)
}

/// The living processes of a group: pid and name.
pub fn group(group: u32) -> Vec<(u32, String)> {
    let Ok(names) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let pids = names
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(|pid| stat(pid).map(|stat| (pid, stat)))
        .filter(|(_, stat)| stat.group == group && !matches!(stat.state, 'Z' | 'X'))
        .map(|(pid, stat)| (pid, stat.name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let line = "42 (a) b (c) S 1 40 40 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 777 1 1";
        let stat = parse(line).unwrap();
        assert_eq!((stat.name.as_str(), stat.state), ("a) b (c", 'S'));
        assert_eq!((stat.group, stat.start_time), (40, 777));
    }

    #[test]
    fn another_start_time_or_boot_is_another_process() {
        let me = std::process::id();
        let mine = stat(me).unwrap().start_time;
        assert!(runs(me, mine, clock::boot_id()));
        assert!(!runs(me, mine + 1, clock::boot_id()));
        assert!(!runs(me, mine, "another boot"));
    }
}
