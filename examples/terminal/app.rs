//! What the app shows, and what its keys do.

use clientstore::{Client, ClientChanges, ClientFilter, ClientStore, NewClient, ProjectFilter, Result, UndoSession};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::widgets::ListState;

use crate::field::Field;
use crate::files;
use crate::words::in_words;

/// The most clients that are listed; a search finds the others.
const LIMIT: u64 = 1000;
/// How many steps can be undone.
const STEPS: usize = 1000;

pub struct App {
    /// The store, with undo and redo of what this app writes to it.
    session: UndoSession,
    /// Those that the search finds, by their names.
    pub clients: Vec<Client>,
    /// How many it finds, listed or not.
    pub found: u64,
    pub list: ListState,
    /// How many active projects the selected client has.
    pub active_projects: u64,
    pub search: Field,
    pub mode: Mode,
    /// What has happened last, or why it has not.
    pub status: std::result::Result<String, String>,
    pub done: bool,
}

/// What the keys go to.
pub enum Mode {
    List,
    Search,
    Form(Form),
    Import(Field),
    Export(Field),
}

/// A client that is being edited, or a new one.
pub struct Form {
    /// As it was when the editing began; none for a new one.
    pub before: Option<Box<Client>>,
    pub name: Field,
    pub details: Field,
    pub in_details: bool,
}

impl App {
    pub fn new(store: &ClientStore) -> Self {
        let mut app = App {
            session: store.undo_session(STEPS),
            clients: Vec::new(),
            found: 0,
            list: ListState::default(),
            active_projects: 0,
            search: Field::default(),
            mode: Mode::List,
            status: Ok(String::new()),
            done: false,
        };
        app.read();
        app
    }

    pub fn selected(&self) -> Option<&Client> {
        self.clients.get(self.list.selected()?)
    }

    /// Reads what is shown; the selected client stays selected while it is there.
    pub fn read(&mut self) {
        let selected = self.selected().map(|client| client.id.into());
        self.read_selecting(selected);
    }

    fn read_selecting(&mut self, id: Option<i64>) {
        if let Err(error) = self.try_read(id) {
            self.status = Err(in_words(&error));
        }
    }

    fn try_read(&mut self, id: Option<i64>) -> Result<()> {
        let query = self.session.clients().query(&ClientFilter::new()).search(self.search.text());
        self.found = query.count()?;
        self.clients = query.order_by(|client| client.name()).limit(LIMIT).list()?.collect::<Result<_>>()?;
        let place = self.clients.iter().position(|client| Some(client.id.into()) == id).or(self.list.selected());
        self.select(place.unwrap_or_default())
    }

    fn select(&mut self, place: usize) -> Result<()> {
        self.list.select(self.clients.len().checked_sub(1).map(|last| place.min(last)));
        self.active_projects = match self.selected() {
            Some(client) => {
                let projects = self.session.projects().query(&ProjectFilter::new().client(client.id));
                projects.equal_to(|project| project.active(), true).count()?
            }
            None => 0,
        };
        Ok(())
    }

    pub fn key(&mut self, key: KeyEvent) {
        if key.code == KeyCode::Char('c') && control(key) {
            self.done = true;
            return;
        }
        self.status = Ok(String::new());
        self.mode = match std::mem::replace(&mut self.mode, Mode::List) {
            Mode::List => self.key_of_list(key),
            Mode::Search => self.key_of_search(key),
            Mode::Form(form) => self.key_of_form(form, key),
            Mode::Import(path) => {
                self.key_of_path(path, key, Mode::Import, |app, path| files::import(&app.session, path))
            }
            Mode::Export(path) => {
                self.key_of_path(path, key, Mode::Export, |app, path| files::export(&app.session, path))
            }
        };
    }

    fn key_of_list(&mut self, key: KeyEvent) -> Mode {
        let place = self.list.selected().unwrap_or_default();
        match key.code {
            KeyCode::Up => self.move_to(place.saturating_sub(1)),
            KeyCode::Down => self.move_to(place + 1),
            KeyCode::PageUp => self.move_to(place.saturating_sub(10)),
            KeyCode::PageDown => self.move_to(place + 10),
            KeyCode::Home => self.move_to(0),
            KeyCode::End => self.move_to(usize::MAX),
            KeyCode::Esc => {
                self.search = Field::default();
                self.read();
            }
            KeyCode::Char('/') => return Mode::Search,
            KeyCode::Char('n') => return Mode::Form(Form::new(None)),
            KeyCode::Char('e') => {
                return self.selected().cloned().map_or(Mode::List, |it| Mode::Form(Form::new(Some(it))));
            }
            KeyCode::Char('t') => self.toggle(),
            KeyCode::Char('d') => self.delete(),
            KeyCode::Char('u') => self.step(self.session.undo(), "Undone.", "There is nothing to undo."),
            KeyCode::Char('r') => self.step(self.session.redo(), "Done again.", "There is nothing to do again."),
            KeyCode::Char('i') => return Mode::Import(Field::default()),
            KeyCode::Char('x') => return Mode::Export(Field::default()),
            KeyCode::Char('q') => self.done = true,
            _ => {}
        }
        Mode::List
    }

