//! Holds the functions' processes together, so that none outlives this one, however it ends and whether they are frozen.

use std::{io, process::Stdio};

use tokio::process::{Child, ChildStdin, Command};

/// A process group. Its leader waits for the end of a pipe that only this process holds, then kills the group.
pub struct ProcessGroup {
    id: i32,
    _leader: Child,
    _pipe: Option<ChildStdin>,
}

impl ProcessGroup {
    /// An empty group.
    ///
    /// # Errors
    /// Where there is no shell.
    pub fn new() -> io::Result<Self> {
        let mut leader = Command::new("/bin/sh");
        // The kernel hangs up a group that loses its parent while members are stopped.
        leader.args(["-c", "trap '' HUP INT TERM; read _; kill -KILL 0"]).process_group(0);
        let mut leader = leader.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let id = leader.id().map(u32::cast_signed).ok_or_else(|| io::Error::other("the leader of the functions' processes has ended"))?;
        Ok(ProcessGroup { id, _pipe: leader.stdin.take(), _leader: leader })
    }

    /// Has a process start within the group.
    pub(super) fn join(&self, command: &mut Command) {
        command.process_group(self.id);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn a_frozen_process_does_not_outlive_its_group() {
        let group = ProcessGroup::new().unwrap();
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "kill -STOP $$; sleep 60"]);
        group.join(&mut command);
        let mut frozen = command.spawn().unwrap();
        drop(group);
        let status = timeout(Duration::from_secs(10), frozen.wait()).await.expect("an end").unwrap();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9));
    }
}
