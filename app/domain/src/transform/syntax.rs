//! The written form of transforms.

use std::fmt;
use std::str::FromStr;

use super::{Transform, lookup};
use crate::limits;

/// Why a text is no transform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("transform, character {position}: {message}")]
pub struct SyntaxError {
    /// The character at which reading stopped, from 1.
    pub position: usize,
    /// What was expected there.
    pub message: String,
}

impl SyntaxError {
    fn new(position: usize, message: impl Into<String>) -> Self {
        Self { position: position + 1, message: message.into() }
    }
}

const WORDS: &str =
    "trim, collapse_spaces, lower, upper, title, default, template, phone, country, subdivision, lookup, truncate";

enum Argument {
    None,
    Text { text: String, at: usize },
    Number { number: usize, at: usize },
}

impl FromStr for Transform {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut reader = Reader { chars: text.chars().take(limits::TRANSFORM_CHARS + 1).collect(), at: 0 };
        if reader.chars.len() > limits::TRANSFORM_CHARS {
            let message = format!("the transform is longer than {} characters", limits::TRANSFORM_CHARS);
            return Err(SyntaxError::new(limits::TRANSFORM_CHARS, message));
        }
        reader.skip_spaces();
        let start = reader.at;
        let word = reader.word();
        let argument = reader.argument()?;
        build(&word, start, argument, reader.at)
    }
}

fn build(word: &str, start: usize, argument: Argument, end: usize) -> Result<Transform, SyntaxError> {
    let plain = |transform: Transform| match &argument {
        Argument::None => Ok(transform),
        Argument::Text { at, .. } | Argument::Number { at, .. } => {
            Err(SyntaxError::new(*at, format!("{word} takes no argument")))
        }
    };
    match word {
        "trim" => plain(Transform::Trim),
        "collapse_spaces" => plain(Transform::CollapseSpaces),
        "lower" => plain(Transform::Lower),
        "upper" => plain(Transform::Upper),
        "title" => plain(Transform::Title),
        "country" => plain(Transform::Country),
        "subdivision" => plain(Transform::Subdivision),
        "phone" => match argument {
            Argument::None => Ok(Transform::Phone { default_country: None }),
            other => country_argument(text_argument(word, other, end)?),
        },
        "default" => text_argument(word, argument, end).map(|(text, _)| Transform::Default(text)),
        "template" => {
            let (text, at) = text_argument(word, argument, end)?;
            check_template(&text, at)?;
            Ok(Transform::Template(text))
        }
        "lookup" => {
            let (text, at) = text_argument(word, argument, end)?;
            lookup::read(&text).map(Transform::Lookup).map_err(|message| SyntaxError::new(at, message))
        }
        "truncate" => match argument {
            Argument::Number { number, .. } if number > 0 => Ok(Transform::Truncate(number)),
            Argument::Number { at, .. } => Err(SyntaxError::new(at, "truncate needs a length of at least 1")),
            Argument::Text { at, .. } => Err(SyntaxError::new(at, "truncate needs a number, such as truncate(255)")),
            Argument::None => Err(SyntaxError::new(end, "truncate needs a length, such as truncate(255)")),
        },
        "" => Err(SyntaxError::new(start, format!("a transform was expected: {WORDS}"))),
        other => Err(SyntaxError::new(start, format!("\"{other}\" is not a transform; there are {WORDS}"))),
    }
}

fn text_argument(word: &str, argument: Argument, end: usize) -> Result<(String, usize), SyntaxError> {
    match argument {
        Argument::Text { text, at } => Ok((text, at)),
        Argument::Number { at, .. } => Err(SyntaxError::new(at, format!("{word} needs a text in double quotes"))),
        Argument::None => Err(SyntaxError::new(end, format!("{word} needs a text, such as {word}(\"…\")"))),
    }
}

fn country_argument((text, at): (String, usize)) -> Result<Transform, SyntaxError> {
    match crate::geo::country(&text) {
        Some(code) => Ok(Transform::Phone { default_country: Some(code.to_owned()) }),
        None => Err(SyntaxError::new(at, format!("\"{text}\" is not a country; write a code such as phone(\"US\")"))),
    }
}

/// A template must name at least one field, and close every bracket it opens.
fn check_template(template: &str, at: usize) -> Result<(), SyntaxError> {
    let mut rest = template;
    let mut fields = 0_usize;
    while let Some((_, opened)) = rest.split_once("{{") {
        let Some((name, after)) = opened.split_once("}}") else {
            return Err(SyntaxError::new(at, "the template opens {{ without closing it with }}"));
        };
        if name.trim().is_empty() || name.contains("{{") {
            return Err(SyntaxError::new(at, "the template has {{ }} without a field's name"));
        }
        fields += 1;
        rest = after;
    }
    if fields == 0 {
        return Err(SyntaxError::new(at, "the template names no field; write {{firstName}} where its value belongs"));
    }
    Ok(())
}

