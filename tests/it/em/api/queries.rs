//! The four queries, with many names and with none that is known.

use diesel::prelude::*;
use emgate::store::{StoreError, schema};

use super::*;

fn results(name: &str, lines: &[&str]) -> String {
    format!("<response>\n<{name}>\n{}\n</{name}>\n</response>\n", lines.join("\n"))
}

#[tokio::test]
async fn who_is_on_phones_comes_in_three_lines_a_phone() {
    let site = site();
    site.user("r.kumar@example.net", &[site.profile("UDP_kumar")]);
    let ask = |names: &[&str]| {
        let names: String = names.iter().map(|name| format!("<deviceName>{name}</deviceName>")).collect();
        format!("<deviceUserQuery>{names}<remoteIPAddr>10.0.0.1</remoteIPAddr></deviceUserQuery>")
    };
    let free = ["<none/>", "<none/>", "<emccDevice>no</emccDevice>", "</device>"];
    assert_eq!(
        query(&site, &ask(&["sep0000000000a1"])).await,
        results("deviceUserResults", &[&["<device name=\"SEP0000000000A1\">"], &free[..]].concat())
    );
    request(&site, &login(A1, "bob", "")).await;
    request(&site, &logout(A1)).await;
    request(&site, &login(A1, "r.kumar@example.net", "")).await;
    assert_eq!(
        query(&site, &ask(&[A2, A1, "Lobby&lt;1&gt;", A2])).await,
        results(
            "deviceUserResults",
            &[
                &["<device name=\"SEP0000000000A2\">"],
                &free[..],
                &[
                    "<device name=\"SEP0000000000A1\">",
                    "<userID>r.kumar%40example.net</userID>",
                    "<lastlogin>bob</lastlogin>",
                    "<emccDevice>no</emccDevice>",
                    "</device>",
                    "<device name=\"Lobby&lt;1&gt;\">",
                    "<doesNotExist/>",
                    "</device>",
                    "<device name=\"SEP0000000000A2\">",
                ],
                &free[..],
            ]
            .concat()
        )
    );
    request(&site, &logout(A1)).await;
    let answer = query(&site, &ask(&[A1])).await;
    assert!(answer.contains("\n<none/>\n<lastlogin>r.kumar@example.net</lastlogin>\n"), "{answer}");
}

#[tokio::test]
async fn where_people_are_comes_in_a_line_a_phone() {
    let site = site();
    request(&site, &login(A2, "ada", "")).await;
    assert_eq!(
        query(
            &site,
            "<userDevicesQuery><userID>ADA</userID><userID>bob</userID><userID>no@body</userID><userID>a%2564a</userID></userDevicesQuery>"
        )
        .await,
        results(
            "userDevicesResults",
            &[
                "<user id=\"ada\">",
                "<deviceName>SEP0000000000A2</deviceName>",
                "</user>",
                "<user id=\"bob\">",
                "<none/>",
                "</user>",
                "<user id=\"no%40body\">",
                "<doesNotExist/>",
                "</user>",
                "<user id=\"ada\">",
                "<deviceName>SEP0000000000A2</deviceName>",
                "</user>",
            ]
        )
    );
}

#[tokio::test]
async fn whether_people_are_known_is_told() {
    let site = site();
    site.user("em@cisco.com", &[]);
    assert_eq!(
        query(&site, "<checkUser><userID>em@cisco.com</userID><userID>nobody</userID><isViaHeaderSet>false</isViaHeaderSet></checkUser>").await,
        results(
            "checkUserResults",
            &[
                "<user id=\"em%40cisco.com\">",
                "<exists>em%40cisco.com</exists>",
                "</user>",
                "<user id=\"nobody\">",
                "<doesNotExist/>",
                "</user>",
            ]
        )
    );
    let nobody = |id: &str| {
        results("checkUserResults", &[&format!("<user id=\"{id}\">"), "<doesNotExist/>", "</user>"])
    };
    let check = |id: &str| format!("<checkUser><userID>{id}</userID></checkUser>");
    assert_eq!(query(&site, &check("ada%2500")).await, nobody("ada%2500"), "it stands for no user id");
    let ada =
        site.em.db().read(|tx| objects::find(tx, "User", &Selector::name("ada"))).await.unwrap().unwrap();
    site.write(|tx| {
        diesel::update(schema::users::table.find(ada.pk))
            .set(schema::users::home_cluster.eq(false))
            .execute(tx.connection())
            .map_err(StoreError::from)
    });
    assert_eq!(query(&site, &check("ada")).await, nobody("ada"), "their home is another cluster");
}

#[tokio::test]
async fn profiles_come_with_their_default_under_both_names_of_the_query() {
    use diesel::prelude::*;
    use emgate::store::schema::users;
    let site = site();
    let (one, two) = (site.profile("UDP & 1"), site.profile("UDP 2"));
    let many = site.user("many", &[two, one]);
    site.user("none", &[]);
    site.write(|tx| {
        let row = diesel::update(users::table.find(many));
        row.set(users::default_profile_pk.eq(one.0)).execute(tx.connection())?;
        Ok(())
    });
    let expected = results(
        "deviceProfileResults",
        &[
            "<user id=\"many\">",
            "<deviceProfile>",
            "<deviceProfileName>UDP 2</deviceProfileName>",
            "<isDefaultDeviceProfile>f</isDefaultDeviceProfile>",
            "</deviceProfile>",
            "<deviceProfile>",
            "<deviceProfileName>UDP &amp; 1</deviceProfileName>",
            "<isDefaultDeviceProfile>t</isDefaultDeviceProfile>",
            "</deviceProfile>",
            "</user>",
            "<user id=\"none\">",
            "<none/>",
            "</user>",
            "<user id=\"nobody\">",
            "<doesNotExist/>",
            "</user>",
        ],
    );
    for name in ["deviceProfileQuery", "userDeviceProfileQuery"] {
        let ask =
            format!("<{name}><userID>many</userID><userID>none</userID><userID>nobody</userID></{name}>");
        assert_eq!(query(&site, &ask).await, expected, "{name}");
    }
}

#[tokio::test]
async fn five_hundred_names_are_one_question() {
    let site = site();
    let names: String = (0..499).map(|n| format!("<userID>u{n}</userID>")).collect();
    let answer = query(&site, &format!("<checkUser>{names}<userID>ada</userID></checkUser>")).await;
    assert_eq!(answer.matches("<doesNotExist/>").count(), 499);
    assert!(
        answer.ends_with("<exists>ada</exists>\n</user>\n</checkUserResults>\n</response>\n"),
        "{answer}"
    );
}
