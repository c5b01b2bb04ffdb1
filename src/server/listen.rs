//! The address of a port: `:8443`, `127.0.0.1:8443`, `[::1]:8443`, `localhost:8443`.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use rustls_pki_types::DnsName;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, lookup_host};

/// How many connections may wait to be accepted. The kernel cuts it to its own limit.
const BACKLOG: i32 = 1024;

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenAddress {
    host: Host,
    port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    /// All addresses of the machine, IPv4 and IPv6.
    All,
    Address(IpAddr),
    Name(String),
}

/// Why a text is no address to listen on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListenAddressError {
    /// No colon, or nothing after it.
    #[error("{text:?} has no port; write HOST:PORT, or :PORT for all addresses")]
    NoPort {
        /// The whole text.
        text: String,
    },
    /// Not a number from 0 to 65535.
    #[error("{port:?} is no port; use a number from 0 (any that is free) to 65535")]
    Port {
        /// What stands after the last colon.
        port: String,
    },
    /// Neither an address nor a name.
    #[error("{host:?} is neither an IP address nor a host name; leave it out for all addresses")]
    Host {
        /// What stands before the last colon.
        host: String,
    },
    /// An IPv6 address whose end nobody can tell.
    #[error("an IPv6 address needs brackets: write [{host}]:{port}")]
    Brackets {
        /// What stands before the last colon.
        host: String,
        /// What stands after it.
        port: u16,
    },
}

impl FromStr for ListenAddress {
    type Err = ListenAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (host, port) = text
            .rsplit_once(':')
            .filter(|(_, port)| !port.is_empty())
            .ok_or_else(|| ListenAddressError::NoPort {
                text: text.to_owned(),
            })?;
        let port = parse_port(port)?;
        let host = parse_host(host, port)?;
        Ok(Self { host, port })
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = self.port;
        match &self.host {
            Host::All => write!(formatter, ":{port}"),
            Host::Address(address) => SocketAddr::new(*address, port).fmt(formatter),
            Host::Name(name) => write!(formatter, "{name}:{port}"),
        }
    }
}

impl ListenAddress {
    /// The names that a certificate for this address must have, beside those of the machine
    /// itself.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        match &self.host {
            Host::Address(address) if !address.is_unspecified() => vec![address.to_string()],
            Host::All | Host::Address(_) => Vec::new(),
            Host::Name(name) => vec![name.clone()],
        }
    }

    /// Opens the port.
    ///
    /// # Errors
    ///
    /// When it is taken or forbidden, when the address is not one of this machine, or when the
    /// name has no address.
    pub async fn bind(&self) -> io::Result<TcpListener> {
        match &self.host {
            Host::All => bind_all(self.port),
            Host::Address(address) => bind(SocketAddr::new(*address, self.port)),
            Host::Name(name) => bind_name(name, self.port).await,
        }
    }
}

fn parse_port(port: &str) -> Result<u16, ListenAddressError> {
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    digits
        .then(|| port.parse().ok())
        .flatten()
        .ok_or_else(|| ListenAddressError::Port {
            port: port.to_owned(),
        })
}

fn parse_host(host: &str, port: u16) -> Result<Host, ListenAddressError> {
    let wrong = || ListenAddressError::Host {
        host: host.to_owned(),
    };
    if host.is_empty() {
        return Ok(Host::All);
    }
    let bracketed = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    if let Some(address) = bracketed {
        let address: Ipv6Addr = address.parse().map_err(|_| wrong())?;
        return Ok(Host::Address(address.into()));
    }
    if let Ok(address) = host.parse::<IpAddr>() {
        return match address {
            IpAddr::V4(_) => Ok(Host::Address(address)),
            IpAddr::V6(_) => Err(ListenAddressError::Brackets {
                host: host.to_owned(),
                port,
            }),
        };
    }
    // A name that ends in a number is a mistyped IPv4 address, and not worth a look-up.
    let last_label = host.rsplit('.').next().unwrap_or_default();
    let numeric = last_label.bytes().all(|byte| byte.is_ascii_digit());
    if numeric || DnsName::try_from(host).is_err() {
        return Err(wrong());
    }
    Ok(Host::Name(host.to_owned()))
}