/// A part of a template.
pub(super) enum Piece<'a> {
    /// Stands as it is.
    Text(&'a str),
    /// Is replaced by the field's value.
    Field(&'a str),
}

/// The parts of a template, in order.
pub(super) fn pieces(template: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some((before, opened)) = rest.split_once("{{")
        && let Some((name, after)) = opened.split_once("}}")
    {
        pieces.push(Piece::Text(before));
        pieces.push(Piece::Field(name.trim()));
        rest = after;
    }
    pieces.push(Piece::Text(rest));
    pieces
}

struct Reader {
    chars: Vec<char>,
    at: usize,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn skip_spaces(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn word(&mut self) -> String {
        let mut word = String::new();
        while let Some(char) = self.peek().filter(|char| !char.is_whitespace() && !matches!(char, '(' | ')' | '"')) {
            word.push(char);
            self.at += 1;
        }
        word
    }

    fn argument(&mut self) -> Result<Argument, SyntaxError> {
        self.skip_spaces();
        let argument = match self.peek() {
            None => return Ok(Argument::None),
            Some('(') => {
                self.at += 1;
                self.skip_spaces();
                self.inner()?
            }
            Some(other) => {
                return Err(SyntaxError::new(self.at, format!("( or the end was expected, not \"{other}\"")));
            }
        };
        self.skip_spaces();
        if self.peek() != Some(')') {
            return Err(SyntaxError::new(self.at, ") was expected"));
        }
        self.at += 1;
        self.skip_spaces();
        match self.peek() {
            None => Ok(argument),
            Some(_) => Err(SyntaxError::new(self.at, "the end was expected; each transform is a text of its own")),
        }
    }

    fn inner(&mut self) -> Result<Argument, SyntaxError> {
        let at = self.at;
        match self.peek() {
            Some(')') => Ok(Argument::None),
            Some('"') => {
                self.at += 1;
                self.quoted(at).map(|text| Argument::Text { text, at })
            }
            Some(char) if char.is_ascii_digit() => self.number(at).map(|number| Argument::Number { number, at }),
            _ => Err(SyntaxError::new(at, "a text in double quotes or a number was expected")),
        }
    }

    fn quoted(&mut self, opened: usize) -> Result<String, SyntaxError> {
        let mut text = String::new();
        while let Some(char) = self.peek() {
            self.at += 1;
            match char {
                '"' => return Ok(text),
                '\\' => match self.peek() {
                    Some('"') => {
                        text.push('"');
                        self.at += 1;
                    }
                    Some('\\') => {
                        text.push('\\');
                        self.at += 1;
                    }
                    _ => return Err(SyntaxError::new(self.at, "after a backslash \" or \\ was expected")),
                },
                other => text.push(other),
            }
        }
        Err(SyntaxError::new(opened, "the quotation is not closed"))
    }

    fn number(&mut self, at: usize) -> Result<usize, SyntaxError> {
        let mut digits = String::new();
        while let Some(char) = self.peek().filter(char::is_ascii_digit) {
            digits.push(char);
            self.at += 1;
        }
        digits.parse().map_err(|error| SyntaxError::new(at, format!("\"{digits}\" is no usable number: {error}")))
    }
}

impl fmt::Display for Transform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trim => f.write_str("trim"),
            Self::CollapseSpaces => f.write_str("collapse_spaces"),
            Self::Lower => f.write_str("lower"),
            Self::Upper => f.write_str("upper"),
            Self::Title => f.write_str("title"),
            Self::Country => f.write_str("country"),
            Self::Subdivision => f.write_str("subdivision"),
            Self::Phone { default_country: None } => f.write_str("phone"),
            Self::Phone { default_country: Some(country) } => call(f, "phone", country),
            Self::Default(text) => call(f, "default", text),
            Self::Template(text) => call(f, "template", text),
            Self::Lookup(pairs) => call(f, "lookup", &lookup::written(pairs)),
            Self::Truncate(length) => write!(f, "truncate({length})"),
        }
    }
}

fn call(f: &mut fmt::Formatter<'_>, word: &str, text: &str) -> fmt::Result {
    write!(f, "{word}(\"{}\")", text.replace('\\', "\\\\").replace('"', "\\\""))
}

impl TryFrom<String> for Transform {
    type Error = SyntaxError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Transform> for String {
    fn from(transform: Transform) -> Self {
        transform.to_string()
    }
}
