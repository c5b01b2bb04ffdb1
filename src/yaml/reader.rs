//! The documents of a text, one after the other.

use serde_saphyr::granit_parser::{Event, Marker, Options, Parser, ScanError, StrInput};

use super::builder::Builder;
use super::error::Error;
use super::json;
use super::node::{Node, Position};

/// After so many broken documents the rest of a text is not read: it is no YAML.
pub const MAX_BROKEN_DOCUMENTS: usize = 1000;

/// A document of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document<'a> {
    /// Its value; null if it is empty.
    pub root: Node<'a>,
    /// Faults that leave it readable: keys that are repeated, keys that are no scalars, merge keys
    /// with nothing to merge.
    pub faults: Vec<Error>,
}

/// The documents of a text of YAML or JSON, read while they are asked for.
///
/// JSON values that follow each other without separators are documents too, as `kubectl` reads
/// them (`jq` writes them so). Empty documents are reported as null.
#[must_use]
pub fn documents(text: &str) -> Documents<'_> {
    // A byte order mark is no part of the first line.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut pieces = json::split(text).into_iter();
    let first = pieces.next().unwrap_or((text, Position::START));
    Documents {
        piece: Piece::new(first),
        pieces,
        builder: Builder::new(),
        broken: 0,
        ended: false,
    }
}

/// See [`documents`].
#[derive(Debug)]
pub struct Documents<'a> {
    piece: Piece<'a>,
    pieces: std::vec::IntoIter<(&'a str, Position)>,
    builder: Builder<'a>,
    broken: usize,
    ended: bool,
}

/// A stretch of the text with a parser of its own, and where it begins.
struct Piece<'a> {
    parser: Parser<'a, StrInput<'a>>,
    begin: Position,
}

impl std::fmt::Debug for Piece<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Piece")
            .field("begin", &self.begin)
            .finish_non_exhaustive()
    }
}

impl<'a> Piece<'a> {
    fn new((text, begin): (&'a str, Position)) -> Self {
        // The parser's own limits hold: 255 levels of nesting, 1024 characters of a simple key.
        let mut options = Options::default();
        options.set_emit_comments(false);
        Self {
            parser: Parser::new_from_str_with_options(text, options),
            begin,
        }
    }

    fn position(&self, marker: Marker) -> Position {
        let line = u32::try_from(marker.line().saturating_sub(1)).unwrap_or(u32::MAX);
        let column = u32::try_from(marker.col()).unwrap_or(u32::MAX);
        Position {
            line: self.begin.line.saturating_add(line),
            column: if line == 0 {
                self.begin.column.saturating_add(column)
            } else {
                column.saturating_add(1)
            },
        }
    }

    fn error(&self, error: &ScanError) -> Error {
        Error::new(self.position(*error.marker()), error.info())
    }
}

impl<'a> Iterator for Documents<'a> {
    type Item = Result<Document<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            let position = match self.piece.parser.next_event() {
                None | Some(Ok((Event::StreamEnd, _))) => {
                    self.next_piece();
                    continue;
                }
                Some(Err(error)) => return Some(Err(self.give_up(self.piece.error(&error)))),
                Some(Ok((event, span))) => {
                    let position = self.piece.position(span.start);
                    if event != Event::DocumentEnd {
                        if let Err(error) = self.builder.add(event, position) {
                            return Some(Err(self.give_up(error)));
                        }
                        continue;
                    }
                    position
                }
            };
            let (root, faults) = self.builder.take(position);
            return Some(Ok(Document { root, faults }));
        }
        None
    }
}

impl Documents<'_> {
    fn next_piece(&mut self) {
        match self.pieces.next() {
            Some(piece) => self.piece = Piece::new(piece),
            None => self.ended = true,
        }
    }

    /// Leaves a broken document for the one after it.
    fn give_up(&mut self, error: Error) -> Error {
        self.builder.reset();
        self.broken += 1;
        if self.broken >= MAX_BROKEN_DOCUMENTS {
            self.ended = true;
            return Error::new(
                error.position,
                format!("{}; too much is wrong, the rest is not read", error.message),
            );
        }
        match self.piece.parser.proceed_next_document() {
            Ok(true) => {}
            Ok(false) | Err(_) => self.next_piece(),
        }
        error
    }
}
