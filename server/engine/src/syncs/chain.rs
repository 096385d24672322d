//! A chain of transforms on one line, as the mapping table shows it: steps joined by ` | `.

use domain::transform::Transform;

/// Reads a chain. Blank text is the empty chain.
///
/// # Errors
/// What is wrong, and at which character of the whole line.
pub(super) fn parse(text: &str) -> Result<Vec<Transform>, String> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    steps(text)
        .into_iter()
        .map(|(start, step)| {
            step.parse::<Transform>()
                .map_err(|error| format!("transform, character {}: {}", start + error.position, error.message))
        })
        .collect()
}

/// Writes a chain.
pub(super) fn show(chain: &[Transform]) -> String {
    chain.iter().map(Transform::to_string).collect::<Vec<_>>().join(" | ")
}

/// The steps with the number of characters before each; a bar within quotation marks separates nothing.
fn steps(text: &str) -> Vec<(usize, String)> {
    let mut steps = vec![(0, String::new())];
    let (mut quoted, mut escaped) = (false, false);
    for (at, char) in text.chars().enumerate() {
        if char == '|' && !quoted {
            steps.push((at + 1, String::new()));
            continue;
        }
        match char {
            '"' if !escaped => quoted = !quoted,
            _ => {}
        }
        escaped = char == '\\' && !escaped;
        if let Some((_, step)) = steps.last_mut() {
            step.push(char);
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_reads_back_what_it_writes() {
        for text in ["", "trim", "trim | lower", r#"lookup("a\\|b=c, d=e") | upper"#, r#"default("a | \"b\"") | trim"#]
        {
            let chain = parse(text).unwrap();
            assert_eq!(parse(&show(&chain)).unwrap(), chain, "{text}");
        }
        assert_eq!(parse("trim | lower").unwrap().len(), 2);
        assert_eq!(parse(r#"default("a | b")"#).unwrap().len(), 1);
    }

    #[test]
    fn a_fault_is_found_at_its_character_of_the_line() {
        let error = parse("trim | shout").unwrap_err();
        assert!(error.starts_with("transform, character 8: \"shout\" is not a transform"), "{error}");
        assert!(parse("trim | ").unwrap_err().contains("a transform was expected"));
    }
}
