//! The forms in which the audit trail leaves: CSV and JSON lines.

use domain::view::AuditLineView;

/// A file's form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One row per line, with a head; for spreadsheets.
    Csv,
    /// One JSON object per line; for programs.
    #[value(name = "jsonl")]
    JsonLines,
}

const HEAD: [&str; 15] = [
    "line_no",
    "at",
    "actor",
    "actor_name",
    "action",
    "words",
    "subject",
    "subject_name",
    "outcome",
    "run",
    "contact_id",
    "customer_id",
    "detail",
    "previous_hash",
    "hash",
];

impl Format {
    /// What stands before the first line.
    #[must_use]
    pub fn head(self) -> Vec<u8> {
        match self {
            Self::Csv => format!("{}\r\n", HEAD.join(",")).into_bytes(),
            Self::JsonLines => Vec::new(),
        }
    }

    /// Appends the lines.
    pub fn write(self, lines: &[AuditLineView], out: &mut Vec<u8>) {
        for line in lines {
            match self {
                Self::Csv => csv_row(line, out),
                Self::JsonLines => {
                    // A view holds nothing that JSON cannot say.
                    out.extend(serde_json::to_vec(line).unwrap_or_default());
                    out.push(b'\n');
                }
            }
        }
    }
}

fn csv_row(line: &AuditLineView, out: &mut Vec<u8>) {
    let at = line.at.rfc3339();
    let (number, run) =
        (line.line_no.to_string(), line.run_number.map(|number| number.to_string()).unwrap_or_default());
    let cells: [&str; HEAD.len()] = [
        &number,
        &at,
        &line.actor,
        &line.actor_name,
        &line.action,
        &line.words,
        &line.subject,
        &line.subject_name,
        &line.outcome,
        &run,
        line.contact_id.as_deref().unwrap_or_default(),
        line.customer_id.as_deref().unwrap_or_default(),
        &line.detail,
        &line.previous_hash,
        &line.hash,
    ];
    for (index, cell) in cells.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend(quoted(cell).into_bytes());
    }
    out.extend(b"\r\n");
}

/// Quoted where CSV asks for it (RFC 4180). A name that a spreadsheet would run as a formula gets an apostrophe first.
fn quoted(cell: &str) -> String {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let cell = if is_formula { format!("'{cell}") } else { cell.to_owned() };
    if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn cells_are_quoted_and_formulas_defused() {
        assert_eq!(quoted("plain"), "plain");
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(quoted("=HYPERLINK(\"x\")"), "\"'=HYPERLINK(\"\"x\"\")\"");
    }
}
