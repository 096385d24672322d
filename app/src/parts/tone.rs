//! The five tones a state can have. A tone never stands alone: an icon and a word say the same.

use super::Glyph;

/// What a state asks of the reader. Green is done, amber needs a person, red failed, blue is planned or going on,
/// grey is nothing to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    Ok,
    Warn,
    Bad,
    Accent,
    #[default]
    Idle,
}

impl Tone {
    /// The class that sets the colours of whatever it is put on.
    pub fn class(self) -> &'static str {
        match self {
            Self::Ok => "tone-ok",
            Self::Warn => "tone-warn",
            Self::Bad => "tone-bad",
            Self::Accent => "tone-accent",
            Self::Idle => "tone-idle",
        }
    }

    /// The icon of this tone where nothing more particular is known.
    pub fn glyph(self) -> Glyph {
        match self {
            Self::Ok => Glyph::Done,
            Self::Warn => Glyph::Warning,
            Self::Bad => Glyph::Failed,
            Self::Accent => Glyph::Clock,
            Self::Idle => Glyph::Unchanged,
        }
    }
}
