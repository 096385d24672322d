//! The rungs of a Chargify site.

use super::{
    Verdict,
    probe::{Probe, Seen},
    steps::Steps,
};
use crate::{
    UpstreamClass,
    clients::{CallContext, CallError, Chargify, chargify::Site},
};

const CREDENTIAL: &str = "API key accepted";
const SITE: &str = "Read the site";
const READ_CUSTOMERS: &str = "Read customers";
const READ_EVENTS: &str = "Read events";
const WRITE_CUSTOMERS: &str = "Write customers";
const ONE_CUSTOMER: &str = "One customer read";
const SHARED_KEY: &str = "Shared key for webhooks";
const AFTER_SITE: &[&str] = &[READ_CUSTOMERS, READ_EVENTS, WRITE_CUSTOMERS, ONE_CUSTOMER];

/// What the connection says of itself.
pub(super) struct Expected<'a> {
    pub(super) subdomain: &'a str,
    pub(super) shared_key: bool,
}

pub(super) async fn climb(
    client: &Chargify,
    context: &CallContext,
    probe: &Probe,
    steps: &mut Steps,
    expected: Expected<'_>,
) {
    let site = client.site(context).await;
    let seen = probe.last();
    if !steps.reached(&seen) {
        steps.skipped(&[CREDENTIAL, SITE], "Secure connection");
        steps.skipped(AFTER_SITE, "Secure connection");
    } else {
        match site {
            Ok(site) => {
                steps.passed(CREDENTIAL, "Chargify knows this key.", Some(&seen));
                read_site(&site, &expected, steps, &seen);
                permissions(client, context, probe, steps).await;
            }
            Err(error) => site_refused(&error, &expected, steps, &seen),
        }
    }
    if expected.shared_key {
        steps.passed(
            SHARED_KEY,
            "Set. Webhooks can be verified; whether it is the right one shows with the first webhook.",
            None,
        );
    } else {
        steps.warned(
            SHARED_KEY,
            "Not set, so webhooks are turned away and changes are noticed only by polling. It \
            stands in Chargify under Config > Settings > Webhooks.",
            None,
        );
    }
}

fn site_refused(error: &CallError, expected: &Expected<'_>, steps: &mut Steps, seen: &Seen) {
    let words = &error.message;
    let refused = match error.class {
        // The account is known and blocked as a whole: the key was not the reason.
        UpstreamClass::AccountBlocked => {
            steps.passed(CREDENTIAL, "Chargify knows this key.", Some(seen));
            SITE
        }
        _ => CREDENTIAL,
    };
    if !steps.out_of_order(refused, error, seen) {
        let (detail, verdict) = match error.class {
            UpstreamClass::Auth => (
                format!(
                    "Chargify does not take this key (\u{201c}{words}\u{201d}). It was mistyped or revoked, or is of \
                     another site. Make a new one in Chargify: Config > Integrations > API keys, and set it here."
                ),
                Verdict::Refused,
            ),
            UpstreamClass::NotFound => (
                format!("There is no site {} at this address. Check the subdomain.", expected.subdomain),
                Verdict::Refused,
            ),
            _ => (
                format!(
                    "Chargify refused to show the site: \u{201c}{words}\u{201d} Ask its support whether the API is \
                        switched on for it."
                ),
                Verdict::Refused,
            ),
        };
        steps.failed(refused, detail, Some(seen), verdict);
    }
    if refused == CREDENTIAL {
        steps.skipped(&[SITE], refused);
    }
    steps.skipped(AFTER_SITE, refused);
}

fn read_site(site: &Site, expected: &Expected<'_>, steps: &mut Steps, seen: &Seen) {
    let other = site.subdomain.as_deref().filter(|subdomain| !subdomain.eq_ignore_ascii_case(expected.subdomain));
    match (other, site.test) {
        (Some(other), _) => steps.warned(
            SITE,
            format!("It answers as {other}, not as {}. Check that this is the site that is meant.", expected.subdomain),
            Some(seen),
        ),
        (None, true) => steps.warned(
            SITE,
            format!(
                "{} is in test mode: no money moves, and Chargify may purge its data after some months.",
                site.name
            ),
            Some(seen),
        ),
        (None, false) => steps.passed(SITE, format!("It is called {}, and is live.", site.name), Some(seen)),
    }
}

async fn permissions(client: &Chargify, context: &CallContext, probe: &Probe, steps: &mut Steps) {
    let customer = client.newest_customer(context).await;
    let seen = probe.last();
    match &customer {
        Ok(_) => steps.passed(READ_CUSTOMERS, "Permitted.", Some(&seen)),
        Err(error) => refused(steps, READ_CUSTOMERS, error, &seen),
    }
    match client.newest_event_id(context).await {
        Ok(Some(_)) => {
            steps.passed(READ_EVENTS, "Permitted. Deletions and missed webhooks will be noticed.", Some(&probe.last()))
        }
        Ok(None) => steps.passed(READ_EVENTS, "Permitted. The site has no event yet.", Some(&probe.last())),
        Err(error) => refused(steps, READ_EVENTS, &error, &probe.last()),
    }
    steps.passed(
        WRITE_CUSTOMERS,
        "A Chargify key has no separate permissions: it may write what it may read. Nothing was written.",
        None,
    );
    let id = match customer {
        Ok(record) => record.and_then(|record| record.id),
        Err(_) => {
            steps.skipped(&[ONE_CUSTOMER], READ_CUSTOMERS);
            return;
        }
    };
    let Some(id) = id else {
        steps.warned(ONE_CUSTOMER, "The site has no customer yet, so none could be read.", None);
        return;
    };
    match client.get(context, &id).await {
        Ok(record) => {
            let filled = record.values.values().filter(|value| !value.is_blank()).count();
            steps.passed(
                ONE_CUSTOMER,
                format!("Read whole; {filled} of its fields hold something."),
                Some(&probe.last()),
            );
        }
        Err(error) if error.class == UpstreamClass::NotFound => {
            steps.warned(
                ONE_CUSTOMER,
                "The customer was deleted while it was being read. Test again.",
                Some(&probe.last()),
            );
        }
        Err(error) => refused(steps, ONE_CUSTOMER, &error, &probe.last()),
    }
}

fn refused(steps: &mut Steps, title: &str, error: &CallError, seen: &Seen) {
    if steps.out_of_order(title, error, seen) {
        return;
    }
    let verdict = if error.class == UpstreamClass::Rejected { Verdict::Unknown } else { Verdict::Refused };
    let detail = format!(
        "Chargify refused: \u{201c}{}\u{201d} Ask its support whether the API is switched on for this site.",
        error.message
    );
    steps.failed(title, detail, Some(seen), verdict);
}
