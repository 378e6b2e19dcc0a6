//! How programs really write their forms (extension-mobility.md 2): each of them is understood, and what nobody can mean is code 1.

use super::*;

/// The document that all of these send.
fn document() -> String {
    format!("<request>{}{}</request>", app("seats", PASSWORD), login(A1, "ada", ""))
}

/// Encodes everything that a form can encode.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test]
async fn every_way_in_which_programs_send_a_document_is_understood() {
    let site = site();
    let whole = document();
    let some = whole.replace('<', "%3C").replace('>', "%3e").replace('/', "%2F");
    let lines = whole.replace("><", ">\n  <");
    let cdata = whole.replace(PASSWORD, &format!("<![CDATA[{PASSWORD}]]>"));
    let blanks = whole
        .replace("ada", " ada\n")
        .replace(A1, &format!("\t{A1} "))
        .replace(PASSWORD, &format!("\n{PASSWORD} "));
    let declared = format!("<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n{whole}");
    let prefixed =
        whole.replace("<request>", "<x:request xmlns:x=\"urn:x\">").replace("</request>", "</x:request>");
    let app_last = format!("<request>{}{}</request>", login(A1, "ada", ""), app("seats", PASSWORD));
    let other_order = whole.replace(
        &login(A1, "ada", ""),
        &format!("<login><userID>ada</userID><deviceName>{A1}</deviceName></login>"),
    );
    let unknown = whole.replace(
        "<login>",
        "<extra a='1'><deviceName>x</deviceName></extra><login><loginType>UID</loginType>",
    );
    for form in [
        format!("xml={}", encoded(&whole)),
        format!("xml={some}"),
        format!("xml={some}\r\n"),
        format!("xml={whole}"),
        format!("xml=\n{whole}\n"),
        format!("xml= \r\n {whole} \r\n\r\n"),
        format!("xml=%0A{}%0D%0A++", encoded(&whole)),
        format!("xml={lines}"),
        format!("xml={}", encoded(&lines)),
        format!("xml={}", encoded(&cdata)),
        format!("xml={cdata}"),
        format!("xml={}", encoded(&blanks)),
        format!("xml={}", encoded(&declared)),
        format!("xml={declared}"),
        format!("xml={}", encoded(&format!("\u{FEFF}{whole}"))),
        format!("xml={}", encoded(&prefixed)),
        format!("xml={}", encoded(&app_last)),
        format!("xml={}", encoded(&other_order)),
        format!("xml={}", encoded(&unknown)),
        format!("xml={}", encoded(&format!("<!-- booked --> {whole} <!-- by us -->"))),
        format!(
            "appid=x&devicename=SEP1&userid=u&deviceprofile=p&password=%26xml%3D&xml={}",
            encoded(&whole)
        ),
        format!("appid=x&xml={whole}&submit=Send"),
        format!("submit=Send&xml={}&xmlns=1", encoded(&whole)),
    ] {
        assert_eq!(post(&site, form.clone()).await, SUCCESS, "{form}");
    }
    assert_eq!(site.story(), ["login SEP0000000000A1 ada"]);
}

#[tokio::test]
async fn references_in_a_document_that_is_not_encoded_are_no_ends_of_controls() {
    let site = site();
    let program = site.app_user("r&d", "this & that <1>");
    join(&site, program);
    let inside = login(A1, "ada", "");
    let document = format!("<request>{}{inside}</request>", app("r&amp;d", "this &amp; that &lt;1&gt;"));
    for form in
        [format!("xml={document}"), format!("a=b&xml={document}&c=d"), format!("xml={}", encoded(&document))]
    {
        assert_eq!(post(&site, form.clone()).await, SUCCESS, "{form}");
    }
}

#[tokio::test]
async fn any_content_type_a_header_for_basic_and_cookies_change_nothing() {
    let site = site();
    let body = format!("xml={}", encoded(&document())).into_bytes();
    for headers in [
        vec![],
        vec![("content-type", "text/xml")],
        vec![("content-type", "application/x-www-form-urlencoded; charset=UTF-8")],
        vec![("content-type", "application/x-www-form-urlencoded; charset=ISO-8859-1")],
        vec![
            ("content-type", "multipart/form-data"),
            ("authorization", "Basic !"),
            ("cookie", "JSESSIONID=x"),
        ],
        vec![("accept", "text/xml"), ("accept-encoding", "gzip, deflate")],
    ] {
        let sent = Sent { headers: headers.clone(), body: body.clone(), ..Sent::default() };
        assert_eq!(sent.answer(&site).await, SUCCESS, "{headers:?}");
    }
    let body = format!("xml={}", encoded(&document().replace("ada", "jörg"))).into_bytes();
    for charset in ["ISO-8859-1", "us-ascii", "utf-16", "nonsense"] {
        let content_type = format!("application/x-www-form-urlencoded; charset={charset}");
        let headers = vec![("content-type", content_type.as_str())];
        let sent = Sent { headers, body: body.clone(), ..Sent::default() };
        assert_eq!(sent.answer(&site).await, failure(1, "Error on Parsing"), "{charset}");
    }
}

#[tokio::test]
async fn a_get_carries_the_same_form() {
    let site = site();
    let get = |query: String| Sent { method: Method::GET, query, headers: vec![], ..Sent::default() };
    assert_eq!(get(format!("?xml={}", encoded(&document()))).answer(&site).await, SUCCESS);
    assert_eq!(get(format!("?a=b&xml={}&c", encoded(&document()))).answer(&site).await, SUCCESS);
    assert_eq!(get(String::new()).answer(&site).await, failure(1, "Error on Parsing"));
    assert_eq!(get("?xml=".to_owned()).answer(&site).await, failure(1, "Error on Parsing"));
    assert_eq!(site.story(), ["login SEP0000000000A1 ada"]);
}

