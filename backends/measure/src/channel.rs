//! Frames over a socket pair (payloads as memfds) or over pipes (payloads inline).
//!
//! A frame is the header's length (`u32`), the payload's inline length (`u64`), both little
//! endian, the header (JSON), the payload.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;

use serde::Serialize;
use serde::de::DeserializeOwned;

const MAX_HEADER: usize = 256 << 20;

/// One end of a connection.
pub(crate) enum Channel {
    Socket(UnixStream),
    Pipes { input: File, output: File },
}

/// Called whenever a socket with a timeout has waited that long; an error ends the exchange.
pub(crate) type Watch<'a> = &'a mut dyn FnMut() -> io::Result<()>;

/// The bytes that came with a message: left where they are until they are asked for.
pub enum Payload {
    Inline(Vec<u8>),
    Shared(File),
}

impl Payload {
    /// Copies the bytes from `offset` on. Fails where the payload is shorter than that.
    pub fn read(&self, offset: usize, into: &mut [u8]) -> io::Result<()> {
        match self {
            Payload::Inline(bytes) => {
                let part = bytes.get(offset..).and_then(|rest| rest.get(..into.len()));
                into.copy_from_slice(part.ok_or(io::ErrorKind::UnexpectedEof)?);
                Ok(())
            }
            Payload::Shared(file) => file.read_exact_at(into, offset as u64),
        }
    }
}

impl Channel {
    pub fn read_fd(&self) -> RawFd {
        match self {
            Channel::Socket(socket) => socket.as_raw_fd(),
            Channel::Pipes { input, .. } => input.as_raw_fd(),
        }
    }

    /// Sends a message with its payload, the parts one after the other.
    pub fn send(&mut self, message: &impl Serialize, payload: &[&[u8]], watch: Watch) -> io::Result<()> {
        let header = serde_json::to_vec(message)?;
        let total: usize = payload.iter().map(|p| p.len()).sum();
        let inline = if matches!(self, Channel::Socket(_)) { 0 } else { total as u64 };
        let mut start = (header.len() as u32).to_le_bytes().to_vec();
        start.extend(inline.to_le_bytes());
        match self {
            Channel::Socket(socket) => {
                let memfd = if total > 0 { Some(memfd(payload)?) } else { None };
                let fd = memfd.as_ref().map(|f| f.as_raw_fd());
                let sent = patiently(watch, || send_with_fd(socket, &start, fd))?;
                write_all(socket, &start[sent..], watch)?;
                write_all(socket, &header, watch)
            }
            Channel::Pipes { output, .. } => {
                output.write_all(&start)?;
                output.write_all(&header)?;
                for part in payload {
                    output.write_all(part)?;
                }
                output.flush()
            }
        }
    }

    /// The next message and its payload. An end of file is an error of kind `UnexpectedEof`.
    pub fn receive<T: DeserializeOwned>(&mut self, watch: Watch) -> io::Result<(T, Payload)> {
        let mut start = [0u8; 12];
        let mut fd = None;
        match self {
            Channel::Socket(socket) => {
                let n = patiently(watch, || receive_with_fd(socket, &mut start, &mut fd))?;
                if n == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                read_exact(socket, &mut start[n..], watch)?;
            }
            Channel::Pipes { input, .. } => read_exact(input, &mut start, watch)?,
        }
        let length = u32::from_le_bytes(start[..4].try_into().expect("four bytes")) as usize;
        let inline = u64::from_le_bytes(start[4..].try_into().expect("eight bytes"));
        if length > MAX_HEADER {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "frame header too long"));
        }
        let reader: &mut dyn Read = match self {
            Channel::Socket(socket) => socket,
            Channel::Pipes { input, .. } => input,
        };
        let mut header = vec![0; length];
        read_exact(reader, &mut header, watch)?;
        let mut payload = vec![];
        if inline > 0 {
            reader.take(inline).read_to_end(&mut payload)?;
            if payload.len() as u64 != inline {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let payload = fd.map_or(Payload::Inline(payload), |fd| Payload::Shared(File::from(fd)));
        Ok((serde_json::from_slice(&header)?, payload))
    }
}

