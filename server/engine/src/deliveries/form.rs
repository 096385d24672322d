//! Reading `application/x-www-form-urlencoded` without ever failing: brackets encoded or bare, `+` for a space,
//! repeated names, blank leaves, bytes that are no UTF-8.

/// The pairs of a form, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn parse(body: &[u8]) -> Self {
        let pairs = body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
            let mut parts = pair.splitn(2, |byte| *byte == b'=');
            let name = parts.next().unwrap_or_default();
            (decode(name), decode(parts.next().unwrap_or_default()))
        });
        Self(pairs.collect())
    }

    /// The first value of that name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// As [`Self::get`], unless it is blank.
    pub(super) fn said(&self, name: &str) -> Option<&str> {
        self.get(name).map(str::trim).filter(|text| !text.is_empty())
    }
}

fn decode(text: &[u8]) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match (*first, after) {
            (b'+', _) => out.push(b' '),
            (b'%', [high, low, tail @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => {
                    out.push((high << 4) | low);
                    rest = tail;
                }
                _ => out.push(b'%'),
            },
            (byte, _) => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_may_be_encoded_and_plus_is_a_space() {
        let form =
            Form::parse(b"id=7&payload%5Bcustomer%5D%5Bfirst_name%5D=Jane+Ann&payload[customer][last_name]=O%27Neil");
        assert_eq!(form.get("payload[customer][first_name]"), Some("Jane Ann"));
        assert_eq!(form.get("payload[customer][last_name]"), Some("O'Neil"));
    }

    #[test]
    fn repeated_names_blank_leaves_and_broken_escapes_do_not_fail() {
        let form = Form::parse(b"a[id]=1&a[id]=2&&b=&c&d=100%&e=%zz&f=%C3&=x");
        assert_eq!(form.get("a[id]"), Some("1"));
        assert_eq!((form.get("b"), form.said("b")), (Some(""), None));
        assert_eq!(form.get("c"), Some(""));
        assert_eq!((form.get("d"), form.get("e")), (Some("100%"), Some("%zz")));
        assert_eq!(form.get("f"), Some("\u{fffd}"));
    }
}
