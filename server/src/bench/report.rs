//! The figures as people and programs read them, and which of them miss their bound.

use crate::sync::{Figures, ProductRound, Round};
use serde_json::{Value, json};

/// The whole run, reading, planning and finishing included, against the bare loop.
const RATIO_MIN: f64 = 0.95;
/// Calls to Chargify per contact of a first sync, reading included.
const CALLS_PER_CONTACT_MAX: f64 = 1.01;
/// Calls of a `changes` run when nothing changed: one per service.
const CHANGES_CALLS: u64 = 2;
/// Peak memory of the product, whatever the number of contacts.
const MEMORY_KIB_MAX: u64 = 80 * 1024;

/// The names of the bounds missed.
pub(crate) fn missed(figures: &Figures) -> Vec<&'static str> {
    let every = |holds: &dyn Fn(&ProductRound) -> bool| figures.rounds.iter().all(|round| holds(&round.product));
    let slots = u64::from(figures.slots);
    let checks = [
        ("ratio", ratio(figures) >= RATIO_MIN),
        ("calls_per_contact", calls_per_contact(figures) <= CALLS_PER_CONTACT_MAX),
        ("in_flight", every(&|product| product.stats.high_water == slots)),
        ("arrivals_over_limit", every(&|product| product.stats.over_limit == 0)),
        ("created", every(&|product| product.first.view.counts.created == figures.contacts)),
        ("balance", every(&is_balanced)),
        ("second_run_writes", every(&|product| product.second_writes == 0)),
        ("changes_calls", every(&|product| product.changes_calls == CHANGES_CALLS)),
        ("audit", every(&|product| product.audit_is_whole)),
        ("peak_memory", figures.peak_memory_kib <= MEMORY_KIB_MAX),
    ];
    checks.into_iter().filter(|(_, holds)| !holds).map(|(name, _)| name).collect()
}

/// Every contact read ended in one way, and what was created is what Chargify answered so.
fn is_balanced(product: &ProductRound) -> bool {
    let counts = &product.first.view.counts;
    let ended = counts.created
        + counts.updated
        + counts.unchanged
        + counts.echo
        + counts.excluded
        + counts.ambiguous
        + counts.parked
        + counts.failed;
    counts.read == ended && product.stats.by_status.get(&201) == Some(&counts.created)
}

fn ratio(figures: &Figures) -> f64 {
    median(figures.rounds.iter().map(Round::ratio))
}

fn write_ratio(figures: &Figures) -> f64 {
    median(figures.rounds.iter().map(Round::write_ratio))
}

fn calls_per_contact(figures: &Figures) -> f64 {
    let most = figures.rounds.iter().map(|round| round.product.stats.calls).max().unwrap_or(0);
    most as f64 / figures.contacts as f64
}

fn worst(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(f64::INFINITY, f64::min)
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let (low, high) = (values.len().saturating_sub(1) / 2, values.len() / 2);
    (values.get(low).copied().unwrap_or(f64::NAN) + values.get(high).copied().unwrap_or(f64::NAN)) / 2.0
}

