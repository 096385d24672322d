//! Concord's icons: our own drawings in a 16 px box, 1.5 px stroke, round ends. One hidden sprite a page, referred
//! to by id.

use leptos::prelude::*;

use super::Words;

/// The icons there are. Each is a single path, so that a glyph is one line here and one reference in a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyph {
    Overview,
    Syncs,
    Runs,
    Person,
    Decision,
    Warning,
    Inbox,
    Book,
    Dial,
    Bell,
    People,
    Sliders,
    Plug,
    Search,
    Menu,
    Close,
    Next,
    Down,
    Plus,
    Check,
    /// Finished and good.
    Done,
    Failed,
    /// Waits for its turn.
    Clock,
    Paused,
    /// Waits until something outside is put right.
    Parked,
    /// A person decides.
    Ambiguous,
    Unchanged,
    /// Our own write coming back.
    Echo,
    LeftOut,
    Pencil,
    Created,
    Removed,
    /// Going on now, or to be done again.
    Turning,
    /// A step that has not begun.
    Unreached,
    Shield,
    Key,
    Lock,
    Chain,
    Right,
    Left,
    Both,
    Undo,
    Download,
    Play,
    /// The pause button; `Paused` is the state.
    Hold,
    Stop,
    Trash,
    Copy,
    Info,
    Eye,
    /// Sign out.
    Leave,
    Bolt,
    /// Before becomes after.
    Arrow,
}

impl Glyph {
    /// Every icon, in the order of the sprite.
    pub const ALL: &[Self] = &[
        Self::Overview,
        Self::Syncs,
        Self::Runs,
        Self::Person,
        Self::Decision,
        Self::Warning,
        Self::Inbox,
        Self::Book,
        Self::Dial,
        Self::Bell,
        Self::People,
        Self::Sliders,
        Self::Plug,
        Self::Search,
        Self::Menu,
        Self::Close,
        Self::Next,
        Self::Down,
        Self::Plus,
        Self::Check,
        Self::Done,
        Self::Failed,
        Self::Clock,
        Self::Paused,
        Self::Parked,
        Self::Ambiguous,
        Self::Unchanged,
        Self::Echo,
        Self::LeftOut,
        Self::Pencil,
        Self::Created,
        Self::Removed,
        Self::Turning,
        Self::Unreached,
        Self::Shield,
        Self::Key,
        Self::Lock,
        Self::Chain,
        Self::Right,
        Self::Left,
        Self::Both,
        Self::Undo,
        Self::Download,
        Self::Play,
        Self::Hold,
        Self::Stop,
        Self::Trash,
        Self::Copy,
        Self::Info,
        Self::Eye,
        Self::Leave,
        Self::Bolt,
        Self::Arrow,
    ];

