//! An account's clients in a terminal: search, edit, undo, import and export, and what other programs write appears at once.
//!
//! `cargo run --example terminal -- clients.db`

mod app;
mod field;
mod files;
mod view;
mod words;

use std::error::Error;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;
use std::{iter, thread};

use clientstore::{Client, ClientFilter, ClientStore, Observation, Project, ProjectFilter, Stored};
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyEvent};

use app::App;

/// What the app waits for.
enum News {
    Key(KeyEvent),
    Resized,
    /// Something was written to the file, by this program or another.
    Changed,
    /// The keyboard cannot be read any more.
    Gone(io::Error),
}

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1) else {
        eprintln!("usage: terminal FILE\n\nShows the clients in the file, and makes the file if it is not there.");
        return ExitCode::from(2);
    };
    match run(Path::new(&path)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(path: &Path) -> Result<(), Box<dyn Error>> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err("this app needs a terminal, for what it shows and for its keys".into());
    }
    let store = ClientStore::open(path)?;
    let (send, news) = mpsc::channel();
    // Before the list is read for the first time, so that no change is missed.
    watch(store.observe::<Client>(&ClientFilter::new())?, send.clone());
    watch(store.observe::<Project>(&ProjectFilter::new())?, send.clone());
    let mut app = App::new(&store);
    // A panic restores the terminal as well: `try_init` sees to it.
    let mut terminal = ratatui::try_init()?;
    thread::spawn(move || read_keys(&send));
    let ended = show(&mut terminal, &mut app, &news);
    ratatui::restore();
    Ok(ended?)
}

fn show(terminal: &mut DefaultTerminal, app: &mut App, news: &Receiver<News>) -> io::Result<()> {
    while !app.done {
        terminal.draw(|frame| view::draw(frame, app))?;
        // All that has come is dealt with before the next drawing.
        let first = news.recv().map_err(io::Error::other)?;
        let mut changed = false;
        for news in iter::once(first).chain(news.try_iter()) {
            match news {
                News::Key(key) => app.key(key),
                News::Resized => {}
                News::Changed => changed = true,
                News::Gone(error) => return Err(error),
            }
        }
        if changed {
            app.read();
        }
    }
    Ok(())
}

/// Tells of each change. The app reads by a query what it shows of it, so the observation's own list is not read.
fn watch<R: Stored + Send + Sync + 'static>(mut observation: Observation<R>, send: Sender<News>) {
    thread::spawn(move || while !observation.wait(Duration::from_secs(60)) || send.send(News::Changed).is_ok() {});
}

fn read_keys(send: &Sender<News>) {
    loop {
        let news = match event::read() {
            Ok(Event::Resize(..)) => News::Resized,
            Ok(event) => match event.as_key_press_event() {
                Some(key) => News::Key(key),
                None => continue,
            },
            Err(error) => News::Gone(error),
        };
        let gone = matches!(news, News::Gone(_));
        if send.send(news).is_err() || gone {
            return;
        }
    }
}
