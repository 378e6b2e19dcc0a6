//! Lookups that many requests share: never older than the question, and no harm to others when one fails.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use emgate::domain::ids::PhonePk;
use emgate::store::gathered::Gathered;
use emgate::store::names::{self, Named, Names, Resolved};
use emgate::store::objects::Selector;
use emgate::store::presence::{Lanes, Question};
use emgate::store::{StoreError, Tx};

use crate::support::site::Site;
use crate::support::waiting::{await_true, in_time};

fn named(phone: &str) -> Names {
    Names { phone: by_name(phone), user: None, profile: None }
}

fn by_name<K>(name: &str) -> Named<K> {
    Named::By(Selector::name(name))
}

fn resolve(tx: &mut Tx<'_>, keys: &[Names]) -> Result<Vec<Resolved>, StoreError> {
    names::resolve(tx, &keys.iter().collect::<Vec<_>>())
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

#[test]
fn what_was_committed_before_the_question_is_in_the_answer() {
    let site = Site::new();
    let gathered = Gathered::start(&site.db, resolve);
    let done = AtomicBool::new(false);
    runtime().block_on(async {
        let noise = async {
            while !done.load(Ordering::SeqCst) {
                let others = (0..8).map(|n| gathered.ask(named(&format!("SEP00112233000{n}"))));
                futures_util::future::join_all(others).await.into_iter().for_each(|one| assert!(one.is_ok()));
            }
        };
        let questions = async {
            for n in 0..100 {
                let name = format!("SEP0011223344{n:02X}");
                assert_eq!(gathered.ask(named(&name)).await.unwrap().phone, None);
                let phone = tokio::task::block_in_place(|| site.phone(&name));
                assert_eq!(gathered.ask(named(&name)).await.unwrap().phone, Some(phone));
            }
            done.store(true, Ordering::SeqCst);
        };
        in_time(async { tokio::join!(noise, questions) }).await;
    });
}

static KEYS_LOOKED_UP: AtomicUsize = AtomicUsize::new(0);

fn slowly(_: &mut Tx<'_>, keys: &[u64]) -> Result<Vec<u64>, StoreError> {
    KEYS_LOOKED_UP.fetch_add(keys.len(), Ordering::SeqCst);
    std::thread::sleep(Duration::from_millis(50));
    Ok(keys.iter().map(|key| key * 2).collect())
}

#[test]
fn equal_keys_of_one_moment_are_looked_up_once() {
    let site = Site::new();
    let gathered = Gathered::start(&site.db, slowly);
    let answers = runtime().block_on(async {
        let asked = (0..100).map(|n| gathered.ask(n % 5));
        in_time(futures_util::future::join_all(asked)).await
    });
    for (n, answer) in (0..).zip(answers) {
        assert_eq!(answer.unwrap(), n % 5 * 2);
    }
    // the first statement may begin with fewer than all of them
    let looked_up = KEYS_LOOKED_UP.load(Ordering::SeqCst);
    assert!((5..=10).contains(&looked_up), "{looked_up}");
}

#[test]
fn a_connection_that_was_cut_is_made_anew_unnoticed() {
    let site = Site::new();
    let phone = site.phone("SEP001122334455");
    let gathered = Gathered::start(&site.db, resolve);
    let ask = || runtime().block_on(in_time(gathered.ask(named("sep001122334455")))).unwrap().phone;
    for _ in 0..3 {
        assert_eq!(ask(), Some(phone));
        site.db
            .connect()
            .unwrap()
            .batch_execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() \
                 AND pid <> pg_backend_pid() AND query LIKE '%find_object_keys%'",
            )
            .unwrap();
    }
}

static GATE: std::sync::Mutex<()> = std::sync::Mutex::new(());
static BEHIND_THE_GATE: AtomicUsize = AtomicUsize::new(0);

fn behind_the_gate(_: &mut Tx<'_>, keys: &[u64]) -> Result<Vec<u64>, StoreError> {
    let _open = GATE.lock().unwrap();
    BEHIND_THE_GATE.fetch_add(keys.len(), Ordering::SeqCst);
    Ok(keys.to_vec())
}

