//! The manual pages: what the command line says of itself, and for the program as a whole what it does not.

use std::io;
use std::path::Path;

use clap::{Command, CommandFactory as _};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::Cli;
use crate::config::{Argument, INSTALLED_FILE, Key};

/// The sections that only the program's own page has: title, and terms with what they mean.
const SECTIONS: [(&str, &[(&str, &str)]); 2] = [
    (
        "SIGNALS",
        &[
            (
                "SIGTERM, SIGINT",
                "godwit run finishes the steps of migrations that are under way and ends. The switches keep their rules.",
            ),
            (
                "SIGHUP",
                "godwit run reads the configuration file again. When it is wrong, all stays as it was, and the log says why. \
                 A change of a key that takes effect only at the next start is reported. When the terminal that it was \
                 started on is gone, godwit run ends as at SIGTERM.",
            ),
        ],
    ),
    (
        "EXIT STATUS",
        &[
            ("0", "Success."),
            ("1", "Failure; the reason is on standard error."),
            ("2", "Wrong usage."),
            (
                "130",
                "Interrupted while waiting for a migration or a drain, which goes on.",
            ),
        ],
    ),
];

fn command() -> Command {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    command
}

/// The program's own page, godwit(1).
pub(super) fn page() -> io::Result<Vec<u8>> {
    let man = Man::new(command());
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    man.render_subcommands_section(&mut page)?;
    let mut more = Roff::new();
    section(&mut more, "ENVIRONMENT", &environment());
    section(&mut more, "FILES", &files());
    for (title, terms) in SECTIONS {
        let terms: Vec<_> = terms
            .iter()
            .map(|(term, text)| ((*term).to_owned(), (*text).to_owned()))
            .collect();
        section(&mut more, title, &terms);
    }
    more.to_writer(&mut page)?;
    man.render_version_section(&mut page)?;
    Ok(page)
}

/// Writes the pages of the program and of all its commands.
pub(super) fn write_all(directory: &Path) -> io::Result<()> {
    clap_mangen::generate_to(Cli::command(), directory)?;
    std::fs::write(directory.join("godwit.1"), page()?)
}

fn section(roff: &mut Roff, title: &str, terms: &[(String, String)]) {
    roff.control("SH", [title]);
    for (term, text) in terms {
        roff.control("TP", []);
        roff.text([bold(term.as_str())]);
        roff.text([roman(text.as_str())]);
    }
}

fn environment() -> Vec<(String, String)> {
    let url = (
        "GODWIT_URL".to_owned(),
        "The controller's REST interface, for all commands that talk to one.".to_owned(),
    );
    let config = (
        "GODWIT_CONFIG".to_owned(),
        "The configuration file.".to_owned(),
    );
    let argument = |argument: Argument| {
        let text = format!("The same as {} of godwit run.", argument.flag);
        (argument.variable.to_owned(), text)
    };
    [url, config]
        .into_iter()
        .chain(Key::ALL.into_iter().filter_map(Key::argument).map(argument))
        .collect()
}

fn files() -> Vec<(String, String)> {
    let keys = |live: bool| {
        let names: Vec<_> = Key::ALL
            .into_iter()
            .filter(|key| key.is_live() == live)
            .map(Key::name)
            .collect();
        names.join(", ")
    };
    let text = format!(
        "The configuration file of the service, in TOML. Flags go over the environment, the environment over the file, \
         the file over the defaults. Unknown keys are errors. At SIGHUP these take effect: {}; at the next start: {}.",
        keys(true),
        keys(false)
    );
    vec![(INSTALLED_FILE.to_owned(), text)]
}
