//! `doorbuster serve`.

use std::net::SocketAddr;
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;
use ureq::http::Request;
use ureq::{Agent, AsSendBody};

use super::{PATIENCE, Program, Raw, Reply};

/// What is given up under pressure.
const LADDER: &str = "DOORBUSTER_FLAGS_LADDER";

/// How long it says that it is not ready before it stops.
const GRACE: &str = "DOORBUSTER_SERVER_DRAIN_GRACE";

/// A server that accepts connections.
pub(crate) struct Server {
    pub(crate) program: Program,
    pub(crate) public: SocketAddr,
    pub(crate) admin: SocketAddr,
    agent: Agent,
}

impl Server {
    /// Starts `command`, which has to end with the flags of `serve`, on ports that the system chooses,
    /// and awaits what its log says of them.
    pub(crate) fn start(command: &mut Command) -> Self {
        // A busy machine is no reason for answers to be others than a test expects.
        let names = |command: &Command, variable| command.get_envs().any(|(it, _)| it == variable);
        if !names(command, LADDER) {
            command.env(LADDER, "none");
        }
        // Where nobody watches whether it is ready, nobody has to find out before it stops.
        if !names(command, GRACE) {
            command.env(GRACE, "0s");
        }
        let command = command.args(["--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0"]);
        let program = Program::start(command);
        let address = |beginning: &str| {
            program.log.wait_for(beginning, |line| {
                let rest = line["message"].as_str()?.strip_prefix(beginning)?;
                rest.split(',').next()?.parse().ok()
            })
        };
        let public = address("listening on http://");
        let admin = address("listening for operators on http://");
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .build();
        Self {
            program,
            public,
            admin,
            agent: config.into(),
        }
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.request("GET", path, &[])
    }

    pub(crate) fn request(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.request_at(self.public, method, path, headers)
    }

    /// Sends a body.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Reply {
        self.send_to(self.public, method, path, headers, body.as_ref())
    }

    /// Asks the listener for operators.
    pub(crate) fn get_admin(&self, path: &str) -> Reply {
        self.request_at(self.admin, "GET", path, &[])
    }

    /// Sends a body to the listener for operators.
    pub(crate) fn send_admin(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Reply {
        self.send_to(self.admin, method, path, headers, body.as_ref())
    }

    fn request_at(
        &self,
        address: SocketAddr,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Reply {
        self.send_to(address, method, path, headers, ())
    }

    fn send_to(
        &self,
        address: SocketAddr,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl AsSendBody,
    ) -> Reply {
        let uri = format!("http://{address}{path}");
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = self.agent.run(request.body(body).unwrap()).unwrap();
        let body = response.body_mut().with_config().limit(u64::MAX);
        Reply {
            body: body.read_to_vec().unwrap(),
            status: response.status().as_u16(),
            headers: response
                .headers()
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                .collect(),
        }
    }

    /// The document of a product that is there.
    #[track_caller]
    pub(crate) fn document(&self, path: &str) -> Value {
        self.get(path).with(200).json()
    }

    /// A connection of its own.
    pub(crate) fn connect(&self) -> Raw {
        Raw::connect(self.public)
    }

    /// A connection of its own to the listener for operators.
    pub(crate) fn connect_admin(&self) -> Raw {
        Raw::connect(self.admin)
    }

    /// One GET on a connection of its own, with the path as it stands.
    pub(crate) fn get_exactly(&self, path: &str) -> Reply {
        self.connect()
            .send(format!("GET {path} HTTP/1.1\r\nhost: shop\r\n\r\n"))
            .reply()
    }

    /// Awaits that it has a Redis that it reads from and fills.
    #[track_caller]
    pub(crate) fn await_redis(&self) {
        self.program
            .log
            .wait_for_message("the cache in Redis is in use");
    }

    /// Sends SIGTERM and awaits a clean end.
    #[track_caller]
    pub(crate) fn stop(mut self) {
        self.program.signal(Signal::TERM);
        assert_eq!(self.program.wait_for_code(), 0);
    }
}
