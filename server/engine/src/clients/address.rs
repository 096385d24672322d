//! Building addresses: every value that enters a path or a query is percent-encoded.

/// Encodes everything but unreserved characters, so that `+`, `@`, `/` and spaces survive.
pub(crate) fn encode(text: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
            continue;
        }
        out.push('%');
        for half in [byte >> 4, byte & 15] {
            out.push(HEX.get(usize::from(half)).copied().map_or('0', char::from));
        }
    }
    out
}

/// `path?key=value&…`; without pairs, only the path.
pub(super) fn with_query(path: &str, pairs: &[(&str, String)]) -> String {
    let mut out = path.to_owned();
    for (index, (key, value)) in pairs.iter().enumerate() {
        out.push(if index == 0 { '?' } else { '&' });
        out.push_str(&encode(key));
        out.push('=');
        out.push_str(&encode(value));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plus_at_and_space_survive_a_query() {
        assert_eq!(
            with_query("/lookup", &[("reference", "joe+a b@example.com".to_owned())]),
            "/lookup?reference=joe%2Ba%20b%40example.com"
        );
    }

    #[test]
    fn other_scripts_are_encoded_byte_by_byte() {
        assert_eq!(encode("é"), "%C3%A9");
    }
}