#[test]
fn who_gave_up_while_the_database_did_not_answer_is_forgotten() {
    let site = Site::new();
    let gathered = Gathered::start(&site.db, behind_the_gate);
    let runtime = runtime();
    let closed = GATE.lock().unwrap();
    {
        let _inside = runtime.enter();
        for key in 0..50_000 {
            // asks, and goes without waiting
            assert!(futures_util::FutureExt::now_or_never(gathered.ask(key)).is_none());
        }
    }
    let last = runtime.spawn(async move { gathered.ask(77_777).await });
    drop(closed);
    assert_eq!(runtime.block_on(in_time(last)).unwrap().unwrap(), 77_777);
    let looked_up = BEHIND_THE_GATE.load(Ordering::SeqCst);
    assert!(looked_up <= 10_000, "{looked_up} of 50,001 were kept");
}

fn clumsily(tx: &mut Tx<'_>, keys: &[i64]) -> Result<Vec<i64>, StoreError> {
    match keys {
        [0, ..] => panic!("a mistake of ours"),
        [1, ..] => Ok(Vec::new()),
        [2, ..] => tx.connection().batch_execute("SELECT 1/0").map(|()| Vec::new()).map_err(Into::into),
        [3, ..] => {
            tx.connection().batch_execute("CREATE TABLE t ()").map(|()| Vec::new()).map_err(Into::into)
        }
        _ => Ok(keys.to_vec()),
    }
}

#[test]
fn one_that_fails_fails_alone_and_nothing_can_be_written() {
    let site = Site::new();
    let gathered = Gathered::start(&site.db, clumsily);
    let runtime = runtime();
    for wrong in 0..4 {
        let refused = runtime.block_on(in_time(gathered.ask(wrong)));
        assert!(matches!(refused, Err(StoreError::Broken(_))), "{wrong}: {refused:?}");
        assert_eq!(runtime.block_on(in_time(gathered.ask(7))).unwrap(), 7);
    }
}

fn all_but_one(tx: &mut Tx<'_>, keys: &[i64]) -> Result<Vec<i64>, StoreError> {
    std::thread::sleep(Duration::from_millis(50));
    if keys.contains(&4) {
        tx.connection().batch_execute("SELECT 1/0")?;
    }
    Ok(keys.to_vec())
}

#[test]
fn what_cannot_be_read_does_not_fail_who_asks_beside_it() {
    let site = Site::new();
    let gathered = Gathered::start(&site.db, all_but_one);
    let answers = runtime().block_on(async {
        in_time(futures_util::future::join_all((0..8).map(|key| gathered.ask(key)))).await
    });
    for (key, answer) in (0..).zip(answers) {
        match answer {
            Ok(value) => assert!(value == key && key != 4),
            Err(error) => assert!(matches!(error, StoreError::Broken(_)) && key == 4, "{key}: {error}"),
        }
    }
}

#[test]
fn phones_users_and_profiles_are_found_by_name_and_by_uuid() {
    let site = Site::new();
    let profile = site.profile("UDP");
    let (phone, user) = (site.phone("SEP001122334455"), site.user("ann", &[profile]));
    let all = Names {
        phone: by_name("SEP001122334455"),
        user: Some(by_name("ANN")),
        profile: Some(by_name("udp")),
    };
    let known = Names { phone: Named::Known(phone), user: Some(Named::Known(user)), profile: None };
    let swapped = Names { phone: by_name("ann"), user: Some(by_name("UDP")), profile: None };
    let none = Names { profile: Some(Named::By(Selector::Uuid(uuid::Uuid::nil()))), ..named("SEP0") };
    let gathered = Gathered::start(&site.db, resolve);
    let found = runtime().block_on(async {
        let asked = [all, known, swapped, none].map(|names| gathered.ask(names));
        in_time(futures_util::future::join_all(asked)).await
    });
    let found: Vec<Resolved> = found.into_iter().map(Result::unwrap).collect();
    assert_eq!(found[0], Resolved { phone: Some(phone), user: Some(user), profile: Some(profile) });
    assert_eq!(found[1], Resolved { profile: None, ..found[0] });
    assert_eq!(found[2..], [Resolved::default(), Resolved::default()]);
    assert_ne!(phone, PhonePk(0));
}

