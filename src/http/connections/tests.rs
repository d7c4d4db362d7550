use super::*;
use proptest::prelude::*;
use std::io::ErrorKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::LocalSet;

const HEAD: Millis = 10_000;

fn connections(most: usize) -> Rc<Connections> {
    let limits = Limits {
        connections: most,
        head: Duration::from_millis(HEAD),
    };
    Connections::new(limits, Departures::default())
}

/// Enters at `now`, and has sent its first request and got the answer.
fn answered(connections: &Connections, now: Millis) -> Rc<Connection> {
    let connection = connections.enter(now);
    NOW.set(now);
    drop(connection.begin());
    connection
}

fn is_condemned(connection: &Connection) -> bool {
    connection.is_condemned.get()
}

#[test]
fn a_head_may_take_its_time_and_no_longer() {
    let all = connections(10);
    let first = all.enter(0);
    let later = answered(&all, 0);
    later.head_since.set(Some(5_000));
    let idle = answered(&all, 0);
    all.sweep(HEAD + GRACE);
    assert!(!is_condemned(&first));
    all.sweep(HEAD + GRACE + 1);
    assert!(is_condemned(&first));
    assert!(!is_condemned(&later));
    all.sweep(5_000 + HEAD + GRACE + 1);
    assert!(is_condemned(&later));
    // That is for the framework's keep-alive to end.
    all.sweep(Millis::MAX);
    assert!(!is_condemned(&idle));
}

#[test]
fn a_request_that_is_being_answered_may_take_as_long_as_it_likes() {
    let all = connections(1);
    let connection = all.enter(0);
    let in_flight = connection.begin();
    all.sweep(Millis::MAX);
    assert!(all.to_be_spared(1_000_000).is_none());
    assert!(!is_condemned(&connection));
    drop(in_flight);
    assert!(all.to_be_spared(1_000_000).is_some());
}

/// Blocked from 1,000 on, and takes `per_sweep` bytes between two sweeps, until `end`.
fn read_slowly(all: &Connections, connection: &Connection, per_sweep: u64, end: Millis) {
    connection.is_blocked.set(true);
    for now in (1_000..=end).step_by(250) {
        all.sweep(now);
        connection.written.set(connection.written.get() + per_sweep);
    }
}

#[test]
fn a_reader_has_to_take_a_little_all_the_time() {
    let fast_enough = SLOWEST_READER / 4;
    for (per_sweep, expected) in [
        (0, true),
        (fast_enough - 1, true),
        (fast_enough, false),
        (9_999, false),
    ] {
        let all = connections(10);
        let connection = answered(&all, 0);
        read_slowly(&all, &connection, per_sweep, 1_000 + READER_PATIENCE - 250);
        assert!(!is_condemned(&connection), "{per_sweep}");
        all.sweep(1_000 + READER_PATIENCE);
        assert_eq!(is_condemned(&connection), expected, "{per_sweep}");
    }
}

#[test]
fn a_reader_that_was_fast_has_no_credit() {
    let all = connections(10);
    let connection = answered(&all, 0);
    read_slowly(&all, &connection, 1_000_000, 1_000 + READER_PATIENCE);
    let stalled = 1_000 + READER_PATIENCE + 250;
    for now in (stalled..=stalled + 2 * READER_PATIENCE).step_by(250) {
        all.sweep(now);
    }
    assert!(is_condemned(&connection));
    // One that reads on after a pause is not blocked any more.
    let pausing = answered(&all, 0);
    pausing.is_blocked.set(true);
    all.sweep(1_000);
    pausing.is_blocked.set(false);
    all.sweep(20_000);
    pausing.is_blocked.set(true);
    all.sweep(40_000);
    assert!(!is_condemned(&pausing));
}

#[test]
fn the_least_useful_makes_room() {
    let now = 100_000;
    let all = connections(7);
    let slow_head = answered(&all, 0);
    slow_head.head_since.set(Some(now - 2_000));
    let slow_reader = answered(&all, 0);
    slow_reader.is_blocked.set(true);
    slow_reader.blocked_since.set(Some((now - 5_000, 0)));
    let fast_reader = answered(&all, 0);
    fast_reader.is_blocked.set(true);
    fast_reader.blocked_since.set(Some((now - 5_000, 0)));
    fast_reader.written.set(10_000_000);
    let idle = answered(&all, 1);
    let active = answered(&all, now - 1);
    let newcomer = all.enter(now);
    let busy = all.enter(0);
    let _in_flight = busy.begin();
    let mut made_room = Vec::new();
    let mut newer_in_flight = Vec::new();
    for _ in 0..6 {
        let next = all.enter(now);
        // Not to be spared itself.
        newer_in_flight.push(next.begin());
        for connection in [
            &slow_head,
            &slow_reader,
            &fast_reader,
            &idle,
            &newcomer,
            &active,
            &busy,
        ] {
            let is_new = !made_room.iter().any(|known| Rc::ptr_eq(known, connection));
            if is_condemned(connection) && is_new {
                made_room.push(Rc::clone(connection));
            }
        }
    }
    let expected = [&slow_head, &slow_reader, &idle, &newcomer, &active];
    assert_eq!(made_room.len(), expected.len());
    assert!(
        made_room
            .iter()
            .zip(expected)
            .all(|(one, other)| Rc::ptr_eq(one, other))
    );
}

#[test]
fn a_flood_of_dribblers_drives_out_no_client_that_asks() {
    let all = connections(10_000);
    let mut clients = Vec::new();
    for number in 0..10_000 {
        let connection = answered(&all, 0);
        if number % 2 == 0 {
            connection.head_since.set(Some(0));
        } else {
            clients.push(connection);
        }
    }
    for now in 2_000..4_000 {
        let dribbler = all.enter(now);
        dribbler.head_since.set(Some(0));
    }
    assert_eq!(
        clients.iter().filter(|client| is_condemned(client)).count(),
        0
    );
    let condemned = all
        .open
        .borrow()
        .iter()
        .filter(|it| is_condemned(it))
        .count();
    assert_eq!(condemned, 2_000);
}

