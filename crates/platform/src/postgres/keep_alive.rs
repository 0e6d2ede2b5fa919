//! Keep-alives on the sockets to PostgreSQL. The client library sets none and exposes no socket, so this finds them
//! among the process's own sockets by the peer's port. The peer also distinguishes a socket that is closed meanwhile,
//! or another that got its number. Where this does not work every statement is bounded nevertheless.
use std::time::Duration;

/// A connection without traffic is probed after this time, then at this interval.
const IDLE: Duration = Duration::from_secs(10);
const INTERVAL: Duration = Duration::from_secs(3);
const PROBES: u32 = 3;
/// Unacknowledged data ends the connection after this time, in milliseconds.
#[cfg(target_os = "linux")]
const USER_TIMEOUT_MS: u32 = 10_000;

/// Makes the system detect when the host of a TCP connection to this port goes away. Costs some system calls per open
/// file.
#[cfg(target_os = "linux")]
pub(super) fn keep_alive(port: u16) {
    static TROUBLE: std::sync::Once = std::sync::Once::new();
    if let Err(error) = linux::keep_alive(port) {
        TROUBLE.call_once(|| {
            tracing::warn!(%error, "TCP keep-alive cannot be set on connections to PostgreSQL; statement timeouts still apply");
        });
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn keep_alive(_: u16) {}

#[cfg(target_os = "linux")]
mod linux {
    use std::{
        fs, io,
        io::{IoSlice, IoSliceMut},
        mem::MaybeUninit,
        net::SocketAddr,
        os::fd::{AsRawFd, OwnedFd, RawFd},
    };

    use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
    use rustix::net::{
        AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SocketFlags, SocketType, getpeername,
        recvmsg, socketpair, sockopt,
    };

    use super::{IDLE, INTERVAL, PROBES, USER_TIMEOUT_MS};

    pub fn keep_alive(port: u16) -> io::Result<()> {
        let copier = Copier::new()?;
        for entry in fs::read_dir("/proc/self/fd")? {
            let entry = entry?;
            // Another thread may close it meanwhile.
            let is_socket = fs::read_link(entry.path()).is_ok_and(|to| to.to_string_lossy().starts_with("socket:"));
            let number = entry.file_name().to_str().and_then(|name| name.parse().ok());
            let Some(number) = number.filter(|_| is_socket) else { continue };
            let Ok(socket) = copier.copy(number) else { continue };
            let peer = getpeername(&socket).ok().flatten().and_then(|peer| SocketAddr::try_from(peer).ok());
            if peer.is_some_and(|peer| peer.port() == port) && !sockopt::socket_keepalive(&socket)? {
                set(&socket)?;
            }
        }
        Ok(())
    }

    pub(super) fn set(socket: &OwnedFd) -> io::Result<()> {
        sockopt::set_socket_keepalive(socket, true)?;
        sockopt::set_tcp_keepidle(socket, IDLE)?;
        sockopt::set_tcp_keepintvl(socket, INTERVAL)?;
        sockopt::set_tcp_keepcnt(socket, PROBES)?;
        Ok(sockopt::set_tcp_user_timeout(socket, USER_TIMEOUT_MS)?)
    }

    /// Copies sockets of this process by their numbers: a number that is sent to oneself arrives as a new socket with
    /// the same connection behind it.
    struct Copier {
        out: OwnedFd,
        back: OwnedFd,
    }

    impl Copier {
        fn new() -> io::Result<Self> {
            let (out, back) = socketpair(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
            Ok(Self { out, back })
        }

        fn copy(&self, number: RawFd) -> io::Result<OwnedFd> {
            let (rights, flags) = ([number], MsgFlags::MSG_DONTWAIT);
            sendmsg::<()>(
                self.out.as_raw_fd(),
                &[IoSlice::new(b"1")],
                &[ControlMessage::ScmRights(&rights)],
                flags,
                None,
            )?;
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let (mut buffer, mut byte) = (RecvAncillaryBuffer::new(&mut space), [0]);
            let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
            recvmsg(&self.back, &mut [IoSliceMut::new(&mut byte)], &mut buffer, flags)?;
            let mut copies = buffer.drain().filter_map(|message| match message {
                RecvAncillaryMessage::ScmRights(mut copies) => copies.next(),
                _ => None,
            });
            copies.next().ok_or_else(|| io::ErrorKind::NotFound.into())
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use rustix::net::sockopt;

    use super::*;

    #[test]
    fn sockets_to_that_port_get_keep_alives_and_others_are_left_alone() {
        let [database, other] = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let streams = [&database, &other].map(|to| TcpStream::connect(to.local_addr().unwrap()).unwrap());
        keep_alive(database.local_addr().unwrap().port());
        let [ours, theirs] = streams;
        assert!(sockopt::socket_keepalive(&ours).unwrap());
        assert_eq!(sockopt::tcp_keepidle(&ours).unwrap(), IDLE);
        assert_eq!(sockopt::tcp_keepintvl(&ours).unwrap(), INTERVAL);
        assert_eq!(sockopt::tcp_keepcnt(&ours).unwrap(), PROBES);
        assert_eq!(sockopt::tcp_user_timeout(&ours).unwrap(), USER_TIMEOUT_MS);
        assert!(!sockopt::socket_keepalive(&theirs).unwrap());
        assert_eq!(sockopt::tcp_user_timeout(&theirs).unwrap(), 0);
    }
}
