//! How the app looks, in a terminal of any size.

use clientstore::Client;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Text};
use ratatui::widgets::{Block, Clear, List, Paragraph, Wrap};

use crate::app::{App, Form, Mode};
use crate::field::Field;
use crate::words::counted;

/// The keys of the list.
const KEYS: [&str; 11] = [
    "/ search",
    "↑↓ move",
    "e edit",
    "t toggle",
    "d delete",
    "n new",
    "u undo",
    "r redo",
    "i import",
    "x export",
    "q quit",
];
const KEYS_OF_SEARCH: [&str; 2] = ["Enter keep", "Esc show all"];
const KEYS_OF_NAME: [&str; 3] = ["Enter save", "Tab details", "Esc cancel"];
const KEYS_OF_DETAILS: [&str; 4] = ["Ctrl-S save", "Enter new line", "Tab name", "Esc cancel"];
const KEYS_OF_PATH: [&str; 2] = ["Enter go", "Esc cancel"];

/// From this width on, the details stand beside the list.
const WIDE: u16 = 70;
/// Below this height, there is no room for the details under the list.
const TALL: u16 = 14;

pub fn draw(frame: &mut Frame, app: &mut App) {
    let width = frame.area().width.into();
    let keys: &[&str] = match app.mode {
        Mode::List => &KEYS,
        Mode::Search => &KEYS_OF_SEARCH,
        Mode::Form(Form { in_details: true, .. }) => &KEYS_OF_DETAILS,
        Mode::Form(_) => &KEYS_OF_NAME,
        Mode::Import(_) | Mode::Export(_) => &KEYS_OF_PATH,
    };
    let keys = wrapped(keys.iter().copied(), "  ", width);
    let (Ok(said) | Err(said)) = &app.status;
    let said = wrapped(said.split(' '), " ", width);
    let prompt = match &app.mode {
        Mode::Search => Some(("Search: ", &app.search)),
        Mode::Import(path) => Some(("Import the file: ", path)),
        Mode::Export(path) => Some(("Export to a new file: ", path)),
        Mode::List | Mode::Form(_) => None,
    };
    let heights = [Constraint::Min(3), length(prompt.is_some().into()), length(said.len()), length(keys.len())];
    let [main, prompt_area, status, footer] = Layout::vertical(heights).areas(frame.area());
    let status_style = if app.status.is_ok() { Style::new() } else { Style::new().fg(Color::Red) };
    frame.render_widget(Text::from(said).style(status_style), status);
    frame.render_widget(Text::from(keys).style(Modifier::DIM), footer);
    if let Some((label, field)) = prompt {
        let [before, after] = Layout::horizontal([length(label.len()), Constraint::Min(1)]).areas(prompt_area);
        frame.render_widget(label, before);
        draw_field(frame, after, field, true);
    }
    if let Mode::Form(form) = &app.mode {
        draw_form(frame, main, form);
    } else {
        draw_clients(frame, main, app);
    }
}

fn draw_clients(frame: &mut Frame, area: Rect, app: &mut App) {
    let halves = [Constraint::Fill(1), Constraint::Fill(1)];
    let (list, details) = if area.width >= WIDE {
        let [list, details] = Layout::horizontal(halves).areas(area);
        (list, Some(details))
    } else if area.height >= TALL {
        let [list, details] = Layout::vertical(halves).areas(area);
        (list, Some(details))
    } else {
        (area, None)
    };
    let mut title = counted(app.found, "client");
    if !app.search.text().is_empty() {
        title = format!("{title} with “{}”", app.search.text());
    }
    if app.found > app.clients.len() as u64 {
        title = format!("{title}, the first {}", app.clients.len());
    }
    if let (Some(details), Some(client)) = (details, app.selected()) {
        draw_details(frame, details, client, app.active_projects);
    }
    let rows = app.clients.iter().map(|client| match client.active {
        true => Line::from(client.name.as_str()),
        false => Line::from(format!("{} (inactive)", client.name)).style(Modifier::DIM),
    });
    let rows = List::new(rows).block(Block::bordered().title(title)).highlight_symbol("> ");
    frame.render_stateful_widget(rows.highlight_style(Modifier::REVERSED), list, &mut app.list);
}

fn draw_details(frame: &mut Frame, area: Rect, client: &Client, active_projects: u64) {
    let mut lines = vec![
        Line::from(client.name.as_str()).style(Modifier::BOLD),
        Line::from(if client.active { "active" } else { "inactive" }),
        Line::from(counted(active_projects, "active project")),
        Line::default(),
    ];
    lines.extend(client.details.lines().map(Line::from));
    let block = Block::bordered().title(format!("Client {}", client.id));
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: false }).block(block), area);
}

fn draw_form(frame: &mut Frame, area: Rect, form: &Form) {
    let title = match &form.before {
        Some(client) => format!("Name of client {}", client.id),
        None => "Name of the new client".to_owned(),
    };
    let [name, details] = Layout::vertical([Constraint::Length(3), Constraint::Fill(1)]).areas(area);
    for (area, title, field, focused) in
        [(name, title.as_str(), &form.name, !form.in_details), (details, "Details", &form.details, form.in_details)]
    {
        let block = Block::bordered().title(title);
        draw_field(frame, block.inner(area), field, focused);
        frame.render_widget(block, area);
    }
}

/// Draws the part of a text where the cursor is.
fn draw_field(frame: &mut Frame, area: Rect, field: &Field, focused: bool) {
    frame.render_widget(Clear, area);
    let (line, before) = field.cursor();
    let line = u16::try_from(line).unwrap_or(u16::MAX);
    let column = u16::try_from(Line::from(before).width()).unwrap_or(u16::MAX);
    let down = line.saturating_sub(area.height.saturating_sub(1));
    let right = column.saturating_sub(area.width.saturating_sub(1));
    let lines: Vec<Line> = field.text().split('\n').map(Line::from).collect();
    frame.render_widget(Paragraph::new(lines).scroll((down, right)), area);
    if focused && !area.is_empty() {
        frame.set_cursor_position(Position::new(area.x + column - right, area.y + line - down));
    }
}

/// Fills lines of at most a width with pieces, none of which is parted.
fn wrapped<'a>(pieces: impl Iterator<Item = &'a str>, between: &str, width: usize) -> Vec<Line<'static>> {
    let mut lines: Vec<String> = Vec::new();
    for piece in pieces {
        match lines.last_mut() {
            Some(line) if Line::from(format!("{line}{between}{piece}")).width() <= width => {
                line.push_str(between);
                line.push_str(piece);
            }
            _ => lines.push(piece.to_owned()),
        }
    }
    lines.into_iter().map(Line::from).collect()
}

fn length(lines: usize) -> Constraint {
    Constraint::Length(u16::try_from(lines).unwrap_or(u16::MAX))
}
