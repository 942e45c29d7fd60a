//! What a person says from outside: that all reloads are to stop, or that there are to be none.
//! Must not read files or variables; it judges what was found there.

use super::hold::{Hold, Why};
use crate::layers::Switch;

/// The longest reason that is kept, in characters.
pub const MAX_REASON: usize = 200;

/// What was found at one place where an emergency stop can be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Sign {
    /// Nothing.
    #[default]
    Absent,
    /// A stop, with the reason that stands there; it may be empty.
    Stop(String),
    /// Something that cannot be read. In doubt it is a stop.
    Unreadable,
}

impl Sign {
    /// What a variable says: nothing and the words for no are no stop, the words for yes are one without a reason,
    /// and anything else is the reason.
    #[must_use]
    pub fn of_variable(text: Option<&str>) -> Self {
        let text = text.unwrap_or_default().trim();
        match crate::tree::as_boolean(text) {
            _ if text.is_empty() => Self::Absent,
            Some(false) => Self::Absent,
            Some(true) => Self::Stop(String::new()),
            None => Self::Stop(text.to_owned()),
        }
    }

    /// What a file says that exists: a stop, with its first line as the reason.
    #[must_use]
    pub fn of_file(content: &str) -> Self {
        Self::Stop(content.lines().next().unwrap_or_default().trim().to_owned())
    }

    fn hold(&self, why: impl FnOnce(String) -> Why) -> Option<Hold> {
        let reason = match self {
            Self::Absent => return None,
            Self::Stop(reason) => reason.chars().filter(|c| !c.is_control()).take(MAX_REASON).collect(),
            Self::Unreadable => "it cannot be read".to_owned(),
        };
        Some(Hold { why: why(reason), until: None })
    }
}

/// Everything that is said from outside at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Signals {
    /// What decided whether hot reload is on; none where nobody asked.
    pub switch: Option<Switch>,
    /// The file of the emergency stop.
    pub file: Sign,
    /// The variable of the emergency stop.
    pub variable: Sign,
    /// The program's own emergency stop.
    pub call: Sign,
}

impl Signals {
    pub(super) fn switched_off(&self) -> Option<Hold> {
        let switch = self.switch.filter(|switch| !switch.on)?;
        Some(Hold { why: Why::SwitchedOff(switch.because), until: None })
    }

    pub(super) fn stops(&self) -> impl Iterator<Item = Hold> {
        let file = self.file.hold(|reason| Why::StoppedByFile { reason });
        let variable = self.variable.hold(|reason| Why::StoppedByVariable { reason });
        let call = self.call.hold(|reason| Why::StoppedByCall { reason });
        [file, variable, call].into_iter().flatten()
    }
}
