//! Codes of what is found by reading a runbook as a whole: its steps, names, variables and dangers.

use super::{Explained, why};

/// Why each matters.
#[rustfmt::skip]
pub(super) const WHY: [Explained; 22] = [
    why("role-misspelt", "A fence whose second word is no role is shown: what it was to check or to run is not done."),
    why("id-twice", "Of two steps with one id only the first keeps it, and every way that names it leads there."),
    why("fence-shown", "What can't be read in a file without our words is shown and never run: somebody has to do it by hand."),
    why("step-unknown", "A way that leads to no step ends the walk where it is needed most."),
    why("step-unreachable", "A step no way leads to is never offered."),
    why("variable-unset", "A variable that nothing sets is empty or ends the script, in the middle of it."),
    why("variable-late", "What an act prints is kept when it is done, and it is not done until its verification holds: that never sees it."),
    why("secret-in-check", "A check is evaluated without secrets: it can't log in, never holds, and the step hangs until its time has passed."),
    why("name-unknown", "A name the site does not have stands for nothing, and the act is refused when it is asked for."),
    why("ambient-client", "A client without a target acts on whatever the machine is configured for, production included."),
    why("past-guards", "A promotion by hand asks nobody whether the old primary is fenced and what is lost."),
    why("destroys-undeclared", "What destroys has to say so: without a danger it asks for one word too few."),
    why("destroys-while-asking", "A check or a verification may be asked again and again, and nobody expects it to change anything."),
    why("destroys-without-copy", "Without a copy a wrong backup or a wrong name leaves nothing to go back to."),
    why("danger-understated", "A card can only raise the danger of its act: a lower one is not believed."),
    why("rollback-past-one-way", "Behind a one-way step there is no way back, so that its rollback is never offered."),
    why("decide-late", "Who may take as long to decide as there is to recover has no time left for what was decided."),
    why("review-overdue", "A runbook nobody has read since it was due describes a system that is gone."),
    why("allow-unknown", "An allowance for a code that is not there allows nothing."),
    why("allow-without-reason", "Whoever reads the line next has to know why it is fine."),
    why("to-review", "A guess of an import is right when somebody who knows has looked at it, and not before."),
    why("allow-unused", "An allowance that no fault needs hides the next one."),
];
