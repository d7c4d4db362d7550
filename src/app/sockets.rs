//! Listening sockets that whoever started the process hands over: systemd, `doorbuster pm`, or anything else that speaks
//! the protocol of `sd_listen_fds(3)`.

use std::io;

use listenfd::ListenFd;

use crate::http::Inherited;

/// Names of the sockets, in their order, separated by colons.
const NAMES: &str = "LISTEN_FDNAMES";
const PUBLIC: &str = "public";
const ADMIN: &str = "admin";

/// Why sockets that were handed over are of no use.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Nobody knows what it is for.
    #[error("cannot use the sockets of LISTEN_FDS: {0}")]
    Unknown(String),
    /// It is none that TCP connections come by.
    #[error("cannot use socket {number} of LISTEN_FDS: {error}")]
    Unfit {
        /// From 0.
        number: usize,
        /// What it is instead.
        error: io::Error,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Public,
    Admin,
}

/// Takes the sockets that this process was given; none where it was given none. `public` is how many addresses the
/// configuration has, which tells the sockets apart where they have no names.
pub(super) fn inherited(public: usize) -> Result<Inherited, SocketError> {
    let mut sockets = ListenFd::from_env();
    let names = std::env::var(NAMES).unwrap_or_default();
    let roles = roles(&names, sockets.len(), public).map_err(SocketError::Unknown)?;
    let mut inherited = Inherited::default();
    for (number, role) in roles.into_iter().enumerate() {
        let unfit = |error| SocketError::Unfit { number, error };
        let Some(socket) = sockets.take_tcp_listener(number).map_err(unfit)? else {
            continue;
        };
        match role {
            Role::Public => inherited.public.push(socket.into()),
            Role::Admin => inherited.admin = Some(socket.into()),
        }
    }
    Ok(inherited)
}

/// What each of `count` sockets is for. systemd names them after their unit where it is told no names, so names count
/// only where one of ours is among them.
fn roles(names: &str, count: usize, public: usize) -> Result<Vec<Role>, String> {
    let names: Vec<_> = names.split(':').collect();
    let roles: Vec<_> = if names.iter().any(|name| [PUBLIC, ADMIN].contains(name)) {
        let role = |name: &&str| match *name {
            PUBLIC => Ok(Role::Public),
            ADMIN => Ok(Role::Admin),
            other => Err(format!(
                "{other:?} in {NAMES} is neither {PUBLIC} nor {ADMIN}"
            )),
        };
        let roles = names.iter().map(role).collect::<Result<Vec<_>, _>>()?;
        if roles.len() != count {
            return Err(format!("{count} sockets, {} names in {NAMES}", roles.len()));
        }
        roles
    } else {
        let in_order = |number| {
            if number < public {
                Role::Public
            } else {
                Role::Admin
            }
        };
        (0..count).map(in_order).collect()
    };
    if roles.iter().filter(|role| **role == Role::Admin).count() > 1 {
        return Err(format!(
            "more than one for operators; name them {PUBLIC} or {ADMIN} in {NAMES}"
        ));
    }
    Ok(roles)
}

#[cfg(test)]
mod tests {
    use super::Role::{Admin, Public};
    use super::*;

    #[test]
    fn sockets_are_told_apart_by_name() {
        assert_eq!(roles("admin:public", 2, 1), Ok(vec![Admin, Public]));
        assert_eq!(roles("public:public", 2, 1), Ok(vec![Public, Public]));
        assert!(roles("public:console", 2, 1).is_err());
        assert!(roles("admin:admin", 2, 1).is_err());
        assert!(roles("public", 2, 1).is_err());
    }

    #[test]
    fn without_names_the_public_ones_come_first() {
        assert_eq!(roles("", 0, 1), Ok(vec![]));
        assert_eq!(roles("", 1, 1), Ok(vec![Public]));
        let unit = "doorbuster.socket:doorbuster.socket";
        assert_eq!(roles(unit, 2, 1), Ok(vec![Public, Admin]));
        assert_eq!(roles(unit, 2, 2), Ok(vec![Public, Public]));
        assert!(roles("", 3, 1).is_err());
    }
}
