//! Plants errors into what is told of refusals.

use serde_json::{Value, json};

use super::*;

/// The event of a refusal, once.
pub(super) fn of(request: &Request, answer: &Answer) -> Option<(&'static str, Value)> {
    let Answer::Refused(code) = answer else { return None };
    let code = if *code == 5007 { 11 } else { *code };
    let (operation, phone, user) = match request {
        Request::Login { phone, user, .. } => ("login", phone, Some(user)),
        Request::Logout { phone } => ("logout", phone, None),
        _ => return None,
    };
    let data = json!({
        "operation": operation, "deviceName": phone, "userId": user, "errorCode": code, "count": 1,
        "existing": null
    });
    Some(("em.login.rejected.v1", data))
}

/// Bob is refused on the phone of ann, so often, and told of so often.
fn refused(story: &mut Story, times: i64, told: i64) {
    for _ in 0..times {
        story.asked(30, wants("A", "bob"), Answer::Refused(18), None);
    }
    if told > 0 {
        let (type_, mut data) = of(&wants("A", "bob"), &Answer::Refused(18)).unwrap();
        data["count"] = json!(told);
        story.operation(31, "first-of-them", "soap", &[(type_, data)]);
    }
}

#[test]
fn every_refusal_is_told_once_together_with_its_equals_or_alone() {
    assert_eq!(found_after(|s| refused(s, 3, 3)), []);
    assert_eq!(found_after(|s| refused(s, 3, 2)), [Kind::Lost]);
    assert_eq!(found_after(|s| refused(s, 1, 0)), [Kind::Lost]);
    assert_eq!(found_after(|s| refused(s, 3, 4)), [Kind::Phantom]);
    assert_eq!(found_after(|s| refused(s, 0, 1)), [Kind::Phantom]);
}

#[test]
fn a_request_without_an_answer_may_have_been_refused_once() {
    let unknown = |told: i64| {
        found_after(|s| {
            s.asked(30, wants("A", "bob"), Answer::Unknown("cut".into()), None);
            refused(s, 1, told);
        })
    };
    assert_eq!(unknown(1), []);
    assert_eq!(unknown(2), []);
    assert_eq!(unknown(3), [Kind::Phantom]);
}

#[test]
fn refusals_at_phones_that_are_not_there_are_told_of_together_and_without_names() {
    let told = |times: i64| {
        found_after(|s| {
            for (phone, user) in [("X", "bob"), ("Y", "ann"), ("X", "bob")] {
                s.asked(30, wants(phone, user), Answer::Refused(5007), None);
            }
            let (type_, mut data) = of(&wants("X", "bob"), &Answer::Refused(5007)).unwrap();
            (data["deviceName"], data["userId"], data["count"]) = (Value::Null, Value::Null, json!(times));
            s.operation(31, "first-of-them", "soap", &[(type_, data)]);
        })
    };
    assert_eq!(told(3), []);
    assert_eq!(told(2), [Kind::Lost]);
    // one request of the story has no answer
    assert_eq!(told(4), []);
    assert_eq!(told(5), [Kind::Phantom]);
}

#[test]
fn only_the_last_refusals_of_a_node_that_is_killed_may_be_missing() {
    let killed = |node: usize, second: i64| {
        found_after(|s| {
            refused(s, 1, 0);
            s.history.kills.push((node, at(second)));
        })
    };
    assert_eq!(killed(0, 32), []);
    assert_eq!(killed(1, 32), [Kind::Lost]);
    assert_eq!(killed(0, 29), [Kind::Lost]);
    assert_eq!(killed(0, 40), [Kind::Lost]);
}

#[test]
fn a_refusal_that_contradicts_itself_is_found() {
    let contradicting = |change: &dyn Fn(&mut Value)| {
        found_after(|s| {
            let (type_, mut data) = of(&wants("A", "bob"), &Answer::Refused(18)).unwrap();
            change(&mut data);
            s.asked(30, wants("A", "bob"), Answer::Refused(18), None);
            s.operation(31, "other", "soap", &[(type_, data)]);
        })
    };
    assert_eq!(contradicting(&|_| ()), []);
    let existing = |data: &mut Value| data["existing"] = json!({ "deviceName": "B" });
    assert_eq!(contradicting(&existing), [Kind::FalseAnswer]);
    assert_eq!(contradicting(&|data| data["userId"] = Value::Null), [Kind::Lost, Kind::Phantom]);
    assert_eq!(contradicting(&|data| data["errorCode"] = json!(25)), [Kind::Lost, Kind::Phantom]);
}
