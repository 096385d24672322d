//! The frame of every page behind the sign-in: navigation, workspace, breadcrumb, page actions, the person.
//! Below 60 rem the side bar is a `popover`, so that its button works without a script.

use leptos::prelude::*;

use super::{Actions, Disc, Glyph, Half, Icon, Sprite, figure, initials};

/// The places of the main navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Overview,
    Syncs,
    Runs,
    Records,
    Audit,
    Connections,
    Team,
    Workspaces,
    /// A page that hangs on none of them; nothing in the menu is marked.
    Elsewhere,
}

/// Day-to-day places first, then what is set up once.
const MENU: [&[Place]; 2] =
    [&[Place::Overview, Place::Syncs, Place::Runs, Place::Records, Place::Audit], &[Place::Connections, Place::Team]];

impl Place {
    /// Its name in the menu and in breadcrumbs.
    pub fn label(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Syncs => "Syncs",
            Self::Runs => "Runs",
            Self::Records => "Records",
            Self::Audit => "Audit",
            Self::Connections => "Connections",
            Self::Team => "Team",
            Self::Workspaces => "Workspaces",
            Self::Elsewhere => "",
        }
    }

    /// Its address.
    pub fn href(self) -> &'static str {
        match self {
            Self::Overview | Self::Elsewhere => "/",
            Self::Syncs => "/syncs",
            Self::Runs => "/runs",
            Self::Records => "/records",
            Self::Audit => "/audit",
            Self::Connections => "/connections",
            Self::Team => "/team",
            Self::Workspaces => "/workspaces",
        }
    }

    fn glyph(self) -> Glyph {
        match self {
            Self::Overview | Self::Elsewhere => Glyph::Overview,
            Self::Syncs => Glyph::Syncs,
            Self::Runs => Glyph::Runs,
            Self::Records => Glyph::Person,
            Self::Audit => Glyph::Book,
            Self::Connections => Glyph::Plug,
            Self::Team => Glyph::People,
            Self::Workspaces => Glyph::Inbox,
        }
    }
}

/// One step of the way to a page.
#[derive(Clone, Debug)]
pub struct Crumb {
    label: String,
    href: Option<String>,
}

impl Crumb {
    /// A step one can go back to.
    pub fn to(label: impl Into<String>, href: impl Into<String>) -> Self {
        Self { label: label.into(), href: Some(href.into()) }
    }

    /// A place of the menu as a step.
    pub fn place(place: Place) -> Self {
        Self::to(place.label(), place.href())
    }

    /// The page itself, always last.
    pub fn here(label: impl Into<String>) -> Self {
        Self { label: label.into(), href: None }
    }
}

/// Who is looking, and at what: the same on every page.
#[derive(Clone, Debug, Default)]
pub struct Viewer {
    /// The workspace's name.
    pub workspace: String,
    /// Whether there are others to change to.
    pub many_workspaces: bool,
    /// The person's name, or their e-mail address while no name is known.
    pub person: String,
    /// The role in this workspace, in words.
    pub role: String,
    /// Where the sign-out form posts to; empty leaves the button away.
    pub sign_out: String,
    /// Figures beside menu entries, such as syncs that wait for a person.
    pub counts: Vec<(Place, u64)>,
}

/// The page frame. `crumbs` empty shows the place itself; `Actions` are the page's buttons, which a phone shows at
/// the bottom.
#[component]
pub fn Frame(
    here: Place,
    viewer: Viewer,
    #[prop(optional)] crumbs: Vec<Crumb>,
    #[prop(optional)] actions: Option<Actions>,
    children: Children,
) -> impl IntoView {
    let class = if actions.is_some() { "frame has-actions" } else { "frame" };
    let workspace = viewer.workspace.clone();
    view! {
        <a class="skip" href="#content">
            "Skip to the page"
        </a>
        <Sprite />
        <div class=class>
            <header class="phonebar">
                <Brand />
                <span class="place cut">{workspace}</span>
                <a class="btn bare" href="/records" aria-label="Find a record">
                    <Icon glyph=Glyph::Search />
                </a>
                <button class="btn bare" type="button" popovertarget="menu" aria-label="Menu">
                    <Icon glyph=Glyph::Menu />
                </button>
            </header>
            <Side here=here viewer=viewer />
            <main class="body">
                <div class="top">
                    <Crumbs here=here crumbs=crumbs />
                    {super::slots::actions(actions)}
                </div>
                <div class="page" id="content" tabindex="-1">
                    {children()}
                </div>
            </main>
        </div>
    }
}

