//! `clientstore serve`: options from the environment and from a file.
//!
//! They are put before the arguments of the command line, so that one parser reads and refuses all of them alike. The
//! command line comes first, then the environment, then the file: an option of one source replaces the same option of
//! the later ones, and the options that it conflicts with.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, Command, CommandFactory, FromArgMatches, Id};

use crate::{Arguments, Usage};

/// What the names of environment variables begin with.
const PREFIX: &str = "CLIENTSTORE_";

/// Options that may be secrets; from the environment they are read where they are needed, so that no error shows them.
const SECRETS: [&str; 2] = ["auth", "control-token"];

/// A name that is more similar than this to an option's is taken for a mistyped one.
const NEAR: f64 = 0.8;

/// The options of one source.
#[derive(Default)]
struct Source {
    /// What it is called in errors.
    name: String,
    given: Vec<(Id, Given)>,
}

enum Given {
    /// A switch that is set to off, so that a later source cannot set it to on.
    Off,
    /// The arguments that stand for it on a command line.
    Arguments(Vec<OsString>),
    /// A secret of the environment.
    Elsewhere,
}

/// The arguments of a command line whose first word is `serve`, completed.
///
/// # Errors
///
/// Which source has a key or a value that cannot be used.
pub(crate) fn parse(command_line: &[OsString]) -> Result<Arguments, Box<dyn std::error::Error>> {
    let mut top = Arguments::command();
    top.build();
    let serve = top.find_subcommand("serve").ok_or("there is no command serve")?;
    // Mistakes of the command line are reported below, together with the other sources.
    let on_line = match top.clone().ignore_errors(true).try_get_matches_from(command_line) {
        Ok(matches) => matches.subcommand_matches("serve").cloned().unwrap_or_default(),
        Err(help) => help.exit(),
    };
    let is_on_line = |arg: &&Arg| on_line.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine);

    let mut environment = Source { name: "the environment".to_owned(), given: Vec::new() };
    for arg in options(serve) {
        if let Some(given) = variable(arg)? {
            environment.given.push((arg.get_id().clone(), given));
        }
    }
    let config = on_line.try_get_one::<PathBuf>("config").ok().flatten().cloned();
    let config =
        config.or_else(|| std::env::var_os(format!("{PREFIX}CONFIG")).filter(|v| !v.is_empty()).map(From::from));
    let (file, has_secrets) = match &config {
        Some(path) => read(path, serve)?,
        None => (Source::default(), false),
    };

    let mut taken: HashMap<Id, bool> =
        serve.get_arguments().filter(is_on_line).map(|arg| (arg.get_id().clone(), true)).collect();
    let mut put = |source: &Source| {
        let let_in: Vec<_> = source.given.iter().filter(|(id, _)| !is_kept_out(serve, id, &taken)).collect();
        taken.extend(let_in.iter().map(|(id, given)| (id.clone(), !matches!(given, Given::Off))));
        let arguments = let_in.into_iter().filter_map(|(_, given)| match given {
            Given::Arguments(arguments) => Some(arguments.as_slice()),
            Given::Off | Given::Elsewhere => None,
        });
        arguments.flatten().cloned().collect::<Vec<_>>()
    };
    let from_environment = put(&environment);
    let from_file = put(&file);

    let (program, line) = command_line.split_at(2.min(command_line.len()));
    let parsed = |parts: &[&[OsString]]| {
        let words = [&[program], parts, &[line]].concat().concat();
        top.clone().try_get_matches_from(words).and_then(|matches| Arguments::from_arg_matches(&matches))
    };
    let mut arguments = match parsed(&[&from_file, &from_environment]) {
        Ok(arguments) => arguments,
        Err(error) => {
            let culprit = match (parsed(&[&from_environment]).is_ok(), parsed(&[]).is_ok()) {
                (true, _) if !from_file.is_empty() => file.name,
                (_, true) if !from_environment.is_empty() => environment.name,
                _ => error.exit(),
            };
            let said = error.to_string();
            let said = said.strip_prefix("error: ").unwrap_or(&said);
            return Err(Usage(format!("{culprit}: {}", said.trim_end())).into());
        }
    };
    if let (crate::Command::Serve(serve), true) = (&mut arguments.command, has_secrets) {
        serve.secrets_in = config;
    }
    Ok(arguments)
}

/// Whether an earlier source has set this option, or one that conflicts with it.
fn is_kept_out(serve: &Command, id: &Id, taken: &HashMap<Id, bool>) -> bool {
    let excludes = |one: &Id, other: &Id| {
        let arg = serve.get_arguments().find(|arg| arg.get_id() == one);
        arg.is_some_and(|arg| serve.get_arg_conflicts_with(arg).iter().any(|found| found.get_id() == other))
    };
    taken.contains_key(id) || taken.iter().any(|(other, is_on)| *is_on && (excludes(id, other) || excludes(other, id)))
}

/// The options that every source can set: all but `--config` and `--help`.
fn options(serve: &Command) -> impl Iterator<Item = &Arg> {
    serve.get_arguments().filter(|arg| !["config", "help", "version"].contains(&arg.get_id().as_str()))
}

/// The name of an option in a file: its long name, or the name of the operand.
fn name(arg: &Arg) -> &str {
    arg.get_long().unwrap_or_else(|| arg.get_id().as_str())
}

