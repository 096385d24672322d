//! The parts every page is made of: plain server-rendered components over `style/main.css`, without a script.

mod badge;
mod bar;
mod button;
mod card;
mod disc;
mod form;
mod frame;
mod head;
mod icons;
mod ledger;
mod notice;
mod slots;
mod state;
mod table;
mod tone;
mod words;

pub use badge::*;
pub use bar::*;
pub use button::*;
pub use card::*;
pub use disc::*;
pub use form::*;
pub use frame::*;
pub use head::*;
pub use icons::*;
pub use ledger::*;
pub use notice::*;
pub use slots::*;
pub use state::*;
pub use table::*;
pub use tone::*;
pub use words::*;
