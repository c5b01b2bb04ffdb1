//! The flags of what a long-running command logs.

use clap::{Args, ValueEnum};

use crate::telemetry::logging::{self, LogFormat, LoggingError};

/// What is logged, and how.
#[derive(Debug, Args)]
pub(super) struct LogArguments {
    /// How log lines look
    #[arg(
        long,
        env = "BINDGUARD_LOG_FORMAT",
        value_name = "FORMAT",
        default_value = "json",
        help_heading = "Log"
    )]
    log_format: LogFormatArgument,

    /// The least severe level that is logged: error, warn, info, debug or trace. A part of the
    /// program may have its own: info,kube=warn
    #[arg(
        long,
        env = "BINDGUARD_LOG_LEVEL",
        value_name = "LEVEL",
        default_value = "info",
        value_parser = parse_log_level,
        help_heading = "Log"
    )]
    log_level: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormatArgument {
    /// One JSON object a line
    Json,
    /// Text for people
    Text,
}

impl LogArguments {
    /// Logs from here on.
    pub(super) fn init(&self) -> Result<(), LoggingError> {
        logging::init(self.log_format.into(), &self.log_level)
    }
}

impl From<LogFormatArgument> for LogFormat {
    fn from(format: LogFormatArgument) -> Self {
        match format {
            LogFormatArgument::Json => Self::Json,
            LogFormatArgument::Text => Self::Text,
        }
    }
}

fn parse_log_level(text: &str) -> Result<String, LoggingError> {
    logging::check_filter(text).map(|()| text.to_owned())
}