/// The value of an option in the environment; an empty variable counts as not set.
fn variable(arg: &Arg) -> Result<Option<Given>, Usage> {
    let variable = format!("{PREFIX}{}", name(arg).to_ascii_uppercase().replace('-', "_"));
    let Some(value) = std::env::var_os(&variable) else { return Ok(None) };
    if SECRETS.contains(&name(arg)) {
        return Ok(Some(Given::Elsewhere));
    }
    if value.is_empty() {
        return Ok(None);
    }
    let given = match (arg.get_action(), value.to_str()) {
        (ArgAction::SetTrue, Some("true" | "1")) => Given::Arguments(vec![argument(arg, None)]),
        (ArgAction::SetTrue, Some("false" | "0")) => Given::Off,
        (ArgAction::SetTrue, _) => return Err(Usage(format!("{variable}: give true or false"))),
        // A switch that may have a value.
        (ArgAction::Set, Some("true" | "1")) if is_switch(arg) => Given::Arguments(vec![argument(arg, None)]),
        (ArgAction::Set, Some("false" | "0")) if is_switch(arg) => Given::Off,
        (ArgAction::Append, Some(list)) => {
            Given::Arguments(list.split(',').map(|one| argument(arg, Some(OsStr::new(one.trim())))).collect())
        }
        (ArgAction::Append, None) => return Err(Usage(format!("{variable} is no UTF-8 text"))),
        _ => Given::Arguments(vec![argument(arg, Some(&value))]),
    };
    Ok(Some(given))
}

/// Whether an option may stand without a value.
fn is_switch(arg: &Arg) -> bool {
    arg.get_num_args().is_some_and(|values| values.min_values() == 0)
}

/// One argument of a command line: `--listen=127.0.0.1:0`, `--memory`, or the operand alone.
fn argument(arg: &Arg, value: Option<&OsStr>) -> OsString {
    let mut word = OsString::new();
    if let Some(long) = arg.get_long() {
        word.push(format!("--{long}"));
        if value.is_some() {
            word.push("=");
        }
    } else if value.is_some_and(|value| value.as_encoded_bytes().starts_with(b"-")) {
        // It is a file's name, even if it begins with a dash.
        word.push("./");
    }
    word.push(value.unwrap_or_default());
    word
}

/// The options of a TOML file, and whether it has secrets.
fn read(path: &Path, serve: &Command) -> Result<(Source, bool), Box<dyn std::error::Error>> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {shown}: {error}"))?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        // The error's own text quotes the line, which may have a secret.
        let line = 1 + error.span().map_or(0, |span| text[..span.start].matches('\n').count());
        Usage(format!("{shown}: line {line}: {}", error.message()))
    })?;
    let mut source = Source { name: shown.to_string(), given: Vec::new() };
    let unknown: Vec<String> = table
        .keys()
        .filter(|key| !options(serve).any(|arg| name(arg) == *key))
        .map(|key| match nearest(key, serve) {
            Some(near) => format!("{key} (is it {near}?)"),
            None => key.clone(),
        })
        .collect();
    if !unknown.is_empty() {
        let unknown = unknown.join(", ");
        let said = format!("{shown}: not known: {unknown}; its keys are the options of clientstore serve --help");
        return Err(Usage(said).into());
    }
    for arg in options(serve) {
        if let Some(value) = table.get(name(arg)) {
            let given =
                value_of(arg, value).map_err(|expected| Usage(format!("{shown}: {}: {expected}", name(arg))))?;
            source.given.push((arg.get_id().clone(), given));
        }
    }
    Ok((source, SECRETS.iter().any(|secret| table.contains_key(*secret))))
}

/// The option that is most similar to a mistyped key.
fn nearest<'a>(key: &str, serve: &'a Command) -> Option<&'a str> {
    let near = |name: &str| strsim::jaro_winkler(&key.replace('_', "-"), name);
    let names = options(serve).map(name).filter(|name| near(name) > NEAR);
    names.max_by(|one, other| near(one).total_cmp(&near(other)))
}

fn value_of(arg: &Arg, value: &toml::Value) -> Result<Given, &'static str> {
    use toml::Value::{Array, Boolean, Float, Integer, String};

    let text = |value: &toml::Value| match value {
        String(text) => Ok(text.clone()),
        Integer(number) => Ok(number.to_string()),
        Float(number) => Ok(number.to_string()),
        _ => Err("give a text or a number"),
    };
    let words = match (arg.get_action(), value) {
        (ArgAction::SetTrue, Boolean(true)) => return Ok(Given::Arguments(vec![argument(arg, None)])),
        (ArgAction::SetTrue, Boolean(false)) => return Ok(Given::Off),
        (ArgAction::SetTrue, _) => return Err("give true or false"),
        (ArgAction::Set, Boolean(true)) if is_switch(arg) => {
            return Ok(Given::Arguments(vec![argument(arg, None)]));
        }
        (ArgAction::Set, Boolean(false)) if is_switch(arg) => return Ok(Given::Off),
        (ArgAction::Append, Array(values)) => values.iter().map(text).collect::<Result<Vec<_>, _>>()?,
        (ArgAction::Append, value) => vec![text(value).map_err(|_| "give a text, or a list like [\"a\", \"b\"]")?],
        (_, value) => vec![text(value)?],
    };
    Ok(Given::Arguments(words.iter().map(|word| argument(arg, Some(OsStr::new(word)))).collect()))
}
