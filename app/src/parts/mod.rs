//! The parts every page is made of: plain server-rendered components over `style/main.css`, without a script. They
//! take words, numbers and the enums of this module, never view types, and carry no `style` attribute, because the
//! content security policy forbids it.
//!
//! A page is a [`Frame`] around a [`Head`] (or an [`Answer`]) and cards:
//!
//! ```ignore
//! use crate::parts::*;
//!
//! view! {
//!     <Frame here=Place::Runs viewer=viewer crumbs=vec![Crumb::place(Place::Runs), Crumb::here("Run 214")]>
//!         <Actions slot>                                        // top right; a bar at the bottom of a phone
//!             <span class="meta">"Live · updated 2 s ago"</span>
//!         </Actions>
//!         <Head title="Run 214: full run of Contacts EU" lead_text="Started 14:02 by Amara Nwosu.">
//!             <Mark slot><Badge tone=Tone::Accent text="Running" glyph=Glyph::Turning /></Mark>
//!             <Actions slot><LinkButton text="Cancel…" href="/runs/214/cancel" press=Press::Danger /></Actions>
//!         </Head>
//!         <Notice tone=Tone::Warn what="Chargify asked us to slow down." safety="Nothing is lost." />
//!         <Card flush=true>
//!             <Ledger total=Term::total(8_412, "contacts read") parts=vec![Term::ending(742, Ending::Created)] bar=true />
//!             <Foot slot><Balance read=8_412 accounted=8_412 /></Foot>
//!         </Card>
//!         <Card title="Records" note="the last 50" flush=true>
//!             <Table caption="Records" columns=vec![Col::text("Record"), Col::text("Outcome"), Col::figure("Took")]>
//!                 <Row>
//!                     <Name text="Zoë Lindqvist" href="/records/1" sub="zoe@lindqvist.example" />
//!                     <Cell label="Outcome"><EndingState ending=Ending::Created /></Cell>
//!                     <Figure label="Took" value=lasting(940) />
//!                 </Row>
//!             </Table>
//!             <Pager shown="1 to 50 of 8,412" older="/runs/214?before=50" />
//!         </Card>
//!     </Frame>
//! }
//! ```
//!
//! Layout is by class: `cols-2`, `cols-3`, `cols-main` (wide and narrow), `cols-even` (same height), `stack`,
//! `line`, `spread`, `section`; `divided` inside a card; `form` and `form two` around fields. Words are toned with
//! `meta`, `quiet`, `strong`. Every part in every state stands in [`Gallery`].

mod badge;
mod bar;
mod button;
mod card;
mod choose;
mod confirm;
mod diff;
mod disc;
mod door;
mod drawer;
mod empty;
mod filter;
mod form;
mod frame;
pub mod gallery;
mod gauge;
mod head;
mod history;
mod icons;
mod ledger;
mod mapping;
mod moment;
mod notice;
mod pager;
mod phases;
mod slots;
mod state;
mod table;
mod tabs;
mod tone;
mod trace;
mod words;

pub use badge::*;
pub use bar::*;
pub use button::*;
pub use card::*;
pub use choose::*;
pub use confirm::*;
pub use diff::*;
pub use disc::*;
pub use door::*;
pub use drawer::*;
pub use empty::*;
pub use filter::*;
pub use form::*;
pub use frame::*;
pub use gallery::Gallery;
pub use gauge::*;
pub use head::*;
pub use history::*;
pub use icons::*;
pub use ledger::*;
pub use mapping::*;
pub use moment::*;
pub use notice::*;
pub use pager::*;
pub use phases::*;
pub use slots::*;
pub use state::*;
pub use table::*;
pub use tabs::*;
pub use tone::*;
pub use trace::*;
pub use words::*;
