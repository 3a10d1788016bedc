//! Conversations with a peer that speaks as systemd does.

use std::{
    io::{Read as _, Write as _},
    os::unix::net::UnixListener,
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Instant,
};

use super::{
    wire::{ERROR, FIXED, Frame, METHOD_RETURN, Message},
    *,
};

/// What the peer answers to a call: the type and bytes of the body, or an error's name.
type Said = Result<(&'static str, Vec<u8>), &'static str>;

fn string(out: &mut Vec<u8>, it: &str) {
    out.resize(out.len().next_multiple_of(4), 0);
    out.extend(u32::try_from(it.len()).unwrap().to_le_bytes());
    out.extend(it.as_bytes());
    out.push(0);
}

fn variant(value: &str) -> Said {
    let mut body = b"\x01s\0".to_vec();
    string(&mut body, value);
    Ok(("v", body))
}

fn number(kind: u8, value: u32) -> Said {
    let mut body = vec![1, kind, 0, 0];
    body.extend(value.to_le_bytes());
    Ok(("v", body))
}

fn list(units: &[[&str; 4]]) -> Said {
    let mut rows = Vec::new();
    for [name, load, active, sub] in units {
        rows.resize(rows.len().next_multiple_of(8), 0);
        for text in [name, "a description", load, active, sub, "", "/org/x"] {
            string(&mut rows, text);
        }
        rows.resize(rows.len().next_multiple_of(4), 0);
        rows.extend(0_u32.to_le_bytes());
        string(&mut rows, "");
        string(&mut rows, "/");
    }
    let mut body = u32::try_from(rows.len()).unwrap().to_le_bytes().to_vec();
    body.resize(8, 0);
    body.extend(rows);
    Ok(("a(ssssssouso)", body))
}

/// The answer to a call as bytes.
fn reply(serial: u32, said: Said) -> Vec<u8> {
    let mut fields = vec![5, 1, b'u', 0];
    fields.extend(serial.to_le_bytes());
    let (kind, signature, body) = match said {
        Ok((signature, body)) => (METHOD_RETURN, signature, body),
        Err(name) => {
            fields.extend(b"\x04\x01s\0");
            string(&mut fields, name);
            fields.resize(fields.len().next_multiple_of(8), 0);
            let mut body = Vec::new();
            string(&mut body, "no, for this reason");
            (ERROR, "s", body)
        }
    };
    fields.extend([8, 1, b'g', 0, u8::try_from(signature.len()).unwrap()]);
    fields.extend(signature.as_bytes());
    fields.push(0);
    let mut out = vec![b'l', kind, 1, 1];
    out.extend(u32::try_from(body.len()).unwrap().to_le_bytes());
    out.extend(7_u32.to_le_bytes());
    out.extend(u32::try_from(fields.len()).unwrap().to_le_bytes());
    out.extend(fields);
    out.resize(out.len().next_multiple_of(8), 0);
    out.extend(body);
    out
}

/// Talks with a peer that answers so; with nothing to say it is silent for longer than anybody waits.
fn talk<T>(peer: fn(&str) -> Option<Said>, work: impl FnOnce(Talk) -> T) -> T {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("xunjian-bus-{}-{number}", std::process::id()));
    let listener = UnixListener::bind(&path).unwrap();
    let server = thread::spawn(move || {
        let mut socket = listener.accept().unwrap().0;
        let mut greeting = [0; 64];
        let count = socket.read(&mut greeting).unwrap();
        let greeting = &greeting[..count];
        assert!(greeting.starts_with(b"\0AUTH EXTERNAL "));
        assert!(greeting.ends_with(b"\r\nBEGIN\r\n"), "systemd would leave the first call lying");
        socket.write_all(b"OK 1234deadbeef\r\n").unwrap();
        let mut fixed = [0; FIXED];
        while socket.read_exact(&mut fixed).is_ok() {
            let mut rest = vec![0; Frame::read(fixed).unwrap().rest()];
            socket.read_exact(&mut rest).unwrap();
            let call = String::from_utf8_lossy(&rest).into_owned();
            let serial = u32::from_le_bytes(fixed[8..12].try_into().unwrap());
            let Some(said) = peer(&call) else {
                thread::sleep(Duration::from_millis(1_200));
                break;
            };
            // A signal that answers nothing comes in between: its header has a sender in place of a serial.
            let mut signal = reply(serial, variant("x"));
            signal[1] = 4;
            signal[16] = 9;
            let _ = socket.write_all(&signal).and_then(|()| socket.write_all(&reply(serial, said)));
        }
    });
    let answer = work(Talk::open(&path, Duration::from_millis(1_000)).unwrap());
    server.join().unwrap();
    std::fs::remove_file(&path).unwrap();
    answer
}