/// Repeats what a timeout interrupts, as long as `watch` agrees.
fn patiently<T>(watch: Watch, mut action: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match action() {
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => watch()?,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn write_all(writer: &mut dyn Write, mut bytes: &[u8], watch: Watch) -> io::Result<()> {
    while !bytes.is_empty() {
        match patiently(watch, || writer.write(bytes))? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            n => bytes = &bytes[n..],
        }
    }
    Ok(())
}

fn read_exact(reader: &mut dyn Read, mut bytes: &mut [u8], watch: Watch) -> io::Result<()> {
    while !bytes.is_empty() {
        match patiently(watch, || reader.read(bytes))? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => bytes = &mut bytes[n..],
        }
    }
    Ok(())
}

fn memfd(parts: &[&[u8]]) -> io::Result<File> {
    // SAFETY: the name is a C string; the descriptor is checked before it is owned.
    let file = unsafe {
        let fd = libc::memfd_create(c"weft-arrays".as_ptr(), libc::MFD_CLOEXEC);
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        File::from_raw_fd(fd)
    };
    for part in parts {
        (&file).write_all(part)?;
    }
    Ok(file)
}

const CONTROL: usize = 64;

fn send_with_fd(socket: &UnixStream, bytes: &[u8], fd: Option<RawFd>) -> io::Result<usize> {
    let mut control = [0u64; CONTROL / 8];
    let mut part = libc::iovec { iov_base: bytes.as_ptr() as *mut _, iov_len: bytes.len() };
    // SAFETY: all-zero is a valid msghdr; the control buffer is aligned and large enough for one
    // descriptor, and everything pointed at outlives the call.
    let sent = unsafe {
        let mut message: libc::msghdr = std::mem::zeroed();
        message.msg_iov = &mut part;
        message.msg_iovlen = 1;
        if let Some(fd) = fd {
            message.msg_control = control.as_mut_ptr().cast();
            message.msg_controllen = libc::CMSG_SPACE(4) as _;
            let head = libc::CMSG_FIRSTHDR(&message);
            (*head).cmsg_level = libc::SOL_SOCKET;
            (*head).cmsg_type = libc::SCM_RIGHTS;
            (*head).cmsg_len = libc::CMSG_LEN(4) as _;
            libc::CMSG_DATA(head).cast::<RawFd>().write_unaligned(fd);
        }
        libc::sendmsg(socket.as_raw_fd(), &message, libc::MSG_NOSIGNAL)
    };
    if sent < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(sent as usize)
}

fn receive_with_fd(socket: &UnixStream, bytes: &mut [u8], fd: &mut Option<OwnedFd>) -> io::Result<usize> {
    let mut control = [0u64; CONTROL / 8];
    let mut part = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    // SAFETY: as in `send_with_fd`; a received descriptor is owned exactly once.
    unsafe {
        let mut message: libc::msghdr = std::mem::zeroed();
        message.msg_iov = &mut part;
        message.msg_iovlen = 1;
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = CONTROL as _;
        let received = libc::recvmsg(socket.as_raw_fd(), &mut message, libc::MSG_CMSG_CLOEXEC);
        if received < 0 {
            return Err(io::Error::last_os_error());
        }
        let head = libc::CMSG_FIRSTHDR(&message);
        if !head.is_null() && (*head).cmsg_type == libc::SCM_RIGHTS {
            *fd = Some(OwnedFd::from_raw_fd(libc::CMSG_DATA(head).cast::<RawFd>().read_unaligned()));
        }
        Ok(received as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_travel_beside_and_inside() {
        let (a, b) = UnixStream::pair().expect("socket pair");
        let (mut a, mut b) = (Channel::Socket(a), Channel::Socket(b));
        let mut never = || Ok(());
        let big = vec![7u8; 1 << 20];
        a.send(&serde_json::json!({"x": 1}), &[&big, b"end"], &mut never).expect("sent");
        let (message, payload): (serde_json::Value, _) = b.receive(&mut never).expect("received");
        assert_eq!(message["x"], 1);
        let mut tail = [0; 4];
        payload.read(big.len() - 1, &mut tail).expect("read");
        assert_eq!(&tail, b"\x07end");
        assert!(payload.read(big.len(), &mut tail).is_err());
        drop(a);
        assert!(b.receive::<serde_json::Value>(&mut never).is_err());
    }
}
