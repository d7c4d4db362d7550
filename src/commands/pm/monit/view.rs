//! What is on the screen.

use std::collections::VecDeque;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, Cell, Paragraph, Row, Table, TableState};

use crate::commands::pm::list::{COLUMNS, rows};
use crate::supervisor::ProcessStatus;

const KEYS: &str = "↑↓ choose   r restart   R reload   q leave";
/// Lines of the log that are kept.
const LINES: usize = 500;
/// Of the columns but the last one, which has the rest.
const WIDTHS: [u16; 9] = [16, 3, 9, 8, 4, 8, 8, 6, 10];

/// The processes, one of them chosen, and its log.
#[derive(Default)]
pub(super) struct View {
    processes: Vec<ProcessStatus>,
    /// Among the rows: there is one for each instance.
    chosen: usize,
    log: VecDeque<String>,
    said: Option<String>,
}

impl View {
    /// As they are now.
    pub(super) fn show(&mut self, processes: Vec<ProcessStatus>) {
        self.processes = processes;
        self.chosen = self.chosen.min(self.owners().len().saturating_sub(1));
    }

    /// Which process each row is of.
    fn owners(&self) -> Vec<usize> {
        let rows = self.processes.iter().enumerate();
        let owners = rows.flat_map(|(number, it)| vec![number; it.instances.len().max(1)]);
        owners.collect()
    }

    pub(super) fn chosen(&self) -> Option<&ProcessStatus> {
        let owner = *self.owners().get(self.chosen)?;
        self.processes.get(owner)
    }

    pub(super) fn choose_before(&mut self) {
        self.chosen = self.chosen.saturating_sub(1);
    }

    pub(super) fn choose_next(&mut self) {
        let last = self.owners().len().saturating_sub(1);
        self.chosen = (self.chosen + 1).min(last);
    }

    /// Shows this in place of the keys, until something else is said.
    pub(super) fn say(&mut self, words: String) {
        self.said = Some(words);
    }

    pub(super) fn clear_log(&mut self) {
        self.log.clear();
    }

    pub(super) fn add_to_log(&mut self, text: &str) {
        self.log.extend(text.lines().map(str::to_owned));
        let surplus = self.log.len().saturating_sub(LINES);
        self.log.drain(..surplus);
    }

    pub(super) fn draw(&self, frame: &mut Frame<'_>) {
        let rows = rows(&self.processes);
        // With its frame and its head.
        let height = u16::try_from(rows.len() + 3).unwrap_or(u16::MAX);
        let most = (frame.area().height / 2).max(4);
        let [list, log, foot] = Layout::vertical([
            Constraint::Length(height.min(most)),
            Constraint::Min(3),
            Constraint::Length(1),
        ])
        .areas(frame.area());

        let widths = WIDTHS.map(Constraint::Length).into_iter();
        let table = Table::new(
            rows.into_iter().map(cells),
            widths.chain([Constraint::Min(6)]),
        )
        .header(Row::new(COLUMNS).style(Style::new().add_modifier(Modifier::BOLD)))
        .row_highlight_style(Style::new().add_modifier(Modifier::REVERSED))
        .block(Block::bordered().title("processes"));
        let mut state = TableState::default().with_selected(Some(self.chosen));
        frame.render_stateful_widget(table, list, &mut state);

        let name = self.chosen().map_or("", |it| &it.definition.name);
        let shown = usize::from(log.height.saturating_sub(2));
        let first = self.log.len().saturating_sub(shown);
        let lines: Vec<_> = self
            .log
            .range(first..)
            .map(|it| Line::raw(it.as_str()))
            .collect();
        let block = Block::bordered().title(format!("log of {name}"));
        frame.render_widget(Paragraph::new(lines).block(block), log);
        frame.render_widget(Line::raw(self.said.as_deref().unwrap_or(KEYS)), foot);
    }
}

fn cells(texts: [String; 10]) -> Row<'static> {
    let color = match texts[2].as_str() {
        "online" => Color::Green,
        "errored" => Color::Red,
        _ => Color::Yellow,
    };
    let cells = texts.into_iter().enumerate().map(|(column, text)| {
        let style = Style::new();
        Cell::new(text).style(if column == 2 { style.fg(color) } else { style })
    });
    Row::new(cells)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervisor::{Definition, InstanceStatus};
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    fn definition(name: &str) -> Definition {
        serde_json::from_value(serde_json::json!({ "name": name, "command": "x" })).unwrap()
    }

    fn process(name: &str, instances: usize) -> ProcessStatus {
        let instance = |number| InstanceStatus {
            number,
            state: "online".to_owned(),
            pid: Some(4_000),
            generation: 2,
            uptime_ms: 65_000,
            restarts: 3,
            memory: 12 << 20,
            cpu_percent: 7.4,
            status: Some("serving".to_owned()),
            last_end: None,
        };
        ProcessStatus {
            definition: definition(name),
            out_file: "/dev/null".into(),
            error_file: "/dev/null".into(),
            wanted: instances,
            instances: (0..instances).map(instance).collect(),
        }
    }

    fn screen(view: &View) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(110, 14)).unwrap();
        terminal.draw(|frame| view.draw(frame)).unwrap();
        let buffer = terminal.backend().buffer();
        let line = |y| {
            (0..110)
                .map(|x| buffer[(x, y)].symbol())
                .collect::<String>()
        };
        (0..14).map(line).collect()
    }

    fn view() -> View {
        let mut view = View::default();
        view.show(vec![process("web", 2), process("jobs", 0)]);
        view
    }

    #[test]
    fn it_shows_how_each_instance_is_and_what_the_keys_are() {
        let screen = screen(&view());
        let words: Vec<_> = screen[2].split_whitespace().collect();
        let expected = "│web 0 online 4000 2 1m 5s 3 7% 12MiB serving │";
        assert_eq!(words.join(" "), expected);
        let words: Vec<_> = screen[4].split_whitespace().collect();
        assert_eq!(words[..3], ["│jobs", "-", "stopped"]);
        assert!(screen[6].contains("log of web"), "{screen:#?}");
        assert_eq!(screen[13].trim_end(), KEYS);
    }

    #[test]
    fn a_process_is_chosen_by_any_of_its_rows_and_no_further_than_the_last_one() {
        let mut view = view();
        let mut names = Vec::new();
        for _ in 0..4 {
            names.push(view.chosen().unwrap().definition.name.clone());
            view.choose_next();
        }
        assert_eq!(names, ["web", "web", "jobs", "jobs"]);
        view.show(vec![process("web", 1)]);
        assert_eq!(view.chosen().unwrap().definition.name, "web");
        view.choose_before();
        view.show(Vec::new());
        assert!(view.chosen().is_none());
        screen(&view);
    }

    #[test]
    fn the_end_of_the_log_is_seen_and_its_control_characters_are_not() {
        let mut view = view();
        for number in 0..2 * LINES {
            view.add_to_log(&format!("out | line {number}\u{1b}\n"));
        }
        assert_eq!(view.log.len(), LINES);
        let screen = screen(&view);
        let last = format!("│out | line {} ", 2 * LINES - 1);
        assert!(screen[11].starts_with(&last), "{screen:#?}");
        view.clear_log();
        view.say("web: restarted".to_owned());
        assert_eq!(self::screen(&view)[13].trim_end(), "web: restarted");
    }
}
