//! `doorbuster pm monit`.

mod view;

use std::io::{self, IsTerminal};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::Context;
use super::logs::Shown;
use crate::commands::exit::Exit;
use crate::supervisor::{Client, ProcessStatus, Request};
use view::View;

/// From one look at the processes to the next: the supervisor measures them as often.
const LOOK: Duration = Duration::from_secs(1);
/// From one look at the log to the next.
const LOOK_AT_LOG: Duration = Duration::from_millis(200);
/// Lines of each file when a process is chosen.
const LINES: usize = 100;

/// Watch processes and the log of one of them: arrows choose, r restarts, R reloads, q leaves
#[derive(clap::Args)]
pub(super) struct Args {}

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Leave,
    Up,
    Down,
    Restart,
    Reload,
}

/// The log of a process, as it grows.
struct Tail {
    name: String,
    files: Vec<Shown>,
}

pub(super) fn run(context: &mut Context<'_>) -> anyhow::Result<Exit> {
    anyhow::ensure!(
        io::stdout().is_terminal() && io::stdin().is_terminal(),
        "monit takes a terminal; for programs there is: doorbuster pm list --json"
    );
    // Says so before the screen is taken, where there is none.
    let processes = context.client.ask(&Request::List)?.processes;
    let mut view = View::default();
    view.show(processes);
    let mut terminal = ratatui::try_init()?;
    let watched = watch(&mut terminal, &context.client, &mut view);
    ratatui::try_restore()?;
    watched?;
    Ok(Exit::Done)
}

fn watch(terminal: &mut DefaultTerminal, client: &Client, view: &mut View) -> anyhow::Result<()> {
    let (tell, told) = channel();
    let mut tail: Option<Tail> = None;
    let mut looked = Instant::now();
    loop {
        follow(&mut tail, view)?;
        terminal.draw(|frame| view.draw(frame))?;
        if event::poll(LOOK_AT_LOG)?
            && let Event::Key(key) = event::read()?
            && let Some(order) = order(key)
        {
            match order {
                Order::Leave => return Ok(()),
                Order::Up => view.choose_before(),
                Order::Down => view.choose_next(),
                Order::Restart => begin(client, view, &tell, "restarting", |names| {
                    Request::Restart { names }
                }),
                Order::Reload => begin(client, view, &tell, "reloading", |names| Request::Reload {
                    names,
                }),
            }
        }
        hear(&told, view);
        if looked.elapsed() >= LOOK {
            looked = Instant::now();
            match client.ask(&Request::List) {
                Ok(reply) => view.show(reply.processes),
                // It may come back.
                Err(error) => view.say(error.to_string()),
            }
        }
    }
}

fn order(key: KeyEvent) -> Option<Order> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
    Some(match key.code {
        KeyCode::Char('c') if is_control => Order::Leave,
        KeyCode::Char('q') | KeyCode::Esc => Order::Leave,
        KeyCode::Up | KeyCode::Char('k') => Order::Up,
        KeyCode::Down | KeyCode::Char('j') => Order::Down,
        KeyCode::Char('r') => Order::Restart,
        KeyCode::Char('R') => Order::Reload,
        _ => return None,
    })
}

/// Has the chosen process restarted or reloaded, on a thread of its own, since that takes until it is ready.
fn begin(
    client: &Client,
    view: &mut View,
    tell: &Sender<String>,
    what: &str,
    request: impl FnOnce(Vec<String>) -> Request,
) {
    let Some(name) = view.chosen().map(|it| it.definition.name.clone()) else {
        return;
    };
    view.say(format!("{name}: {what}"));
    let (client, tell, request) = (client.clone(), tell.clone(), request(vec![name]));
    thread::spawn(move || {
        let said = match client.ask(&request) {
            Ok(reply) => [reply.done, reply.failed].concat().join("; "),
            Err(error) => error.to_string(),
        };
        // Nobody is left to be told where the view was left.
        let _ = tell.send(said);
    });
}

fn hear(told: &Receiver<String>, view: &mut View) {
    for said in told.try_iter() {
        view.say(said);
    }
}

/// Shows what has come to the log of the chosen process; all anew where it is another one.
fn follow(tail: &mut Option<Tail>, view: &mut View) -> io::Result<()> {
    let Some(process) = view.chosen() else {
        *tail = None;
        view.clear_log();
        return Ok(());
    };
    let mut lines = Vec::new();
    match tail {
        Some(tail) if tail.name == process.definition.name => {
            for file in &mut tail.files {
                file.show_more(&mut lines)?;
            }
        }
        _ => {
            let mut begun = Tail::new(process);
            for file in &mut begun.files {
                file.show_last(LINES, &mut lines)?;
            }
            *tail = Some(begun);
            view.clear_log();
        }
    }
    view.add_to_log(&String::from_utf8_lossy(&lines));
    Ok(())
}

impl Tail {
    fn new(process: &ProcessStatus) -> Self {
        let out = Shown::new("out", &process.out_file);
        let mut files = vec![out];
        if process.error_file != process.out_file {
            files.push(Shown::new("err", &process.error_file));
        }
        Self {
            name: process.definition.name.clone(),
            files,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_orders() {
        let key = |code| order(KeyEvent::new(code, KeyModifiers::NONE));
        assert_eq!(key(KeyCode::Char('q')), Some(Order::Leave));
        assert_eq!(key(KeyCode::Up), Some(Order::Up));
        assert_eq!(key(KeyCode::Down), Some(Order::Down));
        assert_eq!(key(KeyCode::Char('r')), Some(Order::Restart));
        assert_eq!(key(KeyCode::Char('R')), Some(Order::Reload));
        assert_eq!(key(KeyCode::Char('c')), None);
        let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(order(interrupt), Some(Order::Leave));
    }
}
