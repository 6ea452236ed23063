//! Everything the console knows. The screen draws it, `update` changes it, nobody else touches it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use tui_input::Input;

use super::confirm::Ask;
use super::event::{Evaluation, Loaded, RequestId};
use super::key::Key;
use super::keymap::Keymap;
use super::quick::QuickForm;
use super::vitals::Vitals;
use crate::incident::clean::Clean;
use crate::incident::history::History;
use crate::incident::journal::{Actor, Incident, Mode, Note};
use crate::incident::judge::Standing;
use crate::incident::names::{BackupId, LinkId, RunbookId, SeverityId, StepId, TargetId};
use crate::incident::now::Now;
use crate::incident::reading::{Holds, Verdict};
use crate::incident::replication::LinkHistory;
use crate::incident::runbook::{ActionRef, Runbook};
use crate::incident::site::Site;
use crate::incident::track::Track;

/// The console's state.
#[derive(Debug)]
pub struct State {
    /// The site that is watched.
    pub site: Arc<Site>,
    /// Real, drill or tabletop.
    pub mode: Mode,
    /// Who sits here.
    pub actor: Actor,
    /// The newest instant the hall told of.
    pub now: Now,
    /// The same instant by the time of the operator's hands: in an exercise the world's time runs at a pace of its own.
    pub hand: Now,
    /// Columns and rows.
    pub size: (u16, u16),
    /// The panes' contents, derived at every update.
    pub vitals: Vitals,
    /// Runbooks that can be chosen.
    pub library: Arc<Vec<Loaded>>,
    /// The incident that is open.
    pub incident: Option<Incident>,
    /// The runbooks of its walks, by walk number: parsed from the bytes that were copied into the incident.
    pub walks: BTreeMap<u32, Arc<Runbook>>,
    /// The walk that is shown.
    pub walk: Option<u32>,
    /// The step that is selected in the checklist.
    pub cursor: usize,
    /// Which part of the screen the movement keys work on.
    pub focus: Focus,
    /// That part alone fills the screen.
    pub zoomed: bool,
    /// First row shown of each scrollable part.
    pub scroll: BTreeMap<Focus, usize>,
    /// What stands over the screen, the topmost last.
    pub dialogs: Vec<Dialog>,
    /// The newest lines of steps that run or ran here.
    pub tails: BTreeMap<(ActionRef, u32), VecDeque<Clean>>,
    /// One line about what just happened, until the next key.
    pub message: Option<Message>,
    /// A banner that stays: the journal went elsewhere, or can't be written.
    pub trouble: Option<Clean>,
    /// Requests under way.
    pub waiting: BTreeMap<RequestId, &'static str>,
    /// The keymap.
    pub keymap: Keymap,
    /// How fast an exercise's time runs, 0 while it is paused; none where time is real.
    pub pace: Option<u32>,
    /// Set once the console is to leave.
    pub leaving: bool,
    /// What `update` keeps between events; the screen has no need of it.
    pub memory: Memory,
}

/// What `update` keeps between events. Nothing of it is drawn, and nothing of it but secrets is lost with the console.
#[derive(Debug, Default)]
pub struct Memory {
    /// The time of the operator's hands, where it is another than the world's.
    pub hand: Option<Now>,
    /// There is no site: what a runbook names is talked about, not looked for.
    pub talk: bool,
    /// This console only looks: it asks for nothing that changes anything, and writes nothing down.
    pub observing: bool,
    /// The newest request's number.
    pub last_request: u64,
    /// The key before this one, and when it came: a fresh press is one with half a second of quiet before it.
    pub last_key: Option<(Now, Key)>,
    /// What each request under way is for.
    pub awaiting: BTreeMap<RequestId, Awaiting>,
    /// Values of secret variables.
    pub secrets: Secrets,
    /// The incident's key for hashing secrets; the hall sets it from its own random bytes and keeps it off the journal.
    pub key: Vec<u8>,
    /// How long steps took before, and when runbooks were last practised.
    pub history: History,
    /// When a target was last promoted in an earlier incident, as the hall found it.
    pub promotions: BTreeMap<TargetId, DateTime<Utc>>,
    /// Confirmed attempts that were handed to the hall and have not begun yet.
    pub performing: BTreeMap<RequestId, (ActionRef, u32)>,
    /// What was waived on the way to resolving.
    pub waived: Vec<(String, Clean)>,
    /// The step that was next when the cursor followed last.
    pub followed: Option<(u32, StepId)>,
    /// Attempts the operator was told take too long.
    pub told_late: BTreeSet<(ActionRef, u32)>,
    /// What the readings of each target were lately.
    pub tracks: BTreeMap<TargetId, Track>,
    /// What was seen of both ends of each link.
    pub links: BTreeMap<LinkId, LinkHistory>,
    /// Lag of the newest readings of each link in milliseconds, oldest first.
    pub lags: BTreeMap<LinkId, VecDeque<Option<u64>>>,
    /// How things stand, by subject.
    pub standings: BTreeMap<String, Standing>,
    /// Since when what was known is not known any more, by subject.
    pub unknown_since: BTreeMap<String, Now>,
    /// Subjects whose standing was found out once.
    pub noted: BTreeSet<String>,
    /// The instant of each link's primary that was sent to the journal as last seen.
    pub last_seen_sent: BTreeMap<LinkId, DateTime<Utc>>,
    /// When each backup was last restored for a test, as the hall found it in earlier drills.
    pub restore_tests: BTreeMap<BackupId, DateTime<Utc>>,
    /// Changes of standing of the half hour before a declaration.
    pub before: VecDeque<(Now, Note)>,
    /// When vitals were last written into the journal.
    pub vitals_at: Option<Now>,
    /// Since when everything that has a standing is fine.
    pub fine_since: Option<Now>,
    /// The operator was told so.
    pub told_fine: bool,
    /// Rungs whose being due was sent to the journal.
    pub due_sent: BTreeSet<String>,
    /// Verdicts of the selected step's checks as they were last evaluated.
    pub seen: BTreeMap<(u32, StepId), (Now, Evaluation)>,
    /// Whether `when` holds, by walk and step.
    pub applicable: BTreeMap<(u32, StepId), Holds>,
}

