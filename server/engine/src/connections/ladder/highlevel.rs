//! The rungs of a GoHighLevel location.

use super::{Verdict, probe::Probe, steps::Steps};
use crate::{
    UpstreamClass,
    clients::{
        CallContext, CallError, HighLevel, Refusal,
        highlevel::{ContactPage, SearchPage},
    },
    store::installs::InstallRow,
};
use domain::denial::Denial;
use time::OffsetDateTime;

const APP: &str = "App installed";
const CREDENTIAL: &str = "Token accepted";
const LOCATION: &str = "Token belongs to this location";
const READ_CONTACTS: &str = "Read contacts";
const READ_LOCATION: &str = "Read the location";
const READ_FIELDS: &str = "Read custom fields";
const WRITE_CONTACTS: &str = "Write contacts";
const ONE_CONTACT: &str = "One contact read";
const ALL: &[&str] = &[CREDENTIAL, LOCATION, READ_CONTACTS, READ_LOCATION, READ_FIELDS, WRITE_CONTACTS, ONE_CONTACT];

/// Where tokens are made and given scopes.
const WHERE: &str = "GoHighLevel, in the location: Settings > Private Integrations";

/// What calls are made with, for what is to be done where it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    PrivateToken,
    App,
}

impl Way {
    /// What to do about a token that is not the right one.
    const fn another_token(self) -> &'static str {
        match self {
            Self::PrivateToken => {
                "Make a new one in GoHighLevel, in the location: Settings > Private Integrations, and set it here."
            }
            Self::App => "Install the app again and choose this location.",
        }
    }

    /// What to do about a permission that is missing.
    fn scope(self, scope: &str) -> String {
        match self {
            Self::PrivateToken => {
                format!("Give the token the scope {scope} in {WHERE}; the token itself stays the same.")
            }
            Self::App => format!(
                "Add the scope {scope} to the app in the Marketplace, which takes a new version of it; then install it \
                 again."
            ),
        }
    }
}

/// Whether there is an app that can give tokens; says so. Without it nothing else is tried.
pub(super) fn is_installed(install: &InstallRow, steps: &mut Steps) -> bool {
    let day = |at: Option<OffsetDateTime>| at.map(|at| at.date().to_string()).unwrap_or_default();
    let (denial, what, verdict) = match install.standing.as_str() {
        "installed" => {
            let of = if install.company_id.is_some() { "for the whole agency" } else { "in this location" };
            let since = day(install.installed_at);
            steps.passed(APP, format!("It was installed {of} on {since}; its token is renewed by itself."), None);
            return true;
        }
        "uninstalled" => (Denial::Uninstalled, "Install it again on this page.", Verdict::Refused),
        "ended" => (
            Denial::AccessEnded,
            "It was uninstalled, or its client secret was changed: set the present one, then install the app again on \
             this page.",
            Verdict::Refused,
        ),
        _ => (Denial::NotInstalled, "Install it on this page.", Verdict::Unknown),
    };
    no_token(steps, format!("{} {what}", denial.sentence()), verdict);
    false
}

fn no_token(steps: &mut Steps, detail: String, verdict: Verdict) {
    steps.failed(APP, detail, None, verdict);
    steps.skipped(&["Name resolves", "Secure connection"], APP);
    steps.skipped(ALL, APP);
}

pub(super) async fn climb(client: &HighLevel, context: &CallContext, probe: &Probe, steps: &mut Steps, way: Way) {
    let page = SearchPage { page_limit: 1, ..SearchPage::default() };
    let contacts = client.search(context, &page).await;
    let seen = probe.last();
    if let Err(error) = &contacts
        && way == Way::App
        && !matches!(error.class, UpstreamClass::Rate { .. })
        && error.status.is_none()
        && seen.broken.is_none()
    {
        let verdict = if error.class == UpstreamClass::Auth { Verdict::Refused } else { Verdict::Unknown };
        no_token(steps, format!("{} {}", error.told(), way.another_token()), verdict);
        return;
    }
    if !steps.reached(&seen) {
        steps.skipped(ALL, "Secure connection");
        return;
    }
    if let Err(error) = &contacts {
        if steps.out_of_order(CREDENTIAL, error, &seen) {
            steps.skipped(ALL.get(1..).unwrap_or_default(), CREDENTIAL);
            return;
        }
        if !token_is_good(error, steps, &seen, way) {
            return;
        }
    }
    steps.passed(CREDENTIAL, "GoHighLevel knows this token.", Some(&seen));
    steps.passed(LOCATION, format!("It was made for the location {}.", client.location_id()), Some(&seen));
    match &contacts {
        Ok(page) => steps.passed(READ_CONTACTS, counted(page), Some(&seen)),
        Err(error) => lacks(steps, READ_CONTACTS, &way.scope("contacts.readonly"), error, probe),
    }
    permissions(client, context, probe, steps, way).await;
    one_contact(client, context, probe, steps, (contacts.ok(), way)).await;
}