/// The mark and the name, leading home.
#[component]
pub fn Brand() -> impl IntoView {
    view! {
        <a class="brand" href="/">
            <Disc half=Half::Both />
            "Concord"
        </a>
    }
}

#[component]
fn Side(here: Place, viewer: Viewer) -> impl IntoView {
    let Viewer { workspace, many_workspaces, person, role, sign_out, counts } = viewer;
    let workspace = if many_workspaces {
        view! {
            <a class="workspace" href=Place::Workspaces.href() aria-label=format!("{workspace}, change workspace")>
                <span class="cut">{workspace.clone()}</span>
                <Icon glyph=Glyph::Down />
            </a>
        }
        .into_any()
    } else {
        view! {
            <div class="workspace">
                <span class="cut">{workspace}</span>
            </div>
        }
        .into_any()
    };
    let menus = MENU.map(|places| view! { <Menu places=places here=here counts=counts.clone() /> }).collect_view();
    view! {
        <nav class="side" id="menu" popover="auto" aria-label="Main">
            <Brand />
            {workspace}
            <a class="find" href="/records">
                <Icon glyph=Glyph::Search />
                "Find a record"
            </a>
            {menus}
            <Person person=person role=role sign_out=sign_out />
        </nav>
    }
}

#[component]
fn Menu(places: &'static [Place], here: Place, counts: Vec<(Place, u64)>) -> impl IntoView {
    let entries = places
        .iter()
        .map(|&place| {
            let count = counts.iter().find(|(counted, count)| *counted == place && *count > 0).map(|(_, count)| *count);
            let count = count.map(|count| view! { <span class="count">{figure(count)}</span> });
            let current = (place == here).then_some("true");
            view! {
                <li>
                    <a href=place.href() aria-current=current>
                        <Icon glyph=place.glyph() />
                        {place.label()}
                        {count}
                    </a>
                </li>
            }
        })
        .collect_view();
    view! { <ul class="menu">{entries}</ul> }
}

#[component]
fn Person(person: String, role: String, sign_out: String) -> impl IntoView {
    let leave = (!sign_out.is_empty()).then(|| {
        view! {
            <form method="post" action=sign_out>
                <button class="btn bare small square" aria-label="Sign out" title="Sign out">
                    <Icon glyph=Glyph::Leave />
                </button>
            </form>
        }
    });
    view! {
        <div class="person">
            <span class="initials" aria-hidden="true">
                {initials(&person)}
            </span>
            <span class="who">
                <b class="cut" dir="auto">
                    {person}
                </b>
                <span>{role}</span>
            </span>
            {leave}
        </div>
    }
}

#[component]
fn Crumbs(here: Place, crumbs: Vec<Crumb>) -> impl IntoView {
    let crumbs = if crumbs.is_empty() { vec![Crumb::here(here.label())] } else { crumbs };
    let class = if crumbs.len() == 1 { "crumbs single" } else { "crumbs" };
    let steps = crumbs
        .into_iter()
        .map(|Crumb { label, href }| match href {
            Some(href) => view! {
                <li>
                    <a href=href>{label}</a>
                    <Icon glyph=Glyph::Next />
                </li>
            }
            .into_any(),
            None => view! {
                <li class="cut">
                    <span class="cut" aria-current="page">
                        {label}
                    </span>
                </li>
            }
            .into_any(),
        })
        .collect_view();
    view! {
        <nav class=class aria-label="Way here">
            <ol>{steps}</ol>
        </nav>
    }
}