    /// The id of its symbol in the sprite.
    pub fn id(self) -> &'static str {
        match self {
            Self::Overview => "i-overview",
            Self::Syncs => "i-syncs",
            Self::Runs => "i-runs",
            Self::Person => "i-person",
            Self::Decision => "i-decision",
            Self::Warning => "i-warning",
            Self::Inbox => "i-inbox",
            Self::Book => "i-book",
            Self::Dial => "i-dial",
            Self::Bell => "i-bell",
            Self::People => "i-people",
            Self::Sliders => "i-sliders",
            Self::Plug => "i-plug",
            Self::Search => "i-search",
            Self::Menu => "i-menu",
            Self::Close => "i-close",
            Self::Next => "i-next",
            Self::Down => "i-down",
            Self::Plus => "i-plus",
            Self::Check => "i-check",
            Self::Done => "i-done",
            Self::Failed => "i-failed",
            Self::Clock => "i-clock",
            Self::Paused => "i-paused",
            Self::Parked => "i-parked",
            Self::Ambiguous => "i-ambiguous",
            Self::Unchanged => "i-unchanged",
            Self::Echo => "i-echo",
            Self::LeftOut => "i-left-out",
            Self::Pencil => "i-pencil",
            Self::Created => "i-created",
            Self::Removed => "i-removed",
            Self::Turning => "i-turning",
            Self::Unreached => "i-unreached",
            Self::Shield => "i-shield",
            Self::Key => "i-key",
            Self::Lock => "i-lock",
            Self::Chain => "i-chain",
            Self::Right => "i-right",
            Self::Left => "i-left",
            Self::Both => "i-both",
            Self::Undo => "i-undo",
            Self::Download => "i-download",
            Self::Play => "i-play",
            Self::Hold => "i-hold",
            Self::Stop => "i-stop",
            Self::Trash => "i-trash",
            Self::Copy => "i-copy",
            Self::Info => "i-info",
            Self::Eye => "i-eye",
            Self::Leave => "i-leave",
            Self::Bolt => "i-bolt",
            Self::Arrow => "i-arrow",
        }
    }

    #[expect(clippy::too_many_lines, reason = "one line an icon")]
    fn path(self) -> &'static str {
        match self {
            Self::Overview => "M2.5 7.5 8 2.75l5.5 4.75M4 6.5v6.75h8V6.5",
            Self::Syncs => "M2.5 5.5h10M10 3l2.75 2.5L10 8M13.5 10.75h-10M6 8.25 3.25 10.75 6 13.25",
            Self::Runs => "M2.5 4h11M2.5 8h7.5M2.5 12h4.5",
            Self::Person => {
                "M10.75 5.25A2.75 2.75 0 1 1 5.25 5.25a2.75 2.75 0 0 1 5.5 0ZM2.75 13.5c.5-2.5 2.6-3.75 5.25-3.75s4.75 1.25 5.25 3.75"
            }
            Self::Decision => "M8 13.75V9.5L3.25 4.75M8 9.5l4.75-4.75M3 7.25V4.5h2.75M13 7.25V4.5h-2.75",
            Self::Warning => "M8 2.5 14.25 13.25H1.75ZM8 6.5v3M8 11.35v.05",
            Self::Inbox => {
                "M2.5 9.25 4.25 3.25h7.5l1.75 6v3.5h-11ZM2.5 9.25h3.25c.25 1.1 1.1 1.75 2.25 1.75s2-.65 2.25-1.75h3.25"
            }
            Self::Book => "M3.25 11.75V3.9c0-.8.6-1.4 1.4-1.4h8.1v8.25h-8c-.8 0-1.5.5-1.5 1.25s.7 1.5 1.5 1.5h8",
            Self::Dial => "M3.9 12.4a6 6 0 1 1 8.2 0M8 8.75l2.5-3",
            Self::Bell => "M4 11.25V7a4 4 0 0 1 8 0v4.25l1.25.5H2.75ZM6.75 13.75h2.5",
            Self::People => {
                "M8.25 5.5A2.25 2.25 0 1 1 3.75 5.5a2.25 2.25 0 0 1 4.5 0ZM1.75 12.75c.4-2.1 2.1-3.25 4.25-3.25s3.85 1.15 4.25 3.25M10.5 3.5a2.25 2.25 0 0 1 0 4M11.75 9.75c1.4.4 2.25 1.5 2.5 3"
            }
            Self::Sliders => {
                "M2.5 4.5h6M11.5 4.5h2M2.5 11.5h2M7.5 11.5h6M11.5 4.5A1.5 1.5 0 1 1 8.5 4.5a1.5 1.5 0 0 1 3.0 0ZM7.5 11.5A1.5 1.5 0 1 1 4.5 11.5a1.5 1.5 0 0 1 3.0 0Z"
            }
            Self::Plug => "M5.5 2.25v3M10.5 2.25v3M3.75 5.25h8.5V7.5a4.25 4.25 0 0 1-8.5 0ZM8 11.75v2.5",
            Self::Search => "M11.25 7A4.25 4.25 0 1 1 2.75 7a4.25 4.25 0 0 1 8.5 0ZM10.25 10.25 13.5 13.5",
            Self::Menu => "M2.5 5h11M2.5 11h11",
            Self::Close => "M4 4l8 8M12 4l-8 8",
            Self::Next => "M6.25 3.75 10.5 8l-4.25 4.25",
            Self::Down => "M3.75 6.25 8 10.5l4.25-4.25",
            Self::Plus => "M8 3.25v9.5M3.25 8h9.5",
            Self::Check => "M3 8.5l3.25 3.25L13 4.75",
            Self::Done => "M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0ZM5.5 8.25 7.25 10l3.25-3.75",
            Self::Failed => "M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0ZM6 6l4 4M10 6l-4 4",
            Self::Clock => "M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0ZM8 4.75V8l2 1.5",
            Self::Paused => "M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0ZM6.5 6v4M9.5 6v4",
            Self::Parked => "M3.25 2.5h9.5v11h-9.5ZM6.5 11V5.25h2a1.75 1.75 0 0 1 0 3.5h-2",
            Self::Ambiguous => {
                "M8 1.75 14.25 8 8 14.25 1.75 8ZM6.6 6.75c.1-1 .7-1.4 1.4-1.4.85 0 1.45.5 1.45 1.25 0 1-1.45 1.1-1.45 2.15M8 10.6v.05"
            }
            Self::Unchanged => "M3 6h10M3 10h10",
            Self::Echo => "M3 9.5A5.25 5.25 0 1 1 8.25 13M5.5 8.75A2.75 2.75 0 1 1 8.25 11M3 6.5v3h3",
            Self::LeftOut => "M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0ZM3.9 12.1 12.1 3.9",
            Self::Pencil => "M2.75 13.25l.6-2.75 7.4-7.4 2.15 2.15-7.4 7.4ZM9.25 4.6l2.15 2.15",
            Self::Created => "M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0ZM8 5.25v5.5M5.25 8h5.5",
            Self::Removed => "M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0ZM5.25 8h5.5",
            Self::Turning => {
                "M13.25 6.75A5.5 5.5 0 0 0 3.4 5M2.75 9.25A5.5 5.5 0 0 0 12.6 11M3 2.25V5.1h2.85M13 13.75V10.9h-2.85"
            }
            Self::Unreached => {
                "M9.04 2.09A6 6 0 0 1 11.44 3.09M12.91 4.56A6 6 0 0 1 13.91 6.96M13.91 9.04A6 6 0 0 1 12.91 11.44M11.44 12.91A6 6 0 0 1 9.04 13.91M6.96 13.91A6 6 0 0 1 4.56 12.91M3.09 11.44A6 6 0 0 1 2.09 9.04M2.09 6.96A6 6 0 0 1 3.09 4.56M4.56 3.09A6 6 0 0 1 6.96 2.09"
            }
            Self::Shield => {
                "M8 1.9l5.25 1.9v4c0 3-2.1 5.1-5.25 6.35C4.85 12.9 2.75 10.8 2.75 7.8v-4ZM5.75 7.9l1.6 1.6 2.9-3.1"
            }
            Self::Key => {
                "M8.0 10.75A2.75 2.75 0 1 1 2.5 10.75a2.75 2.75 0 0 1 5.5 0ZM7.25 8.75l5.5-5.5M10.25 5.75l1.75 1.75"
            }
            Self::Lock => "M3.75 7.25h8.5v6h-8.5ZM5.5 7.25V5a2.5 2.5 0 0 1 5 0v2.25",
            Self::Chain => {
                "M6.75 9.25a2.6 2.6 0 0 0 3.7 0l2-2a2.6 2.6 0 0 0-3.7-3.7l-.75.75M9.25 6.75a2.6 2.6 0 0 0-3.7 0l-2 2a2.6 2.6 0 0 0 3.7 3.7l.75-.75"
            }
            Self::Right => "M2.75 8h10.5M9.5 4.25 13.25 8 9.5 11.75",
            Self::Left => "M13.25 8H2.75M6.5 4.25 2.75 8l3.75 3.75",
            Self::Both => "M2 8h12M5 5 2 8l3 3M11 5l3 3-3 3",
            Self::Undo => "M5.75 3 2.75 6l3 3M2.75 6h6.75a3.5 3.5 0 0 1 0 7H6.5",
            Self::Download => "M8 2.5v7.25M4.75 6.75 8 10l3.25-3.25M2.75 13.25h10.5",
            Self::Play => "M5 3.25 12.25 8 5 12.75Z",
            Self::Hold => "M5.75 3.5v9M10.25 3.5v9",
            Self::Stop => "M3.75 3.75h8.5v8.5h-8.5Z",
            Self::Trash => "M2.75 4.5h10.5M6 4.25V2.5h4v1.75M4.25 4.75l.6 8.75h6.3l.6-8.75M6.75 7v4M9.25 7v4",
            Self::Copy => "M5.75 5.75h7.5v7.5h-7.5ZM10.25 5.5V2.75h-7.5v7.5H5.5",
            Self::Info => "M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0ZM8 7.5v3.25M8 5.25v.05",
            Self::Eye => {
                "M1.75 8C3.25 5.25 5.4 3.9 8 3.9S12.75 5.25 14.25 8C12.75 10.75 10.6 12.1 8 12.1S3.25 10.75 1.75 8ZM9.75 8A1.75 1.75 0 1 1 6.25 8a1.75 1.75 0 0 1 3.5 0Z"
            }
            Self::Leave => "M6.25 2.75h-3.5v10.5h3.5M6.5 8h7M10.75 5.25 13.5 8l-2.75 2.75",
            Self::Bolt => "M8.75 1.9 3.5 9.1h4L7.25 14.1 12.5 6.9h-4Z",
            Self::Arrow => "M3 8h9.5M9 4.75 12.5 8 9 11.25",
        }
    }
}

