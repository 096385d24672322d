//! What the kernel knows of this process.

use anyhow::Context as _;

/// The most memory this process ever had resident, in kibibytes.
pub(crate) fn peak_memory_kib() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status").context("reading /proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("the kernel tells no VmHWM")?;
    let number = line.trim().trim_end_matches("kB").trim();
    number.parse().with_context(|| format!("VmHWM is {number:?}"))
}

/// Processor time this process has used so far, in milliseconds.
pub(crate) fn processor_ms() -> anyhow::Result<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat").context("reading /proc/self/stat")?;
    // The name in the second field may hold spaces; behind its bracket come state and numbers.
    let rest = stat.rsplit_once(')').map(|(_, rest)| rest).context("an unreadable /proc/self/stat")?;
    let ticks: u64 = rest.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    // Linux tells user space a hundred ticks a second, whatever its own clock.
    Ok(ticks * 10)
}
