//! The log: lines on standard error, for machines or for people.
//!
//! Standard output is not its place: that belongs to audit lines and to the results of commands.

use std::ffi::OsStr;
use std::io::{self, IsTerminal as _};
use std::str::FromStr;

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::SetGlobalDefaultError;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::registry;

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// One flat JSON object a line: `timestamp` (RFC 3339, UTC), `level`, `target`, `message` and
    /// the fields of the event.
    #[default]
    Json,
    /// Text for people.
    Text,
}

impl LogFormat {
    /// Every format, the default first.
    pub const ALL: [Self; 2] = [Self::Json, Self::Text];

    /// The format as `--log-format` spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Text => "text",
        }
    }
}

impl FromStr for LogFormat {
    type Err = LoggingError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|format| format.as_str() == text)
            .ok_or_else(|| LoggingError::UnknownFormat {
                format: text.to_owned(),
            })
    }
}

/// Why the log cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// A format that does not exist.
    #[error("{format:?} is no log format: use json or text")]
    UnknownFormat {
        /// What was asked for.
        format: String,
    },
    /// A level that does not exist.
    #[error(
        "{directive:?} is no level: use error, warn, info, debug, trace or off, and PART=LEVEL for \
         one part of the program"
    )]
    UnknownLevel {
        /// The part of the filter that is at fault.
        directive: String,
    },
    /// A filter that is no list of directives.
    #[error("cannot read log level {filter:?}: {source}")]
    Filter {
        /// The whole filter.
        filter: String,
        /// What is wrong with it.
        source: ParseError,
    },
    /// The process has a log already.
    #[error("the log is set up already")]
    Twice(#[source] SetGlobalDefaultError),
}

/// Sets up the log of the process on standard error. `filter` is a level like `info`, with other
/// levels for parts of the program if need be: `info,kube=warn`.
///
/// # Errors
///
/// When the filter cannot be read, or when this was called before.
pub fn init(format: LogFormat, filter: &str) -> Result<(), LoggingError> {
    let no_color = std::env::var_os("NO_COLOR");
    let colours = colours(io::stderr().is_terminal(), no_color.as_deref());
    let subscriber = subscriber(format, filter, colours, io::stderr)?;
    tracing::subscriber::set_global_default(subscriber).map_err(LoggingError::Twice)
}

/// Sends what a panic says to the log, where every line has its form, and not to standard error
/// as it is.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        tracing::error!(
            location = panic.location().map(tracing::field::display),
            panic = panic.payload_as_str().unwrap_or("no message"),
            "a task panicked"
        );
    }));
}

/// Refuses a filter that [`init`] would refuse.
///
/// # Errors
///
/// When the filter cannot be read.
pub fn check_filter(filter: &str) -> Result<(), LoggingError> {
    parse_filter(filter).map(drop)
}

/// Whether to colour text: on a terminal, unless `NO_COLOR` is set to anything.
///
/// Source: <https://no-color.org>
fn colours(terminal: bool, no_color: Option<&OsStr>) -> bool {
    terminal && no_color.is_none_or(OsStr::is_empty)
}

fn subscriber<W>(
    format: LogFormat,
    filter: &str,
    colours: bool,
    writer: W,
) -> Result<impl Subscriber + Send + Sync, LoggingError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    // A write that fails is reported with eprintln!, which panics when standard error is closed:
    // a broken log collector must not refuse writes to the cluster.
    let lines = fmt::layer().with_writer(writer).log_internal_errors(false);
    let lines = match format {
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .boxed(),
        LogFormat::Text => lines.with_ansi(colours).boxed(),
    };
    Ok(registry().with(lines).with(parse_filter(filter)?))
}

/// These log every failed attempt by themselves, where we log the first of a streak. Whoever wants
/// to see them names them in the filter.
const QUIET: &str = "kube_client=off,kube_runtime=off";

fn parse_filter(filter: &str) -> Result<EnvFilter, LoggingError> {
    let directives: Vec<_> = filter.split(',').map(str::trim).collect();
    // Directives that name spans may hold commas: left to the parser as they are.
    if !filter.contains('[') {
        refuse_unknown_levels(&directives)?;
    }
    EnvFilter::builder()
        .parse(format!("{QUIET},{}", directives.join(",")))
        .map_err(|source| LoggingError::Filter {
            filter: filter.to_owned(),
            source,
        })
}