/// What a request is for.
#[derive(Debug)]
pub enum Awaiting {
    /// An incident's first entry.
    Declared,
    /// An entry; what it is, for the message when it fails, and the walk that goes on from it.
    Noted(&'static str, Option<u32>),
    /// A walk's first entry: its runbook, and its secrets.
    Chosen(u32, Arc<Runbook>, BTreeMap<String, SecretString>),
    /// The evaluation of the act that is asked about.
    Asked,
    /// The evaluation of a fork's checks.
    Fork(u32, StepId),
    /// The evaluation of a step that is only looked at.
    Looked(u32, StepId),
    /// The evaluation of a step's `when`.
    When(u32, StepId),
    /// One line of a dry run: the step it belongs to.
    DryRun(StepId, String),
    /// What the operator asked in the quick commands.
    Question,
    /// What a runbook needs.
    Preflight,
    /// An attempt's output.
    Output(String),
    /// The post-mortem's path.
    Exported,
    /// A running step's end.
    Cancelled,
}

/// Parts of the screen that can have the focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Focus {
    /// Pane 1.
    #[default]
    Regions,
    /// Pane 2.
    Replication,
    /// Pane 3.
    Backups,
    /// Pane 4.
    Clock,
    /// The steps.
    Checklist,
    /// The selected step.
    Step,
    /// What happened.
    Timeline,
}

/// One line about what just happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The words.
    pub words: String,
    /// It tells of a failure or a refusal.
    pub bad: bool,
}

/// What can stand over the screen.
#[derive(Debug)]
pub enum Dialog {
    /// Declaring an incident.
    Declare(Box<DeclareForm>),
    /// Choosing a runbook.
    Runbooks(Chooser),
    /// A runbook's variables, then what it needs.
    Inputs(Box<InputsForm>),
    /// The confirmation.
    Ask(Box<Ask>),
    /// A line or lines of text for something: a note, a reason, evidence, a role.
    Text(Box<TextForm>),
    /// One of several: a fork, a decision, a severity, a rung, a state of an unknown step.
    Choice(Box<ChoiceForm>),
    /// A step's whole output.
    Output(Pager),
    /// The post-mortem before it is written.
    PostMortem(Pager),
    /// Every check of a runbook, evaluated.
    DryRun(Pager),
    /// Commands by name.
    Palette(Chooser),
    /// What the site offers to be asked, and a line to type into.
    Quick(Box<QuickForm>),
    /// Every key.
    Help(Pager),
    /// Leave though steps run or an incident is open?
    Quit,
}

/// Declaring an incident.
#[derive(Debug)]
pub struct DeclareForm {
    /// In a few words.
    pub title: Input,
    /// Index into the site's severities.
    pub severity: usize,
    /// Index into the site's categories; none chosen.
    pub category: Option<usize>,
    /// When it was first seen: proposed from the readings.
    pub detected: DateTime<Utc>,
    /// The same as typed: `HH:MM` or RFC 3339.
    pub detected_text: Input,
    /// Which field is being filled: 0 title, 1 severity, 2 category, 3 detected.
    pub field: usize,
    /// What is wrong with it.
    pub fault: Option<String>,
}

