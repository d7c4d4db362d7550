//! The listening sockets. They are the supervisor's, and outlive each worker: who connects while there is none waits.

use std::collections::BTreeMap;
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};

use serde::{Deserialize, Serialize};
use socket2::{Domain, Protocol, Socket, Type};

use super::definition::Definition;
use super::listen::Listen;

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 4096;

/// Those of one process, by what they were asked for.
#[derive(Debug, Default)]
pub(super) struct Sockets(BTreeMap<String, (Listen, TcpListener)>);

/// What another supervisor needs to find a socket again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    pub(super) listen: Listen,
    pub(super) inode: u64,
}

/// An address that cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {listen}: {error}")]
pub(super) struct BindError {
    listen: String,
    error: io::Error,
}

impl Sockets {
    /// Opens those that a definition needs for so many instances and are not open yet. On an error nothing has changed.
    pub(super) fn open(
        &mut self,
        definition: &Definition,
        instances: usize,
    ) -> Result<(), BindError> {
        let mut opened: Vec<(Listen, TcpListener)> = Vec::new();
        for listen in all(definition, instances) {
            // Instances share some of them.
            let is_opened = opened.iter().any(|(known, _)| *known == listen);
            if is_opened || self.0.contains_key(&listen.to_string()) {
                continue;
            }
            let listener = bind(&listen).map_err(|error| BindError {
                listen: listen.to_string(),
                error,
            })?;
            opened.push((listen, listener));
        }
        for (listen, listener) in opened {
            self.0.insert(listen.to_string(), (listen, listener));
        }
        Ok(())
    }

    /// Closes those that a definition does not need. Workers that have them keep theirs.
    pub(super) fn close_others(&mut self, definition: &Definition, instances: usize) {
        let needed: Vec<_> = all(definition, instances)
            .map(|listen| listen.to_string())
            .collect();
        self.0.retain(|key, _| needed.contains(key));
    }

    pub(super) fn close(&mut self) {
        self.0.clear();
    }

    /// Takes one over from somewhere else.
    pub(super) fn adopt(&mut self, listen: Listen, socket: OwnedFd) {
        self.0.insert(listen.to_string(), (listen, socket.into()));
    }

    /// Copies for an instance, in the order of its definition, each with its name.
    pub(super) fn of_instance(
        &self,
        definition: &Definition,
        number: usize,
    ) -> io::Result<Vec<(String, OwnedFd)>> {
        let wanted = of_instance(definition, number);
        let sockets = wanted.filter_map(|listen| self.0.get(&listen.to_string()));
        sockets
            .map(|(listen, socket)| {
                let copy = socket.as_fd().try_clone_to_owned()?;
                Ok((listen.name.clone(), copy))
            })
            .collect()
    }

    pub(super) fn known(&self) -> Vec<Known> {
        let sockets = self.0.values().filter_map(|(listen, socket)| {
            Some(Known {
                listen: listen.clone(),
                inode: rustix::fs::fstat(socket).ok()?.st_ino,
            })
        });
        sockets.collect()
    }
}

fn of_instance(definition: &Definition, number: usize) -> impl Iterator<Item = Listen> {
    let own = definition.listen_each.iter();
    let own = own.filter_map(move |listen| listen.of_instance(number));
    definition.listen.iter().cloned().chain(own)
}

fn all(definition: &Definition, instances: usize) -> impl Iterator<Item = Listen> {
    (0..instances).flat_map(|number| of_instance(definition, number))
}

fn bind(listen: &Listen) -> io::Result<TcpListener> {
    let address = listen.address;
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