/// The parser takes a bare word that is no level for the name of a part, all of whose lines are
/// shown and nobody else's: a typo in `--log-level` would be silence.
fn refuse_unknown_levels(directives: &[&str]) -> Result<(), LoggingError> {
    // The empty string would be ERROR.
    let is_level = |word: &str| !word.is_empty() && word.parse::<LevelFilter>().is_ok();
    let faulty = |word: &&&str| !word.contains('=') && !is_level(word);
    directives.iter().find(faulty).map_or(Ok(()), |directive| {
        Err(LoggingError::UnknownLevel {
            directive: (*directive).to_owned(),
        })
    })
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::{LogFormat, LoggingError, OsStr, colours, parse_filter, subscriber};

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, filter: &str, event: impl FnOnce()) -> String {
        let captured = Captured::default();
        let writer = captured.clone();
        let subscriber = subscriber(format, filter, false, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, event);
        let bytes = captured.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_json_line_is_one_flat_object() {
        let line = logged(LogFormat::Json, "info", || {
            let _span = tracing::info_span!("call", hidden = 1).entered();
            tracing::warn!(uid = "a\nb", attempts = 3, "asked again");
        });
        assert_eq!(line.matches('\n').count(), 1);
        let object: serde_json::Value = serde_json::from_str(&line).unwrap();
        let timestamp = object["timestamp"].as_str().unwrap();
        assert!(timestamp.parse::<jiff::Timestamp>().is_ok(), "{timestamp}");
        assert!(timestamp.ends_with('Z'));
        assert_eq!(object["level"], "WARN");
        assert_eq!(object["message"], "asked again");
        assert_eq!(object["uid"], "a\nb");
        assert_eq!(object["attempts"], 3);
        assert_eq!(object["target"], "bindguard::telemetry::logging::tests");
        assert_eq!(object.as_object().unwrap().len(), 6);
    }

    #[test]
    fn text_without_colours_has_no_escape_sequence() {
        let line = logged(LogFormat::Text, "info", || tracing::info!("hello"));
        assert!(line.contains(" INFO ") && line.ends_with("hello\n"));
        assert!(!line.contains('\u{1b}'), "{line:?}");
    }

    #[test]
    fn the_filter_gives_parts_of_the_program_a_level_of_their_own() {
        let lines = logged(LogFormat::Text, "warn,kube=debug", || {
            tracing::info!("ours");
            tracing::info!(target: "kube", "theirs");
        });
        assert!(
            !lines.contains("ours") && lines.contains("theirs"),
            "{lines}"
        );
    }

    #[test]
    fn a_write_that_fails_is_no_panic() {
        struct Broken;
        impl io::Write for Broken {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }

            fn flush(&mut self) -> io::Result<()> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
        }
        let subscriber = subscriber(LogFormat::Json, "info", false, || Broken).unwrap();
        tracing::subscriber::with_default(subscriber, || tracing::info!("lost"));
    }

    #[test]
    fn a_filter_that_is_no_filter_is_refused_with_the_word_that_is_wrong() {
        for (filter, word) in [
            ("inof", "inof"),
            ("", ""),
            ("info,", ""),
            ("info, chatty", "chatty"),
        ] {
            let error = parse_filter(filter).unwrap_err();
            assert!(
                matches!(&error, LoggingError::UnknownLevel { directive, .. } if directive == word),
                "{filter:?}: {error}"
            );
        }
        for filter in ["kube=loud", "=", "info,kube=1=2"] {
            let error = parse_filter(filter).unwrap_err();
            assert!(error.to_string().contains(filter), "{filter:?}: {error}");
        }
        for filter in ["info", "INFO", "off", "info,kube=warn", "info, hyper=off"] {
            assert!(parse_filter(filter).is_ok(), "{filter:?}");
        }
    }

    #[test]
    fn colours_are_for_terminals_and_never_under_no_color() {
        let set = Some(OsStr::new("1"));
        assert!(colours(true, None));
        assert!(colours(true, Some(OsStr::new(""))));
        assert!(!colours(true, set));
        assert!(!colours(false, None));
        assert!(!colours(false, set));
    }

    #[test]
    fn a_format_is_read_as_it_is_written() {
        for format in LogFormat::ALL {
            assert_eq!(format.as_str().parse::<LogFormat>().unwrap(), format);
        }
        let error = "yaml".parse::<LogFormat>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "\"yaml\" is no log format: use json or text"
        );
    }
}
