//! What the kernel knows of a process.

use std::fs;

/// The unit of times in `/proc/PID/stat`, which Linux gives in hundredths of a second whatever it
/// counts in.
///
/// Source: `proc_pid_stat(5)`, `sysconf(_SC_CLK_TCK)`.
const TICKS_PER_SECOND: f64 = 100.0;

/// The seconds of processor time that a process has taken, in the kernel as well.
pub(crate) fn processor_time(id: u32) -> f64 {
    let stat = read(id, "stat");
    // The name before it may hold anything.
    let (_, fields) = stat.rsplit_once(')').expect("a name in brackets");
    let mut fields = fields.split_whitespace().skip(11);
    let mut ticks = || -> f64 {
        let field = fields.next().expect("a time");
        field.parse().expect("times are numbers")
    };
    let (user, system) = (ticks(), ticks());
    (user + system) / TICKS_PER_SECOND
}

/// The most memory that a process has had resident at a time, in MiB.
pub(crate) fn peak_memory(id: u32) -> f64 {
    peak_memory_of(id).expect("Linux tells the peak in kB")
}

/// The same of a process that may have ended meanwhile.
pub(crate) fn peak_memory_of(id: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes = line.trim().strip_suffix(" kB")?;
    Some(kibibytes.parse::<f64>().expect("sizes are numbers") / 1024.0)
}

fn read(id: u32, name: &str) -> String {
    let path = format!("/proc/{id}/{name}");
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("cannot read {path}: {error}"))
}