/// A small machine: one service failed, one was restarted, one rests after a bad end; a mount and a timer.
fn machine(call: &str) -> Option<Said> {
    let is = |words: &[&str]| words.iter().all(|it| call.contains(it));
    Some(if is(&["ListUnits"]) {
        list(&[
            ["backup.service", "loaded", "inactive", "dead"],
            ["data.mount", "loaded", "active", "mounted"],
            ["kdump.service", "loaded", "failed", "failed"],
            ["backup.timer", "loaded", "active", "waiting"],
            ["sshd.service", "loaded", "active", "running"],
        ])
    } else if is(&["SystemState"]) {
        variant("degraded")
    } else if is(&["sshd_2eservice", "NRestarts"]) {
        number(b'u', 3)
    } else if is(&["NRestarts"]) {
        Err("org.freedesktop.DBus.Error.UnknownProperty")
    } else if is(&["ExecMainStatus"]) {
        number(b'i', (-1_i32).cast_unsigned())
    } else if is(&["UnitFileState"]) {
        variant("enabled")
    } else if is(&["LoadState"]) {
        variant("not-found")
    } else if is(&["ActiveState"]) || is(&["SubState"]) {
        variant("inactive")
    } else if is(&["Result", "backup_2eservice"]) || is(&["Result", "kdump_2eservice"]) {
        variant("exit-code")
    } else {
        variant("success")
    })
}

#[test]
fn what_has_something_to_say_is_asked_more_and_the_rest_is_not() {
    let text = talk(machine, |it| converse(it, &["9gone.service"])).unwrap();
    let wanted = "SystemState=degraded

Id=9gone.service
ActiveState=inactive
ExecMainStatus=-1
LoadState=not-found
Result=success
SubState=inactive
UnitFileState=enabled

Id=backup.service
ActiveState=inactive
ExecMainStatus=-1
LoadState=loaded
Result=exit-code
SubState=dead
UnitFileState=enabled

Id=data.mount
ActiveState=active
LoadState=loaded
SubState=mounted

Id=kdump.service
ActiveState=failed
ExecMainStatus=-1
LoadState=loaded
Result=exit-code
SubState=failed
UnitFileState=enabled

Id=sshd.service
ActiveState=active
ExecMainStatus=-1
LoadState=loaded
NRestarts=3
Result=success
SubState=running
UnitFileState=enabled
";
    assert_eq!(text, wanted);
}

#[test]
fn a_refusal_is_an_error_with_its_reason() {
    let refused = |_: &str| Some(Err("org.freedesktop.DBus.Error.AccessDenied"));
    let error = talk(refused, |it| converse(it, &[])).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    assert!(error.to_string().contains("AccessDenied: no, for this reason"), "{error}");
}

#[test]
fn a_peer_that_says_nothing_costs_no_more_than_the_time_given() {
    let begun = Instant::now();
    let error = talk(|_| None, |it| converse(it, &[])).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[test]
fn names_become_objects_as_systemd_writes_them() {
    let wanted = "/org/freedesktop/systemd1/unit/dev_2ddisk_2dby_5cx2dlabel_2dA1_2eswap";
    assert_eq!(path("dev-disk-by\\x2dlabel-A1.swap"), wanted);
    assert!(path("9p.mount").ends_with("/_39p_2emount"));
}

/// Reads a message as it comes from a socket.
fn read(bytes: &[u8]) -> io::Result<Message> {
    let fixed = bytes.get(..FIXED).and_then(|it| it.try_into().ok());
    let frame = Frame::read(fixed.ok_or(io::ErrorKind::UnexpectedEof)?)?;
    let rest = bytes.get(FIXED..FIXED + frame.rest()).ok_or(io::ErrorKind::UnexpectedEof)?;
    Message::read(frame, rest.to_vec())
}

#[test]
fn cut_and_flipped_messages_are_refused_or_read_but_never_worse() {
    let unit = ["sshd.service", "loaded", "active", "running"];
    for said in [list(&[unit, unit]), variant("degraded"), number(b'u', 3), Err("org.x.Error")] {
        let whole = reply(1, said);
        assert!(read(&whole).is_ok());
        for at in 0..whole.len() {
            assert!(read(&whole[..at]).is_err(), "cut at {at}");
            for bit in 0..8 {
                let mut flipped = whole.clone();
                flipped[at] ^= 1 << bit;
                let Ok(message) = read(&flipped) else { continue };
                let rows = message.rows::<5>("a(ssssssouso)").unwrap_or_default();
                let text = message.property().unwrap_or_default() + &message.said();
                assert!(rows.len() + text.len() <= 3 * whole.len(), "byte {at}, bit {bit}");
            }
        }
    }
}

#[test]
fn an_answer_of_the_other_byte_order_is_read() {
    let mut bytes = vec![b'B', METHOD_RETURN, 1, 1];
    bytes.extend(8_u32.to_be_bytes());
    bytes.extend(7_u32.to_be_bytes());
    bytes.extend(15_u32.to_be_bytes());
    bytes.extend([5, 1, b'u', 0]);
    bytes.extend(2_u32.to_be_bytes());
    bytes.extend([8, 1, b'g', 0, 1, b'v', 0, 0]);
    bytes.extend([1, b'u', 0, 0]);
    bytes.extend(41_u32.to_be_bytes());
    let message = read(&bytes).unwrap();
    assert_eq!((message.answers, message.property().unwrap()), (Some(2), "41".to_owned()));
}
