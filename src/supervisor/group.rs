//! All instances of one process: started, kept running, replaced, ended.

mod report;

use std::cell::{Cell, Ref, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Mutex;
use tokio::task::spawn_local;
use tokio::time::sleep;

use super::adopt;
use super::definition::Definition;
use super::home::Home;
use super::procfs::{self, Usage};
use super::restarts::History;
use super::sockets::Sockets;
use super::state::KeptProcess;
use super::worker::{Phase, Worker, log_files};

/// Nothing is done by two at once: what a reload is about to end, a crash must not start.
pub(super) struct Group {
    home: Home,
    definition: RefCell<Definition>,
    sockets: RefCell<Sockets>,
    /// How many instances there are to be; 0 where it is stopped.
    wanted: Cell<usize>,
    generation: Cell<u64>,
    slots: RefCell<BTreeMap<usize, Slot>>,
    /// Told to end.
    leaving: RefCell<Vec<Rc<Worker>>>,
    /// Held by whoever starts, replaces or ends instances.
    operation: Mutex<()>,
    /// Called whenever something is to be written down.
    on_change: Box<dyn Fn()>,
}

/// The place of one instance.
#[derive(Default)]
struct Slot {
    worker: Option<Rc<Worker>>,
    history: History,
    is_given_up: bool,
    last_end: Option<String>,
    usage: Usage,
    cpu_percent: f64,
}

impl Group {
    pub(super) fn new(
        definition: Definition,
        home: &Home,
        on_change: impl Fn() + 'static,
    ) -> Rc<Self> {
        Rc::new(Self {
            home: home.clone(),
            definition: RefCell::new(definition),
            sockets: RefCell::default(),
            wanted: Cell::new(0),
            generation: Cell::new(0),
            slots: RefCell::default(),
            leaving: RefCell::default(),
            operation: Mutex::default(),
            on_change: Box::new(on_change),
        })
    }

    pub(super) fn definition(&self) -> Ref<'_, Definition> {
        self.definition.borrow()
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.wanted.get() == 0
    }

    /// Takes over what another supervisor left, and starts what is missing.
    pub(super) async fn adopt(self: &Rc<Self>, kept: &KeptProcess) -> Result<(), String> {
        let operation = self.operation.lock().await;
        self.wanted.set(kept.wanted);
        self.generation.set(kept.generation);
        let mut adopted = Vec::new();
        for kept in &kept.workers {
            let worker = Worker::adopt(&self.definition(), &self.home, kept);
            adopted.extend(worker.map_err(|error| error.to_string())?);
        }
        let from: Vec<_> = adopted.iter().map(|worker| worker.identity).collect();
        let taken = adopt::take_sockets(&mut self.sockets.borrow_mut(), &kept.sockets, &from);
        if let Err(error) = taken {
            let name = self.definition().name.clone();
            tracing::warn!(name, %error, "the sockets cannot be taken over: instances are started anew");
            self.sockets.borrow_mut().close();
            let limit = self.definition().kill_timeout;
            join_all(adopted.iter().map(|worker| worker.end(false, limit))).await;
            adopted.clear();
        }
        for worker in adopted {
            // Of two in one place the newer one was to stay.
            let place = worker.number;
            let before = {
                let mut slots = self.slots.borrow_mut();
                let slot = slots.entry(place).or_default();
                match &slot.worker {
                    Some(known) if known.generation > worker.generation => Some(worker),
                    _ => slot.worker.replace(worker),
                }
            };
            if let Some(before) = before {
                self.let_go(before, true);
            }
        }
        let kept: Vec<_> = self.current().collect();
        for worker in kept {
            spawn_local(Rc::clone(self).keep(worker));
        }
        let result = self.fill(self.wanted()).await;
        drop(operation);
        (self.on_change)();
        result
    }

    /// Starts it, if it is stopped.
    pub(super) async fn start(self: &Rc<Self>) -> Result<(), String> {
        let _operation = self.operation.lock().await;
        if self.is_stopped() {
            self.slots.borrow_mut().clear();
            let count = self.definition().instances.count();
            self.fill(count).await?;
        }
        Ok(())
    }

    /// Has this many instances running, and awaits that the new ones are ready. Those that are not are tried again as the
    /// definition says.
    async fn fill(self: &Rc<Self>, count: usize) -> Result<(), String> {
        let definition = self.definition().clone();
        let opened = self.sockets.borrow_mut().open(&definition, count);
        opened.map_err(|error| error.to_string())?;
        self.wanted.set(count);
        let mut started = Vec::new();
        for number in 0..count {
            let runs = |slot: &Slot| slot.worker.is_some();
            if self.slots.borrow().get(&number).is_some_and(runs) {
                continue;
            }
            let worker = self.spawn(number)?;
            self.slots.borrow_mut().entry(number).or_default().worker = Some(Rc::clone(&worker));
            spawn_local(Rc::clone(self).keep(Rc::clone(&worker)));
            started.push(worker);
        }
        (self.on_change)();
        let limit = definition.listen_timeout;
        let ready = join_all(started.iter().map(|worker| worker.ready(limit))).await;
        (self.on_change)();
        all(ready)
    }

    fn spawn(&self, number: usize) -> Result<Rc<Worker>, String> {
        // Of the first generation, unless there is one.
        self.generation.set(self.generation.get().max(1));
        self.spawn_of(&self.definition(), number, self.generation.get())
    }

    fn spawn_of(
        &self,
        definition: &Definition,
        number: usize,
        generation: u64,
    ) -> Result<Rc<Worker>, String> {
        let sockets = self.sockets.borrow();
        Worker::start(definition, &self.home, &sockets, number, generation)
            .map_err(|error| format!("instance {number} cannot be started: {error}"))
    }

    /// Replaces all instances by a new generation, by another definition perhaps. Nothing has changed where any of it is
    /// not ready in time.
    pub(super) async fn reload(
        self: &Rc<Self>,
        definition: Option<Definition>,
    ) -> Result<(), String> {
        let _operation = self.operation.lock().await;
        let is_other = definition.is_some();
        let definition = definition.unwrap_or_else(|| self.definition().clone());
        let count = if is_other || self.is_stopped() {
            definition.instances.count()
        } else {
            self.wanted.get()
        };
        self.replace(&definition, &(0..count).collect::<Vec<_>>())
            .await?;
        // Those that are too many now.
        let surplus = self.slots.borrow_mut().split_off(&count);
        for worker in surplus.into_values().filter_map(|slot| slot.worker) {
            self.let_go(worker, true);
        }
        self.wanted.set(count);
        self.definition.replace(definition);
        let definition = self.definition();
        self.sockets.borrow_mut().close_others(&definition, count);
        drop(definition);
        (self.on_change)();
        Ok(())
    }

    async fn replace(
        self: &Rc<Self>,
        definition: &Definition,
        numbers: &[usize],
    ) -> Result<(), String> {
        let count = numbers.iter().max().map_or(0, |most| most + 1);
        let opened = self.sockets.borrow_mut().open(definition, count);
        opened.map_err(|error| error.to_string())?;
        let generation = self.generation.get() + 1;
        let mut candidates = Vec::new();
        let mut failures = Vec::new();
        for number in numbers {
            match self.spawn_of(definition, *number, generation) {
                Ok(worker) => candidates.push(worker),
                Err(reason) => failures.push(Err(reason)),
            }
        }
        let limit = definition.listen_timeout;
        failures.extend(join_all(candidates.iter().map(|worker| worker.ready(limit))).await);
        if let Err(reasons) = all(failures) {
            // They serve nobody yet that another one does not.
            let limit = definition.kill_timeout;
            join_all(candidates.iter().map(|worker| worker.end(true, limit))).await;
            let (known, wanted) = (self.definition().clone(), self.wanted.get());
            self.sockets.borrow_mut().close_others(&known, wanted);
            return Err(format!("{reasons}. What ran before goes on"));
        }
        self.generation.set(generation);
        for worker in candidates {
            let before = {
                let mut slots = self.slots.borrow_mut();
                let slot = slots.entry(worker.number).or_default();
                slot.is_given_up = false;
                slot.worker.replace(Rc::clone(&worker))
            };
            spawn_local(Rc::clone(self).keep(worker));
            if let Some(before) = before {
                self.let_go(before, true);
            }
        }
        (self.on_change)();
        Ok(())
    }

    /// Tells one to end, and remembers it until it has.
    fn let_go(self: &Rc<Self>, worker: Rc<Worker>, others_serve: bool) {
        if matches!(worker.phase(), Phase::Ended(_)) {
            return;
        }
        self.leaving.borrow_mut().push(Rc::clone(&worker));
        let group = Rc::clone(self);
        let limit = self.definition().kill_timeout;
        spawn_local(async move {
            worker.end(others_serve, limit).await;
            let mut leaving = group.leaving.borrow_mut();
            leaving.retain(|other| !Rc::ptr_eq(other, &worker));
        });
    }

    /// Ends all instances, and closes the sockets.
    pub(super) async fn stop(self: &Rc<Self>) {
        let _operation = self.operation.lock().await;
        self.end_all().await;
        self.wanted.set(0);
        self.sockets.borrow_mut().close();
        (self.on_change)();
    }

    /// Ends all instances and starts them again; whoever connects meanwhile waits.
    pub(super) async fn restart(self: &Rc<Self>) -> Result<(), String> {
        let _operation = self.operation.lock().await;
        let count = match self.wanted.get() {
            0 => self.definition().instances.count(),
            wanted => wanted,
        };
        self.end_all().await;
        self.slots.borrow_mut().clear();
        self.generation.set(self.generation.get() + 1);
        self.fill(count).await
    }

    async fn end_all(&self) {
        let limit = self.definition().kill_timeout;
        let mut workers: Vec<_> = self.current().collect();
        workers.extend(self.leaving.borrow().iter().cloned());
        join_all(workers.iter().map(|worker| worker.end(false, limit))).await;
    }

    /// Has this many instances.
    pub(super) async fn scale(self: &Rc<Self>, count: usize) -> Result<(), String> {
        let _operation = self.operation.lock().await;
        let surplus = self.slots.borrow_mut().split_off(&count);
        for worker in surplus.into_values().filter_map(|slot| slot.worker) {
            self.let_go(worker, true);
        }
        let result = self.fill(count).await;
        let definition = self.definition();
        self.sockets.borrow_mut().close_others(&definition, count);
        result
    }

    pub(super) fn wanted(&self) -> usize {
        self.wanted.get()
    }

    fn current(&self) -> impl Iterator<Item = Rc<Worker>> + use<> {
        let slots = self.slots.borrow();
        let workers: Vec<_> = slots
            .values()
            .filter_map(|slot| slot.worker.clone())
            .collect();
        workers.into_iter()
    }

    /// Starts what stands in a place again whenever it ends by itself.
    async fn keep(self: Rc<Self>, mut worker: Rc<Worker>) {
        loop {
            let how = worker.ended().await;
            if worker.is_told_to_end() {
                return;
            }
            let name = self.definition().name.clone();
            tracing::warn!(name, number = worker.number, "ended: {how}");
            let Some(delay) = self.note_end(&worker, how) else {
                return;
            };
            (self.on_change)();
            sleep(delay).await;
            let _operation = self.operation.lock().await;
            // A reload may have put another one in its place meanwhile, or it was stopped.
            if !self.stands(&worker) {
                return;
            }
            match self.spawn(worker.number) {
                Ok(next) => {
                    if let Some(slot) = self.slots.borrow_mut().get_mut(&worker.number) {
                        slot.worker = Some(Rc::clone(&next));
                    }
                    worker = next;
                    (self.on_change)();
                }
                Err(reason) => {
                    tracing::error!(name, "{reason}");
                    return;
                }
            }
        }
    }

    fn stands(&self, worker: &Rc<Worker>) -> bool {
        let slots = self.slots.borrow();
        let stands = slots
            .get(&worker.number)
            .and_then(|slot| slot.worker.as_ref());
        !worker.is_told_to_end() && stands.is_some_and(|known| Rc::ptr_eq(known, worker))
    }

    /// How long to wait before it is started again; `None` where it is not to be.
    fn note_end(&self, worker: &Rc<Worker>, how: String) -> Option<Duration> {
        if !self.stands(worker) {
            return None;
        }
        let mut slots = self.slots.borrow_mut();
        let slot = slots.get_mut(&worker.number)?;
        slot.last_end = Some(how);
        let delay = slot.history.ended(&self.definition(), worker.uptime());
        slot.is_given_up = delay.is_none();
        delay
    }

    /// Looks after what runs: called every second.
    pub(super) fn look(self: &Rc<Self>, passed: Duration) {
        let definition = self.definition().clone();
        for worker in self.current() {
            if let Some(limit) = definition.watchdog
                && worker.phase() == Phase::Ready
                && worker.since_last_sign() > limit
            {
                tracing::warn!(
                    name = definition.name,
                    number = worker.number,
                    "no sign of life: killed"
                );
                worker.kill();
                continue;
            }
            let Some(usage) = procfs::usage(worker.identity.pid) else {
                continue;
            };
            self.note_usage(worker.number, usage, passed);
            let limit = definition.max_memory_restart;
            if limit.is_some_and(|limit| usage.memory > limit.0) && worker.phase() == Phase::Ready {
                spawn_local(Rc::clone(self).replace_one(worker, usage.memory));
            }
        }
    }

    /// Replaces one that takes too much, unless something is being done already.
    async fn replace_one(self: Rc<Self>, worker: Rc<Worker>, memory: u64) {
        let Ok(_operation) = self.operation.try_lock() else {
            return;
        };
        if !self.stands(&worker) {
            return;
        }
        let definition = self.definition().clone();
        let (name, number) = (&definition.name, worker.number);
        tracing::warn!(
            name,
            number,
            memory,
            "more than max_memory_restart: replaced"
        );
        if let Err(reason) = self.replace(&definition, &[number]).await {
            tracing::error!(name, "{reason}");
        } else if let Some(slot) = self.slots.borrow_mut().get_mut(&number) {
            slot.history.restarts += 1;
            slot.last_end = Some("more than max_memory_restart".to_owned());
        }
    }

    fn note_usage(&self, number: usize, usage: Usage, passed: Duration) {
        let mut slots = self.slots.borrow_mut();
        let Some(slot) = slots.get_mut(&number) else {
            return;
        };
        let spent = usage.cpu.saturating_sub(slot.usage.cpu);
        slot.cpu_percent = 100.0 * spent.as_secs_f64() / passed.as_secs_f64().max(0.001);
        slot.usage = usage;
    }

    pub(super) fn log_files(&self) -> [std::path::PathBuf; 2] {
        log_files(&self.definition(), &self.home)
    }
}

/// All reasons, if there are any.
fn all(results: Vec<Result<(), String>>) -> Result<(), String> {
    let reasons: Vec<_> = results.into_iter().filter_map(Result::err).collect();
    if reasons.is_empty() {
        Ok(())
    } else {
        Err(reasons.join("; "))
    }
}
