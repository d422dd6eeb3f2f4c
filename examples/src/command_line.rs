//! Command lines whose options can also be set in environment variables.

use std::{any::TypeId, env, ffi::OsString, path::PathBuf, process};

use clap::{
    Arg, Command, Parser,
    builder::Resettable,
    error::{ContextKind, ContextValue, Error, ErrorKind},
};

/// Parses the command line and the environment. If one of them is wrong, prints the reason and exits.
///
/// A variable that is empty or blank counts as not set, because Docker Compose turns `VARIABLE: ${VARIABLE:-}` into an
/// empty one. Blanks around a value, and around each item of a list, are removed. An error in a variable names the
/// variable.
pub fn parse<A: Parser>() -> A {
    parse_or_exit(2, &[])
}

/// Parses as [`parse`] does. If something is wrong, exits with this status. With one of the options `local`, which make
/// the variables pointless, no variable is read.
pub fn parse_or_exit<A: Parser>(status: i32, local: &[&str]) -> A {
    try_parse(&env::args_os().collect::<Vec<_>>(), local).unwrap_or_else(|error| {
        // Nobody is left to be told that standard error is closed.
        let _ = error.print();
        // `--help` and `--version` are errors of clap that it prints to standard output.
        process::exit(if error.use_stderr() { status } else { 0 })
    })
}

fn try_parse<A: Parser>(arguments: &[OsString], local: &[&str]) -> Result<A, Error> {
    let is_local = local.iter().any(|option| is_given(option, arguments));
    let mut of_environment = Vec::new();
    let mut command = A::command();
    let subcommands = subcommands(&command, arguments);
    command = mut_args(command, &subcommands, &mut |arg| {
        match value_in_environment(&arg) {
            Some(value) if value.is_empty() || is_local => return arg.env(Resettable::Reset),
            Some(value)
                if arg.get_action().takes_values() && !is_given(long_name(&arg), arguments) =>
            {
                of_environment.push(format!("--{}={value}", long_name(&arg)).into());
            }
            _ => {}
        }
        arg
    });
    // After the arguments, so that `--help` and `--version` come before an error in a variable.
    let end = arguments.iter().position(|argument| argument == "--");
    let (options, rest) = arguments.split_at(end.unwrap_or(arguments.len()));
    let all = [options, &of_environment, rest].concat();
    let parsed = match command.try_get_matches_from_mut(all) {
        Ok(mut matches) => {
            A::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
        }
        Err(error) => Err(error),
    };
    parsed.map_err(|mut error| {
        // The advice to write an unknown option after `--`. None of the programs would know it there.
        error.remove(ContextKind::Suggested);
        let command = subcommands.iter().fold(&command, |command, name| {
            command.find_subcommand(name).unwrap_or(command)
        });
        naming_variables(without_password(error), command, arguments)
    })
}

/// Returns the names of the subcommands at the start of the command line, each of which belongs to the one before.
fn subcommands(command: &Command, arguments: &[OsString]) -> Vec<String> {
    let mut command = command;
    let mut names = Vec::new();
    for argument in arguments.iter().skip(1) {
        let Some(subcommand) = command.find_subcommand(argument) else {
            break;
        };
        names.push(subcommand.get_name().to_owned());
        command = subcommand;
    }
    names
}

/// Changes the options of a subcommand, or of the command itself if no name is given.
fn mut_args(
    command: Command,
    subcommands: &[String],
    change: &mut dyn FnMut(Arg) -> Arg,
) -> Command {
    match subcommands.split_first() {
        None => command.mut_args(change),
        Some((name, rest)) => {
            command.mut_subcommand(name, |subcommand| mut_args(subcommand, rest, change))
        }
    }
}

/// Returns the value of the variable of an option, without blanks around it and around the items of a list.
fn value_in_environment(arg: &Arg) -> Option<String> {
    let value = env::var(arg.get_env()?).ok()?;
    let Some(delimiter) = arg.get_value_delimiter() else {
        return Some(value.trim().to_owned());
    };
    let items: Vec<&str> = value.split(delimiter).map(str::trim).collect();
    Some(items.join(&delimiter.to_string()))
}

fn is_given(long_name: &str, arguments: &[OsString]) -> bool {
    let option = format!("--{long_name}");
    arguments.iter().any(|argument| {
        let argument = argument.to_string_lossy();
        let rest = argument.strip_prefix(&option);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
    })
}

fn long_name(arg: &Arg) -> &str {
    arg.get_long().expect("options with variables have a name")
}

/// Leaves out a value that may be a URL with a password.
fn without_password(mut error: Error) -> Error {
    if let Some(ContextValue::String(value)) = error.get(ContextKind::InvalidValue)
        && value.contains('@')
    {
        let redacted = ContextValue::String("<redacted>".to_owned());
        error.insert(ContextKind::InvalidValue, redacted);
    }
    error
}

/// Replaces the name of an option that was not given by the name of its variable.
fn naming_variables(mut error: Error, command: &Command, arguments: &[OsString]) -> Error {
    if error.kind() == ErrorKind::InvalidUtf8
        && let Some(variable) = variable_without_unicode(command, arguments)
    {
        let text = format!("the value of '{variable}' is not valid UTF-8\n");
        return command.clone().error(ErrorKind::InvalidUtf8, text);
    }
    let Some(ContextValue::String(option)) = error.get(ContextKind::InvalidArg) else {
        return error;
    };
    let variable = command
        .get_arguments()
        .find(|arg| arg.to_string() == *option)
        .filter(|arg| arg.get_env().is_some() && !is_given(long_name(arg), arguments))
        .and_then(|arg| Some(arg.get_env()?.to_string_lossy().into_owned()));
    if let Some(variable) = variable {
        error.insert(ContextKind::InvalidArg, ContextValue::String(variable));
    }
    error
}

/// Returns the variable that the error about UTF-8 is about, if it is not about an argument.
fn variable_without_unicode(command: &Command, arguments: &[OsString]) -> Option<String> {
    let is_path = |arg: &Arg| arg.get_value_parser().type_id() == TypeId::of::<PathBuf>();
    let options = command.get_arguments();
    options
        .filter(|arg| {
            !is_path(arg) && arg.get_env().is_some() && !is_given(long_name(arg), arguments)
        })
        .filter_map(Arg::get_env)
        .find(|variable| env::var_os(variable).is_some_and(|value| value.to_str().is_none()))
        .map(|variable| variable.to_string_lossy().into_owned())
}

/// Parses the value of a variable that turns an option without a value on or off.
///
/// # Errors
///
/// Returns what was expected.
pub fn parse_switch(text: &str) -> Result<bool, &'static str> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "on" | "true" | "yes" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err("expected true or false"),
    }
}