/// For people.
pub(crate) fn table(figures: &Figures) -> String {
    let mut out = format!(
        "\nA first sync of {} contacts into an empty Chargify: {} per answer, {} slots\n\n\
         round  calibrator   product   ratio   writing: calibrator   product   ratio   slots busy   processor\n",
        figures.contacts, figures.latency, figures.slots
    );
    for (number, round) in (1..).zip(&figures.rounds) {
        let (product, first) = (&round.product, &round.product.first);
        out.push_str(&format!(
            "{number:>5}  {:>8.2} s {:>7.2} s {:>7.3} {:>20.2} s {:>7.2} s {:>7.3} {:>12.4} {:>9.1} s\n       \
             of which reading {:.2} s, planning {:.2} s, writing until settled {:.2} s\n",
            round.calibrator_ms as f64 / 1000.0,
            first.took_ms as f64 / 1000.0,
            round.ratio(),
            round.calibrator_writing.took_ms / 1000.0,
            product.writing.took_ms / 1000.0,
            round.write_ratio(),
            product.writing.busy,
            first.processor_ms as f64 / 1000.0,
            first.phase_ms("Read") as f64 / 1000.0,
            first.phase_ms("Plan") as f64 / 1000.0,
            first.phase_ms("Write") as f64 / 1000.0,
        ));
    }
    let rows = [
        ("ratio, whole run", format!("{:.3}", ratio(figures)), format!(">= {RATIO_MIN}")),
        ("ratio, write phase", format!("{:.3}", write_ratio(figures)), String::new()),
        ("calls per contact", format!("{:.4}", calls_per_contact(figures)), format!("<= {CALLS_PER_CONTACT_MAX}")),
        ("most in flight", most(figures, |product| product.stats.high_water), format!("= {}", figures.slots)),
        ("arrivals over 4", most(figures, |product| product.stats.over_limit), "= 0".to_owned()),
        ("created", most(figures, |product| product.first.view.counts.created), format!("= {}", figures.contacts)),
        ("writes of a second run", most(figures, |product| product.second_writes), "= 0".to_owned()),
        ("calls of a changes run", most(figures, |product| product.changes_calls), format!("= {CHANGES_CALLS}")),
        (
            "peak memory",
            format!("{:.1} MiB", figures.peak_memory_kib as f64 / 1024.0),
            format!("<= {} MiB", MEMORY_KIB_MAX / 1024),
        ),
    ];
    out.push('\n');
    for (name, value, bound) in rows {
        out.push_str(&format!("{name:<24} {value:>10}   {bound}\n"));
    }
    out.push_str(
        "\nThe memory is this process's: the engine runs in it, the simulated services and Postgres do not.\n",
    );
    let missed = missed(figures);
    out.push_str(&match missed.as_slice() {
        [] => "Every bound holds.".to_owned(),
        names => format!("MISSED: {}", names.join(", ")),
    });
    out
}

fn most(figures: &Figures, of: impl Fn(&ProductRound) -> u64) -> String {
    figures.rounds.iter().map(|round| of(&round.product)).max().unwrap_or(0).to_string()
}

/// For programs: one object.
pub(crate) fn json(figures: &Figures) -> Value {
    let rounds: Vec<Value> = figures.rounds.iter().map(round).collect();
    json!({
        "bench": "sync",
        "contacts": figures.contacts,
        "latency": figures.latency,
        "slots": figures.slots,
        "ratio": ratio(figures),
        "ratio_worst": worst(figures.rounds.iter().map(Round::ratio)),
        "write_ratio": write_ratio(figures),
        "write_ratio_worst": worst(figures.rounds.iter().map(Round::write_ratio)),
        "calls_per_contact": calls_per_contact(figures),
        "peak_memory_kib": figures.peak_memory_kib,
        "missed": missed(figures),
        "rounds": rounds,
    })
}

fn round(round: &Round) -> Value {
    let product = &round.product;
    json!({
        "calibrator_ms": round.calibrator_ms,
        "product_ms": product.first.took_ms,
        "ratio": round.ratio(),
        "calibrator_write_ms": round.calibrator_writing.took_ms,
        "product_write_ms": product.writing.took_ms,
        "write_ratio": round.write_ratio(),
        "calibrator_slots_busy": round.calibrator_writing.busy,
        "product_slots_busy": product.writing.busy,
        "writes_timed": product.writing.writes,
        "product_processor_ms": product.first.processor_ms,
        "phases_ms": {
            "read": product.first.phase_ms("Read"),
            "plan": product.first.phase_ms("Plan"),
            "write": product.first.phase_ms("Write"),
        },
        "counts": product.first.view.counts,
        "balanced": is_balanced(product),
        "chargify_calls": product.stats.by_endpoint,
        "in_flight_max": product.stats.high_water,
        "arrivals_over_limit": product.stats.over_limit,
        "second_run_writes": product.second_writes,
        "changes_calls": product.changes_calls,
        "audit_is_whole": product.audit_is_whole,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0].into_iter()), 2.5);
    }
}