async fn read_byte(stream: &mut Guarded<DuplexStream>) -> std::io::Result<u8> {
    stream.read_u8().await
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_woken_to_be_closed() {
    LocalSet::new()
        .run_until(async {
            let all = connections(1);
            let (_client, stream) = duplex(64);
            let mut first = all.admit(stream);
            let waiting = tokio::task::spawn_local(async move { read_byte(&mut first).await });
            tokio::task::yield_now().await;
            let (mut client, stream) = duplex(64);
            let mut second = all.admit(stream);
            let error = waiting.await.unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
            // The one that took its place is served.
            client.write_all(b"x").await.unwrap();
            assert_eq!(read_byte(&mut second).await.unwrap(), b'x');
            assert_eq!(all.open.borrow().len(), 1);
            drop(second);
            assert_eq!(all.open.borrow().len(), 0);
            // Nobody left: nothing to look at.
            tokio::time::sleep(2 * TICK).await;
            assert!(!all.is_swept.get());
        })
        .await;
}

#[tokio::test]
async fn what_passes_is_noted() {
    LocalSet::new()
        .run_until(async {
            let all = connections(1);
            let (mut client, stream) = duplex(8);
            let mut guarded = all.admit(stream);
            let connection = Rc::clone(guarded.connection());
            assert!(
                connection.head_since.get().is_some(),
                "the first head is awaited"
            );
            drop(connection.begin());
            assert_eq!(connection.head_since.get(), None);
            client.write_all(b"G").await.unwrap();
            read_byte(&mut guarded).await.unwrap();
            assert!(connection.head_since.get().is_some(), "the next has begun");
            let in_flight = connection.begin();
            client.write_all(b"b").await.unwrap();
            read_byte(&mut guarded).await.unwrap();
            assert_eq!(connection.head_since.get(), None, "part of the request");
            drop(in_flight);

            let write = guarded.write_all(b"longer than the buffer");
            let stalled = tokio::time::timeout(Duration::from_millis(1), write).await;
            assert!(stalled.is_err());
            assert!(connection.is_blocked.get());
            assert_eq!(connection.written.get(), 8);
            let mut taken = [0; 8];
            client.read_exact(&mut taken).await.unwrap();
            guarded.write_all(b"short").await.unwrap();
            assert!(!connection.is_blocked.get());
            assert_eq!(connection.written.get(), 13);
            connection.condemn();
            let error = guarded.write_all(b"x").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
        })
        .await;
}

#[derive(Debug, Clone)]
enum Event {
    Enter,
    Leave(usize),
    Begin(usize),
    Finish(usize),
    Byte(usize),
    Wait(Millis),
}

fn event() -> impl Strategy<Value = Event> {
    let one = 0..8_usize;
    prop_oneof![
        3 => Just(Event::Enter),
        1 => one.clone().prop_map(Event::Leave),
        2 => one.clone().prop_map(Event::Begin),
        2 => one.clone().prop_map(Event::Finish),
        2 => one.prop_map(Event::Byte),
        2 => (0..20_000_u64).prop_map(Event::Wait),
    ]
}

proptest! {
    /// Whatever happens: who is being answered is never closed, and each newcomer beyond the limit costs one
    /// of the others its place, if any can be spared.
    #[test]
    fn nobody_who_is_being_answered_is_closed(events in prop::collection::vec(event(), 0..60)) {
        let all = connections(4);
        let mut now = 1_000;
        let mut open: Vec<(Rc<Connection>, Vec<InFlight>)> = Vec::new();
        for event in events {
            let count = open.len();
            match event {
                Event::Enter => {
                    let can_spare = open.iter().any(|(it, _)| it.rank(now).is_some());
                    let condemned = |open: &[(Rc<Connection>, Vec<InFlight>)]| {
                        open.iter().filter(|(it, _)| is_condemned(it)).count()
                    };
                    let before = condemned(&open);
                    let connection = all.enter(now);
                    let made_room = condemned(&open) - before;
                    prop_assert_eq!(made_room, usize::from(count >= 4 && can_spare));
                    open.push((connection, Vec::new()));
                }
                Event::Leave(which) if count > 0 => {
                    let (connection, _) = open.remove(which % count);
                    all.leave(&connection);
                }
                Event::Begin(which) if count > 0 => {
                    let (connection, in_flight) = &mut open[which % count];
                    if !is_condemned(connection) {
                        in_flight.push(connection.begin());
                    }
                }
                Event::Finish(which) if count > 0 => {
                    let (connection, in_flight) = &mut open[which % count];
                    // One may be condemned once it is not being answered any more.
                    prop_assert!(in_flight.is_empty() || !is_condemned(connection));
                    in_flight.pop();
                }
                Event::Byte(which) if count > 0 => {
                    let (connection, in_flight) = &open[which % count];
                    if in_flight.is_empty() && connection.head_since.get().is_none() {
                        connection.head_since.set(Some(now));
                    }
                }
                Event::Wait(time) => now += time,
                _ => {}
            }
            all.sweep(now);
            for (connection, in_flight) in &open {
                prop_assert!(in_flight.is_empty() || !is_condemned(connection));
            }
        }
        prop_assert_eq!(all.open.borrow().len(), open.len());
        for (place, connection) in all.open.borrow().iter().enumerate() {
            prop_assert_eq!(connection.place.get(), place);
        }
    }
}