/// IPv6 with IPv4 mapped into it, or IPv4 alone where the machine has no IPv6.
fn bind_all(port: u16) -> io::Result<TcpListener> {
    let no_ipv6 = |error: &io::Error| {
        !matches!(
            error.kind(),
            io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied
        )
    };
    match bind((Ipv6Addr::UNSPECIFIED, port).into()) {
        Err(error) if no_ipv6(&error) => bind((Ipv4Addr::UNSPECIFIED, port).into()),
        bound => bound,
    }
}

/// The first address of a name that can be bound, IPv4 first: `localhost` is both, and most
/// clients that are given 127.0.0.1 try nothing else.
async fn bind_name(name: &str, port: u16) -> io::Result<TcpListener> {
    let mut addresses: Vec<_> = lookup_host((name, port)).await?.collect();
    addresses.sort_by_key(SocketAddr::is_ipv6);
    let mut result = Err(io::Error::new(
        io::ErrorKind::NotFound,
        "the name has no address",
    ));
    for address in addresses {
        result = bind(address);
        if result.is_ok() {
            break;
        }
    }
    result
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() && address.ip().is_unspecified() {
        // Said, and not left to the machine's net.ipv6.bindv6only.
        socket.set_only_v6(false)?;
    }
    // Else the connections of a predecessor that linger in TIME_WAIT hold the port for a minute.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

#[cfg(test)]
mod tests {
    use std::io;

    use tokio::net::TcpStream;

    use super::{ListenAddress, ListenAddressError};

    fn parse(text: &str) -> Result<ListenAddress, ListenAddressError> {
        text.parse()
    }

    #[test]
    fn an_address_is_printed_as_it_was_written() {
        for text in [
            ":8443",
            ":0",
            "0.0.0.0:8443",
            "127.0.0.1:65535",
            "[::1]:0",
            "[::]:8443",
            "localhost:8443",
            "a-b.example:1",
        ] {
            assert_eq!(parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_a_reason() {
        for (text, reason) in [
            ("", "has no port"),
            (
                "8443",
                "has no port; write HOST:PORT, or :PORT for all addresses",
            ),
            ("localhost", "has no port"),
            ("localhost:", "has no port"),
            (":65536", "\"65536\" is no port"),
            (":+80", "\"+80\" is no port"),
            (":-1", "\"-1\" is no port"),
            (":https", "\"https\" is no port"),
            ("[::1]", "\"1]\" is no port"),
            (
                "::1:8443",
                "an IPv6 address needs brackets: write [::1]:8443",
            ),
            ("[127.0.0.1]:80", "\"[127.0.0.1]\" is neither"),
            ("[::g]:80", "\"[::g]\" is neither"),
            (
                "*:8443",
                "\"*\" is neither an IP address nor a host name; leave it out",
            ),
            ("1.2.3.400:80", "\"1.2.3.400\" is neither"),
            ("1.2.3:80", "\"1.2.3\" is neither"),
            ("a b:80", "\"a b\" is neither"),
            ("https://a:80", "\"https://a\" is neither"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text:?}: {error}");
        }
    }

    #[tokio::test]
    async fn all_addresses_are_ipv4_and_ipv6() {
        let listener = parse(":0").unwrap().bind().await.unwrap();
        let address = listener.local_addr().unwrap();
        let ipv4 = TcpStream::connect(("127.0.0.1", address.port())).await;
        assert!(ipv4.is_ok());
        if address.is_ipv6() {
            assert!(TcpStream::connect(("::1", address.port())).await.is_ok());
        }
    }

    #[tokio::test]
    async fn a_name_is_looked_up() {
        let listener = parse("localhost:0").unwrap().bind().await.unwrap();
        assert!(listener.local_addr().unwrap().ip().is_loopback());
    }

    #[tokio::test]
    async fn a_port_that_is_taken_is_an_error_however_it_is_asked_for() {
        let holder = parse("127.0.0.1:0").unwrap().bind().await.unwrap();
        let port = holder.local_addr().unwrap().port();
        for host in ["", "127.0.0.1", "0.0.0.0"] {
            let address = parse(&format!("{host}:{port}")).unwrap();
            let error = address.bind().await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AddrInUse, "{address}");
        }
    }
}
