//! What the operating system says about this process and this machine.

use std::fs;

/// The most memory that this process has had, in bytes; `None` where the system does not say.
#[must_use]
pub fn memory_peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

/// Forgets the most memory so far, where the system can.
pub fn reset_memory_peak() {
    // Refused where it is not known; the peak then includes what was before.
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// The processor time that this process has taken so far, in seconds: what it does counts, and not
/// what else the machine does meanwhile. `None` where the system does not say.
#[must_use]
pub fn processor_seconds() -> Option<f64> {
    /// As `getconf CLK_TCK` says on every Linux.
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program, in parentheses, may hold spaces.
    let (_, fields) = stat.rsplit_once(") ")?;
    let ticks = |field: usize| fields.split(' ').nth(field)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / TICKS_PER_SECOND)
}

/// The cores and the memory of this machine, in words.
#[must_use]
pub fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let info = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = info.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kib = total.and_then(|t| t.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split(':').nth(1));
    let model = model.unwrap_or("unknown processor").trim();
    format!("{cores} cores ({model}), {} GiB of memory", kib.unwrap_or(0).div_ceil(1 << 20))
}
