//! CPU seconds of processes, read from `/proc`: user and system time, with all threads.

use std::process;

use super::Outcome;

/// Clock ticks a second in `/proc`; fixed by the kernel's interface to programs.
const TICKS: f64 = 100.0;

/// CPU seconds so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct CpuTime {
    /// Of the gateway.
    pub(crate) gateway: f64,
    /// Of the Postgres server and all its children, those that have ended included.
    pub(crate) postgres: f64,
    /// Of this process: what makes the load.
    pub(crate) load: f64,
}

/// Reads CPU times of the same processes again and again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Meter {
    /// The gateway, when one runs.
    pub(crate) gateway: Option<u32>,
    /// The postmaster.
    pub(crate) postgres: u32,
}

impl Meter {
    /// The times at this moment.
    pub(crate) fn read(&self) -> Outcome<CpuTime> {
        let postgres = Stat::of(self.postgres)?;
        let children: f64 = children(self.postgres)?.iter().map(|child| child.own).sum();
        Ok(CpuTime {
            gateway: self.gateway.map_or(Ok(0.0), |pid| Stat::of(pid).map(|stat| stat.own))?,
            postgres: postgres.own + postgres.ended_children + children,
            load: Stat::of(process::id())?.own,
        })
    }

    /// What was used since an earlier reading.
    pub(crate) fn since(&self, before: CpuTime) -> Outcome<CpuTime> {
        let now = self.read()?;
        Ok(CpuTime {
            gateway: now.gateway - before.gateway,
            postgres: now.postgres - before.postgres,
            load: now.load - before.load,
        })
    }
}

struct Stat {
    parent: u32,
    own: f64,
    ended_children: f64,
}

impl Stat {
    fn of(pid: u32) -> Outcome<Self> {
        let text = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // the name in parentheses may hold anything
        let fields: Vec<&str> =
            text.rsplit(')').next().unwrap_or_default().split_ascii_whitespace().collect();
        let number = |at: usize| fields.get(at).and_then(|f| f.parse::<f64>().ok()).unwrap_or(0.0);
        Ok(Self {
            parent: fields.get(1).and_then(|f| f.parse().ok()).unwrap_or(0),
            own: (number(11) + number(12)) / TICKS,
            ended_children: (number(13) + number(14)) / TICKS,
        })
    }
}

fn children(parent: u32) -> Outcome<Vec<Stat>> {
    let pids =
        std::fs::read_dir("/proc")?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    // one that ends meanwhile is counted with its parent the next time
    Ok(pids.filter_map(|pid| Stat::of(pid).ok()).filter(|stat| stat.parent == parent).collect())
}

/// A figure of `/proc/<pid>/status` in MiB, such as `VmRSS`.
pub(crate) fn memory_mib(pid: u32, figure: &str) -> Outcome<f64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(figure)?.strip_prefix(':'));
    let kib: f64 =
        line.and_then(|l| l.trim().trim_end_matches(" kB").parse().ok()).ok_or("no such figure of memory")?;
    Ok(kib / 1024.0)
}

/// Lets the peak of resident memory (`VmHWM`) begin anew.
pub(crate) fn reset_peak(pid: u32) -> Outcome<()> {
    Ok(std::fs::write(format!("/proc/{pid}/clear_refs"), "5")?)
}