    fn move_to(&mut self, place: usize) {
        if let Err(error) = self.select(place) {
            self.status = Err(in_words(&error));
        }
    }

    /// Finds more or fewer clients with each key.
    fn key_of_search(&mut self, key: KeyEvent) -> Mode {
        match key.code {
            KeyCode::Enter => return Mode::List,
            KeyCode::Esc => self.search = Field::default(),
            _ => self.search.key(key),
        }
        self.read();
        if key.code == KeyCode::Esc { Mode::List } else { Mode::Search }
    }

    fn key_of_form(&mut self, mut form: Form, key: KeyEvent) -> Mode {
        let field = if form.in_details { &mut form.details } else { &mut form.name };
        match key.code {
            KeyCode::Esc => return Mode::List,
            KeyCode::Tab | KeyCode::BackTab => form.in_details = !form.in_details,
            KeyCode::Char('s') if control(key) => return self.saved(form),
            // So a text of several lines can be pasted.
            KeyCode::Enter if form.in_details => field.insert('\n'),
            KeyCode::Enter => return self.saved(form),
            _ => field.key(key),
        }
        Mode::Form(form)
    }

    /// Saves what was edited. The form stays where that fails, so that nothing typed is lost.
    fn saved(&mut self, form: Form) -> Mode {
        match self.save(&form) {
            Ok(said) => {
                self.status = Ok(said);
                Mode::List
            }
            Err(error) => {
                self.status = Err(in_words(&error));
                Mode::Form(form)
            }
        }
    }

    fn save(&mut self, form: &Form) -> Result<String> {
        let (name, details) = (form.name.text(), form.details.text());
        let Some(before) = &form.before else {
            let id = self.session.clients().create(&NewClient::named(name).details(details))?;
            // A search might not find it.
            self.search = Field::default();
            self.read_selecting(Some(id.into()));
            return Ok(format!("Added {name}."));
        };
        // What the user has left as it was is not written: somebody else may have changed it meanwhile.
        let mut changes = ClientChanges::new();
        if name != before.name {
            changes = changes.name(name);
        }
        if details != before.details {
            changes = changes.details(details);
        }
        if name == before.name && details == before.details {
            return Ok(String::new());
        }
        self.session.clients().update(before.id, &changes)?;
        self.read();
        Ok(format!("Saved {name}."))
    }

    fn key_of_path(
        &mut self,
        mut path: Field,
        key: KeyEvent,
        mode: fn(Field) -> Mode,
        act: fn(&App, &str) -> std::result::Result<String, String>,
    ) -> Mode {
        match key.code {
            KeyCode::Esc => Mode::List,
            KeyCode::Enter if !path.text().is_empty() => {
                let said = act(self, path.text());
                self.read();
                self.status = said;
                if self.status.is_ok() { Mode::List } else { mode(path) }
            }
            _ => {
                path.key(key);
                mode(path)
            }
        }
    }

    fn toggle(&mut self) {
        let Some(client) = self.selected() else { return };
        let toggled = self.session.clients().toggle(client.id);
        let name = client.name.clone();
        self.tell(toggled.map(|active| format!("{name} is {} now.", if active { "active" } else { "inactive" })));
    }

    fn delete(&mut self) {
        let Some(client) = self.selected() else { return };
        let deleted = self.session.clients().delete(client.id);
        let name = client.name.clone();
        self.tell(deleted.map(|()| format!("Deleted {name}. Press u to undo it.")));
    }

    fn step(&mut self, stepped: Result<bool>, done: &str, nothing: &str) {
        self.tell(stepped.map(|stepped| if stepped { done } else { nothing }.to_owned()));
    }

    /// Shows what was done, or why it was not.
    fn tell(&mut self, done: Result<String>) {
        self.read();
        self.status = done.map_err(|error| in_words(&error));
    }
}

impl Form {
    fn new(before: Option<Client>) -> Self {
        let field = |text: fn(&Client) -> &str| Field::of(before.as_ref().map_or("", text));
        let (name, details) = (field(|client| &client.name), field(|client| &client.details));
        Form { before: before.map(Box::new), name, details, in_details: false }
    }
}

fn control(key: KeyEvent) -> bool {
    key.modifiers == KeyModifiers::CONTROL
}