/// A list to choose from, narrowed by typing.
#[derive(Debug, Default)]
pub struct Chooser {
    /// What was typed.
    pub filter: Input,
    /// Every row: key, words, a second column.
    pub rows: Vec<ChooserRow>,
    /// The selected one among those that match.
    pub selected: usize,
}

/// A row of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChooserRow {
    /// What is chosen: a command's name, a runbook's id (with `#section` where one section is opened).
    pub key: String,
    /// Its words.
    pub words: String,
    /// What stands beside it: the summary, the keys.
    pub aside: String,
    /// Why it can't be chosen.
    pub refused: Option<String>,
}

/// A runbook's variables.
pub struct InputsForm {
    /// The runbook.
    pub runbook: RunbookId,
    /// The section that is opened, of a file without a card.
    pub section: Option<StepId>,
    /// The walk and step that open it as a sub-runbook.
    pub parent: Option<(u32, StepId)>,
    /// A value for each variable, in the card's order.
    pub values: Vec<Input>,
    /// Choices for each variable; empty: free text.
    pub choices: Vec<Vec<String>>,
    /// Which one is being filled.
    pub field: usize,
    /// What is wrong, by variable.
    pub faults: BTreeMap<usize, String>,
    /// What was looked for and found, once the variables are filled.
    pub preflight: Option<Vec<(String, Verdict)>>,
    /// The request for it.
    pub request: Option<RequestId>,
}

/// Without what was typed: it may be a secret.
impl fmt::Debug for InputsForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InputsForm")
            .field("runbook", &self.runbook)
            .field("section", &self.section)
            .field("field", &self.field)
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}

/// Text for something.
#[derive(Debug)]
pub struct TextForm {
    /// What it is for.
    pub purpose: TextPurpose,
    /// The question.
    pub title: String,
    /// What is typed.
    pub input: Input,
    /// How many characters it takes at least.
    pub least: usize,
}

/// What a text is for.
#[derive(Debug, Clone, PartialEq)]
pub enum TextPurpose {
    /// A note.
    Note,
    /// Why a step is skipped.
    Skip(u32, StepId),
    /// Evidence for an item.
    Tick(u32, StepId, usize),
    /// Why a decision was taken: step, answer, where it leads.
    Decide(u32, StepId, String, StepId),
    /// Why one goes to a step.
    GoTo(u32, StepId),
    /// Why the severity changes.
    Severity(SeverityId),
    /// Who has a role.
    Role(String),
    /// How it is known that an unknown attempt happened, or did not.
    Settle(ActionRef, u32, bool),
    /// How it is known that users are served.
    Mitigated,
    /// The incident in a sentence.
    Resolve,
    /// Why a walk is left with steps undone.
    LeaveWalk(u32),
    /// Why a step that must be done before resolving is waived.
    Waive(String),
    /// Another person who agrees with an act that asks for several: their name.
    Approve(ActionRef),
}

/// One of several.
#[derive(Debug)]
pub struct ChoiceForm {
    /// What it is for.
    pub purpose: ChoicePurpose,
    /// The question.
    pub title: String,
    /// Lines above the answers: what the checks saw.
    pub lines: Vec<(Option<Verdict>, String)>,
    /// The answers: words and what stands beside.
    pub answers: Vec<(String, String)>,
    /// The selected one.
    pub selected: usize,
    /// When it was opened: it is armed as a confirmation is.
    pub opened: Now,
}

/// What a choice is for.
#[derive(Debug, Clone, PartialEq)]
pub enum ChoicePurpose {
    /// A fork by checks: where each answer leads.
    Branch(u32, StepId, Vec<(String, StepId)>),
    /// A fork the operator decides.
    Decide(u32, StepId, Vec<(String, StepId)>),
    /// A rung of the ladder, by key.
    Acknowledge(Vec<String>),
    /// The severity.
    Severity,
    /// A role.
    Role(Vec<String>),
    /// How an unknown attempt ended.
    Settle(ActionRef, u32),
    /// A step went wrong or `verify` timed out: go to, try again, skip.
    AfterFailure(u32, StepId),
    /// Which step to go to.
    GoTo(u32, Vec<StepId>),
    /// Cancel a running step: an act that changes something.
    Cancel(ActionRef, u32),
    /// A step that is only looked at: whether what it asks for is so.
    Looked(u32, StepId),
}

/// A text that is paged through.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pager {
    /// Its title.
    pub title: String,
    /// Its lines.
    pub lines: Vec<String>,
    /// The first line shown.
    pub top: usize,
    /// What enter does, where it does something: `write the post-mortem`.
    pub action: Option<String>,
}

/// Values of secret variables, by walk: in memory only, asked again when the console comes back.
pub type Secrets = BTreeMap<u32, BTreeMap<String, SecretString>>;