/// One icon. Decoration by default, because the word beside it says the same; with `label` it speaks for itself.
#[component]
pub fn Icon(glyph: Glyph, #[prop(optional, into)] label: Words) -> impl IntoView {
    let href = format!("#{}", glyph.id());
    let label = label.get();
    let decoration = label.is_none().then_some("true");
    let role = label.is_some().then_some("img");
    view! {
        <svg class="icon" width="16" height="16" viewBox="0 0 16 16" aria-hidden=decoration role=role aria-label=label>
            <use_ href=href />
        </svg>
    }
}

/// The drawings themselves, and the hatching of bars and gauges. The frame places it once a page.
#[component]
pub fn Sprite() -> impl IntoView {
    let symbols = Glyph::ALL
        .iter()
        .map(|glyph| {
            view! {
                <symbol id=glyph.id() viewBox="0 0 16 16">
                    <path d=glyph.path() />
                </symbol>
            }
        })
        .collect_view();
    view! {
        <svg class="sprite" width="0" height="0" aria-hidden="true">
            {symbols}
            <pattern id="p-hatch" width="4" height="4" patternUnits="userSpaceOnUse">
                <path d="M-1 1l2-2M0 4l4-4M3 5l2-2" stroke-width="1" />
            </pattern>
            <pattern id="p-ticks" width="4" height="8" patternUnits="userSpaceOnUse">
                <path d="M1 0v8" stroke-width="1.5" />
            </pattern>
        </svg>
    }
}
