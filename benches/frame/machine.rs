//! The machine a run was made on, in a line: a number without it says nothing.

use super::Outcome;
use super::lab::Lab;

/// Cores, memory, kernel, Postgres, date, and how busy the machine was before the run began.
pub(crate) fn describe(lab: &Lab) -> Outcome<String> {
    let cpu = std::fs::read_to_string("/proc/cpuinfo")?;
    let model = field(&cpu, "model name").unwrap_or("a processor without a name");
    let cores = std::thread::available_parallelism()?;
    let memory: u64 = field(&std::fs::read_to_string("/proc/meminfo")?, "MemTotal")
        .and_then(|m| m.trim_end_matches(" kB").parse().ok())
        .unwrap_or(0);
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let load = std::fs::read_to_string("/proc/loadavg")?;
    let load: Vec<&str> = load.split(' ').take(3).collect();
    let postgres = lab.server.sql("postgres", "SHOW server_version")?;
    let day = emgate::clock::wall_clock().format("%Y-%m-%d");
    Ok(format!(
        "{day}: {cores} cores of {model}, {} GiB, Linux {}, Postgres {postgres}, load generator and Kafka on the same cores; load average before the run {}.",
        memory >> 20,
        kernel.trim(),
        load.join(" "),
    ))
}

fn field<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let of = |line: &'t str| {
        line.split_once(':').filter(|(key, _)| key.trim() == name).map(|(_, value)| value.trim())
    };
    text.lines().find_map(of)
}
