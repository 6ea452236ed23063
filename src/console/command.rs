//! The one table of commands: it feeds the keymap, the hints, the help and the palette.

/// What an operator can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Command {
    /// Declare an incident.
    Declare,
    /// Choose a runbook.
    Runbooks,
    /// Run the next action of the step, tick its next item, or answer its fork: asks first.
    RunStep,
    /// Skip the step, with a reason.
    Skip,
    /// Ask the site something, or add a step of one's own.
    Quick,
    /// Write a note into the timeline.
    Note,
    /// Acknowledge a rung of the ladder.
    Acknowledge,
    /// Roll the step back.
    Rollback,
    /// Go to another step out of order, with a reason.
    GoTo,
    /// Cancel the step that runs.
    Cancel,
    /// Say how an unknown step ended.
    Settle,
    /// See a step's whole output.
    Output,
    /// Change the severity.
    Severity,
    /// Take or hand over a role.
    Role,
    /// Say that users are served again.
    Mitigated,
    /// Leave the runbook that is shown, with a reason when steps are left.
    Leave,
    /// Resolve the incident.
    Resolve,
    /// Preview and write the post-mortem.
    PostMortem,
    /// Evaluate every check of the runbook, run nothing.
    DryRun,
    /// Let an exercise's time stand, or go on.
    Pause,
    /// Let it run faster.
    Faster,
    /// Let it run slower.
    Slower,
    /// Probe everything now.
    Refresh,
    /// Focus the next pane.
    NextPane,
    /// Focus the previous pane.
    PreviousPane,
    /// Focus pane 1.
    Regions,
    /// Focus pane 2.
    Replication,
    /// Focus pane 3.
    Backups,
    /// Focus pane 4.
    Clock,
    /// Focus the steps.
    Checklist,
    /// Focus what happened.
    Timeline,
    /// Show one pane large, or all again.
    Zoom,
    /// Move up.
    Up,
    /// Move down.
    Down,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the first row.
    Top,
    /// To the last row.
    Bottom,
    /// Copy what is shown to the terminal's clipboard.
    Copy,
    /// Choose a command by name.
    Palette,
    /// Show every key.
    Help,
    /// Stop the console in the background (ctrl-z).
    Suspend,
    /// Leave the console; steps that run go on.
    Quit,
}

/// A command as the keymap, the help and the palette know it.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// The command.
    pub command: Command,
    /// Its name in keymaps and in the palette.
    pub name: &'static str,
    /// What it does, as a sentence without its point.
    pub does: &'static str,
    /// The word shown in the hints; empty when it is never hinted.
    pub hint: &'static str,
}

const fn entry(
    command: Command,
    name: &'static str,
    hint: &'static str,
    does: &'static str,
) -> Entry {
    Entry {
        command,
        name,
        does,
        hint,
    }
}

/// Every command there is, in the help's order.
pub const COMMANDS: &[Entry] = &[
    entry(
        Command::Declare,
        "declare",
        "declare",
        "Declare an incident",
    ),
    entry(
        Command::Runbooks,
        "runbooks",
        "runbooks",
        "Choose a runbook",
    ),
    entry(
        Command::RunStep,
        "run",
        "run",
        "Run, tick or answer the step, after asking",
    ),
    entry(
        Command::Skip,
        "skip",
        "skip",
        "Skip the step, with a reason",
    ),
    entry(
        Command::Rollback,
        "undo",
        "undo",
        "Roll the step back, after asking",
    ),
    entry(
        Command::GoTo,
        "goto",
        "",
        "Go to another step out of order, with a reason",
    ),
    entry(
        Command::Cancel,
        "cancel",
        "cancel",
        "Cancel the step that runs",
    ),
    entry(
        Command::Settle,
        "settle",
        "settle",
        "Say how an unknown step ended",
    ),
    entry(
        Command::Output,
        "output",
        "output",
        "See the step's whole output",
    ),
    entry(
        Command::Quick,
        "quick",
        "ask",
        "Ask the site something, or add a step of your own",
    ),
    entry(
        Command::Note,
        "note",
        "note",
        "Write a note into the timeline",
    ),
    entry(
        Command::Acknowledge,
        "acknowledge",
        "acknowledge",
        "Acknowledge a rung of the ladder",
    ),
    entry(
        Command::Severity,
        "severity",
        "",
        "Change the severity, with a reason",
    ),
    entry(Command::Role, "role", "", "Say who has which role"),
    entry(
        Command::Mitigated,
        "mitigated",
        "",
        "Say that users are served again",
    ),
    entry(
        Command::Leave,
        "leave",
        "leave",
        "Leave the runbook, with a reason when steps are left",
    ),
    entry(
        Command::Resolve,
        "resolve",
        "resolve",
        "Resolve the incident",
    ),
    entry(
        Command::PostMortem,
        "postmortem",
        "post-mortem",
        "Preview and write the post-mortem",
    ),
    entry(
        Command::DryRun,
        "dry-run",
        "",
        "Evaluate every check of the runbook, run nothing",
    ),
    entry(
        Command::Pause,
        "pause",
        "",
        "Let a tabletop's time stand, or go on",
    ),
    entry(Command::Faster, "faster", "", "Let it run 5×, then 20×"),
    entry(Command::Slower, "slower", "", "Let it run slower again"),
    entry(Command::Refresh, "refresh", "", "Probe everything now"),
    entry(
        Command::NextPane,
        "next-pane",
        "next pane",
        "Focus the next pane",
    ),
    entry(
        Command::PreviousPane,
        "previous-pane",
        "",
        "Focus the previous pane",
    ),
    entry(Command::Regions, "regions", "", "Focus the regions"),
    entry(
        Command::Replication,
        "replication",
        "",
        "Focus the replication",
    ),
    entry(Command::Backups, "backups", "", "Focus the backups"),
    entry(Command::Clock, "clock", "", "Focus the clock"),
    entry(Command::Checklist, "checklist", "", "Focus the steps"),
    entry(Command::Timeline, "timeline", "", "Focus what happened"),
    entry(
        Command::Zoom,
        "zoom",
        "zoom",
        "Show the focused pane large, or all again",
    ),
    entry(Command::Up, "up", "", "Move up"),
    entry(Command::Down, "down", "", "Move down"),
    entry(Command::PageUp, "page-up", "", "Move a page up"),
    entry(Command::PageDown, "page-down", "", "Move a page down"),
    entry(Command::Top, "top", "", "Move to the first row"),
    entry(Command::Bottom, "bottom", "", "Move to the last row"),
    entry(
        Command::Copy,
        "copy",
        "",
        "Copy what is shown to the clipboard",
    ),
    entry(
        Command::Palette,
        "palette",
        "command",
        "Choose a command by its name",
    ),
    entry(Command::Help, "help", "help", "Show every key"),
    entry(Command::Suspend, "suspend", "", "Stop in the background"),
    entry(Command::Quit, "quit", "quit", "Leave; steps that run go on"),
];

impl Command {
    /// The command's row in [`COMMANDS`].
    pub fn entry(self) -> Option<&'static Entry> {
        COMMANDS.iter().find(|e| e.command == self)
    }

    /// The command of that name.
    pub fn named(name: &str) -> Option<Command> {
        COMMANDS.iter().find(|e| e.name == name).map(|e| e.command)
    }
}
