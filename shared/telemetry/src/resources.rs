//! What this process takes of its machine, as Linux tells it.

use std::{
    fs,
    path::Path,
    sync::{LazyLock, Mutex, OnceLock, PoisonError},
    thread::available_parallelism,
    time::Instant,
};

use metrics::gauge;

use crate::metric;

/// The kernel counts a process's time in hundredths of a second, whatever its own clock.
const TICKS_PER_SECOND: f64 = 100.0;
/// Between two readings of the processor there is at least so much time, or the share would be mere chance.
const CPU_SECONDS: f64 = 0.5;

/// Memory in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// What the process holds.
    pub used: u64,
    /// What it may hold: the container's limit, or the machine's memory.
    pub limit: u64,
}

impl Memory {
    /// How much of what the process may hold it holds.
    pub fn percent(self) -> f64 {
        if self.limit == 0 { 0.0 } else { self.used as f64 * 100.0 / self.limit as f64 }
    }
}

/// What this process was given, where that is less than its machine has.
static GIVEN: OnceLock<u64> = OnceLock::new();

/// This process may hold so many bytes, as whoever started it said. To be called before anyone looks.
pub fn limit_memory_to(bytes: u64) {
    // Said once; a second word changes nothing.
    let _ = GIVEN.set(bytes);
}

/// Memory of this process; `None` where the system doesn't say.
pub fn memory() -> Option<Memory> {
    static LIMIT: LazyLock<Option<u64>> = LazyLock::new(limit);
    let pages: u64 = fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse().ok()?;
    Some(Memory { used: pages * rustix::param::page_size() as u64, limit: (*LIMIT)? })
}

fn limit() -> Option<u64> {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        Some(total.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
    });
    let container = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
        .into_iter()
        .find_map(|file| fs::read_to_string(file).ok()?.trim().parse::<u64>().ok());
    machine.into_iter().chain(container).chain(GIVEN.get().copied()).min()
}

/// The share of all processors that the process took between the last reading and this, in percent; `None` where the system doesn't say.
pub fn cpu_percent() -> Option<f64> {
    struct Reading {
        at: Instant,
        ticks: u64,
        percent: f64,
    }
    static LAST: Mutex<Option<Reading>> = Mutex::new(None);
    // To be told takes half a dozen files.
    static PROCESSORS: LazyLock<usize> = LazyLock::new(|| available_parallelism().map_or(1, usize::from));
    let now = Instant::now();
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(last) = &*last
        && (now - last.at).as_secs_f64() < CPU_SECONDS
    {
        return Some(last.percent);
    }
    let ticks = ticks()?;
    let percent = match &*last {
        // The first time: since the process began, which is hardly longer than what it took.
        None => 0.0,
        Some(last) => {
            let processors = *PROCESSORS as f64;
            let seconds = ticks.saturating_sub(last.ticks) as f64 / TICKS_PER_SECOND;
            (seconds / (now - last.at).as_secs_f64() / processors * 100.0).min(100.0)
        }
    };
    *last = Some(Reading { at: now, ticks, percent });
    Some(percent)
}

/// Time in user and kernel mode, all threads together.
fn ticks() -> Option<u64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name, in parentheses, may hold spaces.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let user: u64 = fields.nth(11)?.parse().ok()?;
    let kernel: u64 = fields.next()?.parse().ok()?;
    Some(user + kernel)
}

/// How full the file system is that holds this path, in percent; `None` where the system doesn't say.
pub fn disk_percent(path: &Path) -> Option<f64> {
    let disk = rustix::fs::statvfs(path).ok()?;
    // As `df` counts: what only root may still fill isn't there.
    let used = disk.f_blocks.saturating_sub(disk.f_bfree);
    let all = used + disk.f_bavail;
    (all > 0).then(|| used as f64 * 100.0 / all as f64)
}

/// Files that are open, connections among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenFiles {
    /// Of this process.
    pub open: u64,
    /// As many as it may have.
    pub limit: u64,
}

/// Files and connections of this process; `None` where the system doesn't say.
pub fn open_files() -> Option<OpenFiles> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let limit = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?.split_whitespace().next()?.parse().unwrap_or(u64::MAX);
    Some(OpenFiles { open: fs::read_dir("/proc/self/fd").ok()?.count() as u64, limit })
}

/// Brings the gauges up to date.
pub fn show() {
    if let Some(memory) = memory() {
        gauge!(metric::MEMORY).set(memory.used as f64);
        gauge!(metric::MEMORY_LIMIT).set(memory.limit as f64);
    }
    if let Some(percent) = cpu_percent() {
        gauge!(metric::CPU).set(percent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_holds_memory_and_less_than_it_may() {
        let memory = memory().unwrap();
        assert!(memory.used > 100_000 && memory.used < memory.limit, "{memory:?}");
        assert!(memory.percent() > 0.0 && memory.percent() < 100.0);
    }

    #[test]
    fn a_process_that_computes_takes_a_share_of_the_processors() {
        cpu_percent().unwrap();
        let start = Instant::now();
        let mut sum = 0_u64;
        while start.elapsed().as_secs_f64() < CPU_SECONDS + 0.05 {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        let percent = cpu_percent().unwrap();
        assert!(percent > 0.0 && percent <= 100.0, "{percent}");
    }

    #[test]
    fn a_process_has_open_files_and_may_have_more() {
        let files = open_files().unwrap();
        assert!(files.open >= 3 && files.open < files.limit, "{files:?}");
    }

    #[test]
    fn a_disk_is_partly_full() {
        let percent = disk_percent(Path::new("/")).unwrap();
        assert!((0.0..=100.0).contains(&percent), "{percent}");
        assert_eq!(disk_percent(Path::new("/no/such/place")), None);
    }
}