static LONG_LOOKED_UP: AtomicUsize = AtomicUsize::new(0);

/// Takes half a second for a long question.
fn slowly_when_long(_: &mut Tx<'_>, questions: &[Question]) -> Result<Vec<Vec<usize>>, StoreError> {
    let long = questions.iter().filter(|names| names.len() > 100).count();
    LONG_LOOKED_UP.fetch_add(long, Ordering::SeqCst);
    std::thread::sleep(Duration::from_millis(500) * u32::try_from(long).unwrap());
    Ok(questions.iter().map(|names| vec![names.len()]).collect())
}

#[test]
fn short_questions_do_not_wait_for_long_ones() {
    let site = Site::new();
    let lanes = Lanes::start(&site.db, slowly_when_long);
    let names = |count: usize| (0..count).map(|n| n.to_string()).collect::<Vec<_>>();
    runtime().block_on(async {
        let long = futures_util::future::join_all((500..504).map(|count| lanes.ask(names(count))));
        let short = async {
            for _ in 0..20 {
                assert_eq!(lanes.ask(names(1)).await.unwrap(), [1]);
            }
            LONG_LOOKED_UP.load(Ordering::SeqCst)
        };
        let (long, looked_up) = in_time(async { tokio::join!(long, short) }).await;
        assert_eq!(long.into_iter().map(|one| one.unwrap()[0]).collect::<Vec<_>>(), [500, 501, 502, 503]);
        assert!(looked_up < 4, "twenty short ones were over before the last long one began");
    });
}

static WRITE_GATE: std::sync::Mutex<()> = std::sync::Mutex::new(());
static WRITTEN: std::sync::Mutex<Vec<Vec<u64>>> = std::sync::Mutex::new(Vec::new());
static BEGUN: AtomicBool = AtomicBool::new(false);

fn note(_: &mut Tx<'_>, keys: &[u64]) -> Result<Vec<u64>, StoreError> {
    BEGUN.store(true, Ordering::SeqCst);
    let _open = WRITE_GATE.lock().unwrap();
    WRITTEN.lock().unwrap().push(keys.to_vec());
    // a key above a hundred: the answer got lost
    if keys.iter().any(|key| *key > 100) {
        return Err(StoreError::Unavailable("cut".into()));
    }
    Ok(keys.to_vec())
}

#[test]
fn every_write_is_made_once_but_those_whose_callers_have_gone() {
    let site = Site::new();
    let gathered = Gathered::writing(&site.db, note);
    let runtime = runtime();
    let closed = WRITE_GATE.lock().unwrap();
    let ask = |key: u64| {
        let gathered = gathered.clone();
        runtime.spawn(async move { gathered.ask(key).await })
    };
    let first = ask(1);
    await_true(Duration::from_secs(30), "the first write has begun", || BEGUN.load(Ordering::SeqCst));
    let (mut equal, mut gone) = (Vec::new(), Vec::new());
    {
        let _inside = runtime.enter();
        equal.extend((0..3).map(|_| Box::pin(gathered.ask(7))));
        gone.extend((0..3).map(|_| Box::pin(gathered.ask(9))));
        for asked in equal.iter_mut().chain(&mut gone) {
            assert!(futures_util::FutureExt::now_or_never(asked).is_none());
        }
    }
    drop(gone);
    drop(closed);
    let answers = runtime.block_on(in_time(futures_util::future::join_all(equal)));
    assert_eq!(answers.into_iter().map(Result::unwrap).collect::<Vec<_>>(), [7, 7, 7]);
    assert_eq!(runtime.block_on(in_time(first)).unwrap().unwrap(), 1);
    let mut written = WRITTEN.lock().unwrap().concat();
    written.sort_unstable();
    assert_eq!(written, [1, 7, 7, 7]);
    // nobody can say whether it was written: it is not written again
    assert!(matches!(runtime.block_on(in_time(ask(101))).unwrap(), Err(StoreError::Unavailable(_))));
    assert_eq!(WRITTEN.lock().unwrap().concat().iter().filter(|key| **key == 101).count(), 1);
    assert_eq!(runtime.block_on(in_time(ask(2))).unwrap().unwrap(), 2);
}
