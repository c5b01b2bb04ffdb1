//! How many file descriptors the process may have.

use std::fs;

/// The soft limit, where the system tells. Nothing here raises it: the limit is the operator's say,
/// and connections are capped to fit it.
pub(super) fn limit() -> Option<usize> {
    parse(&fs::read_to_string("/proc/self/limits").ok()?)
}

/// Source: proc(5), `/proc/pid/limits`
fn parse(limits: &str) -> Option<usize> {
    let rest = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    match rest.split_whitespace().next()? {
        "unlimited" => Some(usize::MAX),
        number => number.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::{limit, parse};

    #[test]
    fn the_soft_limit_is_read() {
        let table = "Limit                     Soft Limit           Hard Limit           Units     \n\
                     Max processes             95000                95000                processes \n\
                     Max open files            1024                 1048576              files     \n";
        assert_eq!(parse(table), Some(1_024));
        assert_eq!(
            parse("Max open files unlimited unlimited files"),
            Some(usize::MAX)
        );
        assert_eq!(parse("Max processes 1 1 processes"), None);
        assert!(limit().is_some_and(|limit| limit > 0));
    }
}
