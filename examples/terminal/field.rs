//! A text that is being edited.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A text of one line or several, and a cursor in it.
#[derive(Default)]
pub struct Field {
    text: String,
    /// In bytes, at the beginning of a character or the end of the text.
    cursor: usize,
}

impl Field {
    pub fn of(text: &str) -> Self {
        Field { text: text.to_owned(), cursor: text.len() }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// The line that the cursor is in, from 0, and what stands before it there.
    pub fn cursor(&self) -> (usize, &str) {
        let before = &self.text[..self.cursor];
        (before.matches('\n').count(), &before[self.start()..])
    }

    pub fn insert(&mut self, character: char) {
        self.text.insert(self.cursor, character);
        self.cursor += character.len_utf8();
    }

    pub fn key(&mut self, key: KeyEvent) {
        match key.code {
            KeyCode::Char(character) if !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) => {
                self.insert(character);
            }
            KeyCode::Backspace if self.cursor > 0 => {
                self.cursor = self.left();
                self.text.remove(self.cursor);
            }
            KeyCode::Delete if self.cursor < self.text.len() => drop(self.text.remove(self.cursor)),
            KeyCode::Left => self.cursor = self.left(),
            KeyCode::Right => {
                self.cursor += self.text[self.cursor..].chars().next().map_or(0, char::len_utf8);
            }
            KeyCode::Home => self.cursor = self.start(),
            KeyCode::End => self.cursor = self.end(self.cursor),
            KeyCode::Up if self.start() > 0 => {
                let above = self.text[..self.start() - 1].rfind('\n').map_or(0, |at| at + 1);
                self.move_into(above);
            }
            KeyCode::Down if self.end(self.cursor) < self.text.len() => self.move_into(self.end(self.cursor) + 1),
            _ => {}
        }
    }

    /// Where the cursor is after one step to the left.
    fn left(&self) -> usize {
        self.text[..self.cursor].char_indices().next_back().map_or(0, |(at, _)| at)
    }

    /// Where the cursor's line begins.
    fn start(&self) -> usize {
        self.text[..self.cursor].rfind('\n').map_or(0, |at| at + 1)
    }

    /// Where the line of a place in the text ends.
    fn end(&self, at: usize) -> usize {
        self.text[at..].find('\n').map_or(self.text.len(), |length| at + length)
    }

    /// Moves into another line, as many characters from its start as now.
    fn move_into(&mut self, start: usize) {
        let column = self.text[self.start()..self.cursor].chars().count();
        let line = &self.text[start..self.end(start)];
        self.cursor = start + line.char_indices().nth(column).map_or(line.len(), |(at, _)| at);
    }
}