/// Says what is wrong with a token that is refused whatever it asks for. True: it is not that.
fn token_is_good(error: &CallError, steps: &mut Steps, seen: &super::probe::Seen, way: Way) -> bool {
    let rest = |from: usize| ALL.get(from..).unwrap_or_default();
    let words = &error.message;
    match (&error.class, &error.refusal) {
        (UpstreamClass::Auth, _) => {
            let why = match way {
                Way::PrivateToken => "It was mistyped, rotated or deleted.",
                Way::App => "Not even a new one is taken: the app was taken out of the location.",
            };
            let detail = format!(
                "{} It said: \u{201c}{words}\u{201d}. {why} {}",
                Denial::TokenUnknown.sentence(),
                way.another_token()
            );
            steps.failed(CREDENTIAL, detail, Some(seen), Verdict::Refused);
            steps.skipped(rest(1), CREDENTIAL);
            false
        }
        (_, Refusal::WrongTokenClass) => {
            let detail = format!("{} {}", Denial::TokenClass.sentence(), way.another_token());
            steps.failed(CREDENTIAL, detail, Some(seen), Verdict::Refused);
            steps.skipped(rest(1), CREDENTIAL);
            false
        }
        (_, Refusal::OtherLocation) => {
            steps.passed(CREDENTIAL, "GoHighLevel knows this token.", Some(seen));
            let detail = format!(
                "{} Check the location id; if it is right: {}",
                Denial::OtherLocation.sentence(),
                way.another_token()
            );
            steps.failed(LOCATION, detail, Some(seen), Verdict::Refused);
            steps.skipped(rest(2), LOCATION);
            false
        }
        _ => true,
    }
}

/// The other permissions, each by a call of its own.
async fn permissions(client: &HighLevel, context: &CallContext, probe: &Probe, steps: &mut Steps, way: Way) {
    match client.location(context).await {
        Ok(location) => {
            let duplicates = match location.allows_duplicates {
                Some(true) => " It allows contacts with the same e-mail: matching by e-mail will ask more often.",
                _ => "",
            };
            steps.passed(READ_LOCATION, format!("It is called {}.{duplicates}", location.name), Some(&probe.last()));
        }
        Err(error) => misses(
            steps,
            READ_LOCATION,
            &way.scope("locations.readonly"),
            "phone numbers are read without its country",
            (&error, probe),
        ),
    }
    match client.custom_fields(context).await {
        Ok(fields) => {
            let words = format!("{} custom fields of contacts can be mapped.", fields.len());
            steps.passed(READ_FIELDS, words, Some(&probe.last()));
        }
        Err(error) => misses(
            steps,
            READ_FIELDS,
            &way.scope("locations/customFields.readonly"),
            "custom fields cannot be mapped",
            (&error, probe),
        ),
    }
    // The answer for a contact that cannot exist tells whether the token may write, and nothing is written.
    let how = "Asked for an empty change of a contact that does not exist; nothing was written.";
    match client.try_to_write_nothing(context).await {
        Err(error) if matches!(error.class, UpstreamClass::NotFound | UpstreamClass::Rejected) => {
            steps.passed(WRITE_CONTACTS, format!("Permitted. {how}"), Some(&probe.last()));
        }
        Ok(()) => steps.passed(WRITE_CONTACTS, format!("Permitted. {how}"), Some(&probe.last())),
        Err(error) => lacks(steps, WRITE_CONTACTS, &way.scope("contacts.write"), &error, probe),
    }
}

async fn one_contact(
    client: &HighLevel,
    context: &CallContext,
    probe: &Probe,
    steps: &mut Steps,
    (page, way): (Option<ContactPage>, Way),
) {
    let Some(page) = page else {
        steps.skipped(&[ONE_CONTACT], READ_CONTACTS);
        return;
    };
    let Some(id) = page.records.first().and_then(|record| record.id.clone()) else {
        steps.warned(ONE_CONTACT, "The location has no contact yet, so none could be read.", None);
        return;
    };
    match client.get(context, &id).await {
        Ok(record) => {
            let filled = record.values.values().filter(|value| !value.is_blank()).count();
            steps.passed(
                ONE_CONTACT,
                format!("Read whole; {filled} of its fields hold something."),
                Some(&probe.last()),
            );
        }
        Err(error) if error.class == UpstreamClass::NotFound => {
            steps.warned(
                ONE_CONTACT,
                "The contact was deleted while it was being read. Test again.",
                Some(&probe.last()),
            );
        }
        Err(error) => lacks(steps, ONE_CONTACT, &way.scope("contacts.readonly"), &error, probe),
    }
}

fn counted(page: &ContactPage) -> String {
    match page.total {
        Some(1) => "The location has 1 contact.".to_owned(),
        Some(total) => format!("The location has {total} contacts."),
        None => "Permitted.".to_owned(),
    }
}

/// A permission without which nothing can be synced.
fn lacks(steps: &mut Steps, title: &str, remedy: &str, error: &CallError, probe: &Probe) {
    let seen = probe.last();
    if steps.out_of_order(title, error, &seen) {
        return;
    }
    let said = error.message.trim_end_matches('.');
    let detail = match error.refusal {
        Refusal::ScopeMissing => {
            format!("{} It said: \u{201c}{said}\u{201d}. {remedy}", Denial::ScopeMissing.sentence())
        }
        _ => format!("GoHighLevel refuses this (\u{201c}{said}\u{201d}). {remedy}"),
    };
    let verdict = if error.class == UpstreamClass::Rejected { Verdict::Unknown } else { Verdict::Refused };
    steps.failed(title, detail, Some(&seen), verdict);
}

/// A permission one can do without.
fn misses(steps: &mut Steps, title: &str, remedy: &str, without: &str, (error, probe): (&CallError, &Probe)) {
    let detail = match error.class {
        UpstreamClass::Permission => {
            format!("Refused. The sync works, but {without}. To change that: {remedy}")
        }
        _ => format!("Did not succeed ({}). The sync works, but {without}. Test again in some minutes.", error.message),
    };
    steps.warned(title, detail, Some(&probe.last()));
}
