//! What may stand in which file. Tests and comments are free.

use super::Violation;

/// Patterns, and the only places they may stand in.
pub(super) struct Rule {
    pub(super) says: &'static str,
    patterns: &'static [&'static str],
    /// Where the rule holds: prefixes of paths.
    holds_in: &'static [&'static str],
    /// The exceptions: prefixes too.
    except: &'static [&'static str],
}

const EVERYWHERE: &[&str] = &["app/", "server/"];

pub(super) const RULES: [Rule; 6] = [
    Rule {
        says: "SQL stands in server/engine/src/store only",
        patterns: &["query!(", "query_as!(", "query_scalar!(", "query_unchecked!(", "sqlx::query", "QueryBuilder"],
        holds_in: EVERYWHERE,
        except: &["server/engine/src/store", "server/xtask/"],
    },
    Rule {
        says: "the environment is read in server/src/config only",
        patterns: &["std::env", "env::var"],
        holds_in: EVERYWHERE,
        except: &["server/src/config.rs", "server/src/config/", "server/xtask/"],
    },
    Rule {
        says: "the time is read in one clock file of the engine and one of the sandbox only",
        patterns: &["OffsetDateTime::now_", "SystemTime::now", "Instant::now", "UtcDateTime::now"],
        holds_in: EVERYWHERE,
        except: &["server/engine/src/clock.rs", "server/sandbox/src/shell/clock.rs", "server/xtask/"],
    },
    Rule {
        says: "randomness reaches domain and engine through server/engine/src/entropy only",
        patterns: &["OsRng", "rand::rng()", "thread_rng", "rand::random", "new_v4()", "now_v7()"],
        holds_in: &["app/domain/", "server/engine/"],
        except: &["server/engine/src/entropy.rs", "server/engine/src/entropy/"],
    },
    Rule {
        says: "the sync core keeps things through its `Store` only, so that it runs on the one in memory too",
        patterns: &["pool()", "PgConnection", "PgPool"],
        holds_in: &[
            "server/engine/src/sync/",
            "server/engine/src/jobs/",
            "server/engine/src/slots",
            "server/engine/src/schedules/",
            "server/engine/src/node.rs",
            "server/engine/src/calls.rs",
            "server/engine/src/under_way.rs",
            "server/engine/src/deliveries/",
        ],
        except: &[],
    },
    Rule {
        says: "domain does no input or output",
        patterns: &["std::fs", "std::io", "std::net", "std::process", "std::thread", "println!(", "eprintln!("],
        holds_in: &["app/domain/"],
        except: &[],
    },
];

pub(super) fn check(path: &str, text: &str) -> Vec<Violation> {
    if is_test(path) {
        return Vec::new();
    }
    let starts_with_any = |prefixes: &[&str]| prefixes.iter().any(|prefix| path.starts_with(prefix));
    let rules: Vec<&Rule> =
        RULES.iter().filter(|rule| starts_with_any(rule.holds_in) && !starts_with_any(rule.except)).collect();
    let mut violations = Vec::new();
    for (number, line) in product_lines(text) {
        for rule in &rules {
            if let Some(pattern) = rule.patterns.iter().find(|pattern| line.contains(*pattern)) {
                violations.push(Violation(format!("{path}:{number}: `{pattern}`: {}", rule.says)));
            }
        }
    }
    violations
}

fn is_test(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("/tests.rs") || path.ends_with("_tests.rs") || path.contains("/benches/")
}

/// The numbered lines before the test module, which stands last in a file, without comments.
fn product_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut lines = text.lines().peekable();
    let mut number = 0;
    std::iter::from_fn(move || {
        let line = lines.next()?;
        number += 1;
        let opens_tests = line == "#[cfg(test)]" && lines.peek().is_some_and(|next| next.trim_end().ends_with('{'));
        (!opens_tests).then_some((number, line))
    })
    .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

#[cfg(test)]
mod tests {
    use super::check;

    #[track_caller]
    fn breaches(path: &str, text: &str, expected: usize) {
        let found = check(path, text);
        assert_eq!(found.len(), expected, "{found:?}");
    }

    #[test]
    fn sql_outside_the_store_is_caught() {
        breaches("server/engine/src/runs.rs", "let row = sqlx::query_as!(Row, \"select 1\");", 1);
        breaches("server/engine/src/store/runs.rs", "let row = sqlx::query_as!(Row, \"select 1\");", 0);
    }

    #[test]
    fn the_environment_outside_the_configuration_is_caught() {
        breaches("app/src/lib.rs", "let home = std::env::var(\"HOME\");", 1);
        breaches("server/src/config/key.rs", "let home = std::env::var(\"HOME\");", 0);
    }

    #[test]
    fn a_clock_outside_the_clock_is_caught_with_its_line() {
        let text = "fn now() {\n    let now = time::OffsetDateTime::now_utc();\n}\n";
        let found = check("server/engine/src/jobs.rs", text);
        assert!(found[0].0.starts_with("server/engine/src/jobs.rs:2: "), "{found:?}");
        breaches("server/engine/src/clock.rs", text, 0);
    }

    #[test]
    fn randomness_in_rules_and_engine_is_caught() {
        breaches("app/domain/src/id.rs", "Self(Uuid::new_v4())", 1);
        breaches("server/engine/src/vault.rs", "OsRng.try_fill_bytes(&mut key)", 1);
        breaches("server/engine/src/entropy.rs", "OsRng.try_fill_bytes(&mut key)", 0);
        breaches("server/sandbox/src/seed.rs", "Uuid::new_v4()", 0);
    }

    #[test]
    fn a_way_around_the_store_is_caught() {
        breaches("server/engine/src/sync/run.rs", "let mut conn = self.engine.pool().acquire().await?;", 1);
        breaches("server/engine/src/slots.rs", "async fn seek(conn: &mut PgConnection) {}", 1);
        breaches("server/engine/src/overview.rs", "let mut conn = self.pool().acquire().await?;", 0);
    }

    #[test]
    fn input_and_output_in_domain_are_caught() {
        breaches("app/domain/src/mapping.rs", "use std::fs::File;", 1);
    }

    #[test]
    fn comments_and_tests_are_free() {
        breaches("app/src/lib.rs", "/// Never std::env here.\n// std::env", 0);
        breaches("server/tests/it/main.rs", "std::env::var(\"X\")", 0);
        breaches("server/engine/src/a.rs", "fn a() {}\n#[cfg(test)]\nmod tests {\n    std::env::var(\"X\")\n}", 0);
        breaches("server/engine/src/a.rs", "#[cfg(test)]\nmod tests;\nfn a() { std::env::var(\"X\") }", 1);
    }
}
