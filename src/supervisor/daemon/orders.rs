//! What a daemon does on request.

use std::fs;
use std::rc::Rc;

use futures_util::future::join_all;

use super::Daemon;
use crate::supervisor::control::{Reply, Request};
use crate::supervisor::definition::Definition;
use crate::supervisor::group::Group;
use crate::supervisor::home::write_privately;
use crate::supervisor::logs;

/// For every process.
const ALL: &str = "all";
/// More instances than that are a typing error.
const MOST: usize = 1_000;

impl Daemon {
    pub(super) async fn obey(self: &Rc<Self>, request: Request) -> Reply {
        let mut reply = match request {
            Request::Start { definitions } => self.start(definitions).await,
            Request::StartAgain { names } => {
                self.each(&names, "started", async |group| group.start().await)
                    .await
            }
            Request::Stop { names } => {
                self.each(&names, "stopped", async |group| {
                    group.stop().await;
                    Ok(())
                })
                .await
            }
            Request::Delete { names } => {
                self.each(&names, "deleted", async |group| {
                    group.stop().await;
                    let mut groups = self.groups.borrow_mut();
                    groups.retain(|other| !Rc::ptr_eq(other, &group));
                    Ok(())
                })
                .await
            }
            Request::Restart { names } => {
                self.each(&names, "restarted", async |group| group.restart().await)
                    .await
            }
            Request::Reload { names } => {
                self.each(&names, "reloaded", async |group| group.reload(None).await)
                    .await
            }
            Request::Scale { name, to } => self.scale(name, &to).await,
            Request::List | Request::Update => Reply::default(),
            Request::Flush { names } => {
                self.each(&names, "logs emptied", async |group| {
                    for file in group.log_files().iter().filter(|file| file.exists()) {
                        logs::empty(file)
                            .map_err(|error| format!("{}: {error}", file.display()))?;
                    }
                    Ok(())
                })
                .await
            }
            Request::Save => self.save(),
            Request::Resurrect => self.resurrect().await,
            Request::Kill => {
                let groups = self.groups.borrow().clone();
                join_all(groups.iter().map(Group::stop)).await;
                self.is_empty.set(true);
                Reply::default()
            }
        };
        self.write_down();
        let groups = self.groups.borrow();
        reply.processes = groups.iter().map(|group| group.status()).collect();
        reply
    }

    fn find(&self, name: &str) -> Option<Rc<Group>> {
        let groups = self.groups.borrow();
        let mut found = groups.iter();
        found.find(|group| group.definition().name == name).cloned()
    }

    /// Does something with each process of these names, all at once.
    async fn each(
        &self,
        names: &[String],
        what: &str,
        order: impl AsyncFn(Rc<Group>) -> Result<(), String>,
    ) -> Reply {
        let mut reply = Reply::default();
        let mut groups = Vec::new();
        if names.is_empty() || names.iter().any(|name| name == ALL) {
            groups.clone_from(&self.groups.borrow());
        } else {
            for name in names {
                match self.find(name) {
                    Some(group) => groups.push(group),
                    None => reply.failed.push(format!("no process is named {name}")),
                }
            }
        }
        let results = join_all(groups.iter().map(|group| order(Rc::clone(group)))).await;
        for (group, result) in groups.iter().zip(results) {
            let name = &group.definition().name;
            match result {
                Ok(()) => reply.done.push(format!("{name}: {what}")),
                Err(reason) => reply.failed.push(format!("{name}: {reason}")),
            }
        }
        reply
    }

    /// In the order of the file, each when the one before is ready.
    async fn start(&self, definitions: Vec<Definition>) -> Reply {
        let mut reply = Reply::default();
        for definition in definitions {
            let name = definition.name.clone();
            let (what, result) = match self.find(&name) {
                None => ("started", self.add(definition).start().await),
                Some(group) if *group.definition() != definition => {
                    ("reloaded", group.reload(Some(definition)).await)
                }
                Some(group) if group.is_stopped() => ("started", group.start().await),
                Some(_) => ("runs already", Ok(())),
            };
            match result {
                Ok(()) => reply.done.push(format!("{name}: {what}")),
                Err(reason) => reply.failed.push(format!("{name}: {reason}")),
            }
        }
        reply
    }

    async fn scale(&self, name: String, to: &str) -> Reply {
        let Some(group) = self.find(&name) else {
            return Reply::failure(format!("no process is named {name}"));
        };
        let count = match to.parse::<isize>() {
            Ok(change) if to.starts_with(['+', '-']) => group.wanted().checked_add_signed(change),
            Ok(count) => usize::try_from(count).ok(),
            Err(_) => None,
        };
        let Some(count) = count.filter(|count| (1..=MOST).contains(count)) else {
            return Reply::failure(format!(
                "{name}: cannot scale to {to:?}; write how many, such as 3, +1 or -1; to none, stop it"
            ));
        };
        let what = format!("scaled to {count}");
        self.each(&[name], &what, async |group| group.scale(count).await)
            .await
    }

    fn save(&self) -> Reply {
        let groups = self.groups.borrow();
        let definitions: Vec<_> = groups
            .iter()
            .filter(|group| !group.is_stopped())
            .map(|group| {
                let mut definition = group.definition().clone();
                definition.instances = definition.instances.scaled(group.wanted());
                definition
            })
            .collect();
        let saved = serde_json::to_string_pretty(&definitions)
            .map_err(std::io::Error::other)
            .and_then(|text| write_privately(&self.home.saved(), &text));
        let names: Vec<_> = definitions.iter().map(|it| it.name.as_str()).collect();
        let names = match names.as_slice() {
            [] => "nothing".to_owned(),
            names => names.join(", "),
        };
        match saved {
            Ok(()) => Reply {
                done: vec![format!(
                    "saved in {}: {}",
                    self.home.saved().display(),
                    names
                )],
                ..Reply::default()
            },
            Err(error) => Reply::failure(format!("cannot save: {error}")),
        }
    }

    /// Starts what was saved. Where nothing was, there is nothing to do.
    pub(super) async fn resurrect(&self) -> Reply {
        let path = self.home.saved();
        if !path.exists() {
            return Reply::default();
        }
        let read = fs::read(&path).map_err(|error| error.to_string());
        let read = read.and_then(|text| {
            serde_json::from_slice::<Vec<Definition>>(&text).map_err(|error| error.to_string())
        });
        match read {
            Ok(definitions) => self.start(definitions).await,
            Err(reason) => Reply::failure(format!("{}: {reason}", path.display())),
        }
    }
}
