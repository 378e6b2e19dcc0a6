//! Bad requests of phones: no difference between what is unknown and what is wrong, nothing of the request in the answer.

use crate::support::http::{Answer, request};

use super::target::{MARK, PHONE, Target};

const PAGE: &str = "/emapp/EMAppServlet";

fn ask(target: &Target, query: &str) -> Answer {
    target.phone.get(&format!("{PAGE}?{query}"))
}

#[test]
fn a_query_that_cannot_be_meant_has_its_number_and_is_not_repeated() {
    let mut target = Target::start();
    let known = format!("device={PHONE}");
    let long = "a".repeat(3000);
    let cases: Vec<(String, u16)> = vec![
        (String::new(), 207),
        ("device=".into(), 207),
        ("device=%20".into(), 207),
        ("Device=SEP1".into(), 207),
        ("DEVICE=SEP1".into(), 207),
        (format!("userid={MARK}&seq=1"), 207),
        ("device=SEP1".into(), 11),
        (format!("device={long}"), 11),
        ("device=SEP%00".into(), 11),
        ("device=SEP%0a1".into(), 11),
        ("device=%E4%F6".into(), 11),
        ("device=%ff%fe".into(), 11),
        ("device=%".into(), 11),
        ("device=%zz".into(), 11),
        ("device=%3Cx%3E".into(), 11),
        ("device='+OR+1=1--".into(), 11),
        ("device=../../etc/passwd".into(), 11),
        (format!("{known}&device={PHONE}"), 1),
        (format!("{known}&userid=ada&userid=ada&seq=1"), 1),
        (format!("{known}&userid=ada&seq=24680&seq=24680"), 1),
        (format!("{known}&doLogout=true&doLogout=true"), 1),
        (format!("{known}&loginType=UID&loginType=DN"), 1),
        (format!("{known}&loginType={MARK}"), 215),
        (format!("{known}&userid=ada"), 202),
        (format!("{known}&seq=24680"), 202),
        (format!("{known}&userid=&seq=24680"), 202),
        (format!("{known}&userid=%20&seq=24680"), 202),
        (format!("{known}&userid=ada&seq="), 202),
        ("device=SEP1&userid=ada&seq=24680".into(), 11),
        ("device=SEP1&doLogout=true".into(), 11),
    ];
    target.unchanged(|target| {
        for (query, number) in cases {
            let answer = ask(target, &query);
            assert_eq!(answer.status, 200, "{query}");
            assert!(answer.body.contains(&format!("Error {number} ")), "{query}: {}", answer.body);
            for said in [MARK, "24680", "passwd", "aaaa"] {
                assert!(!answer.body.contains(said), "{query}: {}", answer.body);
            }
        }
        for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "FOO"] {
            let answer =
                target.phone.request(method, &format!("{PAGE}?{known}&userid=ada&seq=24680"), &[], "");
            assert_eq!(answer.status, 405, "{method}");
        }
    });
}

#[test]
fn unknown_wrong_malformed_and_locked_are_one_answer() {
    let target = Target::start();
    let login = |user: &str, pin: &str| ask(&target, &format!("device={PHONE}&userid={user}&seq={pin}"));
    let wrong = login("ada", "99999");
    assert!(wrong.body.contains("(201)"), "{}", wrong.body);
    let hidden = |answer: Answer| {
        let fields = answer.headers.into_iter().filter(|(name, _)| name != "x-request-id" && name != "date");
        (answer.status, fields.collect::<std::collections::BTreeMap<_, _>>(), answer.body)
    };
    let wrong = hidden(wrong);
    // The third failure locks; from then on the right PIN is refused alike.
    for (user, pin) in [
        ("nobody", "24680"),
        ("ada", "abc"),
        ("ada", &"1".repeat(65)),
        ("a%00da", "24680"),
        ("ada", "%D9%A1%D9%A2"),
        ("ada", "11111"),
        ("ada", "22222"),
        ("ada", "24680"),
    ] {
        assert_eq!(hidden(login(user, pin)), wrong, "{user} {pin}");
    }
}

#[test]
fn a_head_of_the_wrong_kind_is_no_way_around() {
    let target = Target::start();
    let target_path = format!("{PAGE}?device={PHONE}");
    for raw in [
        format!("GET {target_path} HTTP/1.1\r\n\r\n"),
        format!("GET {target_path} HTTP/9.9\r\nHost: localhost\r\n\r\n"),
        format!("GET  {target_path} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        format!("{target_path}\r\n\r\n"),
        request("GET", &format!("{PAGE}?device=\u{1}"), &[], ""),
        "\r\n".repeat(50),
    ] {
        let mut connection = target.phone.open();
        connection.send(&raw);
        connection.send("GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let answer = connection.answer();
        assert!(answer.as_ref().is_none_or(|a| a.status >= 400), "{raw}: {answer:?}");
    }
    assert_eq!(target.panics(), "0");
}