#[tokio::test]
async fn what_nobody_can_mean_is_not_guessed() {
    let site = site();
    let (app, good) = (app("seats", PASSWORD), login(A1, "ada", ""));
    let request = |inside: &str| format!("<request>{inside}</request>");
    for document in [
        String::new(),
        "x".to_owned(),
        "<request".to_owned(),
        "<request/>".to_owned(),
        "<query/>".to_owned(),
        "<Request/>".to_owned(),
        "<emccRequest/>".to_owned(),
        request(&app),
        request(&good),
        request(&format!("{app}<login/>")),
        request(&format!("{app}<Login><deviceName>{A1}</deviceName><userID>ada</userID></Login>")),
        request(&format!("{app}<login><deviceName>{A1}</deviceName></login>")),
        request(&format!("{app}<login><userID>ada</userID></login>")),
        request(&format!("{app}<logout/>")),
        request(&format!("{app}<deviceUserQuery><deviceName>{A1}</deviceName></deviceUserQuery>")),
        // one of two would have to be believed
        request(&format!("{app}{app}{good}")),
        request(&format!("{app}{good}{good}")),
        request(&format!("{app}{good}{}", logout(A1))),
        request(&format!("{app}{good}"))
            .replace("</deviceName>", &format!("</deviceName><deviceName>{A2}</deviceName>")),
        request(&format!("{app}{good}")).replace("</userID>", "</userID><userID>bob</userID>"),
        request(&format!("{app}{good}")).replace("</appID>", "</appID><appID>seats</appID>"),
        request(&format!("{app}{good}"))
            .replace("</appInfo>", "<appCertificate>x</appCertificate></appInfo>"),
        request(&format!("{app}{good}"))
            .replace("</appInfo>", "<appEncryptedCertificate>x</appEncryptedCertificate></appInfo>"),
        request(&format!("{app}{good}")).replace("<appID>seats</appID>", ""),
        request(&format!("{app}{good}"))
            .replace("</login>", "<deviceProfile>a</deviceProfile><deviceProfile>b</deviceProfile></login>"),
        request(&format!("{app}{good}")).replace(
            "</login>",
            "<exclusiveDuration><time>1</time><indefinite/></exclusiveDuration></login>",
        ),
        request(&format!("{app}{good}")).replace(
            "</login>",
            "<exclusiveDuration><time>1</time><time>2</time></exclusiveDuration></login>",
        ),
        request(&format!("{app}{good}"))
            .replace("</login>", "<exclusiveDuration><time>-1</time></exclusiveDuration></login>"),
        request(&format!("{app}{good}"))
            .replace("</login>", "<exclusiveDuration><time>+1</time></exclusiveDuration></login>"),
        request(&format!("{app}{good}"))
            .replace("</login>", "<exclusiveDuration><time>8:00</time></exclusiveDuration></login>"),
        request(&format!("{app}{good}"))
            .replace("</login>", "<exclusiveDuration><time/></exclusiveDuration></login>"),
        request(&format!("{app}{good}"))
            .replace("</login>", "<exclusiveDuration><time>4294967296</time></exclusiveDuration></login>"),
        request(&format!("{app}{good}"))
            .replace("</login>", "<isViaHeaderSet>perhaps</isViaHeaderSet></login>"),
        request(&format!("{app}{good}"))
            .replace("</login>", "<remoteIPAddr>10.0.0.1</remoteIPAddr><remoteIPAddr/></login>"),
        format!(
            "<!DOCTYPE request SYSTEM 'http://127.0.0.1:1/LoginRequest.dtd'>{}",
            request(&format!("{app}{good}"))
        ),
        format!("{0}{0}", request(&format!("{app}{good}"))),
        request(&format!("{app}{good}&nbsp;")),
        format!("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>{}", request(&format!("{app}{good}"))),
        format!(" x{}", request(&format!("{app}{good}"))),
    ] {
        assert_eq!(post(&site, format!("xml={}", encoded(&document))).await, failed(&document), "{document}");
    }
    for form in
        ["".to_owned(), "a=b".to_owned(), format!("XML={}", encoded(&request(&format!("{app}{good}"))))]
    {
        assert_eq!(post(&site, form.clone()).await, failure(1, "Error on Parsing"), "{form}");
    }
    let twice = format!("xml={0}&xml={0}", encoded(&request(&format!("{app}{good}"))));
    assert_eq!(post(&site, twice.clone()).await, failure(1, "Error on Parsing"));
    let once = format!("xml={}", encoded(&request(&format!("{app}{good}"))));
    for in_address in [format!("?{once}"), format!("?{twice}")] {
        let sent = Sent { query: in_address, body: once.clone().into_bytes(), ..Sent::default() };
        assert_eq!(sent.answer(&site).await, failure(1, "Error on Parsing"));
    }
    let latin1 = [b"xml=".as_slice(), request(&format!("{app}{good}")).as_bytes(), b"<!-- \xF6 -->"].concat();
    assert_eq!(post(&site, latin1).await, failure(1, "Error on Parsing"));
    let nul = format!("xml={}", encoded(&request(&format!("{app}{good}")).replace("ada", "a\0da")));
    assert_eq!(post(&site, nul).await, failure(1, "Error on Parsing"));
    assert!(site.events().is_empty());
}

/// Code 1, as the document asked for it.
fn failed(document: &str) -> String {
    let failure = if document.starts_with("<query") { query_failure } else { failure };
    failure(1, "Error on Parsing")
}
