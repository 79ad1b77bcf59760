//! The commands of a store: what its settings add to them, and running them.

use super::{
    ADMINISTRATOR, Action, ClientStore, Command, Composition, Entity, NewFile, Outcome, Procedure, Reach, Write,
};
use crate::error::Result;
use crate::record::Values;
use crate::value::Value;

/// The column that keeps a person's password.
const PASSWORD_HASH: &str = "password_hash";

impl ClientStore {
    /// The command that creates a record of what the given values may set, under its parent where the path
    /// names one.
    pub(crate) fn creation(&self, entity: &'static Entity, parent: Option<i64>, mut values: Values) -> Result<Command> {
        values.keep_writable(true);
        self.prepare(entity, &mut values)?;
        Ok(self.command(entity, parent, Write::Create(values)))
    }

    /// The command that creates a record with an id that the caller has chosen.
    pub(crate) fn creation_as(&self, entity: &'static Entity, id: i64, values: Values) -> Result<Command> {
        let mut command = self.creation(entity, None, values)?;
        if let Some(values) = command.made() {
            values.set("id", Value::Integer(id));
        }
        Ok(command)
    }

    /// The command that makes a record, and those that it needs, of what the given values may set.
    pub(crate) fn composition(
        &self,
        entity: &'static Entity,
        parent: Option<i64>,
        composition: &'static Composition,
        mut values: Values,
    ) -> Result<Command> {
        values.keep_writable(true);
        self.prepare(composition.entity, &mut values)?;
        Ok(self.command(entity, parent, Write::Compose(composition, values)))
    }

    /// The command that sets what the given values may set.
    pub(crate) fn update(&self, entity: &'static Entity, parent: Option<i64>, id: i64, mut values: Values) -> Command {
        values.keep_writable(false);
        values.decimal_comma = self.account().decimal_symbol == ',';
        self.command(entity, parent, Write::Update(id, values))
    }

    /// The command that does a named change; the body is of the entity that keeps it.
    pub(crate) fn action(
        &self,
        entity: &'static Entity,
        id: i64,
        action: &'static Action,
        body: Option<(&'static Entity, Values)>,
    ) -> Result<Command> {
        let body = match body {
            Some((keeper, mut values)) => {
                values.keep_writable(true);
                self.prepare(keeper, &mut values)?;
                Some(values)
            }
            None => None,
        };
        Ok(self.command(entity, None, Write::Act(id, action, body)))
    }

    /// The command that does what a procedure does, to the record with the id or to a new one.
    pub(crate) fn running(
        &self,
        entity: &'static Entity,
        parent: Option<i64>,
        id: Option<i64>,
        procedure: &'static Procedure,
        values: Values,
    ) -> Command {
        self.command(entity, parent, Write::Run(procedure, id, values))
    }

    /// The command that removes a record.
    pub(crate) fn deletion(&self, entity: &'static Entity, parent: Option<i64>, id: i64) -> Command {
        self.command(entity, parent, Write::Delete(id))
    }

    /// The command that keeps a file with a record.
    pub(crate) fn keeping(&self, entity: &'static Entity, id: i64, file: NewFile) -> Command {
        self.command(entity, None, Write::Keep(id, file))
    }

    fn command(&self, entity: &'static Entity, parent: Option<i64>, write: Write) -> Command {
        Command { entity, parent, write, actor: ADMINISTRATOR, reach: Reach::All, at: self.now() }
    }

    /// Hashes the password of a command that has one, which takes a while.
    pub(crate) fn hash_password(&self, command: &mut Command) -> Result<()> {
        let Some(values) = command.made() else { return Ok(()) };
        if let Some(password) = values.password.take() {
            let salt = self.inner.builder.draw_salt()?;
            values.set(PASSWORD_HASH, Value::Text(password.hash(&salt)?));
        }
        Ok(())
    }

    /// Applies a command and commits it.
    pub(crate) fn run(&self, mut command: Command) -> Result<Outcome> {
        self.hash_password(&mut command)?;
        let (command, writer) = (command.read(), &self.inner.writer);
        match self.history {
            None => writer.run(command),
            Some(_) => self.write_together(|tx| writer.apply(tx.connection(), command)),
        }
    }

    /// The same for a task, which waits without blocking a thread. A password must have been
    /// [hashed](Self::hash_password) before.
    #[cfg(feature = "tower")]
    pub(crate) fn submit(
        &self,
        command: Command,
        spawn: &super::Spawn,
    ) -> impl Future<Output = Result<Outcome>> + Send + use<> {
        self.inner.writer.submit(command.read(), spawn)
    }

    /// Gives a new record what it takes from the store's settings.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`](crate::Error::Storage) where the system has no random numbers for a client key.
    pub(crate) fn prepare(&self, entity: &Entity, values: &mut Values) -> Result<()> {
        values.decimal_comma = self.account().decimal_symbol == ',';
        if let Some(prepare) = entity.prepare {
            prepare(values, &self.inner.builder)?;
        }
        Ok(())
    }
}
