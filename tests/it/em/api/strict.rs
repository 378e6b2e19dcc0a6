//! The strict switch: documents as the grammar says, element by element, or code 1.

use super::*;

#[tokio::test]
async fn strict_documents_are_the_published_ones_and_no_others() {
    let site = site();
    let all = "<deviceProfile>UDP_ada</deviceProfile><exclusiveDuration><time>480</time></exclusiveDuration>\
               <remoteIPAddr>192.0.2.17</remoteIPAddr><isViaHeaderSet>false</isViaHeaderSet>";
    let good = [
        (login(A1, "ada", ""), false),
        (login(A1, "ada", all), false),
        (login(A1, "ada", "<exclusiveDuration><indefinite/></exclusiveDuration>"), false),
        (login(A1, "ada", "").replace("><", ">\n  <"), false),
        (logout(A1), false),
        ("<logoutAll/>".to_owned(), false),
        ("<logoutAll><remoteIPAddr>192.0.2.17</remoteIPAddr></logoutAll>".to_owned(), false),
        (
            format!(
                "<deviceUserQuery><deviceName>{A1}</deviceName><deviceName>{A2}</deviceName></deviceUserQuery>"
            ),
            true,
        ),
        (
            format!(
                "<deviceUserQuery><deviceName>{A1}</deviceName><loginType>UID</loginType></deviceUserQuery>"
            ),
            true,
        ),
        ("<userDevicesQuery><userID>ada</userID></userDevicesQuery>".to_owned(), true),
        ("<checkUser><userID>ada</userID><isViaHeaderSet>true</isViaHeaderSet></checkUser>".to_owned(), true),
        ("<deviceProfileQuery><userID>ada</userID></deviceProfileQuery>".to_owned(), true),
        ("<userDeviceProfileQuery><userID>ada</userID></userDeviceProfileQuery>".to_owned(), true),
    ];
    let lenient = [
        (login(A1, "ada", "<extra/>"), false),
        (
            login(A1, "ada", "<isViaHeaderSet>false</isViaHeaderSet><remoteIPAddr>192.0.2.17</remoteIPAddr>"),
            false,
        ),
        (login(A1, "ada", "<exclusiveDuration/>"), false),
        (login(A1, "ada", "<exclusiveDuration><indefinite>x</indefinite></exclusiveDuration>"), false),
        (login(A1, "ada", "").replace("<userID>", "text<userID>"), false),
        (login(A1, "ada", "").replace("<userID>", "<userID type='x'>"), false),
        (format!("<login><userID>ada</userID><deviceName>{A1}</deviceName></login>"), false),
        (logout(A1).replace("</logout>", "<userID>ada</userID></logout>"), false),
        (format!("{}<extra/>", login(A1, "ada", "")), false),
        ("<logoutAll><deviceName>x</deviceName></logoutAll>".to_owned(), false),
        (
            format!(
                "<deviceUserQuery><loginType>UID</loginType><deviceName>{A1}</deviceName></deviceUserQuery>"
            ),
            true,
        ),
        (
            "<userDevicesQuery><userID>ada</userID><isViaHeaderSet>true</isViaHeaderSet></userDevicesQuery>"
                .to_owned(),
            true,
        ),
        ("<checkUser><userID>ada<x/></userID></checkUser>".to_owned(), true),
    ];
    for strict in ["F", "T"] {
        site.parameter("StrictEMServiceRequests", strict);
        for (documents, are_good) in [(&good, true), (&lenient, false)] {
            for (inside, is_query) in documents {
                request(&site, &login(A1, "ada", "")).await;
                let answer =
                    if *is_query { query(&site, inside).await } else { request(&site, inside).await };
                let is_refused = answer.contains("<error code=\"1\">Error on Parsing</error>");
                assert_eq!(is_refused, strict == "T" && !are_good, "{strict} {inside}: {answer}");
                assert_eq!(answer.contains("<error"), is_refused, "{strict} {inside}: {answer}");
            }
        }
        let app_last = format!("xml=<request><logoutAll/>{}</request>", app("seats", PASSWORD));
        assert_eq!(post(&site, app_last).await == SUCCESS, strict == "F");
    }
}
