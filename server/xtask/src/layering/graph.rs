//! Dependencies: between our crates, of `domain`, and of the browser build.

use std::path::Path;

use anyhow::Context as _;
use cargo_metadata::{DependencyKind, MetadataCommand};

use super::Violation;

/// What each crate may use of ours, in the product and (second list) also in its tests.
const DIRECTIONS: [(&str, &[&str], &[&str]); 8] = [
    ("domain", &[], &[]),
    ("engine", &["domain"], &["sandbox"]),
    ("app", &["domain", "engine"], &["sandbox"]),
    ("client", &["app"], &[]),
    ("server", &["app", "domain", "engine", "sandbox"], &[]),
    ("sandbox", &[], &[]),
    ("sim", &["domain", "engine", "sandbox"], &[]),
    ("xtask", &[], &[]),
];

/// `domain` is pure: nothing here does I/O, reads a clock or draws a random number. (`jiff` has its zone tables built in
/// and, without its default features, neither clock nor file.)
const DOMAIN_MAY_USE: [&str; 7] = ["jiff", "serde", "serde_json", "thiserror", "time", "unicode-normalization", "uuid"];

/// Names whose presence would mean that server code is on its way to the browser.
pub(super) const NOT_IN_THE_BROWSER: [&str; 9] =
    ["engine", "sandbox", "server", "sqlx", "sqlx-core", "tokio", "reqwest", "hyper", "axum"];

/// One line of a `Cargo.toml`.
#[derive(Debug)]
pub(super) struct Edge {
    from: String,
    to: String,
    is_for_tests: bool,
    is_optional: bool,
}

/// The direct dependencies of our crates.
pub(super) fn edges(root: &Path) -> anyhow::Result<Vec<Edge>> {
    let metadata = MetadataCommand::new()
        .current_dir(root)
        .no_deps()
        .other_options(["--offline".to_owned()])
        .exec()
        .context("cargo metadata")?;
    let edges = metadata.packages.iter().flat_map(|package| {
        package.dependencies.iter().map(|dependency| Edge {
            from: package.name.to_string(),
            to: dependency.name.clone(),
            is_for_tests: dependency.kind == DependencyKind::Development,
            is_optional: dependency.optional,
        })
    });
    Ok(edges.collect())
}

pub(super) fn check_edges(edges: &[Edge]) -> Vec<Violation> {
    edges.iter().filter_map(|edge| wrong_with(edge).map(Violation)).collect()
}

fn wrong_with(edge: &Edge) -> Option<String> {
    let Edge { from, to, .. } = edge;
    let Some((_, product, tests)) = DIRECTIONS.iter().find(|(name, ..)| name == from) else {
        return Some(format!("crate {from} has no place in the table of directions"));
    };
    let is_ours = DIRECTIONS.iter().any(|(name, ..)| name == to);
    if is_ours {
        let is_allowed = product.contains(&to.as_str()) || (edge.is_for_tests && tests.contains(&to.as_str()));
        if !is_allowed {
            return Some(format!("{from} must not depend on {to}"));
        }
        if from == "app" && to == "engine" && !edge.is_optional {
            return Some("app may depend on engine only under its feature `ssr`".to_owned());
        }
    } else if from == "domain" && !edge.is_for_tests && !DOMAIN_MAY_USE.contains(&to.as_str()) {
        return Some(format!("domain must not depend on {to}: it is not on the list of pure crates"));
    }
    None
}

pub(super) fn check_browser(names: &[String]) -> Vec<Violation> {
    let found = names.iter().filter(|name| NOT_IN_THE_BROWSER.contains(&name.as_str()));
    found
        .map(|name| Violation(format!("{name} is in the browser build; see `cargo tree -p client -i {name}`")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Edge, check_browser, check_edges};

    fn breaches(from: &str, to: &str, is_for_tests: bool, is_optional: bool) -> usize {
        check_edges(&[Edge { from: from.into(), to: to.into(), is_for_tests, is_optional }]).len()
    }

    #[test]
    fn a_dependency_against_the_direction_is_caught() {
        assert_eq!(breaches("engine", "domain", false, false), 0);
        assert_eq!(breaches("domain", "engine", false, false), 1);
        assert_eq!(breaches("engine", "app", false, false), 1);
        assert_eq!(breaches("xtask", "server", false, false), 1);
        assert_eq!(breaches("newcomer", "serde", false, false), 1);
    }

    #[test]
    fn the_sandbox_is_for_tests_except_in_the_server() {
        assert_eq!(breaches("engine", "sandbox", true, false), 0);
        assert_eq!(breaches("engine", "sandbox", false, false), 1);
        assert_eq!(breaches("server", "sandbox", false, false), 0);
    }

    #[test]
    fn app_may_use_the_engine_only_behind_its_feature() {
        assert_eq!(breaches("app", "engine", false, true), 0);
        assert_eq!(breaches("app", "engine", false, false), 1);
    }

    #[test]
    fn an_impure_crate_in_domain_is_caught() {
        assert_eq!(breaches("domain", "serde", false, false), 0);
        assert_eq!(breaches("domain", "rand", false, false), 1);
        assert_eq!(breaches("domain", "proptest", true, false), 0);
    }

    #[test]
    fn server_code_in_the_browser_build_is_caught() {
        let names = ["app", "leptos", "tokio", "engine"].map(str::to_owned);
        assert_eq!(check_browser(&names).len(), 2);
        assert!(check_browser(&["app".to_owned()]).is_empty());
    }
}
