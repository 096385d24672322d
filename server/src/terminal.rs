//! What a command says on standard output.

use std::io::Write as _;

/// One line (or several). Nobody reading is no reason to fail: `concord audit export | head` is a fair thing to do.
pub(crate) fn say(text: impl AsRef<str>) {
    let mut out = std::io::stdout().lock();
    drop(writeln!(out, "{}", text.as_ref()));
    drop(out.flush());
}
