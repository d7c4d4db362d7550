//! How the instances of a process are, for those who look and for the next supervisor.

use std::rc::Rc;

use super::{Group, Slot};
use crate::supervisor::procfs;
use crate::supervisor::state::{KeptProcess, KeptWorker};
use crate::supervisor::status::{InstanceStatus, ProcessStatus};
use crate::supervisor::worker::{Phase, Worker};

impl Group {
    /// For those who look.
    pub(in crate::supervisor) fn status(&self) -> ProcessStatus {
        let slots = self.slots.borrow();
        let mut instances: Vec<_> = slots
            .iter()
            .map(|(number, slot)| of_slot(*number, slot, self.is_stopped()))
            .collect();
        let leaving = self.leaving.borrow();
        instances.extend(leaving.iter().map(|worker| {
            let mut status = of_worker(worker);
            status.memory = procfs::usage(worker.identity.pid).map_or(0, |usage| usage.memory);
            status
        }));
        instances.sort_by_key(|status| (status.number, status.generation));
        let [out_file, error_file] = self.log_files();
        ProcessStatus {
            definition: self.definition().clone(),
            out_file,
            error_file,
            wanted: self.wanted.get(),
            instances,
        }
    }

    /// For the next supervisor.
    pub(in crate::supervisor) fn kept(&self) -> KeptProcess {
        let workers = self.current().chain(self.leaving.borrow().clone());
        let workers = workers.filter(|worker| !matches!(worker.phase(), Phase::Ended(_)));
        let kept = |worker: Rc<Worker>| KeptWorker {
            number: worker.number,
            generation: worker.generation,
            identity: worker.identity,
            notify: worker.notify.clone(),
            handover: worker.handover().map(rustix::process::Signal::as_raw),
        };
        KeptProcess {
            definition: self.definition().clone(),
            wanted: self.wanted.get(),
            generation: self.generation.get(),
            sockets: self.sockets.borrow().known(),
            workers: workers.map(kept).collect(),
        }
    }
}

fn of_slot(number: usize, slot: &Slot, is_stopped: bool) -> InstanceStatus {
    let mut status = match &slot.worker {
        Some(worker) => of_worker(worker),
        None => InstanceStatus {
            number,
            state: "waiting".to_owned(),
            pid: None,
            generation: 0,
            uptime_ms: 0,
            restarts: 0,
            memory: 0,
            cpu_percent: 0.0,
            status: None,
            last_end: None,
        },
    };
    if is_stopped && status.pid.is_none() {
        "stopped".clone_into(&mut status.state);
    } else if slot.is_given_up {
        "errored".clone_into(&mut status.state);
    }
    status.restarts = slot.history.restarts;
    status.last_end.clone_from(&slot.last_end);
    if status.pid.is_some() {
        status.memory = slot.usage.memory;
        status.cpu_percent = slot.cpu_percent;
    }
    status
}

fn of_worker(worker: &Worker) -> InstanceStatus {
    let phase = worker.phase();
    let state = match &phase {
        Phase::Ended(_) => "waiting",
        _ if worker.is_told_to_end() => "draining",
        Phase::Starting => "starting",
        Phase::Ready => "online",
    };
    let runs = !matches!(phase, Phase::Ended(_));
    let uptime = u64::try_from(worker.uptime().as_millis()).unwrap_or(u64::MAX);
    InstanceStatus {
        number: worker.number,
        state: state.to_owned(),
        pid: runs.then_some(worker.identity.pid),
        generation: worker.generation,
        uptime_ms: if runs { uptime } else { 0 },
        restarts: 0,
        memory: 0,
        cpu_percent: 0.0,
        status: worker.status().filter(|_| runs),
        last_end: None,
    }
}
