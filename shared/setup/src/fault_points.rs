//! Kills this process at one exact step of a task's way, so that tests can show what survives. Not part of a shipped binary.

mod ports;

use std::{
    path::PathBuf,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use engine::Ports;
use rustix::process::{Signal, getpid, kill_process};

use ports::{FaultyEventBus, FaultyTaskStore, FaultyWebhookSender, FaultyWorkQueue};

/// A place where a process can die.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultPoint {
    /// A runner is about to commit that it holds a task.
    BeforeLease,
    /// That is committed, and the runner doesn't know yet.
    AfterLease,
    /// Events are about to be committed.
    BeforeStore,
    /// Events are committed, and nobody was told.
    AfterStore,
    /// Committed events are about to be published.
    BeforePublish,
    /// Committed events are published.
    AfterPublish,
    /// Work is committed, and workers are about to hear of it (or the queue to get it).
    BeforeAnnounce,
    /// The queue has the work.
    AfterAnnounce,
    /// A webhook is about to be called.
    BeforeWebhook,
    /// A webhook has its event, and its cursor is about to move.
    AfterWebhook,
    /// A piece of work is done, and the queue is about to forget it.
    BeforeComplete,
}

const NAMES: [(&str, FaultPoint); 11] = [
    ("before-lease", FaultPoint::BeforeLease),
    ("after-lease", FaultPoint::AfterLease),
    ("before-store", FaultPoint::BeforeStore),
    ("after-store", FaultPoint::AfterStore),
    ("before-publish", FaultPoint::BeforePublish),
    ("after-publish", FaultPoint::AfterPublish),
    ("before-announce", FaultPoint::BeforeAnnounce),
    ("after-announce", FaultPoint::AfterAnnounce),
    ("before-webhook", FaultPoint::BeforeWebhook),
    ("after-webhook", FaultPoint::AfterWebhook),
    ("before-complete", FaultPoint::BeforeComplete),
];

/// When to die, written `kill:POINT`, `kill:POINT#N` or `kill:POINT#N@FILE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    point: FaultPoint,
    /// At the so-manieth time, from 1.
    number: u32,
    /// Times count while this file is there; the process that takes it away is the one that dies.
    armed_by: Option<PathBuf>,
}

impl FromStr for Fault {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (text, armed_by) = match text.split_once('@') {
            Some((text, path)) if !path.is_empty() => (text, Some(path.into())),
            Some(_) => return Err(()),
            None => (text, None),
        };
        let text = text.strip_prefix("kill:").ok_or(())?;
        let (name, number) = text.split_once('#').unwrap_or((text, "1"));
        let point = NAMES.iter().find(|(known, _)| *known == name).ok_or(())?.1;
        let number = number.parse().ok().filter(|number| *number > 0).ok_or(())?;
        Ok(Fault { point, number, armed_by })
    }
}

/// The same ports, with a fault between the engine and what is behind them.
pub(crate) fn armed(ports: Ports, fault: Fault) -> Ports {
    let trigger = Arc::new(Trigger { fault, times: AtomicU32::new(0) });
    Ports {
        tasks: Arc::new(FaultyTaskStore { inner: ports.tasks, trigger: trigger.clone() }),
        events: Arc::new(FaultyEventBus { inner: ports.events, trigger: trigger.clone() }),
        queue: Arc::new(FaultyWorkQueue { inner: ports.queue, trigger: trigger.clone() }),
        webhooks: Arc::new(FaultyWebhookSender { inner: ports.webhooks, trigger }),
        ..ports
    }
}

struct Trigger {
    fault: Fault,
    times: AtomicU32,
}

impl Trigger {
    /// The process is at this point. Returns if it isn't to die there.
    fn reached(&self, point: FaultPoint) {
        if point != self.fault.point || self.fault.armed_by.as_ref().is_some_and(|file| !file.exists()) {
            return;
        }
        if self.times.fetch_add(1, Ordering::SeqCst) + 1 != self.fault.number {
            return;
        }
        if let Some(file) = &self.fault.armed_by
            && std::fs::remove_file(file).is_err()
        {
            return;
        }
        // As the kernel or an operator would: nothing is flushed, closed or said.
        let _ = kill_process(getpid(), Signal::KILL);
        std::process::abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_has_a_point_a_number_and_a_file() {
        let fault = Fault { point: FaultPoint::AfterStore, number: 1, armed_by: None };
        assert_eq!("kill:after-store".parse(), Ok(fault.clone()));
        assert_eq!("kill:after-store#3".parse(), Ok(Fault { number: 3, ..fault.clone() }));
        assert_eq!("kill:after-store#2@/tmp/x".parse(), Ok(Fault { number: 2, armed_by: Some("/tmp/x".into()), ..fault }));
        for wrong in ["", "after-store", "kill:nowhere", "kill:after-store#0", "kill:after-store#x", "kill:after-store@"] {
            assert_eq!(wrong.parse::<Fault>(), Err(()), "{wrong}");
        }
    }
}
